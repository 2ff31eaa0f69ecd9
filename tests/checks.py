"""What must hold for every layer: one list of cases, one function per contract.

A new layer needs a row in `CASES`; `test_layers.py` fails for a public layer without one.
"""

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import pynn
from pynn import _core, layers


@dataclass
class Case:
    """A layer to check: how to make it, what to feed it, and how it differs from the rest."""

    make: Any
    shape: Any = (4, 6)  # of the input, batch axis included; a list of shapes for a list of inputs
    weights: tuple[str, ...] = ()
    training: bool = False  # whether it behaves differently in training
    inner: str = ""  # name of the layer inside that the weights belong to
    id: str = field(default="")
    indices: int = 0  # inputs are integers below this bound, if it is given

    def inputs(self, seed=0, batch=None):
        """Inputs of the case, without values near a kink of a piecewise function."""
        rng = np.random.default_rng(seed)

        def one(shape):
            shape = (batch or shape[0], *shape[1:])
            if self.indices:
                return rng.integers(0, self.indices, shape, "int32")
            return (rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape)).astype("float32")

        return [one(s) for s in self.shape] if isinstance(self.shape, list) else one(self.shape)

    def symbolic(self):
        """Symbolic inputs whose batch size is not known."""

        def one(shape):
            return pynn.Input(shape[1:], dtype="int32" if self.indices else None)

        return [one(s) for s in self.shape] if isinstance(self.shape, list) else one(self.shape)


def make(name, *args, **kwargs):
    return lambda: getattr(layers, name)(*args, **kwargs)


