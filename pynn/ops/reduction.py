"""Reductions over axes.

`axis` is an int, a sequence of ints, or None for all axes; with `keepdims` the reduced axes stay
with size 1. Sums and products of integers narrower than 32 bits, and of bools, are int32 or uint32.
"""

from typing import Any

from pynn import _core
from pynn._core import Tensor
from pynn.backend.dtypes import FLOAT_DTYPES, standardize_dtype, widened_for_sum
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import Axis, as_float, axes_of, promoted_float, reduced_size
from pynn.ops.symbolic import engine_op, symbolic_op

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "average", "count_nonzero", "max", "mean",
    "min", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar", "prod", "ptp",
    "std", "sum", "trapezoid", "var",
]  # fmt: skip


@engine_op(_core.sum)
def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the sum over `axis`; 0 where there is nothing to add.

    >>> pynn.ops.sum([[1, 2], [3, 4]], axis=0).numpy()
    array([4, 6], dtype=int32)
    """
    return _core.sum(_widened(x), axes_of(axis), keepdims)


@symbolic_op
def prod(x: Any, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """Return the product over `axis`; 1 where there is nothing to multiply.

    >>> pynn.ops.prod([[1, 2], [3, 4]], axis=1).numpy()
    array([ 2, 12], dtype=int32)
    """
    x = _widened(x) if dtype is None else _core.cast(x, standardize_dtype(dtype))
    return _core.prod(x, axes_of(axis), keepdims)


@engine_op(_core.mean)
def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the arithmetic mean over `axis` as a float.

    >>> pynn.ops.mean([[1, 2], [3, 4]], axis=1).numpy()
    array([1.5, 3.5], dtype=float32)
    """
    return _core.mean(as_float(x), axes_of(axis), keepdims)


