"""Merging, reshaping, pooling, masking and wrapping layers against Keras."""

import json

import numpy as np
import pytest

import pynn

RNG = np.random.default_rng(0)
VECTORS, STEPS = (3, 6), (3, 5, 4)
IMAGES, VOLUMES = (2, 3, 4, 2), (2, 3, 2, 4, 2)
MERGED = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"]
FIRST = {"data_format": "channels_first"}
# name, arguments, shapes of the inputs
CASES = [
    *((name, {}, [STEPS, STEPS]) for name in MERGED),
    *((name, {}, [STEPS, (3, 1, 4)]) for name in MERGED),
    *((name, {}, [(3, 4), STEPS]) for name in MERGED),
    *((name, {}, [VECTORS] * 3) for name in MERGED if name != "Subtract"),
    *((name, {}, [(2, 3, 4, 5), (2, 5), (2, 4, 5)]) for name in ("Add", "Average", "Maximum")),
    ("Concatenate", {}, [STEPS, (3, 5, 2)]),
    ("Concatenate", {"axis": 1}, [STEPS, (3, 2, 4), STEPS]),
    ("Concatenate", {"axis": 2}, [(2, 3, 2, 4), (2, 3, 1, 4)]),
    ("Dot", {"axes": 1}, [VECTORS, VECTORS]),
    ("Dot", {"axes": -1, "normalize": True}, [VECTORS, VECTORS]),
    ("Dot", {"axes": (1, 2)}, [(3, 5, 2), (3, 4, 5)]),
    ("Dot", {"axes": (2, 1)}, [STEPS, (3, 4)]),
    ("Dot", {"axes": (1, 2)}, [(3, 4), STEPS]),
    ("Dot", {"axes": [-1, -1], "normalize": True}, [STEPS, STEPS]),
    ("Dot", {"axes": (3, 1)}, [(2, 3, 4, 5), (2, 5, 6, 2)]),
    ("Dot", {"axes": (2, 3)}, [(2, 3, 4, 5), (2, 6, 2, 4)]),
    ("Flatten", {}, [IMAGES]),
    ("Flatten", FIRST, [IMAGES]),
    ("Flatten", FIRST, [STEPS]),
    ("Reshape", {"target_shape": (2, -1)}, [VECTORS]),
    ("Permute", {"dims": (2, 1)}, [STEPS]),
    ("Permute", {"dims": [3, 1, 2]}, [IMAGES]),
    ("RepeatVector", {"n": 3}, [VECTORS]),
    ("Cropping1D", {}, [STEPS]),
    ("Cropping1D", {"cropping": 2}, [STEPS]),
    ("Cropping1D", {"cropping": (0, 3)}, [STEPS]),
    ("Cropping2D", {}, [IMAGES]),
    ("Cropping2D", {"cropping": 1}, [IMAGES]),
    ("Cropping2D", {"cropping": (1, 0)}, [IMAGES]),
    ("Cropping2D", {"cropping": ((0, 1), (2, 0)), **FIRST}, [(2, 2, 3, 4)]),
    ("Cropping3D", {"cropping": ((1, 0), (0, 1), (1, 1))}, [VOLUMES]),
    ("Cropping3D", {"cropping": (1, 0, 1)}, [VOLUMES]),
    ("Cropping3D", {"cropping": 1, **FIRST}, [(2, 2, 3, 4, 3)]),
    ("UpSampling1D", {}, [STEPS]),
    ("UpSampling1D", {"size": 3}, [STEPS]),
    ("UpSampling2D", {}, [IMAGES]),
    ("UpSampling2D", {"size": 3, **FIRST}, [IMAGES]),
    *(
        ("UpSampling2D", {"size": (2, 3), "interpolation": kind, **layout}, [IMAGES])
        for kind in ("bilinear", "bicubic", "lanczos3", "lanczos5", "NEAREST")
        for layout in ({}, FIRST)
    ),
    ("UpSampling3D", {}, [VOLUMES]),
    ("UpSampling3D", {"size": (1, 2, 3), **FIRST}, [VOLUMES]),
    ("ZeroPadding1D", {}, [STEPS]),
    ("ZeroPadding1D", {"padding": (0, 2), **FIRST}, [STEPS]),
    ("ZeroPadding2D", {}, [IMAGES]),
    ("ZeroPadding2D", {"padding": (0, 2)}, [IMAGES]),
    ("ZeroPadding2D", {"padding": ((1, 0), (0, 3)), **FIRST}, [IMAGES]),
    ("ZeroPadding3D", {}, [VOLUMES]),
    ("ZeroPadding3D", {"padding": 2, **FIRST}, [VOLUMES]),
    ("ZeroPadding3D", {"padding": ((1, 0), (0, 3), (2, 1))}, [VOLUMES]),
    *(
        (name, {"keepdims": keepdims, **layout}, [STEPS])
        for name in ("GlobalAveragePooling1D", "GlobalMaxPooling1D")
        for keepdims in (False, True)
        for layout in ({}, FIRST)
    ),
    ("Masking", {}, [STEPS]),
    ("Masking", {"mask_value": -1.0}, [(2, 3, 2, 4)]),
]
WRAPPED = {
    "Dense": (lambda k: k.layers.Dense(3, activation="tanh", name="inner"), STEPS),
    "Softmax": (lambda k: k.layers.Softmax(name="inner"), STEPS),
    "Flatten": (lambda k: k.layers.Flatten(name="inner"), IMAGES),
    "UpSampling1D": (lambda k: k.layers.UpSampling1D(name="inner"), IMAGES),
    "nested": (
        lambda k: k.layers.TimeDistributed(k.layers.Dense(2, name="innermost"), name="inner"),
        IMAGES,
    ),
    "Sequential": (
        lambda k: k.Sequential(
            [k.layers.Dense(3, name="a"), k.layers.ReLU(name="b")], name="inner"
        ),
        STEPS,
    ),
}
CASES += [("TimeDistributed", {"layer": kind}, [shape]) for kind, (_, shape) in WRAPPED.items()]


