"""Lamb: Adam's step, as long as the weights are large."""

from __future__ import annotations

from typing import Any

from pynn import _core
from pynn.optimizers.fused import FusedOptimizer, Rule


class Lamb(FusedOptimizer):
    """Takes Adam's direction with a length in proportion to the norm of the weight.

    `u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)` with `m` and `v` as in `Adam`;
    `w -= lr * norm(w) / norm(u) * u`, or `lr * u` where a norm is zero. You et al., "Large batch
    optimization for deep learning: training BERT in 76 minutes", 2020.

    The norms need a pass over memory of their own, so there are two.

    Args:
        learning_rate: float, schedule or function.
        beta_1: how much of the average gradient stays in every step.
        beta_2: how much of the average square stays in every step.
        epsilon: added to the root.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name: see
            `Optimizer`.

    >>> import pynn
    >>> weight = pynn.Variable([1.0])
    >>> optimizer = pynn.optimizers.Lamb(learning_rate=0.1)
    >>> optimizer.apply([pynn.ops.array([2.0])], [weight])
    >>> weight.numpy().round(3)
    array([0.9], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
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
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.slot_groups = (("momentum", "velocity"),)

    def _rule(self, variable: Any) -> Rule:
        settings = (self.beta_1, self.beta_2, self.epsilon)
        return Rule(_core.lamb_update, ("momentum", "velocity"), settings)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
