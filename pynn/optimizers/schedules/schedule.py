"""The base class of learning rates that depend on the step, and what all of them share."""

from __future__ import annotations

from typing import Any

from pynn import backend, ops


class LearningRateSchedule:
    """A function from the number of steps taken so far to the learning rate.

    Subclasses write `__call__(step)` with ops: it is traced with the rest of the train step, so
    `step` is a tensor (int32, scalar) without a value.

    >>> import pynn
    >>> class Halving(pynn.optimizers.schedules.LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 * 0.5 ** (pynn.ops.cast(step, "float32") / 100.0)
    ...     def get_config(self):
    ...         return {}
    >>> round(float(Halving()(100)), 4)
    0.05
    """

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate after `step` steps, a float scalar."""
        raise NotImplementedError(
            f"pynn.{type(self).__name__}: expected a method `__call__(step)`; "
            "received a class without one"
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        raise NotImplementedError(
            f"pynn.{type(self).__name__}: expected a method `get_config()`; "
            "received a class without one"
        )

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LearningRateSchedule:
        """Makes the schedule that `get_config` described."""
        return cls(**config)


def as_rate(value: Any) -> Any:
    """Returns a learning rate as a float scalar; whole numbers count as floats, too.

    >>> as_rate(1).dtype
    'float32'
    """
    rate = ops.convert_to_tensor(value)
    return rate if backend.is_float_dtype(rate.dtype) else ops.cast(rate, backend.floatx())


def check_steps(schedule: LearningRateSchedule, argument: str, value: Any) -> None:
    """Raises ValueError for a number of steps that is not positive."""
    if not value > 0:
        raise ValueError(
            f"pynn.optimizers.schedules.{type(schedule).__name__}: expected {argument} > 0; "
            f"received {value!r}"
        )
