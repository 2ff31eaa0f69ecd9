"""FTRL-Proximal: steps that keep many weights at zero."""

from __future__ import annotations

from typing import Any

from pynn import _core, initializers
from pynn.optimizers.fused import FusedOptimizer, Rule


class Ftrl(FusedOptimizer):
    """Follows the regularized leader: the weight that would have been best so far.

    `n' = n + g^2; z += g + 2 * shrinkage * w - (n'^p - n^p) / lr * w` with
    `p = -learning_rate_power`; `w = (clip(z, -l1, l1) - z) / ((beta + n'^p) / lr + 2 * l2)`.
    McMahan et al., "Ad click prediction: a view from the trenches", 2013.

    Args:
        learning_rate: float, schedule or function.
        learning_rate_power: how fast steps become smaller; at most 0, and 0 for a fixed size.
        initial_accumulator_value: what the sums of squares start with.
        l1_regularization_strength: weights whose sum of gradients is smaller stay at zero.
        l2_regularization_strength: pull towards zero, at the end of a step.
        l2_shrinkage_regularization_strength: pull towards zero, on the gradient.
        beta: beta of the paper, added to the roots.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name: see
            `Optimizer`.

    Raises:
        ValueError: for a negative strength or initial value, or a positive power.

    >>> import pynn
    >>> weight = pynn.Variable([1.0])
    >>> optimizer = pynn.optimizers.Ftrl(learning_rate=0.1)
    >>> optimizer.apply([pynn.ops.array([2.0])], [weight])
    >>> weight.numpy().round(3)
    array([0.745], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
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
        for argument, value, sign in (
            ("initial_accumulator_value", initial_accumulator_value, 1),
            ("learning_rate_power", learning_rate_power, -1),
            ("l1_regularization_strength", l1_regularization_strength, 1),
            ("l2_regularization_strength", l2_regularization_strength, 1),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength, 1),
        ):
            if sign * value < 0:
                raise ValueError(
                    f"pynn.optimizers.Ftrl: expected {argument} {'>=' if sign > 0 else '<='} 0; "
                    f"received {value}"
                )
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        self.slot_groups = (("accumulator", "linear"),)
        start = initializers.Constant(initial_accumulator_value)
        self.slot_initializers = {"accumulator": start}

    def _rule(self, variable: Any) -> Rule:
        settings = (
            self.learning_rate_power,
            self.l1_regularization_strength,
            self.l2_regularization_strength,
            self.l2_shrinkage_regularization_strength,
            self.beta,
        )
        return Rule(_core.ftrl_update, ("accumulator", "linear"), settings)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
