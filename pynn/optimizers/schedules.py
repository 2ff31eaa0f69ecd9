"""Learning rates that depend on the step."""

from __future__ import annotations

from typing import Any

from pynn.lookup import get_from_registry
from pynn.saving import serialize_keras_object


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


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """Returns a JSON-able description of a schedule."""
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes the schedule that `serialize` described.

    Raises:
        ValueError: for an unknown name.
    """
    return get_from_registry("schedule", config, {}, custom_objects=custom_objects)
