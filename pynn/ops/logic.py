"""Comparisons, logic and selection by a condition."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend.dtypes import FLOAT_DTYPES
from pynn.backend.tensors import convert_to_numpy, convert_to_tensor
from pynn.ops.common import promoted_float
from pynn.ops.symbolic import engine_op, symbolic_op

__all__ = [
    "allclose", "equal", "greater", "greater_equal", "isclose", "isfinite", "isin", "isinf",
    "isnan", "isneginf", "isposinf", "isreal", "less", "less_equal", "logical_and",
    "logical_not", "logical_or", "logical_xor", "nonzero", "not_equal", "select", "signbit",
    "where",
]  # fmt: skip


@engine_op(_core.equal)
def equal(x1: Any, x2: Any) -> Tensor:
    """Return x1 == x2, elementwise.

    >>> pynn.ops.equal([1, 2], 2).numpy()
    array([False,  True])
    """
    return _core.equal(x1, x2)


@engine_op(_core.not_equal)
def not_equal(x1: Any, x2: Any) -> Tensor:
    """Return x1 != x2, elementwise.

    >>> pynn.ops.not_equal([1, 2], 2).numpy()
    array([ True, False])
    """
    return _core.not_equal(x1, x2)


@engine_op(_core.less)
def less(x1: Any, x2: Any) -> Tensor:
    """Return x1 < x2, elementwise.

    >>> pynn.ops.less([1, 2], 2).numpy()
    array([ True, False])
    """
    return _core.less(x1, x2)


@engine_op(_core.less_equal)
def less_equal(x1: Any, x2: Any) -> Tensor:
    """Return x1 <= x2, elementwise.

    >>> pynn.ops.less_equal([1, 3], 2).numpy()
    array([ True, False])
    """
    return _core.less_equal(x1, x2)


@engine_op(_core.greater)
def greater(x1: Any, x2: Any) -> Tensor:
    """Return x1 > x2, elementwise.

    >>> pynn.ops.greater([1, 3], 2).numpy()
    array([False,  True])
    """
    return _core.greater(x1, x2)


@engine_op(_core.greater_equal)
def greater_equal(x1: Any, x2: Any) -> Tensor:
    """Return x1 >= x2, elementwise.

    >>> pynn.ops.greater_equal([1, 2], 2).numpy()
    array([False,  True])
    """
    return _core.greater_equal(x1, x2)


@engine_op(_core.logical_and)
def logical_and(x1: Any, x2: Any) -> Tensor:
    """Return whether both are true (non-zero), elementwise.

    >>> pynn.ops.logical_and([True, False], True).numpy()
    array([ True, False])
    """
    return _core.logical_and(x1, x2)


@engine_op(_core.logical_or)
def logical_or(x1: Any, x2: Any) -> Tensor:
    """Return whether either is true (non-zero), elementwise.

    >>> pynn.ops.logical_or([True, False], False).numpy()
    array([ True, False])
    """
    return _core.logical_or(x1, x2)


@engine_op(_core.logical_xor)
def logical_xor(x1: Any, x2: Any) -> Tensor:
    """Return whether exactly one is true (non-zero), elementwise.

    >>> pynn.ops.logical_xor([True, False], True).numpy()
    array([False,  True])
    """
    return _core.logical_xor(x1, x2)


@engine_op(_core.logical_not)
def logical_not(x: Any) -> Tensor:
    """Return whether x is false (zero), elementwise.

    >>> pynn.ops.logical_not([True, False]).numpy()
    array([False,  True])
    """
    return _core.logical_not(x)


@engine_op(_core.isnan)
def isnan(x: Any) -> Tensor:
    """Return whether x is NaN, elementwise.

    >>> pynn.ops.isnan([np.nan, 1.0]).numpy()
    array([ True, False])
    """
    return _core.isnan(x)


@engine_op(_core.isinf)
def isinf(x: Any) -> Tensor:
    """Return whether x is an infinity, elementwise.

    >>> pynn.ops.isinf([np.inf, 1.0]).numpy()
    array([ True, False])
    """
    return _core.isinf(x)


@engine_op(_core.isfinite)
def isfinite(x: Any) -> Tensor:
    """Return whether x is neither infinite nor NaN, elementwise.

    >>> pynn.ops.isfinite([np.inf, 1.0]).numpy()
    array([False,  True])
    """
    return _core.isfinite(x)


@symbolic_op
def isposinf(x: Any) -> Tensor:
    """Return whether x is +infinity, elementwise.

    >>> pynn.ops.isposinf([np.inf, -np.inf]).numpy()
    array([ True, False])
    """
    return _core.logical_and(_core.isinf(x), _core.greater(x, 0))


@symbolic_op
def isneginf(x: Any) -> Tensor:
    """Return whether x is -infinity, elementwise.

    >>> pynn.ops.isneginf([np.inf, -np.inf]).numpy()
    array([False,  True])
    """
    return _core.logical_and(_core.isinf(x), _core.less(x, 0))


@symbolic_op
def isreal(x: Any) -> Tensor:
    """Return whether x has no imaginary part: always true, as tensors are real.

    >>> pynn.ops.isreal([1.0, 2.0]).numpy()
    array([ True,  True])
    """
    return _core.full(convert_to_tensor(x).shape, True, "bool")


@symbolic_op
def signbit(x: Any) -> Tensor:
    """Return whether the sign bit is set, elementwise; true for -0.0.

    The sign bit of a NaN is not looked at.

    >>> pynn.ops.signbit([-1.0, 0.0, -0.0]).numpy()
    array([ True, False,  True])
    """
    x = convert_to_tensor(x)
    negative = _core.less(x, 0)
    if x.dtype not in FLOAT_DTYPES:
        return negative
    return _core.logical_or(negative, _core.equal(_core.reciprocal(x), -math.inf))


@symbolic_op
def isclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Return whether |x1 - x2| <= atol + rtol * |x2|, elementwise.

    Equal infinities are close; NaN is close to NaN with `equal_nan`.

    >>> pynn.ops.isclose([1.0, 1.1], 1.000001).numpy()
    array([ True, False])
    """
    x1, x2 = promoted_float(x1, x2)
    tolerance = _core.add(_core.multiply(_core.abs(x2), rtol), atol)
    near = _core.less_equal(_core.abs(_core.subtract(x1, x2)), tolerance)
    finite = _core.logical_and(_core.isfinite(x1), _core.isfinite(x2))
    result = _core.logical_or(_core.logical_and(near, finite), _core.equal(x1, x2))
    if equal_nan:
        both_nan = _core.logical_and(_core.isnan(x1), _core.isnan(x2))
        result = _core.logical_or(result, both_nan)
    return result


