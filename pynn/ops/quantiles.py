"""Medians, quantiles and percentiles, with NaN or without; argmax and argmin without NaN."""

import math
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend.dtypes import FLOAT_DTYPES
from pynn.backend.tensors import convert_to_numpy, convert_to_tensor
from pynn.ops.common import Axis, as_float, canonical_axes
from pynn.ops.indexing import take_along_axis
from pynn.ops.sorting import sort
from pynn.ops.symbolic import symbolic_op

__all__ = [
    "median", "nanargmax", "nanargmin", "nanmedian", "nanpercentile", "nanquantile", "percentile",
    "quantile",
]  # fmt: skip

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@symbolic_op
def median(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the median over `axis`: of an even number of elements, the mean of the middle two.

    >>> pynn.ops.median([[1.0, 9.0, 3.0], [4.0, 5.0, 6.0]], axis=1).numpy()
    array([3., 5.], dtype=float32)
    """
    return _quantile("median", x, 0.5, axis, "linear", keepdims, skip_nan=False)


@symbolic_op
def nanmedian(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the median over `axis` of the elements that are not NaN; NaN if all are.

    >>> pynn.ops.nanmedian([1.0, np.nan, 3.0]).numpy()
    array(2., dtype=float32)
    """
    return _quantile("nanmedian", x, 0.5, axis, "linear", keepdims, skip_nan=True)


@symbolic_op
def quantile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """Return the quantiles `q`, numbers in [0, 1], over `axis`; several come along a first axis.

    Between two elements: "linear" interpolates, "lower", "higher" and "nearest" pick one,
    "midpoint" takes their mean.

    Raises:
        ValueError: another method, or `q` of more than 1 axis.

    >>> pynn.ops.quantile([1.0, 2.0, 3.0, 4.0], [0.0, 0.5]).numpy()
    array([1. , 2.5], dtype=float32)
    """
    return _quantile("quantile", x, q, axis, method, keepdims, skip_nan=False)


@symbolic_op
def nanquantile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """Return the quantiles `q` over `axis` of the elements that are not NaN; NaN if all are.

    Raises:
        ValueError: an unknown method, or `q` of more than 1 axis.

    >>> pynn.ops.nanquantile([1.0, np.nan, 3.0], 0.5).numpy()
    array(2., dtype=float32)
    """
    return _quantile("nanquantile", x, q, axis, method, keepdims, skip_nan=True)


@symbolic_op
def percentile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """Return the percentiles `q`, numbers in [0, 100], over `axis`; as `quantile` of q / 100.

    Raises:
        ValueError: an unknown method, or `q` of more than 1 axis.

    >>> pynn.ops.percentile([1.0, 2.0, 3.0, 4.0], 50).numpy()
    array(2.5, dtype=float32)
    """
    return _quantile("percentile", x, _hundredth(q), axis, method, keepdims, skip_nan=False)


@symbolic_op
def nanpercentile(
    x: Any, q: Any, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """Return the percentiles `q` over `axis` of the elements that are not NaN; NaN if all are.

    Raises:
        ValueError: an unknown method, or `q` of more than 1 axis.

    >>> pynn.ops.nanpercentile([1.0, np.nan, 3.0], 50).numpy()
    array(2., dtype=float32)
    """
    return _quantile("nanpercentile", x, _hundredth(q), axis, method, keepdims, skip_nan=True)


def _hundredth(q: Any) -> np.ndarray:
    return np.asarray(convert_to_numpy(q), np.float64) / 100


def _quantile(
    who: str, x: Any, q: Any, axis: Axis, method: str, keepdims: bool, skip_nan: bool
) -> Tensor:
    if method not in _METHODS:
        raise ValueError(f"pynn.{who}: expected method in {_METHODS}; received {method!r}")
    levels = np.asarray(convert_to_numpy(q), np.float64)
    if levels.ndim > 1:
        raise ValueError(f"pynn.{who}: expected q of at most 1 axis; received shape={levels.shape}")
    x = as_float(x)
    axes = canonical_axes(who, axis, x.ndim)
    rows = sort(_merged_last(x, axes))
    result = _picked(rows, levels.reshape(-1), method, skip_nan)
    kept = [1 if a in axes else n for a, n in enumerate(x.shape)]
    shape = kept if keepdims else [n for a, n in enumerate(x.shape) if a not in axes]
    # The levels are along the last axis; they belong to the first one.
    result = _core.transpose(result, [result.ndim - 1, *range(result.ndim - 1)])
    return _core.reshape(result, [*levels.shape, *shape])


def _merged_last(x: Tensor, axes: list[int]) -> Tensor:
    """X with `axes` made one, the last."""
    others = [a for a in range(x.ndim) if a not in axes]
    x = _core.transpose(x, others + axes)
    leading = x.shape[: len(others)]
    return _core.reshape(x, (*leading, math.prod(x.shape[len(others) :])))


def _picked(rows: Tensor, levels: np.ndarray, method: str, skip_nan: bool) -> Tensor:
    """Quantiles of sorted rows, with NaN last: (..., n) gives (..., levels)."""
    present = _core.sum(_core.cast(_core.logical_not(_core.isnan(rows)), "int32"), [-1], True)
    last = _core.cast(_core.maximum(_core.subtract(present, 1), 0), "float64")
    if not skip_nan:
        last = _core.full(last.shape, rows.shape[-1] - 1.0, "float64")
    # In float64, where the position is exact to less than 1e-15 of the number of elements.
    position = _core.multiply(last, levels)
    position = _core.round(position) if method == "nearest" else position
    low, high = _core.floor(position), _core.ceil(position)
    weight = _core.cast(_core.subtract(position, low), rows.dtype)
    if method == "midpoint":
        weight = _core.multiply(_core.cast(_core.greater(weight, 0), rows.dtype), 0.5)
    below = take_along_axis(rows, _core.cast(low, "int32"), -1)
    above = take_along_axis(rows, _core.cast(high, "int32"), -1)
    if method in ("lower", "higher"):
        result = below if method == "lower" else above
    else:
        # Weights of 0 must not meet infinity: a whole position takes the element itself.
        between = _core.add(
            _core.multiply(below, _core.subtract(1.0, weight)), _core.multiply(above, weight)
        )
        result = _core.where(_core.equal(low, high), below, between)
    if skip_nan:
        return result
    return _core.where(_core.less(present, rows.shape[-1]), math.nan, result)


@symbolic_op
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Return the int32 index of the first maximum that is not NaN along `axis`; -1 if all are.

    >>> pynn.ops.nanargmax([1.0, np.nan, 3.0]).numpy()
    array(2, dtype=int32)
    """
    return _nan_arg(_core.argmax, -math.inf, x, axis, keepdims)


@symbolic_op
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Return the int32 index of the first minimum that is not NaN along `axis`; -1 if all are.

    >>> pynn.ops.nanargmin([1.0, np.nan, 3.0]).numpy()
    array(0, dtype=int32)
    """
    return _nan_arg(_core.argmin, math.inf, x, axis, keepdims)


def _nan_arg(reduce: Any, filling: float, x: Any, axis: int | None, keepdims: bool) -> Tensor:
    x = convert_to_tensor(x)
    if x.dtype not in FLOAT_DTYPES:
        return reduce(x, axis, keepdims)
    is_nan = _core.isnan(x)
    index = reduce(_core.where(is_nan, filling, x), axis, keepdims)
    nothing = _core.all(is_nan, None if axis is None else [axis], keepdims)
    return _core.where(nothing, -1, index)
