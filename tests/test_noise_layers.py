"""Layers that are random in training: distributions, structure and bad input; slopes and masks."""

import numpy as np
import pytest

import pynn
from pynn import layers, ops

LARGE = np.full((400, 300), 2.0, "float32")
SPATIAL = [
    ("SpatialDropout1D", {}, (40, 5, 60), (0, 2)),
    ("SpatialDropout2D", {}, (40, 3, 4, 60), (0, 3)),
    ("SpatialDropout2D", {"data_format": "channels_first"}, (40, 60, 3, 4), (0, 1)),
    ("SpatialDropout3D", {}, (40, 2, 3, 4, 60), (0, 4)),
    ("SpatialDropout3D", {"data_format": "channels_first"}, (40, 60, 2, 3, 4), (0, 1)),
]
RANDOM = [
    ("GaussianNoise", (0.5,)),
    ("GaussianDropout", (0.5,)),
    ("AlphaDropout", (0.5,)),
    ("Dropout", (0.5,)),
]


@pytest.mark.parametrize(("name", "arguments", "shape", "kept_axes"), SPATIAL)
def test_whole_channels_are_dropped(name, arguments, shape, kept_axes):
    layer = getattr(layers, name)(0.25, seed=1, **arguments)
    x = np.ones(shape, "float32")
    np.testing.assert_array_equal(layer(x).numpy(), x)
    y = layer(x, training=True).numpy()
    spatial = tuple(a for a in range(len(shape)) if a not in kept_axes)
    np.testing.assert_array_equal(y.min(spatial), y.max(spatial))
    assert set(np.unique(y)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((y == 0).mean() - 0.25) < 0.03


@pytest.mark.parametrize(("name", "arguments", "shape", "kept_axes"), SPATIAL)
def test_spatial_dropout_wants_its_rank(name, arguments, shape, kept_axes):
    layer = getattr(layers, name)(0.25, **arguments)
    with pytest.raises(ValueError, match=f"expected .*{len(shape)}"):
        layer(np.ones((*shape, 2), "float32"))


@pytest.mark.parametrize(("name", "arguments"), RANDOM)
def test_seeds_and_modes(name, arguments):
    layer, again = (getattr(layers, name)(*arguments, seed=5) for _ in range(2))
    first, second = (layer(LARGE, training=True).numpy() for _ in range(2))
    assert (first != second).any()
    np.testing.assert_array_equal(again(LARGE, training=True).numpy(), first)
    for output in (layer(LARGE), layer(LARGE, training=False)):
        np.testing.assert_array_equal(output.numpy(), LARGE)
    none = getattr(layers, name)(0.0)
    np.testing.assert_array_equal(none(LARGE, training=True).numpy(), LARGE)
    assert none.variables == []


def assert_normal(values, mean, stddev):
    """Moments and quantiles of a large sample."""
    values = (values.astype("float64").ravel() - mean) / stddev
    assert abs(values.mean()) < 0.02
    assert abs(values.std() - 1) < 0.02
    for bound, share in ((-1.0, 0.1587), (0.0, 0.5), (2.0, 0.9772)):
        assert abs((values < bound).mean() - share) < 0.01


def test_gaussian_noise_is_added():
    y = layers.GaussianNoise(0.5, seed=1)(LARGE, training=True).numpy()
    assert_normal(y, 2.0, 0.5)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_gaussian_dropout_has_the_moments_of_dropout(rate):
    y = layers.GaussianDropout(rate, seed=1)(LARGE, training=True).numpy()
    assert_normal(y, 2.0, 2.0 * np.sqrt(rate / (1 - rate)))
    dropped = layers.Dropout(rate, seed=1)(LARGE, training=True).numpy()
    assert abs(y.std() - dropped.std()) < 0.02


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(rate):
    x = np.random.default_rng(0).standard_normal((400, 300)).astype("float32")
    y = layers.AlphaDropout(rate, seed=1)(x, training=True).numpy()
    assert abs(y.mean()) < 0.02
    assert abs(y.std() - 1) < 0.02
    values, counts = np.unique(y, return_counts=True)
    assert abs(counts.max() / y.size - rate) < 0.01  # what is dropped has one value
    limit = -1.7580993408473766
    scale = ((1 - rate) * (1 + rate * limit**2)) ** -0.5
    np.testing.assert_allclose(values[counts.argmax()], scale * limit * (1 - rate), rtol=1e-5)


def test_alpha_dropout_noise_shape():
    layer = layers.AlphaDropout(0.5, noise_shape=(None, 1, 8), seed=0)
    y = layer(np.ones((4, 6, 8), "float32"), training=True).numpy()
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    assert len(np.unique(y)) == 2
    with pytest.raises(ValueError, match=r"pynn.AlphaDropout: expected noise_shape with 2 entries"):
        layer(np.ones((4, 8), "float32"), training=True)


@pytest.mark.parametrize("name", ["GaussianDropout", "AlphaDropout"])
def test_rate_one_cannot_train(name):
    layer = getattr(layers, name)(1.0)
    np.testing.assert_array_equal(layer(LARGE).numpy(), LARGE)
    with pytest.raises(ValueError, match=f"pynn.{name}: expected rate < 1 in training"):
        layer(LARGE, training=True)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16", "float64"])
@pytest.mark.parametrize(("name", "arguments"), RANDOM)
def test_dtypes_in_training(name, arguments, dtype):
    layer = getattr(layers, name)(*arguments, seed=1, dtype=dtype)
    y = layer(LARGE, training=True)
    assert y.dtype == layer.compute_dtype
    assert np.isfinite(y.numpy().astype("float32")).all()


def test_masks_pass():
    x = layers.Identity()(ops.ones((2, 3, 4)))
    x._keras_mask = ops.ones((2, 3), "bool")
    for layer in (
        layers.SpatialDropout1D(0.5),
        layers.GaussianNoise(0.5),
        layers.ActivityRegularization(l2=0.1),
        layers.PReLU(),
        layers.ELU(),
    ):
        assert layer(x)._keras_mask is x._keras_mask


def test_policy_of_spatial_dropout_is_kept():
    layer = layers.SpatialDropout1D(0.5, dtype="mixed_bfloat16")
    config = layer.get_config()
    assert sorted(config) == ["dtype", "name", "rate", "seed"]
    assert layers.SpatialDropout1D.from_config(config).dtype_policy.name == "mixed_bfloat16"


def test_activity_regularization_penalizes_in_training():
    inputs = pynn.Input((3,))
    model = pynn.Model(inputs, layers.ActivityRegularization(l1=0.5, l2=0.25)(inputs))
    model.compile("sgd", "mse")
    x = np.array([[1.0, -2.0, 0.0], [0.0, 0.0, 3.0]], "float32")
    penalty = (0.5 * 6.0 + 0.25 * 14.0) / 2
    np.testing.assert_allclose(model.evaluate(x, x, verbose=0), penalty, rtol=1e-6)


# ---- slopes and masks of activation layers --------------------------------------------------


def test_prelu_slopes():
    layer = layers.PReLU(shared_axes=[1])
    x = np.random.default_rng(0).standard_normal((4, 5, 3)).astype("float32")
    layer(x)
    assert layer.alpha.shape == (1, 3)
    layer.set_weights([[[0.1, 0.2, 0.3]]])
    expected = np.where(x > 0, x, x * np.array([0.1, 0.2, 0.3], "float32"))
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-6)
    assert layers.PReLU(shared_axes=1).get_config()["shared_axes"] == [1]
    assert layers.PReLU(shared_axes=[1])(pynn.Input((None, 3))).shape == (None, None, 3)


@pytest.mark.parametrize("axes", [[0], [3], [-1], [1, 5]])
def test_prelu_shares_axes_of_a_sample(axes):
    with pytest.raises(ValueError, match=r"pynn.PReLU: expected shared_axes in \[1, 3\)"):
        layers.PReLU(shared_axes=axes)(np.ones((2, 3, 4), "float32"))


def test_bad_arguments_of_activations():
    with pytest.raises(ValueError, match=r"pynn.PReLU: expected shared_axes, ints"):
        layers.PReLU(shared_axes="all")
    with pytest.raises(ValueError, match=r"pynn.PReLU: expected input of known size"):
        layers.PReLU()(pynn.Input((None, 3)))
    with pytest.raises(ValueError, match=r"pynn.ELU: expected alpha, a number"):
        layers.ELU("steep")


def test_softmax_without_any_valid_entry():
    x = ops.array([[1.0, 2.0], [3.0, 4.0]])
    y = layers.Softmax()(x, mask=ops.array([[False, False], [True, True]]))
    np.testing.assert_allclose(y.numpy()[0], [0.0, 0.0])
    np.testing.assert_allclose(y.numpy()[1].sum(), 1.0, rtol=1e-6)
