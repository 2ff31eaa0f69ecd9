"""Changing the shape of one tensor: no element changes its value."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend.tensors import convert_to_numpy, convert_to_tensor
from pynn.ops.common import Axis, axes_of, canonical_axes, canonical_axis, is_static
from pynn.ops.symbolic import symbolic_op

__all__ = [
    "broadcast_to", "copy", "expand_dims", "flip", "fliplr", "flipud", "moveaxis", "ravel",
    "repeat", "reshape", "roll", "rot90", "squeeze", "swapaxes", "tile", "transpose",
]  # fmt: skip


@symbolic_op
def reshape(x: Any, newshape: int | Sequence[int]) -> Tensor:
    """Return x with another shape of the same size; one size may be -1 and is worked out.

    Raises:
        ValueError: the sizes differ.

    >>> pynn.ops.reshape([1, 2, 3, 4], (2, -1)).numpy()
    array([[1, 2],
           [3, 4]], dtype=int32)
    """
    shape = newshape if isinstance(newshape, (list, tuple)) else (newshape,)
    return _core.reshape(x, [operator.index(n) for n in shape])


@symbolic_op
def ravel(x: Any) -> Tensor:
    """Return x flattened to one axis.

    >>> pynn.ops.ravel([[1, 2], [3, 4]]).numpy()
    array([1, 2, 3, 4], dtype=int32)
    """
    x = convert_to_tensor(x)
    return _core.reshape(x, (x.size,))


@symbolic_op
def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """Return x with its axes in another order; reversed by default.

    >>> pynn.ops.transpose(np.ones((2, 3, 4)), (1, 0, 2)).shape
    (3, 2, 4)
    """
    x = convert_to_tensor(x)
    if axes is None:
        return _core.transpose(x, None)
    order = [canonical_axis("transpose", a, x.ndim) for a in axes]
    if sorted(order) != list(range(x.ndim)):
        raise ValueError(
            f"pynn.transpose: expected a permutation of {x.ndim} axes; received axes={axes}"
        )
    return _core.transpose(x, order)


@symbolic_op
def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Return x with two axes exchanged.

    >>> pynn.ops.swapaxes(np.ones((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    x = convert_to_tensor(x)
    order = list(range(x.ndim))
    first = canonical_axis("swapaxes", axis1, x.ndim)
    second = canonical_axis("swapaxes", axis2, x.ndim)
    order[first], order[second] = second, first
    return _core.transpose(x, order)


@symbolic_op
def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Return x with the axes `source` moved to the places `destination`.

    Raises:
        ValueError: the two differ in length, or an axis is out of range or repeated.

    >>> pynn.ops.moveaxis(np.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = convert_to_tensor(x)
    sources, targets = (
        [canonical_axis("moveaxis", a, x.ndim) for a in axes_of(side) or []]
        for side in (source, destination)
    )
    if not len(sources) == len(targets) == len(set(sources)) == len(set(targets)):
        raise ValueError(
            "pynn.moveaxis: expected as many different sources as destinations; received "
            f"source={source}, destination={destination}"
        )
    order = [a for a in range(x.ndim) if a not in sources]
    for target, moved in sorted(zip(targets, sources, strict=True)):
        order.insert(target, moved)
    return _core.transpose(x, order)


@symbolic_op
def expand_dims(x: Any, axis: int | Sequence[int]) -> Tensor:
    """Return x with new axes of size 1 at the places `axis` of the result.

    >>> pynn.ops.expand_dims([1, 2], 0).shape
    (1, 2)
    """
    x = convert_to_tensor(x)
    axes = axes_of(axis) or []
    rank = x.ndim + len(axes)
    return _core.expand_dims(x, [canonical_axis("expand_dims", a, rank) for a in axes])


@symbolic_op
def squeeze(x: Any, axis: Axis = None) -> Tensor:
    """Return x without the axes of size 1 named by `axis`; by default all of them.

    Raises:
        ValueError: a named axis is not of size 1.

    >>> pynn.ops.squeeze([[1], [2]], axis=-1).numpy()
    array([1, 2], dtype=int32)
    """
    axes = axes_of(axis)
    return convert_to_tensor(x) if axes == [] else _core.squeeze(x, axes)


@symbolic_op
def broadcast_to(x: Any, shape: Sequence[int]) -> Tensor:
    """Return x repeated along axes of size 1, and new leading axes, up to `shape`.

    >>> pynn.ops.broadcast_to([1, 2], (2, 2)).numpy()
    array([[1, 2],
           [1, 2]], dtype=int32)
    """
    return _core.broadcast_to(x, tuple(shape))


@symbolic_op
def copy(x: Any) -> Tensor:
    """Return a tensor with the values of x. Tensors never change, so nothing is copied.

    >>> pynn.ops.copy([1, 2]).numpy()
    array([1, 2], dtype=int32)
    """
    return convert_to_tensor(x)


@symbolic_op
def flip(x: Any, axis: Axis = None) -> Tensor:
    """Return x with the order of its elements reversed along `axis`, by default along all.

    >>> pynn.ops.flip([[1, 2], [3, 4]], axis=1).numpy()
    array([[2, 1],
           [4, 3]], dtype=int32)
    """
    x = convert_to_tensor(x)
    index: list[slice] = [slice(None)] * x.ndim
    for a in canonical_axes("flip", axis, x.ndim):
        index[a] = slice(None, None, -1)
    return x[tuple(index)]


@symbolic_op
def fliplr(x: Any) -> Tensor:
    """Return x reversed along its second axis (left to right).

    >>> pynn.ops.fliplr([[1, 2], [3, 4]]).numpy()
    array([[2, 1],
           [4, 3]], dtype=int32)
    """
    return flip(x, 1)


@symbolic_op
def flipud(x: Any) -> Tensor:
    """Return x reversed along its first axis (up to down).

    >>> pynn.ops.flipud([[1, 2], [3, 4]]).numpy()
    array([[3, 4],
           [1, 2]], dtype=int32)
    """
    return flip(x, 0)


@symbolic_op
def rot90(array: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Tensor:
    """Return `array` turned k times by 90 degrees from the first towards the second axis.

    >>> pynn.ops.rot90([[1, 2], [3, 4]]).numpy()
    array([[2, 4],
           [1, 3]], dtype=int32)
    """
    x = convert_to_tensor(array)
    first, second = (canonical_axis("rot90", a, x.ndim) for a in axes)
    if first == second:
        raise ValueError(f"pynn.rot90: expected two different axes; received axes={axes}")
    if k % 4 == 2:
        return flip(x, (first, second))
    if k % 4 == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second) if k % 4 == 3 else x


@symbolic_op
def roll(x: Any, shift: int | Sequence[int], axis: Axis = None) -> Tensor:
    """Return x moved cyclically by `shift` along `axis`; by default as if it were flat.

    Raises:
        ValueError: `shift` and `axis` differ in length.

    >>> pynn.ops.roll([1, 2, 3, 4], 1).numpy()
    array([4, 1, 2, 3], dtype=int32)
    """
    x = convert_to_tensor(x)
    if axis is None:
        flat = _core.reshape(x, (x.size,))
        for amount in axes_of(shift) or []:
            flat = _rolled(flat, amount, 0)
        return _core.reshape(flat, x.shape)
    shifts, axes = axes_of(shift) or [], axes_of(axis) or []
    if len(shifts) == 1:
        shifts = shifts * len(axes)
    elif len(axes) == 1:
        axes = axes * len(shifts)
    if len(shifts) != len(axes):
        raise ValueError(
            f"pynn.roll: expected one shift per axis; received shift={shift}, axis={axis}"
        )
    for amount, a in zip(shifts, axes, strict=True):
        x = _rolled(x, amount, canonical_axis("roll", a, x.ndim))
    return x


def _rolled(x: Tensor, shift: int, axis: int) -> Tensor:
    size = x.shape[axis]
    if size == 0 or shift % size == 0:
        return x
    cut = size - shift % size
    before = (slice(None),) * axis
    return _core.concatenate([x[(*before, slice(cut, None))], x[(*before, slice(0, cut))]], axis)


@symbolic_op
def repeat(x: Any, repeats: int | Sequence[int], axis: int | None = None) -> Tensor:
    """Return x with each element along `axis` repeated; by default x is flattened first.

    `repeats` is a number, or one number per element along `axis`.

    >>> pynn.ops.repeat([1, 2], 2).numpy()
    array([1, 1, 2, 2], dtype=int32)
    >>> pynn.ops.repeat([[1], [2]], [1, 2], axis=0).numpy()
    array([[1],
           [2],
           [2]], dtype=int32)
    """
    x = convert_to_tensor(x)
    if axis is None:
        x, axis = _core.reshape(x, (x.size,)), 0
    axis = canonical_axis("repeat", axis, x.ndim)
    counts = repeats if is_static(repeats) else convert_to_numpy(repeats)
    if np.size(counts) == 1:
        return _repeated_evenly(x, int(np.reshape(counts, ())), axis)
    if np.shape(counts) != (x.shape[axis],):
        raise ValueError(
            f"pynn.repeat: expected one number, or {x.shape[axis]} of them; received "
            f"repeats={repeats}"
        )
    indices = np.repeat(np.arange(x.shape[axis], dtype=np.int32), counts)
    return _core.take(x, indices, axis)


def _repeated_evenly(x: Tensor, count: int, axis: int) -> Tensor:
    shape = list(x.shape)
    wide = _core.broadcast_to(
        _core.expand_dims(x, [axis + 1]), (*shape[: axis + 1], count, *shape[axis + 1 :])
    )
    shape[axis] *= count
    return _core.reshape(wide, shape)


@symbolic_op
def tile(x: Any, repeats: int | Sequence[int]) -> Tensor:
    """Return x repeated as a whole `repeats` times along each axis.

    >>> pynn.ops.tile([1, 2], 2).numpy()
    array([1, 2, 1, 2], dtype=int32)
    """
    x = convert_to_tensor(x)
    counts = axes_of(repeats) or []
    rank = max(x.ndim, len(counts))
    counts = [1] * (rank - len(counts)) + counts
    if x.ndim < rank:
        x = _core.reshape(x, (1,) * (rank - x.ndim) + tuple(x.shape))
    return _core.tile(x, counts)
