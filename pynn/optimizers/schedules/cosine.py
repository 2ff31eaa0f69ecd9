"""Learning rates that fall along half a cosine, once or again and again."""

from __future__ import annotations

import math
from typing import Any

from pynn import ops
from pynn.optimizers.schedules.schedule import LearningRateSchedule, as_rate, check_steps


class CosineDecay(LearningRateSchedule):
    """Falls along half a cosine to a fraction of the first rate, after a linear rise if wanted.

    `rate = start * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)`, and constant
    after `decay_steps`. With `warmup_target` the rate first rises to it in a straight line, in
    `warmup_steps`, and the cosine starts there. Loshchilov and Hutter, "SGDR: stochastic gradient
    descent with warm restarts", 2016.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: how many steps the cosine takes, without those of the rise.
        alpha: what remains in the end, as a fraction of the rate the cosine starts from.
        name: name of the schedule.
        warmup_target: the rate at the end of the rise; `None` for no rise.
        warmup_steps: how many steps the rise takes.

    Raises:
        ValueError: for `decay_steps` that are not positive.

    >>> rate = CosineDecay(0.0, 100, warmup_target=0.5, warmup_steps=10)
    >>> [round(float(rate(step)), 4) for step in (0, 5, 10, 60, 110)]
    [0.0, 0.25, 0.5, 0.25, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps
        check_steps(self, "decay_steps", decay_steps)

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate after `step` steps, a float scalar."""
        start = as_rate(self.initial_learning_rate)
        step = ops.cast(step, start.dtype)
        if self.warmup_target is None:
            return self._fall(start, step)
        target = ops.cast(self.warmup_target, start.dtype)
        # Without steps to rise in, the quotient is not used, but must not be a division by 0.
        risen = (target - start) * (step / (self.warmup_steps or 1)) + start
        fallen = self._fall(target, step - self.warmup_steps)
        return ops.where(step < self.warmup_steps, risen, fallen)

    def _fall(self, start: Any, step: Any) -> Any:
        fraction = ops.minimum(step, self.decay_steps) / self.decay_steps
        cosine = 0.5 * (1.0 + ops.cos(fraction * math.pi))
        return start * ((1 - self.alpha) * cosine + self.alpha)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """Falls along half a cosine, jumps back, and falls again, each time longer.

    Period number i (from 0) takes `first_decay_steps * t_mul^i` steps and starts from
    `initial_learning_rate * m_mul^i`. Loshchilov and Hutter, "SGDR: stochastic gradient descent
    with warm restarts", 2016.

    Args:
        initial_learning_rate: the rate of step 0.
        first_decay_steps: how many steps the first period takes.
        t_mul: how many times longer each period is than the one before.
        m_mul: how many times larger the rate starts than in the period before.
        alpha: what remains at the end of a period, as a fraction of `initial_learning_rate`.
        name: name of the schedule.

    Raises:
        ValueError: for `first_decay_steps` that are not positive.

    >>> rate = CosineDecayRestarts(0.5, 10)
    >>> [round(float(rate(step)), 4) for step in (0, 5, 10, 20, 30)]
    [0.5, 0.25, 0.5, 0.25, 0.5]
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name
        check_steps(self, "first_decay_steps", first_decay_steps)

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate after `step` steps, a float scalar."""
        start = as_rate(self.initial_learning_rate)
        period, fraction = self._period(ops.cast(step, start.dtype) / self.first_decay_steps)
        size = ops.power(ops.cast(self.m_mul, start.dtype), period)
        cosine = 0.5 * size * (1.0 + ops.cos(fraction * math.pi))
        return start * ((1 - self.alpha) * cosine + self.alpha)

    def _period(self, time: Any) -> tuple[Any, Any]:
        """The number of the period, and how much of it is over.

        `time` is in units of the first period. Those before number i take
        `1 + t_mul + ... + t_mul^(i-1) = (t_mul^i - 1) / (t_mul - 1)` of them.
        """
        if self.t_mul == 1:
            period = ops.floor(time)
            return period, time - period
        growth = ops.cast(self.t_mul, time.dtype)
        period = ops.floor(ops.log(1.0 - time * (1.0 - growth)) / ops.log(growth))
        length = ops.power(growth, period)
        return period, (time - (1.0 - length) / (1.0 - growth)) / length

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self.t_mul,
            "m_mul": self.m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
