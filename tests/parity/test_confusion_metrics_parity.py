"""Metrics made of counts (confusion, areas, overlaps, F-scores) and R2 equal those of Keras."""

import numpy as np
import pytest

from pynn import metrics

RNG = np.random.default_rng(4)
ROWS, CLASSES = 24, 5
# Multiples of 1/64, so that some predictions meet a threshold exactly and some are 0 or 1.
SCORES = (RNG.integers(0, 65, (ROWS, CLASSES)) / 64).astype(np.float32)
BITS = RNG.integers(0, 2, (ROWS, CLASSES)).astype(np.float32)
LABELS = RNG.integers(0, CLASSES, ROWS)
ONE_HOT = np.eye(CLASSES, dtype=np.float32)[LABELS]
GUESSES = np.where(RNG.random(ROWS) < 0.5, LABELS, RNG.integers(0, CLASSES, ROWS))
REALS = RNG.normal(size=(ROWS, CLASSES)).astype(np.float32)
NEAR = (REALS + 0.3 * RNG.normal(size=REALS.shape)).astype(np.float32)
WEIGHTS = RNG.integers(0, 5, ROWS)

THRESHOLDS = {
    "default": {},
    "one": {"thresholds": 0.25},
    "uneven": {"thresholds": [0.125, 0.5, 0.75]},
    "even": {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]},
}
COUNTS = ["TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"]
RATIOS = ["Precision", "Recall"]
TRADEOFFS = [
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
    "PrecisionAtRecall",
    "RecallAtPrecision",
]
CURVES = [
    {"curve": curve, "summation_method": method}
    for curve in ("ROC", "PR", "PRGAIN")
    for method in ("interpolation", "minoring", "majoring")
]


def cases():
    for name in COUNTS + RATIOS:
        for settings in THRESHOLDS.values():
            yield name, settings, BITS, SCORES
    for name in RATIOS:
        yield name, {"class_id": 2}, BITS, SCORES
        yield name, {"top_k": 2}, BITS, SCORES
        yield name, {"top_k": 2, "class_id": 1, "thresholds": [0.3, 0.9]}, ONE_HOT, SCORES
        yield name, {"top_k": 3, "thresholds": THRESHOLDS["even"]["thresholds"]}, BITS, SCORES
    for name in TRADEOFFS:
        key = {"PrecisionAtRecall": "recall", "RecallAtPrecision": "precision"}.get(name)
        key = key or name.partition("At")[2].lower()
        for value, count in ((0.5, 200), (0.3, 7), (0.9, 2), (0.4, 1)):
            yield name, {key: value, "num_thresholds": count}, BITS, SCORES
        yield name, {key: 0.5, "class_id": 3}, BITS, SCORES
    for settings in CURVES:
        yield "AUC", settings, BITS, SCORES
        yield "AUC", {**settings, "num_thresholds": 9}, BITS[:, 0], SCORES[:, 0]
        yield "AUC", {**settings, "multi_label": True}, BITS, SCORES
    uneven = {"thresholds": [0.7, 0.1, 0.2]}
    label_weights = {"label_weights": [1.0, 2.0, 0.0, 0.5, 3.0]}
    yield "AUC", uneven, BITS, SCORES
    yield "AUC", {"thresholds": [0.25, 0.5, 0.75]}, BITS, SCORES
    yield "AUC", {**uneven, "multi_label": True, "num_labels": CLASSES}, BITS, SCORES
    yield "AUC", {"multi_label": True, **label_weights}, BITS, SCORES
    yield "AUC", {"multi_label": True, "curve": "PR", **label_weights}, BITS, SCORES
    yield "AUC", label_weights, BITS, SCORES
    yield "AUC", {**uneven, **label_weights}, BITS, SCORES
    yield "AUC", {"from_logits": True, "num_thresholds": 50}, BITS, REALS
    several = {"num_classes": CLASSES, "target_class_ids": [0, 3]}
    yield "IoU", several, LABELS, GUESSES
    yield "IoU", {**several, "ignore_class": 3}, LABELS, GUESSES
    yield "IoU", {"num_classes": 4, "target_class_ids": [3, 1]}, LABELS, GUESSES
    yield "MeanIoU", {"num_classes": CLASSES + 2}, LABELS, GUESSES
    yield "MeanIoU", {"num_classes": CLASSES, "sparse_y_pred": False}, LABELS, SCORES
    yield "MeanIoU", {"num_classes": CLASSES, "dtype": "float32"}, LABELS, GUESSES
    yield "OneHotIoU", several, ONE_HOT, SCORES
    yield "OneHotMeanIoU", {"num_classes": CLASSES}, ONE_HOT, SCORES
    yield "OneHotMeanIoU", {"num_classes": CLASSES, "sparse_y_pred": True}, ONE_HOT, GUESSES
    yield "BinaryIoU", {}, BITS[:, 0], SCORES[:, 0]
    yield "BinaryIoU", {"target_class_ids": [1], "threshold": 0.75}, BITS[:, 0], SCORES[:, 0]
    for average in (None, "micro", "macro", "weighted"):
        yield "F1Score", {"average": average}, ONE_HOT, SCORES
        yield "FBetaScore", {"average": average, "beta": 2.0, "threshold": 0.5}, BITS, SCORES
    for aggregation in (None, "uniform_average", "variance_weighted_average"):
        yield "R2Score", {"class_aggregation": aggregation}, REALS, NEAR
    yield "R2Score", {"num_regressors": 3}, REALS, NEAR
    yield "R2Score", {}, REALS[:, 0], NEAR[:, :1]
    yield "PearsonCorrelation", {}, REALS, NEAR
    yield "ConcordanceCorrelation", {}, REALS, NEAR


