"""Helpers shared by the families of ops: argument checks and dtype steps."""

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend import config
from pynn.backend.dtypes import FLOAT_DTYPES, result_type
from pynn.backend.tensors import convert_to_tensor

Axis = int | Sequence[int] | None


def axes_of(axis: Axis) -> list[int] | None:
    """Axes as the engine wants them: a list, or None for all."""
    if axis is None:
        return None
    if isinstance(axis, (list, tuple)):
        return [operator.index(a) for a in axis]
    return [operator.index(axis)]  # type: ignore[arg-type]  # what is left is an int


def canonical_axis(who: str, axis: int, rank: int) -> int:
    """`axis` counted from the start.

    Raises:
        ValueError: `axis` is not in [-rank, rank).
    """
    axis = operator.index(axis)
    if not -rank <= axis < rank:
        raise ValueError(f"pynn.{who}: expected axis in [{-rank}, {rank}); received axis={axis}")
    return axis % rank


def canonical_axes(who: str, axis: Axis, rank: int) -> list[int]:
    """Sorted axes counted from the start; None means all.

    Raises:
        ValueError: an axis is out of range or repeated.
    """
    axes = axes_of(axis)
    if axes is None:
        return list(range(rank))
    result = sorted(canonical_axis(who, a, rank) for a in axes)
    if len(set(result)) != len(result):
        raise ValueError(f"pynn.{who}: expected different axes; received axis={axis}")
    return result


def broadcast_shape(who: str, *shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape that all `shapes` broadcast to.

    Raises:
        ValueError: they do not.
    """
    try:
        return np.broadcast_shapes(*(tuple(shape) for shape in shapes))
    except ValueError:
        received = " and ".join(str(tuple(shape)) for shape in shapes)
        raise ValueError(
            f"pynn.{who}: expected shapes that broadcast; received {received}"
        ) from None


def reduced_size(shape: Sequence[int], axis: Axis, who: str) -> int:
    """Number of elements that a reduction of `shape` over `axis` puts into each result."""
    return math.prod(shape[a] for a in canonical_axes(who, axis, len(shape)))


def as_float(x: Any) -> Tensor:
    """`x` as a float tensor: ints and bools become `floatx()`."""
    if type(x) is not Tensor:
        x = _core.tensor(x)
    return x if x.dtype in FLOAT_DTYPES else _core.cast(x, config.floatx())


def as_number(x: Any) -> Tensor:
    """`x` as a tensor on which arithmetic works: bool becomes int32."""
    x = convert_to_tensor(x)
    return _core.cast(x, "int32") if x.dtype == "bool" else x


def promoted(*xs: Any) -> list[Tensor]:
    """Tensors of one dtype, Python scalars being weak."""
    dtype = result_type(*(weak_dtype(x) for x in xs))
    return [_core.cast(x, dtype) if is_array(x) else _core.tensor(x, dtype) for x in xs]


def promoted_float(*xs: Any) -> list[Tensor]:
    """Tensors of one float dtype, Python scalars being weak."""
    dtype = result_type(*(weak_dtype(x) for x in xs), float)
    return [_core.cast(x, dtype) if is_array(x) else _core.tensor(x, dtype) for x in xs]


def is_array(x: Any) -> bool:
    """Whether `x` has a dtype of its own."""
    return hasattr(x, "dtype")


def weak_dtype(x: Any) -> Any:
    """What `x` stands for in `result_type`: its dtype, or a weak Python type."""
    if isinstance(x, float):  # NumPy's float64 numbers are Python floats too
        return float
    if hasattr(x, "dtype"):
        return x.dtype
    if isinstance(x, (bool, int)):
        return type(x)
    return convert_to_tensor(x).dtype


def is_static(*values: Any) -> bool:
    """Whether all values are known Python or NumPy numbers rather than tensors."""
    return not any(isinstance(v, (Tensor, _core.Variable)) for v in values)
