"""Reductions of rows that share a segment id.

`segment_ids` is 1-D with one id per row of `data`. Without `num_segments` it is the largest id
plus one, which needs the values: give it in a compiled step. `sorted` is a hint and changes
nothing.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend.dtypes import FLOAT_DTYPES, numpy_dtype
from pynn.backend.tensors import convert_to_numpy, convert_to_tensor
from pynn.ops.functions import custom_gradient
from pynn.ops.host import on_host
from pynn.ops.symbolic import symbolic_op

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]


@symbolic_op
def segment_sum(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Return sums of the rows of `data` that share a segment id: (num_segments, ...).

    Raises:
        ValueError: an id is out of range, or there is not one per row.

    >>> pynn.ops.segment_sum([1.0, 2.0, 4.0], [0, 1, 0], num_segments=2).numpy()
    array([5., 2.], dtype=float32)
    """
    del sorted
    data, ids, count = _checked("segment_sum", data, segment_ids, num_segments)
    return _core.scatter_add(_core.full((count, *data.shape[1:]), 0, data.dtype), ids, data, 0)


@symbolic_op
def segment_max(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Return maxima of the rows of `data` that share a segment id: (num_segments, ...).

    A segment without rows gets the lowest value of the dtype. Equal maxima share the gradient.

    Raises:
        ValueError: an id is out of range, or there is not one per row.

    >>> pynn.ops.segment_max([1.0, 2.0, 4.0], [0, 1, 0], num_segments=2).numpy()
    array([4., 2.], dtype=float32)
    """
    del sorted
    return _extremum(np.maximum, *_checked("segment_max", data, segment_ids, num_segments))


@symbolic_op
def segment_min(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Return minima of the rows of `data` that share a segment id: (num_segments, ...).

    A segment without rows gets the largest value of the dtype. Equal minima share the gradient.

    Raises:
        ValueError: an id is out of range, or there is not one per row.

    >>> pynn.ops.segment_min([1.0, 2.0, 4.0], [0, 1, 0], num_segments=2).numpy()
    array([1., 2.], dtype=float32)
    """
    del sorted
    return _extremum(np.minimum, *_checked("segment_min", data, segment_ids, num_segments))


@symbolic_op
def segment_prod(
    data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False
) -> Tensor:
    """Return products of the rows of `data` that share a segment id: (num_segments, ...).

    A segment without rows gets 1.

    Raises:
        ValueError: an id is out of range, or there is not one per row.

    >>> pynn.ops.segment_prod([1.0, 2.0, 4.0], [0, 1, 0], num_segments=2).numpy()
    array([4., 2.], dtype=float32)
    """
    del sorted
    data, ids, count = _checked("segment_prod", data, segment_ids, num_segments)
    if data.dtype not in FLOAT_DTYPES:
        return _reduced(np.multiply, 1, data, ids, count)
    return custom_gradient(lambda data: _product(data, ids, count))(data)


def _checked(
    who: str, data: Any, segment_ids: Any, num_segments: int | None
) -> tuple[Tensor, Tensor, int]:
    data, ids = convert_to_tensor(data), _core.cast(segment_ids, "int32")
    if ids.ndim != 1 or data.ndim < 1 or ids.shape[0] != data.shape[0]:
        raise ValueError(
            f"pynn.{who}: expected one segment id per row; received "
            f"data.shape={data.shape}, segment_ids.shape={ids.shape}"
        )
    if num_segments is None:
        num_segments = int(convert_to_numpy(ids).max(initial=-1)) + 1
    return data, ids, num_segments


def _reduced(
    combine: Callable[..., Any], start: Any, data: Tensor, ids: Tensor, count: int
) -> Tensor:
    """Rows combined by a NumPy function, from `start` on."""

    def reduce(rows: np.ndarray, ids: np.ndarray) -> np.ndarray:
        if ids.size and not -count <= ids.min() <= ids.max() < count:
            raise ValueError(
                f"pynn.segment: expected segment ids below {count}; received {ids.min()} to "
                f"{ids.max()}"
            )
        result = np.full((count, *rows.shape[1:]), start, rows.dtype)
        combine.at(result, ids, rows)  # type: ignore[attr-defined]  # of every ufunc
        return result

    return on_host(reduce, [data, ids], ((count, *data.shape[1:]), data.dtype))


def _extremum(combine: np.ufunc, data: Tensor, ids: Tensor, count: int) -> Tensor:
    start: Any = np.inf if combine is np.minimum else -np.inf
    if data.dtype not in FLOAT_DTYPES:
        kind = numpy_dtype(data.dtype)
        limits = (0, 1) if data.dtype == "bool" else (np.iinfo(kind).min, np.iinfo(kind).max)
        start = limits[combine is np.minimum]
        return _reduced(combine, start, data, ids, count)

    def with_gradient(data: Tensor) -> Any:
        result = _reduced(combine, start, data, ids, count)

        def gradient(upstream: Tensor) -> Tensor:
            chosen = _core.cast(_core.equal(data, _core.take(result, ids, 0)), data.dtype)
            ties = segment_sum(chosen, ids, count)
            shares = _core.divide(upstream, _core.maximum(ties, 1.0))
            return _core.multiply(chosen, _core.take(shares, ids, 0))

        return result, gradient

    return custom_gradient(with_gradient)(data)


def _product(data: Tensor, ids: Tensor, count: int) -> Any:
    result = _reduced(np.multiply, 1, data, ids, count)

    def gradient(upstream: Tensor) -> Tensor:
        # The product of the others: with one 0 in the segment, only that row has one.
        is_zero = _core.equal(data, 0)
        zeros = _core.take(segment_sum(_core.cast(is_zero, data.dtype), ids, count), ids, 0)
        nonzero = _core.where(is_zero, 1.0, data)
        product = _core.take(_reduced(np.multiply, 1, nonzero, ids, count), ids, 0)
        others = _core.cast(_core.equal(zeros, _core.cast(is_zero, data.dtype)), data.dtype)
        slope = _core.multiply(others, _core.divide(product, nonzero))
        return _core.multiply(slope, _core.take(upstream, ids, 0))

    return result, gradient
