"""Layers that reshape, crop, pad, enlarge, pool, mask and wrap: what checks.py does not say."""

import numpy as np
import pytest

import pynn
from pynn import layers, ops

RNG = np.random.default_rng(0)


def numbers(*shape):
    return RNG.standard_normal(shape).astype("float32")


def plus_one(x):
    """A function with a name."""
    return x + 1


# ---- shapes ---------------------------------------------------------------------------------


def test_permute_and_repeat():
    x = numbers(2, 3, 4)
    np.testing.assert_array_equal(layers.Permute((2, 1))(x).numpy(), x.transpose(0, 2, 1))
    repeated = layers.RepeatVector(5)(x[:, 0]).numpy()
    np.testing.assert_array_equal(repeated, np.repeat(x[:, :1], 5, axis=1))


def test_cropping_undoes_padding():
    for rank, widths in ((1, (1, 2)), (2, ((1, 2), (0, 3))), (3, ((1, 2), (0, 3), (2, 0)))):
        for layout in ("channels_last", "channels_first"):
            if (rank, layout) == (1, "channels_first"):
                continue  # Cropping1D has no such argument
            x = numbers(2, *(3,) * (rank + 1))
            options = {} if rank == 1 else {"data_format": layout}
            padded = getattr(layers, f"ZeroPadding{rank}D")(widths, layout)(x)
            assert padded.numpy().sum() == pytest.approx(x.sum(), abs=1e-4)
            cropped = getattr(layers, f"Cropping{rank}D")(widths, **options)(padded)
            np.testing.assert_array_equal(cropped.numpy(), x)


