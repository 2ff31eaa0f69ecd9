"""Layers: the contracts of `checks.py` on all of them, and what each does beyond."""

import inspect
import re

import numpy as np
import pytest
from checks import CASES, CHECKS, EXEMPT

import pynn
from pynn import layers, ops


@pytest.fixture(autouse=True)
def _fresh_names():
    pynn.utils.clear_session()
    pynn.utils.set_random_seed(1)


def test_every_layer_has_a_case():
    classes = [getattr(layers, n) for n in layers.__all__ if inspect.isclass(getattr(layers, n))]
    public = {cls.__name__ for cls in classes} - {"InputSpec"}  # without aliases
    assert public - set(EXEMPT) == {case.id.partition("-")[0] for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(case, check):
    check(case)


def ones(*shape):
    return np.ones(shape, "float32")


class Scale(layers.Layer):
    """One weight per feature; the simplest layer with a `build`."""

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

    def call(self, inputs):
        return inputs * self.scale


class Mode(layers.Layer):
    """Returns whether it was called in training."""

    def call(self, inputs, training=None):
        self.seen = training
        return inputs


# ---- values ---------------------------------------------------------------------------------


def test_dense_against_numpy():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((5, 3, 7)).astype("float32")
    layer = layers.Dense(4, activation="tanh")
    layer(x)
    kernel, bias = rng.standard_normal((7, 4)), rng.standard_normal(4)
    layer.set_weights([kernel, bias])
    expected = np.tanh(x.astype("float64") @ kernel + bias)
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-5, atol=1e-6)


def test_dense_keeps_logits_for_the_loss():
    for name in ("softmax", "sigmoid"):
        output = layers.Dense(3, activation=name)(ones(2, 4))
        assert getattr(output, f"_{name}_logits").shape == (2, 3)


def test_dense_takes_integers():
    layer = layers.Dense(2, kernel_initializer="ones")
    output = layer(np.array([[1, 2, 3]], dtype="uint8"))
    assert output.dtype == "float32"
    np.testing.assert_array_equal(output.numpy(), [[6.0, 6.0]])


def test_dropout_drops_and_scales_in_training_only():
    layer = layers.Dropout(0.25, seed=0)
    x = ones(200, 100)
    np.testing.assert_array_equal(layer(x).numpy(), x)
    np.testing.assert_array_equal(layer(x, training=False).numpy(), x)
    first, second = layer(x, training=True).numpy(), layer(x, training=True).numpy()
    assert set(np.unique(first)) == {np.float32(0), np.float32(1 / 0.75)}
    assert abs((first == 0).mean() - 0.25) < 0.01
    assert (first != second).any()
    again = layers.Dropout(0.25, seed=0)
    np.testing.assert_array_equal(again(x, training=True).numpy(), first)


def test_dropout_noise_shape():
    layer = layers.Dropout(0.5, noise_shape=(None, 1, 8), seed=0)
    y = layer(ones(4, 6, 8), training=True).numpy()
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    with pytest.raises(ValueError, match="expected noise_shape with 2 entries"):
        layer(ones(4, 8), training=True)


def test_dropout_of_everything():
    assert not layers.Dropout(1.0)(ones(3, 4), training=True).numpy().any()


def test_flatten_channels_first_orders_features_as_last():
    x = np.arange(24, dtype="float32").reshape(1, 2, 3, 4)  # (N, H, W, C)
    last = layers.Flatten()(x).numpy()
    first = layers.Flatten("channels_first")(np.moveaxis(x, -1, 1)).numpy()
    np.testing.assert_array_equal(last, first)


def test_softmax_with_mask():
    x = ops.array([[1.0, 1.0, 5.0]])
    mask = ops.array([[True, True, False]])
    np.testing.assert_allclose(layers.Softmax()(x, mask=mask).numpy(), [[0.5, 0.5, 0.0]])


def test_functional_forms_of_merging_layers():
    assert layers.add([ones(2, 3), ones(2, 3)], name="sum").numpy().sum() == 12
    assert layers.concatenate([ones(2, 3), ones(2, 4)], axis=1).shape == (2, 7)


# ---- calls ----------------------------------------------------------------------------------


