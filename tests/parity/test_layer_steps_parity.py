"""Layers with weights, noise or states against Keras: configs, outputs, masks, training steps."""

import json

import numpy as np
import pytest

import pynn

RNG = np.random.default_rng(0)
BOUNDS = {"rmin": 0.7, "rmax": 1.4, "dmax": 0.3}
EINSUM = {"equation": "abc,cde->abde", "output_shape": (None, 3, 2)}
LEFT = {"equation": "...x,xy->...y", "output_shape": 3}
RIGHT = {"equation": "ab...,bc->ac...", "output_shape": (3,)}
# name, arguments, shape of the input
CASES = [
    ("BatchNormalization", {}, (4, 6)),
    ("BatchNormalization", {"momentum": 0.5, "epsilon": 0.1}, (4, 5, 6)),
    ("BatchNormalization", {"axis": 1, "momentum": 0.5, "scale": False}, (4, 5, 6)),
    ("BatchNormalization", {"axis": -2, "momentum": 0.5, "center": False}, (4, 3, 5, 2)),
    ("BatchNormalization", {"center": False, "scale": False, "momentum": 0.5}, (4, 6)),
    ("BatchNormalization", {"trainable": False}, (4, 6)),
    (
        "BatchNormalization",
        {
            "beta_initializer": "ones",
            "gamma_initializer": {"class_name": "Constant", "config": {"value": 2.0}},
            "moving_mean_initializer": "ones",
            "moving_variance_initializer": "zeros",
            "beta_regularizer": "l2",
            "gamma_regularizer": "l1",
            "beta_constraint": "non_neg",
            "gamma_constraint": "max_norm",
        },
        (4, 6),
    ),
    ("BatchNormalization", {"renorm": True, "momentum": 0.5, "renorm_momentum": 0.6}, (4, 6)),
    ("BatchNormalization", {"renorm": True, "renorm_clipping": BOUNDS, "scale": False}, (4, 6)),
    ("BatchNormalization", {"renorm": True, "axis": 1, "center": False}, (4, 5, 6)),
    ("LayerNormalization", {}, (4, 6)),
    ("LayerNormalization", {"axis": 1, "epsilon": 0.1}, (4, 5, 6)),
    ("LayerNormalization", {"axis": [1, 2], "gamma_regularizer": "l2"}, (4, 5, 6)),
    ("LayerNormalization", {"axis": [3, 1], "center": False}, (4, 3, 5, 2)),
    ("LayerNormalization", {"scale": False, "beta_constraint": "non_neg"}, (4, 5, 6)),
    ("GroupNormalization", {"groups": 3}, (4, 6)),
    ("GroupNormalization", {"groups": 2, "epsilon": 0.1, "scale": False}, (4, 5, 6)),
    ("GroupNormalization", {"groups": 2, "axis": 1, "center": False}, (4, 6, 3, 5)),
    ("GroupNormalization", {"groups": 2, "axis": -2, "beta_regularizer": "l1"}, (4, 3, 6, 5)),
    ("GroupNormalization", {"groups": -1}, (4, 5, 6)),
    ("RMSNormalization", {}, (4, 6)),
    ("RMSNormalization", {"axis": [1, 2], "epsilon": 0.1}, (4, 5, 6)),
    ("UnitNormalization", {}, (4, 6)),
    ("UnitNormalization", {"axis": 1}, (4, 5, 6)),
    ("UnitNormalization", {"axis": [1, 2]}, (4, 5, 6)),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 5}, (4, 6)),
    (
        "EinsumDense",
        {
            "equation": "abc,cd->abd",
            "output_shape": (None, 3),
            "bias_axes": "d",
            "activation": "tanh",
            "kernel_regularizer": "l2",
            "bias_regularizer": "l1",
            "bias_initializer": "ones",
        },
        (4, 5, 6),
    ),
    ("EinsumDense", {**EINSUM, "bias_axes": "de", "activity_regularizer": "l2"}, (4, 5, 6)),
    ("EinsumDense", {**EINSUM, "bias_axes": "d", "kernel_constraint": "non_neg"}, (4, 5, 6)),
    ("EinsumDense", {**EINSUM, "bias_axes": "be", "output_shape": (5, 3, 2)}, (4, 5, 6)),
    ("EinsumDense", {**EINSUM, "equation": "abc,bcde->abde", "output_shape": (5, 3, 2)}, (4, 5, 6)),
    ("EinsumDense", {"equation": "abcd,cde->abe", "output_shape": (None, 3)}, (4, 2, 5, 6)),
    ("EinsumDense", {"equation": "abcd,bfd->acbf", "output_shape": (5, 2, 3)}, (4, 2, 5, 6)),
    ("EinsumDense", {**LEFT, "bias_axes": "y"}, (4, 6)),
    # Of several axes under the ellipsis, Keras promises the sizes in the wrong order.
    ("EinsumDense", {**LEFT, "bias_axes": "y"}, (4, 5, 5, 6)),
    ("EinsumDense", {"equation": "...ab,bc->...ac", "output_shape": (5, 3)}, (4, 2, 5, 6)),
    ("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 3}, (4, 6)),
    ("EinsumDense", {**RIGHT, "bias_axes": "c"}, (4, 6, 2, 5)),
    ("EinsumDense", {"equation": "abc...,bcd->ad...", "output_shape": 3}, (4, 2, 3, 5)),
    ("Embedding", {"input_dim": 9, "output_dim": 3}, (4, 5)),
    ("Embedding", {"input_dim": 9, "output_dim": 3}, (4,)),
    ("Embedding", {"input_dim": 9, "output_dim": 2, "mask_zero": True}, (4, 5, 2)),
    (
        "Embedding",
        {
            "input_dim": 9,
            "output_dim": 3,
            "embeddings_initializer": "glorot_normal",
            "embeddings_regularizer": "l2",
            "embeddings_constraint": "max_norm",
            "activity_regularizer": "l1",
        },
        (4, 5),
    ),
    ("ELU", {"alpha": 0.5}, (4, 6)),
    ("PReLU", {}, (4, 6)),
    ("PReLU", {"shared_axes": [1], "alpha_initializer": "ones"}, (4, 5, 6)),
    ("PReLU", {"shared_axes": 2, "alpha_regularizer": "l2"}, (4, 5, 6)),
    ("PReLU", {"shared_axes": (1, 2), "alpha_constraint": "non_neg"}, (4, 5, 2, 3)),
    ("ActivityRegularization", {"l1": 0.01, "l2": 0.02}, (4, 6)),
]
# Random in training, where the numbers of two libraries cannot agree.
NOISE = [
    ("SpatialDropout1D", {"rate": 0.3, "seed": 1}, (4, 5, 6)),
    ("SpatialDropout2D", {"rate": 0.3, "name": "drop"}, (4, 3, 2, 6)),
    ("SpatialDropout2D", {"rate": 0.3, "data_format": "channels_first"}, (4, 3, 2, 6)),
    ("SpatialDropout3D", {"rate": 0.3}, (4, 3, 2, 2, 6)),
    ("GaussianNoise", {"stddev": 0.3}, (4, 6)),
    ("GaussianNoise", {"stddev": 0.0}, (4, 6)),
    ("GaussianDropout", {"rate": 0.3, "seed": 2}, (4, 6)),
    ("AlphaDropout", {"rate": 0.3, "seed": 2}, (4, 6)),
    ("AlphaDropout", {"rate": 0.3, "noise_shape": (None, 1, 6)}, (4, 5, 6)),
]
cases = pytest.mark.parametrize(("name", "arguments", "shape"), CASES)
all_cases = pytest.mark.parametrize(("name", "arguments", "shape"), CASES + NOISE)


