"""Losses: values, shapes, weights, masks, names."""

import numpy as np
import pytest

import pynn
from pynn import losses, ops
from pynn.losses.loss import REDUCTIONS

RNG = np.random.default_rng(0)
Y_TRUE = RNG.random((6, 4)).astype(np.float32)
Y_PRED = RNG.uniform(0.05, 0.95, (6, 4)).astype(np.float32)
LABELS = np.array([0, 3, 1, 2, 2, 0])
CLASSES = [obj for obj in map(vars(losses).get, losses.__all__) if isinstance(obj, type)]
ELEMENTWISE = [
    losses.mean_squared_error,
    losses.mean_absolute_error,
    losses.mean_absolute_percentage_error,
    losses.mean_squared_logarithmic_error,
    losses.cosine_similarity,
    losses.huber,
    losses.log_cosh,
    losses.poisson,
    losses.hinge,
    losses.squared_hinge,
    losses.categorical_hinge,
    losses.kl_divergence,
    losses.binary_crossentropy,
    losses.binary_focal_crossentropy,
]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_reductions(reduction):
    loss = losses.MeanSquaredError(reduction=reduction)
    rows = np.mean((Y_TRUE - Y_PRED) ** 2, axis=-1)
    weights = np.arange(6.0)
    weighted = rows * weights
    expected = {
        "sum_over_batch_size": weighted.mean(),
        "mean": weighted.mean(),
        "sum": weighted.sum(),
        "mean_with_sample_weight": weighted.sum() / weights.sum(),
        "none": weighted,
        None: weighted,
    }[reduction]
    result = loss(Y_TRUE, Y_PRED, sample_weight=weights).numpy()
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_unknown_reduction_names_the_known_ones():
    with pytest.raises(ValueError, match=r"sum_over_batch_size.*received reduction='avg'"):
        losses.MeanSquaredError(reduction="avg")


@pytest.mark.parametrize("function", ELEMENTWISE, ids=lambda f: f.__name__)
def test_one_column_and_no_column_are_aligned(function):
    column = Y_PRED[:, :1]
    both = function(Y_TRUE[:, :1], column).numpy()
    np.testing.assert_array_equal(function(Y_TRUE[:, 0], column).numpy(), both)
    np.testing.assert_array_equal(function(Y_TRUE[:, :1], column[:, 0]).numpy(), both)


@pytest.mark.parametrize("function", ELEMENTWISE, ids=lambda f: f.__name__)
def test_other_shapes_raise_with_both_shapes(function):
    with pytest.raises(ValueError, match=r"received y_true.shape=\(6,\) and y_pred.shape=\(6, 4\)"):
        function(Y_TRUE[:, 0], Y_PRED)
    with pytest.raises(ValueError, match=r"\(6, 1\).*\(6, 4\)"):
        function(Y_TRUE[:, :1], Y_PRED)


def test_sparse_shapes():
    expected = losses.sparse_categorical_crossentropy(LABELS, Y_PRED).numpy()
    column = losses.sparse_categorical_crossentropy(LABELS[:, None], Y_PRED).numpy()
    np.testing.assert_array_equal(column, expected)
    with pytest.raises(ValueError, match=r"\(5,\).*\(6, 4\)"):
        losses.sparse_categorical_crossentropy(LABELS[:5], Y_PRED)


@pytest.mark.parametrize("labels_dtype", ["uint8", "int32", "int64", "float32"])
def test_sparse_takes_any_label_dtype(labels_dtype):
    expected = -np.log(softmax(Y_PRED)[np.arange(6), LABELS])
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    np.testing.assert_allclose(loss(LABELS.astype(labels_dtype), Y_PRED), expected, rtol=1e-5)


def test_one_class_raises():
    ones = np.ones((6, 1), np.float32)
    with pytest.raises(ValueError, match="more than one class"):
        losses.categorical_crossentropy(ones, ones)
    with pytest.raises(ValueError, match="more than one class"):
        losses.sparse_categorical_crossentropy(np.zeros(6), ones)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("label", [7, 2, -1])
def test_label_out_of_range_raises(label, from_logits):
    with pytest.raises(
        ValueError, match=rf"labels in \[0, 2\); received label {label} at position 1"
    ):
        losses.sparse_categorical_crossentropy([0, label], [[0.5, 0.5]] * 2, from_logits)


def test_softmax_outputs_use_their_logits():
    logits = np.array([[8.0, 0.0, -8.0]], np.float32)
    probabilities = pynn.activations.softmax(ops.array(logits))
    exact = np.log(np.exp(logits.astype("float64")).sum()) + 8.0
    one_hot = np.array([[0.0, 0.0, 1.0]], np.float32)
    for loss in (
        losses.sparse_categorical_crossentropy([2], probabilities),
        losses.categorical_crossentropy(one_hot, probabilities),
    ):
        np.testing.assert_allclose(loss, [exact], rtol=2e-7)


def test_probabilities_are_limited_and_have_no_gradient_there():
    # As in Keras: outside of [epsilon, 1 - epsilon] the loss is constant.
    limit = -np.log(pynn.config.epsilon())
    logits = ops.array([[200.0, 0.0, -200.0]])
    cases = [
        (losses.sparse_categorical_crossentropy, pynn.activations.softmax, [2], [limit]),
        (losses.categorical_crossentropy, pynn.activations.softmax, [[0.0, 0, 1]], [limit]),
        (losses.binary_crossentropy, pynn.activations.sigmoid, [[0.0, 1, 1]], None),
    ]
    for loss, activation, target, expected in cases:
        with pynn.GradientTape() as tape:
            tape.watch(logits)
            value = loss(target, activation(logits))
        if expected is not None:
            np.testing.assert_allclose(value, expected, rtol=1e-6)
        gradient = tape.gradient(value, logits).numpy()
        np.testing.assert_array_equal(gradient[:, [0, 2]], 0.0)


