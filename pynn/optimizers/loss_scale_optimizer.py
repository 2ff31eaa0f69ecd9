"""LossScaleOptimizer: another optimizer, for gradients that float16 would lose or overflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pynn import ops
from pynn.optimizers.optimizer import Optimizer
from pynn.saving import deserialize_keras_object, serialize_keras_object
from pynn.variables import Variable

# What configs written by older versions of Keras contain, and what it may be there.
_WITHOUT_MEANING = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


class LossScaleOptimizer(Optimizer):
    """Multiplies the loss by a factor that grows while gradients stay finite.

    Small gradients become zero in float16 and large ones infinite. The loss is multiplied by
    `dynamic_scale` (see `scale_loss`) and the gradients are divided by it before `inner_optimizer`
    gets them. A step whose gradients are not all finite is left out, and the scale halves; after
    `dynamic_growth_steps` finite steps it doubles. `compile` wraps the optimizer of a model with
    the policy "mixed_float16" in one of these. Micikevicius et al., "Mixed precision training",
    2018, section 3.2.

    Settings such as clipping and averages are those of `inner_optimizer`; its `loss_scale_factor`
    becomes `None`.

    Args:
        inner_optimizer: the `Optimizer` that takes the steps.
        initial_scale: the first factor.
        dynamic_growth_steps: how many finite steps let the factor double.
        name: name of the optimizer.
        kwargs: the other arguments of `Optimizer`, with their defaults only.

    Raises:
        ValueError: for an argument that belongs to the inner optimizer or is out of range.

    >>> import pynn
    >>> weight = pynn.Variable([1.0])
    >>> optimizer = pynn.optimizers.LossScaleOptimizer(pynn.optimizers.SGD(0.5), initial_scale=8.0)
    >>> optimizer.apply([pynn.ops.array([float("inf")])], [weight])
    >>> float(weight[0]), float(optimizer.dynamic_scale)
    (1.0, 4.0)
    >>> optimizer.apply([pynn.ops.array([4.0])], [weight])
    >>> float(weight[0])
    0.5
    """

    def __init__(
        self,
        inner_optimizer: Any,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        _check_arguments(inner_optimizer, initial_scale, dynamic_growth_steps, kwargs)
        inner_optimizer.loss_scale_factor = None  # or gradients would be scaled twice
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        super().__init__(learning_rate=0.0, name=name)

    # ---- one step --------------------------------------------------------------------------

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Lets the inner optimizer take one step, if all gradients are finite.

        Args:
            grads: one gradient of the scaled loss per variable; see `Optimizer.apply`.
            trainable_variables: the variables; `None` means those of `build`.

        Raises:
            ValueError: as `Optimizer.apply`.
        """
        if len(grads) == 0:
            return
        variables = self._resolve_variables(grads, trainable_variables)
        present = [ops.convert_to_tensor(g) for g in grads if g is not None]
        finite = [ops.all(ops.isfinite(gradient)) for gradient in present]
        # No gradient at all is an error that the inner optimizer reports.
        is_finite = ops.all(ops.stack(finite)) if finite else ops.array(True)
        ops.cond(is_finite, lambda: self._take_step(list(grads), variables), self._leave_out_step)

    def _take_step(self, grads: list[Any], variables: list[Any]) -> None:
        scale = self.dynamic_scale.value
        unscaled = [None if g is None else g / ops.cast(scale, g.dtype) for g in grads]
        self.inner_optimizer.apply(unscaled, variables)
        grows = ops.equal(self.step_counter, self.dynamic_growth_steps - 1)
        self.step_counter.assign(ops.where(grows, 0, self.step_counter.value + 1))
        self.dynamic_scale.assign(ops.where(grows, scale * 2.0, scale))

    def _leave_out_step(self) -> None:
        self.step_counter.assign(0)
        self.dynamic_scale.assign(self.dynamic_scale.value * 0.5)

    def scale_loss(self, loss: Any) -> Any:
        """Returns the loss times the current factor."""
        return loss * (self.dynamic_scale.value if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list: Sequence[Any]) -> None:
        """Sets weights to the inner optimizer's moving average, if it keeps one."""
        self.inner_optimizer.finalize_variable_values(var_list)

    # ---- state -------------------------------------------------------------------------------

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the state for `variables`; called by the first `apply` if not before."""
        if self.built:
            return
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self.add_variable((), dtype="float32", name="dynamic_scale")
        self.dynamic_scale.assign(self.initial_scale)
        self.inner_optimizer.build(variables)
        super().build(variables)

    def extend(self, variables: Any) -> None:
        """Makes the state for those of `variables` that have none yet; see `Optimizer.extend`."""
        variables = list(variables)
        self.inner_optimizer.extend(variables)
        new = [v for v in variables if id(v) not in self._index]
        if not self.built:
            self.build(new)
        elif new:
            self._add_slots(new)

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Lets some weights not decay; see `Optimizer.exclude_from_weight_decay`."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    @property
    def variables(self) -> list[Variable]:
        """Its own state, then that of the inner optimizer."""
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def iterations(self) -> Any:
        """How many updates the inner optimizer has made."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def has_callable_rate(self) -> bool:
        """Whether the learning rate of the inner optimizer comes from a function."""
        return self.inner_optimizer.has_callable_rate

    def call_rate(self) -> None:
        """Calls the function that the learning rate of the inner optimizer comes from."""
        self.inner_optimizer.call_rate()

    @property
    def settings_version(self) -> Any:
        """Differs after a change of any setting, also of the inner optimizer."""
        return super().settings_version, self.inner_optimizer.settings_version

    # ---- config ------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            "name": self.name,
            "inner_optimizer": serialize_keras_object(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> LossScaleOptimizer:
        """Makes the optimizer that `get_config` described, without its state."""
        config = dict(config)
        if "inner_optimizer" not in config:
            raise ValueError(
                "pynn.optimizers.LossScaleOptimizer: expected a config with inner_optimizer; "
                f"received {config!r}"
            )
        inner = deserialize_keras_object(
            config.pop("inner_optimizer"), custom_objects=custom_objects
        )
        return cls(inner, **config)


def _check_arguments(
    inner_optimizer: Any, initial_scale: Any, growth_steps: Any, kwargs: dict[str, Any]
) -> None:
    who = "pynn.optimizers.LossScaleOptimizer"
    if not isinstance(inner_optimizer, Optimizer):
        raise ValueError(
            f"{who}: expected inner_optimizer to be an Optimizer; received {inner_optimizer!r}"
        )
    if not initial_scale > 0:
        raise ValueError(f"{who}: expected initial_scale > 0; received {initial_scale}")
    if not isinstance(growth_steps, int) or growth_steps < 1:
        raise ValueError(
            f"{who}: expected dynamic_growth_steps to be an int >= 1; received {growth_steps!r}"
        )
    for argument, value in kwargs.items():
        if argument == "dynamic" and value:
            continue
        if argument == "dynamic":
            raise ValueError(
                f"{who}: expected dynamic=True; received {value!r}. For a factor that stays, set "
                "`loss_scale_factor` of the inner optimizer"
            )
        if argument not in _WITHOUT_MEANING:
            raise ValueError(f"{who}: expected known arguments; received {argument!r}")
        if value != _WITHOUT_MEANING[argument]:
            raise ValueError(
                f"{who}: expected {argument} to be set on inner_optimizer; "
                f"received {argument}={value!r}"
            )
