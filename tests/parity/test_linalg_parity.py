"""Linear algebra against Keras: values and gradients."""

import numpy as np
import pytest
from test_ops_parity import assert_same, assert_same_gradient, evaluate

from pynn import ops

rng = np.random.default_rng(6)
root = rng.normal(size=(2, 3, 3)).astype("float32")
ARGUMENTS = {
    "a": (root @ root.swapaxes(-1, -2) + np.eye(3, dtype="float32")),
    "s3": rng.normal(size=(3, 3)).astype("float32"),
    "t": rng.normal(size=(2, 4, 3)).astype("float32"),
    "m": rng.normal(size=(3, 4)).astype("float32"),
    "y": rng.normal(size=(2, 3)).astype("float32"),
    "z": rng.normal(size=(2, 3, 2)).astype("float32"),
    "h": np.eye(3, dtype="float16") * 2,
    "i": np.array([[2, 1], [1, 3]], "int32"),
    "r": np.outer([1.0, 2, 3], [1.0, 1, 2]).astype("float32"),
    "np": np,
}
CALLS = """
    inv(a)
    inv(s3)
    inv(i)
    det(a)
    det(s3)
    det(i)
    det(r)
    slogdet(a)
    slogdet(s3)
    logdet(a)
    solve(a, z)
    solve(s3, y[0])
    solve(i, i)
    solve_triangular(a, z)
    solve_triangular(a, z, lower=True)
    solve_triangular(a, y, lower=True)
    cholesky(a)
    cholesky(a, upper=True)
    cholesky(i)
    cholesky_inverse(s3)
    cholesky_inverse(s3, upper=True)
    eigh(a)[0]
    svd(t, compute_uv=False)
    svd(m, True, False)
    lu_factor(a)
    lu_factor(s3)
    pinv(t)
    pinv(m)
    pinv(r)
    pinv(i)
    lstsq(m, y[0, :3])
    lstsq(m.T, m.T[:, :2])
    lstsq(r, y[0])
    matrix_rank(r)
    matrix_rank(t)
    matrix_rank(s3, 0.9)
    norm(m, 'nuc')
    norm(m, 2)
    norm(m, -2)
    norm(t, 'nuc', (0, 2))
    norm(t, 2, (1, 2), True)
    jvp(lambda x: ops.sin(x) * x, (m,), (m + 1.0,))
    jvp(lambda x, y: (x * y, ops.exp(y)), (m, m * 0.5), (m + 1.0, m))
    jvp(lambda x: (x * x, 'aux'), (m,), (m,), has_aux=True)[1]
""".strip().splitlines()
# Factors are unique but for the signs of columns, which the products do not show.
PRODUCTS = """
    matmul(*qr(t))
    matmul(*qr(m))
    matmul(*qr(t, 'complete'))
    abs(qr(t)[1])
    abs(qr(m)[1])
    abs(qr(t, 'complete')[0][..., :3])
    abs(eigh(a)[1])
    abs(svd(t, full_matrices=False)[0])
    abs(svd(m, full_matrices=False)[2])
    abs(svd(t)[0][..., :3])
    abs(svd(t)[2])
    shape(svd(m)[2])
""".strip().splitlines()
GRADIENTS = """
    inv(a)
    det(a)
    slogdet(a)[1]
    logdet(a)
    solve(a, z)
    solve(ops.matmul(a, a), a)
    solve_triangular(a, z)
    solve_triangular(a, z, lower=True)
    cholesky(a)
    cholesky(a, upper=True)
    cholesky_inverse(s3)
    eigh(a)[0]
    square(eigh(a)[1])
    svd(t, compute_uv=False)
    square(svd(t, full_matrices=False)[0])
    square(svd(m, full_matrices=False)[2])
    square(svd(s3)[0])
    abs(qr(t)[0])
    abs(qr(t)[1])
    abs(qr(s3, 'complete')[1])
    lu_factor(a)[0]
    pinv(t)
    pinv(m)
    lstsq(m, m[:, 0])
    norm(m, 'nuc')
    norm(m, 2)
""".strip().splitlines()


@pytest.mark.parametrize("call", [c.strip() for c in CALLS + PRODUCTS])
def test_call(keras, call):
    theirs, ours = (evaluate(space, _qualified(call), ARGUMENTS) for space in (keras.ops, ops))
    for result in (theirs, ours):
        if isinstance(result, Exception):
            raise result
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        if isinstance(a, (list, tuple)):
            for x, y in zip(a, b, strict=True):
                assert_same(x, y)
        else:
            assert_same(a, b)


@pytest.mark.parametrize("call", [c.strip() for c in GRADIENTS])
def test_gradient(keras, call):
    assert_same_gradient(keras, _qualified(call), ARGUMENTS)


def _qualified(call):
    """The inner calls of `outer(inner(x))` named as what they are: functions of ops."""
    for inner in ("qr", "eigh", "svd"):
        call = call.replace(f"({inner}(", f"(ops.{inner}(").replace(
            f"(*{inner}(", f"(*ops.{inner}("
        )
    return call
