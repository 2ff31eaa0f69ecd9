"""Ops that NumPy computes or that are made of others: compiled, symbolic, differentiated, refused.

Their values are compared with Keras's in parity/test_more_ops_parity.py and
parity/test_linalg_parity.py.
"""

import functools

import numpy as np
import pytest

import pynn
from pynn import ops

X = np.random.default_rng(2).uniform(-0.9, 0.9, (3, 4))


def square(x):
    """A (3, 3) matrix that is well away from singular."""
    return x[:, :3] + 3.0 * np.eye(3, dtype="float32")


def positive(x):
    """A symmetric positive definite (3, 3) matrix."""
    return ops.matmul(x, ops.transpose(x)) + np.diag(np.array([1, 2, 4], "float32"))


# Calls on a (3, 4) array of floats in (-0.9, 0.9); those of the first table have gradients.
DIFFERENTIABLE = {
    "angle": ops.angle,
    "arccos": ops.arccos,
    "arccosh": lambda x: ops.arccosh(x + 2.0),
    "arcsin": ops.arcsin,
    "arcsinh": ops.arcsinh,
    "arctan": ops.arctan,
    "arctan2": lambda x: ops.arctan2(x, ops.flip(x)),
    "corrcoef": ops.corrcoef,
    "correlate": lambda x: ops.correlate(x[0], x[1], "same"),
    "cumprod": lambda x: ops.cumprod(x, 1),
    "cumsum": lambda x: ops.cumsum(x, 1),
    "erfc": ops.erfc,
    "erfinv": ops.erfinv,
    "i0": ops.i0,
    "ldexp": lambda x: ops.ldexp(x, 2),
    "median": lambda x: ops.median(x, 1),
    "nancumprod": ops.nancumprod,
    "nancumsum": ops.nancumsum,
    "nanmedian": lambda x: ops.nanmedian(x, 0),
    "nanpercentile": lambda x: ops.nanpercentile(x, 30.0),
    "nanquantile": lambda x: ops.nanquantile(x, 0.3, 1),
    "percentile": lambda x: ops.percentile(x, [20, 30]),
    "quantile": lambda x: ops.quantile(x, 0.3, 1),
    "sort": lambda x: ops.sort(x, 0),
    "top_k": lambda x: ops.top_k(x, 2)[0],
}
DIFFERENTIABLE |= {
    "cholesky": lambda x: ops.cholesky(positive(x)),
    "cholesky_inverse": lambda x: ops.cholesky_inverse(square(x)),
    "det": lambda x: ops.det(square(x)),
    "det of a singular matrix": lambda x: ops.det(x[:, :3] * np.array([1.0, 1, 0], "float32")),
    "eigh": lambda x: ops.concatenate([ops.ravel(part) for part in ops.eigh(positive(x))]),
    "inv": lambda x: ops.inv(square(x)),
    "logdet": lambda x: ops.logdet(square(x)),
    "lstsq": lambda x: ops.lstsq(x, x[:, 0]),
    "lu_factor": lambda x: ops.lu_factor(square(x))[0],
    "norm": lambda x: ops.norm(x, "nuc"),
    "pinv": ops.pinv,
    "qr": lambda x: ops.qr(ops.transpose(x))[1],
    "slogdet": lambda x: ops.slogdet(square(x))[1],
    "solve": lambda x: ops.solve(square(x), x),
    "solve a vector": lambda x: ops.solve(square(x), x[:, 3]),
    "solve_triangular": lambda x: ops.solve_triangular(square(x), x, lower=True),
    "svd": lambda x: ops.concatenate([ops.ravel(p) for p in ops.svd(x, full_matrices=False)]),
}
OTHERS = {
    "matrix_rank": ops.matrix_rank,
    "svd of full matrices": lambda x: ops.svd(x)[2],
    "wide qr": lambda x: ops.qr(x)[1],
    "argpartition": lambda x: ops.argpartition(x, 1),
    "argsort": ops.argsort,
    "bits": lambda x: ops.bitwise_and(ops.cast(x * 100, "int32"), 12),
    "digitize": lambda x: ops.digitize(x, [-0.5, 0.5]),
    "gcd": lambda x: ops.gcd(ops.cast(x * 100, "int32"), 12),
    "histogram": lambda x: ops.histogram(x[0], 3)[0],
    "nanargmax": lambda x: ops.nanargmax(x, 1),
    "nextafter": lambda x: ops.nextafter(x, 1.0),
    "searchsorted": lambda x: ops.searchsorted([-0.5, 0.5], x),
    "unique": lambda x: ops.unique(ops.round(x * 2), size=5),
    "view": lambda x: ops.view(x, "int32"),
}
CALLS = {**DIFFERENTIABLE, **OTHERS}


