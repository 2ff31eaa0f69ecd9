"""Learning rates that depend on the step, and `serialize` and `deserialize`."""

from __future__ import annotations

from typing import Any

from pynn.lookup import get_from_registry
from pynn.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
from pynn.optimizers.schedules.decay import (
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from pynn.optimizers.schedules.schedule import LearningRateSchedule
from pynn.saving import serialize_keras_object

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

_OBJECTS: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
    )
}


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """Returns a JSON-able description of a schedule.

    >>> serialize(ExponentialDecay(0.1, 100, 0.5))["class_name"]
    'ExponentialDecay'
    """
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes the schedule that `serialize` described.

    Raises:
        ValueError: for an unknown name; the message has the nearest known one.

    >>> deserialize(serialize(ExponentialDecay(0.1, 100, 0.5))).decay_steps
    100
    """
    return get_from_registry("schedule", config, _OBJECTS, custom_objects=custom_objects)
