"""Norms of vectors and matrices."""

import math
from typing import Any

from pynn import _core
from pynn._core import Tensor
from pynn.ops.common import Axis, as_float, axes_of, canonical_axes
from pynn.ops.decompositions import svd
from pynn.ops.symbolic import symbolic_op

__all__ = ["norm"]


@symbolic_op
def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return vector norms over one axis, or matrix norms over two.

    `ord` None is the square root of the sum of squares over any number of axes. Vectors: any
    number, inf, -inf, 0 (count of non-zeros). Matrices: "fro", 1, -1, inf, -inf, and by singular
    values: "nuc" (their sum), 2 (the largest), -2 (the smallest).

    Raises:
        ValueError: `ord` does not go with that number of axes.

    >>> pynn.ops.norm([3.0, 4.0]).numpy()
    array(5., dtype=float32)
    """
    x = as_float(x)
    axes = canonical_axes("norm", axis, x.ndim)
    if ord is None or (len(axes) == 2 and ord == "fro") or (len(axes) == 1 and ord == 2):
        return _core.sqrt(_core.sum(_core.square(x), axes, keepdims))
    if len(axes) == 1 and not isinstance(ord, str):
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) == 2 and ord in ("nuc", 2, -2):
        return _norm_of_singular_values(x, ord, axes, keepdims)
    if len(axes) == 2 and ord in (1, -1, math.inf, -math.inf):
        order = axes if axis is None else [a % x.ndim for a in axes_of(axis) or []]
        return _matrix_norm(x, ord, order, keepdims)
    raise ValueError(
        "pynn.norm: expected a number as ord for 1 axis, or None, 'fro', 'nuc', 1, -1, 2, -2, inf "
        f"or -inf for 2; received ord={ord!r} for {len(axes)} axes"
    )


def _vector_norm(x: Tensor, ord: float, axes: list[int], keepdims: bool) -> Tensor:
    if ord == 0:
        return _core.sum(_core.cast(_core.not_equal(x, 0), x.dtype), axes, keepdims)
    x = _core.abs(x)
    if ord == 1:
        return _core.sum(x, axes, keepdims)
    if math.isinf(ord):
        return (_core.max if ord > 0 else _core.min)(x, axes, keepdims)
    total = _core.sum(_core.power(x, float(ord)), axes, keepdims)
    return _core.power(total, 1.0 / ord)


def _matrix_norm(x: Tensor, ord: float, axes: list[int], keepdims: bool) -> Tensor:
    """Largest (ord > 0) or smallest sum of absolute values of a column (|ord| = 1) or row."""
    rows, columns = axes
    summed, chosen = (columns, rows) if math.isinf(ord) else (rows, columns)
    sums = _core.sum(_core.abs(x), [summed], True)
    result = (_core.max if ord > 0 else _core.min)(sums, [chosen], True)
    return result if keepdims else _core.squeeze(result, axes)


def _norm_of_singular_values(x: Tensor, ord: Any, axes: list[int], keepdims: bool) -> Tensor:
    others = [a for a in range(x.ndim) if a not in axes]
    values = svd(_core.transpose(x, others + axes), compute_uv=False)
    reduce = _core.sum if ord == "nuc" else _core.max if ord > 0 else _core.min
    result = reduce(values, [-1], False)
    return _core.expand_dims(result, axes) if keepdims else result
