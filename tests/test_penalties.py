"""Penalties on several weights at once, and losses that depend on weights."""

import numpy as np
import pytest

import pynn
from pynn import ops

X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3).astype("float32")


def joint(kernel, bias):
    return 0.1 * ops.sqrt(ops.sum(ops.square(kernel)) * (ops.sum(ops.square(bias)) + 1.0))


def gap(first, second):
    return 0.01 * ops.sum(ops.square(first - second))


def mse_and_norm(y_true, y_pred, model):
    kernel = model.layers[0].kernel
    return ops.mean(ops.square(y_true - y_pred), axis=-1) + 0.1 * ops.sum(ops.square(kernel))


def linear(**kwargs):
    pynn.utils.set_random_seed(0)
    return pynn.Sequential([pynn.Input((3,)), pynn.layers.Dense(1, name="out", **kwargs)])


def numpy_sgd(penalty_gradients, steps, rate=0.1):
    """Full-batch gradient descent on the mean squared error, in float64."""
    kernel, bias = (w.astype("float64") for w in linear().get_weights())
    for _ in range(steps):
        error = X @ kernel + bias - Y
        d_kernel, d_bias = 2 * X.T @ error / len(X), 2 * error.mean(0)
        of_kernel, of_bias = penalty_gradients(kernel, bias)
        kernel, bias = kernel - rate * (d_kernel + of_kernel), bias - rate * (d_bias + of_bias)
    return kernel, bias


def joint_gradients(kernel, bias):
    a, b = (kernel**2).sum(), (bias**2).sum() + 1
    return 0.1 * kernel * np.sqrt(b / a), 0.1 * bias * np.sqrt(a / b)


def fit(model, loss="mse", epochs=5, **kwargs):
    model.compile(pynn.optimizers.SGD(0.1), loss, **kwargs)
    return model.fit(X, Y, batch_size=64, epochs=epochs, shuffle=False, verbose=0).history


@pytest.mark.parametrize("eager", [False, True])
def test_a_regularizer_of_kernel_and_bias(eager):
    model = linear(regularizer=joint)
    history = fit(model, run_eagerly=eager)
    for weight, expected in zip(model.get_weights(), numpy_sgd(joint_gradients, 5), strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-5)
    assert list(history) == ["loss", "out_regularizer"]
    kernel, bias = numpy_sgd(joint_gradients, 4)
    last = 0.1 * np.sqrt((kernel**2).sum() * ((bias**2).sum() + 1))
    np.testing.assert_allclose(history["out_regularizer"][-1], last, rtol=1e-5)
    error = ((X @ kernel + bias - Y) ** 2).mean()
    np.testing.assert_allclose(history["loss"][-1], error + last, rtol=1e-5)


def test_it_is_added_to_the_separate_ones():
    layer = pynn.layers.Dense(
        1,
        kernel_initializer="ones",
        kernel_regularizer=pynn.regularizers.L2(0.5),
        regularizer=joint,
    )
    layer.build((None, 4))
    assert [round(float(loss), 5) for loss in layer.losses] == [2.0, 0.2]


def test_setting_and_taking_it_away_acts_at_the_next_step():
    model = linear()
    first = fit(model, epochs=1)
    model.layers[0].regularizer = joint
    with_penalty = model.fit(X, Y, batch_size=64, epochs=1, verbose=0).history
    model.layers[0].regularizer = None
    without = model.fit(X, Y, batch_size=64, epochs=1, verbose=0).history
    assert list(first) == list(without) == ["loss"]
    assert list(with_penalty) == ["loss", "out_regularizer"]
    expected, bias = numpy_sgd(lambda kernel, bias: (0, 0), 1)
    of_kernel, of_bias = joint_gradients(expected, bias)
    error = X @ expected + bias - Y
    expected = expected - 0.1 * (2 * X.T @ error / len(X) + of_kernel)
    bias = bias - 0.1 * (2 * error.mean(0) + of_bias)
    error = X @ expected + bias - Y
    expected = expected - 0.1 * (2 * X.T @ error / len(X))
    np.testing.assert_allclose(model.layers[0].kernel.numpy(), expected, rtol=1e-5)


