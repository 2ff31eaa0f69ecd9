"""Inverses, determinants and solutions of linear systems, by NumPy; gradients by formula.

Matrices are the last two axes of x (..., M, M). The formulas are those of Giles, "An extended
collection of matrix derivative results for forward and reverse mode algorithmic differentiation"
(2008).
"""

from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.ops.common import as_float, broadcast_shape, promoted_float
from pynn.ops.functions import custom_gradient
from pynn.ops.host import on_host
from pynn.ops.indexing import tril, triu
from pynn.ops.symbolic import symbolic_op

__all__ = [
    "cholesky", "cholesky_inverse", "det", "inv", "logdet", "slogdet", "solve", "solve_triangular",
]  # fmt: skip


def transposed(x: Tensor) -> Tensor:
    """The matrices with rows and columns exchanged."""
    return _core.transpose(x, [*range(x.ndim - 2), x.ndim - 1, x.ndim - 2])


def product(*factors: Tensor) -> Tensor:
    """The product of matrices, from left to right."""
    result = factors[0]
    for factor in factors[1:]:
        result = _core.matmul(result, factor)
    return result


def as_matrices(who: str, x: Any, square: bool = True) -> Tensor:
    """X as floats, with at least 2 axes.

    Raises:
        ValueError: it has fewer, or the matrices are not square where they must be.
    """
    x = as_float(x)
    if x.ndim < 2 or (square and x.shape[-1] != x.shape[-2]):
        shape = "(..., M, M)" if square else "(..., M, N)"
        raise ValueError(f"pynn.{who}: expected shape {shape}; received shape={tuple(x.shape)}")
    return x


@symbolic_op
def inv(x: Any) -> Tensor:
    """Return the inverses of square matrices (..., M, M).

    Raises:
        numpy.linalg.LinAlgError: a matrix is singular.

    >>> pynn.ops.inv([[2.0, 0.0], [0.0, 4.0]]).numpy()
    array([[0.5 , 0.  ],
           [0.  , 0.25]], dtype=float32)
    """
    return _inv(as_matrices("inv", x))


@custom_gradient
def _inv(x: Tensor) -> Any:
    inverse = on_host(np.linalg.inv, [x], (x.shape, x.dtype))

    def gradient(upstream: Tensor) -> Tensor:
        turned = transposed(inverse)
        return _core.negative(product(turned, upstream, turned))

    return inverse, gradient


@symbolic_op
def det(x: Any) -> Tensor:
    """Return the determinants of square matrices (..., M, M).

    The gradient is the matrix of cofactors, at singular matrices too.

    >>> round(float(pynn.ops.det([[1.0, 2.0], [3.0, 5.0]])), 4)
    -1.0
    """
    return _det(as_matrices("det", x))


@custom_gradient
def _det(x: Tensor) -> Any:
    def gradient(upstream: Tensor) -> Tensor:
        cofactors = on_host(_cofactors, [x], (x.shape, x.dtype))
        return _core.multiply(_core.expand_dims(upstream, [-2, -1]), cofactors)

    return on_host(np.linalg.det, [x], (x.shape[:-2], x.dtype)), gradient