def test_numpy_lists_and_dtypes_of_inputs():
    layer = Scale()
    assert layer(np.ones((2, 3))).dtype == "float32"  # float64 data, float32 layer
    assert Scale(autocast=False)(np.ones((2, 3))).dtype == "float64"
    with pytest.raises(ValueError, match="expected tensors as positional arguments"):
        layer([1.0, 2.0])


def test_training_reaches_inner_layers():
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Mode()

        def call(self, inputs):
            return self.inner(inputs)

    outer = Outer()
    for training in (True, False):
        outer(ones(1, 2), training=training)
        assert outer.inner.seen is training
    outer(ones(1, 2))
    assert outer.inner.seen is None


def test_explicit_training_ends_with_its_call():
    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.frozen, self.free = Mode(), Mode()

        def call(self, inputs):
            return self.free(self.frozen(inputs, training=False))

    outer = Outer()
    outer(ones(1, 2), training=True)
    assert (outer.frozen.seen, outer.free.seen) == (False, True)


def test_default_of_training_is_kept():
    class Noisy(layers.Layer):
        def call(self, inputs, training=True):
            self.seen = training
            return inputs

    layer = Noisy()
    for _ in range(2):  # the general path, then the fast one
        layer(ops.ones((1, 2)))
        assert layer.seen is True


def test_fast_path_gives_the_same_and_sees_changes():
    layer, x = layers.Dense(3), ops.ones((2, 4))
    first = layer(x).numpy()
    np.testing.assert_array_equal(layer(x).numpy(), first)
    layer.kernel.assign(np.zeros((4, 3)))
    np.testing.assert_array_equal(layer(x).numpy(), np.zeros((2, 3)))
    layer.activity_regularizer = "l2"
    layer.bias.assign(np.ones(3))
    layer(x)
    assert len(layer.losses) == 1
    with pytest.raises(ValueError, match="expected input with last axis 4, received"):
        layer(ops.ones((2, 5)))


def test_several_arguments_and_keyword_inputs():
    class Two(layers.Layer):
        def build(self, query_shape, value_shape):
            self.shapes = (query_shape, value_shape)

        def call(self, query, value, scale=1.0):
            return query + value * scale

    layer = Two()
    assert layer(ones(2, 3), value=ones(2, 3), scale=2.0).numpy().sum() == 18
    assert layer.shapes == ((2, 3), (2, 3))
    assert layer.get_build_config() == {
        "shapes_dict": {"query_shape": (2, 3), "value_shape": (2, 3)}
    }


def test_build_with_unknown_parameter_names():
    class Wrong(layers.Layer):
        def build(self, a, b):
            pass

        def call(self, x, y):
            return x

    with pytest.raises(ValueError, match="`_shape` appended"):
        Wrong()(ones(1, 2), ones(1, 2))


def test_nested_structures():
    class Pick(layers.Layer):
        def call(self, inputs):
            return {"sum": inputs["a"] + inputs["b"][0], "first": inputs["a"]}

    out = Pick()({"a": ones(2, 3), "b": [ones(2, 3)]})
    assert out["sum"].numpy().sum() == 12
    symbolic = Pick()({"a": pynn.Input((3,)), "b": [pynn.Input((3,))]})
    assert symbolic["sum"].shape == (None, 3)