def data_for(name, shape):
    if name == "Embedding":
        return RNG.integers(0, 9, shape, "int32")
    return RNG.standard_normal(shape).astype("float32")


def plain(config):
    """A config as JSON holds it; Keras keeps the factors of regularizers in single precision."""
    return json.loads(json.dumps(config), parse_float=lambda text: round(float(text), 6))


def close(ours, theirs, rtol=2e-5, atol=2e-5):
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=rtol, atol=atol)


@pytest.fixture(autouse=True)
def _fresh_names(keras):
    keras.utils.clear_session()
    pynn.utils.clear_session()


def built_pair(keras, name, arguments, x):
    """The layer in both libraries, with the same weights that are not the initial ones."""
    ours, theirs = (getattr(lib.layers, name)(**arguments) for lib in (pynn, keras))
    assert plain(ours.get_config()) == plain(theirs.get_config())
    ours(x), theirs(x)
    assert [(w.name, tuple(w.shape), w.trainable) for w in ours.weights] == [
        (w.name, tuple(w.shape), w.trainable) for w in theirs.weights
    ]
    ours.set_weights([RNG.uniform(0.5, 1.5, w.shape) for w in ours.weights])
    theirs.set_weights(ours.get_weights())
    return ours, theirs


@all_cases
def test_outputs_and_configs(keras, name, arguments, shape):
    x = data_for(name, shape)
    ours, theirs = built_pair(keras, name, arguments, x)
    close(ours(x), theirs(x))
    close([float(v) for v in ours.losses], [float(v) for v in theirs.losses])
    assert ours(x).dtype == "float32"
    assert ours.supports_masking == theirs.supports_masking
    assert plain(pynn.layers.serialize(ours)) == plain(keras.layers.serialize(theirs))
    for library, config in ((keras, ours.get_config()), (pynn, theirs.get_config())):
        copy = getattr(library.layers, name).from_config(config)
        copy(x)
        copy.set_weights(ours.get_weights())
        close(copy(x), theirs(x))


