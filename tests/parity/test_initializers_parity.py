"""Initializers against Keras: names, configs both ways, deterministic values, moments."""

import inspect
import json

import numpy as np
import pytest

from pynn import initializers

SEEDED = [
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "GlorotUniform",
    "GlorotNormal",
    "HeUniform",
    "HeNormal",
    "LecunUniform",
    "LecunNormal",
    "Orthogonal",
]
PLAIN = ["Zeros", "Ones", "Constant", "Identity"]


def parameters(cls):
    signature = inspect.signature(cls.__init__).parameters.values()
    return [
        (p.name, p.default) for p in signature if p.name != "self" and p.kind is not p.VAR_KEYWORD
    ]


@pytest.mark.parametrize("name", SEEDED + PLAIN)
def test_signature_and_config(keras, name):
    ours, theirs = getattr(initializers, name), getattr(keras.initializers, name)
    if theirs.__init__ is not object.__init__:
        assert parameters(ours) == [
            (n, d) for n, d in parameters(theirs) if n not in ("args", "kwargs")
        ]
    expected = theirs().get_config()
    if name == "Identity":  # Keras forgets the gain
        expected = {"gain": 1.0}
    assert ours().get_config() == expected


@pytest.mark.parametrize("name", SEEDED + PLAIN)
def test_configs_travel_both_ways(keras, name):
    arguments = {"seed": 3} if name in SEEDED else {}
    ours = getattr(initializers, name)(**arguments)
    theirs = getattr(keras.initializers, name)(**arguments)
    our_json = json.dumps(initializers.serialize(ours))
    their_json = json.dumps(keras.initializers.serialize(theirs))
    assert our_json == their_json or name == "Identity"
    assert initializers.deserialize(json.loads(their_json)).get_config() == ours.get_config()
    assert type(keras.initializers.deserialize(json.loads(our_json))) is type(theirs)


@pytest.mark.parametrize("name", PLAIN)
def test_values(keras, name):
    ours = getattr(initializers, name)()((3, 4)).numpy()
    theirs = keras.ops.convert_to_numpy(getattr(keras.initializers, name)()((3, 4)))
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("shape", [(300, 200), (3, 3, 40, 50)])
@pytest.mark.parametrize("name", SEEDED)
def test_moments(keras, name, shape):
    ours = getattr(initializers, name)(seed=1)(shape).numpy().astype(np.float64)
    theirs = getattr(keras.initializers, name)(seed=1)(shape)
    theirs = keras.ops.convert_to_numpy(theirs).astype(np.float64)
    assert ours.std() == pytest.approx(theirs.std(), rel=0.03)
    for quantile in (0.01, 0.25, 0.75, 0.99):
        expected = np.quantile(theirs, quantile)
        assert np.quantile(ours, quantile) == pytest.approx(expected, rel=0.06), quantile


def test_every_name_of_keras_is_known(keras):
    known = keras.src.initializers.ALL_OBJECTS_DICT
    missing = [name for name in known if name not in initializers._TABLE]
    # STFT belongs to the spectrogram layer and comes with it; the base class makes nothing.
    allowed = {"STFT", "stft", "STFTInitializer", "Initializer", "initializer"}
    assert set(missing) <= allowed
