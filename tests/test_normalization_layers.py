"""Normalization layers beyond the contracts of `checks.py`: moving averages, masks, bad input."""

import numpy as np
import pytest

import pynn
from pynn import layers, ops

RNG = np.random.default_rng(0)


def data(*shape):
    return RNG.normal(3.0, 2.0, shape).astype("float32")


# ---- batch ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("axis", "others"), [(-1, (0, 1)), (1, (0, 2))])
def test_moments_of_the_batch_and_their_averages(axis, others):
    x = data(8, 4, 5)
    layer = layers.BatchNormalization(axis=axis, momentum=0.9, epsilon=1e-5)
    y = layer(x, training=True).numpy()
    np.testing.assert_allclose(y.mean(others), 0.0, atol=1e-5)
    np.testing.assert_allclose(y.std(others), 1.0, atol=1e-4)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * x.mean(others), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * x.var(others), rtol=1e-5)


def test_averages_decide_at_inference():
    x = data(8, 4)
    layer = layers.BatchNormalization(epsilon=0.0)
    layer(x)
    layer.set_weights([np.full(4, 2.0), np.full(4, 5.0), np.full(4, 3.0), np.full(4, 4.0)])
    for call in (layer(x), layer(x, training=False)):
        np.testing.assert_allclose(call.numpy(), (x - 3.0) / 2.0 * 2.0 + 5.0, rtol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean.numpy(), np.full(4, 3.0))


def test_a_frozen_layer_infers_in_training():
    x = data(8, 4)
    layer = layers.BatchNormalization()
    layer(x, training=True)
    before = layer.get_weights()
    layer.trainable = False
    np.testing.assert_array_equal(layer(x, training=True).numpy(), layer(x).numpy())
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert layer.trainable_weights == []
    layer.trainable = True
    assert [w.name for w in layer.trainable_weights] == ["gamma", "beta"]


def test_freezing_and_thawing_between_fits():
    layer = layers.BatchNormalization()
    model = pynn.Sequential([pynn.Input((4,)), layer, layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = data(8, 4), data(8, 1)
    seen = []
    for trainable in (True, False, True):
        layer.trainable = trainable
        model.compile("sgd", "mse")
        before = layer.moving_mean.numpy().copy()
        model.fit(x, y, verbose=0)
        seen.append(bool((layer.moving_mean.numpy() != before).any()))
    assert seen == [True, False, True]


def test_masked_steps_do_not_count_even_if_nan():
    x, mask = data(4, 3, 5), np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1]], bool)
    x[~mask] = np.nan
    layer = layers.BatchNormalization(momentum=0.0, epsilon=0.0)
    y = layer(x, training=True, mask=ops.array(mask)).numpy()
    np.testing.assert_allclose(layer.moving_mean, x[mask].mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, x[mask].var(0), rtol=1e-4)
    np.testing.assert_allclose(y[mask].mean(0), 0.0, atol=1e-5)


