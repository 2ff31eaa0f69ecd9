"""Projections applied to weights after each step. As in `keras.constraints`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pynn import ops
from pynn.backend import epsilon
from pynn.lookup import get_from_registry, name_table
from pynn.saving import serialize_keras_object

Axis = int | Sequence[int]


class Constraint:
    """Base class: `constraint(w)` returns the projected weight; the base returns it unchanged.

    >>> import pynn
    >>> class AtMostOne(pynn.constraints.Constraint):
    ...     def __call__(self, w):
    ...         return pynn.ops.minimum(w, 1.0)
    >>> AtMostOne()(pynn.ops.convert_to_tensor([0.5, 2.0])).numpy()
    array([0.5, 1. ], dtype=float32)
    """

    def __call__(self, w: Any) -> Any:
        """Return the projection of `w`, of the same shape."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        """Rebuild a constraint from `get_config()`."""
        return cls(**config)


class MaxNorm(Constraint):
    """Scales down weight vectors whose L2 norm along `axis` exceeds `max_value`.

    >>> MaxNorm(1.0)(ops.convert_to_tensor([[3.0], [4.0]])).numpy().round(3).tolist()
    [[0.6000000238418579], [0.800000011920929]]
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0):
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """Return the projection of `w`, of the same shape."""
        w = ops.convert_to_tensor(w)
        norms = _norms(w, self.axis)
        return w * (ops.clip(norms, 0, self.max_value) / (epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """Sets negative weights to 0.

    >>> NonNeg()(ops.convert_to_tensor([-1.0, 2.0])).numpy()
    array([0., 2.], dtype=float32)
    """

    def __call__(self, w: Any) -> Any:
        """Return the projection of `w`, of the same shape."""
        return ops.maximum(ops.convert_to_tensor(w), 0)


class UnitNorm(Constraint):
    """Scales weight vectors to L2 norm 1 along `axis`.

    >>> UnitNorm()(ops.convert_to_tensor([[0.0], [2.0]])).numpy().tolist()
    [[0.0], [1.0]]
    """

    def __init__(self, axis: Axis = 0):
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """Return the projection of `w`, of the same shape."""
        w = ops.convert_to_tensor(w)
        return w / (epsilon() + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Moves the L2 norm along `axis` towards [min_value, max_value].

    Args:
        min_value: smallest norm.
        max_value: largest norm.
        rate: 1 enforces the bounds at once; less moves that share of the way each step.
        axis: axis or axes along which the norm is taken.

    >>> MinMaxNorm(1.0, 2.0)(ops.convert_to_tensor([[0.0], [4.0]])).numpy().tolist()
    [[0.0], [2.0]]
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Axis = 0,
    ):
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """Return the projection of `w`, of the same shape."""
        w = ops.convert_to_tensor(w)
        norms = _norms(w, self.axis)
        inside = ops.clip(norms, self.min_value, self.max_value)
        wanted = self.rate * inside + (1.0 - self.rate) * norms
        return w * (wanted / (epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

_TABLE = name_table([MaxNorm, MinMaxNorm, NonNeg, UnitNorm])


def get(identifier: Any) -> Any:
    """Turn a name, config, class or callable into a constraint; None stays None.

    Raises:
        ValueError: an unknown name, with the nearest known one.

    >>> get("max_norm").get_config()
    {'max_value': 2, 'axis': 0}
    """
    return get_from_registry("constraint", identifier, _TABLE)


def serialize(constraint: Any) -> Any:
    """The config of a constraint.

    >>> serialize(UnitNorm())["config"]
    {'axis': 0}
    """
    return serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Rebuild a constraint from its config, or from its name.

    >>> deserialize(serialize(UnitNorm(axis=1))).axis
    1
    """
    return get_from_registry("constraint", config, _TABLE, custom_objects=custom_objects)


def _norms(w: Any, axis: Axis) -> Any:
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))
