"""Losses of regions, batches and sequences: definitions, hard cases, weights, bad shapes."""

import itertools

import numpy as np
import pytest

import pynn
from pynn import layers, losses, ops

RNG = np.random.default_rng(5)


def spoken(path, blank):
    """The labels that a path spells: repetitions once, then without blanks."""
    return tuple(label for label, _ in itertools.groupby(path) if label != blank)


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("steps", [1, 3, 5])
def test_ctc_is_the_sum_over_all_paths(blank, steps):
    logits = RNG.normal(size=(steps, 3))
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    others = [label for label in range(3) if label != blank]
    for labels in [(), (others[0],), (others[1], others[0]), (others[0], others[0])]:
        total = sum(
            np.exp(sum(logs[t, label] for t, label in enumerate(path)))
            for path in itertools.product(range(3), repeat=steps)
            if spoken(path, blank) == labels
        )
        if not total:
            continue
        target = [list(labels) + [blank] * (2 - len(labels))]
        value = ops.ctc_loss(target, logits[None], [len(labels)], [steps], mask_index=blank)
        assert float(value[0]) == pytest.approx(-np.log(total), rel=1e-6)


def test_ctc_of_too_few_steps_is_large_and_finite():
    logits = pynn.Variable(RNG.normal(size=(1, 2, 3)).astype(np.float32))
    with pynn.GradientTape() as tape:
        value = losses.ctc([[1, 1]], logits)
    assert float(value[0]) > 9e4
    assert np.isfinite(tape.gradient(value, logits).numpy()).all()


def test_ctc_of_half_precision_is_summed_in_float32():
    logits = RNG.normal(size=(2, 60, 5)).astype(np.float16)
    labels = RNG.integers(1, 5, (2, 9))
    exact = losses.ctc(labels, logits.astype(np.float32))
    np.testing.assert_allclose(losses.ctc(labels, logits), exact, rtol=1e-5)
    assert losses.CTC(dtype="float16")(labels, logits).dtype == "float16"


def test_ctc_learns_to_spell():
    labels = RNG.integers(1, 4, (24, 2))
    x = np.eye(4, dtype=np.float32)[labels].reshape(24, 8)
    model = pynn.Sequential(
        [pynn.Input((8,)), layers.Dense(32, "relu"), layers.Dense(24), layers.Reshape((6, 4))]
    )
    model.compile(pynn.optimizers.Adam(0.02), losses.CTC())
    history = model.fit(x, labels, epochs=60, batch_size=8, verbose=0).history["loss"]
    assert not model._trainer_state.eager_phases
    assert history[-1] < 0.2 < history[0]
    best = model.predict(x, verbose=0).argmax(-1)
    assert [spoken(path, 0) for path in best] == [tuple(row) for row in labels]


def test_circle_has_a_gradient_where_a_row_has_no_positive_or_no_negative():
    for labels in ([0, 1, 2], [0, 0, 0], [0, 0, 1]):
        embeddings = RNG.normal(size=(3, 4)).astype(np.float32)
        x = pynn.Variable(embeddings / np.linalg.norm(embeddings, axis=-1, keepdims=True))
        with pynn.GradientTape() as tape:
            value = losses.Circle()(labels, x)
        gradient = tape.gradient(value, x).numpy()
        assert np.isfinite(gradient).all()
        has_pairs = len(set(labels)) == 2
        assert (float(value) > 0) == has_pairs
        assert gradient.any() == has_pairs


def test_circle_ignores_rows_without_loss():
    x = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], np.float32)
    per_row = losses.Circle(gamma=4.0, reduction="none")([0, 0, 1], x).numpy()
    loss = losses.Circle(gamma=4.0)
    assert float(loss([0, 0, 1], x)) == pytest.approx(per_row[:2].mean())
    assert per_row[2] == 0
    assert float(loss([[0], [0], [1]], x)) == float(loss([0, 0, 1], x))


@pytest.mark.parametrize("loss", [losses.Dice(), losses.Tversky()])
def test_one_number_for_the_batch_is_weighted_as_that_of_each_row(loss):
    y_true = RNG.integers(0, 2, (4, 3))
    y_pred = RNG.random((4, 3)).astype(np.float32)
    value = float(loss(y_true, y_pred))
    assert float(loss(y_true, y_pred, [1.0, 2.0, 3.0, 0.0])) == pytest.approx(1.5 * value)


def test_regions_are_bounded_and_dice_is_tversky():
    y_true = RNG.integers(0, 2, (4, 3)).astype(np.float32)
    assert float(losses.dice(y_true, y_true)) == pytest.approx(0, abs=1e-6)
    assert float(losses.dice(y_true, 1 - y_true)) == 1.0
    y_pred = RNG.random((4, 3)).astype(np.float32)
    per_row = losses.dice(y_true[:, None], y_pred[:, None], axis=[1, 2]).numpy()
    np.testing.assert_allclose(per_row, losses.tversky(y_true, y_pred, axis=1), rtol=1e-5)


def test_generalized_cross_entropy_lies_between_its_ends():
    y_pred = np.array([[0.2, 0.8], [0.5, 0.5]], np.float32)
    near_log = losses.CategoricalGeneralizedCrossEntropy(q=1e-3, reduction="none")
    np.testing.assert_allclose(near_log([1, 0], y_pred), -np.log([0.8, 0.5]), rtol=5e-3)
    near_one = losses.CategoricalGeneralizedCrossEntropy(q=1 - 1e-6, reduction="none")
    np.testing.assert_allclose(near_one([[1], [0]], y_pred), [0.2, 0.5], rtol=1e-4)
    with pytest.raises(ValueError, match=r"expected q in \(0, 1\); received q=1"):
        losses.CategoricalGeneralizedCrossEntropy(q=1)


@pytest.mark.parametrize(
    ("function", "y_true", "y_pred"),
    [
        (losses.dice, (4, 3), (4, 2)),
        (losses.tversky, (4,), (4, 3)),
        (losses.circle, (3,), (4, 2)),
        (losses.circle, (4,), (4, 2, 2)),
        (losses.ctc, (4,), (4, 5, 3)),
        (losses.ctc, (4, 2), (4, 5)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_shapes_that_do_not_fit_are_named(function, y_true, y_pred):
    name = f"pynn.losses.{function.__name__}"
    with pytest.raises(ValueError, match=rf"{name}: expected .*; received .*shape=\(4"):
        function(np.zeros(y_true), np.zeros(y_pred))
    with pytest.raises(ValueError, match=r"pynn.ctc_loss: expected target .*; received shapes"):
        ops.ctc_loss(np.zeros((2, 3)), np.zeros((2, 4, 5)), [1, 2, 3], [4, 4])
