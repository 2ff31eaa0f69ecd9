"""Schedules give the rates of Keras, and take training where Keras takes it."""

import inspect

import numpy as np
import pytest

import pynn
from pynn.optimizers import schedules

CASES = [
    ("CosineDecay", (0.1, 50)),
    ("CosineDecay", (0.1, 50, 0.2)),
    ("CosineDecay", (0.0, 40, 0.1, "mine", 0.3, 15)),
    ("CosineDecay", (0.1, 40, 0.0, "mine", 0.3, 0)),
    ("CosineDecayRestarts", (0.1, 20)),
    ("CosineDecayRestarts", (0.1, 20, 1.0, 0.9)),
    ("CosineDecayRestarts", (0.1, 13, 1.5, 0.8, 0.1)),
    ("ExponentialDecay", (0.1, 30, 0.9)),
    ("ExponentialDecay", (0.1, 30, 0.9, True)),
    ("InverseTimeDecay", (0.1, 30, 0.5)),
    ("InverseTimeDecay", (0.1, 30, 0.5, True)),
    ("PiecewiseConstantDecay", ([10, 20], [0.1, 0.05, 0.01])),
    ("PiecewiseConstantDecay", ([10.5], [0.1, 0.05])),
    ("PolynomialDecay", (0.1, 50)),
    ("PolynomialDecay", (0.1, 50, 0.01, 2.5)),
    ("PolynomialDecay", (0.1, 32, 0.01, 1.5, True)),
]
EACH = pytest.mark.parametrize(("name", "arguments"), CASES)


def both(keras, name, arguments):
    theirs = getattr(keras.optimizers.schedules, name)(*arguments)
    return getattr(schedules, name)(*arguments), theirs


@EACH
def test_rates(keras, name, arguments):
    import jax

    ours, theirs = both(keras, name, arguments)
    compiled = jax.jit(theirs)
    for step in range(150):
        a, b = ours(pynn.ops.array(step, "int32")), compiled(keras.ops.array(step, "int32"))
        assert a.dtype == "float32"
        np.testing.assert_allclose(float(a), float(b), rtol=2e-5, atol=2e-7, err_msg=str(step))


@EACH
def test_three_steps_of_training(keras, name, arguments):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 3)).astype("float32"), rng.normal(size=(12, 2)).astype("float32")
    start = [rng.normal(size=(3, 2)), np.zeros(2)]
    ends = []
    for package, schedule in zip((pynn, keras), both(keras, name, arguments), strict=True):
        model = package.Sequential([package.Input((3,)), package.layers.Dense(2)])
        model.set_weights(start)
        model.compile(package.optimizers.Adam(schedule), loss="mse")
        model.fit(x, y, batch_size=4, epochs=1, shuffle=False, verbose=0)
        ends.append(model.get_weights())
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6)


@EACH
def test_configs_travel_both_ways(keras, name, arguments):
    ours, theirs = both(keras, name, arguments)
    assert ours.get_config() == theirs.get_config()
    written = schedules.serialize(ours)
    assert written == keras.optimizers.schedules.serialize(theirs)
    assert type(keras.optimizers.schedules.deserialize(written)) is type(theirs)
    assert schedules.deserialize(written).get_config() == ours.get_config()


@EACH
def test_in_the_config_of_an_optimizer(keras, name, arguments):
    ours, theirs = both(keras, name, arguments)
    a = pynn.optimizers.SGD(ours, name="sgd")
    b = keras.optimizers.SGD(theirs, name="sgd")
    assert a.get_config() == b.get_config()
    rate = pynn.optimizers.deserialize(keras.optimizers.serialize(b)).get_config()["learning_rate"]
    assert rate == a.get_config()["learning_rate"]
    back = keras.optimizers.deserialize(pynn.optimizers.serialize(a))
    assert back.get_config() == b.get_config()


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
def test_signatures(keras, name):
    ours = inspect.signature(getattr(schedules, name)).parameters.values()
    theirs = inspect.signature(getattr(keras.optimizers.schedules, name)).parameters.values()
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("CosineDecay", (0.1, 0)),
        ("CosineDecayRestarts", (0.1, -1)),
        ("ExponentialDecay", (0.1, 0, 0.5)),
        ("InverseTimeDecay", (0.1, 0, 0.5)),
        ("PolynomialDecay", (0.1, 0)),
        ("PiecewiseConstantDecay", ([1, 2], [0.1, 0.2])),
    ],
)
def test_what_both_refuse(keras, name, arguments):
    with pytest.raises(ValueError, match="received"):
        getattr(schedules, name)(*arguments)
    with pytest.raises(ValueError, match="Received"):
        getattr(keras.optimizers.schedules, name)(*arguments)
