"""RMSprop: steps divided by a running root mean square of the gradients."""

from __future__ import annotations

from typing import Any

from pynn import _core
from pynn.optimizers.fused import FusedOptimizer, Rule


class RMSprop(FusedOptimizer):
    """Divides the gradient by a running average of its magnitude.

    `v = rho * v + (1 - rho) * g^2; w -= lr * g / sqrt(v + epsilon)`. Tieleman and Hinton,
    "Lecture 6.5 - RMSProp", Coursera 2012; `centered` after Graves, 2013 (arXiv:1308.0850).

    Args:
        learning_rate: float, schedule or function.
        rho: how much of the old average stays in every step.
        momentum: how much of the last step is repeated.
        epsilon: added under the root.
        centered: divide by an estimate of the variance instead of the second moment.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name: see
            `Optimizer`.

    >>> import pynn
    >>> weight = pynn.Variable([1.0])
    >>> pynn.optimizers.RMSprop(learning_rate=0.1).apply([pynn.ops.array([2.0])], [weight])
    >>> weight.numpy().round(3)
    array([0.684], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
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
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        self.slot_groups = (("velocity",),)
        if momentum > 0:
            self.slot_groups += (("momentum",),)
        if centered:
            self.slot_groups += (("average_gradient",),)

    def _rule(self, variable: Any) -> Rule:
        ops = {
            (False, False): _core.rmsprop_update,
            (True, False): _core.rmsprop_momentum_update,
            (False, True): _core.rmsprop_centered_update,
            (True, True): _core.rmsprop_centered_momentum_update,
        }
        slots = tuple(name for group in self.slot_groups for name in group)
        op = ops[self.momentum > 0, bool(self.centered)]
        return Rule(op, slots, (self.rho, self.momentum, self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }
