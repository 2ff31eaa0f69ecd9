"""Joining tensors, cutting them into parts, and padding."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import canonical_axis, promoted
from pynn.ops.symbolic import symbolic_op

__all__ = [
    "append", "array_split", "concatenate", "dsplit", "dstack", "hsplit", "hstack", "pad", "split",
    "stack", "vsplit", "vstack",
]  # fmt: skip


@symbolic_op
def concatenate(xs: Sequence[Any], axis: int | None = 0) -> Tensor:
    """Return tensors joined along an existing axis; None flattens them first.

    Raises:
        ValueError: there is no tensor, or their other axes differ.

    >>> pynn.ops.concatenate([[1, 2], [3]]).numpy()
    array([1, 2, 3], dtype=int32)
    """
    tensors = _promoted_list("concatenate", xs)
    if axis is None:
        return _core.concatenate([_core.reshape(x, (x.size,)) for x in tensors], 0)
    return _core.concatenate(tensors, axis)


@symbolic_op
def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Return tensors of one shape joined along a new axis.

    >>> pynn.ops.stack([[1, 2], [3, 4]], axis=1).numpy()
    array([[1, 3],
           [2, 4]], dtype=int32)
    """
    return _core.stack(_promoted_list("stack", x), axis)


@symbolic_op
def hstack(xs: Sequence[Any]) -> Tensor:
    """Return tensors joined along the second axis; 1-D ones along the first.

    >>> pynn.ops.hstack([[[1], [2]], [[3], [4]]]).numpy()
    array([[1, 3],
           [2, 4]], dtype=int32)
    """
    tensors = [_at_least(x, 1) for x in _promoted_list("hstack", xs)]
    return _core.concatenate(tensors, 0 if tensors[0].ndim == 1 else 1)


@symbolic_op
def vstack(xs: Sequence[Any]) -> Tensor:
    """Return tensors joined along the first axis; 1-D ones count as rows.

    >>> pynn.ops.vstack([[1, 2], [3, 4]]).numpy()
    array([[1, 2],
           [3, 4]], dtype=int32)
    """
    return _core.concatenate([_at_least(x, 2) for x in _promoted_list("vstack", xs)], 0)


@symbolic_op
def dstack(xs: Sequence[Any]) -> Tensor:
    """Return tensors joined along the third axis; (M, N) counts as (M, N, 1), (N,) as (1, N, 1).

    >>> pynn.ops.dstack([[1, 2], [3, 4]]).shape
    (1, 2, 2)
    """
    return _core.concatenate([_at_least(x, 3) for x in _promoted_list("dstack", xs)], 2)


@symbolic_op
def append(x1: Any, x2: Any, axis: int | None = None) -> Tensor:
    """Return x2 joined to the end of x1 along `axis`; by default both are flattened.

    >>> pynn.ops.append([1, 2], [[3], [4]]).numpy()
    array([1, 2, 3, 4], dtype=int32)
    """
    x1, x2 = promoted(x1, x2)
    return concatenate([x1, x2], axis)


def _promoted_list(who: str, xs: Sequence[Any]) -> list[Tensor]:
    if isinstance(xs, Tensor):
        xs = list(xs)
    if not len(xs):
        raise ValueError(f"pynn.{who}: expected at least one tensor; received none")
    return promoted(*(x if hasattr(x, "dtype") else convert_to_tensor(x) for x in xs))


def _at_least(x: Tensor, rank: int) -> Tensor:
    """X with the new axes that NumPy's atleast_1d, 2d and 3d add."""
    if x.ndim >= rank:
        return x
    if rank == 3 and x.ndim == 2:
        return _core.expand_dims(x, [2])
    if rank == 3:
        return _core.reshape(x, (1, x.size, 1))
    return _core.reshape(x, (1,) * (rank - x.ndim) + tuple(x.shape))


