"""Weights that do not change are kept in the packed form of the products that read them.

What is kept must never be seen: not as other bits, not as old values, not as memory that stays.
"""

import gc

import numpy as np
import pytest

import pynn
from pynn import _core

UNITS = 768  # a kernel beyond the second-level cache of most machines


@pytest.fixture(params=["float32", "mixed_bfloat16", "mixed_float16"])
def model(request):
    """Mixed precision keeps a cast of the weights, and the packed form of that."""
    pynn.utils.set_random_seed(3)
    layer = pynn.layers.Dense(UNITS, activation="tanh", dtype=request.param)
    model = pynn.Sequential([pynn.Input((UNITS,)), layer])
    model.compile("sgd", "mse")
    return model


def batch(rows=24, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, UNITS)).astype("float32")


def unkept(model, x):
    """The prediction of a model that has never run."""
    twin = pynn.models.clone_model(model)
    twin.set_weights(model.get_weights())
    return twin.predict_on_batch(x)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_later_runs_give_the_bits_of_the_first(dtype):
    rng = np.random.default_rng(1)
    kernel = _core.Variable(_core.tensor(rng.normal(size=(UNITS, 90)), dtype=dtype), False, "k")
    x = _core.tensor(rng.normal(size=(24, UNITS)), dtype=dtype)
    trace = _core.Trace()
    with trace:
        y = _core.dense(trace.input(x.shape, dtype), kernel.value)
        run = trace.finish([y])
    outputs = [_core.cast(run.run([x])[0], "float32").numpy().tobytes() for _ in range(4)]
    assert len(set(outputs)) == 1


def test_assigned_weights_are_read_at_once(model):
    x = batch()
    before = [model.predict_on_batch(x) for _ in range(3)]
    kernel, bias = model.get_weights()
    model.layers[0].kernel.assign(kernel[::-1])
    after = model.predict_on_batch(x)
    np.testing.assert_array_equal(after, unkept(model, x))
    assert not np.array_equal(after, before[-1])
    model.set_weights([kernel, bias])
    np.testing.assert_array_equal(model.predict_on_batch(x), before[0])


def test_trained_weights_are_read_at_once(model):
    x = batch()
    for _ in range(3):
        for _ in range(3):
            predicted = model.predict_on_batch(x)
        np.testing.assert_array_equal(predicted, unkept(model, x))
        model.train_on_batch(x, batch(seed=1))


def test_frozen_layers_train_the_others_right(model):
    head = pynn.layers.Dense(2)
    whole = pynn.Sequential([pynn.Input((UNITS,)), model.layers[0], head])
    if model.layers[0].compute_dtype != "float32":
        pytest.skip("NumPy below computes in float32")
    model.layers[0].trainable = False
    whole.compile(pynn.optimizers.SGD(0.1), "mse")
    x, y = batch(), np.ones((24, 2), "float32")
    features = model.predict_on_batch(x)
    kernel, bias = head.get_weights()
    for _ in range(4):
        whole.train_on_batch(x, y)
        error = features @ kernel + bias - y
        scale = 0.1 * 2 / y.size
        kernel, bias = kernel - scale * features.T @ error, bias - scale * error.sum(0)
    np.testing.assert_allclose(head.get_weights()[0], kernel, rtol=1e-4, atol=1e-5)


def test_forms_are_shared_and_given_back(model):
    x = batch()

    def allocated():
        gc.collect()
        return _core.allocated_bytes()

    before = allocated()
    for rows in (24, 24, 16, 16, 8, 8):
        model.predict_on_batch(x[:rows])
    kept = allocated() - before
    # One form, whatever the number of batch sizes, and in mixed precision one cast; half floats
    # are packed as float32 where the processor has no products of them.
    most = 1.25 if model.layers[0].compute_dtype == "float32" else 1.75
    assert kept < most * UNITS * UNITS * 4
    for _ in range(50):
        model.predict_on_batch(x)
    assert allocated() - before == kept
    model.layers[0].kernel.assign(model.layers[0].kernel.numpy())
    assert allocated() - before < UNITS * UNITS


READERS = {
    "whole": lambda x, w: _core.matmul(x, w),
    "transposed": lambda x, w: _core.matmul(x, w, False, True),
    "transposed view": lambda x, w: _core.matmul(x, _core.transpose(w, [1, 0])),
    "reshaped": lambda x, w: _core.reshape(w, (UNITS // 2, UNITS * 2))[:24, :UNITS] + x,
    "part": lambda x, w: _core.matmul(x[:, :100], w[100:200, 50:]),
    "reversed": lambda x, w: x + w[::-1][:24],
    "several": lambda x, w: _core.matmul(x, w) * w[:24] + _core.matmul(w, w)[:24],
    "in place": lambda x, w: _core.exp(_core.negative(w))[:24] + x,
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_kept_casts_are_read_in_every_way(name, dtype):
    start = np.random.default_rng(5).normal(size=(UNITS, UNITS)).astype("float32") / 32
    weight = _core.Variable(start, False, "w")
    x = _core.tensor(batch(), dtype)

    def eager(values):
        return READERS[name](x, _core.cast(_core.tensor(values), dtype)).numpy().tobytes()

    trace = _core.Trace()
    with trace:
        result = READERS[name](trace.input(x.shape, dtype), _core.cast(weight.value, dtype))
        run = trace.finish([result])
    for values in (start, start[::-1].copy()):
        weight.assign(values)
        assert [run.run([x])[0].numpy().tobytes() for _ in range(4)] == [eager(values)] * 4


def test_a_cast_of_a_variable_that_the_run_writes_is_made_anew():
    weight = _core.Variable(np.ones((64, 64), "float32"), False, "w")
    trace = _core.Trace()
    with trace:
        trace.input((), "float32")
        half = _core.cast(weight.value, "bfloat16")
        weight.assign(weight.value + 1.0)
        run = trace.finish([_core.cast(half, "float32")])
    assert [float(run.run([0.0])[0].numpy()[0, 0]) for _ in range(4)] == [1.0, 2.0, 3.0, 4.0]
