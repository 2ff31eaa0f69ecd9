"""Exponentials, logarithms and trigonometry. Integers are computed in `floatx()`."""

import math
from typing import Any

from pynn import _core
from pynn._core import Tensor
from pynn.ops.common import as_float, promoted_float
from pynn.ops.symbolic import engine_op, symbolic_op

__all__ = [
    "arctanh",
    "cbrt",
    "cos",
    "cosh",
    "deg2rad",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "rad2deg",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
]  # fmt: skip

_LN2 = math.log(2.0)


@engine_op(_core.exp)
def exp(x: Any) -> Tensor:
    """Return e raised to the power x.

    >>> pynn.ops.exp([0.0, 1.0]).numpy().round(4)
    array([1.    , 2.7183], dtype=float32)
    """
    return _core.exp(as_float(x))


@symbolic_op
def exp2(x: Any) -> Tensor:
    """Return 2 raised to the power x.

    >>> pynn.ops.exp2([0.0, 3.0]).numpy()
    array([1., 8.], dtype=float32)
    """
    return _core.power(2.0, as_float(x))


@engine_op(_core.expm1)
def expm1(x: Any) -> Tensor:
    """Return exp(x) - 1, accurate near 0.

    >>> pynn.ops.expm1([0.0, 1.0]).numpy().round(4)
    array([0.    , 1.7183], dtype=float32)
    """
    return _core.expm1(as_float(x))


@engine_op(_core.log)
def log(x: Any) -> Tensor:
    """Return the natural logarithm; NaN for negative x, -inf for 0.

    >>> pynn.ops.log([1.0, 2.0]).numpy().round(4)
    array([0.    , 0.6931], dtype=float32)
    """
    return _core.log(as_float(x))


@symbolic_op
def log2(x: Any) -> Tensor:
    """Return the logarithm to base 2.

    >>> pynn.ops.log2([1.0, 8.0]).numpy()
    array([0., 3.], dtype=float32)
    """
    return _core.multiply(_core.log(as_float(x)), 1.0 / _LN2)


@symbolic_op
def log10(x: Any) -> Tensor:
    """Return the logarithm to base 10.

    >>> pynn.ops.log10([1.0, 10.0]).numpy()
    array([0., 1.], dtype=float32)
    """
    return _core.multiply(_core.log(as_float(x)), 1.0 / math.log(10.0))


@engine_op(_core.log1p)
def log1p(x: Any) -> Tensor:
    """Return log(1 + x), accurate near 0.

    >>> pynn.ops.log1p([0.0, 1.0]).numpy().round(4)
    array([0.    , 0.6931], dtype=float32)
    """
    return _core.log1p(as_float(x))


@symbolic_op
def logaddexp(x1: Any, x2: Any) -> Tensor:
    """Return log(exp(x1) + exp(x2)) without overflow.

    >>> pynn.ops.logaddexp(1000.0, [1000.0, 0.0]).numpy()
    array([1000.6932, 1000.    ], dtype=float32)
    """
    x1, x2 = promoted_float(x1, x2)
    return _log_add(x1, x2)


@symbolic_op
def logaddexp2(x1: Any, x2: Any) -> Tensor:
    """Return log2(2**x1 + 2**x2) without overflow.

    >>> pynn.ops.logaddexp2([1.0, 2.0], [1.0, 2.0]).numpy()
    array([2., 3.], dtype=float32)
    """
    x1, x2 = (_core.multiply(x, _LN2) for x in promoted_float(x1, x2))
    return _core.multiply(_log_add(x1, x2), 1.0 / _LN2)


def _log_add(x1: Tensor, x2: Tensor) -> Tensor:
    difference = _core.subtract(x1, x2)
    # Equal infinities have no difference: their sum is the answer.
    stable = _core.add(
        _core.maximum(x1, x2), _core.log1p(_core.exp(_core.negative(_core.abs(difference))))
    )
    same_infinity = _core.logical_and(_core.isinf(x1), _core.equal(x1, x2))
    return _core.where(same_infinity, _core.add(x1, x2), stable)


@engine_op(_core.sqrt)
def sqrt(x: Any) -> Tensor:
    """Return the square root; NaN for negative x.

    >>> pynn.ops.sqrt([4.0, 9.0]).numpy()
    array([2., 3.], dtype=float32)
    """
    return _core.sqrt(as_float(x))