@symbolic_op
def allclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Tensor:
    """Return whether all elements are close, as a bool scalar; see `isclose`.

    >>> bool(pynn.ops.allclose([1.0, 2.0], [1.0, 2.0 + 1e-6]))
    True
    """
    return _core.all(isclose(x1, x2, rtol, atol, equal_nan), None, False)


@symbolic_op
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Return whether each element of x1 occurs in x2.

    Takes time and memory proportional to x1.size * x2.size. `assume_unique` is accepted as a
    hint and changes nothing.

    >>> pynn.ops.isin([1, 2, 3], [2, 5]).numpy()
    array([False,  True, False])
    """
    del assume_unique
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    found = _core.equal(_core.expand_dims(x1, [-1]), _core.reshape(x2, (x2.size,)))
    found = _core.any(found, [-1], False)
    return _core.logical_not(found) if invert else found


@symbolic_op
def nonzero(x: Any) -> tuple[Tensor, ...]:
    """Return the indices of the non-zero elements: one int32 tensor per axis.

    The number of results depends on the values, so this cannot be part of a compiled step.

    Raises:
        TraceError: called while a step is being traced.

    >>> [i.numpy() for i in pynn.ops.nonzero([[0, 3], [5, 0]])]
    [array([0, 1], dtype=int32), array([1, 0], dtype=int32)]
    """
    return tuple(_core.tensor(i.astype(np.int32)) for i in np.nonzero(convert_to_numpy(x)))


@symbolic_op
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """Return x1 where `condition` is true and x2 elsewhere; all three broadcast.

    With `condition` alone: the indices of its true elements, as `nonzero`.

    Raises:
        ValueError: only one of x1 and x2 is given.

    >>> pynn.ops.where([True, False], [1, 2], 0).numpy()
    array([1, 0], dtype=int32)
    """
    if (x1 is None) != (x2 is None):
        raise ValueError("pynn.where: expected both x1 and x2, or neither; received one of them")
    if x1 is None:
        return nonzero(condition)
    condition = convert_to_tensor(condition)
    if condition.dtype != "bool":
        condition = _core.cast(condition, "bool")
    return _core.where(condition, x1, x2)


@symbolic_op
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """Return, elementwise, the choice of the first true condition, or `default`.

    Raises:
        ValueError: the lists are empty or differ in length.

    >>> x = np.arange(4)
    >>> pynn.ops.select([x < 1, x > 2], [x, x * 10], -1).numpy()
    array([ 0, -1, -1, 30])
    """
    if not condlist or len(condlist) != len(choicelist):
        raise ValueError(
            "pynn.select: expected as many conditions as choices, at least one; received "
            f"{len(condlist)} and {len(choicelist)}"
        )
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result
