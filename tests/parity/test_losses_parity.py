"""Losses equal those of Keras: values, weights, reductions, configs."""

import numpy as np
import pytest

from pynn import losses

RNG = np.random.default_rng(0)
Y_TRUE = (RNG.random((6, 4)) > 0.5).astype(np.float32)
ONE_HOT = np.eye(4, dtype=np.float32)[RNG.integers(0, 4, 6)]
SCORES = RNG.uniform(0.05, 0.95, (6, 4)).astype(np.float32)
PROBABILITIES = SCORES / SCORES.sum(-1, keepdims=True)
LABELS = ONE_HOT.argmax(-1)
WEIGHTS = RNG.random(6).astype(np.float32)

CASES = {
    "MeanSquaredError": ({}, Y_TRUE, SCORES),
    "MeanAbsoluteError": ({}, Y_TRUE, SCORES),
    "MeanAbsolutePercentageError": ({}, Y_TRUE + 1, SCORES),
    "MeanSquaredLogarithmicError": ({}, Y_TRUE, SCORES),
    "CosineSimilarity": ({}, Y_TRUE, SCORES),
    "Huber": ({"delta": 0.3}, Y_TRUE, SCORES),
    "LogCosh": ({}, Y_TRUE, SCORES),
    "Poisson": ({}, Y_TRUE, SCORES),
    "Hinge": ({}, Y_TRUE, SCORES),
    "SquaredHinge": ({}, 2 * Y_TRUE - 1, SCORES),
    "CategoricalHinge": ({}, ONE_HOT, SCORES),
    "KLDivergence": ({}, ONE_HOT, PROBABILITIES),
    "BinaryCrossentropy": ({"label_smoothing": 0.1}, Y_TRUE, SCORES),
    "BinaryFocalCrossentropy": ({"apply_class_balancing": True}, Y_TRUE, SCORES),
    "CategoricalCrossentropy": ({"label_smoothing": 0.1}, ONE_HOT, PROBABILITIES),
    "CategoricalFocalCrossentropy": ({}, ONE_HOT, PROBABILITIES),
    "SparseCategoricalCrossentropy": ({}, LABELS, PROBABILITIES),
}
FROM_LOGITS = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "SparseCategoricalCrossentropy",
]


def compare(keras, name, settings, y_true, y_pred, sample_weight=None):
    ours = getattr(losses, name)(**settings)(y_true, y_pred, sample_weight)
    theirs = getattr(keras.losses, name)(**settings)(y_true, y_pred, sample_weight)
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"]
)
def test_values(keras, name, weighted, reduction):
    settings, y_true, y_pred = CASES[name]
    weights = WEIGHTS if weighted else None
    compare(keras, name, {**settings, "reduction": reduction}, y_true, y_pred, weights)


@pytest.mark.parametrize("name", FROM_LOGITS)
def test_from_logits(keras, name):
    settings, y_true, _ = CASES[name]
    logits = RNG.normal(size=(6, 4)).astype(np.float32) * 3
    compare(keras, name, {**settings, "from_logits": True}, y_true, logits)


def test_ignore_class(keras):
    labels = np.array([0, 1, -1, 3, -1, 2])
    settings = {"ignore_class": -1, "from_logits": True}
    compare(keras, "SparseCategoricalCrossentropy", settings, labels, SCORES)


def test_sequences(keras):
    y_true, y_pred = RNG.random((3, 5, 2)), RNG.random((3, 5, 2))
    weights = RNG.random((3, 5))
    compare(keras, "MeanSquaredError", {}, y_true, y_pred, weights)
    labels = RNG.integers(0, 2, (3, 5))
    compare(keras, "SparseCategoricalCrossentropy", {}, labels, y_pred, weights)


@pytest.mark.parametrize("name", CASES)
def test_our_config_makes_the_same_loss_in_keras(keras, name):
    config = losses.serialize(getattr(losses, name)(**CASES[name][0]))
    theirs = keras.losses.deserialize(config)
    assert type(theirs).__name__ == name
    own = getattr(keras.losses, name)(**CASES[name][0]).get_config()
    assert own.items() <= config["config"].items()
    again = losses.deserialize(keras.losses.serialize(theirs))
    assert type(again).__name__ == name


def test_every_name_of_ours_is_one_of_keras(keras):
    for name, obj in losses.ALL_OBJECTS.items():
        if obj is not losses.LossFunctionWrapper:
            assert keras.losses.get(name) is not None
