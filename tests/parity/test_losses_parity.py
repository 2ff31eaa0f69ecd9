"""Losses equal those of Keras: values, weights, reductions, configs."""

import numpy as np
import pytest

import pynn
from pynn import losses

RNG = np.random.default_rng(0)
Y_TRUE = (RNG.random((6, 4)) > 0.5).astype(np.float32)
ONE_HOT = np.eye(4, dtype=np.float32)[RNG.integers(0, 4, 6)]
SCORES = RNG.uniform(0.05, 0.95, (6, 4)).astype(np.float32)
PROBABILITIES = SCORES / SCORES.sum(-1, keepdims=True)
LABELS = ONE_HOT.argmax(-1)
WEIGHTS = RNG.random(6).astype(np.float32)
UNIT = SCORES / np.linalg.norm(SCORES, axis=-1, keepdims=True)
# Repetitions, one row without labels, one row too long for its 7 time steps.
SPELLED = np.array(
    [[1, 2, 0, 0], [1, 1, 3, 0], [0, 0, 0, 0], [2, 2, 2, 2], [3, 1, 2, 3], [1, 0, 0, 0]]
)
SPOKEN = RNG.normal(size=(6, 7, 4)).astype(np.float32)

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
    "CategoricalGeneralizedCrossEntropy": ({"q": 0.3}, LABELS, PROBABILITIES),
    "Circle": ({"gamma": 8.0}, LABELS, UNIT),
    "Dice": ({"axis": 1}, Y_TRUE, SCORES),
    "Tversky": ({"alpha": 0.3, "beta": 0.6, "axis": 1}, Y_TRUE, SCORES),
    "CTC": ({}, SPELLED, SPOKEN),
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


@pytest.mark.parametrize("name", ["Dice", "Tversky"])
@pytest.mark.parametrize("axis", [None, 0, (0, 1), [1, 2, 3]])
@pytest.mark.parametrize("weighted", [False, True])
def test_regions(keras, name, axis, weighted):
    y_true, y_pred = Y_TRUE, SCORES
    if isinstance(axis, list):
        y_true, y_pred = (np.reshape(x, (6, 2, 2, 1)) for x in (y_true, y_pred))
    weights = WEIGHTS if weighted and axis in (None, [1, 2, 3]) else None
    compare(keras, name, {"axis": axis}, y_true, y_pred, weights)


def test_circle_against_references(keras):
    references = {"ref_labels": np.array([3, 0, 1]), "ref_embeddings": UNIT[::2] * 0.5}
    for remove_diagonal in (False, True):
        settings = {**references, "remove_diagonal": remove_diagonal, "gamma": 3, "margin": 0.2}
        ours = losses.circle(LABELS, UNIT, **settings)
        theirs = keras.losses.circle(LABELS, UNIT, **settings)
        np.testing.assert_allclose(ours, np.asarray(theirs), rtol=2e-5, atol=1e-6)


def test_ctc_with_lengths_and_another_blank(keras):
    arguments = (SPELLED % 3, SPOKEN, [4, 3, 1, 2, 4, 0], [7, 6, 5, 7, 5, 2])
    ours = pynn.ops.ctc_loss(*arguments, mask_index=3)
    theirs = keras.ops.ctc_loss(*(np.array(a) for a in arguments), mask_index=3)
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=2e-5)


@pytest.mark.parametrize(
    "name", ["CategoricalGeneralizedCrossEntropy", "Circle", "Dice", "Tversky", "CTC"]
)
def test_gradients(keras, name):
    jax = pytest.importorskip("jax")
    settings, y_true, y_pred = CASES[name]
    ours, theirs = getattr(losses, name)(**settings), getattr(keras.losses, name)(**settings)
    if name == "CTC":  # the gradient of what is impossible means nothing
        y_true, y_pred = np.delete(y_true, 3, 0), np.delete(y_pred, 3, 0)
    if name == "Circle":  # where a row has no positive, that of Keras is NaN
        y_true = np.array([0, 0, 1, 1, 2, 2])
    x = pynn.Variable(y_pred)
    with pynn.GradientTape() as tape:
        value = ours(y_true, x)
    expected = jax.grad(lambda y_pred: theirs(y_true, y_pred))(y_pred)
    np.testing.assert_allclose(tape.gradient(value, x), np.asarray(expected), rtol=1e-4, atol=1e-6)


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
    theirs = keras.saving.deserialize_keras_object(config)
    assert type(theirs).__name__ == name
    own = getattr(keras.losses, name)(**CASES[name][0]).get_config()
    assert own.items() <= config["config"].items()
    again = losses.deserialize(keras.losses.serialize(theirs))
    assert type(again).__name__ == name


def test_every_name_of_ours_is_one_of_keras(keras):
    others = {
        "LossFunctionWrapper",
        # Keras has these two as attributes, but `get` does not know their names.
        "CategoricalGeneralizedCrossEntropy",
        "categorical_generalized_cross_entropy",
    }
    for name in set(losses.ALL_OBJECTS) - others:
        assert keras.losses.get(name) is not None