def test_logits_of_another_activation_or_axis_are_not_used():
    x = RNG.normal(size=(2, 3, 3)).astype(np.float32)
    target = np.eye(3, dtype=np.float32)[[[0, 1, 2], [2, 1, 0]]]
    for activation, axis in ((pynn.activations.softmax, 1), (pynn.activations.sigmoid, -1)):
        remembered = activation(ops.array(x))
        plain = ops.array(remembered.numpy())
        np.testing.assert_array_equal(
            losses.categorical_crossentropy(target, remembered, axis=axis).numpy(),
            losses.categorical_crossentropy(target, plain, axis=axis).numpy(),
        )
    remembered = pynn.activations.softmax(ops.array(x))
    np.testing.assert_array_equal(
        losses.binary_crossentropy(target, remembered).numpy(),
        losses.binary_crossentropy(target, ops.array(remembered.numpy())).numpy(),
    )


def test_ignored_class_costs_nothing_and_does_not_count():
    logits = RNG.normal(size=(6, 4)).astype(np.float32)
    labels = np.array([0, -1, 1, -1, 2, 3])
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-1)
    kept = labels >= 0
    expected = -np.log(softmax(logits[kept])[np.arange(4), labels[kept]]).mean()
    np.testing.assert_allclose(float(loss(labels, logits)), expected, rtol=1e-5)


@pytest.mark.parametrize("axis", [1, -2])
def test_classes_on_another_axis(axis):
    logits = RNG.normal(size=(2, 4, 3)).astype(np.float32)
    labels = RNG.integers(0, 4, (2, 3))
    moved = losses.sparse_categorical_crossentropy(labels, logits.swapaxes(1, 2), from_logits=True)
    result = losses.sparse_categorical_crossentropy(labels, logits, from_logits=True, axis=axis)
    np.testing.assert_allclose(result, moved, rtol=1e-6)


def test_mask_leaves_the_mean_over_valid_steps():
    y_pred = ops.array(Y_PRED[:, :, None])
    mask = RNG.random((6, 4)) > 0.4
    y_pred._keras_mask = ops.array(mask)
    result = losses.MeanSquaredError()(Y_TRUE[:, :, None], y_pred)
    np.testing.assert_allclose(result, ((Y_TRUE - Y_PRED) ** 2)[mask].mean(), rtol=1e-5)


def test_row_weights_apply_to_rows_of_a_sequence():
    # As many steps as rows: plain broadcasting would weigh the steps instead.
    y_true, y_pred = RNG.random((4, 4, 2)), RNG.random((4, 4, 2))
    weights = np.arange(4.0)
    expected = (((y_true - y_pred) ** 2).mean(-1) * weights[:, None]).mean()
    result = losses.MeanSquaredError()(y_true, y_pred, sample_weight=weights)
    np.testing.assert_allclose(result, expected, rtol=1e-5)


def test_weights_that_do_not_fit_raise():
    with pytest.raises(ValueError, match=r"sample_weight.shape=\(5,\) for values of shape=\(6,\)"):
        losses.MeanSquaredError()(Y_TRUE, Y_PRED, sample_weight=np.ones(5))


@pytest.mark.parametrize("weight", [2, 3])
def test_an_integer_weight_is_repetition(weight):
    loss = losses.SparseCategoricalCrossentropy(from_logits=True, reduction="sum")
    weights = np.array([1, weight, 1, 1, 1, 1])
    repeated = np.repeat(np.arange(6), weights)
    np.testing.assert_allclose(
        loss(LABELS, Y_PRED, sample_weight=weights),
        loss(LABELS[repeated], Y_PRED[repeated]),
        rtol=1e-6,
    )


@pytest.mark.parametrize("cls", CLASSES)
def test_config_round_trip(cls):
    if cls in (losses.Loss, losses.LossFunctionWrapper):
        return
    loss = cls(reduction="sum", name="mine")
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is cls
    assert again.get_config() == loss.get_config()
    assert (again.name, again.reduction) == ("mine", "sum")


def test_settings_survive_the_round_trip():
    again = losses.deserialize(losses.serialize(losses.Huber(delta=3.0)))
    assert again.delta == 3.0
    assert losses.BinaryCrossentropy(label_smoothing=0.1).label_smoothing == 0.1


def test_get():
    assert losses.get("mse") is losses.mean_squared_error
    assert losses.get("MSE") is losses.mean_squared_error
    assert isinstance(losses.get("MeanSquaredError"), losses.MeanSquaredError)
    assert losses.get(None) is None
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    with pytest.raises(ValueError, match="did you mean 'mse'"):
        losses.get("mse_")


def test_gradient_of_a_loss_reaches_the_prediction():
    y_pred = pynn.Variable(Y_PRED)
    with pynn.GradientTape() as tape:
        loss = losses.MeanSquaredError()(Y_TRUE, y_pred)
    gradient = tape.gradient(loss, y_pred)
    np.testing.assert_allclose(gradient, 2 * (Y_PRED - Y_TRUE) / Y_TRUE.size, rtol=1e-5)


def test_compute_dtype():
    loss = losses.MeanSquaredError(dtype="float64")
    result = loss(Y_TRUE.astype(np.float64), Y_PRED.astype(np.float64))
    assert result.dtype == "float64"
    np.testing.assert_allclose(
        result, ((Y_TRUE.astype(np.float64) - Y_PRED) ** 2).mean(), rtol=1e-14
    )
