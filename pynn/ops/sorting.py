"""Sorting, and finding places in sorted arrays.

NumPy finds the order; elements are then taken in that order by the engine, so that gradients go
to where the elements came from. The order is stable, and NaN comes last.
"""

from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import canonical_axis, promoted
from pynn.ops.host import on_host
from pynn.ops.indexing import take_along_axis
from pynn.ops.symbolic import symbolic_op

__all__ = ["argpartition", "argsort", "digitize", "searchsorted", "sort", "top_k"]


@symbolic_op
def argsort(x: Any, axis: int | None = -1) -> Tensor:
    """Return the int32 indices that sort x along `axis`; of the flattened x with None.

    >>> pynn.ops.argsort([3.0, 1.0, 2.0]).numpy()
    array([1, 2, 0], dtype=int32)
    """
    return _order("argsort", *_along(x, axis))


@symbolic_op
def sort(x: Any, axis: int | None = -1) -> Tensor:
    """Return x in ascending order along `axis`; the flattened x with None.

    >>> pynn.ops.sort([[3, 1], [2, 4]], axis=0).numpy()
    array([[2, 1],
           [3, 4]], dtype=int32)
    """
    x, axis = _along(x, axis)
    return take_along_axis(x, _order("sort", x, axis), axis)


@symbolic_op
def argpartition(x: Any, kth: int, axis: int | None = -1) -> Tensor:
    """Return int32 indices that put the `kth` element where sorting would, smaller ones before.

    The indices sort x, which is one of the orders that partition it.

    >>> pynn.ops.argpartition([3.0, 1.0, 2.0], 1).numpy()
    array([1, 2, 0], dtype=int32)
    """
    x, axis = _along(x, axis)
    canonical_axis("argpartition", kth, x.shape[axis])
    return _order("argpartition", x, axis)


@symbolic_op
def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """Return the k largest elements along the last axis, largest first, and their indices.

    Of equal elements the first come first. `sorted=False` allows any order; it is this one.

    Raises:
        ValueError: x has fewer than k elements along the last axis, or no axis.

    >>> values, indices = pynn.ops.top_k([1.0, 5.0, 3.0], 2)
    >>> values.numpy(), indices.numpy()
    (array([5., 3.], dtype=float32), array([1, 2], dtype=int32))
    """
    del sorted
    x = convert_to_tensor(x)
    if x.ndim == 0 or not 0 <= k <= x.shape[-1]:
        raise ValueError(f"pynn.top_k: expected k elements to take; received {k=}, shape={x.shape}")

    def largest(array: np.ndarray) -> np.ndarray:
        # Backwards, so that a stable ascending order has the first of equals last.
        order = np.argsort(array[..., ::-1], axis=-1, kind="stable")
        return array.shape[-1] - 1 - order[..., ::-1][..., :k]

    indices = on_host(largest, [x], ((*x.shape[:-1], k), "int32"))
    return take_along_axis(x, indices, -1), indices


@symbolic_op
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Tensor:
    """Return the int32 places at which `values` keep the 1-D `sorted_sequence` in order.

    Equal elements are after the place with `side="left"`, before it with "right".

    Raises:
        ValueError: `sorted_sequence` is not 1-D, or `side` is neither "left" nor "right".

    >>> pynn.ops.searchsorted([1.0, 2.0, 3.0], [2.0, 2.5]).numpy()
    array([1, 2], dtype=int32)
    """
    sequence, values = promoted(sorted_sequence, values)
    if side not in ("left", "right"):
        raise ValueError(
            f"pynn.searchsorted: expected side 'left' or 'right'; received side={side!r}"
        )
    return _places("searchsorted", sequence, values, side == "right")


@symbolic_op
def digitize(x: Any, bins: Any) -> Tensor:
    """Return for each element the int32 number of its bin: how many of the edges are <= it.

    `bins` is 1-D and ascending.

    Raises:
        ValueError: `bins` is not 1-D.

    >>> pynn.ops.digitize([0.5, 1.0, 9.0], [1.0, 2.0]).numpy()
    array([0, 1, 2], dtype=int32)
    """
    edges, x = promoted(bins, x)
    return _places("digitize", edges, x, True)


def _places(who: str, sequence: Tensor, values: Tensor, after_equals: bool) -> Tensor:
    if sequence.ndim != 1:
        raise ValueError(f"pynn.{who}: expected a 1-D sequence; received shape={sequence.shape}")
    return on_host(
        lambda edges, x: np.searchsorted(edges, x, side="right" if after_equals else "left"),
        [sequence, values],
        (values.shape, "int32"),
    )


def _along(x: Any, axis: int | None) -> tuple[Tensor, int]:
    """X and an axis of it; flattened if there is none."""
    x = convert_to_tensor(x)
    if axis is None:
        return _core.reshape(x, (x.size,)), 0
    return x, canonical_axis("sort", axis, x.ndim)


def _order(who: str, x: Tensor, axis: int) -> Tensor:
    def order(array: np.ndarray) -> np.ndarray:
        return np.argsort(array, axis=axis, kind="stable")

    order.__name__ = who
    return on_host(order, [x], (x.shape, "int32"))