@cases
def test_states_after_training_calls(keras, name, arguments, shape):
    x = data_for(name, shape)
    ours, theirs = built_pair(keras, name, arguments, x)
    for _ in range(3):
        if "training" in ours._call_signature.parameters:
            close(ours(x, training=True), theirs(x, training=True))
        for a, b in zip(ours.weights, theirs.weights, strict=True):
            close(a, b)
    close(ours(x), theirs(x))


@all_cases
def test_symbolic_shapes(keras, name, arguments, shape):
    x = data_for(name, shape)
    specs = []
    for library in (keras, pynn):
        inputs = library.Input(shape[1:], dtype=str(x.dtype))
        output = getattr(library.layers, name)(**arguments)(inputs)
        specs.append((tuple(output.shape), output.dtype, output.name))
    (expected, *others), (found, *ours) = specs
    assert ours == others
    assert len(found) == len(expected)
    # EinsumDense tells sizes for which its output_shape says None; Keras says that it could.
    assert all(a in (b, None) for a, b in zip(expected, found, strict=True))


def network(library, name, arguments, x):
    inputs = library.Input(x.shape[1:], dtype=str(x.dtype))
    hidden = inputs
    if x.dtype == np.float32:
        hidden = library.layers.Dense(x.shape[-1], activation="tanh", name="before")(inputs)
    hidden = getattr(library.layers, name)(**arguments)(hidden)
    if name in ("EinsumDense", "Embedding"):  # not all sizes are known to Keras; masks would end
        axes = tuple(range(1, len(hidden.shape)))
        return library.Model(inputs, library.ops.mean(library.ops.sin(hidden), axes))
    outputs = library.layers.Dense(1, name="after")(library.layers.Flatten()(hidden))
    return library.Model(inputs, outputs)


