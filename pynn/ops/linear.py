"""Products of vectors, matrices and stacks of matrices."""

import math
from collections.abc import Sequence
from typing import Any

from pynn import _core
from pynn._core import Tensor
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import canonical_axis, promoted
from pynn.ops.indexing import diagonal
from pynn.ops.reduction import sum
from pynn.ops.symbolic import engine_op, symbolic_op

__all__ = ["cross", "dot", "inner", "kron", "matmul", "outer", "tensordot", "trace", "vdot"]


@engine_op(_core.matmul)
def matmul(x1: Any, x2: Any) -> Tensor:
    """Return the matrix product of (..., M, K) and (..., K, N): (..., M, N).

    Leading axes broadcast. A 1-D x1 counts as a row, a 1-D x2 as a column, and that axis is
    dropped from the result. Products of 8-bit integers are int32.

    Raises:
        ValueError: the inner sizes differ, or an argument is a scalar.

    >>> pynn.ops.matmul([[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0]).numpy()
    array([3., 7.], dtype=float32)
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    if x1.dtype == "int8" and x2.dtype == "int8":  # as in Keras: 8-bit sums overflow at once
        x1, x2 = _core.cast(x1, "int32"), _core.cast(x2, "int32")
    return _core.matmul(x1, x2)


@symbolic_op
def dot(x1: Any, x2: Any) -> Tensor:
    """Return the dot product as in NumPy.

    A scalar multiplies; otherwise sums over the last axis of x1 and the last but one of x2 (the
    only one if x2 is 1-D).

    >>> pynn.ops.dot([1.0, 2.0], [3.0, 4.0]).numpy()
    array(11., dtype=float32)
    """
    x1, x2 = promoted(x1, x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return _core.multiply(x1, x2)
    if x2.ndim <= 2:
        return _core.matmul(x1, x2)
    return _contract("dot", x1, x2, [x1.ndim - 1], [x2.ndim - 2])


@symbolic_op
def inner(x1: Any, x2: Any) -> Tensor:
    """Return sums of products over the last axes; a scalar multiplies.

    >>> pynn.ops.inner([1.0, 2.0], [[3.0, 4.0], [5.0, 6.0]]).numpy()
    array([11., 17.], dtype=float32)
    """
    x1, x2 = promoted(x1, x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return _core.multiply(x1, x2)
    return _contract("inner", x1, x2, [x1.ndim - 1], [x2.ndim - 1])


@symbolic_op
def outer(x1: Any, x2: Any) -> Tensor:
    """Return all products of the flattened x1 (M,) and x2 (N,): (M, N).

    >>> pynn.ops.outer([1, 2], [3, 4]).numpy()
    array([[3, 4],
           [6, 8]], dtype=int32)
    """
    x1, x2 = promoted(x1, x2)
    return _core.multiply(_core.reshape(x1, (x1.size, 1)), _core.reshape(x2, (1, x2.size)))


@symbolic_op
def vdot(x1: Any, x2: Any) -> Tensor:
    """Return the sum of products of the flattened x1 and x2.

    Raises:
        ValueError: the sizes differ.

    >>> pynn.ops.vdot([[1.0, 2.0], [3.0, 4.0]], [[1.0, 1.0], [1.0, 1.0]]).numpy()
    array(10., dtype=float32)
    """
    x1, x2 = promoted(x1, x2)
    if x1.size != x2.size:
        raise ValueError(
            f"pynn.vdot: expected equal sizes; received shapes {x1.shape} and {x2.shape}"
        )
    return _core.matmul(_core.reshape(x1, (x1.size,)), _core.reshape(x2, (x2.size,)))


@symbolic_op
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Tensor:
    """Return sums of products over chosen axes.

    `axes` is a number N (the last N axes of x1 with the first N of x2) or a pair of axis lists.
    The result has the other axes of x1, then those of x2.

    Raises:
        ValueError: paired axes differ in size or number.

    >>> pynn.ops.tensordot(np.ones((2, 3)), np.ones((3, 4)), axes=1).shape
    (2, 4)
    """
    x1, x2 = promoted(x1, x2)
    if isinstance(axes, int):
        first = list(range(x1.ndim - axes, x1.ndim))
        second = list(range(axes))
        if axes > x1.ndim or axes > x2.ndim:
            raise ValueError(
                f"pynn.tensordot: expected at most {min(x1.ndim, x2.ndim)} axes; received "
                f"axes={axes}"
            )
    else:
        first, second = (
            [canonical_axis("tensordot", a, x.ndim) for a in _as_list(side)]
            for x, side in zip((x1, x2), axes, strict=True)
        )
    return _contract("tensordot", x1, x2, first, second)


def _as_list(axes: int | Sequence[int]) -> list[int]:
    return [axes] if isinstance(axes, int) else list(axes)


def _contract(who: str, x1: Tensor, x2: Tensor, axes1: list[int], axes2: list[int]) -> Tensor:
    """Sum of products over paired axes, as one matrix product of two reshaped operands."""
    sizes1, sizes2 = [x1.shape[a] for a in axes1], [x2.shape[a] for a in axes2]
    if sizes1 != sizes2:
        raise ValueError(
            f"pynn.{who}: expected summed axes of equal sizes; received shapes {x1.shape} and "
            f"{x2.shape} with axes {axes1} and {axes2}"
        )
    kept1 = [a for a in range(x1.ndim) if a not in axes1]
    kept2 = [a for a in range(x2.ndim) if a not in axes2]
    shape1, shape2 = [x1.shape[a] for a in kept1], [x2.shape[a] for a in kept2]
    inner_size = math.prod(sizes1)
    rows = _core.reshape(_core.transpose(x1, kept1 + axes1), (math.prod(shape1), inner_size))
    columns = _core.reshape(_core.transpose(x2, axes2 + kept2), (inner_size, math.prod(shape2)))
    return _core.reshape(_core.matmul(rows, columns), (*shape1, *shape2))


@symbolic_op
def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Tensor:
    """Return the cross product of vectors of 2 or 3 components along `axisa` and `axisb`.

    The result has its components along `axisc`; for two 2-component inputs it is the scalar z
    component. `axis` sets all three.

    Raises:
        ValueError: a vector axis is not of size 2 or 3.

    >>> pynn.ops.cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).numpy()
    array([0., 0., 1.], dtype=float32)
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2 = promoted(x1, x2)
    a, b = _components(x1, axisa), _components(x2, axisb)
    z = _core.subtract(_core.multiply(a[0], b[1]), _core.multiply(a[1], b[0]))
    if len(a) == 2 and len(b) == 2:
        return z
    # A missing third component is 0.
    a2, b2 = (v[2] if len(v) == 3 else _core.full((), 0, v[0].dtype) for v in (a, b))
    x = _core.subtract(_core.multiply(a[1], b2), _core.multiply(a2, b[1]))
    y = _core.subtract(_core.multiply(a2, b[0]), _core.multiply(a[0], b2))
    return _core.stack([x, y, z], axisc)


