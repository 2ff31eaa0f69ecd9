"""Layers and models against Keras: outputs, gradients, configs both ways, summaries."""

import inspect
import json

import numpy as np
import pytest

import pynn

RNG = np.random.default_rng(0)
# name, arguments, shapes of the inputs
CASES = [
    ("Dense", {"units": 3}, [(4, 6)]),
    ("Dense", {"units": 3, "activation": "relu", "use_bias": False}, [(4, 6)]),
    ("Dense", {"units": 3, "activation": "sigmoid"}, [(4, 5, 6)]),
    ("Dense", {"units": 3, "activation": "tanh", "kernel_regularizer": "l2"}, [(2, 4, 5, 6)]),
    ("Dense", {"units": 3, "activation": "softmax", "activity_regularizer": "l1"}, [(4, 6)]),
    ("Dense", {"units": 3, "activation": "gelu", "bias_regularizer": "L1L2"}, [(4, 6)]),
    ("Dense", {"units": 3, "kernel_constraint": "max_norm"}, [(4, 6)]),
    ("Activation", {"activation": "elu"}, [(4, 6)]),
    ("ReLU", {}, [(4, 6)]),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.25, "threshold": 0.5}, [(4, 6)]),
    ("LeakyReLU", {"negative_slope": 0.25}, [(4, 6)]),
    ("Softmax", {}, [(4, 6)]),
    ("Softmax", {"axis": 1}, [(4, 5, 6)]),
    ("Dropout", {"rate": 0.5, "seed": 1}, [(4, 6)]),
    ("Flatten", {}, [(4, 2, 3)]),
    ("Flatten", {"data_format": "channels_first"}, [(4, 2, 3, 5)]),
    ("Reshape", {"target_shape": (3, -1)}, [(4, 6)]),
    ("Identity", {}, [(4, 6)]),
    ("Add", {}, [(4, 6), (4, 6), (4, 6)]),
    ("Add", {}, [(4, 5, 6), (4, 1, 6), (4, 6)]),
    ("Concatenate", {}, [(4, 6), (4, 3)]),
    ("Concatenate", {"axis": 1}, [(4, 2, 6), (4, 3, 6)]),
]


def data_for(shapes):
    arrays = [RNG.standard_normal(shape).astype("float32") for shape in shapes]
    return arrays[0] if len(arrays) == 1 else arrays


def plain(config):
    """A config as JSON holds it; Keras keeps the factors of regularizers in single precision."""
    return json.loads(json.dumps(config), parse_float=lambda text: round(float(text), 6))


@pytest.fixture(autouse=True)
def _fresh_names(keras):
    keras.utils.clear_session()
    pynn.utils.clear_session()


@pytest.mark.parametrize(("name", "arguments", "shapes"), CASES)
def test_layer(keras, name, arguments, shapes):
    theirs = getattr(keras.layers, name)(**arguments)
    ours = getattr(pynn.layers, name)(**arguments)
    assert plain(ours.get_config()) == plain(theirs.get_config())
    x = data_for(shapes)
    expected = np.asarray(theirs(x))
    ours(x)
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    ours.set_weights([RNG.standard_normal(w.shape) for w in ours.weights])
    theirs.set_weights(ours.get_weights())
    expected, result = np.asarray(theirs(x)), ours(x)
    np.testing.assert_allclose(result.numpy(), expected, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(
        [float(loss) for loss in ours.losses], [float(loss) for loss in theirs.losses], rtol=1e-5
    )
    assert plain(pynn.layers.serialize(ours)) == plain(keras.layers.serialize(theirs))


@pytest.mark.parametrize(("name", "arguments", "shapes"), CASES)
def test_symbolic_shapes(keras, name, arguments, shapes):
    specs = []
    for library in (keras, pynn):
        inputs = [library.Input(shape[1:]) for shape in shapes]
        layer = getattr(library.layers, name)(**arguments)
        output = layer(inputs if len(inputs) > 1 else inputs[0])
        specs.append((tuple(output.shape), output.dtype, output.name))
    assert specs[0][:2] == specs[1][:2]


@pytest.mark.parametrize("name", sorted(n for n in pynn.layers.__all__ if hasattr(pynn.layers, n)))
def test_signatures(keras, name):
    theirs, ours = getattr(keras.layers, name), getattr(pynn.layers, name)

    def parameters(function):
        return {
            (p.name, None if p.default is p.empty else p.default, p.kind)
            for p in inspect.signature(function).parameters.values()
        }

    if not inspect.isclass(ours):
        assert parameters(ours) == parameters(theirs)
    else:
        assert parameters(ours.__init__) == parameters(theirs.__init__)
        methods = [n for n in ("call", "build", "compute_output_shape") if n in vars(ours)]
        for method in set(methods) & set(vars(theirs)):
            assert parameters(getattr(ours, method)) == parameters(getattr(theirs, method)), method


# ---- models ---------------------------------------------------------------------------------


def branched(library):
    layers, ops = library.layers, library.ops
    a, b = library.Input((6,), name="a"), library.Input((2, 4), name="b", dtype="float32")
    shared = layers.Dense(5, activation="relu", name="shared", kernel_regularizer="l2")
    left = shared(a)
    right = shared(layers.Dense(6, name="widen")(layers.Flatten(name="flat")(b)))
    joined = layers.Concatenate(name="join")([left, right])
    scaled = ops.relu(joined) * 2.0 + ops.expand_dims(ops.mean(joined, axis=1), -1)
    score = layers.Dense(1, activation="sigmoid", name="score")(scaled[:, :7])
    total = layers.Add(name="total")([left, right])
    return library.Model({"a": a, "b": b}, {"score": score, "total": total}, name="branched")


def stacked(library):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((6,), name="x"),
            layers.Dense(5, activation="tanh"),
            layers.Dropout(0.5, seed=3),
            layers.Reshape((5, 1)),
            layers.Flatten(),
            layers.Dense(2, activation="softmax", bias_regularizer="l1"),
        ],
        name="stacked",
    )


