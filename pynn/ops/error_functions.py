"""The complement and the inverse of the error function."""

import math
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.ops.common import as_float
from pynn.ops.host import real_function
from pynn.ops.symbolic import symbolic_op

__all__ = ["erfc", "erfinv"]

_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


def _erfc_of_arrays(x: np.ndarray) -> np.ndarray:
    return np.frompyfunc(math.erfc, 1, 1)(x).astype(x.dtype)


def _erfc_slope(x: Tensor) -> Tensor:
    return _core.multiply(_core.exp(_core.negative(_core.square(x))), -_TWO_OVER_ROOT_PI)


_erfc = real_function(_erfc_of_arrays, _erfc_slope)


@symbolic_op
def erfc(x: Any) -> Tensor:
    """Return 1 - erf(x), with all its digits where erf(x) is next to 1.

    >>> pynn.ops.erfc([0.0, 3.0]).numpy()
    array([1.0000000e+00, 2.2090497e-05], dtype=float32)
    """
    return _erfc(x)


@symbolic_op
def erfinv(x: Any) -> Tensor:
    """Return y such that erf(y) = x; infinite at -1 and 1, NaN beyond.

    A first value from Winitzki's closed formula ("A handy approximation for the error function
    and its inverse", 2008), then Newton steps in float64.

    >>> pynn.ops.erfinv([0.0, 0.5]).numpy().round(4)
    array([0.    , 0.4769], dtype=float32)
    """
    x = as_float(x)
    wide = _core.cast(x, "float64")
    size = _core.stop_gradient(_core.abs(wide))
    inside = _core.less(size, 1.0)
    limit = _core.multiply(_core.stop_gradient(wide), math.inf)
    outside = _core.where(_core.equal(size, 1.0), limit, math.nan)
    y = _erfinv_inside(_core.where(inside, wide, 0.0))
    return _core.cast(_core.where(inside, y, outside), x.dtype)


def _erfinv_inside(x: Tensor) -> Tensor:
    """The inverse for float64 |x| < 1."""
    a = 0.147  # Winitzki's constant: an error of 2e-3 at most
    log = _core.log(_core.multiply(_core.subtract(1.0, x), _core.add(1.0, x)))
    half = _core.add(_core.multiply(log, 0.5), 2 / (math.pi * a))
    square = _core.subtract(
        _core.sqrt(_core.subtract(_core.square(half), _core.divide(log, a))), half
    )
    y = _core.multiply(_core.sign(x), _core.sqrt(_core.maximum(square, 0.0)))
    for step in range(5):  # each doubles the number of right digits
        if step == 3:
            # The derivatives of two steps at the solution are the inverse's, up to the third.
            y = _core.stop_gradient(y)
        slope = _core.multiply(_core.exp(_core.negative(_core.square(y))), _TWO_OVER_ROOT_PI)
        y = _core.subtract(y, _core.divide(_core.subtract(_core.erf(y), x), slope))
    return y
