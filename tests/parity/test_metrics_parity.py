"""Metrics equal those of Keras over several batches, with and without weights."""

import numpy as np
import pytest

from pynn import metrics

RNG = np.random.default_rng(0)
ONE_HOT = np.eye(7, dtype=np.float32)[RNG.integers(0, 7, 12)]
LABELS = ONE_HOT.argmax(-1)
SCORES = RNG.uniform(0.05, 0.95, (12, 7)).astype(np.float32)
PROBABILITIES = SCORES / SCORES.sum(-1, keepdims=True)
BINARY = (RNG.random((12, 7)) > 0.5).astype(np.float32)

CASES = {
    "Accuracy": ({}, np.round(SCORES * 3), np.round(BINARY * 3)),
    "BinaryAccuracy": ({"threshold": 0.4}, BINARY, SCORES),
    "CategoricalAccuracy": ({}, ONE_HOT, SCORES),
    "SparseCategoricalAccuracy": ({}, LABELS, SCORES),
    "TopKCategoricalAccuracy": ({"k": 3}, ONE_HOT, SCORES),
    "SparseTopKCategoricalAccuracy": ({"k": 3}, LABELS, SCORES),
    "MeanSquaredError": ({}, BINARY, SCORES),
    "RootMeanSquaredError": ({}, BINARY, SCORES),
    "MeanAbsoluteError": ({}, BINARY, SCORES),
    "MeanAbsolutePercentageError": ({}, BINARY + 1, SCORES),
    "MeanSquaredLogarithmicError": ({}, BINARY, SCORES),
    "CosineSimilarity": ({}, BINARY, SCORES),
    "LogCoshError": ({}, BINARY, SCORES),
    "BinaryCrossentropy": ({}, BINARY, SCORES),
    "CategoricalCrossentropy": ({}, ONE_HOT, PROBABILITIES),
    "SparseCategoricalCrossentropy": ({}, LABELS, PROBABILITIES),
    "KLDivergence": ({}, ONE_HOT, PROBABILITIES),
    "Poisson": ({}, BINARY, SCORES),
    "Hinge": ({}, BINARY, SCORES),
    "SquaredHinge": ({}, BINARY, SCORES),
    "CategoricalHinge": ({}, ONE_HOT, SCORES),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("weighted", [False, True])
def test_values(keras, name, weighted):
    settings, y_true, y_pred = CASES[name]
    ours, theirs = getattr(metrics, name)(**settings), getattr(keras.metrics, name)(**settings)
    assert ours.name == theirs.name
    weights = RNG.random(12).astype(np.float32)
    for rows in (slice(0, 5), slice(5, 12)):
        extra = {"sample_weight": weights[rows]} if weighted else {}
        ours.update_state(y_true[rows], y_pred[rows], **extra)
        theirs.update_state(y_true[rows], y_pred[rows], **extra)
    np.testing.assert_allclose(ours.result(), np.asarray(theirs.result()), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["Mean", "Sum"])
def test_reductions(keras, name):
    ours, theirs = getattr(metrics, name)(), getattr(keras.metrics, name)()
    values, weights = RNG.random((4, 3, 2)), RNG.random((4, 3))
    for metric in (ours, theirs):
        metric.update_state(values)
        metric.update_state(values, sample_weight=weights)
        metric.update_state(values[0, 0, 0])
    np.testing.assert_allclose(ours.result(), np.asarray(theirs.result()), rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_configs_travel_both_ways(keras, name):
    ours, theirs = metrics.serialize(getattr(metrics, name)()), getattr(keras.metrics, name)()
    assert type(keras.metrics.deserialize(ours)).__name__ == name
    assert theirs.get_config().items() <= ours["config"].items()
    assert type(metrics.deserialize(keras.metrics.serialize(theirs))).__name__ == name


def test_shapes_of_the_function_forms(keras):
    for name in ("sparse_categorical_accuracy", "sparse_top_k_categorical_accuracy"):
        labels = LABELS.reshape(3, 4)
        scores = SCORES.reshape(3, 4, 7)
        ours = getattr(metrics, name)(labels, scores).numpy()
        theirs = np.asarray(getattr(keras.metrics, name)(labels, scores))
        np.testing.assert_array_equal(ours, theirs)
