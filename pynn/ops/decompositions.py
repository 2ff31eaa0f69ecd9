"""Factorizations of matrices, by NumPy; gradients by formula.

Matrices are the last two axes. Sources of the gradients: eigh, svd: Giles, "An extended collection
of matrix derivative results" (2008), and Townsend, "Differentiating the singular value
decomposition" (2016); QR: Liao et al., "Differentiable programming tensor networks" (2019); LU:
de Hoog et al., "The derivatives of the LU decomposition" (2011). Where two eigenvalues, or singular
values, are equal, their vectors have no gradient: it is infinite or NaN.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.ops.common import promoted_float
from pynn.ops.functions import custom_gradient
from pynn.ops.host import on_host
from pynn.ops.indexing import tril, triu
from pynn.ops.linear_systems import as_matrices, product, transposed
from pynn.ops.symbolic import symbolic_op

__all__ = ["eigh", "lstsq", "lu_factor", "matrix_rank", "pinv", "qr", "svd"]


@symbolic_op
def eigh(x: Any) -> tuple[Tensor, Tensor]:
    """Return eigenvalues (..., M), ascending, and eigenvectors (..., M, M) of symmetric matrices.

    Eigenvectors are columns.

    >>> values, vectors = pynn.ops.eigh([[2.0, 0.0], [0.0, 1.0]])
    >>> values.numpy()
    array([1., 2.], dtype=float32)
    """
    return _eigh(as_matrices("eigh", x))


@custom_gradient
def _eigh(x: Tensor) -> Any:
    def decompose(a: np.ndarray) -> Any:
        return np.linalg.eigh((a + a.swapaxes(-1, -2)) / 2)

    values, vectors = on_host(decompose, [x], (x.shape[:-1], x.dtype), (x.shape, x.dtype))

    def gradient(upstream: Any) -> Tensor:
        inner = _core.matmul(transposed(vectors), upstream[1])
        inner = _core.multiply(inner, _reciprocal_differences(values))
        inner = _core.add(inner, _on_diagonal(upstream[0]))
        slope = product(vectors, inner, transposed(vectors))
        return _core.multiply(_core.add(slope, transposed(slope)), 0.5)

    return (values, vectors), gradient


def _reciprocal_differences(values: Tensor) -> Tensor:
    """1 / (v_j - v_i) at row i and column j, and 0 on the diagonal."""
    columns, rows = _core.expand_dims(values, [-2]), _core.expand_dims(values, [-1])
    diagonal = np.eye(values.shape[-1], dtype=bool)
    differences = _core.where(diagonal, 1.0, _core.subtract(columns, rows))
    return _core.where(diagonal, 0.0, _core.reciprocal(differences))


def _on_diagonal(x: Tensor) -> Tensor:
    """Diagonal matrices of vectors (..., M)."""
    return _core.where(np.eye(x.shape[-1], dtype=bool), _core.expand_dims(x, [-2]), 0.0)


@symbolic_op
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Return U, s, V^T of the singular value decomposition x = U diag(s) V^T of x (..., M, N).

    U is (..., M, M) and V^T (..., N, N); without `full_matrices` they have just the K = min(M, N)
    columns and rows that belong to s (..., K), which descends. Without `compute_uv`: s alone.
    U and V of full matrices that are not square have no gradient.

    >>> pynn.ops.svd([[3.0, 0.0], [0.0, 4.0]], compute_uv=False).numpy()
    array([4., 3.], dtype=float32)
    """
    x = as_matrices("svd", x, square=False)
    if not compute_uv:
        return _thin_svd(x)[1]
    if not full_matrices or x.shape[-2] == x.shape[-1]:
        return _thin_svd(x)
    rows, columns = x.shape[-2:]
    leading = tuple(x.shape[:-2])
    shapes = ((*leading, rows, rows), (*leading, min(rows, columns)), (*leading, columns, columns))
    return on_host(np.linalg.svd, [x], *((shape, x.dtype) for shape in shapes))