@pytest.fixture(autouse=True)
def _fresh_names(keras):
    keras.utils.clear_session()
    pynn.utils.clear_session()


def make(library, name, arguments):
    if name == "TimeDistributed":
        arguments = {"layer": WRAPPED[arguments["layer"]][0](library)}
    return getattr(library.layers, name)(**arguments)


def data_for(shapes):
    arrays = [RNG.standard_normal(shape).astype("float32") for shape in shapes]
    return arrays[0] if len(arrays) == 1 else arrays


def plain(config):
    """A config as JSON holds it."""
    return json.loads(json.dumps(config))


def pair_of_layers(keras, name, arguments, x):
    """The same layer of both libraries, built, with the same weights."""
    ours, theirs = make(pynn, name, arguments), make(keras, name, arguments)
    ours(x), theirs(x)
    theirs.set_weights(ours.get_weights())
    return ours, theirs


@pytest.mark.parametrize(("name", "arguments", "shapes"), CASES)
def test_outputs_and_configs(keras, name, arguments, shapes):
    x = data_for(shapes)
    ours, theirs = pair_of_layers(keras, name, arguments, x)
    expected = np.asarray(theirs(x))
    np.testing.assert_allclose(ours(x).numpy(), expected, rtol=2e-6, atol=2e-6)
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    ours_config, theirs_config = (
        plain(library.layers.serialize(layer)) for library, layer in ((pynn, ours), (keras, theirs))
    )
    if arguments.get("layer") != "Sequential":  # Keras adds defaults of compile()
        assert ours_config == theirs_config
    for library, config in ((pynn, theirs_config), (keras, ours_config)):
        copy = library.layers.deserialize(config)
        copy(x)
        copy.set_weights(ours.get_weights())
        np.testing.assert_allclose(np.asarray(copy(x)), expected, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize(("name", "arguments", "shapes"), CASES)
def test_symbolic_shapes(keras, name, arguments, shapes):
    specs = []
    for library in (keras, pynn):
        inputs = [library.Input(shape[1:]) for shape in shapes]
        layer = make(library, name, arguments)
        output = layer(inputs if len(inputs) > 1 else inputs[0])
        specs.append((tuple(output.shape), output.dtype))
    assert specs[0] == specs[1]


@pytest.mark.parametrize(
    ("name", "arguments", "rank"),
    [(n, a, len(shapes[0])) for n, a, shapes in CASES if shapes in ([STEPS], [IMAGES])],
)
def test_unknown_sizes(keras, name, arguments, rank):
    """All sizes but those of the features."""
    first = arguments.get("data_format") == "channels_first"
    sizes = (2, *(None,) * (rank - 2)) if first else (*(None,) * (rank - 2), 2)
    specs = [
        tuple(make(library, name, arguments)(library.Input(sizes)).shape)
        for library in (keras, pynn)
    ]
    assert specs[0] == specs[1]


# One case of each class and of each way to interpolate: JAX takes its time.
ONE_EACH = {
    (name, arguments.get("interpolation")): i for i, (name, arguments, _) in enumerate(CASES)
}


@pytest.mark.parametrize(("name", "arguments", "shapes"), [CASES[i] for i in ONE_EACH.values()])
def test_gradients_of_inputs(keras, name, arguments, shapes):
    import jax

    x = data_for(shapes)
    ours, theirs = pair_of_layers(keras, name, arguments, x)
    direction = RNG.standard_normal(ours(x).shape).astype("float32")

    def loss(x):
        values = [v.value for v in theirs.variables]
        return (theirs.stateless_call(values, [], x)[0] * direction).sum()

    expected = jax.tree.leaves(jax.grad(loss)(x))
    tensors = pynn.tree.map_structure(pynn.ops.array, x)
    with pynn.GradientTape() as tape:
        tape.watch(tensors)
        value = pynn.ops.sum(ours(tensors) * direction)
    gradients = pynn.tree.flatten(tape.gradient(value, tensors))
    for a, b in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=1e-5, atol=2e-6)