def test_a_frozen_layer_has_no_penalty():
    model = linear(regularizer=joint)
    model.layers[0].trainable = False
    assert model.losses == []


def test_a_penalty_across_layers():
    pynn.utils.set_random_seed(1)
    a, b = (pynn.layers.Dense(3, name=name) for name in "ab")
    model = pynn.Sequential([pynn.Input((3,)), a, b, pynn.layers.Dense(1)])
    model.add_penalty(gap, [a.kernel, b.kernel])
    model.add_penalty(lambda k: 0.5 * ops.sum(ops.abs(k)), [a.kernel], name="sparse")
    assert [v.path for v in model.trainable_weights] == [
        v.path for layer in model.layers for v in layer.trainable_weights
    ]
    distance = np.sum((a.kernel.numpy() - b.kernel.numpy()) ** 2)
    size = np.sum(np.abs(a.kernel.numpy()))
    history = fit(model, epochs=1)
    assert set(history) == {"gap", "loss", "sparse"}
    np.testing.assert_allclose(history["gap"], [0.01 * distance], rtol=1e-5)
    np.testing.assert_allclose(history["sparse"], [0.5 * size], rtol=1e-5)
    result = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert set(result) == {"gap", "loss", "sparse"}


def test_a_strong_penalty_brings_weights_together():
    a, b = (pynn.layers.Dense(3, name=name) for name in "ab")
    model = pynn.Sequential([pynn.Input((3,)), a, b, pynn.layers.Dense(1)])
    model.add_penalty(lambda x, y: ops.sum(ops.square(x - y)), [a.kernel, b.kernel])
    before = np.abs(a.kernel.numpy() - b.kernel.numpy()).max()
    fit(model, epochs=60)
    assert np.abs(a.kernel.numpy() - b.kernel.numpy()).max() < before / 5


@pytest.mark.parametrize("eager", [False, True])
def test_a_loss_that_gets_the_model(eager):
    model = linear()
    fit(model, mse_and_norm, run_eagerly=eager)
    expected = numpy_sgd(lambda kernel, bias: (0.2 * kernel, 0), 5)
    for weight, value in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(weight, value, rtol=1e-5, atol=1e-7)


def test_configs_keep_the_regularizer():
    @pynn.saving.register_keras_serializable(package="test_penalties")
    def registered(kernel, bias):
        return ops.sum(kernel) * ops.sum(bias)

    layer = pynn.layers.Dense(2, regularizer=registered)
    assert "regularizer" not in pynn.layers.Dense(2).get_config()
    again = pynn.layers.Dense.from_config(layer.get_config())
    assert again.regularizer is registered


def test_mistakes_are_named():
    with pytest.raises(
        ValueError, match=r"Dense: expected arguments .*received 'kernal'.*'kernel'"
    ):
        linear(regularizer=lambda kernal: ops.sum(kernal)).losses  # noqa: B018
    with pytest.raises(ValueError, match=r"Dense: expected a regularizer whose arguments name"):
        linear(regularizer=lambda *weights: 0.0).losses  # noqa: B018
    with pytest.raises(ValueError, match=r"received 'bias'"):
        linear(regularizer=joint, use_bias=False).losses  # noqa: B018
    model = linear()
    kernel = model.layers[0].kernel
    with pytest.raises(TypeError, match=r"add_penalty: expected a function of the weights"):
        model.add_penalty(0.5, [kernel])
    with pytest.raises(TypeError, match=r"add_penalty: expected weights, a list of Variables"):
        model.add_penalty(gap, ["kernel"])
    with pytest.raises(ValueError, match=r"add_penalty: expected at least one weight"):
        model.add_penalty(gap, [])
    model.add_penalty(gap, [kernel, kernel])
    with pytest.raises(ValueError, match=r"add_penalty: expected a name other than \['gap'\]"):
        model.add_penalty(gap, [kernel, kernel])