PAIR = [(4, 6), (4, 6)]
BATCH = ("gamma", "beta", "moving_mean", "moving_variance")
CASES = [
    Case(make("Dense", 3), weights=("kernel", "bias"), id="Dense"),
    Case(make("Dense", 3, activation="relu"), weights=("kernel", "bias"), id="Dense-relu"),
    Case(make("Dense", 3, activation="sigmoid"), weights=("kernel", "bias"), id="Dense-sigmoid"),
    Case(make("Dense", 3, activation="gelu"), weights=("kernel", "bias"), id="Dense-gelu"),
    Case(make("Dense", 3, use_bias=False), weights=("kernel",), id="Dense-no-bias"),
    Case(make("Dense", 3), shape=(4, 5, 6), weights=("kernel", "bias"), id="Dense-3d"),
    Case(
        make("Dense", 3, kernel_regularizer="l2", bias_regularizer="l1", activity_regularizer="l2"),
        weights=("kernel", "bias"),
        id="Dense-regularized",
    ),
    Case(
        make("Dense", 3, kernel_constraint="non_neg", bias_initializer="ones"),
        weights=("kernel", "bias"),
        id="Dense-constrained",
    ),
    Case(
        make("EinsumDense", "abc,cde->abde", (None, 3, 2), bias_axes="de", activation="tanh"),
        shape=(4, 5, 6),
        weights=("kernel", "bias"),
        id="EinsumDense",
    ),
    Case(
        make("EinsumDense", "...x,xy->...y", 3, kernel_regularizer="l2"),
        shape=(4, 2, 5, 6),
        weights=("kernel",),
        id="EinsumDense-ellipsis",
    ),
    Case(make("Embedding", 9, 3), indices=9, weights=("embeddings",), id="Embedding"),
    Case(
        make("Embedding", 9, 3, embeddings_regularizer="l2", embeddings_constraint="unit_norm"),
        shape=(4, 2, 3),
        indices=9,
        weights=("embeddings",),
        id="Embedding-2d",
    ),
    Case(make("Activation", "tanh"), id="Activation"),
    Case(make("ReLU"), id="ReLU"),
    Case(make("ReLU", max_value=1.0, negative_slope=0.1, threshold=0.25), id="ReLU-all"),
    Case(make("LeakyReLU", 0.2), id="LeakyReLU"),
    Case(make("ELU", alpha=0.5), id="ELU"),
    Case(make("PReLU", alpha_initializer="ones"), weights=("alpha",), id="PReLU"),
    Case(
        make("PReLU", shared_axes=[1], alpha_regularizer="l2", alpha_constraint="non_neg"),
        shape=(4, 5, 6),
        weights=("alpha",),
        id="PReLU-shared",
    ),
    Case(make("Softmax"), id="Softmax"),
    Case(make("Softmax", axis=(1, 2)), shape=(4, 5, 6), id="Softmax-axes"),
    Case(make("Dropout", 0.5, seed=3), training=True, id="Dropout"),
    Case(
        make("Dropout", 0.5, noise_shape=(None, 1, 6), seed=3),
        shape=(4, 5, 6),
        training=True,
        id="Dropout-noise-shape",
    ),
    Case(make("Dropout", 0.0), id="Dropout-0"),
    Case(make("SpatialDropout1D", 0.5, seed=3), (4, 5, 6), training=True, id="SpatialDropout1D"),
    Case(make("SpatialDropout2D", 0.5, seed=3), (4, 3, 2, 6), training=True, id="SpatialDropout2D"),
    Case(
        make("SpatialDropout3D", 0.5, "channels_first", seed=3),
        shape=(4, 6, 3, 2, 2),
        training=True,
        id="SpatialDropout3D",
    ),
    Case(make("GaussianNoise", 0.5, seed=3), training=True, id="GaussianNoise"),
    Case(make("GaussianDropout", 0.1, seed=7), training=True, id="GaussianDropout"),
    Case(make("AlphaDropout", 0.5, seed=3), training=True, id="AlphaDropout"),
    Case(
        make("AlphaDropout", 0.5, noise_shape=(None, 1, 6), seed=3),
        shape=(4, 5, 6),
        training=True,
        id="AlphaDropout-noise-shape",
    ),
    Case(make("ActivityRegularization", l1=0.01, l2=0.01), id="ActivityRegularization"),
    Case(make("BatchNormalization"), weights=BATCH, training=True, id="BatchNormalization"),
    Case(
        make("BatchNormalization", axis=1, center=False, momentum=0.5, gamma_regularizer="l2"),
        shape=(4, 6, 5),
        weights=("gamma", "moving_mean", "moving_variance"),
        training=True,
        id="BatchNormalization-axis",
    ),
    Case(
        make("BatchNormalization", renorm=True, renorm_clipping={"rmax": 2.0, "dmax": 1.0}),
        weights=(*BATCH, "moving_stddev", "renorm_mean", "renorm_stddev"),
        training=True,
        id="BatchNormalization-renorm",
    ),
    Case(make("LayerNormalization"), weights=("gamma", "beta"), id="LayerNormalization"),
    Case(
        make("LayerNormalization", axis=(1, 2), scale=False, beta_constraint="unit_norm"),
        shape=(4, 5, 6),
        weights=("beta",),
        id="LayerNormalization-axes",
    ),
    Case(
        make("LayerNormalization", axis=1),
        shape=(4, 5, 6),
        weights=("gamma", "beta"),
        id="LayerNormalization-axis",
    ),
    Case(make("GroupNormalization", 3), weights=("gamma", "beta"), id="GroupNormalization"),
    Case(
        make("GroupNormalization", 2),
        shape=(4, 5, 6),
        weights=("gamma", "beta"),
        id="GroupNormalization-last",
    ),
    Case(
        make("GroupNormalization", -1, axis=1, center=False),
        shape=(4, 6, 5),
        weights=("gamma",),
        id="GroupNormalization-first",
    ),
    Case(make("RMSNormalization"), weights=("scale",), id="RMSNormalization"),
    Case(
        make("RMSNormalization", axis=1),
        shape=(4, 5, 6),
        weights=("scale",),
        id="RMSNormalization-axis",
    ),
    Case(make("UnitNormalization"), id="UnitNormalization"),
    Case(make("UnitNormalization", axis=(1, 2)), shape=(4, 5, 6), id="UnitNormalization-axes"),
    Case(make("Flatten"), shape=(4, 2, 3, 5), id="Flatten"),
    Case(make("Flatten", data_format="channels_first"), shape=(4, 2, 3, 5), id="Flatten-first"),
    Case(make("Flatten"), shape=(4,), id="Flatten-1d"),
    Case(make("Reshape", (3, 2)), id="Reshape"),
    Case(make("Reshape", (-1, 3)), id="Reshape-free"),
    Case(make("Identity"), id="Identity"),
    Case(make("Add"), shape=PAIR, id="Add"),
    Case(make("Add"), shape=[(4, 5, 6), (4, 1, 6), (4, 6)], id="Add-broadcast"),
    Case(make("Concatenate"), shape=[(4, 6), (4, 3)], id="Concatenate"),
    Case(make("Concatenate", axis=1), shape=[(4, 2, 6), (4, 3, 6)], id="Concatenate-axis"),
    *(
        Case(make(name), shape=shapes, id=f"{name}{kind}")
        for name in ("Subtract", "Multiply", "Average", "Maximum", "Minimum")
        for kind, shapes in (("", PAIR), ("-broadcast", [(4, 5, 6), (4, 6)]))
    ),
    Case(make("Dot", axes=1), shape=PAIR, id="Dot"),
    Case(make("Dot", axes=(1, 2)), shape=[(4, 5, 2), (4, 3, 5)], id="Dot-axes"),
    Case(make("Dot", axes=-1, normalize=True), shape=[(4, 3, 5), (4, 2, 5)], id="Dot-normalize"),
    Case(make("Permute", (2, 3, 1)), shape=(4, 2, 3, 5), id="Permute"),
    Case(make("RepeatVector", 3), id="RepeatVector"),
    Case(make("Cropping1D", (1, 2)), shape=(4, 5, 6), id="Cropping1D"),
    Case(make("Cropping2D", ((1, 0), (0, 1))), shape=(4, 3, 3, 2), id="Cropping2D"),
    Case(make("Cropping2D", 1, "channels_first"), shape=(4, 2, 4, 3), id="Cropping2D-first"),
    Case(make("Cropping3D", (0, 1, 1)), shape=(4, 2, 3, 4, 2), id="Cropping3D"),
    Case(make("UpSampling1D", 3), shape=(4, 2, 6), id="UpSampling1D"),
    Case(make("UpSampling2D"), shape=(4, 2, 3, 2), id="UpSampling2D"),
    Case(
        make("UpSampling2D", (1, 3), "channels_first", "bilinear"),
        shape=(4, 2, 2, 3),
        id="UpSampling2D-bilinear",
    ),
    Case(make("UpSampling3D", (1, 2, 3)), shape=(4, 2, 2, 2, 2), id="UpSampling3D"),
    Case(make("ZeroPadding1D", (0, 2)), shape=(4, 3, 6), id="ZeroPadding1D"),
    Case(make("ZeroPadding2D", ((1, 0), (0, 2))), shape=(4, 2, 3, 2), id="ZeroPadding2D"),
    Case(make("ZeroPadding3D", 1, "channels_first"), shape=(4, 2, 2, 2, 2), id="ZeroPadding3D"),
    Case(make("GlobalAveragePooling1D"), shape=(4, 5, 6), id="GlobalAveragePooling1D"),
    Case(
        make("GlobalAveragePooling1D", "channels_first", keepdims=True),
        shape=(4, 5, 6),
        id="GlobalAveragePooling1D-first",
    ),
    Case(make("GlobalMaxPooling1D"), shape=(4, 5, 6), id="GlobalMaxPooling1D"),
    Case(
        make("GlobalMaxPooling1D", "channels_first", keepdims=True),
        shape=(4, 5, 6),
        id="GlobalMaxPooling1D-first",
    ),
    Case(make("Lambda", pynn.activations.tanh), id="Lambda"),
    Case(
        lambda: layers.TimeDistributed(layers.Dense(3)),
        shape=(4, 5, 6),
        weights=("kernel", "bias"),
        inner="dense",
        id="TimeDistributed",
    ),
    Case(
        lambda: layers.TimeDistributed(layers.Softmax()), shape=(4, 5, 6), id="TimeDistributed-loop"
    ),
    Case(
        lambda: layers.SpectralNormalization(layers.Dense(3)),
        weights=("kernel", "vector_u", "bias"),
        training=True,
        inner="dense",
        id="SpectralNormalization",
    ),
    Case(make("Masking"), shape=(4, 5, 6), id="Masking"),
]
# What Flatten says behind a layer that makes a mask.
MASK_ENDS = "pynn.Flatten .* the mask of the input ends here"
# Not layers that map tensors to tensors.
EXEMPT = {
    "Layer": "the base class",
    "InputLayer": "the start of a graph",
    "Wrapper": "the base class of wrappers",
}