def test_wrong_arguments():
    with pytest.raises(TypeError, match=r"expected arguments of call\(inputs, training=None\)"):
        layers.Dense(2)()
    with pytest.raises(ValueError, match="received also"):
        layers.Dense(2, unit=3)
    with pytest.raises(NotImplementedError, match="call"):
        layers.Layer()(ones(1, 2))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.Dense(0), "pynn.Dense: expected units, a positive integer"),
        (lambda: layers.Dense(2.5), "pynn.Dense: expected units, a positive integer"),
        (lambda: layers.Dense(2, activation="rleu"), "did you mean 'relu'"),
        (lambda: layers.Dropout(1.5), r"expected rate, a number in \[0, 1\]"),
        (lambda: layers.Reshape((-1, -1)), "expected at most one -1"),
        (lambda: layers.Reshape((4,))(ones(2, 3)), "samples have 4 elements"),
        (lambda: layers.Add()(ones(2, 3)), "expected a list of tensors"),
        (lambda: layers.Add()([ones(2, 3), ones(2, 4)]), "broadcast to one shape"),
        (lambda: layers.Concatenate()([ones(2, 3), ones(3, 4)]), "differ only in axis -1"),
        (lambda: layers.Dense(2)(ones(3)), "at least 2 axes, received shape=\\(3,\\)"),
        (lambda: layers.Layer(trainable=1), "expected trainable, a bool"),
        (lambda: layers.Layer(name="a/b"), "without '/'"),
        (lambda: pynn.Input(), "expected a shape or a batch_shape"),
    ],
)
def test_error_messages(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_dense_error_names_expected_and_received():
    layer = layers.Dense(3, name="head")
    layer(ones(2, 784))
    expected = (
        "pynn.Dense: expected input with last axis 784, received shape=(32, 28, 28) (layer 'head')"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        layer(ones(32, 28, 28))


# ---- state ----------------------------------------------------------------------------------


def test_parts_are_found_in_attributes_lists_and_dicts():
    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.first = Scale()
            self.many = [Scale(), [Scale()]]
            self.named = {"a": Scale(), "b": (Scale(),)}
            self.many.append(Scale())
            self.named["c"] = Scale()
            self.own = pynn.Variable(1.0, name="own")

        def call(self, x):
            for layer in self._layers:
                x = layer(x)
            return x

    block = Block()
    block(ones(1, 2))
    assert len(block.weights) == 8
    assert block.weights[0].name == "own"
    block.trainable = False
    assert block.trainable_weights == []
    assert all(not layer.scale.trainable for layer in block._layers)


def test_replaced_parts_are_forgotten():
    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.part = layers.Dense(2)
            self.parts = [layers.Dense(2), layers.Dense(2)]

    block = Block()
    block.part = layers.Dense(3, name="new")
    block.parts.pop()
    del block.parts[0]
    assert [layer.name for layer in block._layers] == ["new"]
    del block.part
    assert block._layers == []


def test_no_new_weights_after_build():
    layer = Scale()
    layer(ones(1, 2))
    with pytest.raises(ValueError, match="after the layer was built"):
        layer.extra = pynn.Variable(1.0)


def test_super_init_is_required():
    class Forgot(layers.Layer):
        def __init__(self):
            self.part = layers.Dense(2)

    with pytest.raises(RuntimeError, match=r"expected super\(\).__init__\(\)"):
        Forgot()

    class ForgotToo(layers.Layer):
        def __init__(self):
            self.units = 3

        def call(self, x):
            return x

    with pytest.raises(RuntimeError, match=r"expected super\(\).__init__\(\)"):
        ForgotToo()(ones(1, 2))


def test_order_of_weights():
    layer = layers.Layer()
    layer.add_weight(shape=(1,), trainable=False, name="counter")
    layer.add_weight(shape=(1,), name="kernel")
    assert [w.name for w in layer.weights] == ["kernel", "counter"]
    assert [w.name for w in layer.non_trainable_weights] == ["counter"]


def test_seed_generators_are_variables_but_not_weights():
    layer = layers.Dropout(0.5)
    assert layer.weights == []
    assert len(layer.variables) == len(layer.non_trainable_variables) == 1


def test_frozen_layer_builds_frozen_weights():
    layer = layers.Dense(2, trainable=False)
    layer(ones(1, 2))
    assert layer.trainable_weights == []
    assert not layer.kernel.trainable
    layer.trainable = True
    assert len(layer.trainable_weights) == 2


def test_set_weights_checks_everything_first():
    layer = layers.Dense(2)
    layer(ones(1, 3))
    before = layer.get_weights()
    with pytest.raises(ValueError, match="expected 2 arrays for layer 'dense'; received 1"):
        layer.set_weights([np.zeros((3, 2))])
    with pytest.raises(ValueError, match=r"expected shape \(2,\) for 'dense/bias'; received \(3,"):
        layer.set_weights([np.zeros((3, 2)), np.zeros(3)])
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])
    with pytest.raises(ValueError, match="not built yet"):
        layers.Dense(2).set_weights(before)


def test_get_weights_returns_copies():
    layer = layers.Dense(2)
    layer(ones(1, 3))
    layer.get_weights()[0][:] = 7
    assert not (layer.kernel.numpy() == 7).any()