def _cofactors(x: np.ndarray) -> np.ndarray:
    """det(x) times the inverse transpose, by singular values: no division by one of them."""
    u, s, vh = np.linalg.svd(x)
    n = x.shape[-1]
    others = np.where(np.eye(n, dtype=bool), 1, s[..., None, :]).prod(axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return sign[..., None, None] * ((u * others[..., None, :]) @ vh)


@symbolic_op
def slogdet(x: Any) -> tuple[Tensor, Tensor]:
    """Return the signs of determinants, and the logarithms of their absolute values.

    >>> sign, log = pynn.ops.slogdet([[1.0, 0.0], [0.0, -1.0]])
    >>> float(sign), float(log)
    (-1.0, 0.0)
    """
    return _slogdet(as_matrices("slogdet", x))


@custom_gradient
def _slogdet(x: Tensor) -> Any:
    leading = tuple(x.shape[:-2])
    sign, log = on_host(np.linalg.slogdet, [x], (leading, x.dtype), (leading, x.dtype))

    def gradient(upstream: Any) -> Tensor:
        inverse = on_host(np.linalg.inv, [x], (x.shape, x.dtype))
        return _core.multiply(_core.expand_dims(upstream[1], [-2, -1]), transposed(inverse))

    return (sign, log), gradient


@symbolic_op
def logdet(x: Any) -> Tensor:
    """Return the logarithms of the absolute values of determinants.

    >>> round(float(pynn.ops.logdet([[2.0, 0.0], [0.0, 4.0]])), 4)
    2.0794
    """
    return _slogdet(as_matrices("logdet", x))[1]


@symbolic_op
def solve(a: Any, b: Any) -> Tensor:
    """Return x such that a x = b, for a (..., M, M) and b (..., M) or (..., M, N).

    Raises:
        ValueError: shapes that do not go together.
        numpy.linalg.LinAlgError: a matrix is singular.

    >>> pynn.ops.solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0]).numpy()
    array([0.5 , 0.25], dtype=float32)
    """
    return _solved("solve", a, b, lambda a, b: _solve(a, b))


@custom_gradient
def _solve(a: Tensor, b: Tensor) -> Any:
    x = on_host(np.linalg.solve, [a, b], (b.shape, b.dtype))

    def gradient(upstream: Tensor) -> Any:
        for_b = on_host(np.linalg.solve, [transposed(a), upstream], (b.shape, b.dtype))
        return _core.negative(_core.matmul(for_b, transposed(x))), for_b

    return x, gradient


@symbolic_op
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Tensor:
    """Return x such that a x = b, for a triangular a (..., M, M): upper, or `lower`.

    The other triangle of a is not looked at. b is (..., M) or (..., M, N).

    Raises:
        ValueError: shapes that do not go together.
        numpy.linalg.LinAlgError: there is a 0 on a diagonal.

    >>> pynn.ops.solve_triangular([[2.0, 1.0], [9.0, 4.0]], [4.0, 8.0]).numpy()
    array([1., 2.], dtype=float32)
    """
    triangle = tril if lower else triu
    return _solved("solve_triangular", a, b, lambda a, b: _solve(triangle(a), b))


def _solved(who: str, a: Any, b: Any, solver: Any) -> Tensor:
    a, b = promoted_float(a, b)
    a = as_matrices(who, a)
    is_vector = b.ndim == a.ndim - 1
    b = _core.expand_dims(b, [-1]) if is_vector else b
    if b.ndim < 2 or b.shape[-2] != a.shape[-1]:
        raise ValueError(
            f"pynn.{who}: expected a (..., M, M) and b (..., M) or (..., M, N); received "
            f"{tuple(a.shape)} and {tuple(b.shape)}"
        )
    leading = broadcast_shape(who, a.shape[:-2], b.shape[:-2])
    a, b = (_core.broadcast_to(x, (*leading, *x.shape[-2:])) for x in (a, b))
    x = solver(a, b)
    return _core.squeeze(x, [-1]) if is_vector else x


@symbolic_op
def cholesky(x: Any, upper: bool = False) -> Tensor:
    """Return the lower triangular L with L L^T = x for symmetric positive definite x (..., M, M).

    With `upper`, its transpose.

    Raises:
        ValueError: a matrix is not positive definite.

    >>> pynn.ops.cholesky([[4.0, 2.0], [2.0, 5.0]]).numpy()
    array([[2., 0.],
           [1., 2.]], dtype=float32)
    """
    factor = _cholesky(as_matrices("cholesky", x))
    return transposed(factor) if upper else factor


@custom_gradient
def _cholesky(x: Tensor) -> Any:
    factor = on_host(_factor, [x], (x.shape, x.dtype))

    def gradient(upstream: Tensor) -> Tensor:
        inverse = on_host(np.linalg.inv, [factor], (x.shape, x.dtype))
        inner = tril(_core.matmul(transposed(factor), upstream))
        inner = _core.multiply(inner, 1.0 - 0.5 * np.eye(x.shape[-1], dtype=np.float32))
        slope = product(transposed(inverse), _core.cast(inner, x.dtype), inverse)
        return _core.multiply(_core.add(slope, transposed(slope)), 0.5)

    return factor, gradient


def _factor(x: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.cholesky((x + x.swapaxes(-1, -2)) / 2)
    except np.linalg.LinAlgError:
        raise ValueError(
            "pynn.cholesky: expected positive definite matrices; received one that is not"
        ) from None


@symbolic_op
def cholesky_inverse(x: Any, upper: bool = False) -> Tensor:
    """Return the inverses of the matrices whose Cholesky factors are x, lower or `upper` ones.

    >>> pynn.ops.cholesky_inverse([[2.0, 0.0], [0.0, 1.0]]).numpy()
    array([[0.25, 0.  ],
           [0.  , 1.  ]], dtype=float32)
    """
    x = as_matrices("cholesky_inverse", x)
    inverse = _inv(triu(x) if upper else tril(x))
    turned = transposed(inverse)
    return _core.matmul(inverse, turned) if upper else _core.matmul(turned, inverse)