@custom_gradient
def _thin_svd(x: Tensor) -> Any:
    rows, columns = x.shape[-2:]
    leading, k = tuple(x.shape[:-2]), min(rows, columns)
    shapes = ((*leading, rows, k), (*leading, k), (*leading, k, columns))
    u, s, vh = on_host(
        lambda a: np.linalg.svd(a, full_matrices=False), [x], *((n, x.dtype) for n in shapes)
    )

    def gradient(upstream: Any) -> Tensor:
        du, ds, dvh = upstream
        factors = _reciprocal_differences(_core.square(s))
        left, right = _core.expand_dims(s, [-1]), _core.expand_dims(s, [-2])
        from_u = _core.multiply(_twice_skew(transposed(u), du), factors)
        from_v = _core.multiply(_twice_skew(vh, transposed(dvh)), factors)
        inner = _core.add(_core.multiply(from_u, right), _core.multiply(left, from_v))
        slope = product(u, _core.add(inner, _on_diagonal(ds)), vh)
        if rows > k:  # du has a part that is orthogonal to all columns of u
            beyond = _core.subtract(du, product(u, transposed(u), du))
            slope = _core.add(slope, product(_core.divide(beyond, right), vh))
        if columns > k:
            beyond = _core.subtract(dvh, product(dvh, transposed(vh), vh))
            slope = _core.add(slope, product(u, _core.divide(beyond, left)))
        return slope

    return (u, s, vh), gradient


def _twice_skew(a: Tensor, b: Tensor) -> Tensor:
    """The product minus its transpose."""
    both = _core.matmul(a, b)
    return _core.subtract(both, transposed(both))


