"""Lion: steps of one size in every weight."""

from __future__ import annotations

from typing import Any

from pynn import _core
from pynn.optimizers.fused import FusedOptimizer, Rule


class Lion(FusedOptimizer):
    """Steps by the sign of an average gradient, all of the size of the learning rate.

    `w -= lr * sign(beta_1 * m + (1 - beta_1) * g); m = beta_2 * m + (1 - beta_2) * g`. Chen et
    al., "Symbolic discovery of optimization algorithms", 2023. A learning rate of a tenth to a
    third of Adam's is usual.

    Args:
        learning_rate: float, schedule or function.
        beta_1: how much of the average gradient is in the step.
        beta_2: how much of the average gradient stays in every step.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name: see
            `Optimizer`.

    Raises:
        ValueError: for a beta_1 outside (0, 1]: with 0 the average would never be used.

    >>> import pynn
    >>> weight = pynn.Variable([1.0])
    >>> optimizer = pynn.optimizers.Lion(learning_rate=0.1)
    >>> optimizer.apply([pynn.ops.array([2.0])], [weight])
    >>> weight.numpy().round(3)
    array([0.9], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
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
            raise ValueError(f"pynn.optimizers.Lion: expected beta_1 in (0, 1]; received {beta_1}")
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.slot_groups = (("momentum",),)

    def _rule(self, variable: Any) -> Rule:
        return Rule(_core.lion_update, ("momentum",), (self.beta_1, self.beta_2))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
        }
