"""Elementwise arithmetic. Two-argument functions broadcast and promote their dtypes."""

from typing import Any

from pynn import _core
from pynn._core import Tensor
from pynn.backend import config
from pynn.backend.dtypes import FLOAT_DTYPES, LARGEST_FLOAT
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import as_float, as_number, promoted, promoted_float
from pynn.ops.symbolic import engine_op, symbolic_op

__all__ = [
    "abs", "absolute", "add", "ceil", "clip", "conj", "conjugate", "divide", "divide_no_nan",
    "fabs", "floor", "floor_divide", "fmax", "fmin", "fmod", "heaviside", "hypot", "imag",
    "maximum", "minimum", "mod", "multiply", "nan_to_num", "negative", "power", "real",
    "reciprocal", "round", "sign", "square", "subtract", "true_divide", "trunc",
]  # fmt: skip


@engine_op(_core.add)
def add(x1: Any, x2: Any) -> Tensor:
    """Return x1 + x2, elementwise.

    >>> pynn.ops.add([1, 2], [[10], [20]]).numpy()
    array([[11, 12],
           [21, 22]], dtype=int32)
    """
    return _core.add(x1, x2)


@engine_op(_core.subtract)
def subtract(x1: Any, x2: Any) -> Tensor:
    """Return x1 - x2, elementwise.

    >>> pynn.ops.subtract([5, 2], 1).numpy()
    array([4, 1], dtype=int32)
    """
    return _core.subtract(x1, x2)


@engine_op(_core.multiply)
def multiply(x1: Any, x2: Any) -> Tensor:
    """Return x1 * x2, elementwise.

    >>> pynn.ops.multiply([1.0, 2.0], 3).numpy()
    array([3., 6.], dtype=float32)
    """
    return _core.multiply(x1, x2)


@engine_op(_core.divide)
def divide(x1: Any, x2: Any) -> Tensor:
    """Return x1 / x2, elementwise; integers give floats.

    >>> pynn.ops.divide([1, 2], 4).numpy()
    array([0.25, 0.5 ], dtype=float32)
    """
    return _core.divide(x1, x2)


@engine_op(_core.divide)
def true_divide(x1: Any, x2: Any) -> Tensor:
    """Return x1 / x2: another name of `divide`.

    >>> pynn.ops.true_divide([1, 2], 4).numpy()
    array([0.25, 0.5 ], dtype=float32)
    """
    return _core.divide(x1, x2)


@symbolic_op
def divide_no_nan(x1: Any, x2: Any) -> Tensor:
    """Return x1 / x2, and 0 where x2 is 0. The gradient is 0 there too.

    >>> pynn.ops.divide_no_nan([1.0, 2.0], [0.0, 4.0]).numpy()
    array([0. , 0.5], dtype=float32)
    """
    x1, x2 = promoted_float(x1, x2)
    is_zero = _core.equal(x2, 0)
    # The divisor is replaced before dividing, so that no infinity enters the gradient.
    return _core.where(is_zero, 0.0, _core.divide(x1, _core.where(is_zero, 1.0, x2)))


@engine_op(_core.floor_divide)
def floor_divide(x1: Any, x2: Any) -> Tensor:
    """Return floor(x1 / x2), elementwise; integer division by 0 gives 0.

    >>> pynn.ops.floor_divide([7, -7], 2).numpy()
    array([ 3, -4], dtype=int32)
    """
    return _core.floor_divide(x1, x2)


@engine_op(_core.mod)
def mod(x1: Any, x2: Any) -> Tensor:
    """Return the remainder of floor division; it has the sign of `x2`.

    >>> pynn.ops.mod([7, -7], 3).numpy()
    array([1, 2], dtype=int32)
    """
    return _core.mod(x1, x2)


@symbolic_op
def fmod(x1: Any, x2: Any) -> Tensor:
    """Return the remainder of division towards zero; it has the sign of `x1`, as C's fmod.

    >>> pynn.ops.fmod([7, -7], 3).numpy()
    array([ 1, -1], dtype=int32)
    """
    x1, x2 = promoted(x1, x2)
    remainder = _core.mod(_core.abs(x1), _core.abs(x2))
    return _core.where(_core.less(x1, 0), _core.negative(remainder), remainder)


@engine_op(_core.power)
def power(x1: Any, x2: Any) -> Tensor:
    """Return x1 raised to the power x2, elementwise.

    >>> pynn.ops.power([2.0, 3.0], 2).numpy()
    array([4., 9.], dtype=float32)
    """
    return _core.power(x1, x2)


@engine_op(_core.maximum)
def maximum(x1: Any, x2: Any) -> Tensor:
    """Return the larger of x1 and x2, elementwise; NaN if either is NaN.

    >>> pynn.ops.maximum([1, 5], 3).numpy()
    array([3, 5], dtype=int32)
    """
    return _core.maximum(x1, x2)


