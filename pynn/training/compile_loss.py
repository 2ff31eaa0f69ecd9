"""The loss of a whole model: the weighted sum of the losses of its outputs."""

from __future__ import annotations

from typing import Any, NamedTuple

from pynn import metrics, ops, tree
from pynn.losses import Loss
from pynn.training.resolve import loss_for_model, resolve_loss
from pynn.training.structures import Outputs

_WHO = "pynn.Model.compile"


class _Entry(NamedTuple):
    """One loss of one output."""

    output: int
    loss: Loss
    weight: Any
    name: str


class CompileLoss(Loss):
    """Computes the loss that `compile` described, once the outputs are known.

    Args:
        loss: a loss for all outputs, or a structure of losses (list, dict by output name, or the
            structure of the outputs); `None` entries leave an output without a loss.
        loss_weights: numbers in the structure of `loss`.
        output_names: the names of a functional model's outputs.

    Raises:
        ValueError: when called, if losses, targets and outputs do not fit together.
    """

    def __init__(
        self, loss: Any, loss_weights: Any = None, output_names: list[str] | None = None
    ) -> None:
        super().__init__(name="compile_loss")
        if isinstance(loss_weights, str):
            raise ValueError(
                f"{_WHO}: expected loss_weights to be numbers; received {loss_weights!r}"
            )
        self._user_loss = loss
        self._user_weights = loss_weights
        self._output_names = output_names
        self._entries: list[_Entry] = []
        self.metrics: list[metrics.Metric] = []
        self.built = False

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Resolves names and structures for outputs like `y_pred`."""
        outputs = Outputs(y_pred, self._output_names)
        chosen = self._losses_per_output(outputs)
        targets = outputs.distribute(
            "pynn.Model", "y", y_true, [bool(of_output) for of_output in chosen]
        )
        weights = self._weights_per_output(outputs, chosen)
        self._entries = []
        for index, of_output in enumerate(chosen):
            for position, identifier in enumerate(of_output):
                loss = resolve_loss(identifier, targets[index], outputs.tensors[index])
                weight = weights[index][position]
                self._entries.append(_Entry(index, loss, weight, outputs.label(index, loss.name)))
        if not self._entries:
            raise ValueError(f"{_WHO}: expected a loss for at least one output; received none")
        if len(self._entries) > 1:
            self.metrics = [metrics.Mean(name=f"{entry.name}_loss") for entry in self._entries]
        self.built = True

    def _losses_per_output(self, outputs: Outputs) -> list[list[Any]]:
        loss = self._user_loss
        if not tree.is_nested(loss):
            return [[loss] for _ in range(len(outputs))]
        if len(outputs) == 1 and isinstance(loss, list | tuple) and not outputs.paths[0]:
            return [[one for one in loss if one is not None]]
        spread = outputs.distribute(_WHO, "loss", loss)
        return [[] if one is None else _as_list(one) for one in spread]

    def _weights_per_output(self, outputs: Outputs, chosen: list[list[Any]]) -> list[list[Any]]:
        weights = self._user_weights
        if weights is None:
            return [[None] * len(of_output) for of_output in chosen]
        if len(outputs) == 1:
            flat = tree.flatten(weights)
            if len(flat) != len(chosen[0]):
                raise ValueError(
                    f"{_WHO}: expected {len(chosen[0])} loss_weights; received {len(flat)}"
                )
            return [flat]
        spread = outputs.distribute(_WHO, "loss_weights", weights)
        return [
            _as_list(one) * len(of_output) for one, of_output in zip(spread, chosen, strict=True)
        ]

    @property
    def variables(self) -> list[Any]:
        """The variables of the losses' own trackers."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def __call__(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, model: Any = None
    ) -> Any:
        """Returns the total loss, a scalar, and tracks each loss if there are several.

        `model` is for losses that ask for it.
        """
        return self.call(y_true, y_pred, sample_weight, model)

    def call(self, y_true: Any, y_pred: Any, sample_weight: Any = None, model: Any = None) -> Any:
        """See `__call__`."""
        if not self.built:
            self.build(y_true, y_pred)
        outputs = Outputs(y_pred, self._output_names)
        needed = [False] * len(outputs)
        for entry in self._entries:
            needed[entry.output] = True
        targets = outputs.distribute("pynn.Model", "y", y_true, needed)
        weights = spread_weights(outputs, sample_weight, needed)
        total = None
        for index, entry in enumerate(self._entries):
            tensor = outputs.tensors[entry.output]
            if targets[entry.output] is None:
                raise ValueError(
                    f"pynn.Model: expected a target for output {entry.name!r}, which has a loss; "
                    "received none"
                )
            loss = loss_for_model(entry.loss, model)
            value = loss(targets[entry.output], tensor, weights[entry.output])
            value = ops.cast(value, self.dtype)
            if self.metrics:
                self.metrics[index].update_state(value, sample_weight=tensor.shape[0])
            if entry.weight is not None:
                value = value * entry.weight
            total = value if total is None else total + value
        return total

    def get_config(self) -> dict[str, Any]:
        """Not available: the model's compile config holds the arguments."""
        raise NotImplementedError("pynn: expected the model's compile config; received its loss")


def spread_weights(
    outputs: Outputs, sample_weight: Any, needed: list[bool] | None = None
) -> list[Any]:
    """Returns one sample weight per output; a single one serves all of them."""
    if sample_weight is None or not tree.is_nested(sample_weight):
        return [sample_weight] * len(outputs)
    if not isinstance(sample_weight, dict) and len(sample_weight) == 1:
        return list(sample_weight) * len(outputs)
    return outputs.distribute("pynn.Model", "sample_weight", sample_weight, needed)


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
