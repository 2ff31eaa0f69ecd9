"""Integers bit by bit and by their divisors; floats by their bits."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend.dtypes import FLOAT_DTYPES, numpy_dtype, standardize_dtype
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import broadcast_shape, promoted, promoted_float
from pynn.ops.host import on_host
from pynn.ops.symbolic import symbolic_op

__all__ = [
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "gcd", "lcm", "ldexp", "left_shift", "nextafter",
    "right_shift", "view",
]  # fmt: skip


@symbolic_op
def bitwise_and(x: Any, y: Any) -> Tensor:
    """Return the bits that are set in both integers.

    >>> pynn.ops.bitwise_and([6, 5], 3).numpy()
    array([2, 1], dtype=int32)
    """
    return _of_integers("bitwise_and", np.bitwise_and, x, y)


@symbolic_op
def bitwise_or(x: Any, y: Any) -> Tensor:
    """Return the bits that are set in one of two integers, or in both.

    >>> pynn.ops.bitwise_or([6, 5], 3).numpy()
    array([7, 7], dtype=int32)
    """
    return _of_integers("bitwise_or", np.bitwise_or, x, y)


@symbolic_op
def bitwise_xor(x: Any, y: Any) -> Tensor:
    """Return the bits that are set in just one of two integers.

    >>> pynn.ops.bitwise_xor([6, 5], 3).numpy()
    array([5, 6], dtype=int32)
    """
    return _of_integers("bitwise_xor", np.bitwise_xor, x, y)


@symbolic_op
def bitwise_not(x: Any) -> Tensor:
    """Return the integer with all bits inverted; of bools, their negation.

    >>> pynn.ops.bitwise_not([0, 5]).numpy()
    array([-1, -6], dtype=int32)
    """
    return _of_integers("bitwise_not", np.invert, x)


@symbolic_op
def bitwise_invert(x: Any) -> Tensor:
    """Return the integer with all bits inverted: another name of `bitwise_not`.

    >>> pynn.ops.bitwise_invert([0, 5]).numpy()
    array([-1, -6], dtype=int32)
    """
    return _of_integers("bitwise_invert", np.invert, x)


@symbolic_op
def left_shift(x: Any, y: Any) -> Tensor:
    """Return x with its bits moved y places up: x * 2**y.

    >>> pynn.ops.left_shift([1, 5], 2).numpy()
    array([ 4, 20], dtype=int32)
    """
    return _of_integers("left_shift", np.left_shift, x, y)


@symbolic_op
def bitwise_left_shift(x: Any, y: Any) -> Tensor:
    """Return x with its bits moved y places up: another name of `left_shift`.

    >>> pynn.ops.bitwise_left_shift([1, 5], 2).numpy()
    array([ 4, 20], dtype=int32)
    """
    return _of_integers("bitwise_left_shift", np.left_shift, x, y)


@symbolic_op
def right_shift(x: Any, y: Any) -> Tensor:
    """Return x with its bits moved y places down: floor(x / 2**y).

    >>> pynn.ops.right_shift([20, -5], 2).numpy()
    array([ 5, -2], dtype=int32)
    """
    return _of_integers("right_shift", np.right_shift, x, y)


@symbolic_op
def bitwise_right_shift(x: Any, y: Any) -> Tensor:
    """Return x with its bits moved y places down: another name of `right_shift`.

    >>> pynn.ops.bitwise_right_shift([20, -5], 2).numpy()
    array([ 5, -2], dtype=int32)
    """
    return _of_integers("bitwise_right_shift", np.right_shift, x, y)


@symbolic_op
def gcd(x1: Any, x2: Any) -> Tensor:
    """Return the greatest common divisor of two integers, elementwise.

    >>> pynn.ops.gcd([12, 7], 18).numpy()
    array([6, 1], dtype=int32)
    """
    return _of_integers("gcd", np.gcd, x1, x2)


@symbolic_op
def lcm(x1: Any, x2: Any) -> Tensor:
    """Return the least common multiple of two integers, elementwise.

    >>> pynn.ops.lcm([4, 7], 6).numpy()
    array([12, 42], dtype=int32)
    """
    return _of_integers("lcm", np.lcm, x1, x2)


@symbolic_op
def ldexp(x1: Any, x2: Any) -> Tensor:
    """Return x1 * 2**x2 for integers x2.

    Raises:
        TypeError: x2 is not an integer.

    >>> pynn.ops.ldexp([0.5, 3.0], 2).numpy()
    array([ 2., 12.], dtype=float32)
    """
    exponent = convert_to_tensor(x2)
    if exponent.dtype in FLOAT_DTYPES:
        raise TypeError(f"pynn.ldexp: expected integers as x2; received dtype={exponent.dtype}")
    x1, exponent = promoted_float(x1, exponent)
    half = _core.floor(_core.multiply(exponent, 0.5))
    # In two steps: 2**x2 may overflow or vanish where the result does not.
    scaled = _core.multiply(x1, _core.power(2.0, half))
    return _core.multiply(scaled, _core.power(2.0, _core.subtract(exponent, half)))


@symbolic_op
def nextafter(x1: Any, x2: Any) -> Tensor:
    """Return the float next to x1 in the direction of x2.

    >>> float(pynn.ops.nextafter(1.0, 2.0)) - 1.0
    1.1920928955078125e-07
    """
    x1, x2 = promoted_float(x1, x2)
    shape = broadcast_shape("nextafter", x1.shape, x2.shape)
    if x1.dtype == "bfloat16":
        raise TypeError("pynn.nextafter: expected float16, float32 or float64; received bfloat16")
    narrow = numpy_dtype(x1.dtype)

    def nextafter(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.nextafter(a.astype(narrow), b.astype(narrow))

    return on_host(nextafter, [x1, x2], (shape, x1.dtype))


@symbolic_op
def view(x: Any, dtype: Any = None) -> Tensor:
    """Return the bytes of x read as another dtype; the last axis grows or shrinks accordingly.

    Raises:
        ValueError: the last axis does not divide into elements of `dtype`.

    >>> pynn.ops.view(np.array([1.0], "float32"), "int32").numpy()
    array([1065353216], dtype=int32)
    """
    x = convert_to_tensor(x)
    name = x.dtype if dtype is None else standardize_dtype(dtype)
    old, new = numpy_dtype(x.dtype), numpy_dtype(name)
    shape = list(x.shape)
    if old.itemsize != new.itemsize:
        size = shape[-1] * old.itemsize if shape else old.itemsize
        if not shape or size % new.itemsize:
            raise ValueError(
                f"pynn.view: expected a last axis of whole elements of {name}; received "
                f"{x.dtype}{tuple(x.shape)}"
            )
        shape[-1] = size // new.itemsize

    def view(array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array.astype(old)).view(new).reshape(shape)

    return on_host(view, [x], (shape, name))


def _of_integers(who: str, function: Callable[..., Any], *xs: Any) -> Tensor:
    tensors = promoted(*xs)
    for x in tensors:
        if x.dtype in FLOAT_DTYPES:
            raise TypeError(f"pynn.{who}: expected integers or bools; received dtype={x.dtype}")
    if tensors[0].dtype == "bool" and who not in _OF_BOOLS:
        raise TypeError(f"pynn.{who}: expected integers; received bools")
    shape = broadcast_shape(who, *(x.shape for x in tensors))
    return on_host(function, tensors, (shape, tensors[0].dtype))


_OF_BOOLS = ("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_not", "bitwise_invert")
