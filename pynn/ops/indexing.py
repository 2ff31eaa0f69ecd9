"""Picking elements: by index, along diagonals, and below or above them."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import broadcast_shape, canonical_axis
from pynn.ops.symbolic import symbolic_op

__all__ = [
    "diag", "diagflat", "diagonal", "diff", "get_item", "take", "take_along_axis", "tril", "triu",
    "unravel_index", "vander",
]  # fmt: skip


@symbolic_op
def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """Return the slices of x at integer `indices` along `axis`; of the flattened x by default.

    The result has x's shape with `axis` replaced by the shape of `indices`. Negative indices
    count from the end.

    Raises:
        ValueError: an index is out of range (Keras gives NaN or a random element).

    >>> pynn.ops.take([[1, 2], [3, 4]], [1, 0], axis=1).numpy()
    array([[2, 1],
           [4, 3]], dtype=int32)
    """
    x = convert_to_tensor(x)
    if axis is None:
        x, axis = _core.reshape(x, (x.size,)), 0
    return _core.take(x, _integer("take", indices), canonical_axis("take", axis, x.ndim))


@symbolic_op
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """Return, along `axis`, the elements of x that `indices` names in its own place.

    `indices` has x's rank; its other axes broadcast with x's. With `axis=None` both are flat.

    Raises:
        ValueError: the ranks differ, or an index is out of range.

    >>> pynn.ops.take_along_axis([[10, 20], [30, 40]], [[1], [0]], axis=1).numpy()
    array([[20],
           [30]], dtype=int32)
    """
    x, indices = convert_to_tensor(x), _integer("take_along_axis", indices)
    if axis is None:
        flat = _core.reshape(x, (x.size,))
        return _core.take(flat, _core.reshape(indices, (indices.size,)), 0)
    axis = canonical_axis("take_along_axis", axis, x.ndim)
    if indices.ndim != x.ndim:
        raise ValueError(
            f"pynn.take_along_axis: expected indices of rank {x.ndim}; received "
            f"shape={indices.shape}"
        )
    shape, picked = _common_shapes(x.shape, indices.shape, axis)
    x, indices = _core.broadcast_to(x, shape), _core.broadcast_to(indices, picked)
    return _core.take(_core.reshape(x, (x.size,)), _flat_positions(indices, shape, axis), 0)


def _common_shapes(
    shape: Sequence[int], indexed: Sequence[int], axis: int
) -> tuple[list[int], list[int]]:
    """The two shapes, broadcast on every axis but `axis`."""
    sizes = broadcast_shape(
        "take_along_axis",
        (*shape[:axis], 1, *shape[axis + 1 :]),
        (*indexed[:axis], 1, *indexed[axis + 1 :]),
    )
    return (
        [*sizes[:axis], shape[axis], *sizes[axis + 1 :]],
        [*sizes[:axis], indexed[axis], *sizes[axis + 1 :]],
    )


def _flat_positions(indices: Tensor, shape: list[int], axis: int) -> Tensor:
    """Positions in the flattened array of `shape` of the elements that `indices` names."""
    size, stride = shape[axis], math.prod(shape[axis + 1 :])
    index_dtype = "int32" if math.prod(shape) < 2**31 else "int64"
    indices = _core.cast(indices, index_dtype)
    wrapped = _core.where(_core.less(indices, 0), _core.add(indices, size), indices)
    # An index that is out of range must not land on another row: it is moved beyond the end.
    outside = _core.logical_or(_core.less(wrapped, 0), _core.greater_equal(wrapped, size))
    offsets = np.zeros((1,) * len(shape), index_dtype)
    for a, n in enumerate(shape):
        if a != axis:
            steps = np.arange(n, dtype=index_dtype) * math.prod(shape[a + 1 :])
            offsets = offsets + steps.reshape([-1 if i == a else 1 for i in range(len(shape))])
    flat = _core.add(_core.multiply(wrapped, stride), offsets)
    return _core.where(outside, math.prod(shape), flat)


@symbolic_op
def get_item(x: Any, key: Any) -> Tensor:
    """Return x[key], for keys made of ints, slices, None, Ellipsis and index arrays.

    >>> pynn.ops.get_item([[1, 2], [3, 4]], (slice(None), 1)).numpy()
    array([2, 4], dtype=int32)
    """
    return convert_to_tensor(x)[key]


@symbolic_op
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Return the diagonals of the matrices spanned by `axis1` and `axis2`, as the last axis.

    `offset` > 0 is above the main diagonal, < 0 below it.

    Raises:
        ValueError: x has fewer than 2 axes, or the axes are the same.

    >>> pynn.ops.diagonal([[1, 2], [3, 4]]).numpy()
    array([1, 4], dtype=int32)
    """
    x = convert_to_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"pynn.diagonal: expected at least 2 axes; received shape={x.shape}")
    first, second = (canonical_axis("diagonal", a, x.ndim) for a in (axis1, axis2))
    if first == second:
        raise ValueError(f"pynn.diagonal: expected different axes; received {axis1} and {axis2}")
    rest = [a for a in range(x.ndim) if a not in (first, second)]
    rows, columns = x.shape[first], x.shape[second]
    x = _core.transpose(x, [*rest, first, second])
    leading = tuple(x.shape[:-2])
    length = max(0, min(rows - max(0, -offset), columns - max(0, offset)))
    start = max(0, offset) + max(0, -offset) * columns
    # In the flattened matrix the diagonal is every (columns + 1)-th element.
    flat = _core.reshape(x, (*leading, rows * columns))
    return flat[..., start : start + length * (columns + 1) : columns + 1]