@symbolic_op
def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Return the parts of x along `axis`: a number of equal ones, or cut at given indices.

    Raises:
        ValueError: the axis does not divide into that many equal parts.

    >>> [part.numpy() for part in pynn.ops.split([1, 2, 3, 4], 2)]
    [array([1, 2], dtype=int32), array([3, 4], dtype=int32)]
    """
    x = convert_to_tensor(x)
    axis = canonical_axis("split", axis, x.ndim)
    size = x.shape[axis]
    if not isinstance(indices_or_sections, int):
        return _cut(x, [int(i) for i in indices_or_sections], axis)
    sections = indices_or_sections
    if sections < 1 or size % sections:
        raise ValueError(
            f"pynn.split: expected a number of equal parts of axis {axis}; received "
            f"shape={x.shape}, indices_or_sections={sections}"
        )
    return _cut(x, [i * (size // sections) for i in range(1, sections)], axis)


@symbolic_op
def array_split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Return the parts of x along `axis` as `split`; the first parts may be longer by one.

    >>> [part.numpy() for part in pynn.ops.array_split([1, 2, 3, 4, 5], 2)]
    [array([1, 2, 3], dtype=int32), array([4, 5], dtype=int32)]
    """
    x = convert_to_tensor(x)
    axis = canonical_axis("array_split", axis, x.ndim)
    if not isinstance(indices_or_sections, int):
        return _cut(x, [int(i) for i in indices_or_sections], axis)
    if indices_or_sections < 1:
        raise ValueError(
            f"pynn.array_split: expected at least 1 part; received {indices_or_sections}"
        )
    short, longer = divmod(x.shape[axis], indices_or_sections)
    bounds = [i * short + min(i, longer) for i in range(1, indices_or_sections)]
    return _cut(x, bounds, axis)


def _cut(x: Tensor, bounds: list[int], axis: int) -> list[Tensor]:
    edges = [0, *bounds, x.shape[axis]]
    before = (slice(None),) * axis
    return [x[(*before, slice(low, high))] for low, high in itertools.pairwise(edges)]


@symbolic_op
def hsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """Return the parts of x along its second axis; of a 1-D x along its only one.

    >>> [part.numpy() for part in pynn.ops.hsplit([[1, 2], [3, 4]], 2)]
    [array([[1],
           [3]], dtype=int32), array([[2],
           [4]], dtype=int32)]
    """
    x = convert_to_tensor(x)
    return split(x, indices_or_sections, 0 if x.ndim == 1 else 1)


@symbolic_op
def vsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """Return the parts of x along its first axis.

    >>> [part.numpy() for part in pynn.ops.vsplit([[1, 2], [3, 4]], 2)]
    [array([[1, 2]], dtype=int32), array([[3, 4]], dtype=int32)]
    """
    return split(x, indices_or_sections, 0)


@symbolic_op
def dsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """Return the parts of x along its third axis.

    >>> [part.shape for part in pynn.ops.dsplit(np.ones((1, 2, 4)), 2)]
    [(1, 2, 2), (1, 2, 2)]
    """
    return split(x, indices_or_sections, 2)


_INDEX_MODES = ("edge", "reflect", "symmetric", "wrap")


@symbolic_op
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Tensor:
    """Return x with elements added at the ends of its axes.

    `pad_width` is one number, one pair (before, after) for all axes, or one pair per axis.
    `mode` is "constant" (filled with `constant_values`, default 0), "edge", "reflect",
    "symmetric" or "wrap", with NumPy's meanings.

    Raises:
        ValueError: `pad_width` does not fit, or `mode` is unknown.

    >>> pynn.ops.pad([1, 2], (1, 2)).numpy()
    array([0, 1, 2, 0, 0], dtype=int32)
    >>> pynn.ops.pad([1, 2, 3], 2, mode="reflect").numpy()
    array([3, 2, 1, 2, 3, 2, 1], dtype=int32)
    """
    x = convert_to_tensor(x)
    widths = _pad_widths(pad_width, x.ndim)
    if mode == "constant":
        value = 0 if constant_values is None else constant_values
        low, high = [before for before, _ in widths], [after for _, after in widths]
        return _core.pad(x, low, high, value)
    if constant_values is not None:
        raise ValueError(
            "pynn.pad: expected constant_values only with mode='constant'; received "
            f"mode={mode!r}, constant_values={constant_values}"
        )
    if mode not in _INDEX_MODES:
        raise ValueError(
            f"pynn.pad: expected mode 'constant' or one of {_INDEX_MODES}; received {mode!r}"
        )
    for axis, width in enumerate(widths):
        if width != (0, 0):
            indices = np.arange(x.shape[axis], dtype=np.int32)
            padded = np.pad(indices, width, mode=mode)  # type: ignore[call-overload]  # a str
            x = _core.take(x, padded, axis)
    return x


def _pad_widths(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    widths = np.asarray(pad_width)
    if widths.dtype.kind not in "iu" or (widths.size and widths.min() < 0):
        raise ValueError(f"pynn.pad: expected pad_width of integers >= 0; received {pad_width}")
    try:
        pairs = np.broadcast_to(widths, (rank, 2))
    except ValueError:
        raise ValueError(
            f"pynn.pad: expected one number, one pair, or {rank} pairs (before, after); received "
            f"pad_width={pad_width}"
        ) from None
    return [(int(before), int(after)) for before, after in pairs]