def check_build(case):
    """Not built before the first call, built after it; weights named and ordered as stated."""
    layer = case.make()
    layer(case.inputs())
    assert layer.built
    assert [w.name for w in layer.weights] == list(case.weights)
    owners = (layer.name, f"{layer.name}/{case.inner}")
    assert all(w.path in {f"{owner}/{w.name}" for owner in owners} for w in layer.weights)
    assert not case.inner or layer.layer.kernel.path == f"{owners[1]}/kernel"
    assert layer.count_params() == sum(w.numpy().size for w in layer.weights)


def check_static_shape(case):
    """The shape that is promised is the shape that comes, for known and unknown batch sizes."""
    layer, x = case.make(), case.inputs()
    actual = layer(x)
    shapes = [a.shape for a in x] if isinstance(x, list) else x.shape
    assert tuple(layer.compute_output_shape(shapes)) == actual.shape
    static = case.make()(case.symbolic())
    assert static.shape == (None, *actual.shape[1:])
    assert static.dtype == actual.dtype == "float32"


def check_batch_sizes(case):
    """Rows do not depend on each other: the first rows of a batch give the first outputs."""
    layer = case.make()
    x = case.inputs(batch=7)
    head = [a[:2] for a in x] if isinstance(x, list) else x[:2]
    np.testing.assert_allclose(layer(x).numpy()[:2], layer(head).numpy(), rtol=1e-6, atol=1e-6)
    empty = [a[:0] for a in x] if isinstance(x, list) else x[:0]
    assert layer(empty).shape[0] == 0


