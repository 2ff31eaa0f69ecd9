"""Learning rates that fall by a power of the step, or in jumps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from pynn import ops
from pynn.optimizers.schedules.schedule import LearningRateSchedule, as_rate, check_steps


class _RateDecay(LearningRateSchedule):
    """What falls by `decay_rate` every `decay_steps`: arguments and config."""

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: float,
        decay_rate: float,
        staircase: bool,
        name: str,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name
        check_steps(self, "decay_steps", decay_steps)

    def _start_and_time(self, step: Any) -> tuple[Any, Any]:
        """The first rate, and the time in units of `decay_steps`."""
        start = as_rate(self.initial_learning_rate)
        time = ops.cast(step, start.dtype) / self.decay_steps
        return start, ops.floor(time) if self.staircase else time

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "decay_rate": self.decay_rate,
            "staircase": self.staircase,
            "name": self.name,
        }


class ExponentialDecay(_RateDecay):
    """Multiplies the rate by `decay_rate` every `decay_steps`, evenly or in jumps.

    `rate = initial_learning_rate * decay_rate^(step / decay_steps)`; with `staircase` the exponent
    is rounded down.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: how many steps one multiplication takes.
        decay_rate: the factor.
        staircase: whether the rate changes in jumps.
        name: name of the schedule.

    Raises:
        ValueError: for `decay_steps` that are not positive.

    >>> rate = ExponentialDecay(0.5, 100, 0.25)
    >>> [float(rate(step)) for step in (0, 50, 100)]
    [0.5, 0.25, 0.125]
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate after `step` steps, a float scalar."""
        start, time = self._start_and_time(step)
        return start * ops.power(ops.cast(self.decay_rate, start.dtype), time)


class InverseTimeDecay(_RateDecay):
    """Divides the first rate by what grows with time, evenly or in jumps.

    `rate = initial_learning_rate / (1 + decay_rate * step / decay_steps)`; with `staircase`
    `step / decay_steps` is rounded down.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: in how many steps the divisor grows by `decay_rate`.
        decay_rate: how much the divisor grows.
        staircase: whether the rate changes in jumps.
        name: name of the schedule.

    Raises:
        ValueError: for `decay_steps` that are not positive.

    >>> rate = InverseTimeDecay(0.5, 10, 1.0)
    >>> [float(rate(step)) for step in (0, 10, 30)]
    [0.5, 0.25, 0.125]
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate after `step` steps, a float scalar."""
        start, time = self._start_and_time(step)
        return start / (1.0 + self.decay_rate * time)


class PolynomialDecay(LearningRateSchedule):
    """Goes from one rate to another along a power of the time that is left.

    `rate = (start - end) * (1 - step / decay_steps)^power + end`, and `end` after `decay_steps`;
    or, with `cycle`, the fall is stretched to the next multiple of `decay_steps`.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: how many steps the fall takes.
        end_learning_rate: the rate in the end.
        power: 1 for a straight line, more for a fast start.
        cycle: whether to go on with longer falls after `decay_steps`.
        name: name of the schedule.

    Raises:
        ValueError: for `decay_steps` that are not positive.

    >>> rate = PolynomialDecay(0.5, 100, end_learning_rate=0.25)
    >>> [float(rate(step)) for step in (0, 50, 100, 200)]
    [0.5, 0.375, 0.25, 0.25]
    """

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name
        check_steps(self, "decay_steps", decay_steps)

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate after `step` steps, a float scalar."""
        start = as_rate(self.initial_learning_rate)
        end = ops.cast(self.end_learning_rate, start.dtype)
        step = ops.cast(step, start.dtype)
        if self.cycle:
            falls = ops.maximum(ops.ceil(step / self.decay_steps), 1.0)
            time = step / (self.decay_steps * falls)
        else:
            time = ops.minimum(step, self.decay_steps) / self.decay_steps
        return (start - end) * ops.power(1.0 - time, ops.cast(self.power, start.dtype)) + end

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "end_learning_rate": self.end_learning_rate,
            "power": self.power,
            "cycle": self.cycle,
            "name": self.name,
        }


class PiecewiseConstantDecay(LearningRateSchedule):
    """Jumps from one rate to the next after given steps.

    The rate is `values[0]` up to and including step `boundaries[0]`, then `values[1]` up to
    `boundaries[1]`, and so on; the last value holds for the rest.

    Args:
        boundaries: steps after which the rate changes, in ascending order.
        values: the rates, one more than there are boundaries.
        name: name of the schedule.

    Raises:
        ValueError: for boundaries that do not ascend, or a wrong number of them.

    >>> rate = PiecewiseConstantDecay([10, 20], [0.5, 0.25, 0.125])
    >>> [float(rate(step)) for step in (0, 10, 11, 20, 21)]
    [0.5, 0.5, 0.25, 0.25, 0.125]
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[Any], name: str = "PiecewiseConstant"
    ) -> None:
        who = "pynn.optimizers.schedules.PiecewiseConstantDecay"
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"{who}: expected one boundary less than values; "
                f"received boundaries={boundaries} and values={values}"
            )
        if any(a > b for a, b in itertools.pairwise(boundaries)):
            raise ValueError(f"{who}: expected ascending boundaries; received {boundaries}")
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate after `step` steps, a float scalar."""
        rate = as_rate(self.values[0])
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = ops.where(ops.greater(step, boundary), ops.cast(value, rate.dtype), rate)
        return rate

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}
