"""Adadelta: steps whose size follows from the steps before."""

from __future__ import annotations

from typing import Any

from pynn import _core
from pynn.optimizers.fused import FusedOptimizer, Rule


class Adadelta(FusedOptimizer):
    """Divides the gradient by its running size and multiplies by that of the steps so far.

    `v = rho * v + (1 - rho) * g^2; d = g * sqrt(s + epsilon) / sqrt(v + epsilon);
    s = rho * s + (1 - rho) * d^2; w -= lr * d`. Zeiler, "ADADELTA: an adaptive learning rate
    method", 2012; the paper's learning rate is 1.

    Args:
        learning_rate: float, schedule or function.
        rho: how much of the averages stays in every step.
        epsilon: added under the roots.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name: see
            `Optimizer`.

    >>> import pynn
    >>> weight = pynn.Variable([1.0])
    >>> optimizer = pynn.optimizers.Adadelta(learning_rate=1.0)
    >>> optimizer.apply([pynn.ops.array([2.0])], [weight])
    >>> weight.numpy().round(4)
    array([0.9986], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
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
        self.rho = rho
        self.epsilon = epsilon
        self.slot_groups = (("accumulated_grad", "accumulated_delta_var"),)

    def _rule(self, variable: Any) -> Rule:
        slots = ("accumulated_grad", "accumulated_delta_var")
        return Rule(_core.adadelta_update, slots, (self.rho, self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            **super().get_config(),
            "rho": self.rho,
            "epsilon": self.epsilon,
        }
