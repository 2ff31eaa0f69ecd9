"""Embedding and EinsumDense beyond the contracts of `checks.py`."""

import numpy as np
import pytest

import pynn
from pynn import layers, ops

TABLE = np.arange(12, dtype="float32").reshape(4, 3)

# ---- Embedding ------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [TABLE, [TABLE]])
def test_rows_of_a_given_table(weights):
    layer = layers.Embedding(4, 3, weights=weights)
    assert layer.built
    x = np.array([[1, 3], [0, -1]])
    for indices in (x, x.astype("float32"), x.astype("int64"), x.astype("int8")):
        np.testing.assert_array_equal(layer(indices).numpy(), TABLE[x])
    assert "weights" not in layer.get_config()


@pytest.mark.parametrize("index", [4, 100, -5])
def test_indices_out_of_range(index):
    layer = layers.Embedding(4, 3, name="words")
    message = rf"pynn.Embedding: expected indices below input_dim=4 \(layer 'words'\).*{index}"
    with pytest.raises(ValueError, match=message):
        layer(np.array([[0, index]]))
    model = pynn.Sequential([pynn.Input((2,), dtype="int32"), layer])
    with pytest.raises(ValueError, match=f"expected indices .*{index}"):
        model.predict(np.array([[0, index]]), verbose=0)


def test_only_rows_that_occur_change():
    layer = layers.Embedding(4, 3, weights=TABLE)
    model = pynn.Sequential([pynn.Input((2,), dtype="int32"), layer, layers.Flatten()])
    model.compile(pynn.optimizers.SGD(0.5), "mse")
    model.train_on_batch(np.array([[1, 1], [3, 1]]), np.zeros((2, 6)))
    expected = TABLE.copy()
    expected[1] -= 0.5 * 3 * 2 * TABLE[1] / 12  # it occurs three times
    expected[3] -= 0.5 * 2 * TABLE[3] / 12
    np.testing.assert_allclose(layer.embeddings, expected, rtol=1e-6)


def test_mask_of_padding_reaches_the_next_layers():
    tokens = np.array([[1, 2, 0], [3, 0, 0]])
    inputs = pynn.Input((None,), dtype="int32")
    embedding = layers.Embedding(4, 3, weights=TABLE, mask_zero=True)
    norm = layers.BatchNormalization(momentum=0.0)
    model = pynn.Model(inputs, norm(embedding(inputs)))
    assert model.output_shape == (None, None, 3)
    model(tokens, training=True)
    np.testing.assert_allclose(norm.moving_mean, TABLE[[1, 2, 3]].mean(0), rtol=1e-5)
    results = []
    for eagerly in (True, False):
        norm.moving_mean.assign(np.zeros(3))
        model.compile(pynn.optimizers.SGD(0.0), "mse", run_eagerly=eagerly)
        model.train_on_batch(tokens, np.zeros((2, 3, 3)))
        results.append(norm.moving_mean.numpy().tobytes())
    assert results[0] == results[1]


def test_mixed_precision_casts_the_rows():
    layer = layers.Embedding(4, 3, dtype="mixed_bfloat16", weights=TABLE)
    output = layer(np.array([1]))
    assert (output.dtype, layer.embeddings.dtype) == ("bfloat16", "float32")
    np.testing.assert_array_equal(output.numpy().astype("float32"), TABLE[[1]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 3), "expected input_dim, a positive integer; received 0"),
        ((4, "3"), "expected output_dim, a positive integer; received '3'"),
    ],
)
def test_bad_sizes_of_an_embedding(arguments, message):
    with pytest.raises(ValueError, match=f"pynn.Embedding: {message}"):
        layers.Embedding(*arguments)


def test_what_embeddings_cannot_do_is_said():
    for options in ({"lora_rank": 2}, {"quantization_config": {}}):
        with pytest.raises(ValueError, match="LoRA and quantization are not available"):
            layers.Embedding(4, 3, **options)
        with pytest.raises(ValueError, match="LoRA and quantization are not available"):
            layers.EinsumDense("ab,bc->ac", 3, **options)
    with pytest.warns(UserWarning, match="input_length is old"):
        layers.Embedding(4, 3, input_length=7)