@symbolic_op
def cbrt(x: Any) -> Tensor:
    """Return the real cube root.

    >>> pynn.ops.cbrt([8.0, -27.0]).numpy()
    array([ 2., -3.], dtype=float32)
    """
    x = as_float(x)
    return _core.multiply(_core.sign(x), _core.power(_core.abs(x), 1.0 / 3.0))


@engine_op(_core.sin)
def sin(x: Any) -> Tensor:
    """Return the sine of x radians.

    >>> pynn.ops.sin([0.0, np.pi / 2]).numpy()
    array([0., 1.], dtype=float32)
    """
    return _core.sin(as_float(x))


@engine_op(_core.cos)
def cos(x: Any) -> Tensor:
    """Return the cosine of x radians.

    >>> pynn.ops.cos([0.0, np.pi]).numpy()
    array([ 1., -1.], dtype=float32)
    """
    return _core.cos(as_float(x))


@symbolic_op
def tan(x: Any) -> Tensor:
    """Return the tangent of x radians.

    >>> pynn.ops.tan([0.0, 0.5]).numpy().round(4)
    array([0.    , 0.5463], dtype=float32)
    """
    x = as_float(x)
    return _core.divide(_core.sin(x), _core.cos(x))


@symbolic_op
def sinh(x: Any) -> Tensor:
    """Return the hyperbolic sine.

    >>> pynn.ops.sinh([0.0, 1.0]).numpy().round(4)
    array([0.    , 1.1752], dtype=float32)
    """
    x = as_float(x)
    magnitude = _core.abs(x)
    # With t = expm1(|x|), sinh|x| = (t + t / (t + 1)) / 2: no cancellation near 0.
    t = _core.expm1(magnitude)
    near = _core.multiply(_core.add(t, _core.divide(t, _core.add(t, 1.0))), 0.5)
    far = _half_exp(magnitude)  # inf / inf above is NaN where t overflows
    return _core.multiply(_core.sign(x), _core.where(_core.greater(magnitude, 8.0), far, near))


@symbolic_op
def cosh(x: Any) -> Tensor:
    """Return the hyperbolic cosine.

    >>> pynn.ops.cosh([0.0, 1.0]).numpy().round(4)
    array([1.    , 1.5431], dtype=float32)
    """
    x = _core.abs(as_float(x))
    return _core.add(_half_exp(x), _half_exp(_core.negative(x)))


def _half_exp(x: Tensor) -> Tensor:
    """exp(x) / 2, which does not overflow before its result does."""
    root = _core.exp(_core.multiply(x, 0.5))
    return _core.multiply(_core.multiply(root, 0.5), root)


@engine_op(_core.tanh)
def tanh(x: Any) -> Tensor:
    """Return the hyperbolic tangent.

    >>> pynn.ops.tanh([0.0, 1.0]).numpy().round(4)
    array([0.    , 0.7616], dtype=float32)
    """
    return _core.tanh(as_float(x))


@symbolic_op
def arctanh(x: Any) -> Tensor:
    """Return the inverse hyperbolic tangent; NaN outside [-1, 1].

    >>> pynn.ops.arctanh([0.0, 0.5]).numpy().round(4)
    array([0.    , 0.5493], dtype=float32)
    """
    x = as_float(x)
    difference = _core.subtract(_core.log1p(x), _core.log1p(_core.negative(x)))
    return _core.multiply(difference, 0.5)


@symbolic_op
def sinc(x: Any) -> Tensor:
    """Return sin(pi x) / (pi x), and 1 at 0.

    >>> pynn.ops.sinc([0.0, 0.5]).numpy().round(4)
    array([1.    , 0.6366], dtype=float32)
    """
    x = as_float(x)
    at_zero = _core.equal(x, 0)
    angle = _core.where(at_zero, 1.0, _core.multiply(x, math.pi))
    return _core.where(at_zero, 1.0, _core.divide(_core.sin(angle), angle))


@symbolic_op
def deg2rad(x: Any) -> Tensor:
    """Return degrees converted to radians.

    >>> pynn.ops.deg2rad([180.0, 90.0]).numpy().round(4)
    array([3.1416, 1.5708], dtype=float32)
    """
    return _core.multiply(as_float(x), math.pi / 180.0)


@symbolic_op
def rad2deg(x: Any) -> Tensor:
    """Return radians converted to degrees.

    >>> pynn.ops.rad2deg([np.pi, 1.0]).numpy().round(4)
    array([180.    ,  57.2958], dtype=float32)
    """
    return _core.multiply(as_float(x), 180.0 / math.pi)
