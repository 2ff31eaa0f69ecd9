"""Inverse trigonometric and hyperbolic functions, angles, Bessel's I0."""

import math
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.ops.common import as_float, broadcast_shape, promoted_float
from pynn.ops.functions import custom_gradient
from pynn.ops.host import on_host, real_function
from pynn.ops.symbolic import symbolic_op

__all__ = [
    "angle", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "i0",
]  # fmt: skip


def _one_minus_square(x: Tensor) -> Tensor:
    """1 - x**2 as a product, which keeps its digits next to 1."""
    return _core.multiply(_core.subtract(1.0, x), _core.add(1.0, x))


_arcsin = real_function(np.arcsin, lambda x: _core.rsqrt(_one_minus_square(x)))
_arccos = real_function(np.arccos, lambda x: _core.negative(_core.rsqrt(_one_minus_square(x))))
_arctan = real_function(np.arctan, lambda x: _core.reciprocal(_core.add(_core.square(x), 1.0)))
_arcsinh = real_function(np.arcsinh, lambda x: _core.rsqrt(_core.add(_core.square(x), 1.0)))
_arccosh = real_function(np.arccosh, lambda x: _core.rsqrt(_core.negative(_one_minus_square(x))))


@symbolic_op
def arcsin(x: Any) -> Tensor:
    """Return the angle in [-pi/2, pi/2] whose sine is x.

    >>> pynn.ops.arcsin([0.0, 1.0]).numpy().round(4)
    array([0.    , 1.5708], dtype=float32)
    """
    return _arcsin(x)


@symbolic_op
def arccos(x: Any) -> Tensor:
    """Return the angle in [0, pi] whose cosine is x.

    >>> pynn.ops.arccos([1.0, -1.0]).numpy().round(4)
    array([0.    , 3.1416], dtype=float32)
    """
    return _arccos(x)


@symbolic_op
def arctan(x: Any) -> Tensor:
    """Return the angle in (-pi/2, pi/2) whose tangent is x.

    >>> pynn.ops.arctan([0.0, 1.0]).numpy().round(4)
    array([0.    , 0.7854], dtype=float32)
    """
    return _arctan(x)


@symbolic_op
def arcsinh(x: Any) -> Tensor:
    """Return the number whose hyperbolic sine is x.

    >>> pynn.ops.arcsinh([0.0, 1.0]).numpy().round(4)
    array([0.    , 0.8814], dtype=float32)
    """
    return _arcsinh(x)


@symbolic_op
def arccosh(x: Any) -> Tensor:
    """Return the number >= 0 whose hyperbolic cosine is x; NaN below 1.

    >>> pynn.ops.arccosh([1.0, 2.0]).numpy().round(4)
    array([0.   , 1.317], dtype=float32)
    """
    return _arccosh(x)


@symbolic_op
def arctan2(x1: Any, x2: Any) -> Tensor:
    """Return the angle in [-pi, pi] of the points with ordinates x1 and abscissas x2.

    >>> pynn.ops.arctan2([1.0, 0.0], [0.0, -1.0]).numpy().round(4)
    array([1.5708, 3.1416], dtype=float32)
    """
    x1, x2 = promoted_float(x1, x2)
    shape = broadcast_shape("arctan2", x1.shape, x2.shape)
    return _arctan2(_core.broadcast_to(x1, shape), _core.broadcast_to(x2, shape))


@custom_gradient
def _arctan2(x1: Tensor, x2: Tensor) -> Any:
    def gradient(x1: Tensor, x2: Tensor, *, upstream: Tensor) -> Any:
        scaled = _core.divide(upstream, _core.add(_core.square(x1), _core.square(x2)))
        return _core.multiply(scaled, x2), _core.negative(_core.multiply(scaled, x1))

    return on_host(np.arctan2, [x1, x2], (x1.shape, x1.dtype)), gradient


@symbolic_op
def angle(x: Any) -> Tensor:
    """Return the angle of x as a complex number: 0, or pi where x (or its zero) is negative.

    >>> pynn.ops.angle([2.0, -3.0]).numpy().round(4)
    array([0.    , 3.1416], dtype=float32)
    """
    x = as_float(x)
    # 1 / -0.0 is negative as well.
    is_negative = _core.logical_or(_core.less(x, 0), _core.less(_core.reciprocal(x), 0))
    plain = _core.where(is_negative, math.pi, _core.full((), 0, x.dtype))
    return _core.where(_core.isnan(x), _core.stop_gradient(x), _core.cast(plain, x.dtype))


def _i1(x: np.ndarray) -> np.ndarray:
    """Modified Bessel function I1: the mean of exp(x cos t) cos t over a circle.

    The trapezoidal rule on a periodic function converges faster than any power of the number of
    points; 400 do for every x whose exp is finite in float32.
    """
    total = np.zeros(x.shape, np.float64)
    for cosine in np.cos(np.arange(400) * (2 * np.pi / 400)):
        total += np.exp(x.astype(np.float64) * cosine) * cosine
    return (total / 400).astype(x.dtype)


@custom_gradient
def _i0(x: Tensor) -> Any:
    def gradient(upstream: Tensor) -> Tensor:
        return _core.multiply(upstream, on_host(_i1, [x], (x.shape, x.dtype)))

    return on_host(np.i0, [x], (x.shape, x.dtype)), gradient


@symbolic_op
def i0(x: Any) -> Tensor:
    """Return the modified Bessel function of the first kind of order 0.

    >>> pynn.ops.i0([0.0, 1.0]).numpy().round(4)
    array([1.    , 1.2661], dtype=float32)
    """
    return _i0(as_float(x))