def test_stateless_call():
    layer = layers.Dropout(0.5, seed=0)
    seed = layer.non_trainable_variables[0].numpy().copy()
    x = ones(4, 8)
    first, state = layer.stateless_call([], [seed], x, training=True)
    again, _ = layer.stateless_call([], [seed], x, training=True)
    later, _ = layer.stateless_call([], state, x, training=True)
    np.testing.assert_array_equal(first.numpy(), again.numpy())
    assert (later.numpy() != first.numpy()).any()
    np.testing.assert_array_equal(layer.non_trainable_variables[0].numpy(), seed)
    dense = layers.Dense(2, kernel_regularizer="l2")
    with pytest.raises(ValueError, match="expected a built layer"):
        dense.stateless_call([], [], x)
    dense(x)
    before = dense.get_weights()
    out, _, losses = dense.stateless_call([np.ones((8, 2)), np.ones(2)], [], x, return_losses=True)
    assert (out.numpy() == 9).all()
    np.testing.assert_allclose(float(losses[0]), 0.16, rtol=1e-6)
    np.testing.assert_array_equal(dense.get_weights()[0], before[0])
    with pytest.raises(ValueError, match="expected 2 values for trainable_variables"):
        dense.stateless_call([], [], x)


def test_count_params_before_build():
    with pytest.raises(ValueError, match="expected a built layer; 'dense' has no weights yet"):
        layers.Dense(2).count_params()


def test_add_weight_arguments():
    layer = layers.Layer()
    assert layer.add_weight("w", (2, 3), "ones").numpy().sum() == 6
    assert layer.add_weight(shape=(3,), dtype="int32").numpy().tolist() == [0, 0, 0]
    assert layer.add_weight().shape == ()
    weight = layer.add_weight(shape=(2,), initializer=lambda shape, dtype: ops.ones(shape, dtype))
    assert weight.dtype == "float32"


# ---- losses ---------------------------------------------------------------------------------


def test_activity_regularizer_is_divided_by_the_batch_size():
    layer = layers.Dense(
        3, activity_regularizer=pynn.regularizers.L2(1.0), kernel_initializer="ones"
    )
    layer(ones(4, 2))
    assert [float(loss) for loss in layer.losses] == [12.0]  # 4 * 3 values of 2 ** 2, over 4 rows


def test_losses_are_those_of_the_last_call():
    class Penalty(layers.Layer):
        def call(self, x):
            self.add_loss(ops.sum(x))
            return x

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.part = Penalty()

        def call(self, x):
            return self.part(self.part(x))

    outer = Outer()
    for _ in range(3):
        outer(ones(1, 2))
        assert [float(loss) for loss in outer.losses] == [2.0, 2.0]


def test_regularizer_set_after_build_takes_effect():
    layer = layers.Dense(2, kernel_initializer="ones")
    layer(ones(1, 3))
    assert layer.losses == []
    layer.kernel_regularizer = pynn.regularizers.L1(0.5)
    assert [float(loss) for loss in layer.losses] == [3.0]
    layer.bias_constraint = "non_neg"
    assert layer.bias.constraint is layer.bias_constraint
    layer.kernel_regularizer = None
    assert layer.losses == []


def test_frozen_weights_are_not_penalized():
    layer = layers.Dense(2, kernel_regularizer="l2")
    layer(ones(1, 3))
    layer.trainable = False
    assert layer.losses == []


# ---- masks ----------------------------------------------------------------------------------


def masked(*shape):
    x = ops.ones(shape)
    x._keras_mask = ops.array([[True] * (shape[1] - 1) + [False]] * shape[0])
    return x


def test_masks_travel_through_layers_that_support_them():
    x = masked(2, 3, 4)
    for layer in (layers.Dense(2), layers.Activation("relu"), layers.Dropout(0.5)):
        assert layer(x)._keras_mask is x._keras_mask
    with pytest.warns(UserWarning, match="does not support masking"):
        output = layers.Flatten()(x)
    assert getattr(output, "_keras_mask", None) is None


def test_mask_argument_is_filled_in():
    class Sum(layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, inputs, mask=None):
            self.seen = mask
            return inputs

    layer, x = Sum(), masked(2, 3, 4)
    layer(x)
    assert layer.seen is x._keras_mask
    explicit = ops.ones((2, 3), dtype="bool")
    layer(x, mask=explicit)
    assert layer.seen is explicit


