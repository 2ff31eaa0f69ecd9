"""Penalties on weights and activities. Names, arguments and configs as in `keras.regularizers`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pynn import ops
from pynn.lookup import get_from_registry, name_table
from pynn.saving import serialize_keras_object


class Regularizer:
    """Base class: `regularizer(x)` returns a scalar tensor that is added to the loss.

    Any function of a weight that returns a scalar serves as well.

    >>> import pynn
    >>> class Sum(pynn.regularizers.Regularizer):
    ...     def __call__(self, x):
    ...         return pynn.ops.sum(x)
    >>> float(Sum()(pynn.ops.ones((3,))))
    3.0
    """

    def __call__(self, x: Any) -> Any:
        """Return the penalty for `x`; 0 in the base class."""
        return 0.0

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        """Rebuild a regularizer from `get_config()`."""
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        raise NotImplementedError(
            f"pynn.regularizers: expected {type(self).__name__} to implement get_config()"
        )


class L1(Regularizer):
    """`l1 * sum(|x|)` (Tibshirani 1996).

    >>> float(L1(0.5)(ops.convert_to_tensor([1.0, -3.0])))
    2.0
    """

    def __init__(self, l1: float = 0.01):
        self.l1 = _factor(self, "l1", 0.01 if l1 is None else l1)

    def __call__(self, x: Any) -> Any:
        """Return the penalty, a scalar tensor."""
        return self.l1 * ops.sum(ops.absolute(x))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {"l1": self.l1}


class L2(Regularizer):
    """`l2 * sum(x**2)`.

    >>> float(L2(0.5)(ops.convert_to_tensor([1.0, -3.0])))
    5.0
    """

    def __init__(self, l2: float = 0.01):
        self.l2 = _factor(self, "l2", 0.01 if l2 is None else l2)

    def __call__(self, x: Any) -> Any:
        """Return the penalty, a scalar tensor."""
        return self.l2 * ops.sum(ops.square(x))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {"l2": self.l2}


class L1L2(Regularizer):
    """`l1 * sum(|x|) + l2 * sum(x**2)` (Zou and Hastie 2005).

    >>> float(L1L2(l1=0.5, l2=0.5)(ops.convert_to_tensor([1.0, -3.0])))
    7.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1 = _factor(self, "l1", l1 or 0.0)
        self.l2 = _factor(self, "l2", l2 or 0.0)

    def __call__(self, x: Any) -> Any:
        """Return the penalty, a scalar tensor."""
        penalty = ops.convert_to_tensor(0.0, dtype=x.dtype)
        if self.l1:
            penalty = penalty + self.l1 * ops.sum(ops.absolute(x))
        if self.l2:
            penalty = penalty + self.l2 * ops.sum(ops.square(x))
        return penalty

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {"l1": self.l1, "l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean |cosine| between different rows (or columns) of a matrix.

    Args:
        factor: weight of the penalty.
        mode: "rows" or "columns".

    Raises:
        ValueError: an unknown mode; when called, an input that is not of rank 2.

    >>> float(OrthogonalRegularizer(1.0)(ops.convert_to_tensor([[1.0, 0.0], [0.0, 2.0]])))
    0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        if mode not in ("rows", "columns"):
            raise ValueError(
                "pynn.regularizers.OrthogonalRegularizer: expected mode 'rows' or 'columns'; "
                f"received {mode!r}"
            )
        self.factor = _factor(self, "factor", factor)
        self.mode = mode

    def __call__(self, inputs: Any) -> Any:
        """Return the penalty, a scalar tensor."""
        if len(inputs.shape) != 2:
            raise ValueError(
                "pynn.regularizers.OrthogonalRegularizer: expected an input of rank 2; "
                f"received shape {tuple(inputs.shape)}"
            )
        rows = inputs if self.mode == "rows" else ops.transpose(inputs)
        rows = ops.normalize(rows, axis=1)
        cosines = ops.matmul(rows, ops.transpose(rows))
        count = rows.shape[0]
        others = 1.0 - ops.eye(count, dtype=cosines.dtype)
        pairs = count * (count - 1.0) / 2.0
        # The symmetric matrix holds each pair twice, hence the half.
        return self.factor * 0.5 * ops.sum(ops.absolute(cosines * others)) / pairs

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {"factor": self.factor, "mode": self.mode}


l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

_TABLE = name_table([L1, L2, L1L2, OrthogonalRegularizer], l1_l2=L1L2)


def get(identifier: Any) -> Any:
    """Turn a name, config, class or callable into a regularizer; None stays None.

    Raises:
        ValueError: an unknown name, with the nearest known one.

    >>> get("l2").get_config()
    {'l2': 0.01}
    """
    return get_from_registry("regularizer", identifier, _TABLE)


def serialize(regularizer: Any) -> Any:
    """The config of a regularizer.

    >>> serialize(L2(0.5))["config"]
    {'l2': 0.5}
    """
    return serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Rebuild a regularizer from its config, or from its name.

    >>> deserialize(serialize(L2(0.5))).l2
    0.5
    """
    return get_from_registry("regularizer", config, _TABLE, custom_objects=custom_objects)


def _factor(owner: Regularizer, name: str, value: Any) -> float:
    is_number = isinstance(value, (int, float)) or hasattr(value, "__float__")
    if not is_number or not math.isfinite(value) or value < 0:
        raise ValueError(
            f"pynn.regularizers.{type(owner).__name__}: expected {name} to be a finite number "
            f">= 0; received {value!r}"
        )
    return float(value)