@cases
def test_three_training_steps(keras, name, arguments, shape):
    x = data_for(name, (8, *shape[1:]))
    ours, theirs = (network(library, name, arguments, x) for library in (pynn, keras))
    y = RNG.standard_normal((8, *ours.output_shape[1:])).astype("float32")
    start = [RNG.uniform(0.2, 0.8, w.shape).astype("float32") for w in theirs.weights]
    for library, model in ((pynn, ours), (keras, theirs)):
        model.set_weights(start)
        model.compile(library.optimizers.SGD(0.005), "mse")
    for _ in range(3):
        close(ours.train_on_batch(x, y), theirs.train_on_batch(x, y), rtol=1e-4)
    for a, b, before in zip(ours.weights, theirs.weights, start, strict=True):
        close(a, b, rtol=1e-4, atol=1e-5)
        frozen = arguments.get("trainable") is False and "normalization" in a.path
        assert (a.numpy() == before).all() == frozen, f"{a.path} did (not) change"
    close(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float16", "float64"])
@all_cases
def test_policies(keras, policy, name, arguments, shape):
    """The dtypes are Keras's; the values are those of float32 up to the rounding of 16 bits."""
    x = data_for(name, shape)
    reference = getattr(pynn.layers, name)(**arguments)
    expected = reference(x).numpy()
    arguments = {**arguments, "dtype": policy}
    ours, theirs = (getattr(lib.layers, name)(**arguments) for lib in (pynn, keras))
    output, other = ours(x), theirs(x)
    if policy != "float64":  # JAX has no float64 unless told
        assert output.dtype == str(other.dtype)
        assert [w.dtype for w in ours.weights] == [w.dtype for w in theirs.weights]
    ours.set_weights(reference.get_weights())
    close(ours(x).numpy().astype("float32"), expected, rtol=3e-2, atol=3e-2)
    if "Spatial" not in name:  # where Keras forgets the policy
        assert ours.get_config()["dtype"] == theirs.get_config()["dtype"]


def test_einsum_dense_initializes_by_the_fans_of_the_equation(keras):
    """The bound of uniform initial values is that of Keras: axes summed over are the fan-in."""
    bounds = []
    for library in (keras, pynn):
        layer = library.layers.EinsumDense("abc,cde->abde", (None, 40, 30))
        layer.build((2, 3, 50))
        bounds.append(np.abs(np.asarray(layer.kernel)).max())
    np.testing.assert_allclose(bounds, np.sqrt(6 / (50 + 1200)), rtol=1e-3)


def test_embedding_masks(keras):
    x = np.array([[3, 0, 2], [0, 0, 1]])
    masks = []
    for library in (keras, pynn):
        layer = library.layers.Embedding(4, 2, mask_zero=True)
        masks.append(np.asarray(layer(x)._keras_mask))
        assert layer.compute_mask(x, None) is not None
        assert library.layers.Embedding(4, 2).compute_mask(x, None) is None
    np.testing.assert_array_equal(masks[0], masks[1])


def spectral(library):
    inner = library.layers.Dense(4, activation="tanh", name="inner")
    return library.layers.SpectralNormalization(inner, power_iterations=3, name="spectral")


def test_spectral_normalization(keras):
    x = data_for("", (8, 6))
    models = [
        lib.Sequential([lib.Input((6,)), lib.layers.Dense(5, name="first"), spectral(lib)])
        for lib in (pynn, keras)
    ]
    ours, theirs = models
    assert plain(ours.layers[1].get_config()) == plain(theirs.layers[1].get_config())
    names = [[(w.name, tuple(w.shape), w.trainable) for w in m.weights] for m in models]
    assert names[0] == names[1]
    ours.set_weights([RNG.standard_normal(w.shape) for w in ours.weights])
    theirs.set_weights(ours.get_weights())
    close(ours(x), theirs(x))
    # Not `fit`: a step of Keras on JAX forgets what a layer assigns to a trainable weight.
    for _ in range(3):
        close(ours(x, training=True), theirs(x, training=True))
        for a, b in zip(ours.weights, theirs.weights, strict=True):
            close(a, b)
    for library, model in ((keras, ours), (pynn, theirs)):
        copy = library.models.model_from_json(model.to_json())
        copy.set_weights(ours.get_weights())
        close(copy(x), ours(x))


MASK = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1]], bool)


@pytest.mark.parametrize("axis", [-1, 1, (1, 2)])
@pytest.mark.parametrize("shape", [(4, 3, 5), (3, 5), (4, 1, 5), (5,)])
@pytest.mark.parametrize("dtype", ["bool", "float32"])
def test_softmax_with_mask(keras, axis, shape, dtype):
    x = RNG.standard_normal((4, 3, 5)).astype("float32")
    mask = RNG.integers(0, 2, shape).astype(dtype)
    mask[..., :2] = 0
    ours, theirs = pynn.layers.Softmax(axis), keras.layers.Softmax(axis)
    close(ours(x, mask=mask), theirs(x, mask=mask))