def test_masks_arrive_from_the_layer_before():
    class Masked(layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def compute_mask(self, inputs, previous_mask):
            return ops.not_equal(inputs[:, :, 0], 0.0)

        def call(self, inputs):
            return inputs

    x = data(4, 3, 2)
    x[:, 2] = 0.0
    layer = layers.BatchNormalization(momentum=0.0)
    layer(Masked()(x), training=True)
    np.testing.assert_allclose(layer.moving_mean, x[:, :2].mean((0, 1)), rtol=1e-5)


def test_renorm_without_difference_is_plain_and_then_approaches_inference():
    x = data(16, 4)
    layer = layers.BatchNormalization(renorm=True, momentum=0.0, renorm_momentum=0.0, epsilon=1e-5)
    layer(x, training=True)  # the averages are now the moments of x
    np.testing.assert_allclose(layer(x, training=True).numpy(), layer(x).numpy(), atol=1e-4)
    plain = layers.BatchNormalization(epsilon=1e-5)
    np.testing.assert_allclose(
        layer(x, training=True).numpy(), plain(x, training=True).numpy(), atol=1e-4
    )
    clipped = layers.BatchNormalization(
        renorm=True, renorm_clipping={"rmin": 1.0, "rmax": 1.0, "dmax": 0.0}, epsilon=1e-5
    )
    np.testing.assert_allclose(
        clipped(x, training=True).numpy(), plain(x, training=True).numpy(), atol=1e-5
    )


def test_one_replica_is_synchronized():
    x = data(8, 4)
    layer = layers.BatchNormalization(synchronized=True)
    plain = layers.BatchNormalization()
    np.testing.assert_array_equal(layer(x, training=True).numpy(), plain(x, training=True).numpy())
    assert layer.get_config()["synchronized"] is True


def test_statistics_of_16_bit_floats_do_not_overflow():
    x = np.full((64, 2), 300.0, "float16") + np.arange(64, dtype="float16")[:, None]
    layer = layers.BatchNormalization(dtype="mixed_float16", momentum=0.0)
    y = layer(x, training=True)
    assert y.dtype == "float16"
    assert layer.moving_variance.dtype == "float32"
    np.testing.assert_allclose(layer.moving_variance, x.astype("float32").var(0), rtol=1e-4)


# ---- the others -----------------------------------------------------------------------------


def test_layer_normalization_in_float64_data():
    x = RNG.normal(size=(4, 6))
    layer = layers.LayerNormalization()
    assert layer(x).dtype == "float32"
    assert layers.LayerNormalization(dtype="float64")(x).dtype == "float64"


def test_rms_scaling_is_an_old_form():
    with pytest.warns(UserWarning, match="use pynn.layers.RMSNormalization"):
        layer = layers.LayerNormalization(rms_scaling=True, epsilon=0.0)
    x = data(4, 6)
    np.testing.assert_allclose(layer(x).numpy(), x / x.std(-1, keepdims=True), rtol=1e-4)
    assert [w.name for w in layer.weights] == ["gamma"]


@pytest.mark.parametrize("axis", [1, [1, 2], [0, 2], -1])
def test_rms_normalization_over_any_axes(axis):
    x = data(4, 5, 6)
    layer = layers.RMSNormalization(axis=axis, epsilon=0.0)
    layer(x)
    axes = tuple(axis) if isinstance(axis, list) else (axis,)
    kept = tuple(a for a in range(3) if a not in [b % 3 for b in axes])
    scale = RNG.uniform(0.5, 1.5, [x.shape[a] for a in axes])
    layer.set_weights([scale])
    root = np.sqrt((x.astype("float64") ** 2).mean(axes, keepdims=True))
    np.testing.assert_allclose(layer(x).numpy(), x / root * np.expand_dims(scale, kept), rtol=1e-5)


def test_one_group_and_a_group_per_channel():
    x = data(4, 5, 6)
    one = layers.GroupNormalization(groups=1, epsilon=0.0)(x).numpy()
    np.testing.assert_allclose(one.mean((1, 2)), 0.0, atol=1e-5)
    layer = layers.GroupNormalization(groups=-1, epsilon=0.0)
    each = layer(x).numpy()
    np.testing.assert_allclose(each.mean(1), 0.0, atol=1e-5)
    np.testing.assert_allclose(each.std(1), 1.0, rtol=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_unit_normalization_of_zeros_and_large_vectors(dtype):
    x = np.array([[0.0, 0.0], [30000.0, 40000.0]], dtype)
    y = layers.UnitNormalization(dtype=dtype)(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(y.numpy(), [[0.0, 0.0], [0.6, 0.8]], rtol=1e-3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.BatchNormalization(),
        lambda: layers.LayerNormalization(),
        lambda: layers.GroupNormalization(2),
        lambda: layers.RMSNormalization(),
        lambda: layers.UnitNormalization(),
    ],
)
def test_unknown_sizes(make):
    assert make()(pynn.Input((None, 4))).shape == (None, None, 4)


# ---- spectral -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inner",
    [
        lambda: layers.Dense(4),
        lambda: layers.EinsumDense("ab,bcd->acd", (3, 2)),
        lambda: layers.Embedding(9, 4),
    ],
)
def test_largest_singular_value_becomes_one(inner):
    layer = layers.SpectralNormalization(inner(), power_iterations=50)
    x = np.ones((2, 5), "int32" if isinstance(layer.layer, layers.Embedding) else "float32")
    layer(x)
    before = layer.kernel.numpy().copy()
    layer(x, training=False)
    np.testing.assert_array_equal(layer.kernel.numpy(), before)
    layer(x, training=True)
    after = layer.kernel.numpy()
    values = np.linalg.svd(after.reshape(-1, after.shape[-1]))[1]
    np.testing.assert_allclose(values.max(), 1.0, rtol=1e-3)
    ratios = before / after
    np.testing.assert_allclose(ratios, ratios.flat[0], rtol=1e-3)


@pytest.mark.parametrize("eagerly", [True, False])
def test_the_optimizer_updates_the_divided_kernel(eagerly):
    x, y = data(8, 5), data(8, 3)
    layer = layers.SpectralNormalization(layers.Dense(3), power_iterations=2)
    model = pynn.Sequential([pynn.Input((5,)), layer])
    plain = pynn.Sequential([pynn.Input((5,)), layers.Dense(3)])
    for _ in range(3):
        _, kernel = layer.normalized_weights()
        plain.set_weights([kernel, layer.layer.bias])
        for each in (model, plain):
            each.compile(pynn.optimizers.SGD(0.01), "mse", run_eagerly=eagerly)
            each.train_on_batch(x, y)
        for a, b in zip(layer.layer.get_weights(), plain.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_kernel_of_zeros_stays():
    layer = layers.SpectralNormalization(layers.Dense(3, kernel_initializer="zeros"))
    x = data(4, 5)
    layer(x)
    vector = layer.vector_u.numpy().copy()
    assert not layer(x, training=True).numpy().any()
    np.testing.assert_array_equal(layer.kernel.numpy(), np.zeros((5, 3)))
    np.testing.assert_array_equal(layer.vector_u.numpy(), vector)


def test_what_spectral_normalization_needs():
    with pytest.raises(ValueError, match=r"pynn.SpectralNormalization: expected power_iterations"):
        layers.SpectralNormalization(layers.Dense(3), power_iterations=0)
    with pytest.raises(ValueError, match=r"expected a layer with a kernel or embeddings"):
        layers.SpectralNormalization(layers.ReLU())(data(4, 5))
    with pytest.raises(ValueError, match=r"pynn.SpectralNormalization: expected layer"):
        layers.SpectralNormalization("dense")


# ---- bad input ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("BatchNormalization", {"momentum": 1.5}, r"expected momentum, a number in \[0, 1\]"),
        ("BatchNormalization", {"renorm_momentum": -1}, "expected renorm_momentum"),
        ("BatchNormalization", {"epsilon": -1e-3}, "expected epsilon, a number >= 0"),
        (
            "BatchNormalization",
            {"renorm": True, "renorm_clipping": {"rmx": 1}},
            r"keys rmin, rmax and dmax; received also \['rmx'\]",
        ),
        ("LayerNormalization", {"epsilon": None}, "expected epsilon, a number >= 0"),
        ("GroupNormalization", {"groups": -2}, "expected groups, a positive integer or -1"),
        ("RMSNormalization", {"epsilon": "small"}, "expected epsilon"),
    ],
)
def test_bad_arguments(name, arguments, message):
    with pytest.raises(ValueError, match=f"pynn.{name}: .*{message}"):
        getattr(layers, name)(**arguments)


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (layers.BatchNormalization(axis=2), (4,), r"expected axis in \[-2, 2\).*received 2"),
        (layers.LayerNormalization(axis=[1, 2]), (4,), r"expected axis .*received \[1, 2\]"),
        (layers.GroupNormalization(4), (6,), "expected groups that divide the 6 channels"),
        (
            layers.GroupNormalization(1, axis=0),
            (6,),
            "expected axis of the channels, received the batch axis",
        ),
        (layers.UnitNormalization(axis=-3), (4,), r"expected axis in \[-2, 2\)"),
        (layers.RMSNormalization(axis=3), (4,), r"expected axis in \[-2, 2\)"),
        (layers.RMSNormalization(), (3, None), "expected input of known size along axis"),
        (layers.LayerNormalization(), (3, None), "expected input of known size along axis 2"),
        (layers.BatchNormalization(), (3, None), "expected input of known size along axis"),
    ],
)
def test_bad_shapes(layer, shape, message):
    with pytest.raises(ValueError, match=f"pynn.{type(layer).__name__}: {message}"):
        layer(pynn.Input(shape))


def test_mask_of_another_rank():
    layer = layers.BatchNormalization()
    with pytest.raises(ValueError, match="expected a mask with one axis less than the input"):
        layer(data(4, 3, 2), mask=ops.ones((4,), "bool"))
