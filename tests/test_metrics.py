"""Metrics: values over several batches, weights, state, names."""

import numpy as np
import pytest

import pynn
from pynn import metrics, ops

RNG = np.random.default_rng(1)
SCORES = RNG.random((8, 5)).astype(np.float32)
CLASSES = [obj for obj in map(vars(metrics).get, metrics.__all__) if isinstance(obj, type)]
LABELS = RNG.integers(0, 5, 8)
ONE_HOT = np.eye(5, dtype=np.float32)[LABELS]
HITS = SCORES.argmax(-1) == LABELS


def test_mean_over_batches():
    metric = metrics.Mean()
    metric.update_state([1.0, 2.0, 3.0])
    metric.update_state(6.0)
    metric.update_state([[2.0, 4.0]])
    assert float(metric.result()) == pytest.approx((1 + 2 + 3 + 6 + 3) / 5)
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_mean_of_a_loss_is_weighted_by_the_size_of_the_batch():
    metric = metrics.Mean(name="loss")
    metric.update_state(ops.array(1.0), sample_weight=30)
    metric.update_state(ops.array(4.0), sample_weight=10)
    assert float(metric.result()) == pytest.approx(1.75)


def test_sum():
    metric = metrics.Sum()
    assert float(metric([1.0, 2.0], sample_weight=[1.0, 10.0])) == 21.0


@pytest.mark.parametrize(
    ("metric", "y_true"),
    [
        (metrics.SparseCategoricalAccuracy(), LABELS),
        (metrics.SparseCategoricalAccuracy(), LABELS[:, None]),
        (metrics.SparseCategoricalAccuracy(), LABELS.astype(np.float32)),
        (metrics.SparseCategoricalAccuracy(), LABELS.astype(np.uint8)),
        (metrics.CategoricalAccuracy(), ONE_HOT),
    ],
)
def test_class_accuracies(metric, y_true):
    metric.update_state(y_true[:3], SCORES[:3])
    metric.update_state(y_true[3:], SCORES[3:])
    assert float(metric.result()) == pytest.approx(HITS.mean())


def test_weighted_accuracy():
    weights = np.arange(8.0)
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state(LABELS, SCORES, sample_weight=weights)
    assert float(metric.result()) == pytest.approx((HITS * weights).sum() / weights.sum())


@pytest.mark.parametrize("shape", [(8,), (8, 1)])
def test_binary_accuracy_aligns(shape):
    truth = (SCORES[:, 0] > 0.3).astype(int).reshape(shape)
    result = metrics.BinaryAccuracy()(truth, SCORES[:, :1])
    assert float(result) == pytest.approx(((SCORES[:, 0] > 0.5) == truth.ravel()).mean())


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k(k):
    best = np.argsort(-SCORES, axis=-1)[:, :k]
    expected = (best == LABELS[:, None]).any(-1).mean()
    assert float(metrics.TopKCategoricalAccuracy(k)(ONE_HOT, SCORES)) == pytest.approx(expected)
    sparse = metrics.SparseTopKCategoricalAccuracy(k)
    assert float(sparse(LABELS, SCORES)) == pytest.approx(expected)
    ranked = metrics.SparseTopKCategoricalAccuracy(k, from_sorted_ids=True)
    order = np.argsort(-SCORES, axis=-1)
    assert float(ranked(LABELS, order)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metric", "y_true", "y_pred"),
    [
        (metrics.SparseCategoricalAccuracy(), LABELS[:7], SCORES),
        (metrics.CategoricalAccuracy(), LABELS, SCORES),
        (metrics.BinaryAccuracy(), LABELS, SCORES),
        (metrics.MeanSquaredError(), LABELS, SCORES),
        (metrics.RootMeanSquaredError(), LABELS, SCORES),
        (metrics.TopKCategoricalAccuracy(), LABELS, SCORES),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_shapes_that_do_not_fit_raise_with_both(metric, y_true, y_pred):
    with pytest.raises(ValueError, match=r"y_true.shape=\(\d.*y_pred.shape=\(8, 5\)"):
        metric.update_state(y_true, y_pred)


def test_root_mean_squared_error():
    metric = metrics.RootMeanSquaredError()
    metric.update_state(ONE_HOT[:4], SCORES[:4])
    metric.update_state(ONE_HOT[4:], SCORES[4:])
    assert float(metric.result()) == pytest.approx(np.sqrt(((ONE_HOT - SCORES) ** 2).mean()))


def test_mask():
    y_pred = ops.array(SCORES[:, None, :])
    mask = np.arange(8)[:, None] % 2 == 0
    y_pred._keras_mask = ops.array(mask)
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state(LABELS[:, None], y_pred)
    assert float(metric.result()) == pytest.approx(HITS[::2].mean())


def test_custom_metric_with_weights_and_nested_metrics():
    class Range(metrics.Metric):
        def __init__(self):
            super().__init__(name="range")
            self.high = self.add_weight(name="high")
            self.mean = metrics.Mean()

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.high.assign(ops.maximum(self.high, ops.max(y_pred)))
            self.mean.update_state(y_pred)

        def result(self):
            return self.high - self.mean.result()

    metric = Range()
    assert len(metric.variables) == 3
    value = float(metric(LABELS, SCORES[:, 0]))
    assert value == pytest.approx(SCORES[:, 0].max() - SCORES[:, 0].mean(), rel=1e-5)
    metric.reset_state()
    assert all(float(variable) == 0 for variable in metric.variables)


def test_forgotten_super_is_named():
    class Bad(metrics.Metric):
        def __init__(self):
            self.total = self.add_weight(name="total")

    with pytest.raises(RuntimeError, match="super"):
        Bad()


def test_variable_names():
    metric = metrics.Mean(name="a/b")
    assert [v.name for v in metric.variables] == ["total", "count"]
    assert metric.total.path == "a>b/total"


NEEDED = {
    "IoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "MeanIoU": {"num_classes": 3},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [0, 2]},
    "OneHotMeanIoU": {"num_classes": 3},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}


@pytest.mark.parametrize("cls", CLASSES)
def test_config_round_trip(cls):
    if cls in (metrics.Metric, metrics.MeanMetricWrapper):
        return
    metric = cls(**NEEDED.get(cls.__name__, {}), name="mine")
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is cls
    assert again.get_config() == metric.get_config()
    assert again.name == "mine"


def test_get():
    assert isinstance(metrics.get("mse"), metrics.MeanSquaredError)
    assert isinstance(metrics.get("top_k_categorical_accuracy"), metrics.TopKCategoricalAccuracy)
    with pytest.raises(ValueError, match="binary_accuracy"):
        metrics.get("binary_acuracy")


def test_threshold_out_of_range_raises():
    with pytest.raises(ValueError, match="threshold"):
        metrics.BinaryAccuracy(threshold=2.0)


def test_wrapper_around_a_function():
    metric = metrics.MeanMetricWrapper(pynn.losses.mean_absolute_error, name="mae")
    result = float(metric(ONE_HOT, SCORES))
    assert result == pytest.approx(np.abs(ONE_HOT - SCORES).mean(), rel=1e-5)


def test_stateless_forms_change_no_variable():
    metric = metrics.Mean()
    metric.update_state([1.0, 2.0])
    state = metric.stateless_update_state(metric.stateless_reset_state(), [5.0])
    assert float(metric.stateless_result(state)) == 5.0
    assert float(metric.result()) == 1.5
