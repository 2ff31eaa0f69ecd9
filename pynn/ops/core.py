"""Conversions, facts about tensors, slices and scatters."""

import builtins
import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from pynn import _core, backend
from pynn._core import Tensor
from pynn.backend.dtypes import FLOAT_DTYPES, INT_DTYPES, LARGEST_FLOAT, standardize_dtype
from pynn.ops.common import canonical_axis, is_static
from pynn.ops.symbolic import symbolic_op

__all__ = [
    "cast", "convert_to_numpy", "convert_to_tensor", "dtype", "is_tensor", "ndim",
    "saturate_cast", "scatter", "scatter_update", "shape", "size", "slice", "slice_update",
    "stop_gradient", "unstack",
]  # fmt: skip


@symbolic_op
def convert_to_tensor(
    x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None
) -> Tensor:
    """Return `x` (array, scalar, nested list, variable or tensor) as a tensor.

    A tensor of the right dtype is returned as it is. Python floats become `floatx()`, Python
    ints int32; NumPy arrays keep their dtype.

    Raises:
        ValueError: `sparse` or `ragged` is true: tensors are dense.
        TypeError: `x` cannot be converted.

    >>> pynn.ops.convert_to_tensor([1, 2, 3]).dtype
    'int32'
    """
    if sparse or ragged:
        raise ValueError(
            "pynn.convert_to_tensor: expected a dense tensor to be asked for; received "
            f"sparse={sparse}, ragged={ragged}"
        )
    return backend.convert_to_tensor(x, dtype)


def convert_to_numpy(x: Any) -> np.ndarray:
    """Return `x` as a NumPy array; the array of a tensor shares its memory and is read-only.

    Raises:
        TraceError: `x` is traced, so that it has no value yet.

    >>> pynn.ops.convert_to_numpy(pynn.ops.zeros((2,)))
    array([0., 0.], dtype=float32)
    """
    return backend.convert_to_numpy(x)


def is_tensor(x: Any) -> bool:
    """Return whether `x` is a tensor.

    >>> pynn.ops.is_tensor(pynn.ops.ones((2,))), pynn.ops.is_tensor([1.0, 1.0])
    (True, False)
    """
    return backend.is_tensor(x)


@symbolic_op
def cast(x: Any, dtype: Any) -> Tensor:
    """Return `x` converted to `dtype`.

    Float to integer truncates towards zero; anything to bool is `x != 0`.

    >>> pynn.ops.cast([1.5, -1.5], "int32").numpy()
    array([ 1, -1], dtype=int32)
    """
    return backend.cast(x, dtype)


@symbolic_op
def saturate_cast(x: Any, dtype: Any) -> Tensor:
    """Return `x` converted to `dtype`, values beyond its range replaced by its ends.

    >>> pynn.ops.saturate_cast([300.0, -5.0, 7.0], "uint8").numpy()
    array([255,   0,   7], dtype=uint8)
    """
    x = backend.convert_to_tensor(x)
    name = standardize_dtype(dtype)
    if name == "bool":
        return _core.cast(_core.clip(_core.cast(x, "int32"), 0, 1), name)
    if name in INT_DTYPES:
        return _saturated_to_int(x, name)
    if x.dtype == name or x.dtype not in FLOAT_DTYPES:
        return _core.cast(x, name)
    limit = LARGEST_FLOAT[name]
    if limit >= LARGEST_FLOAT[x.dtype]:
        return _core.cast(x, name)
    return _core.cast(_core.clip(x, -limit, limit), name)


def _saturated_to_int(x: Tensor, dtype: str) -> Tensor:
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    if x.dtype in FLOAT_DTYPES:
        # The largest integer may round up when made a float; then the comparison decides.
        below, above = _core.less_equal(x, float(low)), _core.greater_equal(x, float(high))
    else:
        info = np.iinfo("uint8" if x.dtype == "bool" else x.dtype)
        low, high = max(low, int(info.min)), min(high, int(info.max))
        below = _core.less_equal(x, _core.tensor(np.asarray(low, info.dtype)))
        above = _core.greater_equal(x, _core.tensor(np.asarray(high, info.dtype)))
    inside = _core.where(_core.logical_or(below, above), _core.full((), 0, x.dtype), x)
    result = _core.cast(inside, dtype)
    result = _core.where(below, _core.tensor(np.asarray(low, dtype)), result)
    return _core.where(above, _core.tensor(np.asarray(high, dtype)), result)


def shape(x: Any) -> tuple[int | None, ...]:
    """Return the shape as a tuple; None stands for sizes that a KerasTensor does not know.

    >>> pynn.ops.shape(pynn.ops.zeros((2, 3)))
    (2, 3)
    """
    return tuple(x.shape) if hasattr(x, "shape") else tuple(backend.convert_to_tensor(x).shape)


def ndim(x: Any) -> int:
    """Return the number of axes.

    >>> pynn.ops.ndim([[1, 2], [3, 4]])
    2
    """
    return len(shape(x))