@pytest.mark.parametrize("name", CALLS)
def test_compiled_equals_eager(name):
    call, x = CALLS[name], X.astype("float32")
    eager = call(ops.convert_to_tensor(x)).numpy()
    compiled = pynn.function(call)
    for _ in range(2):
        assert compiled(x).numpy().tobytes() == eager.tobytes()


@pytest.mark.parametrize("name", CALLS)
def test_symbolic(name):
    call, x = CALLS[name], X.astype("float32")
    expected = call(x)
    symbol = pynn.Input(batch_shape=(3, 4))
    assert call(symbol).shape == expected.shape
    assert call(symbol).dtype == expected.dtype
    unknown = call(pynn.Input(batch_shape=(3, None)))
    assert len(unknown.shape) == len(expected.shape)


def weighted(call, x):
    """The sum of the results with weights 1, 2, ..."""
    y = call(x)
    weights = np.arange(1.0, 1 + y.size).reshape(y.shape).astype(y.dtype)
    return ops.sum(y * weights)


def slope(function, x):
    tensor = ops.convert_to_tensor(x)
    with pynn.GradientTape() as tape:
        tape.watch(tensor)
        y = function(tensor)
    return tape.gradient(y, tensor, unconnected_gradients="zero")


def differences(function, x, step=1e-6):
    result = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        result[place] = (function(up) - function(down)) / (2 * step)
    return result


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradient_against_differences(name):
    call = functools.partial(weighted, DIFFERENTIABLE[name])
    expected = differences(lambda x: float(call(x)), X)
    np.testing.assert_allclose(slope(call, X).numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_compiled_gradient_equals_the_eager_one(name):
    call, x = functools.partial(weighted, DIFFERENTIABLE[name]), X.astype("float32")
    eager = slope(call, x).numpy()
    compiled = pynn.function(lambda x: slope(call, x))(x).numpy()
    assert compiled.tobytes() == eager.tobytes()


@pytest.mark.parametrize("name", ["arcsin", "arctan", "arcsinh", "arctan2", "erfc", "erfinv"])
def test_gradient_of_second_order(name):
    call = functools.partial(weighted, DIFFERENTIABLE[name])

    def total_slope(x):
        return ops.sum(slope(call, x))

    expected = differences(lambda x: float(total_slope(x)), X)
    np.testing.assert_allclose(slope(total_slope, X).numpy(), expected, rtol=1e-5, atol=1e-5)


REFUSED = [
    (lambda: ops.quantile(X, 0.5, method="cubic"), ValueError, "pynn.quantile: expected method"),
    (lambda: ops.quantile(X, [[0.5]]), ValueError, "pynn.quantile: expected q"),
    (lambda: ops.top_k([1.0], 2), ValueError, "pynn.top_k"),
    (lambda: ops.searchsorted(X, X), ValueError, "pynn.searchsorted: expected a 1-D"),
    (lambda: ops.searchsorted([1], 1, "middle"), ValueError, "side"),
    (lambda: ops.argpartition([1.0, 2.0], 2), ValueError, "argpartition"),
    (lambda: ops.bincount([-1]), ValueError, "pynn.bincount"),
    (lambda: ops.bincount([1.0]), TypeError, "pynn.bincount: expected integers"),
    (lambda: ops.bincount([1], sparse=True), ValueError, "sparse"),
    (lambda: ops.histogram([1.0], 0), ValueError, "pynn.histogram: expected bins"),
    (lambda: ops.histogram([1.0], range=(2, 1)), ValueError, "range"),
    (lambda: ops.histogram(X), ValueError, "1-D"),
    (lambda: ops.correlate([1.0], [1.0], "wide"), ValueError, "pynn.correlate: expected mode"),
    (lambda: ops.correlate(X, [1.0]), ValueError, "pynn.correlate: expected 1-D"),
    (lambda: ops.bitwise_and([1.0], 1), TypeError, "pynn.bitwise_and: expected integers"),
    (lambda: ops.left_shift([True], [True]), TypeError, "pynn.left_shift"),
    (lambda: ops.ldexp(1.0, 0.5), TypeError, "pynn.ldexp: expected integers"),
    (lambda: ops.view(np.zeros(3, "int8"), "int16"), ValueError, "pynn.view: expected a last"),
    (lambda: ops.sort(X, 2), ValueError, "axis"),
    (lambda: ops.inv(X), ValueError, "pynn.inv: expected shape"),
    (lambda: ops.svd([1.0]), ValueError, "pynn.svd: expected shape"),
    (lambda: ops.inv(np.zeros((2, 2))), np.linalg.LinAlgError, "[Ss]ingular"),
    (lambda: ops.cholesky(-np.eye(2)), ValueError, "pynn.cholesky: expected positive definite"),
    (lambda: ops.solve(np.eye(3), np.ones(2)), ValueError, "pynn.solve: expected a"),
    (lambda: ops.lstsq(X, np.ones(2)), ValueError, "pynn.lstsq: expected a"),
    (lambda: ops.qr(X, "raw"), ValueError, "pynn.qr: expected mode"),
    (lambda: ops.norm(X, "max"), ValueError, "pynn.norm: expected"),
    (lambda: ops.jvp(ops.exp, (X,), (X[0],)), ValueError, "pynn.jvp: expected tangents"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_what_depends_on_values_needs_them():
    compiled = pynn.function(ops.unique)
    with pytest.warns(UserWarning, match="looks at the value"):
        assert compiled(np.array([2, 1, 2])).numpy().tolist() == [1, 2]


def test_half_precision_is_rounded_once():
    x = np.linspace(-0.9, 0.9, 101).astype("float16")
    expected = np.arcsin(x.astype("float32")).astype("float16")
    np.testing.assert_array_equal(ops.arcsin(x).numpy(), expected)
    assert ops.arcsin(ops.cast(x, "bfloat16")).dtype == "bfloat16"


def test_float64_keeps_its_digits():
    x = np.array([-0.999, -1e-9, 0.3, 0.99999])
    y = ops.erfinv(x).numpy()
    np.testing.assert_allclose(ops.erf(y).numpy(), x, rtol=1e-14)
    np.testing.assert_allclose(ops.erfc([5.0]).numpy(), 1.5374597944280347e-12, rtol=1e-6)


def test_float64_arrays_are_not_weak_and_float64_numbers_are():
    x = ops.ones((3,))
    for op in (ops.add, ops.hypot, ops.fmax, ops.arctan2):
        assert op(x, np.ones(3)).dtype == "float64"
        assert op(x, np.float64(2)).dtype == "float32"


def test_jvp_is_the_directional_derivative():
    x, direction = X, X[::-1]
    y, slope, aux = ops.jvp(lambda x: (ops.sin(x) * x, "more"), (x,), (direction,), has_aux=True)
    np.testing.assert_allclose(y.numpy(), np.sin(x) * x)
    np.testing.assert_allclose(slope.numpy(), (np.cos(x) * x + np.sin(x)) * direction)
    assert aux == "more"
