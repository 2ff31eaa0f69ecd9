"""Optimizers, and `get`, `serialize`, `deserialize`."""

from __future__ import annotations

from typing import Any

from pynn.lookup import get_from_registry
from pynn.optimizers import schedules
from pynn.optimizers.adadelta import Adadelta
from pynn.optimizers.adafactor import Adafactor
from pynn.optimizers.adagrad import Adagrad
from pynn.optimizers.adam import Adam, AdamW
from pynn.optimizers.adamax import Adamax
from pynn.optimizers.ftrl import Ftrl
from pynn.optimizers.lamb import Lamb
from pynn.optimizers.lion import Lion
from pynn.optimizers.loss_scale_optimizer import LossScaleOptimizer
from pynn.optimizers.multi_optimizer import MultiOptimizer
from pynn.optimizers.muon import Muon
from pynn.optimizers.nadam import Nadam
from pynn.optimizers.optimizer import Optimizer
from pynn.optimizers.optimizer_map import OptimizerMap
from pynn.optimizers.rmsprop import RMSprop
from pynn.optimizers.schedule_free_adamw import ScheduleFreeAdamW
from pynn.optimizers.sgd import SGD
from pynn.saving import serialize_keras_object

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

_CLASSES = (
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    AdamW,
    Adamax,
    Ftrl,
    Lamb,
    Lion,
    LossScaleOptimizer,
    MultiOptimizer,
    Muon,
    Nadam,
    RMSprop,
    ScheduleFreeAdamW,
    SGD,
)
# Every name that `get` knows, as Keras spells classes and as it lowers them.
ALL_OBJECTS: dict[str, Any] = {cls.__name__: cls for cls in _CLASSES} | {
    cls.__name__.lower(): cls for cls in _CLASSES
}


def serialize(optimizer: Optimizer) -> Any:
    """Returns a JSON-able description of an optimizer, without its state.

    >>> from pynn import optimizers
    >>> optimizers.serialize(optimizers.SGD(0.5))["class_name"]
    'SGD'
    """
    return serialize_keras_object(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Optimizer:
    """Makes the optimizer that a name or the config of `serialize` stands for.

    Raises:
        ValueError: for an unknown name; the message has the nearest known one.

    >>> from pynn import optimizers
    >>> float(optimizers.deserialize(optimizers.serialize(optimizers.SGD(0.5))).learning_rate)
    0.5
    """
    return get_from_registry(
        "optimizer",
        _known_spelling(config),
        ALL_OBJECTS,
        custom_objects=custom_objects,
        accept=_is_optimizer,
    )


def get(identifier: Any) -> Any:
    """Returns the optimizer that a name, config, class or object stands for.

    Raises:
        ValueError: for an unknown name; the message has the nearest known one.

    >>> from pynn import optimizers
    >>> type(optimizers.get("adam")).__name__
    'Adam'
    """
    return get_from_registry(
        "optimizer", _known_spelling(identifier), ALL_OBJECTS, accept=_is_optimizer
    )


def _known_spelling(identifier: Any) -> Any:
    """Names of optimizers may be written in any case."""
    if isinstance(identifier, str) and identifier not in ALL_OBJECTS:
        lowered = identifier.lower()
        return lowered if lowered in ALL_OBJECTS else identifier
    return identifier


def _is_optimizer(obj: Any) -> bool:
    return isinstance(obj, Optimizer)