def size(x: Any) -> int | None:
    """Return the number of elements; None for a KerasTensor with an unknown size.

    >>> pynn.ops.size([[1, 2], [3, 4]])
    4
    """
    sizes = shape(x)
    return None if None in sizes else math.prod(sizes)  # type: ignore[arg-type]  # no None


def dtype(x: Any) -> str:
    """Return the name of the dtype.

    >>> pynn.ops.dtype([1.0, 2.0])
    'float32'
    """
    return standardize_dtype(x.dtype) if hasattr(x, "dtype") else backend.convert_to_tensor(x).dtype


@symbolic_op
def stop_gradient(variable: Any) -> Tensor:
    """Return the value, as a constant to differentiation.

    >>> pynn.ops.stop_gradient([1.0, 2.0]).numpy()
    array([1., 2.], dtype=float32)
    """
    return _core.stop_gradient(variable)


@symbolic_op
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """Return the slices of x along `axis`, without that axis.

    Raises:
        ValueError: `num` is given and is not the size of the axis.

    >>> [row.numpy() for row in pynn.ops.unstack([[1, 2], [3, 4]])]
    [array([1, 2], dtype=int32), array([3, 4], dtype=int32)]
    """
    x = backend.convert_to_tensor(x)
    axis = canonical_axis("unstack", axis, x.ndim)
    count = x.shape[axis]
    if num is not None and num != count:
        raise ValueError(f"pynn.unstack: expected num={count}; received num={num}")
    before = (builtins.slice(None),) * axis
    return [x[(*before, i)] for i in range(count)]


@symbolic_op
def slice(inputs: Any, start_indices: Any, shape: Sequence[int]) -> Tensor:
    """Return the block of `shape` that begins at `start_indices`; -1 is "up to the end".

    A block that would reach beyond the end is moved back to fit, as in JAX. `start_indices` may
    be a tensor, `shape` must be known.

    Raises:
        ValueError: there is not one start and one size per axis, or a size is too large.

    >>> pynn.ops.slice([[1, 2, 3], [4, 5, 6]], (0, 1), (2, 2)).numpy()
    array([[2, 3],
           [5, 6]], dtype=int32)
    """
    x = backend.convert_to_tensor(inputs)
    starts = _starts("slice", start_indices, x.ndim)
    if len(shape) != x.ndim:
        raise ValueError(f"pynn.slice: expected {x.ndim} sizes; received shape={tuple(shape)}")
    sizes = [
        x.shape[a] - _known("slice", starts[a]) if n == -1 else operator.index(n)
        for a, n in enumerate(shape)
    ]
    _check_block("slice", x.shape, sizes)
    if is_static(*starts):
        lows = [min(max(s, 0), x.shape[a] - sizes[a]) for a, s in enumerate(starts)]
        return x[tuple(builtins.slice(low, low + n) for low, n in zip(lows, sizes, strict=True))]
    for axis, n in enumerate(sizes):
        start = _clamped(starts[axis], x.shape[axis] - n)
        x = _core.take(x, _core.add(start, np.arange(n, dtype=np.int32)), axis)
    return x


@symbolic_op
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Tensor:
    """Return `inputs` with the block that begins at `start_indices` replaced by `updates`.

    A block that would reach beyond the end is moved back to fit, as in JAX.

    Raises:
        ValueError: there is not one start per axis, or `updates` is too large.

    >>> pynn.ops.slice_update([1, 2, 3, 4], [1], [8, 9]).numpy()
    array([1, 8, 9, 4], dtype=int32)
    """
    x = backend.convert_to_tensor(inputs)
    updates = backend.convert_to_tensor(updates, x.dtype)
    starts = _starts("slice_update", start_indices, x.ndim)
    _check_block("slice_update", x.shape, updates.shape)
    if is_static(*starts):
        room = zip(starts, x.shape, updates.shape, strict=True)
        lows = [_clamped(start, total - n) for start, total, n in room]
        return _core.slice_update(x, updates, lows, [1] * x.ndim)
    inside = _core.full((), True, "bool")
    for axis, (total, n) in enumerate(zip(x.shape, updates.shape, strict=True)):
        if n == total:
            continue
        # Element i of this axis receives update i - start, where there is one.
        start = _clamped(starts[axis], total - n)
        position = _core.subtract(np.arange(total, dtype=np.int32), start)
        hit = _core.logical_and(_core.greater_equal(position, 0), _core.less(position, n))
        inside = _core.logical_and(inside, _core.reshape(hit, [-1] + [1] * (x.ndim - axis - 1)))
        if n:
            updates = _core.take(updates, _core.clip(position, 0, n - 1), axis)
    return x if 0 in updates.shape else _core.where(inside, updates, x)


def _starts(who: str, start_indices: Any, rank: int) -> list[Any]:
    """One start per axis: Python ints where known, else int32 scalars."""
    if is_static(start_indices) and not isinstance(start_indices, (list, tuple)):
        start_indices = np.reshape(start_indices, -1).tolist()
    starts = list(start_indices)
    if len(starts) != rank:
        raise ValueError(f"pynn.{who}: expected {rank} start indices; received {len(starts)}")
    return [operator.index(s) if is_static(s) else _core.cast(s, "int32") for s in starts]