def nested(library):
    x = library.Input((6,), name="x")
    y = library.layers.Dense(6, name="before")(x)
    return library.Model(x, library.layers.Dense(1, name="after")(stacked(library)(y)), name="top")


INPUTS = {
    branched: {"a": data_for([(4, 6)]), "b": data_for([(4, 2, 4)])},
    stacked: data_for([(4, 6)]),
    nested: data_for([(4, 6)]),
}


def by_name(config):
    """Layer entries by name, with what is known to differ taken out."""
    config = plain(config)
    for entry in config["layers"]:
        entry.pop("compile_config", None)  # of nested models; Keras writes defaults
        for node in entry.get("inbound_nodes", ()):
            node["kwargs"].pop("mask", None)  # Keras writes mask=None for nested models
        if entry["class_name"] in ("Functional", "Sequential"):
            entry["config"] = by_name(entry["config"])
    return config


def compare_outputs(ours, theirs, x):
    flat = pynn.tree.flatten(ours(x))
    expected = pynn.tree.flatten(
        {k: np.asarray(v) for k, v in out.items()}
        if isinstance(out := theirs(x), dict)
        else np.asarray(out)
    )
    for a, b in zip(flat, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), b, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("make", INPUTS)
def test_model(keras, make):
    theirs, ours = make(keras), make(pynn)
    assert [(w.path, tuple(w.shape)) for w in ours.weights] == [
        (w.path, tuple(w.shape)) for w in theirs.weights
    ]
    ours.set_weights(theirs.get_weights())
    compare_outputs(ours, theirs, INPUTS[make])
    assert by_name(ours.get_config()) == by_name(theirs.get_config())
    assert ours.count_params() == theirs.count_params()


@pytest.mark.parametrize("make", INPUTS)
def test_configs_travel_both_ways(keras, make):
    theirs, ours = make(keras), make(pynn)
    from_theirs = pynn.models.model_from_json(theirs.to_json())
    from_theirs.set_weights(theirs.get_weights())
    compare_outputs(from_theirs, theirs, INPUTS[make])
    from_ours = keras.models.model_from_json(ours.to_json())
    from_ours.set_weights(ours.get_weights())
    compare_outputs(ours, from_ours, INPUTS[make])


@pytest.mark.parametrize("make", INPUTS)
@pytest.mark.parametrize("options", [{}, {"expand_nested": True, "show_trainable": True}])
def test_summary(keras, make, options, monkeypatch):
    monkeypatch.setenv("COLUMNS", "180")  # Keras cuts its table off at the width of the terminal
    tables = []
    for library in (keras, pynn):
        lines = []
        make(library).summary(
            print_fn=lambda text, line_break=False, lines=lines: lines.append(text),
            line_length=180,
            **options,
        )
        text = "\n".join(lines)
        rows = [line.strip("│┃").replace("│", "┃").split("┃") for line in text.splitlines()]
        # Widths of columns are a matter of taste, and Keras writes (None) for (None,).
        words = [[cell.strip().replace(",)", ")") for cell in row] for row in rows]
        tables.append([row for row in words if len(row) > 1 or row[0].startswith("T")])
    assert tables[1] == tables[0]


def test_gradients_of_a_model(keras):
    import jax

    theirs, ours = branched(keras), branched(pynn)
    ours.set_weights(theirs.get_weights())
    x = INPUTS[branched]

    def loss(values):
        outputs, _ = theirs.stateless_call(values, [], x)
        return (outputs["score"] ** 2).sum() + (outputs["total"] ** 2).mean()

    expected = jax.grad(loss)([v.value for v in theirs.trainable_variables])
    with pynn.GradientTape() as tape:
        outputs = ours(x)
        value = pynn.ops.sum(outputs["score"] ** 2) + pynn.ops.mean(outputs["total"] ** 2)
    gradients = tape.gradient(value, ours.trainable_weights)
    for a, b in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=1e-4, atol=1e-6)
