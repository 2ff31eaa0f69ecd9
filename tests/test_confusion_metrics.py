"""Metrics made of counts: definitions, thresholds, bad shapes, traced steps."""

import re
import warnings

import numpy as np
import pytest

import pynn
from pynn import layers, metrics, ops

RNG = np.random.default_rng(2)
ROWS = 400
TRUTH = RNG.integers(0, 2, ROWS)
SCORES = np.clip(0.3 * TRUTH + RNG.random(ROWS) * 0.7, 0, 1).astype(np.float32)
CLASSES = RNG.integers(0, 4, ROWS)
GUESSES = np.where(RNG.random(ROWS) < 0.6, CLASSES, RNG.integers(0, 4, ROWS))
COUNTS = (
    metrics.TruePositives,
    metrics.FalsePositives,
    metrics.TrueNegatives,
    metrics.FalseNegatives,
)


@pytest.fixture(scope="module")
def sk():
    """The metrics of scikit-learn."""
    return pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")


def in_batches(metric, y_true, y_pred, size=64):
    for start in range(0, len(y_true), size):
        metric.update_state(y_true[start : start + size], y_pred[start : start + size])
    return metric.result().numpy()


def test_definitions_against_scikit_learn(sk):
    predicted = SCORES > 0.5
    tn, fp, fn, tp = sk.confusion_matrix(TRUTH, predicted).ravel()
    assert [in_batches(cls(), TRUTH, SCORES) for cls in COUNTS] == [tp, fp, tn, fn]
    pairs = [
        (metrics.Precision(), sk.precision_score(TRUTH, predicted)),
        (metrics.Recall(), sk.recall_score(TRUTH, predicted)),
        (metrics.BinaryIoU(), sk.jaccard_score(TRUTH, predicted, average="macro")),
    ]
    for metric, expected in pairs:
        assert in_batches(metric, TRUTH, SCORES) == pytest.approx(expected, rel=1e-5)


def test_area_nears_the_exact_one(sk):
    fine = {"num_thresholds": 5000}
    area = in_batches(metrics.AUC(**fine), TRUTH, SCORES)
    assert area == pytest.approx(sk.roc_auc_score(TRUTH, SCORES), abs=1e-4)
    area = in_batches(metrics.AUC(curve="PR", **fine), TRUTH, SCORES)
    assert area == pytest.approx(sk.average_precision_score(TRUTH, SCORES), abs=5e-3)


def test_overlaps_and_f_scores_against_scikit_learn(sk):
    one_hot, guessed = np.eye(4)[CLASSES], np.eye(4)[GUESSES]
    overlap = in_batches(metrics.MeanIoU(4), CLASSES, GUESSES)
    expected = sk.jaccard_score(CLASSES, GUESSES, average="macro")
    assert overlap == pytest.approx(expected, rel=1e-5)
    for average in ("micro", "macro", "weighted", None):
        score = in_batches(metrics.F1Score(average=average), one_hot, guessed)
        expected = sk.f1_score(CLASSES, GUESSES, average=average)
        np.testing.assert_allclose(score, expected, rtol=1e-5)
    score = in_batches(metrics.R2Score(), TRUTH[:, None], SCORES[:, None])
    assert score == pytest.approx(sk.r2_score(TRUTH, SCORES), rel=1e-4)


@pytest.mark.parametrize("thresholds", [[0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 0.25, 0.5, 0.75, 0.9]])
def test_a_prediction_equal_to_a_threshold_is_negative(thresholds):
    y_pred = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    counts = metrics.TruePositives(thresholds)(np.ones(5), y_pred).numpy()
    assert counts.tolist() == [(y_pred > t).sum() for t in thresholds]
    missed = metrics.FalseNegatives(thresholds)(np.ones(5), y_pred).numpy()
    assert missed.tolist() == [(y_pred <= t).sum() for t in thresholds]


@pytest.mark.parametrize("thresholds", [0.5, [0.0, 0.5, 1.0]])
def test_nan_is_above_no_threshold_and_breaks_nothing(thresholds):
    y_pred = np.array([np.nan, 0.9], dtype=np.float32)
    counts = metrics.TruePositives(thresholds)([1, 1], y_pred).numpy()
    assert np.max(counts) == 1
    assert np.isfinite(metrics.AUC()([1, 0], y_pred).numpy())


def test_top_k_takes_the_first_of_equal_scores():
    metric = metrics.Precision(top_k=2)
    assert float(metric([[1, 1, 0, 0]], [[0.5, 0.5, 0.5, 0.5]])) == 1.0
    assert float(metrics.Recall(top_k=9)([[1, 0, 1]], [[0.1, 0.2, 0.3]])) == 1.0