@symbolic_op
def qr(x: Any, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """Return Q with orthonormal columns and upper triangular R such that Q R = x (..., M, N).

    "reduced": Q (..., M, K) and R (..., K, N) with K = min(M, N); "complete": Q (..., M, M) and
    R (..., M, N). There is a gradient for M >= N, in "complete" mode for M = N.

    Raises:
        ValueError: `mode` is another one.

    >>> q, r = pynn.ops.qr([[3.0, 1.0], [4.0, 2.0]])
    >>> abs(r.numpy()).round(4)
    array([[5. , 2.2],
           [0. , 0.4]], dtype=float32)
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"pynn.qr: expected mode 'reduced' or 'complete'; received {mode!r}")
    x = as_matrices("qr", x, square=False)
    rows, columns = x.shape[-2:]
    if rows == columns or (rows > columns and mode == "reduced"):
        return _tall_qr(x)
    k = rows if mode == "complete" else min(rows, columns)
    return _host_qr(x, k, mode)


def _host_qr(x: Tensor, k: int, mode: str) -> Any:
    leading, rows, columns = tuple(x.shape[:-2]), *x.shape[-2:]
    shapes = ((*leading, rows, k), (*leading, k, columns))
    decompose: Any = np.linalg.qr
    return on_host(lambda a: decompose(a, mode), [x], *((n, x.dtype) for n in shapes))


@custom_gradient
def _tall_qr(x: Tensor) -> Any:
    q, r = _host_qr(x, x.shape[-1], "reduced")

    def gradient(upstream: Any) -> Tensor:
        dq, dr = upstream
        inner = _core.subtract(_core.matmul(r, transposed(dr)), _core.matmul(transposed(dq), q))
        lower = tril(inner)
        symmetric = _core.add(lower, transposed(tril(inner, -1)))
        inverse = on_host(np.linalg.inv, [r], (r.shape, r.dtype))
        return product(_core.add(dq, product(q, symmetric)), transposed(inverse))

    return (q, r), gradient


@symbolic_op
def lu_factor(x: Any) -> tuple[Tensor, Tensor]:
    """Return L and U of P L U = x (..., M, M) in one matrix, and the pivots as int32 (..., M).

    L is below the diagonal and has ones on it; U is the rest. Row i was exchanged with row
    pivots[i], from the first to the last.

    >>> lu, pivots = pynn.ops.lu_factor([[1.0, 2.0], [4.0, 4.0]])
    >>> lu.numpy(), pivots.numpy()
    (array([[4.  , 4.  ],
           [0.25, 1.  ]], dtype=float32), array([1, 1], dtype=int32))
    """
    x = as_matrices("lu_factor", x)
    leading, size = tuple(x.shape[:-2]), x.shape[-1]
    specs = ((x.shape, x.dtype), (x.shape, x.dtype), ((*leading, size), "int32"))
    factors, permutation, pivots = on_host(_lu_of_arrays, [x], *specs)
    rule = custom_gradient(lambda x: (factors, _lu_gradient(factors, permutation)))
    return rule(x), pivots


def _lu_gradient(factors: Tensor, permutation: Tensor) -> Callable[[Tensor], Tensor]:
    ones = _core.tensor(np.eye(factors.shape[-1]), factors.dtype)

    def gradient(upstream: Tensor) -> Tensor:
        lower, upper = _core.add(tril(factors, -1), ones), triu(factors)
        from_lower = tril(_core.matmul(transposed(lower), tril(upstream, -1)), -1)
        from_upper = triu(_core.matmul(triu(upstream), transposed(upper)))
        inverses = [
            transposed(on_host(np.linalg.inv, [m], (m.shape, m.dtype))) for m in (lower, upper)
        ]
        inner = product(inverses[0], _core.add(from_lower, from_upper), inverses[1])
        return _core.matmul(permutation, inner)

    return gradient


def _lu_of_arrays(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factors, permutation matrices and pivots, by elimination of one column after the other."""
    size = x.shape[-1]
    a = np.array(x.reshape(-1, size, size))
    matrices = np.arange(len(a))
    order = np.tile(np.arange(size), (len(a), 1))
    pivots = np.zeros((len(a), size), np.int32)
    for k in range(size):
        chosen = k + np.abs(a[:, k:, k]).argmax(axis=1)
        pivots[:, k] = chosen
        for rows in (a, order):
            rows[matrices, k], rows[matrices, chosen] = (
                rows[matrices, chosen].copy(),
                rows[matrices, k].copy(),
            )
        a[:, k + 1 :, k] /= a[:, k, k, None]
        a[:, k + 1 :, k + 1 :] -= a[:, k + 1 :, k, None] * a[:, k, None, k + 1 :]
    permutation = np.eye(size, dtype=x.dtype)[order].swapaxes(-1, -2)
    return a.reshape(x.shape), permutation.reshape(x.shape), pivots.reshape(x.shape[:-1])


@symbolic_op
def pinv(x: Any, rcond: Any = None) -> Tensor:
    """Return the Moore-Penrose pseudo-inverses (..., N, M) of matrices x (..., M, N).

    Singular values not above `rcond` times the largest count as 0; by default 10 * max(M, N)
    times the precision of the dtype. Gradient: Golub and Pereyra, "The differentiation of
    pseudo-inverses and nonlinear least squares problems whose variables separate" (1973).

    >>> pynn.ops.pinv([[2.0], [0.0]]).numpy()
    array([[0.5, 0. ]], dtype=float32)
    """
    x = as_matrices("pinv", x, square=False)
    limit = _rcond(x) if rcond is None else float(rcond)
    return custom_gradient(lambda x: _pinv(x, limit))(x)


def _rcond(x: Tensor) -> float:
    return 10 * max(x.shape[-2:]) * _precision(x)


def _precision(x: Tensor) -> float:
    """Distance from 1 to the next number, in the dtype that NumPy computes in."""
    return float(np.finfo(np.float64 if x.dtype == "float64" else np.float32).eps)


def _pinv(x: Tensor, rcond: float) -> Any:
    shape = (*x.shape[:-2], x.shape[-1], x.shape[-2])
    inverse = on_host(lambda a: np.linalg.pinv(a, rcond), [x], (shape, x.dtype))

    def gradient(upstream: Tensor) -> Tensor:
        turned, g = transposed(inverse), transposed(upstream)
        beyond_rows = _core.subtract(g, product(x, inverse, g))
        beyond_columns = _core.subtract(g, product(g, inverse, x))
        slope = _core.add(
            product(beyond_rows, inverse, turned), product(turned, inverse, beyond_columns)
        )
        return _core.subtract(slope, product(turned, upstream, turned))

    return inverse, gradient


@symbolic_op
def lstsq(a: Any, b: Any, rcond: Any = None) -> Tensor:
    """Return the x (N,) or (N, K) of least length that makes |a x - b| least.

    Of a (M, N) and b (M,) or (M, K). `rcond` is as in `pinv`; by default max(M, N) times the
    precision of the dtype.

    Raises:
        ValueError: shapes that do not go together.

    >>> pynn.ops.lstsq([[1.0], [1.0]], [1.0, 3.0]).numpy().round(4)
    array([2.], dtype=float32)
    """
    a, b = promoted_float(a, b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ValueError(
            f"pynn.lstsq: expected a (M, N) and b (M,) or (M, K); received {tuple(a.shape)} and "
            f"{tuple(b.shape)}"
        )
    limit = max(a.shape) * _precision(a) if rcond is None or rcond < 0 else rcond
    return _core.matmul(pinv(a, limit), b)


@symbolic_op
def matrix_rank(x: Any, tol: Any = None) -> Tensor:
    """Return the int32 ranks of matrices (..., M, N): the singular values above `tol`.

    By default `tol` is the largest one times max(M, N) times the precision of the dtype.

    >>> pynn.ops.matrix_rank([[1.0, 2.0], [2.0, 4.0]]).numpy()
    array(1, dtype=int32)
    """
    x = as_matrices("matrix_rank", x, square=False)
    s = _thin_svd(x)[1]
    if tol is None:
        tol = _core.multiply(_core.max(s, [-1], True), max(x.shape[-2:]) * _precision(x))
    return _core.sum(_core.cast(_core.greater(s, tol), "int32"), [-1], False)
