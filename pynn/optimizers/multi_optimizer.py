"""MultiOptimizer: different optimizers for different weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pynn.optimizers.checks import without_missing
from pynn.optimizers.optimizer import Optimizer
from pynn.optimizers.optimizer_map import OptimizerMap, check_inner
from pynn.saving import deserialize_keras_object, serialize_keras_object
from pynn.variables import Variable


class MultiOptimizer(Optimizer):
    """Lets each weight be updated by the optimizer that is meant for it.

    Settings such as clipping and averages are those of the optimizers inside; a global norm is
    that of the gradients of one optimizer. The learning rate is that of each of `optimizers`.

    Args:
        optimizer_map: an `OptimizerMap`, or a function from a variable to its optimizer.
        loss_scale_factor: replaces that of the optimizers inside.
        name: name of the optimizer.

    Raises:
        ValueError: when built, for a variable whose optimizer is none, or holds others itself.

    >>> import pynn
    >>> from pynn.optimizers import SGD
    >>> kernel, bias = pynn.Variable([1.0], name="kernel"), pynn.Variable([1.0], name="bias")
    >>> rates = pynn.optimizers.OptimizerMap(SGD(0.5), {"bias": SGD(0.25)})
    >>> optimizer = pynn.optimizers.MultiOptimizer(rates)
    >>> optimizer.apply([pynn.ops.array([1.0])] * 2, [kernel, bias])
    >>> float(kernel[0]), float(bias[0])
    (0.5, 0.75)
    """

    def __init__(
        self,
        optimizer_map: OptimizerMap | Callable[[Any], Optimizer],
        loss_scale_factor: float | None = None,
        name: str | None = None,
    ) -> None:
        if not callable(optimizer_map):
            raise ValueError(
                "pynn.optimizers.MultiOptimizer: expected an OptimizerMap or a function from a "
                f"variable to its optimizer; received {optimizer_map!r}"
            )
        self._inner: list[Optimizer] = []
        self._chosen: list[Optimizer] = []  # one per weight
        self._optimizer_map = optimizer_map
        super().__init__(learning_rate=0.0, loss_scale_factor=loss_scale_factor, name=name)
        if isinstance(optimizer_map, OptimizerMap):
            for optimizer in (*optimizer_map.values(), optimizer_map.default_optimizer):
                self._add_inner(optimizer)

    def _add_inner(self, optimizer: Any) -> None:
        check_inner("pynn.optimizers.MultiOptimizer", optimizer)
        if all(optimizer is not other for other in self._inner):
            optimizer.loss_scale_factor = self.loss_scale_factor
            self._inner.append(optimizer)

    # ---- one step --------------------------------------------------------------------------

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Lets each optimizer take one step with its variables; see `Optimizer.apply`."""
        if len(grads) == 0:
            return
        variables = self._resolve_variables(grads, trainable_variables)
        gradients, variables = without_missing(list(grads), variables)
        gradient_of = {id(v): g for g, v in zip(gradients, variables, strict=True)}
        for optimizer, own in self._by_optimizer(variables):
            optimizer.apply([gradient_of[id(v)] for v in own], own)
        self._iterations.assign(self._iterations + 1)

    def finalize_variable_values(self, var_list: Sequence[Any]) -> None:
        """Sets weights to the moving averages of those optimizers that keep one."""
        for optimizer, own in self._by_optimizer(v for v in var_list if id(v) in self._index):
            optimizer.finalize_variable_values(own)

    def _by_optimizer(self, variables: Iterable[Any]) -> list[tuple[Optimizer, list[Any]]]:
        groups: dict[int, list[Any]] = {}
        for variable in variables:
            chosen = self._chosen[self._get_variable_index(variable)]
            groups.setdefault(id(chosen), []).append(variable)
        return [(opt, groups[id(opt)]) for opt in self._inner if id(opt) in groups]

    # ---- state -------------------------------------------------------------------------------

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the state for `variables`; called by the first `apply` if not before."""
        if not self.built:
            self._choose(list(variables))
            super().build(variables)

    def extend(self, variables: Any) -> None:
        """Makes the state for those of `variables` that have none yet; see `Optimizer.extend`."""
        new = [v for v in variables if id(v) not in self._index]
        if not self.built:
            self.build(new)
        elif new:
            self._choose(new)
            self._add_slots(new)

    def _choose(self, variables: list[Any]) -> None:
        groups: dict[int, list[Any]] = {}
        for variable in variables:
            optimizer = self._optimizer_map(variable)
            self._add_inner(optimizer)
            self._chosen.append(optimizer)
            groups.setdefault(id(optimizer), []).append(variable)
        for optimizer in self._inner:
            if id(optimizer) in groups:
                optimizer.extend(groups[id(optimizer)])

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Lets some weights not decay, whichever of the `optimizers` so far updates them."""
        for optimizer in self._inner:
            optimizer.exclude_from_weight_decay(var_list, var_names)

    @property
    def optimizers(self) -> list[Optimizer]:
        """The optimizers inside; those that a function returns come when they are built."""
        return self._inner

    @property
    def variables(self) -> list[Variable]:
        """Its own state, then that of the optimizers inside."""
        return [*self._variables, *(v for optimizer in self._inner for v in optimizer.variables)]

    @property
    def loss_scale_factor(self) -> float | None:
        """The factor of the loss, which all optimizers inside take off again."""
        return self._loss_scale_factor

    @loss_scale_factor.setter
    def loss_scale_factor(self, factor: float | None) -> None:
        self._loss_scale_factor = factor
        for optimizer in self._inner:
            optimizer.loss_scale_factor = factor

    @property
    def learning_rate(self) -> Any:
        """Raises AttributeError: there are several."""
        raise AttributeError(_NO_RATE)

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        raise AttributeError(_NO_RATE)

    @property
    def has_callable_rate(self) -> bool:
        """Whether the learning rate of an optimizer inside comes from a function."""
        return any(optimizer.has_callable_rate for optimizer in self._inner)

    def call_rate(self) -> None:
        """Calls the functions that learning rates come from."""
        for optimizer in self._inner:
            if optimizer.has_callable_rate:
                optimizer.call_rate()

    @property
    def settings_version(self) -> Any:
        """Differs after a change of any setting, also of the optimizers inside."""
        return super().settings_version, *(opt.settings_version for opt in self._inner)

    # ---- config ------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            "optimizer_map": serialize_keras_object(self._optimizer_map),
            "loss_scale_factor": self.loss_scale_factor,
            "name": self.name,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> MultiOptimizer:
        """Makes the optimizer that `get_config` described, without its state."""
        chosen = deserialize_keras_object(config["optimizer_map"], custom_objects=custom_objects)
        return cls(**{**config, "optimizer_map": chosen})


_NO_RATE = (
    "pynn.optimizers.MultiOptimizer: expected learning_rate of one of its `optimizers`; "
    "received learning_rate of the MultiOptimizer, which has none of its own"
)