def check_eager_equals_traced(case):
    """A traced call gives the bits of an eager one, in training as well."""
    for training in (False, True) if case.training else (None,):
        kwargs = {} if training is None else {"training": training}
        layer, x = case.make(), case.inputs()
        layer(x)
        flat = x if isinstance(x, list) else [x]
        before = [v.numpy().copy() for v in layer.variables]
        with _core.Trace() as trace:
            inputs = [trace.input(a.shape, str(a.dtype)) for a in flat]
            output = layer(inputs if isinstance(x, list) else inputs[0], **kwargs)
            executable = trace.finish([output])
        traced = executable.run(flat)[0].numpy()
        for variable, value in zip(layer.variables, before, strict=True):
            variable.assign(value)
        np.testing.assert_array_equal(layer(x, **kwargs).numpy(), traced)


def check_gradients(case):
    """Every weight has a gradient, equal to a finite difference in a random direction."""
    layer, x = case.make(), case.inputs()
    layer(x)
    weights = layer.trainable_weights

    def loss():
        return pynn.ops.sum(pynn.ops.square(layer(x)))

    with _core.Tape() as tape:
        value = loss()
    gradients = tape.gradient(value, weights)
    rng, step = np.random.default_rng(1), 1e-3
    for weight, gradient in zip(weights, gradients, strict=True):
        assert gradient is not None, f"no gradient reaches {weight.path}"
        original = weight.numpy().copy()
        direction = rng.standard_normal(original.shape).astype("float32")
        weight.assign(original + step * direction)
        above = float(loss())
        weight.assign(original - step * direction)
        below = float(loss())
        weight.assign(original)
        expected = (above - below) / (2 * step)
        found = float((gradient.numpy() * direction).sum())
        np.testing.assert_allclose(found, expected, rtol=2e-2, atol=2e-2)


def check_config(case):
    """A layer comes back from its config with the same config, weights and outputs."""
    layer, x = case.make(), case.inputs()
    expected = layer(x).numpy()
    config = layer.get_config()
    copy = type(layer).from_config(config)
    assert copy.get_config() == config
    serialized = layers.serialize(layer)
    restored = layers.deserialize(serialized)
    assert layers.serialize(restored) == serialized
    assert restored.built == layer.built
    restored.set_weights(layer.get_weights())
    np.testing.assert_array_equal(restored(x).numpy(), expected)


def check_own_variables(case):
    """What `save_own_variables` writes, `load_own_variables` reads."""
    layer, other, x = case.make(), case.make(), case.inputs()
    expected = layer(x).numpy()
    other(x)
    for part, twin in zip(layer._flatten_layers(), other._flatten_layers(), strict=True):
        store = {}
        part.save_own_variables(store)
        twin.load_own_variables(store)
    np.testing.assert_array_equal(other(x).numpy(), expected)


def check_trains(case):
    """A model of the layer and a Dense on top learns something in a few steps."""
    inputs = case.symbolic()
    x = case.inputs(batch=16)
    y = np.linspace(-1, 1, 16, dtype="float32")[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", MASK_ENDS)
        hidden = layers.Flatten()(case.make()(inputs))
        model = pynn.Model(inputs, layers.Dense(1)(hidden))
        model.compile(optimizer="sgd", loss="mse")
        history = model.fit(x, y, batch_size=8, epochs=3, verbose=0).history["loss"]
    assert np.all(np.isfinite(history))
    assert history[-1] < history[0]


def check_dtypes(case):
    """float64 layers compute in float64; float32 layers take float64 data."""
    layer = case.make()
    x = case.inputs()
    wide = [a.astype("float64") for a in x] if isinstance(x, list) else x.astype("float64")
    assert layer(wide).dtype == "float32"
    config = {**layer.get_config(), "dtype": "float64", "name": None}
    double = type(layer).from_config(config)
    assert double(x).dtype == "float64"
    # A layer inside has a dtype of its own.
    assert all(w.dtype == "float64" for w in double.weights) or case.inner


CHECKS = [
    check_build,
    check_static_shape,
    check_batch_sizes,
    check_eager_equals_traced,
    check_gradients,
    check_config,
    check_own_variables,
    check_trains,
    check_dtypes,
]