# ---- EinsumDense ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "shape", "kernel", "bias", "result"),
    [
        ("ab,bc->ac", 3, "c", (4, 6), (6, 3), (3,), (4, 3)),
        ("abc,cd->abd", (None, 3), "bd", (4, 5, 6), (6, 3), (5, 3), (4, 5, 3)),
        ("abc,cde->abde", (None, 3, 2), "d", (4, 5, 6), (6, 3, 2), (3, 1), (4, 5, 3, 2)),
        ("abc,bcd->abd", (None, 3), None, (4, 5, 6), (5, 6, 3), None, (4, 5, 3)),
        ("...x,xy->...y", 3, "y", (4, 5, 2, 6), (6, 3), (3,), (4, 5, 2, 3)),
        ("...ab,bc->...ac", 3, None, (4, 6), (6, 3), None, (4, 3)),
        ("ab...,bc->ac...", 3, "c", (4, 6, 5, 2), (6, 3), (3, 1, 1), (4, 3, 5, 2)),
    ],
)
def test_shapes_and_values(equation, output_shape, bias_axes, shape, kernel, bias, result):
    rng = np.random.default_rng(0)
    layer = layers.EinsumDense(equation, output_shape, bias_axes=bias_axes)
    assert layer.compute_output_shape((None, *shape[1:])) == (None, *result[1:])
    x = rng.standard_normal(shape).astype("float32")
    layer(x)
    shapes = [kernel] if bias is None else [kernel, bias]
    assert [w.shape for w in layer.weights] == shapes
    values = [rng.standard_normal(s).astype("float32") for s in shapes]
    layer.set_weights(values)
    expected = np.einsum(equation, x, values[0]) + (0 if bias is None else values[1])
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_equal_to_dense():
    x = np.random.default_rng(0).standard_normal((4, 5, 6)).astype("float32")
    dense = layers.Dense(3, activation="relu")
    einsum = layers.EinsumDense("...x,xy->...y", 3, activation="relu", bias_axes="y")
    dense(x), einsum(x)
    einsum.set_weights(dense.get_weights())
    np.testing.assert_allclose(einsum(x).numpy(), dense(x).numpy(), rtol=1e-5, atol=1e-6)
    assert einsum(pynn.Input((None, 6))).shape == (None, None, 3)


def test_given_axes_of_an_initializer_stay():
    given = pynn.initializers.GlorotUniform(seed=1, input_axes=[1], output_axes=[0])
    layer = layers.EinsumDense("ab,bc->ac", 3, kernel_initializer=given)
    layer.build((None, 6))
    same = given((6, 3), "float32")
    np.testing.assert_array_equal(layer.kernel.numpy(), ops.convert_to_numpy(same))


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "shape", "message"),
    [
        ("ab->ac", 3, None, (4, 6), r"expected an equation of the form .*received 'ab->ac'"),
        ("...ab...,bc->...ac...", 3, None, (4, 6), "expected an equation of the form"),
        ("ab,bc->ac", 3, None, (4, 5, 6), "expected input of 2 axes .*received 3"),
        ("...abc,cd->...abd", 3, None, (4, 6), "expected input of at least 3 axes"),
        ("ab,bc->ac", (3, 3), None, (4, 6), "expected output_shape with 1 entries"),
        ("ab,bc->ad", 3, None, (4, 6), r"letter of the output .*received \['d'\]"),
        ("ab,bcd->ac", 3, None, (4, 6), r"letter of the kernel .*received \['d'\]"),
        ("abc,cd->abd", (7, 3), None, (4, 5, 6), "expected one size for the axis 'b'"),
        ("ab,bc->ac", None, None, (4, 6), "expected output_shape, a positive int or a tuple"),
        ("ab,bc->ac", 0, None, (4, 6), "expected output_shape, a positive int or a tuple"),
        ("ab,bc->ac", (None,), None, (4, 6), "expected known sizes for the kernel"),
        ("ab,bc->ac", 3, "b", (4, 6), "expected bias_axes, letters of the output"),
        ("ab,bc->ac", 3, "", (4, 6), "expected bias_axes, letters of the output"),
        ("abc,cd->abd", (None, 3), "b", (None, None, 6), "expected known sizes for the bias"),
    ],
)
def test_bad_equations(equation, output_shape, bias_axes, shape, message):
    def build():
        layers.EinsumDense(equation, output_shape, bias_axes=bias_axes).build(shape)

    with pytest.raises(ValueError, match=f"pynn.EinsumDense: .*{message}"):
        build()