def test_up_sampling_repeats():
    x = numbers(1, 2, 3, 2)
    expected = x.repeat(2, axis=1).repeat(3, axis=2)
    np.testing.assert_array_equal(layers.UpSampling2D((2, 3))(x).numpy(), expected)
    first = layers.UpSampling2D((2, 3), "channels_first")(x.transpose(0, 3, 1, 2)).numpy()
    np.testing.assert_array_equal(first, expected.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("kind", ["bilinear", "bicubic", "lanczos3", "lanczos5"])
def test_interpolation_keeps_constants_and_ramps(kind):
    layer = layers.UpSampling2D((1, 2), interpolation=kind)
    np.testing.assert_allclose(layer(np.ones((1, 3, 20, 1))).numpy(), 1, rtol=1e-6)
    ramp = np.arange(20, dtype="float32").reshape(1, 1, 20, 1)
    middle = layer(ramp).numpy().ravel()[12:28]
    tolerance = 1e-5 if kind.startswith("bi") else 0.05
    np.testing.assert_allclose(middle, (np.arange(12, 28) + 0.5) / 2 - 0.5, atol=tolerance)


def test_dtypes_of_symbolic_outputs():
    for make in (
        lambda: layers.Permute((2, 1)),
        lambda: layers.Cropping1D(1),
        lambda: layers.ZeroPadding1D(1),
        lambda: layers.UpSampling1D(2),
        lambda: layers.Flatten(),
    ):
        inputs = pynn.Input((3, 4), dtype="int32")
        assert make()(inputs).dtype == make()(np.ones((2, 3, 4), "int32")).dtype == "int32"


@pytest.mark.parametrize("name", ["mixed_bfloat16", "float64"])
def test_policies(name):
    dtype = pynn.DTypePolicy(name).compute_dtype
    x = numbers(2, 3, 4)
    for make in (
        lambda: layers.Multiply(dtype=name),
        lambda: layers.Average(dtype=name),
        lambda: layers.Dot(axes=2, normalize=True, dtype=name),
    ):
        assert make()([x, x]).dtype == dtype
    for make in (
        lambda: layers.GlobalAveragePooling1D(dtype=name),
        lambda: layers.Masking(dtype=name),
        lambda: layers.TimeDistributed(layers.Dense(2), dtype=name),
        lambda: layers.Lambda(plus_one, dtype=name),
    ):
        assert make()(x).dtype == make()(pynn.Input((3, 4))).dtype == dtype
    image = layers.UpSampling2D(2, interpolation="bicubic", dtype=name)(x[..., None])
    assert image.dtype == dtype


# ---- masks ----------------------------------------------------------------------------------


def test_masked_steps_reach_the_mean_of_a_model():
    inputs = pynn.Input((None, 2))
    hidden = layers.TimeDistributed(layers.Dense(3, bias_initializer="ones"))(
        layers.Masking(-1.0)(inputs)
    )
    model = pynn.Model(inputs, layers.GlobalAveragePooling1D()(hidden))
    x = numbers(2, 5, 2)
    x[:, 3:] = -1.0
    expected = model(x[:, :3]).numpy()
    np.testing.assert_allclose(model(x).numpy(), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)


def test_mask_values_that_are_arrays_travel_in_configs():
    layer = layers.Masking(np.array([1.0, 2.0], "float32"))
    copy = layers.deserialize(layers.serialize(layer))
    x = np.array([[[1.0, 2.0], [2.0, 1.0]]], "float32")
    assert copy(x)._keras_mask.numpy().tolist() == [[False, True]]


# ---- TimeDistributed ------------------------------------------------------------------------


def test_all_steps_at_once_equal_one_after_another():
    class OneByOne(layers.Dense):
        """Not known to treat rows alone."""

    x = numbers(4, 5, 6)
    fast, slow = (layers.TimeDistributed(cls(3, "tanh")) for cls in (layers.Dense, OneByOne))
    fast(x), slow(x)
    slow.set_weights(fast.get_weights())
    np.testing.assert_allclose(fast(x).numpy(), slow(x).numpy(), rtol=1e-6, atol=1e-7)


def test_an_activation_over_the_batch_sees_one_step_at_a_time():
    def centred(x):
        return x - ops.mean(x, axis=0)

    layer = layers.TimeDistributed(layers.Dense(3, activation=centred))
    np.testing.assert_allclose(layer(numbers(4, 5, 6)).numpy().mean(axis=0), 0, atol=1e-6)


def test_dropout_differs_between_steps():
    layer = layers.TimeDistributed(layers.Dropout(0.5, seed=1))
    y = layer(np.ones((4, 3, 50)), training=True).numpy()
    assert (y[:, 0] != y[:, 1]).any()
    assert (layer(np.ones((4, 3, 50))).numpy() == 1).all()


def test_wrapped_layers_of_users_travel_with_custom_objects():
    class Mine(layers.Dense):
        pass

    config = layers.TimeDistributed(Mine(2)).get_config()
    copy = layers.TimeDistributed.from_config(config, custom_objects={"Mine": Mine})
    assert type(copy.layer) is Mine
    with pytest.raises(TypeError, match="Mine"):
        layers.TimeDistributed.from_config(config)


# ---- Lambda ---------------------------------------------------------------------------------


def test_a_lambda_computes_but_cannot_be_saved():
    layer = layers.Lambda(lambda x: x * 2)
    assert layer(np.ones((1, 2))).numpy().tolist() == [[2.0, 2.0]]
    for argument in ("function", "output_shape", "mask"):
        arguments = {"function": plus_one, argument: lambda *args: None}
        with pytest.raises(TypeError, match=rf"pynn.Lambda: expected {argument}, a named function"):
            layers.Lambda(**arguments).get_config()


@pytest.mark.parametrize("safe_mode", [None, True, False])
@pytest.mark.parametrize("argument", ["function", "output_shape", "mask"])
def test_code_in_a_config_is_refused(argument, safe_mode):
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAA==", "defaults": None}}
    config = {"name": "evil", "function": {"class_name": "function", "config": "relu"}}
    config[argument] = code
    with pytest.raises(ValueError, match=rf"pynn.Lambda: expected {argument} by name .* Python c"):
        layers.Lambda.from_config(config, safe_mode=safe_mode)
    entry = {"module": "keras.layers", "class_name": "Lambda", "config": config}
    with pytest.raises(ValueError, match="Python code"):
        pynn.saving.deserialize_keras_object(entry, safe_mode=safe_mode is not False)


def test_code_among_the_arguments_is_refused():
    code = {"class_name": "__lambda__", "config": {"code": "4wEAAA=="}}
    function = {"class_name": "function", "config": "relu"}
    with pytest.raises(ValueError, match="Python code"):
        layers.Lambda.from_config({"function": function, "arguments": {"f": code}})


def test_functions_that_nobody_registered_are_refused():
    config = layers.Lambda(plus_one).get_config()
    with pytest.raises(TypeError, match="could not locate function 'plus_one'"):
        layers.Lambda.from_config(config)
    assert layers.Lambda.from_config(config, {"plus_one": plus_one}).function is plus_one


def test_shapes_of_lambda():
    pair = layers.Lambda(lambda x: [x, x[:, :1]], output_shape=[(3,), (1,)])(pynn.Input((3,)))
    assert [x.shape for x in pair] == [(None, 3), (None, 1)]
    assert layers.Lambda(lambda x: ops.cast(x, "int32"))(pynn.Input((3,))).dtype == "int32"
    assert layers.Lambda(plus_one).compute_output_shape((None, 3)) == (None, 3)


# ---- mistakes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.Permute((1, 3)), ValueError, r"pynn.Permute: expected dims.*\(1, 3\)"),
        (lambda: layers.RepeatVector(1.5), TypeError, r"pynn.RepeatVector: expected n, an integer"),
        (lambda: layers.RepeatVector(0), ValueError, r"pynn.RepeatVector: expected n, a positive"),
        (lambda: layers.Cropping1D((1, -1)), ValueError, r"pynn.Cropping1D: expected cropping, an"),
        (lambda: layers.Cropping2D((1, 2, 3)), ValueError, r"2 of them or of pairs.*\(1, 2, 3\)"),
        (lambda: layers.Cropping1D(2)(numbers(1, 4, 1)), ValueError, "cropping smaller than the"),
        (lambda: layers.ZeroPadding3D("1"), ValueError, r"pynn.ZeroPadding3D: expected padding"),
        (lambda: layers.UpSampling1D(True), TypeError, r"pynn.UpSampling1D: expected size"),
        (lambda: layers.UpSampling2D((1, 0)), ValueError, "a positive integer or 2 of them"),
        (
            lambda: layers.UpSampling2D(interpolation="bilinaer"),
            ValueError,
            "did you mean 'bilinear'",
        ),
        (lambda: layers.UpSampling2D(interpolation=3), ValueError, "expected interpolation"),
        (lambda: layers.Wrapper(3), ValueError, r"pynn.Wrapper: expected layer, a layer"),
        (lambda: layers.Lambda("relu"), TypeError, r"pynn.Lambda: expected function"),
        (
            lambda: layers.TimeDistributed(layers.Dense(2))(numbers(3, 4)),
            ValueError,
            r"pynn.TimeDistributed: expected input with at least 3 axes",
        ),
        (
            lambda: layers.TimeDistributed(layers.ReLU())(numbers(2, 3, 4), mask=np.ones((2, 4))),
            ValueError,
            r"mask whose first axes are \(2, 3\), received shape=\(2, 4\)",
        ),
        (
            lambda: layers.Lambda(lambda x: x.nothing)(pynn.Input((3,))),
            NotImplementedError,
            r"pynn.Lambda: expected output_shape.*nothing",
        ),
        (
            lambda: layers.GlobalMaxPooling1D()(numbers(3, 4)),
            ValueError,
            r"pynn.GlobalMaxPooling1D: expected input with 3 axes",
        ),
    ],
)
def test_mistakes(make, error, message):
    with pytest.raises(error, match=message):
        make()