@engine_op(_core.minimum)
def minimum(x1: Any, x2: Any) -> Tensor:
    """Return the smaller of x1 and x2, elementwise; NaN if either is NaN.

    >>> pynn.ops.minimum([1, 5], 3).numpy()
    array([1, 3], dtype=int32)
    """
    return _core.minimum(x1, x2)


@symbolic_op
def fmax(x1: Any, x2: Any) -> Tensor:
    """Return the larger of x1 and x2, elementwise; where one is NaN, the other.

    >>> pynn.ops.fmax([1.0, np.nan], 0.0).numpy()
    array([1., 0.], dtype=float32)
    """
    x1, x2 = promoted(x1, x2)
    take_x2 = _core.logical_or(_core.isnan(x1), _core.less(x1, x2))
    return _core.where(take_x2, x2, x1)


@symbolic_op
def fmin(x1: Any, x2: Any) -> Tensor:
    """Return the smaller of x1 and x2, elementwise; where one is NaN, the other.

    >>> pynn.ops.fmin([1.0, np.nan], 0.0).numpy()
    array([0., 0.], dtype=float32)
    """
    x1, x2 = promoted(x1, x2)
    take_x2 = _core.logical_or(_core.isnan(x1), _core.greater(x1, x2))
    return _core.where(take_x2, x2, x1)


@symbolic_op
def hypot(x1: Any, x2: Any) -> Tensor:
    """Return sqrt(x1**2 + x2**2), elementwise, without overflow of the squares.

    >>> pynn.ops.hypot(3.0, [4.0, 0.0]).numpy()
    array([5., 3.], dtype=float32)
    """
    x1, x2 = (_core.abs(x) for x in promoted_float(x1, x2))
    large, small = _core.maximum(x1, x2), _core.minimum(x1, x2)
    # 0 / 0 and inf / inf are the two quotients that must not be taken.
    infinite = _core.logical_or(_core.isinf(x1), _core.isinf(x2))
    plain = _core.logical_or(_core.equal(large, 0), infinite)
    ratio = _core.divide(small, _core.where(plain, 1.0, large))
    scaled = _core.multiply(large, _core.sqrt(_core.add(_core.square(ratio), 1.0)))
    # An infinite side is infinite whatever the other is, NaN included.
    return _core.where(infinite, float("inf"), _core.where(plain, large, scaled))