@symbolic_op
def diag(x: Any, k: int = 0) -> Tensor:
    """Return the k-th diagonal of a matrix, or the matrix with the vector x on it.

    Raises:
        ValueError: x has neither 1 nor 2 axes.

    >>> pynn.ops.diag([1, 2]).numpy()
    array([[1, 0],
           [0, 2]], dtype=int32)
    """
    x = convert_to_tensor(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(f"pynn.diag: expected 1 or 2 axes; received shape={x.shape}")
    n = x.shape[0] + abs(k)
    # Element i goes to row i + max(0, -k), column i + max(0, k): a stretched and padded vector.
    column = _core.reshape(x, (x.shape[0], 1))
    stretched = _core.pad(column, [0, 0], [0, n], 0)
    flat = _core.reshape(stretched, (x.shape[0] * (n + 1),))
    start = max(0, k) + max(0, -k) * n
    total = n * n
    kept = min(flat.size, total - start)
    flat = _core.pad(flat[:kept], [start], [total - start - kept], 0)
    return _core.reshape(flat, (n, n))


@symbolic_op
def diagflat(x: Any, k: int = 0) -> Tensor:
    """Return the matrix with the flattened x on its k-th diagonal.

    >>> pynn.ops.diagflat([[1, 2]]).numpy()
    array([[1, 0],
           [0, 2]], dtype=int32)
    """
    x = convert_to_tensor(x)
    return diag(_core.reshape(x, (x.size,)), k)


@symbolic_op
def tril(x: Any, k: int = 0) -> Tensor:
    """Return x (..., M, N) with zeros above the k-th diagonal.

    >>> pynn.ops.tril([[1, 2], [3, 4]]).numpy()
    array([[1, 0],
           [3, 4]], dtype=int32)
    """
    return _triangle("tril", x, k, lower=True)


@symbolic_op
def triu(x: Any, k: int = 0) -> Tensor:
    """Return x (..., M, N) with zeros below the k-th diagonal.

    >>> pynn.ops.triu([[1, 2], [3, 4]]).numpy()
    array([[1, 2],
           [0, 4]], dtype=int32)
    """
    return _triangle("triu", x, k - 1, lower=False)


def _triangle(who: str, x: Any, k: int, lower: bool) -> Tensor:
    x = convert_to_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"pynn.{who}: expected at least 2 axes; received shape={x.shape}")
    below = np.tri(x.shape[-2], x.shape[-1], k, dtype=bool)
    return _core.where(below if lower else ~below, x, _core.full((), 0, x.dtype))


@symbolic_op
def diff(a: Any, n: int = 1, axis: int = -1) -> Tensor:
    """Return the n-th differences of neighbours along `axis`; of bools, whether they differ.

    >>> pynn.ops.diff([1, 4, 9]).numpy()
    array([3, 5], dtype=int32)
    """
    x = convert_to_tensor(a)
    before = (slice(None),) * canonical_axis("diff", axis, x.ndim)
    if n < 0:
        raise ValueError(f"pynn.diff: expected n >= 0; received n={n}")
    subtract = _core.not_equal if x.dtype == "bool" else _core.subtract
    for _ in range(n):
        x = subtract(x[(*before, slice(1, None))], x[(*before, slice(None, -1))])
    return x


@symbolic_op
def unravel_index(indices: Any, shape: Sequence[int]) -> tuple[Tensor, ...]:
    """Return the coordinates in an array of `shape` of positions in its flattened form.

    >>> [i.numpy() for i in pynn.ops.unravel_index([1, 5], (2, 3))]
    [array([0, 1], dtype=int32), array([1, 2], dtype=int32)]
    """
    rest = _integer("unravel_index", indices)
    rest = _core.where(_core.less(rest, 0), _core.add(rest, math.prod(shape)), rest)
    coordinates: list[Tensor] = []
    for size in reversed(shape):
        coordinates.append(_core.mod(rest, size))
        rest = _core.floor_divide(rest, size)
    return tuple(reversed(coordinates))


@symbolic_op
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return the Vandermonde matrix (len(x), N) of the powers of x.

    >>> pynn.ops.vander([1, 2, 3], increasing=True).numpy()
    array([[1, 1, 1],
           [1, 2, 4],
           [1, 3, 9]], dtype=int32)
    """
    x = convert_to_tensor(x)
    if x.ndim != 1:
        raise ValueError(f"pynn.vander: expected 1 axis; received shape={x.shape}")
    exponents = np.arange(x.shape[0] if N is None else N)
    exponents = exponents if increasing else exponents[::-1]
    return _core.power(_core.expand_dims(x, [1]), _core.tensor(exponents, x.dtype))


def _integer(who: str, indices: Any) -> Tensor:
    """`indices` as an integer tensor; an empty list has no dtype of its own and is one too."""
    indices = convert_to_tensor(indices)
    if "int" in indices.dtype:
        return indices
    if indices.size == 0 or indices.dtype == "bool":
        return _core.cast(indices, "int32")
    raise TypeError(f"pynn.{who}: expected integer indices; received dtype={indices.dtype}")
