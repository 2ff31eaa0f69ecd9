"""The metrics of a whole model, by output."""

from __future__ import annotations

from typing import Any, NamedTuple

from pynn import metrics as metrics_module
from pynn import tree
from pynn.training.compile_loss import spread_weights
from pynn.training.resolve import resolve_metric
from pynn.training.structures import Outputs

_WHO = "pynn.Model.compile"


class _Entry(NamedTuple):
    """One metric of one output."""

    output: int
    metric: metrics_module.Metric
    prefix: str | None
    weighted: bool


class CompileMetrics(metrics_module.Metric):
    """Updates the metrics that `compile` described, once the outputs are known.

    Args:
        metrics: a list for a single output; else a list with one entry per output, a dict by
            output name, or the structure of the outputs.
        weighted_metrics: the same, for metrics that get the sample weights.
        output_names: the names of a functional model's outputs.

    Raises:
        ValueError: for another type, and when called, if metrics and outputs do not fit together.
    """

    def __init__(
        self, metrics: Any, weighted_metrics: Any, output_names: list[str] | None = None
    ) -> None:
        super().__init__(name="compile_metrics")
        for argument, value in (("metrics", metrics), ("weighted_metrics", weighted_metrics)):
            if value and not isinstance(value, list | tuple | dict):
                raise ValueError(
                    f"{_WHO}: expected {argument} to be a list, tuple or dict; received {value!r}"
                )
        self._user_metrics = metrics
        self._user_weighted_metrics = weighted_metrics
        self._output_names = output_names
        self._entries: list[_Entry] = []
        self.built = False

    @property
    def metrics(self) -> list[metrics_module.Metric]:
        """All metrics, in the order of the results."""
        return [entry.metric for entry in self._entries]

    @property
    def variables(self) -> list[Any]:
        """The variables of all metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]

    def build(self, y_true: Any, y_pred: Any) -> None:
        """Resolves names and structures for outputs like `y_pred`."""
        outputs = Outputs(y_pred, self._output_names)
        entries: list[_Entry] = []
        for given, weighted in ((self._user_metrics, False), (self._user_weighted_metrics, True)):
            what = "weighted_metrics" if weighted else "metrics"
            spread = self._per_output(outputs, given, what)
            needed = [bool(of_output) for of_output in spread]
            targets = outputs.distribute("pynn.Model", "y", y_true, needed)
            for index, of_output in enumerate(spread):
                prefix = outputs.label(index, "") if len(outputs) > 1 else ""
                for identifier in of_output:
                    metric = resolve_metric(identifier, targets[index], outputs.tensors[index])
                    entries.append(_Entry(index, metric, prefix or None, weighted))
        self._entries = entries
        self.built = True

    def _per_output(self, outputs: Outputs, given: Any, what: str) -> list[list[Any]]:
        if not given:
            return [[] for _ in range(len(outputs))]
        if len(outputs) == 1:
            return [[one for one in tree.flatten(given) if one is not None]]
        spread = outputs.distribute(_WHO, what, given)
        return [[] if one is None else tree.flatten(one) for one in spread]

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes one batch into account."""
        if not self.built:
            self.build(y_true, y_pred)
        if not self._entries:
            return
        outputs = Outputs(y_pred, self._output_names)
        needed = [False] * len(outputs)
        for entry in self._entries:
            needed[entry.output] = True
        targets = outputs.distribute("pynn.Model", "y", y_true, needed)
        weights = spread_weights(outputs, sample_weight, needed)
        for index, metric, _, weighted in self._entries:
            arguments = (targets[index], outputs.tensors[index])
            if weighted:
                metric.update_state(*arguments, sample_weight=weights[index])
            else:
                metric.update_state(*arguments)

    def reset_state(self) -> None:
        """Starts all metrics again."""
        for metric in self.metrics:
            metric.reset_state()

    def result(self) -> dict[str, Any]:
        """Returns the results by name: that of the output, if there are several, then its own.

        A name that is taken gets the prefix `weighted_` (weighted metrics), then a number.
        """
        results: dict[str, Any] = {}
        for _, metric, prefix, weighted in self._entries:
            name = f"{prefix}_{metric.name}" if prefix else metric.name
            if name in results and weighted:
                name = f"weighted_{metric.name}"
                name = f"{prefix}_{name}" if prefix else name
            unique, count = name, 0
            while unique in results:
                count += 1
                unique = f"{name}_{count}"
            results[unique] = metric.result()
        return results

    def get_config(self) -> dict[str, Any]:
        """Not available: the model's compile config holds the arguments."""
        raise NotImplementedError("pynn: expected the model's compile config; received its metrics")