@symbolic_op
def heaviside(x1: Any, x2: Any) -> Tensor:
    """Return 0 where x1 < 0, 1 where x1 > 0 and x2 where x1 is 0.

    >>> pynn.ops.heaviside([-1.0, 0.0, 2.0], 0.5).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    x1, x2 = promoted_float(x1, x2)
    step = _core.where(_core.greater(x1, 0), 1.0, _core.where(_core.equal(x1, 0), x2, 0.0))
    return _core.where(_core.isnan(x1), x1, _core.cast(step, x1.dtype))


@engine_op(_core.negative)
def negative(x: Any) -> Tensor:
    """Return -x.

    >>> pynn.ops.negative([1, -2]).numpy()
    array([-1,  2], dtype=int32)
    """
    return _core.negative(x)


@symbolic_op
def abs(x: Any) -> Tensor:
    """Return the absolute value.

    >>> pynn.ops.abs([-1.5, 2.0]).numpy()
    array([1.5, 2. ], dtype=float32)
    """
    x = convert_to_tensor(x)
    return x if x.dtype == "bool" else _core.abs(x)


@symbolic_op
def absolute(x: Any) -> Tensor:
    """Return the absolute value: another name of `abs`.

    >>> pynn.ops.absolute([-1.5, 2.0]).numpy()
    array([1.5, 2. ], dtype=float32)
    """
    return abs(x)


@engine_op(_core.abs)
def fabs(x: Any) -> Tensor:
    """Return the absolute value as a float.

    >>> pynn.ops.fabs([-1, 2]).numpy()
    array([1., 2.], dtype=float32)
    """
    return _core.abs(as_float(x))


@engine_op(_core.sign)
def sign(x: Any) -> Tensor:
    """Return -1, 0 or 1 by the sign of x.

    >>> pynn.ops.sign([-3.0, 0.0, 5.0]).numpy()
    array([-1.,  0.,  1.], dtype=float32)
    """
    return _core.sign(x)


@engine_op(_core.square)
def square(x: Any) -> Tensor:
    """Return x * x.

    >>> pynn.ops.square([1, -3]).numpy()
    array([1, 9], dtype=int32)
    """
    return _core.square(as_number(x))


@engine_op(_core.reciprocal)
def reciprocal(x: Any) -> Tensor:
    """Return 1 / x as a float.

    >>> pynn.ops.reciprocal([2.0, 4.0]).numpy()
    array([0.5 , 0.25], dtype=float32)
    """
    return _core.reciprocal(as_float(x))


@engine_op(_core.floor)
def floor(x: Any) -> Tensor:
    """Return the largest whole number not above x, as a float.

    >>> pynn.ops.floor([1.7, -1.2]).numpy()
    array([ 1., -2.], dtype=float32)
    """
    return _core.floor(as_float(x))


@engine_op(_core.ceil)
def ceil(x: Any) -> Tensor:
    """Return the smallest whole number not below x, as a float.

    >>> pynn.ops.ceil([1.2, -1.7]).numpy()
    array([ 2., -1.], dtype=float32)
    """
    return _core.ceil(as_float(x))


@symbolic_op
def trunc(x: Any) -> Tensor:
    """Return x without its fraction; integers are returned as they are.

    >>> pynn.ops.trunc([1.7, -1.7]).numpy()
    array([ 1., -1.], dtype=float32)
    """
    x = convert_to_tensor(x)
    if x.dtype not in FLOAT_DTYPES:
        return x
    return _core.where(_core.less(x, 0), _core.ceil(x), _core.floor(x))


@symbolic_op
def round(x: Any, decimals: int = 0) -> Tensor:
    """Return x rounded to `decimals` decimal places, ties to even; integers stay integers.

    >>> pynn.ops.round([0.5, 1.5, 2.345]).numpy()
    array([0., 2., 2.], dtype=float32)
    >>> pynn.ops.round([2.345], decimals=1).numpy()
    array([2.3], dtype=float32)
    """
    x = as_number(x)
    if x.dtype in FLOAT_DTYPES:
        return _round_float(x, decimals)
    if decimals >= 0:
        return x
    return _core.cast(_round_float(_core.cast(x, config.floatx()), decimals), x.dtype)


def _round_float(x: Tensor, decimals: int) -> Tensor:
    if decimals == 0:
        return _core.round(x)
    scale = 10.0 ** (decimals if decimals > 0 else -decimals)  # exact, unlike 10**-d
    if decimals > 0:
        return _core.divide(_core.round(_core.multiply(x, scale)), scale)
    return _core.multiply(_core.round(_core.divide(x, scale)), scale)


@symbolic_op
def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """Return x with values below `x_min` and above `x_max` replaced by them. NaN stays NaN.

    `x_min` and `x_max` are numbers, or tensors that broadcast with `x`.

    >>> pynn.ops.clip([-1.0, 0.5, 9.0], 0.0, 1.0).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    x = as_number(x)
    scalars = isinstance(x_min, (int, float)) and isinstance(x_max, (int, float))
    if not scalars:
        return _core.minimum(_core.maximum(x, x_min), x_max)
    if x.dtype not in FLOAT_DTYPES and (isinstance(x_min, float) or isinstance(x_max, float)):
        x = _core.cast(x, config.floatx())
    return _core.clip(x, x_min, x_max)


@symbolic_op
def nan_to_num(x: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    """Return x with NaN replaced by `nan` and infinities by `posinf` and `neginf`.

    The default of `posinf` and `neginf` is the largest and the lowest finite value of the dtype.

    >>> pynn.ops.nan_to_num([np.nan, np.inf, 1.0], posinf=9.0).numpy()
    array([0., 9., 1.], dtype=float32)
    """
    x = convert_to_tensor(x)
    if x.dtype not in FLOAT_DTYPES:
        return x
    largest = LARGEST_FLOAT[x.dtype]
    high = largest if posinf is None else posinf
    low = -largest if neginf is None else neginf
    finite = _core.where(_core.isnan(x), nan, x)
    finite = _core.where(_core.equal(x, float("inf")), high, finite)
    return _core.where(_core.equal(x, float("-inf")), low, finite)


@symbolic_op
def real(x: Any) -> Tensor:
    """Return the real part: x itself, as tensors are real.

    >>> pynn.ops.real([1.0, 2.0]).numpy()
    array([1., 2.], dtype=float32)
    """
    return convert_to_tensor(x)


@symbolic_op
def imag(x: Any) -> Tensor:
    """Return the imaginary part: zeros, as tensors are real.

    >>> pynn.ops.imag([1.0, 2.0]).numpy()
    array([0., 0.], dtype=float32)
    """
    x = convert_to_tensor(x)
    return _core.full(x.shape, 0, x.dtype)


@symbolic_op
def conjugate(x: Any) -> Tensor:
    """Return the complex conjugate: x itself, as tensors are real.

    >>> pynn.ops.conjugate([1.0, 2.0]).numpy()
    array([1., 2.], dtype=float32)
    """
    return convert_to_tensor(x)


@symbolic_op
def conj(x: Any) -> Tensor:
    """Return the complex conjugate: another name of `conjugate`.

    >>> pynn.ops.conj([1.0, 2.0]).numpy()
    array([1., 2.], dtype=float32)
    """
    return convert_to_tensor(x)
