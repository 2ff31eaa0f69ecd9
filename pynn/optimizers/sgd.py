"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from pynn import _core
from pynn.optimizers.fused import FusedOptimizer, Rule


class SGD(FusedOptimizer):
    """Gradient descent, with or without (Nesterov) momentum.

    `w -= lr * g`, or with momentum `m = momentum * m - lr * g; w += m`, or with Nesterov momentum
    `w += momentum * m - lr * g` after the update of m. Sutskever et al., "On the importance of
    initialization and momentum in deep learning", 2013.

    Args:
        learning_rate: float, schedule or function.
        momentum: how much of the last step is repeated, in [0, 1].
        nesterov: whether the gradient is taken ahead of the step.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
            ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name: see
            `Optimizer`.

    Raises:
        ValueError: for a momentum outside [0, 1].

    >>> import pynn
    >>> weight = pynn.Variable([1.0])
    >>> pynn.optimizers.SGD(learning_rate=0.5).apply([pynn.ops.array([1.0])], [weight])
    >>> weight.numpy().tolist()
    [0.5]
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
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
        if not 0 <= momentum <= 1:
            raise ValueError(
                f"pynn.optimizers.SGD: expected momentum in [0, 1]; received {momentum}"
            )
        self.momentum = momentum
        self.nesterov = nesterov
        if momentum:
            self.slot_groups = (("momentum",),)

    def _rule(self, variable: Any) -> Rule:
        if not self.momentum:
            return Rule(_core.sgd_update, ())
        op = _core.nesterov_update if self.nesterov else _core.momentum_update
        return Rule(op, ("momentum",), (self.momentum,))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "nesterov": self.nesterov,
        }
