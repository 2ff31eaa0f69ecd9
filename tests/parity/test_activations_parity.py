"""Activations against Keras: values and gradients, kinks and special values included."""

import inspect
import json

import numpy as np
import pytest

import pynn
from pynn import activations

NAMES = sorted({f.__name__ for f in activations._TABLE.values()} - {"threshold"})
# Every kink of every activation is among the points.
POINTS = np.concatenate(
    [
        np.linspace(-9.0, 9.0, 36),
        [-6, -3, -1, -0.5, 0.0, -0.0, 0.5, 1, 3, 6, 1e-6, -1e-6, 30.0, -30.0],
    ]
).astype("float32")
ROWS = POINTS.reshape(-1, 10)
# Arguments beside the defaults.
VARIANTS = [
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 6.0}),
    ("relu", {"threshold": 1.0}),
    ("relu", {"negative_slope": 0.1, "max_value": 4.0, "threshold": 1.0}),
    ("leaky_relu", {"negative_slope": 0.01}),
    ("elu", {"alpha": 0.5}),
    ("celu", {"alpha": 0.5}),
    ("gelu", {"approximate": True}),
    ("glu", {"axis": 0}),
    ("softmax", {"axis": 0}),
    ("log_softmax", {"axis": 0}),
    ("sparsemax", {"axis": 0}),
    ("squareplus", {"b": 1}),
    ("hard_shrink", {"threshold": 1.0}),
    ("soft_shrink", {"threshold": 1.0}),
    ("threshold", {"threshold": 1.0, "default_value": -2.0}),
]
# Along the last axis Keras's sparsemax gives rows that do not sum to 1; tests/test_activations.py
# compares ours with the projection itself.
CASES = [(name, {}) for name in NAMES if name != "sparsemax"] + VARIANTS
# Where two branches meet, Keras's derivative is what its backend happens to give: JAX the mean of
# both sides, or for leaky relu the upper one. Ours is TensorFlow's and PyTorch's.
KINKED = {"celu", "leaky_relu", "relu6", "hard_sigmoid", "hard_silu", "hard_tanh", "sparse_sigmoid"}


def _id(case):
    return f"{case[0]}-{'-'.join(case[1])}" if isinstance(case, tuple) else None


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_value(keras, case):
    name, arguments = case
    x = ROWS if name != "glu" or not arguments else ROWS[:4]
    ours = getattr(activations, name)(pynn.ops.convert_to_tensor(x), **arguments)
    theirs = getattr(keras.activations, name)(keras.ops.convert_to_tensor(x), **arguments)
    expected = keras.ops.convert_to_numpy(theirs)
    assert ours.dtype == str(expected.dtype)
    np.testing.assert_allclose(ours.numpy(), expected, rtol=3e-6, atol=2e-6)


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_gradient(keras, case):
    import jax

    name, arguments = case
    x = ROWS if name != "glu" or not arguments else ROWS[:4]
    theirs = getattr(keras.activations, name)
    rng = np.random.default_rng(0)
    weights = rng.normal(size=theirs(x, **arguments).shape).astype("float32")
    expected = np.asarray(jax.grad(lambda v: (theirs(v, **arguments) * weights).sum())(x))

    variable = pynn.ops.convert_to_tensor(x)
    with pynn.GradientTape() as tape:
        tape.watch(variable)
        total = pynn.ops.sum(getattr(activations, name)(variable, **arguments) * weights)
    ours = tape.gradient(total, variable).numpy()
    differs = ~np.isclose(ours, expected, rtol=1e-5, atol=1e-5)
    if name in KINKED or {"max_value", "negative_slope"} & set(arguments):
        kinks = np.isin(np.abs(x), [0.0, 1.0, 3.0, 4.0, 6.0])
        differs &= ~kinks
    assert not differs.any(), (x[differs], ours[differs], expected[differs])


@pytest.mark.parametrize("name", [n for n in NAMES if n != "sparsemax"])
def test_infinities(keras, name):
    x = np.array([[-np.inf, 1.0, -2.0, 0.5], [np.inf, 1.0, 0.0, 2.0]], "float32")
    ours = getattr(activations, name)(pynn.ops.convert_to_tensor(x)).numpy()
    expected = keras.ops.convert_to_numpy(getattr(keras.activations, name)(x))
    both_nan = np.isnan(ours) & np.isnan(expected)
    # Where Keras's formula gives inf - inf or 0 * inf, the limit is as good an answer.
    limit = np.isnan(expected) & ~np.isnan(ours)
    close = np.isclose(ours, expected, rtol=3e-6, atol=2e-6)
    assert (both_nan | limit | close).all(), (ours, expected)


@pytest.mark.parametrize("name", [*NAMES, "threshold"])
def test_signature_and_config(keras, name):
    ours, theirs = getattr(activations, name), getattr(keras.activations, name)
    expected = [(p.name, p.default) for p in inspect.signature(theirs).parameters.values()]
    assert [(p.name, p.default) for p in inspect.signature(ours).parameters.values()] == expected
    assert activations.serialize(ours) == keras.activations.serialize(theirs)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(theirs)))
    assert pynn.saving.deserialize_keras_object(config) is ours
    assert config == pynn.saving.serialize_keras_object(ours)


def test_every_name_of_keras_is_known(keras):
    assert set(keras.src.activations.ALL_OBJECTS_DICT) <= set(activations._TABLE)