TRAINED = [
    ("Multiply", {}, [VECTORS, VECTORS]),
    ("Maximum", {}, [STEPS, (3, 4)]),
    ("Dot", {"axes": (2, 1), "normalize": True}, [STEPS, (3, 4)]),
    ("Permute", {"dims": (2, 1)}, [STEPS]),
    ("UpSampling2D", {"interpolation": "bilinear"}, [IMAGES]),
    ("ZeroPadding1D", {}, [STEPS]),
    ("GlobalAveragePooling1D", {}, [STEPS]),
    ("GlobalMaxPooling1D", {}, [STEPS]),
    ("TimeDistributed", {"layer": "Dense"}, [STEPS]),
    ("TimeDistributed", {"layer": "nested"}, [IMAGES]),
]


@pytest.mark.parametrize(("name", "arguments", "shapes"), TRAINED)
def test_three_training_steps(keras, name, arguments, shapes):
    models = []
    for library in (pynn, keras):
        inputs = [library.Input(shape[1:]) for shape in shapes]
        hidden = [
            library.layers.Dense(shape[-1], activation="tanh")(i)
            for i, shape in zip(inputs, shapes, strict=True)
        ]
        hidden = make(library, name, arguments)(hidden if len(hidden) > 1 else hidden[0])
        outputs = library.layers.Dense(2)(library.layers.Flatten()(hidden))
        model = library.Model(inputs, outputs)
        model.compile(optimizer=library.optimizers.SGD(0.1, momentum=0.9), loss="mse")
        models.append(model)
    ours, theirs = models
    ours.set_weights(theirs.get_weights())
    for _ in range(3):
        x = data_for(shapes)
        y = RNG.standard_normal((shapes[0][0], 2)).astype("float32")
        losses = [float(model.train_on_batch(x, y)) for model in models]
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


# ---- masks ----------------------------------------------------------------------------------

PADDED = [RNG.standard_normal(STEPS).astype("float32") for _ in range(3)]
PADDED[0][:, 3:], PADDED[1][:, :2], PADDED[2][:, 2] = 0, 0, 0


def masked_inputs(library, masked):
    """Inputs of which those named in `masked` come from a Masking layer."""
    return [
        library.layers.Masking()(x) if i in masked else library.ops.array(x)
        for i, x in enumerate(PADDED)
    ]


def mask_of(x):
    mask = getattr(x, "_keras_mask", None)
    return None if mask is None else np.asarray(mask).tolist()


