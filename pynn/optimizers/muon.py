"""Muon: orthogonal steps for matrices, Adam for the rest."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from pynn import _core, backend, ops
from pynn.optimizers.fused import FusedOptimizer, Rule


class Muon(FusedOptimizer):
    """Steps by the nearest orthogonal matrix to an average gradient.

    For weights with two axes `m = momentum * m + g` and
    `w -= lr * rms_rate * sqrt(max(rows, columns)) * orthogonal(g + momentum * m)`, where
    `orthogonal` brings all singular values near 1 by a few Newton-Schulz iterations
    `X = a X + (b X X^T + c (X X^T)^2) X`. All other weights (vectors, stacks of matrices,
    embeddings) and those whose path matches `exclude_layers` are updated as by `AdamW`. Jordan et
    al., "Muon: an optimizer for hidden layers in neural networks", 2024; the factor after Liu et
    al., "Muon is scalable for LLM training", 2025.

    Args:
        learning_rate: float, schedule or function.
        adam_beta_1, adam_beta_2, epsilon: `beta_1`, `beta_2` and `epsilon` of the Adam part.
        adam_weight_decay: weight decay of the Adam part; `None` for none.
        weight_decay: weight decay of the matrices; `None` for none.
        exclude_layers: regular expressions; weights whose path contains a match go to Adam.
        exclude_embeddings: whether weights with "embedding" in their path go to Adam.
        muon_a, muon_b, muon_c: coefficients of the iteration.
        adam_lr_ratio: learning rate of the Adam part, in units of `learning_rate`.
        momentum: how much of the average gradient stays in every step.
        ns_steps: number of iterations.
        nesterov: whether the gradient is taken ahead of the step.
        rms_rate: size of the elements of a step, in units of the learning rate; `None` leaves the
            orthogonal matrix as it is.
        clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: see `Optimizer`.

    >>> import pynn
    >>> weight = pynn.Variable([[1.0, 0.0], [0.0, 1.0]])
    >>> optimizer = pynn.optimizers.Muon(learning_rate=0.1, weight_decay=None)
    >>> optimizer.apply([pynn.ops.array([[2.0, 0.0], [0.0, 0.0]])], [weight])
    >>> weight.numpy().round(1)
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.7750,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
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
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = epsilon
        self.exclude_layers = exclude_layers or []
        self.exclude_embeddings = exclude_embeddings
        self.muon_a = muon_a
        self.muon_b = muon_b
        self.muon_c = muon_c
        self.adam_lr_ratio = adam_lr_ratio
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    # ---- which rule --------------------------------------------------------------------------

    def _uses_adam(self, variable: Any) -> bool:
        path = variable.path
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in path.lower()):
            return True
        return any(re.search(pattern, path) for pattern in self.exclude_layers)

    def _add_rule_slots(self, variables: list[Any]) -> None:
        for variable in variables:
            made: dict[str, Any] = {"momentum": None, "velocity": None}
            for slot in ("momentum", "velocity") if self._uses_adam(variable) else ("momentum",):
                made[slot] = self.add_variable_from_reference(variable, slot)
            for slot, state in made.items():
                self._slots.setdefault(slot, []).append(state)

    def _decay_weights(self, variables: list[Any], learning_rate: Any) -> None:
        for variable in filter(self._decays, variables):
            decay = self.adam_weight_decay if self._uses_adam(variable) else self.weight_decay
            if decay is not None:
                rate = ops.cast(learning_rate, variable.dtype)
                variable.assign(variable - variable * decay * rate)

    # ---- the rules ---------------------------------------------------------------------------

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Applies to one variable the rule that is meant for it."""
        if self._uses_adam(variable):
            super().update_step(gradient, variable, learning_rate * self.adam_lr_ratio)
        else:
            self._step_orthogonally(gradient, variable, learning_rate)

    def _rule(self, variable: Any) -> Rule:
        settings = (self.adam_beta_1, self.adam_beta_2, self.epsilon)
        return Rule(_core.adam_update, ("momentum", "velocity"), settings)

    def _step_orthogonally(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        # Weights in 16 bits are updated in float32.
        dtype = backend.result_type(variable.dtype, "float32")
        gradient, state = ops.cast(gradient, dtype), self.slot("momentum", variable)
        average = gradient + ops.cast(state, dtype) * self.momentum
        ahead = gradient + self.momentum * average if self.nesterov else average
        update = self.zeropower_via_newtonschulz5(ahead, self.ns_steps)
        update = self.lr_adjust(ops.cast(learning_rate, dtype) * update)
        state.assign(ops.cast(average, state.dtype))
        variable.assign(ops.cast(ops.cast(variable, dtype) - update, variable.dtype))

    def transpose_last_axis(self, X: Any) -> Any:
        """Returns `X`, of rank 2 or more, with its last two axes swapped."""
        return ops.swapaxes(X, -1, -2)

    def lr_adjust(self, x: Any) -> Any:
        """Returns a step, (rows, columns), scaled so that its elements are about `rms_rate`."""
        if self.rms_rate is None:
            return x
        return x * (math.sqrt(max(x.shape[0], x.shape[1])) * self.rms_rate)

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Returns about the nearest orthogonal matrix to `x`: its singular values come near 1.

        Args:
            x: matrix, or stack of matrices, of shape (..., rows, columns).
            steps: number of iterations.

        Raises:
            ValueError: for less than two axes.
        """
        if len(x.shape) < 2:
            raise ValueError(
                "pynn.optimizers.Muon.zeropower_via_newtonschulz5: expected at least two axes; "
                f"received shape {tuple(x.shape)}"
            )
        is_tall = x.shape[-2] > x.shape[-1]
        if is_tall:  # the products are of the shorter side
            x = self.transpose_last_axis(x)
        # The Frobenius norm bounds the largest singular value.
        x = x / (ops.sqrt(ops.sum(ops.square(x), axis=(-2, -1), keepdims=True)) + 1e-7)
        for _ in range(steps):
            product = ops.matmul(x, self.transpose_last_axis(x))
            odd = self.muon_b * product + self.muon_c * ops.matmul(product, product)
            x = self.muon_a * x + ops.matmul(odd, x)
        return self.transpose_last_axis(x) if is_tall else x

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            **super().get_config(),
            "adam_beta_1": self.adam_beta_1,
            "adam_beta_2": self.adam_beta_2,
            "epsilon": self.epsilon,
            "exclude_layers": self.exclude_layers,
            "muon_a": self.muon_a,
            "muon_b": self.muon_b,
            "muon_c": self.muon_c,
            "adam_lr_ratio": self.adam_lr_ratio,
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
            "nesterov": self.nesterov,
            "exclude_embeddings": self.exclude_embeddings,
            "adam_weight_decay": self.adam_weight_decay,
            "rms_rate": self.rms_rate,
        }