def test_counts_stay_whole_over_many_batches():
    metric = metrics.AUC(num_thresholds=7)
    for _ in range(50):
        metric.update_state(TRUTH, SCORES)
    for variable in metric.variables:
        assert np.array_equal(variable.numpy() % 50, np.zeros(7))
    totals = metric.true_positives.numpy() + metric.false_negatives.numpy()
    assert (totals == 50 * TRUTH.sum()).all()


@pytest.mark.parametrize(
    ("metric", "y_true", "y_pred", "words"),
    [
        (metrics.Precision(), (8,), (8, 3), r"y_true.shape=\(8,\) and y_pred.shape=\(8, 3\)"),
        (metrics.Recall(class_id=3), (8, 3), (8, 3), "class_id=3"),
        (metrics.Recall(class_id=0), (8,), (8,), "class_id=0"),
        (metrics.AUC(), (8, 2), (8, 3), "y_pred.shape"),
        (metrics.AUC(multi_label=True), (8,), (8,), "multi_label=True"),
        (metrics.MeanIoU(3), (8,), (7,), r"y_true.shape=\(8,\)"),
        (metrics.F1Score(), (8,), (8,), r"\(batch, classes\)"),
        (metrics.F1Score(), (8, 3), (8, 4), r"\(batch, classes\)"),
        (metrics.R2Score(), (8, 3, 2), (8, 3, 2), r"\(batch, outputs\)"),
        (metrics.PearsonCorrelation(), (8, 3), (8, 4), "pearson_correlation"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_shapes_that_do_not_fit_are_named(metric, y_true, y_pred, words):
    with pytest.raises(ValueError, match=r"pynn.metrics.\w+: expected .*; received") as error:
        metric.update_state(np.zeros(y_true), np.zeros(y_pred))
    assert re.search(words, str(error.value))


def test_unknown_curve_names_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'ROC'"):
        metrics.AUC(curve="RCO")
    assert metrics.AUC(curve="pr", summation_method="Majoring").get_config()["curve"] == "PR"


@pytest.mark.parametrize("metric", [metrics.F1Score(), metrics.R2Score()])
def test_result_before_an_update_that_tells_the_size(metric):
    with pytest.raises(ValueError, match="expected update_state before result"):
        metric.result()


def test_fractions_of_weights_are_kept_by_a_float_dtype_only():
    with pytest.warns(UserWarning, match="fractions are dropped"):
        metrics.MeanIoU(2)([0, 1], [0, 1], sample_weight=np.array([0.5, 1.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric = metrics.MeanIoU(2, dtype="float32")
        metric.update_state([0, 1, 1], [0, 1, 0], sample_weight=np.array([0.5, 1.0, 0.5]))
    assert float(metric.result()) == pytest.approx((0.5 / 1.0 + 1.0 / 1.5) / 2)


def test_adjusted_r2_needs_more_values_than_regressors():
    y_true, y_pred = TRUTH[:5, None], SCORES[:5, None]
    plain = float(metrics.R2Score()(y_true, y_pred))
    adjusted = float(metrics.R2Score(num_regressors=2)(y_true, y_pred))
    assert adjusted == pytest.approx(1 - (1 - plain) * 4 / 2, rel=1e-4)
    for regressors in (4, 5, 50):
        assert float(metrics.R2Score(num_regressors=regressors)(y_true, y_pred)) == plain


def test_compiled_training_counts_what_predict_shows(sk):
    x = RNG.normal(size=(150, 6)).astype(np.float32)
    y = (x[:, :1] + 0.3 * RNG.normal(size=(150, 1)) > 0).astype(np.float32)
    model = pynn.Sequential([pynn.Input((6,)), layers.Dense(1, activation="sigmoid")])
    watched = [metrics.AUC(name="auc"), metrics.Precision(name="p"), metrics.F1Score("micro", 0.5)]
    model.compile("adam", "binary_crossentropy", metrics=watched)
    model.fit(x, y, epochs=2, verbose=0)
    logs = model.evaluate(x, y, batch_size=32, verbose=0, return_dict=True)
    assert not model._trainer_state.eager_phases
    scores = model.predict(x, verbose=0)
    assert logs["auc"] == pytest.approx(float(metrics.AUC()(y, scores)), abs=1e-6)
    assert logs["p"] == pytest.approx(sk.precision_score(y, scores > 0.5), rel=1e-5)
    assert logs["f1_score"] == pytest.approx(sk.f1_score(y, scores > 0.5), rel=1e-5)


def test_reset_and_stateless_forms():
    metric = metrics.AUC()
    metric.update_state(TRUTH, SCORES)
    area = float(metric.result())
    state = metric.stateless_update_state(metric.stateless_reset_state(), TRUTH, SCORES)
    assert float(metric.stateless_result(state)) == area
    metric.reset_state()
    assert not any(ops.any(v.value).numpy() for v in metric.variables)
