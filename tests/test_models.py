"""Sequential models, subclasses of Model, summaries and clones."""

import numpy as np
import pytest

import pynn
from pynn import layers


@pytest.fixture(autouse=True)
def _fresh_names():
    pynn.utils.clear_session()
    pynn.utils.set_random_seed(1)


def ones(*shape):
    return np.ones(shape, "float32")


def mlp():
    return pynn.Sequential(
        [
            pynn.Input((4,)),
            layers.Dense(8, activation="relu", name="hidden"),
            layers.Dropout(0.5, seed=1, name="drop"),
            layers.Dense(2, name="out"),
        ],
        name="mlp",
    )


class Net(pynn.Model):
    """Two layers and an argument."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = layers.Dense(units, activation="relu")
        self.drop = layers.Dropout(0.5, seed=1)
        self.out = layers.Dense(1)

    def call(self, inputs, training=None):
        return self.out(self.drop(self.hidden(inputs)))


# ---- Sequential -----------------------------------------------------------------------------


def test_sequential_with_an_input_is_built():
    model = mlp()
    assert model.built
    assert (model.input_shape, model.output_shape) == ((None, 4), (None, 2))
    assert [layer.name for layer in model.layers] == ["hidden", "drop", "out"]
    paths = ["mlp/hidden/kernel", "mlp/hidden/bias", "mlp/out/kernel", "mlp/out/bias"]
    assert [w.path for w in model.weights] == paths
    assert len(model.variables) == 5
    x = ones(3, 4)
    a, b = model.get_layer("hidden"), model.get_layer("out")
    np.testing.assert_allclose(model(x).numpy(), b(a(x)).numpy(), rtol=1e-6)


def test_sequential_is_built_by_its_first_call_or_by_build():
    for build in (lambda m: m(ones(3, 4)), lambda m: m.build((None, 4))):
        model = pynn.Sequential([layers.Dense(3), layers.Dense(1)])
        assert not model.built
        assert model.weights == []
        build(model)
        assert (model.input_shape, model.output_shape) == ((None, 4), (None, 1))
        assert len(model.weights) == 4


def test_sequential_input_shape_argument():
    with pytest.warns(UserWarning, match="input_shape and input_dim are old"):
        model = pynn.Sequential([layers.Dense(3, input_shape=(4,))])
    assert model.output_shape == (None, 3)
    with pytest.warns(UserWarning, match="input_shape and input_dim are old"):
        model = pynn.Sequential([layers.Dense(3, input_dim=4)])
    assert model.input_shape == (None, 4)


def test_sequential_add_and_pop():
    model = pynn.Sequential()
    model.add(pynn.Input((4,)))
    model.add(layers.Dense(3))
    assert model.output_shape == (None, 3)
    model.add(layers.Dense(2, name="top"))
    assert model.output_shape == (None, 2)
    assert model(ones(1, 4)).shape == (1, 2)
    assert model.pop().name == "top"
    assert (model.output_shape, len(model.weights)) == ((None, 3), 2)
    assert model(ones(1, 4)).shape == (1, 3)
    model.add(layers.Dense(5))
    assert model.output_shape == (None, 5)


def test_sequential_errors():
    with pytest.raises(ValueError, match="expected layers; received 1 of type int"):
        pynn.Sequential([1])
    with pytest.raises(ValueError, match="two named 'a'"):
        pynn.Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="a")])
    with pytest.raises(ValueError, match="expected an Input as the first layer only"):
        pynn.Sequential([layers.Dense(1), pynn.Input((2,))])
    with pytest.raises(ValueError, match="expected at least one layer"):
        pynn.Sequential()(ones(2, 2))
    with pytest.raises(IndexError, match="expected at least one layer"):
        pynn.Sequential().pop()
    unbuilt = pynn.Sequential([layers.Dense(1)])
    for what in ("inputs", "outputs", "input_shape", "output_shape"):
        with pytest.raises(AttributeError, match="is not built"):
            getattr(unbuilt, what)
    with pytest.raises(ValueError, match="expected a built layer"):
        unbuilt.count_params()
    with pytest.raises(ValueError, match=r"pynn.Dense: expected input with last axis 4, received"):
        mlp()(ones(3, 5))


def test_sequential_of_several_inputs():
    model = pynn.Sequential([layers.Add(), layers.Dense(1)])
    assert model([ones(2, 3), ones(2, 3)]).shape == (2, 1)
    assert model.count_params() == 4


def test_sequential_config():
    model = mlp()
    config = model.get_config()
    assert [entry["class_name"] for entry in config["layers"]] == [
        "InputLayer",
        "Dense",
        "Dropout",
        "Dense",
    ]
    copy = pynn.Sequential.from_config(config)
    assert copy.get_config() == config
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy(ones(3, 4)).numpy(), model(ones(3, 4)).numpy())
    late = pynn.Sequential([layers.Dense(2)])
    assert not pynn.Sequential.from_config(late.get_config()).built
    late(ones(3, 4))
    assert pynn.Sequential.from_config(late.get_config()).output_shape == (None, 2)


def test_sequential_in_a_graph():
    x = pynn.Input((4,))
    model = pynn.Model(x, mlp()(x))
    late = pynn.Model(x, pynn.Sequential([layers.Dense(3), layers.Dense(1)])(x))
    assert (model.output_shape, late.output_shape) == ((None, 2), (None, 1))
    assert late(ones(2, 4)).shape == (2, 1)
    assert pynn.Model.from_config(model.get_config())(ones(2, 4)).shape == (2, 2)


def test_layers_cannot_be_assigned():
    for model in (mlp(), Net(), pynn.Model(x := pynn.Input((2,)), x * 2)):
        with pytest.raises(AttributeError, match="expected not to be set"):
            model.layers = []


# ---- subclasses -----------------------------------------------------------------------------


def test_subclass_is_built_by_its_call():
    model = Net()
    assert model.weights == []
    assert model(ones(2, 4)).shape == (2, 1)
    assert model.weights[0].path == "net/dense/kernel"
    assert model.count_params() == 4 * 3 + 3 + 3 + 1
    assert [layer.name for layer in model.layers] == ["dense", "dropout", "dense_1"]


def test_subclass_is_built_by_build():
    model = Net()
    model.build((None, 4))
    assert model.count_params() == 4 * 3 + 3 + 3 + 1
    assert model.get_build_config() == {"input_shape": (None, 4)}
    copy = Net.from_config(model.get_config())
    copy.build_from_config(model.get_build_config())
    assert copy.count_params() == model.count_params()


def test_subclass_in_a_graph_and_with_an_unbuilt_stack():
    class Stacked(pynn.Model):
        def __init__(self):
            super().__init__()
            self.body = pynn.Sequential([layers.Dense(3, activation="relu"), layers.Dense(2)])

        def call(self, x):
            return self.body(x)

    x = pynn.Input((4,))
    model = pynn.Model(x, Stacked()(x))
    assert model.output_shape == (None, 2)
    assert model(ones(5, 4)).shape == (5, 2)
    body = model.layers[-1].body
    assert (body.input_shape, body.output_shape) == ((None, 4), (None, 2))
    fresh = Stacked()
    fresh.compile(optimizer="sgd", loss="mse")
    fresh.fit(ones(8, 4), ones(8, 2), batch_size=4, verbose=0)
    assert len(fresh.trainable_weights) == 4


def test_subclass_config():
    config = Net(5, name="mine").get_config()
    assert (config["units"], config["name"]) == (5, "mine")
    assert Net.from_config(config).units == 5


def test_subclass_with_several_inputs():
    class Two(pynn.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, inputs, training=None):
            a, b = inputs
            return self.dense(a) + self.dense(b)

    model = Two()
    assert model([ones(3, 4), ones(3, 4)]).shape == (3, 2)


def test_model_without_call():
    with pytest.raises(NotImplementedError, match=r"expected a call\(\) method, or inputs and"):
        pynn.Model()(ones(1, 2))
    with pytest.raises(TypeError, match="expected keyword arguments, or inputs and outputs"):
        pynn.Model("name")


def test_training_reaches_the_layers_of_a_model():
    model = Net(50)
    x = ones(4, 3)
    still = model(x).numpy()
    np.testing.assert_array_equal(model(x, training=False).numpy(), still)
    assert (model(x, training=True).numpy() != still).any()


# ---- get_layer, weights ---------------------------------------------------------------------


def test_get_layer():
    model = mlp()
    assert model.get_layer("out") is model.get_layer(index=-1) is model.layers[2]
    with pytest.raises(ValueError, match="no layer 'hiden' in 'mlp'; did you mean 'hidden'"):
        model.get_layer("hiden")
    with pytest.raises(ValueError, match="expected an index below 3"):
        model.get_layer(index=3)
    with pytest.raises(ValueError, match="expected a name or an index"):
        model.get_layer()


def test_weights_in_and_out():
    first, second = mlp(), mlp()
    second.set_weights(first.get_weights())
    np.testing.assert_array_equal(first(ones(2, 4)).numpy(), second(ones(2, 4)).numpy())
    first.trainable = False
    assert first.trainable_weights == []
    assert len(first.non_trainable_weights) == 4


def test_a_regularizer_set_after_a_fit_takes_effect():
    model = pynn.Sequential([pynn.Input((3,)), layers.Dense(1, kernel_initializer="ones")])
    model.compile(optimizer=pynn.optimizers.SGD(0.0), loss="mse")
    x, y = ones(8, 3), 3 * ones(8, 1)

    def loss():
        return model.fit(x, y, batch_size=4, verbose=0).history["loss"][-1]

    assert loss() == 0.0
    model.layers[0].kernel_regularizer = pynn.regularizers.L1(0.5)
    assert loss() == 1.5
    model.layers[0].trainable = False
    with pytest.warns(UserWarning, match="no weight of the model is trainable"):
        assert loss() == 0.0


# ---- summary --------------------------------------------------------------------------------


def summary(model, **kwargs):
    texts = []
    model.summary(print_fn=texts.append, **kwargs)
    return texts[0]


def cells(text):
    rows = [line for line in text.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row.strip("│").split("│")] for row in rows]


def test_summary_of_a_stack():
    text = summary(mlp(), line_length=80)
    assert text.startswith('Model: "mlp"')
    assert cells(text) == [
        ["hidden (Dense)", "(None, 8)", "40"],
        ["drop (Dropout)", "(None, 8)", "0"],
        ["out (Dense)", "(None, 2)", "18"],
    ]
    assert text.splitlines()[-3:] == [
        " Total params: 58 (232.00 B)",
        " Trainable params: 58 (232.00 B)",
        " Non-trainable params: 0 (0.00 B)",
    ]
    assert max(map(len, text.splitlines())) <= 80


def test_summary_of_a_graph():
    a, b = pynn.Input((4,), name="a"), pynn.Input((4,), name="b")
    dense = layers.Dense(1000, name="dense")
    model = pynn.Model([a, b], layers.Add(name="sum")([dense(a), dense(b)]) * 2)
    rows = cells(summary(model, line_length=120))
    assert rows == [
        ["a (InputLayer)", "(None, 4)", "0", "-"],
        ["b (InputLayer)", "(None, 4)", "0", "-"],
        ["dense (Dense)", "(None, 1000)", "5,000", "a[0][0], b[0][0]"],
        ["sum (Add)", "(None, 1000)", "0", "dense[0][0], dense[1][0]"],
        ["multiply (Multiply)", "(None, 1000)", "0", "sum[0][0]"],
    ]


def test_summary_options():
    x = pynn.Input((4,), name="x")
    inner = pynn.Model(x, layers.Dense(2, name="deep")(x), name="inner")
    inner.trainable = False
    y = pynn.Input((4,), name="y")
    model = pynn.Model(y, layers.Dense(1, name="top")(inner(y)))
    rows = cells(summary(model, line_length=120, expand_nested=True, show_trainable=True))
    assert rows == [
        ["y (InputLayer)", "(None, 4)", "0", "-"],
        ["inner (Functional)", "(None, 2)", "10", "N"],
        ["└ x (InputLayer)", "(None, 4)", "0", "-"],
        ["└ deep (Dense)", "(None, 2)", "10", "N"],
        ["top (Dense)", "(None, 1)", "3", "Y"],
    ]
    shown = cells(summary(model, line_length=120, layer_range=("inner", "top")))
    assert [row[0] for row in shown] == ["inner (Functional)", "top (Dense)"]
    with pytest.raises(ValueError, match="expected layer_range to match layers"):
        summary(model, layer_range=("nothing", "top"))


def test_summary_before_and_after_training():
    model = pynn.Sequential([layers.Dense(2, name="d")])
    assert cells(summary(model, line_length=80)) == [["d (Dense)", "?", "0 (unbuilt)"]]
    model.compile(optimizer="adam", loss="mse")
    model.fit(ones(4, 3), ones(4, 2), verbose=0)
    text = summary(model, line_length=80)
    assert "Optimizer params: " in text
    assert cells(text) == [["d (Dense)", "(None, 2)", "8"]]


def test_summary_prints(capsys):
    mlp().summary(line_length=70)
    assert "hidden (Dense)" in capsys.readouterr().out


# ---- clones ---------------------------------------------------------------------------------


def functional():
    x = pynn.Input((4,), name="x")
    dense = layers.Dense(4, name="shared")
    return pynn.Model(x, layers.Add()([dense(dense(x)), x]) * 2.0)


@pytest.mark.parametrize("make", [mlp, functional, Net], ids=["sequential", "functional", "net"])
def test_clone(make):
    model = make()
    model(ones(2, 4))
    clone = pynn.models.clone_model(model)
    clone(ones(2, 4))
    assert type(clone) is type(model)
    assert clone.count_params() == model.count_params()
    assert not {id(w) for w in clone.weights} & {id(w) for w in model.weights}
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone(ones(2, 4)).numpy(), model(ones(2, 4)).numpy())


def test_clone_options():
    def wider(layer):
        config = layer.get_config()
        if isinstance(layer, layers.Dense) and layer.name == "hidden":
            config["units"] = 16
        return type(layer).from_config(config)

    assert pynn.models.clone_model(mlp(), clone_function=wider).layers[0].units == 16
    x = pynn.Input((4,), batch_size=5)
    assert pynn.models.clone_model(mlp(), input_tensors=[x]).input_shape == (5, 4)
    assert pynn.models.clone_model(functional(), input_tensors=x).input_shape == (5, 4)
    twice = pynn.models.clone_model(
        functional(), call_function=lambda layer, *args, **kwargs: layer(*args, **kwargs)
    )
    assert twice(ones(2, 4)).shape == (2, 4)
    nested = pynn.Model(y := pynn.Input((4,)), mlp()(y))
    seen = []

    def note(layer):
        seen.append(layer.name)
        return type(layer).from_config(layer.get_config())

    pynn.models.clone_model(nested, clone_function=note, recursive=True)
    assert seen == ["hidden", "drop", "out"]
    with pytest.raises(ValueError, match="expected a functional or Sequential model"):
        pynn.models.clone_model(Net(), recursive=True)