def _components(x: Tensor, axis: int) -> list[Tensor]:
    axis = canonical_axis("cross", axis, x.ndim)
    if x.shape[axis] not in (2, 3):
        raise ValueError(
            f"pynn.cross: expected vectors of 2 or 3 components; received shape={x.shape}, "
            f"axis={axis}"
        )
    return [x[(slice(None),) * axis + (i,)] for i in range(x.shape[axis])]


@symbolic_op
def kron(x1: Any, x2: Any) -> Tensor:
    """Return the Kronecker product: blocks of x2 scaled by the elements of x1.

    >>> pynn.ops.kron([1, 10], [1, 2, 3]).numpy()
    array([ 1,  2,  3, 10, 20, 30], dtype=int32)
    """
    x1, x2 = promoted(x1, x2)
    rank = max(x1.ndim, x2.ndim)
    shape1 = (1,) * (rank - x1.ndim) + tuple(x1.shape)
    shape2 = (1,) * (rank - x2.ndim) + tuple(x2.shape)
    # Axes interleaved as (n1, n2): their product merges into the axes of the result.
    left = _core.reshape(x1, [n for size in shape1 for n in (size, 1)])
    right = _core.reshape(x2, [n for size in shape2 for n in (1, size)])
    return _core.reshape(
        _core.multiply(left, right), [m * n for m, n in zip(shape1, shape2, strict=True)]
    )


@symbolic_op
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Return the sum over a diagonal of the matrices spanned by `axis1` and `axis2`.

    >>> pynn.ops.trace([[1.0, 2.0], [3.0, 4.0]]).numpy()
    array(5., dtype=float32)
    """
    return sum(diagonal(x, offset, axis1, axis2), axis=-1)
