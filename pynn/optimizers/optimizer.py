"""The base class of optimizers: everything around the update rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from pynn import _core, ops
from pynn.naming import auto_name
from pynn.optimizers.checks import check_settings, without_missing
from pynn.optimizers.clipping import norm_scales, scaled
from pynn.optimizers.learning_rate import LearningRate
from pynn.optimizers.schedules import LearningRateSchedule
from pynn.saving import deserialize_keras_object, serialize_keras_object
from pynn.stateless import temporary_values
from pynn.tracing import plain_settings
from pynn.variables import Variable


class Optimizer(LearningRate):
    """Changes variables so that a loss becomes smaller.

    In one step gradients are, in this order: unscaled (`loss_scale_factor`), accumulated, clipped;
    then weights decay, the update rule is applied, constraints act, and the moving average of the
    weights is updated.

    Subclasses name their state in `slot_groups` and write `update_step`. All of it may be traced:
    nothing looks at values.

    Args:
        learning_rate: float, `LearningRateSchedule`, or a function without arguments.
        weight_decay: fraction (times the learning rate) by which weights shrink in every step.
        clipnorm: largest norm of each gradient.
        clipvalue: largest absolute value of each element of the gradients.
        global_clipnorm: largest norm of all gradients together.
        use_ema: keep an exponential moving average of the weights.
        ema_momentum: how much of the old average stays in every step.
        ema_overwrite_frequency: after how many steps the weights become their average.
        loss_scale_factor: factor of the loss that `scale_loss` applies and gradients lose again.
        gradient_accumulation_steps: apply the mean gradient of so many steps at once.
        name: name of the optimizer.

    Raises:
        ValueError: for an argument that is unknown or out of range.

    >>> import pynn
    >>> weight = pynn.Variable([1.0, 2.0])
    >>> optimizer = pynn.optimizers.SGD(learning_rate=0.5)
    >>> optimizer.apply_gradients([(pynn.ops.array([1.0, 1.0]), weight)])
    >>> weight.numpy().tolist()
    [0.5, 1.5]
    """

    _version = 0

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        who = f"pynn.optimizers.{type(self).__name__}"
        if kwargs:
            raise ValueError(f"{who}: expected known arguments; received {sorted(kwargs)}")
        check_settings(
            who,
            [clipnorm, clipvalue, global_clipnorm],
            ema_momentum if use_ema else None,
            ema_overwrite_frequency if use_ema else None,
            gradient_accumulation_steps,
        )
        self.name = name or auto_name(type(self).__name__)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._start_state()
        self._not_decayed: list[Any] = []
        self._not_decayed_pattern: re.Pattern[str] | None = None
        self._iterations: Any = self.add_variable((), dtype="int32", name="iteration")
        self._learning_rate = self._as_learning_rate(learning_rate)

    # ---- one step --------------------------------------------------------------------------

    def minimize(self, loss: Any, var_list: Any, tape: Any = None) -> None:
        """Takes one step that makes `loss` smaller.

        Args:
            loss: a function without arguments that returns the loss, or, with `tape`, the loss.
            var_list: the variables, or a function that returns them.
            tape: the `GradientTape` that recorded `loss`.

        Raises:
            ValueError: for a tensor without a tape.

        >>> import pynn
        >>> x = pynn.Variable(2.0)
        >>> pynn.optimizers.SGD(0.25).minimize(lambda: x * x, [x])
        >>> float(x)
        1.0
        """
        if callable(loss):
            with _core.Tape() as core_tape:
                value = ops.sum(loss())
                scaled = self.scale_loss(value)
            variables = list(var_list() if callable(var_list) else var_list)
            self.apply(core_tape.gradient(scaled, variables), variables)
            return
        if tape is None:
            raise ValueError(
                "pynn.optimizers.Optimizer.minimize: expected a function that computes the loss, "
                f"or the loss and its tape; received loss={loss!r} without a tape"
            )
        variables = list(var_list() if callable(var_list) else var_list)
        self.apply(tape.gradient(loss, variables), variables)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]]) -> None:
        """Takes one step with (gradient, variable) pairs; see `apply`."""
        pairs = list(grads_and_vars)
        self.apply([gradient for gradient, _ in pairs], [variable for _, variable in pairs])

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        """Takes one step.

        Args:
            grads: one gradient per variable; `None` leaves the variable alone, with a warning.
            trainable_variables: the variables; `None` means those of `build`.

        Raises:
            ValueError: for a variable that is unknown, a wrong number of gradients, or if all
                gradients are `None`.
        """
        if len(grads) == 0:
            return
        variables = self._resolve_variables(grads, trainable_variables)
        gradients, variables = without_missing(list(grads), variables)
        unscale = 1.0 if self.loss_scale_factor is None else 1.0 / self.loss_scale_factor
        if self.gradient_accumulation_steps:
            self._accumulate_and_update(gradients, variables, unscale)
        else:
            self._update(gradients, variables, unscale)
        if self.use_ema:
            self._update_averages(variables)
        for variable in variables:
            constraint = getattr(variable, "constraint", None)
            if constraint is not None:
                variable.assign(constraint(variable))
        self._iterations.assign(self._iterations + 1)

    def stateless_apply(
        self,
        optimizer_variables: Sequence[Any],
        grads: Sequence[Any],
        trainable_variables: Sequence[Any],
    ) -> tuple[list[Any], list[Any]]:
        """Takes one step from given values and returns the new ones; no variable changes.

        Args:
            optimizer_variables: values for `variables`.
            grads: one gradient per weight.
            trainable_variables: values for the weights of `build`.

        Returns:
            The new values of the weights, and of `variables`.

        Raises:
            ValueError: if the optimizer is not built, or a number of values is wrong.
        """
        if not self.built:
            raise ValueError(
                "pynn.optimizers.Optimizer.stateless_apply: expected an optimizer that is built; "
                "received one that is not. Call `optimizer.build(variables)` first"
            )
        weights = self._trainable_variables
        with temporary_values(
            [*weights, *self.variables], [*trainable_variables, *optimizer_variables]
        ):
            self.apply(grads)
            return [v.value for v in weights], [v.value for v in self.variables]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Applies the update rule to one variable; to be written by subclasses."""
        raise NotImplementedError(
            f"pynn.{type(self).__name__}: expected a method "
            "`update_step(gradient, variable, learning_rate)`; received a class without one"
        )

    def assign(self, variable: Any, value: Any) -> None:
        """Sets a variable; for use in `update_step`."""
        variable.assign(value)

    def assign_add(self, variable: Any, value: Any) -> None:
        """Adds to a variable; for use in `update_step`."""
        variable.assign(variable + value)

    def assign_sub(self, variable: Any, value: Any) -> None:
        """Subtracts from a variable; for use in `update_step`."""
        variable.assign(variable - value)

    def scale_loss(self, loss: Any) -> Any:
        """Returns the loss times `loss_scale_factor`, if there is one."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def finalize_variable_values(self, var_list: Sequence[Any]) -> None:
        """Sets weights to their moving average, if there is one; called at the end of `fit`."""
        if not self.use_ema:
            return
        for variable in var_list:
            if id(variable) in self._index:
                variable.assign(self.slot("average", variable).value)

    def _resolve_variables(
        self, grads: Sequence[Any], variables: Sequence[Any] | None
    ) -> list[Any]:
        who = f"pynn.optimizers.{type(self).__name__}.apply"
        if variables is None:
            if not self.built:
                raise ValueError(
                    f"{who}: expected variables, or an earlier `build(variables)`; "
                    "received gradients alone"
                )
            variables = self._trainable_variables
        variables = list(variables)
        if len(grads) != len(variables):
            raise ValueError(
                f"{who}: expected one gradient per variable; "
                f"received {len(grads)} gradients for {len(variables)} variables"
            )
        if not self.built:
            self.build(variables)
        for variable in variables:
            if id(variable) not in self._index:
                raise ValueError(
                    f"{who}: expected the variables that the optimizer was built with; "
                    f"received {variable.name!r}. Call `optimizer.extend([variable])` first, or "
                    "make a new optimizer"
                )
        return variables

    def _update(self, gradients: list[Any], variables: list[Any], unscale: float = 1.0) -> None:
        """Clips `unscale * gradients`, lets weights decay and applies the update rule."""
        gradients = scaled(
            gradients, norm_scales(gradients, self.clipnorm, self.global_clipnorm, unscale)
        )
        if self.clipvalue and self.clipvalue > 0:
            gradients = [ops.clip(g, -self.clipvalue, self.clipvalue) for g in gradients]
        rate = self.learning_rate
        self._decay_weights(variables, rate)
        for gradient, variable in zip(gradients, variables, strict=True):
            self.update_step(gradient, variable, rate)

    def _accumulate_and_update(
        self, gradients: list[Any], variables: list[Any], unscale: float
    ) -> None:
        """Adds to the sums of the gradients; every n-th step updates with their means."""
        steps = self.gradient_accumulation_steps or 1
        accumulators = [self.slot("gradient_accumulator", v) for v in variables]
        if unscale != 1.0:
            gradients = [gradient * unscale for gradient in gradients]
        sums = [g + acc for g, acc in zip(gradients, accumulators, strict=True)]

        def update() -> None:
            self._update([total / steps for total in sums], variables)
            for accumulator, total in zip(accumulators, sums, strict=True):
                accumulator.assign(ops.zeros_like(total))

        def collect() -> None:
            if self.has_callable_rate and not _core.in_trace():
                self.call_rate()  # once in every step, as compiled steps do
            for accumulator, total in zip(accumulators, sums, strict=True):
                accumulator.assign(total)

        ops.cond(ops.equal((self._iterations + 1) % steps, 0), update, collect)

    def _update_averages(self, updated: list[Any]) -> None:
        """Updates the moving averages of all weights; `updated` are those of this step."""
        del updated
        self._average(self._trainable_variables)

    def _average(self, variables: list[Any]) -> None:
        frequency = self.ema_overwrite_frequency
        overwrite = None
        if frequency:
            overwrite = ops.equal((self.iterations + 1) % frequency, 0)
        started = ops.not_equal(self.iterations, 0)
        for variable in variables:
            average = self.slot("average", variable)
            momentum = ops.cast(started, variable.dtype) * self.ema_momentum
            average.assign(momentum * average + (1.0 - momentum) * variable)
            if overwrite is not None:
                variable.assign(ops.where(overwrite, average.value, variable.value))

    # ---- weight decay ----------------------------------------------------------------------

    def exclude_from_weight_decay(
        self, var_list: Sequence[Any] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        """Lets some weights not decay: those listed, and those whose name contains a name.

        Raises:
            ValueError: if the optimizer is built.
        """
        if self.built:
            raise ValueError(
                "pynn.optimizers.Optimizer.exclude_from_weight_decay: expected an optimizer that "
                "is not built; received one that is"
            )
        self._not_decayed = list(var_list or ())
        self._not_decayed_pattern = re.compile("|".join(var_names)) if var_names else None

    def _decays(self, variable: Any) -> bool:
        pattern = self._not_decayed_pattern
        is_named = pattern is not None and pattern.search(variable.name)
        return not is_named and all(variable is not other for other in self._not_decayed)

    def _decay_weights(self, variables: list[Any], learning_rate: Any) -> None:
        if self.weight_decay is None:
            return
        for variable in filter(self._decays, variables):
            rate = ops.cast(learning_rate, variable.dtype)
            variable.assign(variable - variable * self.weight_decay * rate)

    # ---- config ------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        rate = self._learning_rate
        return {
            "name": self.name,
            "learning_rate": (
                float(rate) if isinstance(rate, Variable) else serialize_keras_object(rate)
            ),
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> Optimizer:
        """Makes the optimizer that `get_config` described, without its state."""
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = deserialize_keras_object(
                config["learning_rate"], custom_objects=custom_objects
            )
        return cls(**config)

    @property
    def settings_version(self) -> Any:
        """Differs after a change of any setting: settings are constants of a compiled step."""
        schedule = self._learning_rate
        if not isinstance(schedule, LearningRateSchedule):
            return self._version
        return self._version, plain_settings(schedule)

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        object.__setattr__(self, "_version", self._version + 1)