def test_masks_of_concatenation():
    x, y = masked(2, 3, 4), ops.ones((2, 3, 4))
    assert layers.Concatenate()([x, y])._keras_mask.numpy().all()
    joined = layers.Concatenate(axis=1)([x, y])._keras_mask.numpy()
    assert joined.tolist() == [[True, True, False, True, True, True]] * 2


# ---- configs --------------------------------------------------------------------------------


def test_config_of_a_users_layer_is_what_its_constructor_got():
    class Custom(layers.Layer):
        def __init__(self, size, factor=2.0):
            super().__init__()
            self.size, self.factor = size, factor

        def call(self, x):
            return x

    config = Custom(3, factor=4.0).get_config()
    assert (config["size"], config["factor"], config["name"]) == (3, 4.0, "custom")
    copy = Custom.from_config(config)
    assert (copy.size, copy.factor, copy.name) == (3, 4.0, "custom")


def test_config_with_an_argument_that_cannot_be_saved():
    class Custom(layers.Layer):
        def __init__(self, thing):
            super().__init__()

    with pytest.raises(NotImplementedError, match=r"expected a method get_config\(\)"):
        Custom(object()).get_config()


def test_config_of_a_users_get_config():
    class Custom(layers.Layer):
        def __init__(self, size, **kwargs):
            super().__init__(**kwargs)
            self.size = size

        def get_config(self):
            return {**super().get_config(), "size": self.size}

    config = Custom(3, name="mine", trainable=False).get_config()
    assert set(config) == {"name", "trainable", "dtype", "size"}
    copy = Custom.from_config(config)
    assert (copy.size, copy.name, copy.trainable) == (3, "mine", False)


# ---- dtype policies -------------------------------------------------------------------------


def test_mixed_precision_computes_in_half_and_keeps_weights_in_single():
    class Product(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1], 2), name="w")

        def call(self, x):
            return ops.matmul(x, self.w) + ops.sum(self.w.value * 1.0)

    for make in (lambda **k: layers.Dense(2, activation="relu", **k), Product):
        layer = make(dtype="mixed_bfloat16")
        output = layer(ones(2, 3))
        assert output.dtype == "bfloat16"
        assert [w.dtype for w in layer.weights] == ["float32"] * len(layer.weights)
        assert layer.get_config()["dtype"]["config"] == {"name": "mixed_bfloat16"}


def test_policies():
    assert layers.Dense(2, dtype="float64").compute_dtype == "float64"
    with pytest.raises(ValueError, match="did you mean 'mixed_bfloat16'"):
        layers.Dense(2, dtype="mixed_bfloat61")


# ---- variables ------------------------------------------------------------------------------


def test_variable_operators_and_numpy():
    v = pynn.Variable([1.0, 2.0])
    np.testing.assert_array_equal((1 + v * 2 - v / v).numpy(), [2.0, 4.0])
    product = np.array([1.0, 2.0], dtype="float32") * v
    assert isinstance(product, pynn.Tensor)
    assert np.asarray(v).tolist() == [1.0, 2.0]
    assert v[0].item() == 1.0
    assert len({v, v}) == 1


def test_variable_errors():
    v = pynn.Variable([1.0, 2.0], name="v")
    with pytest.raises(ValueError, match=r"'v': expected a value of shape \(2,\); received shape"):
        v.assign([1.0])
    with pytest.raises(ValueError, match="expected a shape together with an initializer"):
        pynn.Variable(lambda shape, dtype: None)
    with pytest.raises(ValueError, match="expected a regularizer that is callable"):
        v.regularizer = 3


def test_values_taken_from_a_variable_stay():
    v = pynn.Variable([1.0, 2.0])
    value, array = v.value, v.numpy()
    v.assign_add([1.0, 1.0])
    v.assign_sub([0.0, 1.0])
    assert value.numpy().tolist() == array.tolist() == [1.0, 2.0]
    assert v.numpy().tolist() == [2.0, 2.0]


def test_variables_made_while_tracing_begin_with_known_values():
    layer = layers.Dense(2, kernel_initializer=pynn.initializers.RandomNormal(seed=3))
    with pynn._core.Trace() as trace:
        layer(trace.input((4, 3), "float32"))
    assert layer.built
    assert not layer.kernel.value.is_traced
    assert layer.kernel.numpy().any()