@pytest.mark.parametrize("masked", [(), (0,), (1, 2), (0, 1, 2)])
@pytest.mark.parametrize("name", [*MERGED, "Concatenate", "Concatenate-1", "Dot"])
def test_masks_of_merging_layers(keras, name, masked):
    outputs = []
    for library in (keras, pynn):
        inputs = masked_inputs(library, masked)
        if name in ("Subtract", "Dot"):
            inputs = inputs[:2]
        arguments = {"Concatenate-1": {"axis": 1}, "Dot": {"axes": 2}}.get(name, {})
        outputs.append(getattr(library.layers, name.partition("-")[0])(**arguments)(inputs))
    np.testing.assert_allclose(np.asarray(outputs[1]), np.asarray(outputs[0]), rtol=1e-6, atol=1e-6)
    assert mask_of(outputs[1]) == mask_of(outputs[0])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("GlobalAveragePooling1D", {}),
        ("GlobalAveragePooling1D", {"keepdims": True}),
        ("TimeDistributed", {"layer": "Dense"}),
    ],
)
def test_masks_of_other_layers(keras, name, arguments):
    x = PADDED[0]
    ours, theirs = pair_of_layers(keras, name, arguments, x)
    results = [layer(masked_inputs(lib, (0,))[0]) for lib, layer in ((pynn, ours), (keras, theirs))]
    np.testing.assert_allclose(np.asarray(results[0]), np.asarray(results[1]), rtol=1e-6, atol=1e-6)
    assert mask_of(results[0]) == mask_of(results[1])


def test_time_distributed_hands_on_the_mask_of_each_step(keras):
    x, mask = PADDED[0], RNG.random(STEPS) < 0.7
    ours, theirs = pair_of_layers(keras, "TimeDistributed", {"layer": "Softmax"}, x)
    results = [layer(x, mask=mask) for layer in (ours, theirs)]
    np.testing.assert_allclose(np.asarray(results[0]), np.asarray(results[1]), rtol=1e-6, atol=1e-6)


def test_average_of_sequences_with_channels_first(keras):
    mask = np.array([[True, False, True, True], [False, True, False, False], [True] * 4])
    results = [
        np.asarray(
            library.layers.GlobalAveragePooling1D("channels_first")(
                library.ops.array(PADDED[0]), mask=library.ops.array(mask)
            )
        )
        for library in (pynn, keras)
    ]
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)


@pytest.mark.parametrize("value", [0.0, 2.5])
def test_masking(keras, value):
    x = PADDED[0] + np.float32(value)
    results = [library.layers.Masking(value)(x) for library in (pynn, keras)]
    np.testing.assert_array_equal(results[0].numpy(), np.asarray(results[1]))
    assert mask_of(results[0]) == mask_of(results[1])


# ---- Lambda ---------------------------------------------------------------------------------


def with_all(inputs, factor, mask=None, training=None):
    """Uses everything that a Lambda layer hands on."""
    if mask is not None:
        inputs = inputs[:, :3]
    return inputs * (factor if training else -factor)


@pytest.mark.parametrize("training", [None, False, True])
@pytest.mark.parametrize("masked", [(), (0,)])
def test_lambda(keras, training, masked):
    results = []
    for library in (pynn, keras):
        layer = library.layers.Lambda(
            with_all, mask=lambda inputs, mask: mask, arguments={"factor": 2.0}
        )
        results.append(layer(masked_inputs(library, masked)[0], training=training))
    np.testing.assert_array_equal(results[0].numpy(), np.asarray(results[1]))
    assert mask_of(results[0]) == mask_of(results[1])


@pytest.mark.parametrize("output_shape", [None, (3,), lambda shape: (*shape[:-1], 7)])
def test_shapes_of_lambda(keras, output_shape):
    shapes = [
        tuple(library.layers.Lambda(lambda x: x * 2, output_shape)(library.Input((4,))).shape)
        for library in (pynn, keras)
    ]
    assert shapes[0] == shapes[1]


def test_configs_of_lambda_travel(keras):
    ours = pynn.layers.Lambda(with_all, (5, 4), arguments={"factor": 3.0}, name="scaled")
    theirs = keras.layers.Lambda(with_all, (5, 4), arguments={"factor": 3.0}, name="scaled")
    known = {"with_all": with_all}
    for library, config in ((pynn, theirs.get_config()), (keras, ours.get_config())):
        layer = library.layers.Lambda.from_config(plain(config), custom_objects=known)
        assert tuple(layer(library.Input((5, 4))).shape) == (None, 5, 4)
        np.testing.assert_array_equal(np.asarray(layer(PADDED[0])), -3 * PADDED[0])


