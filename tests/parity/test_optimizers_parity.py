"""Optimizers follow those of Keras to float32 rounding over 20 steps, state included."""

import numpy as np
import pytest

import pynn
from pynn import ops, optimizers

CASES = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.5}),
    ("RMSprop", {"centered": True}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("AdamW", {"weight_decay": 0.1}),
    ("Adam", {"clipnorm": 0.5}),
    ("Adam", {"global_clipnorm": 0.5}),
    ("Adam", {"clipvalue": 0.5}),
    ("SGD", {"weight_decay": 0.1, "momentum": 0.5}),
    ("Adam", {"use_ema": True, "ema_momentum": 0.9}),
    ("Adam", {"use_ema": True, "ema_overwrite_frequency": 3}),
    ("Adam", {"gradient_accumulation_steps": 4}),
    ("SGD", {"gradient_accumulation_steps": 3, "clipnorm": 1.0, "weight_decay": 0.1}),
    ("SGD", {"loss_scale_factor": 4.0}),
]


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_twenty_steps(keras, name, settings):
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 4), (5,))]
    ours = getattr(optimizers, name)(learning_rate=0.05, **settings)
    theirs = getattr(keras.optimizers, name)(learning_rate=0.05, **settings)
    our_weights = [pynn.Variable(start, name=f"w{i}") for i, start in enumerate(starts)]
    their_weights = [keras.Variable(start, name=f"w{i}") for i, start in enumerate(starts)]
    for _ in range(20):
        grads = [rng.normal(size=start.shape).astype(np.float32) for start in starts]
        ours.apply([ops.array(g) for g in grads], our_weights)
        theirs.apply([keras.ops.array(g) for g in grads], their_weights)
    ours.finalize_variable_values(our_weights)
    theirs.finalize_variable_values(their_weights)
    for a, b in zip(our_weights, their_weights, strict=True):
        np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=1e-5, atol=1e-6)
    assert [v.name for v in ours.variables] == [v.name for v in theirs.variables]
    for a, b in zip(ours.variables, theirs.variables, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_configs_travel_both_ways(keras, name, settings):
    ours = getattr(optimizers, name)(name="mine", **settings)
    theirs = getattr(keras.optimizers, name)(name="mine", **settings)
    assert ours.get_config() == theirs.get_config()
    assert type(keras.optimizers.deserialize(optimizers.serialize(ours))).__name__ == name
    assert type(optimizers.deserialize(keras.optimizers.serialize(theirs))).__name__ == name


def test_a_schedule(keras):
    class Ours(optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1 / (1.0 + ops.cast(step, "float32"))

    class Theirs(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1 / (1.0 + keras.ops.cast(step, "float32"))

    ours, theirs = optimizers.Adam(Ours()), keras.optimizers.Adam(Theirs())
    a, b = pynn.Variable([1.0, 2.0]), keras.Variable([1.0, 2.0])
    for step in range(20):
        gradient = np.array([np.sin(step), np.cos(step)], np.float32)
        ours.apply([ops.array(gradient)], [a])
        theirs.apply([keras.ops.array(gradient)], [b])
    np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=1e-6)