def _known(who: str, start: Any) -> int:
    if not is_static(start):
        raise ValueError(
            f"pynn.{who}: expected a known size where the start is a tensor; received -1"
        )
    return start


def _check_block(who: str, total: Sequence[int], block: Sequence[int]) -> None:
    if len(block) != len(total) or any(not 0 <= n <= t for n, t in zip(block, total, strict=True)):
        raise ValueError(
            f"pynn.{who}: expected a block that fits in shape {tuple(total)}; received shape "
            f"{tuple(block)}"
        )


def _clamped(start: Any, last: int) -> Any:
    return min(max(start, 0), last) if is_static(start) else _core.clip(start, 0, last)


@symbolic_op
def scatter(indices: Any, values: Any, shape: Sequence[int]) -> Tensor:
    """Return zeros of `shape` with `values` added at `indices`.

    `indices` has shape (..., K): positions along the first K axes; `values` has the leading
    shape of `indices`, then the remaining axes of `shape`. Values at equal indices add up.

    Raises:
        ValueError: an index is out of range, or the shapes do not fit.

    >>> pynn.ops.scatter([[0], [2]], [5.0, 7.0], (4,)).numpy()
    array([5., 0., 7., 0.], dtype=float32)
    """
    values = backend.convert_to_tensor(values)
    return _scatter_add("scatter", _core.full(tuple(shape), 0, values.dtype), indices, values)


@symbolic_op
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Tensor:
    """Return `inputs` with `updates` put at `indices`, or added there with `reduction="add"`.

    `indices` has shape (..., K), as for `scatter`. Without a reduction the indices must be known
    (not computed in a compiled step), and the last of several updates of one place wins.

    Raises:
        ValueError: an index is out of range, or `reduction` is not None or "add".
        TraceError: `reduction` is None and `indices` is traced.

    >>> pynn.ops.scatter_update([1.0, 2.0, 3.0], [[0], [2]], [8.0, 9.0]).numpy()
    array([8., 2., 9.], dtype=float32)
    """
    x = backend.convert_to_tensor(inputs)
    updates = backend.convert_to_tensor(updates, x.dtype)
    if reduction == "add":
        return _scatter_add("scatter_update", x, indices, updates)
    if reduction is not None:
        raise ValueError(
            f"pynn.scatter_update: expected reduction None or 'add'; received {reduction!r}"
        )
    depth, rest = _scatter_shapes("scatter_update", x, backend.convert_to_tensor(indices), updates)
    places = backend.convert_to_numpy(indices).astype(np.int64).reshape(-1, depth)
    places = np.where(places < 0, places + np.asarray(x.shape[:depth]), places)
    flat = np.ravel_multi_index(tuple(places.T), x.shape[:depth])
    # One source row per place: row i of x, or the last update that names i.
    rows = math.prod(x.shape[:depth])
    source = np.arange(rows, dtype=np.int32)
    source[flat] = rows + np.arange(flat.size, dtype=np.int32)
    both = _core.concatenate(
        [_core.reshape(x, (rows, *rest)), _core.reshape(updates, (flat.size, *rest))], 0
    )
    return _core.reshape(_core.take(both, source, 0), x.shape)


def _scatter_add(who: str, x: Tensor, indices: Any, updates: Tensor) -> Tensor:
    indices = _core.cast(indices, "int32")
    depth, rest = _scatter_shapes(who, x, indices, updates)
    count = math.prod(indices.shape[:-1])
    positions = _core.reshape(indices, (count, depth))
    flat = _core.full((count,), 0, "int32")
    for axis in range(depth):
        checked = _in_range(positions[:, axis], x.shape[axis])
        flat = _core.add(_core.multiply(flat, x.shape[axis]), checked)
    rows = _core.reshape(x, (math.prod(x.shape[:depth]), *rest))
    added = _core.scatter_add(rows, flat, _core.reshape(updates, (count, *rest)), 0)
    return _core.reshape(added, x.shape)


def _in_range(index: Tensor, size: int) -> Tensor:
    """`index`, checked when it runs: taking from 0..size-1 fails where it is out of range."""
    return _core.take(np.arange(size, dtype=np.int32), index, 0)


def _scatter_shapes(
    who: str, x: Tensor, indices: Tensor, updates: Tensor
) -> tuple[int, tuple[int, ...]]:
    """Number of indexed axes of x, and the sizes of the others."""
    depth = indices.shape[-1] if indices.ndim else 0
    rest = tuple(x.shape[depth:])
    if not 1 <= depth <= x.ndim or tuple(updates.shape) != (*indices.shape[:-1], *rest):
        raise ValueError(
            f"pynn.{who}: expected indices (..., K) and updates of its leading shape plus the "
            f"other axes; received shape={x.shape}, indices.shape={indices.shape}, "
            f"updates.shape={updates.shape}"
        )
    return depth, rest