def test_code_in_a_config_of_keras_is_refused(keras):
    config = plain(keras.layers.Lambda(lambda x: x + 1).get_config())
    with pytest.raises(ValueError, match=r"pynn.Lambda: expected function by name"):
        pynn.layers.Lambda.from_config(config)


# ---- mistakes -------------------------------------------------------------------------------

ONES = np.ones(STEPS, "float32")
MISTAKES = [
    lambda k: k.layers.Add()(ONES),
    lambda k: k.layers.Add()([ONES, ONES[:, :2]]),
    lambda k: k.layers.Add()([ONES, ONES[:1]]),
    lambda k: k.layers.Add().compute_mask([ONES], [None, None]),
    lambda k: k.layers.Add().compute_mask([ONES], ONES),
    lambda k: k.layers.Subtract()([ONES]),
    lambda k: k.layers.Subtract()([ONES] * 3),
    lambda k: k.layers.Concatenate()([ONES, ONES[:, :2]]),
    lambda k: k.layers.Concatenate()([ONES, ONES[:, 0]]),
    lambda k: k.layers.Dot("1"),
    lambda k: k.layers.Dot((1, 2, 3)),
    lambda k: k.layers.Dot((1, 2.0)),
    lambda k: k.layers.Dot(0)([ONES, ONES]),
    lambda k: k.layers.Dot((1, 2))([ONES, ONES]),
    lambda k: k.layers.Dot(1)([ONES] * 3),
    lambda k: k.layers.Permute((1, 3)),
    lambda k: k.layers.Permute((2, 1))(ONES[0]),
    lambda k: k.layers.RepeatVector(2.0),
    lambda k: k.layers.RepeatVector(0),
    lambda k: k.layers.RepeatVector(2)(ONES),
    lambda k: k.layers.Cropping1D(-1),
    lambda k: k.layers.Cropping1D((1, 2, 3)),
    lambda k: k.layers.Cropping1D(3)(ONES),
    lambda k: k.layers.Cropping1D(3)(k.Input((5, 4))),
    lambda k: k.layers.Cropping2D(-1),
    lambda k: k.layers.Cropping2D("1"),
    lambda k: k.layers.Cropping2D((1, 2, 3)),
    lambda k: k.layers.Cropping2D(1, data_format="last"),
    lambda k: k.layers.Cropping3D((1, 2)),
    lambda k: k.layers.Cropping3D(1)(np.ones((1, 2, 3, 3, 1))),
    lambda k: k.layers.UpSampling1D(1.5),
    lambda k: k.layers.UpSampling1D(0),
    lambda k: k.layers.UpSampling2D((1, 2, 3)),
    lambda k: k.layers.UpSampling2D(0),
    lambda k: k.layers.UpSampling3D((1, -2, 3)),
    lambda k: k.layers.ZeroPadding1D((1, -1)),
    lambda k: k.layers.ZeroPadding2D((1, 2, 3)),
    lambda k: k.layers.ZeroPadding3D(1.5),
    lambda k: k.layers.GlobalAveragePooling1D()(ONES[0]),
    lambda k: k.layers.GlobalMaxPooling1D("middle"),
    lambda k: k.layers.Wrapper(3),
    lambda k: k.layers.TimeDistributed("dense"),
    lambda k: k.layers.TimeDistributed(k.layers.Dense(2))(ONES[0]),
    lambda k: k.layers.TimeDistributed(k.layers.Dense(2))(ONES, mask=k.ops.ones((3, 4), "bool")),
    lambda k: k.layers.TimeDistributed(k.layers.Dense(2))(ONES, mask=k.ops.ones((3,), "bool")),
    lambda k: k.layers.Lambda(lambda x: x.nothing)(k.Input((3,))),
]


@pytest.mark.parametrize("mistake", range(len(MISTAKES)))
def test_errors_are_of_the_same_type(keras, mistake):
    errors = []
    for library in (keras, pynn):
        with pytest.raises((ValueError, TypeError, NotImplementedError, AttributeError)) as caught:
            MISTAKES[mistake](library)
        errors.append(caught.type)
    assert errors[0] is errors[1]
