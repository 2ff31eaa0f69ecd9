"""Activations: values and gradients against float64 formulas, special values, lookup."""

import math

import numpy as np
import pytest

import pynn
from pynn import activations as act

ERF = np.vectorize(math.erf)
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _sparsemax(x):
    """Projection onto the simplex by bisection on the threshold."""
    low, high = x.max(-1, keepdims=True) - 1, x.max(-1, keepdims=True)
    for _ in range(100):
        middle = (low + high) / 2
        too_low = np.maximum(x - middle, 0).sum(-1, keepdims=True) > 1
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    return np.maximum(x - low, 0)


def _glu(x):
    a, b = np.split(x, 2, -1)
    return a * _sigmoid(b)


def _elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


REFERENCE = {
    "celu": lambda x: np.maximum(x, 0) + np.minimum(np.expm1(x), 0),
    "elu": _elu,
    "exponential": np.exp,
    "gelu": lambda x: 0.5 * x * (1 + ERF(x / math.sqrt(2))),
    "glu": _glu,
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "linear": lambda x: x,
    "log_sigmoid": lambda x: -np.log1p(np.exp(-x)),
    "log_softmax": lambda x: np.log(_softmax(x)),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "selu": lambda x: SELU_SCALE * _elu(x, SELU_ALPHA),
    "sigmoid": _sigmoid,
    "silu": lambda x: x * _sigmoid(x),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "softmax": _softmax,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sparse_plus": lambda x: np.where(x >= 1, x, np.where(x > -1, (x + 1) ** 2 / 4, 0)),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "sparsemax": _sparsemax,
    "squareplus": lambda x: (x + np.sqrt(x**2 + 4)) / 2,
    "tanh": np.tanh,
    "tanh_shrink": lambda x: x - np.tanh(x),
    "threshold": None,
}
VALUES = [name for name, reference in REFERENCE.items() if reference]
# Kinks (0, +-0.5, +-1, +-3, 6) are not among the points: the derivative there is a convention.
X = np.random.default_rng(0).normal(scale=2.5, size=(5, 8)) + 1e-3


def test_the_table_is_complete():
    assert {name for name in act._TABLE if act._TABLE[name].__name__ == name} == set(REFERENCE)


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 4e-6), ("float64", 1e-12)])
def test_value(name, dtype, rtol):
    result = act.get(name)(pynn.ops.convert_to_tensor(X, dtype=dtype))
    assert result.dtype == dtype
    expected = REFERENCE[name](X.astype(dtype).astype(np.float64))
    np.testing.assert_allclose(result.numpy(), expected, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", VALUES)
def test_gradient_against_finite_differences(name):
    x = pynn.ops.convert_to_tensor(X, dtype="float64")
    weights = np.random.default_rng(1).normal(size=REFERENCE[name](X).shape)
    with pynn.GradientTape() as tape:
        tape.watch(x)
        total = pynn.ops.sum(act.get(name)(x) * weights)
    gradient = tape.gradient(total, x).numpy()
    step = 1e-6
    for index in np.ndindex(X.shape):
        plus, minus = X.copy(), X.copy()
        plus[index] += step
        minus[index] -= step
        slope = ((REFERENCE[name](plus) - REFERENCE[name](minus)) * weights).sum() / (2 * step)
        assert gradient[index] == pytest.approx(slope, rel=1e-6, abs=1e-7), index


@pytest.mark.parametrize("name", VALUES)
def test_lists_and_empty_inputs(name):
    assert isinstance(act.get(name)([[1.0, -1.0]]), pynn.Tensor) or name == "linear"
    assert act.get(name)(np.zeros((0, 4), "float32")).shape[0] == 0


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "sigmoid", "softplus", "log_sigmoid"])
def test_large_values_do_not_overflow(name):
    result = act.get(name)(np.array([[-1e4, 0.0, 1e4]], "float32")).numpy()
    assert np.isfinite(result).all()


@pytest.mark.parametrize(
    "name", ["relu", "elu", "gelu", "silu", "softmax", "sigmoid", "tanh", "mish"]
)
def test_nan_stays_visible(name):
    assert np.isnan(act.get(name)(np.array([[1.0, np.nan]], "float32")).numpy()).any()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, [0, 0, 0, 2, 8]),
        ({"negative_slope": 0.5}, [-4, -1, 0, 2, 8]),
        ({"max_value": 6.0}, [0, 0, 0, 2, 6]),
        ({"threshold": 3.0}, [0, 0, 0, 0, 8]),
        ({"negative_slope": 0.5, "max_value": 6.0}, [-4, -1, 0, 2, 6]),
        ({"negative_slope": 0.5, "threshold": 3.0}, [-5.5, -2.5, -1.5, -0.5, 8]),
        ({"negative_slope": 0.5, "max_value": 6, "threshold": 3.0}, [-5.5, -2.5, -1.5, -0.5, 6]),
    ],
)
def test_relu_arguments(arguments, expected):
    x = [-8.0, -2.0, 0.0, 2.0, 8.0]
    np.testing.assert_allclose(act.relu(x, **arguments).numpy(), expected)


def test_other_arguments():
    x = np.array([-2.0, -0.2, 0.3, 3.0])
    np.testing.assert_allclose(act.elu(x, alpha=0.5).numpy(), _elu(x, 0.5))
    np.testing.assert_allclose(
        act.celu(x, alpha=2.0).numpy(), np.where(x > 0, x, 2 * np.expm1(x / 2))
    )
    np.testing.assert_allclose(act.leaky_relu(x, 0.1).numpy(), np.where(x > 0, x, 0.1 * x))
    np.testing.assert_allclose(act.threshold(x, 0.25, -1).numpy(), [-1, -1, 0.3, 3])
    np.testing.assert_allclose(act.hard_shrink(x, 1.0).numpy(), [-2, 0, 0, 3])
    np.testing.assert_allclose(act.soft_shrink(x, 0.25).numpy(), [-1.75, 0, 0.05, 2.75])
    np.testing.assert_allclose(act.squareplus(x, b=1).numpy(), (x + np.sqrt(x**2 + 1)) / 2)
    tanh_gelu = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(act.gelu(x, approximate=True).numpy(), tanh_gelu)
    np.testing.assert_allclose(act.softmax(X, axis=0).numpy(), _softmax(X.T).T)


def test_logits_travel_with_probabilities():
    x = pynn.ops.convert_to_tensor(X)
    assert act.softmax(x)._softmax_logits is x
    assert act.softmax(x, axis=1)._softmax_logits is x
    assert act.sigmoid(x)._sigmoid_logits is x
    # A loss takes classes from the last axis; logits of another axis would mislead it.
    assert not hasattr(act.softmax(x, axis=0), "_softmax_logits")


@pytest.mark.parametrize("name", REFERENCE)
def test_serialization(name):
    function = getattr(act, name)
    assert act.serialize(function) == name
    assert act.deserialize(name) is function
    assert act.get(pynn.saving.serialize_keras_object(function)) is function


def test_get():
    assert act.get(None) is act.linear
    assert act.get("swish") is act.silu
    assert act.get("hard_swish") is act.hard_silu
    assert act.get(abs) is abs
    assert act.serialize(act.swish) == "silu"


def test_own_function_is_saved_by_its_registered_name():
    @pynn.saving.register_keras_serializable("test_activations")
    def cube(x):
        return x**3

    config = act.serialize(cube)
    assert config["config"] == "test_activations>cube"
    assert act.deserialize(config) is cube
