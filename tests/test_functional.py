"""Symbolic tensors, graphs of operations, and models made from them."""

import gc
import weakref

import numpy as np
import pytest

import pynn
from pynn import layers, ops
from pynn.shape_inference import compute_output_spec


@pytest.fixture(autouse=True)
def _fresh_names():
    pynn.utils.clear_session()
    pynn.utils.set_random_seed(1)


def ones(*shape):
    return np.ones(shape, "float32")


# ---- symbolic tensors -----------------------------------------------------------------------


def test_symbolic_tensor():
    x = pynn.Input((3, None), batch_size=4, dtype="int32", name="tokens")
    assert (x.shape, x.dtype, x.ndim, x.name) == ((4, 3, None), "int32", 3, "tokens")
    assert repr(x) == "<KerasTensor shape=(4, 3, None), dtype=int32, name=tokens>"


@pytest.mark.parametrize("use", [bool, float, int, len, iter, np.asarray], ids=lambda f: f.__name__)
def test_symbolic_tensors_have_no_values(use):
    with pytest.raises(TypeError, match="expected a tensor with data"):
        use(pynn.Input((3,)))


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: x + 1,
        lambda x: 2 - x,
        lambda x: x * x,
        lambda x: 1 / (x + 3),
        lambda x: x**2,
        lambda x: x @ ops.transpose(x),
        lambda x: -x,
        lambda x: abs(x - 1),
        lambda x: ops.cast((x > 0.5) & ~(x >= 2), "float32"),
        lambda x: ops.cast((x < 0.5) | (x <= 0), "float32"),
        lambda x: x[:, 1:],
        lambda x: x[..., None],
        lambda x: x[:, 0],
        lambda x: x.T,
        lambda x: x.reshape((-1, 1)),
        lambda x: ones(1, 3) * x,
        lambda x: ops.sum(x, axis=1, keepdims=True),
        lambda x: ops.mean(x, axis=-1),
        lambda x: ops.where(x > 0.5, x, 0.0),
        lambda x: ops.concatenate([x, x], axis=1),
        lambda x: ops.stack([x, x], axis=1),
        lambda x: ops.expand_dims(x, 1),
        lambda x: ops.softmax(x),
        lambda x: ops.one_hot(ops.argmax(x, axis=-1), 3),
        lambda x: ops.clip(x, 0.25, 0.75),
        lambda x: ops.maximum(x, 0.5),
        lambda x: ops.matmul(x, ones(3, 2)),
    ],
)
def test_graph_of_ops_computes_what_eager_code_does(fn):
    x = pynn.Input((3,))
    model = pynn.Model(x, fn(x))
    data = np.random.default_rng(0).random((5, 3)).astype("float32")
    expected = fn(ops.array(data))
    result = model(data)
    assert result.shape == expected.shape
    assert model.output_shape[1:] == expected.shape[1:] or None in model.output_shape[1:]
    assert result.dtype == expected.dtype == model.outputs[0].dtype
    np.testing.assert_allclose(result.numpy(), expected.numpy(), rtol=1e-6)
    copy = pynn.Model.from_config(model.get_config())
    np.testing.assert_array_equal(copy(data).numpy(), result.numpy())


def test_shapes_with_unknown_sizes():
    x = pynn.Input((None, 3))
    assert ops.reshape(x, (-1, 3)).shape == (None, 3)
    assert ops.sum(x, axis=1).shape == (None, 3)
    assert ops.transpose(x, (1, 0, 2)).shape == (None, None, 3)
    assert (x + pynn.Input((1, 3))).shape == (None, None, 3)
    assert (pynn.Input((3,)) + pynn.Input((3,), batch_size=8)).shape == (8, 3)


def test_shape_inference_changes_nothing():
    layer = layers.Dropout(0.5, seed=1)
    before = layer.seed_generator.state.numpy().copy()
    spec = compute_output_spec(lambda x: layer(x, training=True), pynn.KerasTensor((None, 3)))
    assert spec.shape == (None, 3)
    np.testing.assert_array_equal(layer.seed_generator.state.numpy(), before)


def test_shape_inference_inside_a_trace():
    with pynn._core.Trace() as trace:
        x = trace.input((2, 3), "float32")
        spec = compute_output_spec(lambda t: t[:, :2], pynn.KerasTensor((None, 3)))
        result = trace.finish([x * 2])
    assert spec.shape == (None, 2)
    assert result.run([ones(2, 3)])[0].numpy().sum() == 12


