"""AdamW that needs no schedule of the learning rate."""

from __future__ import annotations

from typing import Any

from pynn import backend, ops
from pynn.optimizers.optimizer import Optimizer


class ScheduleFreeAdamW(Optimizer):
    """Adam's steps on one sequence of weights, gradients between it and its average.

    With the steps z (state "momentum"), their average x and the weights `w = (1 - beta_1) z +
    beta_1 x` at which gradients are taken: `z -= lr * g / (sqrt(v / (1 - beta_2^t)) + epsilon);
    x += (z - x) / t`. x is not stored; it follows from w and z. Defazio et al., "The road less
    scheduled", 2024.

    Args:
        learning_rate: float, schedule or function.
        beta_1: how close to the average the weights are, in (0, 1].
        beta_2: how much of the average square of the gradient stays in every step.
        epsilon: added to the root.
        warmup_steps: how many steps the learning rate takes to rise from 0.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name: see
            `Optimizer`.

    Raises:
        ValueError: for a beta_1 outside (0, 1]: with 0 the average would be lost.

    >>> import pynn
    >>> weight = pynn.Variable([1.0])
    >>> optimizer = pynn.optimizers.ScheduleFreeAdamW(learning_rate=0.1)
    >>> optimizer.apply([pynn.ops.array([2.0])], [weight])
    >>> weight.numpy().round(3)
    array([0.9], dtype=float32)
    """

    slot_groups = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
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
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            **kwargs,
        )
        if not 0 < beta_1 <= 1:
            raise ValueError(
                f"pynn.optimizers.ScheduleFreeAdamW: expected beta_1 in (0, 1]; received {beta_1}"
            )
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps

    def _add_rule_slots(self, variables: list[Any]) -> None:
        super()._add_rule_slots(variables)
        for variable in variables:
            self.slot("momentum", variable).assign(variable.value)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Applies the rule to one variable."""
        # Weights in 16 bits are updated in float32.
        dtype = backend.result_type(variable.dtype, "float32")
        states = [self.slot(name, variable) for name in self.slot_groups[0]]
        gradient, w, z, v = (ops.cast(x, dtype) for x in (gradient, variable, *states))
        step = ops.cast(self.iterations + 1, dtype)
        rate = ops.cast(learning_rate, dtype)
        if self.warmup_steps > 0:
            rate = rate * ops.minimum(step / self.warmup_steps, 1.0)

        x = (w - (1.0 - self.beta_1) * z) / self.beta_1
        v = v + (ops.square(gradient) - v) * (1.0 - self.beta_2)
        corrected = v / (1.0 - ops.power(ops.cast(self.beta_2, dtype), step))
        z = z - rate * gradient / (ops.sqrt(corrected) + self.epsilon)
        x = (1.0 - 1.0 / step) * x + z / step
        w = (1.0 - self.beta_1) * z + self.beta_1 * x
        for target, value in zip([variable, *states], (w, z, v), strict=True):
            target.assign(ops.cast(value, target.dtype))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
            "warmup_steps": self.warmup_steps,
        }
