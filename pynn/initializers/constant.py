"""Initializers whose values need no random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pynn import _core
from pynn.backend import floatx, standardize_dtype
from pynn.initializers.initializer import Initializer
from pynn.saving import deserialize_keras_object, serialize_keras_object


class Constant(Initializer):
    """Every element is `value`, a Python number or an array that broadcasts to the shape.

    >>> Constant(2.5)((2,)).numpy()
    array([2.5, 2.5], dtype=float32)
    """

    def __init__(self, value: Any = 0.0):
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> _core.Tensor:
        """Return a tensor of `shape` and `dtype`."""
        dtype = standardize_dtype(dtype or floatx())
        if np.ndim(self.value) == 0:
            return _core.full(tuple(shape), self.value, dtype)
        return _core.tensor(np.broadcast_to(np.asarray(self.value), tuple(shape)), dtype)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constant:
        """Rebuild from `get_config()`."""
        return cls(deserialize_keras_object(config["value"]))


class Zeros(Initializer):
    """Every element is 0.

    >>> Zeros()((2,), dtype="int32").numpy()
    array([0, 0], dtype=int32)
    """

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> _core.Tensor:
        """Return a tensor of `shape` and `dtype`."""
        return _core.full(tuple(shape), 0, standardize_dtype(dtype or floatx()))


class Ones(Initializer):
    """Every element is 1.

    >>> Ones()((2,)).numpy()
    array([1., 1.], dtype=float32)
    """

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> _core.Tensor:
        """Return a tensor of `shape` and `dtype`."""
        return _core.full(tuple(shape), 1, standardize_dtype(dtype or floatx()))


class Identity(Initializer):
    """`gain` times the identity matrix, for matrices only.

    Raises:
        ValueError: when called with a shape that is not of rank 2.

    >>> Identity(2.0)((2, 3)).numpy()
    array([[2., 0., 0.],
           [0., 2., 0.]], dtype=float32)
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> _core.Tensor:
        """Return a tensor of `shape` and `dtype`."""
        if len(shape) != 2:
            raise ValueError(
                f"pynn.initializers.Identity: expected a shape of rank 2; received {tuple(shape)}"
            )
        rows, columns = shape
        identity = self.gain * np.eye(rows, columns)
        return _core.tensor(identity, standardize_dtype(dtype or floatx()))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {"gain": self.gain}