@engine_op(_core.variance)
def var(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the variance over `axis`: the mean squared distance from the mean.

    >>> pynn.ops.var([1.0, 3.0]).numpy()
    array(1., dtype=float32)
    """
    return _core.variance(as_float(x), axes_of(axis), keepdims)


@symbolic_op
def std(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the standard deviation over `axis`: the square root of `var`.

    >>> pynn.ops.std([1.0, 3.0]).numpy()
    array(1., dtype=float32)
    """
    return _core.sqrt(_core.variance(as_float(x), axes_of(axis), keepdims))


@symbolic_op
def max(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """Return the maximum over `axis`, and at least `initial`; NaN if an element is NaN.

    Raises:
        ValueError: there is no element to reduce and no `initial`.

    >>> pynn.ops.max([[1, 5], [3, 2]], axis=0).numpy()
    array([3, 5], dtype=int32)
    """
    return _extremum("max", _core.max, _core.maximum, x, axis, keepdims, initial)


@symbolic_op
def amax(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the maximum over `axis`: another name of `max`.

    >>> pynn.ops.amax([[1, 5], [3, 2]], axis=0).numpy()
    array([3, 5], dtype=int32)
    """
    return _extremum("amax", _core.max, _core.maximum, x, axis, keepdims, None)


@symbolic_op
def min(x: Any, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """Return the minimum over `axis`, and at most `initial`; NaN if an element is NaN.

    Raises:
        ValueError: there is no element to reduce and no `initial`.

    >>> pynn.ops.min([[1, 5], [3, 2]], axis=1).numpy()
    array([1, 2], dtype=int32)
    """
    return _extremum("min", _core.min, _core.minimum, x, axis, keepdims, initial)


@symbolic_op
def amin(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the minimum over `axis`: another name of `min`.

    >>> pynn.ops.amin([[1, 5], [3, 2]], axis=1).numpy()
    array([1, 2], dtype=int32)
    """
    return _extremum("amin", _core.min, _core.minimum, x, axis, keepdims, None)


@symbolic_op
def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the maximum minus the minimum over `axis` ("peak to peak").

    >>> pynn.ops.ptp([1, 7, 3]).numpy()
    array(6, dtype=int32)
    """
    axes = axes_of(axis)
    x = convert_to_tensor(x)
    return _core.subtract(_core.max(x, axes, keepdims), _core.min(x, axes, keepdims))


@engine_op(_core.all)
def all(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return whether all elements over `axis` are true (non-zero).

    >>> pynn.ops.all([[True, False], [True, True]], axis=1).numpy()
    array([False,  True])
    """
    return _core.all(_as_bool(x), axes_of(axis), keepdims)


@engine_op(_core.any)
def any(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return whether any element over `axis` is true (non-zero).

    >>> pynn.ops.any([[True, False], [False, False]], axis=1).numpy()
    array([ True, False])
    """
    return _core.any(_as_bool(x), axes_of(axis), keepdims)


@engine_op(_core.argmax)
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Return the int32 index of the first maximum along `axis`, or in the flattened x.

    >>> pynn.ops.argmax([[1, 5, 5], [7, 2, 3]], axis=1).numpy()
    array([1, 0], dtype=int32)
    """
    return _core.argmax(x, axis, keepdims)


@engine_op(_core.argmin)
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Return the int32 index of the first minimum along `axis`, or in the flattened x.

    >>> pynn.ops.argmin([[1, 5, 5], [7, 2, 3]], axis=1).numpy()
    array([0, 1], dtype=int32)
    """
    return _core.argmin(x, axis, keepdims)


@symbolic_op
def count_nonzero(x: Any, axis: Axis = None) -> Tensor:
    """Return the number of non-zero elements over `axis` as int32.

    >>> pynn.ops.count_nonzero([[0, 2], [3, 4]], axis=0).numpy()
    array([1, 2], dtype=int32)
    """
    return _core.sum(_core.cast(_as_bool(x), "int32"), axes_of(axis), False)


@symbolic_op
def average(x: Any, axis: Axis = None, weights: Any = None) -> Tensor:
    """Return the weighted mean over `axis`; without weights, the mean.

    `weights` has x's shape, or is 1-D of the length of the one axis.

    Raises:
        ValueError: `weights` has another shape.

    >>> pynn.ops.average([1.0, 2.0], weights=[3.0, 1.0]).numpy()
    array(1.25, dtype=float32)
    """
    axes = axes_of(axis)
    if weights is None:
        return _core.mean(as_float(x), axes, False)
    x, weights = promoted_float(x, weights)
    if weights.shape != x.shape:
        weights = _weights_along(x, weights, axes)
    total = _core.sum(_core.multiply(x, weights), axes, False)
    return _core.divide(total, _core.sum(weights, axes, False))


def _weights_along(x: Tensor, weights: Tensor, axes: list[int] | None) -> Tensor:
    """1-D weights of one axis, broadcast to the shape of x."""
    if axes is None or len(axes) != 1 or weights.shape != (x.shape[axes[0]],):
        raise ValueError(
            "pynn.average: expected weights of x's shape, or 1-D along one axis; received "
            f"x.shape={x.shape}, weights.shape={weights.shape}, axis={axes}"
        )
    shape = [1] * x.ndim
    shape[axes[0]] = weights.shape[0]
    return _core.broadcast_to(_core.reshape(weights, shape), x.shape)


@symbolic_op
def nansum(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the sum over `axis`, NaN counting as 0.

    >>> pynn.ops.nansum([1.0, np.nan, 2.0]).numpy()
    array(3., dtype=float32)
    """
    return _core.sum(_widened(_nan_replaced(x, 0)), axes_of(axis), keepdims)


@symbolic_op
def nanprod(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the product over `axis`, NaN counting as 1.

    >>> pynn.ops.nanprod([1.0, np.nan, 2.0]).numpy()
    array(2., dtype=float32)
    """
    return _core.prod(_widened(_nan_replaced(x, 1)), axes_of(axis), keepdims)


@symbolic_op
def nanmax(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the maximum over `axis` of the elements that are not NaN; NaN if all are.

    >>> pynn.ops.nanmax([1.0, np.nan, 2.0]).numpy()
    array(2., dtype=float32)
    """
    return _nan_extremum(_core.max, float("-inf"), x, axis, keepdims)


@symbolic_op
def nanmin(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the minimum over `axis` of the elements that are not NaN; NaN if all are.

    >>> pynn.ops.nanmin([1.0, np.nan, 2.0]).numpy()
    array(1., dtype=float32)
    """
    return _nan_extremum(_core.min, float("inf"), x, axis, keepdims)


@symbolic_op
def nanmean(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the mean over `axis` of the elements that are not NaN; NaN if all are.

    >>> pynn.ops.nanmean([1.0, np.nan, 2.0]).numpy()
    array(1.5, dtype=float32)
    """
    return _nan_mean(as_float(x), axes_of(axis), keepdims)


@symbolic_op
def nanvar(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the variance over `axis` of the elements that are not NaN; NaN if all are.

    >>> pynn.ops.nanvar([1.0, np.nan, 3.0]).numpy()
    array(1., dtype=float32)
    """
    x = as_float(x)
    axes = axes_of(axis)
    return _nan_mean(_core.square(_core.subtract(x, _nan_mean(x, axes, True))), axes, keepdims)


@symbolic_op
def nanstd(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return the standard deviation over `axis` of the elements that are not NaN.

    >>> pynn.ops.nanstd([1.0, np.nan, 3.0]).numpy()
    array(1., dtype=float32)
    """
    return _core.sqrt(nanvar(x, axis, keepdims))


@symbolic_op
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Tensor:
    """Return the integral of `y` along `axis` by the trapezoidal rule.

    The sample points are `x` (1-D, or of y's shape), or `dx` apart.

    >>> pynn.ops.trapezoid([1.0, 2.0, 3.0]).numpy()
    array(4., dtype=float32)
    """
    y = _core.transpose(as_float(y), _axis_last(y, axis))
    if x is not None:
        x = as_float(x)
        x = x if x.ndim == 1 else _core.transpose(x, _axis_last(x, axis))
        dx = _core.subtract(x[..., 1:], x[..., :-1])
    heights = _core.multiply(_core.add(y[..., 1:], y[..., :-1]), 0.5)
    return _core.sum(_core.multiply(heights, dx), [-1], False)


def _axis_last(x: Any, axis: int) -> list[int]:
    rank = convert_to_tensor(x).ndim
    axes = [a for a in range(rank) if a != axis % rank]
    return [*axes, axis % rank]


def _widened(x: Any) -> Tensor:
    x = convert_to_tensor(x)
    dtype = widened_for_sum(x.dtype)
    return x if dtype == x.dtype else _core.cast(x, dtype)


def _as_bool(x: Any) -> Tensor:
    x = convert_to_tensor(x)
    return x if x.dtype == "bool" else _core.cast(x, "bool")


def _extremum(
    who: str, reduce: Any, choose: Any, x: Any, axis: Axis, keepdims: bool, initial: Any
) -> Tensor:
    if type(x) is not Tensor:
        x = convert_to_tensor(x)
    if initial is None and x.size:
        return reduce(x, axis, keepdims)
    axes = axes_of(axis)
    if x.size or reduced_size(x.shape, axis, who):
        result = reduce(x, axes, keepdims)
        return result if initial is None else choose(result, initial)
    if initial is None:
        raise ValueError(
            f"pynn.{who}: expected elements to reduce, or `initial`; received shape={x.shape}, "
            f"axis={axis}"
        )
    shape = _core.sum(x, axes, keepdims).shape
    return _core.broadcast_to(_core.tensor(initial, x.dtype), shape)


def _nan_replaced(x: Any, value: float) -> Tensor:
    x = convert_to_tensor(x)
    return _core.where(_core.isnan(x), value, x) if x.dtype in FLOAT_DTYPES else x


def _nan_extremum(reduce: Any, identity: float, x: Any, axis: Axis, keepdims: bool) -> Tensor:
    x = convert_to_tensor(x)
    axes = axes_of(axis)
    if x.dtype not in FLOAT_DTYPES:
        return reduce(x, axes, keepdims)
    is_nan = _core.isnan(x)
    result = reduce(_core.where(is_nan, identity, x), axes, keepdims)
    return _core.where(_core.all(is_nan, axes, keepdims), float("nan"), result)


def _nan_mean(x: Tensor, axes: list[int] | None, keepdims: bool) -> Tensor:
    total = _core.sum(_nan_replaced(x, 0), axes, keepdims)
    count = _core.cast(_core.logical_not(_core.isnan(x)), x.dtype)
    return _core.divide(total, _core.sum(count, axes, keepdims))
