"""Nadam: Adam with Nesterov momentum."""

from __future__ import annotations

from typing import Any

from pynn import _core, ops
from pynn.optimizers.fused import FusedOptimizer, Rule


class Nadam(FusedOptimizer):
    """Steps from running averages of the gradient, looking one step ahead.

    `m` and `v` as in `Adam`; with `u_t = beta_1 * (1 - 0.96^t / 2)` and `U_t = u_1 * ... * u_t`,
    `w -= lr * (u_(t+1) * m / (1 - U_(t+1)) + (1 - u_t) * g / (1 - U_t))
    / (sqrt(v / (1 - beta_2^t)) + epsilon)`. Dozat, "Incorporating Nesterov momentum into Adam",
    2016.

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
    >>> optimizer = pynn.optimizers.Nadam(learning_rate=0.1)
    >>> optimizer.apply([pynn.ops.array([2.0])], [weight])
    >>> weight.numpy().round(3)
    array([0.894], dtype=float32)
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
        self._u_product: Any = None

    def _add_rule_slots(self, variables: list[Any]) -> None:
        super()._add_rule_slots(variables)
        if self._u_product is None:
            dtype = variables[0].dtype if variables else None
            self._u_product = self.add_variable((), "ones", dtype=dtype, name="u_product")

    def _update(self, gradients: list[Any], variables: list[Any], unscale: float = 1.0) -> None:
        product = self._u_product
        step = ops.cast(self.iterations + 1, product.dtype)
        product.assign(product * self.beta_1 * (1.0 - 0.5 * ops.power(0.96, step)))
        super()._update(gradients, variables, unscale)

    def _rule(self, variable: Any) -> Rule:
        settings = (self.beta_1, self.beta_2, self.epsilon)
        product = self._u_product.value
        return Rule(_core.nadam_update, ("momentum", "velocity"), settings, (product,))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