def test_function():
    x, y = pynn.KerasTensor((None, 2)), pynn.KerasTensor((None, 2))
    f = pynn.Function([x, y], {"sum": x + y, "product": x * y})
    result = f([2 * ones(1, 2), 3 * ones(1, 2)])
    assert result["sum"].numpy().tolist() == [[5, 5]]
    assert result["product"].numpy().tolist() == [[6, 6]]
    shapes = f.compute_output_shape([(7, 2), (7, 2)])
    assert shapes == {"sum": (7, 2), "product": (7, 2)}
    with pytest.raises(ValueError, match="expected 2 inputs; received 1"):
        f([ones(1, 2)])


# ---- models ---------------------------------------------------------------------------------


def two_inputs():
    a, b = pynn.Input((4,), name="a"), pynn.Input((3,), name="b")
    shared = layers.Dense(5, activation="relu", name="shared")
    left = shared(a)
    right = shared(layers.Dense(4, name="widen")(b))
    joined = layers.Concatenate(name="join")([left, right])
    return a, b, layers.Dense(1, name="score")(joined), layers.Dense(2, name="label")(left)


def test_multiple_inputs_and_outputs_in_every_structure():
    a, b, score, label = two_inputs()
    data = {"a": ones(6, 4), "b": ones(6, 3)}
    as_list = pynn.Model([a, b], [score, label])
    as_dict = pynn.Model({"a": a, "b": b}, {"score": score, "label": label})
    first, second = as_list([data["a"], data["b"]])
    named = as_dict(data)
    np.testing.assert_array_equal(first.numpy(), named["score"].numpy())
    np.testing.assert_array_equal(second.numpy(), named["label"].numpy())
    # A dict of data fits a list of inputs by the names of the inputs, and may hold more.
    also = as_list({**data, "unused": ones(1)})
    np.testing.assert_array_equal(also[0].numpy(), first.numpy())
    assert as_list.input_shape == [(None, 4), (None, 3)]
    assert as_list.output_shape == [(None, 1), (None, 2)]
    assert as_list.output_names == ["score", "label"]
    assert as_list.input_names == ["a", "b"]


def test_a_shared_layer_counts_once():
    a, b, score, label = two_inputs()
    model = pynn.Model([a, b], [score, label])
    names = [layer.name for layer in model.layers]
    assert sorted(names) == sorted(set(names))
    assert model.count_params() == (4 * 5 + 5) + (3 * 4 + 4) + (10 + 1) + (5 * 2 + 2)
    assert len(model.get_layer("shared")._inbound_nodes) == 2


def test_nested_models():
    x = pynn.Input((4,))
    inner = pynn.Model(x, layers.Dense(3)(layers.Dense(5)(x)), name="inner")
    y = pynn.Input((4,))
    outer = pynn.Model(y, layers.Dense(1)(inner(y)), name="outer")
    stack = pynn.Sequential([outer, layers.Dense(2)])
    assert stack.built
    assert stack.output_shape == (None, 2)
    data = ones(2, 4)
    by_hand = outer.layers[-1](inner(data))
    np.testing.assert_allclose(outer(data).numpy(), by_hand.numpy(), rtol=1e-6)
    assert [w.path for w in outer.weights][:2] == ["dense_1/kernel", "dense_1/bias"]
    inner.trainable = False
    assert len(outer.trainable_weights) == 2


def test_intermediate_outputs_and_inputs():
    x = pynn.Input((4,))
    hidden = layers.Dense(3, name="hidden")(x)
    out = layers.Dense(2, name="out")(hidden)
    model = pynn.Model(x, out)
    features = pynn.Model(model.inputs, model.get_layer("hidden").output)
    head = pynn.Model(hidden, out)
    data = ones(2, 4)
    np.testing.assert_allclose(head(features(data)).numpy(), model(data).numpy(), rtol=1e-6)
    assert [layer.name for layer in head.layers] == ["input_layer_1", "out"]
    assert head.get_layer("out") is model.get_layer("out")


def test_training_and_masks_reach_the_layers_of_a_graph():
    x = pynn.Input((100,))
    model = pynn.Model(x, layers.Dropout(0.5, seed=1)(x))
    data = ones(4, 100)
    assert (model(data).numpy() == 1).all()
    assert (model(data, training=True).numpy() == 0).any()
    always = pynn.Model(x, layers.Dropout(0.5, seed=1)(x, training=True))
    assert (always(data).numpy() == 0).any()
    restored = pynn.Model.from_config(always.get_config())
    assert (restored(data).numpy() == 0).any()


def test_inputs_are_fitted():
    x = pynn.Input((4,))
    model = pynn.Model(x, x * 2)
    assert model(np.ones((2, 4, 1))).shape == (2, 4)
    assert model(np.ones((2, 4), "int64")).dtype == "float32"
    column = pynn.Input((1,))
    assert pynn.Model(column, column * 2)(ones(5)).shape == (5, 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ones(2, 5), r"expected input with shape \(None, 4\), received shape=\(2, 5\)"),
        (ones(4), r"expected input with 2 axes, received shape=\(4,\)"),
        ([ones(2, 4), ones(2, 4)], r"expected 1 input\(s\), received 2"),
        ({"foo": ones(2, 4)}, r"expected inputs named \['x'\], received \['foo'\]"),
    ],
)
def test_errors_of_data(data, message):
    x = pynn.Input((4,), name="x")
    with pytest.raises(ValueError, match=message):
        pynn.Model(x, x * 2)(data)


