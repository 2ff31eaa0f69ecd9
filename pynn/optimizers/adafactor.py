"""Adafactor: Adam without momentum, from row and column means of squares."""

from __future__ import annotations

from typing import Any

from pynn import _core
from pynn.optimizers.fused import FusedOptimizer, Rule


class Adafactor(FusedOptimizer):
    """Divides gradients by a root mean square that is kept by row and by column.

    For matrices (the last two axes) with `q = g^2 + epsilon_1` and
    `beta = 1 - t^beta_2_decay`: `r = beta * r + (1 - beta) * mean(q, -1)`,
    `c = beta * c + (1 - beta) * mean(q, -2)`, `v = r / mean(r) * c`. For vectors
    `v = beta * v + (1 - beta) * q`. Then, with `u = g / sqrt(v)`,
    `w -= max(epsilon_2, rms(w)) * min(lr, 1 / sqrt(t)) * u / max(1, rms(u) / clip_threshold)`.
    Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018. As in
    Keras, `v` is kept too, so that files travel.

    Means and norms need passes over memory of their own: two for vectors, three for matrices.

    Args:
        learning_rate: float, schedule or function.
        beta_2_decay: exponent by which averages become longer.
        epsilon_1: added to squares of gradients.
        epsilon_2: least size that a weight is taken to have.
        clip_threshold: largest root mean square of `u`.
        relative_step: kept for the config; the step is at most `1 / sqrt(t)` either way.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name: see
            `Optimizer`.

    >>> import pynn
    >>> weight = pynn.Variable([1.0])
    >>> optimizer = pynn.optimizers.Adafactor(learning_rate=0.1)
    >>> optimizer.apply([pynn.ops.array([2.0])], [weight])
    >>> weight.numpy().round(3)
    array([0.9], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
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
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def _add_rule_slots(self, variables: list[Any]) -> None:
        for variable in variables:
            shape, dtype = tuple(variable.shape), variable.dtype
            shapes = [shape[:-1], (*shape[:-2], shape[-1])]
            if len(shape) < 2:
                # Files of Keras have two unused numbers in this place.
                shapes, dtype = [(), ()], "int32"
            made = [self.add_variable(s, dtype=dtype, name=variable.name) for s in shapes]
            made.append(self.add_variable_from_reference(variable, "velocity"))
            for slot, state in zip(("r", "c", "velocity"), made, strict=True):
                self._slots.setdefault(slot, []).append(state)

    def _rule(self, variable: Any) -> Rule:
        settings = (self.beta_2_decay, self.epsilon_1, self.epsilon_2, self.clip_threshold)
        if len(variable.shape) < 2:
            return Rule(_core.adafactor_update, ("velocity",), settings)
        return Rule(_core.adafactor_matrix_update, ("r", "c", "velocity"), settings)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            **super().get_config(),
            "beta_2_decay": self.beta_2_decay,
            "epsilon_1": self.epsilon_1,
            "epsilon_2": self.epsilon_2,
            "clip_threshold": self.clip_threshold,
            "relative_step": self.relative_step,
        }
