"""Optimizers whose whole step on a weight is one pass over memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pynn import _core
from pynn.optimizers.clipping import norm_scales
from pynn.optimizers.optimizer import Optimizer

_UNSCALED = _core.tensor(1.0, "float64")
# What `around` of an update means: clip value, weight decay, momentum and overwrite frequency of
# the moving average. None of them:
_NOTHING = (0.0, 0.0, 0.0, 0.0)


class Rule(NamedTuple):
    """How one weight is updated: an op of the engine and what it takes."""

    op: Callable[..., tuple[Any, ...]]
    slots: tuple[str, ...]
    settings: tuple[float, ...] = ()
    scalars: tuple[Any, ...] = ()


class FusedOptimizer(Optimizer):
    """Base of the optimizers of pynn: subclasses name an op of the engine in `_rule`.

    The op reads gradient, weight, states and moving average and writes them, once: scaling and
    clipping of the gradient, weight decay and the average are inside it. A subclass that overrides
    `update_step` gets the separate operations of `Optimizer` around its own rule instead.
    """

    def _rule(self, variable: Any) -> Rule:
        raise NotImplementedError(
            f"pynn.{type(self).__name__}: expected a subclass of FusedOptimizer to define _rule"
        )

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Applies the rule alone to one variable."""
        self._apply_rule(
            variable, gradient, [learning_rate, self.iterations, _UNSCALED], None, _NOTHING
        )

    def _apply_rule(
        self, variable: Any, gradient: Any, scalars: list[Any], average: Any, around: Any
    ) -> None:
        rule = self._rule(variable)
        written = [variable, *(self.slot(name, variable) for name in rule.slots)]
        if average is not None:
            written.append(average)
        results = rule.op(
            [target.value for target in written],
            gradient,
            [*scalars, *rule.scalars],
            rule.settings,
            around,
        )
        for target, result in zip(written, results, strict=True):
            target.assign(result)

    def _update(self, gradients: list[Any], variables: list[Any], unscale: float = 1.0) -> None:
        if type(self).update_step is not FusedOptimizer.update_step:
            super()._update(gradients, variables, unscale)
            return
        scales = norm_scales(gradients, self.clipnorm, self.global_clipnorm, unscale)
        scales = scales or [_UNSCALED] * len(gradients)
        rate, iterations = self.learning_rate, self.iterations
        for gradient, variable, scale in zip(gradients, variables, scales, strict=True):
            average = self.slot("average", variable) if self._averages_in_pass else None
            around = (
                max(self.clipvalue or 0.0, 0.0),
                self.weight_decay or 0.0 if self._decays(variable) else 0.0,
                0.0 if average is None else self.ema_momentum,
                0.0 if average is None else self.ema_overwrite_frequency or 0.0,
            )
            self._apply_rule(variable, gradient, [rate, iterations, scale], average, around)

    @property
    def _averages_in_pass(self) -> bool:
        # With accumulation weights change in some steps only, averages in all of them.
        return self.use_ema and not self.gradient_accumulation_steps

    def _update_averages(self, updated: list[Any]) -> None:
        if self._averages_in_pass and type(self).update_step is FusedOptimizer.update_step:
            done = {id(variable) for variable in updated}
            self._average([v for v in self._trainable_variables if id(v) not in done])
        else:
            super()._update_averages(updated)