def test_errors_of_graphs():
    x, y = pynn.Input((3,), name="x"), pynn.Input((3,), name="y")
    with pytest.raises(ValueError, match="which is not among the inputs"):
        pynn.Model(x, x + y)
    with pytest.raises(ValueError, match="expected inputs that are KerasTensors"):
        pynn.Model(ones(2, 3), x)
    with pytest.raises(ValueError, match="expected outputs that are KerasTensors"):
        pynn.Model(x, ones(2, 3))
    with pytest.raises(ValueError, match="two named 'same'"):
        pynn.Model(x, layers.Dense(2, name="same")(layers.Dense(2, name="same")(x)))
    with pytest.raises(ValueError, match="expected each input once"):
        pynn.Model([x, x], x)


def test_optional_inputs():
    class Maybe(layers.Layer):
        def call(self, x, extra=None):
            return x if extra is None else x + extra

        def compute_output_shape(self, x_shape):
            return x_shape

    x, extra = pynn.Input((2,)), pynn.Input((2,), optional=True)
    model = pynn.Model([x, extra], Maybe()(x, extra))
    assert model([ones(1, 2), ones(1, 2)]).numpy().sum() == 4
    assert model([ones(1, 2), None]).numpy().sum() == 2


def test_deep_graphs():
    x = pynn.Input((2,))
    y = x
    for _ in range(1500):  # more than Python's stack holds
        y = y + 1
    assert pynn.Model(x, y)(ones(1, 2)).numpy().tolist() == [[1501, 1501]]


def test_a_graph_that_was_made_into_a_model_may_go_on():
    x = pynn.Input((2,))
    layer = layers.Dense(2)
    first = pynn.Model(x, layer(x))
    second = pynn.Model(x, layer(layer(x)))
    assert first.get_config()["layers"][1]["inbound_nodes"][0]["args"]
    assert len(first.get_config()["layers"][1]["inbound_nodes"]) == 1
    config = second.get_config()
    kept = next(e for e in config["layers"] if e["name"] == "dense")["inbound_nodes"]
    assert len(kept) == 2
    assert pynn.Model.from_config(config)(ones(1, 2)).shape == (1, 2)


# ---- configs --------------------------------------------------------------------------------


@pytest.mark.parametrize("structure", ["single", "list", "dict"])
def test_config_round_trip(structure):
    a, b, score, label = two_inputs()
    inputs, outputs, data = {
        "single": (a, label, ones(2, 4)),
        "list": ([a, b], [score, label], [ones(2, 4), ones(2, 3)]),
        "dict": (
            {"a": a, "b": b},
            {"s": score, "l": label},
            {"a": ones(2, 4), "b": ones(2, 3)},
        ),
    }[structure]
    model = pynn.Model(inputs, outputs, name="m")
    config = model.get_config()
    copy = pynn.Model.from_config(config)
    assert copy.get_config() == config
    copy.set_weights(model.get_weights())
    pairs = zip(pynn.tree.flatten(model(data)), pynn.tree.flatten(copy(data)), strict=True)
    for ours, theirs in pairs:
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    from_json = pynn.models.model_from_json(model.to_json())
    assert from_json.get_config()["layers"] == copy.get_config()["layers"] or structure


def test_config_of_unconnected_calls():
    config = pynn.Model(x := pynn.Input((2,)), layers.Dense(1, name="d")(x)).get_config()
    place = config["layers"][1]["inbound_nodes"][0]["args"][0]["config"]
    place["keras_history"] = ["nowhere", 0, 0]
    with pytest.raises(ValueError, match=r"those of \['d'\] need tensors that none makes"):
        pynn.Model.from_config(config)


def test_subclass_that_becomes_functional():
    class Net(pynn.Model):
        def __init__(self, units):
            x = pynn.Input((3,))
            super().__init__(inputs=x, outputs=layers.Dense(units)(x))
            self.units = units

    for _ in range(2):
        net = Net(4)
        assert isinstance(net, pynn.models.Functional)
        assert net(ones(2, 3)).shape == (2, 4)
    copy = Net.from_config(net.get_config())
    assert type(copy) is Net
    assert copy.units == 4


def test_models_are_freed():
    def make():
        x = pynn.Input((4,))
        return weakref.ref(pynn.Model(x, layers.Dense(3)(layers.Dense(3)(x))))

    model = make()
    gc.collect()
    assert model() is None