def label(value):
    if isinstance(value, dict):
        return ",".join(f"{k}={v}" for k, v in value.items()) or "default"
    return value if isinstance(value, str) else ""


def weights_for(name, settings, rows):
    weights = WEIGHTS[rows]
    is_whole = name.endswith("IoU") and settings.get("dtype") is None
    return weights.astype(np.int32) if is_whole else weights / np.float32(2)


@pytest.mark.parametrize(("name", "settings", "y_true", "y_pred"), list(cases()), ids=label)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_values_over_two_batches(keras, name, settings, y_true, y_pred, weighted):
    ours, theirs = getattr(metrics, name)(**settings), getattr(keras.metrics, name)(**settings)
    for rows in (slice(0, 9), slice(9, ROWS)):
        extra = {"sample_weight": weights_for(name, settings, rows)} if weighted else {}
        ours.update_state(y_true[rows], y_pred[rows], **extra)
        theirs.update_state(y_true[rows], y_pred[rows], **extra)
    expected = np.asarray(theirs.result())
    assert ours.result().shape == expected.shape
    np.testing.assert_allclose(ours.result(), expected, rtol=3e-5, atol=2e-6)
    assert [v.name for v in ours.variables] == [v.name for v in theirs.variables]
    for own, other in zip(ours.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(own, np.asarray(other), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "settings", "y_true", "y_pred"), list(cases()), ids=label)
def test_configs_travel_both_ways(keras, name, settings, y_true, y_pred):
    settings = {"name": "mine", **settings}
    ours = metrics.serialize(getattr(metrics, name)(**settings))
    theirs = getattr(keras.metrics, name)(**settings)
    expected = {
        key: np.asarray(value).tolist() if key == "label_weights" else value
        for key, value in theirs.get_config().items()
    }
    assert ours["config"] == expected
    again = keras.metrics.deserialize(ours)
    assert type(again).__name__ == name
    back = metrics.deserialize(keras.metrics.serialize(theirs) | {"config": expected})
    assert back.get_config() == ours["config"]


BAD = {
    "threshold": ("Precision", {"thresholds": 1.5}),
    "thresholds": ("TruePositives", {"thresholds": [0.5, -0.1]}),
    "curve": ("AUC", {"curve": "ROK"}),
    "summation": ("AUC", {"summation_method": "middle"}),
    "count": ("AUC", {"num_thresholds": 1}),
    "labels": ("AUC", {"num_labels": 3}),
    "specificity": ("SensitivityAtSpecificity", {"specificity": 1.5}),
    "tries": ("RecallAtPrecision", {"precision": 0.5, "num_thresholds": 0}),
    "beta": ("FBetaScore", {"beta": 1}),
    "negative beta": ("FBetaScore", {"beta": -1.0}),
    "average": ("F1Score", {"average": "mean"}),
    "f threshold": ("F1Score", {"threshold": 0.0}),
    "classes": ("IoU", {"num_classes": 2, "target_class_ids": [2]}),
    "aggregation": ("R2Score", {"class_aggregation": "sum"}),
    "regressors": ("R2Score", {"num_regressors": -1}),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_raise_what_keras_raises(keras, case):
    name, settings = BAD[case]
    with pytest.raises(ValueError, match=r"(?i)expected|argument|must|range|only when"):
        getattr(keras.metrics, name)(**settings)
    with pytest.raises(ValueError, match=f"pynn.metrics.{name}: expected .*; received"):
        getattr(metrics, name)(**settings)


def test_ranks_of_weights(keras):
    y_true, y_pred = BITS.reshape(4, 6, CLASSES), SCORES.reshape(4, 6, CLASSES)
    for shape in ((4, 6), (4, 6, 1), (4, 6, CLASSES)):
        weights = RNG.random(shape).astype(np.float32)
        for name in ("Precision", "AUC", "TrueNegatives"):
            ours, theirs = getattr(metrics, name)(), getattr(keras.metrics, name)()
            for metric in (ours, theirs):
                metric.update_state(y_true, y_pred, sample_weight=weights)
            np.testing.assert_allclose(ours.result(), np.asarray(theirs.result()), rtol=1e-5)


def test_function_forms(keras):
    for name in ("pearson_correlation", "concordance_correlation"):
        for axis in (0, 1):
            ours = getattr(metrics, name)(REALS, NEAR, axis=axis)
            theirs = np.asarray(getattr(keras.metrics, name)(REALS, NEAR, axis=axis))
            np.testing.assert_allclose(ours, theirs, rtol=2e-5)