@pytest.mark.parametrize("shape", [(1, 4, 3, 5), (4, 2, 5), (4,)])
def test_softmax_with_wrong_mask(keras, shape):
    x, mask = np.ones((4, 3, 5), "float32"), np.ones(shape, bool)
    for library in (keras, pynn):
        with pytest.raises(ValueError, match="broadcast"):
            library.layers.Softmax()(x, mask=mask)


@pytest.mark.parametrize("arguments", [{}, {"axis": 1}, {"renorm": True}])
def test_batch_normalization_with_mask(keras, arguments):
    x = RNG.standard_normal((4, 3, 5)).astype("float32")
    arguments = {"momentum": 0.5, **arguments}
    ours, theirs = built_pair(keras, "BatchNormalization", arguments, x)
    for _ in range(3):
        result = ours(x, training=True, mask=MASK)
        close(result, theirs(x, training=True, mask=MASK))
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        close(a, b)
    for layer in (ours, theirs):
        with pytest.raises(ValueError, match="mask"):
            layer(x, training=True, mask=MASK[:, 0])


ERRORS = [
    ("BatchNormalization", {"axis": [1]}, None),
    ("BatchNormalization", {"momentum": "high"}, None),
    ("BatchNormalization", {"renorm": True, "renorm_clipping": {"max": 1}}, None),
    ("BatchNormalization", {"renorm": True, "renorm_clipping": {"rmax": 1, "rmin": 2}}, None),
    ("BatchNormalization", {"renorm": True, "renorm_clipping": {"dmax": -1}}, None),
    ("BatchNormalization", {"nonsense": 1}, None),
    ("LayerNormalization", {"axis": "last"}, None),
    ("GroupNormalization", {"groups": 0}, None),
    ("GroupNormalization", {"groups": 1.5}, None),
    ("GroupNormalization", {"groups": 4}, (4, 6)),
    ("GroupNormalization", {"groups": 12}, (4, 6)),
    ("UnitNormalization", {"axis": 1.0}, None),
    ("UnitNormalization", {"axis": 2}, (4, 6)),
    ("Embedding", {"input_dim": 0, "output_dim": 3}, None),
    ("Embedding", {"input_dim": 4, "output_dim": 3.0}, None),
    ("Embedding", {"input_dim": True, "output_dim": 3}, None),
    ("EinsumDense", {"equation": "ab->c", "output_shape": 3}, (4, 6)),
    ("EinsumDense", {"equation": "ab, bc->ac", "output_shape": 3}, (4, 6)),
    ("EinsumDense", {"equation": "a...,ab->b...", "output_shape": 3}, (4, 6)),
    ("EinsumDense", {"equation": "...ab,bc->ac", "output_shape": 3}, (4, 5, 6)),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "b"}, (4, 6)),
    ("EinsumDense", {"equation": "ab,bd->ac", "output_shape": 3}, (4, 6)),
    ("EinsumDense", {"equation": "ab,bcd->ac", "output_shape": 3}, (4, 6)),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 3}, (4, 5, 6)),
    ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": (4, 5)}, (4, 3, 6)),
    ("SpatialDropout1D", {"rate": 1.5}, None),
    ("GaussianNoise", {"stddev": -0.5}, None),
    ("GaussianDropout", {"rate": -0.1}, None),
    ("AlphaDropout", {"rate": 2}, None),
    ("Dropout", {"rate": 0.1, "noise_shape": "all"}, None),
    ("Dropout", {"rate": 0.1, "noise_shape": 3}, None),
    ("Dropout", {"rate": 0.1, "noise_shape": (None, 1.5)}, None),
    ("Dropout", {"rate": 0.1, "noise_shape": (None, 0)}, None),
]


@pytest.mark.parametrize(("name", "arguments", "shape"), ERRORS)
def test_errors(keras, name, arguments, shape):
    def use(library):
        layer = getattr(library.layers, name)(**arguments)
        layer(np.ones(shape, "float32"))

    with pytest.raises((ValueError, TypeError)) as theirs:
        use(keras)
    with pytest.raises(theirs.type, match=f"pynn.{name}: expected"):
        use(pynn)
