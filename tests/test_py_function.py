"""Host functions inside steps, and functions with gradients of their own."""

import gc
import threading
import traceback
import weakref

import numpy as np
import pytest

import pynn
from pynn import layers, ops

X = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")


class Host(layers.Layer):
    """Sends its inputs through a Python function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, inputs):
        spec = pynn.KerasTensor((None, 3), inputs.dtype)
        return ops.stop_gradient(ops.py_function(self.function, inputs, spec)) + inputs


def make_model(function, eager=False, optimizer="sgd"):
    pynn.utils.set_random_seed(0)
    model = pynn.Sequential(
        [pynn.Input((3,)), layers.Dense(3, activation="tanh"), Host(function), layers.Dense(1)]
    )
    model.compile(optimizer, "mse", run_eagerly=eager)
    return model


def fit(model, **settings):
    return model.fit(X, X[:, :1], batch_size=8, verbose=0, **settings)


def test_numpy_inside_a_compiled_step_and_eagerly():
    results = []
    for eager in (False, True):
        calls = []
        model = make_model(lambda x, seen=calls: seen.append(x.shape) or np.sort(x), eager)
        history = fit(model, epochs=2, shuffle=False)
        assert calls.count((8, 3)) == 8
        results.append((history.history, [w.tobytes() for w in model.get_weights()]))
    assert results[0] == results[1]


def test_structures_and_dtypes():
    def host(a, pair):
        assert isinstance(a, np.ndarray)
        return {"sum": a.astype("float64").sum(), "flags": pair["x"] > 0}

    spec = {"sum": pynn.KerasTensor((), "float32"), "flags": pynn.KerasTensor((3,), "bool")}
    f = pynn.function(lambda a, x: ops.py_function(host, [a, {"x": x}], spec))
    for call in (f, lambda a, x: ops.py_function(host, [a, {"x": x}], spec)):
        result = call(np.arange(4), np.array([1.0, -1.0, 2.0]))
        assert (result["sum"].dtype, float(result["sum"])) == ("float32", 6.0)
        assert result["flags"].numpy().tolist() == [True, False, True]


def test_the_arrays_are_copies():
    kept = []
    f = pynn.function(
        lambda x: ops.py_function(lambda a: kept.append(a) or a, x * 2, pynn.KerasTensor((2,)))
    )
    f(np.array([1.0, 2.0], "float32"))
    f(np.array([3.0, 4.0], "float32"))
    assert [a.tolist() for a in kept] == [[2.0, 4.0], [6.0, 8.0]]
    kept[0][0] = 9.0  # writeable


def test_called_in_every_run_in_order_even_if_unused():
    seen = []

    @pynn.function
    def f(x):
        ops.py_function(lambda v: seen.append(("first", float(v))), x, None)
        ops.py_function(lambda: seen.append("second"), [], None)
        ops.py_function(lambda v: seen.append("third"), x, None)
        return x

    f(np.float32(1))
    f(np.float32(2))
    assert seen == [("first", 1.0), "second", "third", ("first", 2.0), "second", "third"]


def test_an_exception_leaves_the_weights_of_the_last_whole_step():
    class Bad(Exception):
        pass

    def at(count):
        left = [count]

        def function(x):
            left[0] -= 1
            if left[0] < 0:
                raise Bad("boom")
            return x

        return function

    whole = make_model(at(100), optimizer="adam")
    whole.fit(X[:16], X[:16, :1], batch_size=8, shuffle=False, verbose=0)
    model = make_model(at(2), optimizer="adam")
    with pytest.raises(Bad, match="boom") as info:
        fit(model, shuffle=False)
    frames = [frame.name for frame in traceback.extract_tb(info.value.__traceback__)]
    assert "function" in frames  # the line that raised
    for a, b in zip(whole.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(whole.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


class Counting(layers.Layer):
    """Assigns a variable before a host function that may fail."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def build(self, input_shape):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs):
        self.count.assign_add(1.0)
        ops.py_function(self.function, inputs, None)
        return inputs


def test_variables_assigned_before_the_exception_keep_their_values():
    fails = []

    def function(x):
        if fails:
            raise OSError("gone")

    model = pynn.Sequential([pynn.Input((3,)), Counting(function), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.train_on_batch(X, X[:, :1])
    fails.append(True)
    with pytest.raises(OSError, match="gone"):
        model.train_on_batch(X, X[:, :1])
    assert float(model.layers[0].count) == 1.0


def test_no_gradient_is_an_error_that_says_so():
    x = pynn.Variable(1.0)
    with pynn.GradientTape() as tape:
        y = ops.py_function(np.exp, x * 1.0, pynn.KerasTensor(()))
    with pytest.raises(
        ValueError, match=r"py_function: expected a function with a gradient.*'exp'"
    ):
        tape.gradient(y, x)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_gradient_by_custom_gradient(compiled):
    @ops.custom_gradient
    def exp(x):
        y = ops.py_function(np.exp, x, pynn.KerasTensor((None,)))
        return y, lambda upstream: upstream * y

    def slope(x):
        with pynn.GradientTape() as tape:
            tape.watch(x)
            y = exp(x) * 2
        return tape.gradient(y, x)

    if compiled:
        slope = pynn.function(slope)
    x = np.array([0.0, 1.0], "float32")
    np.testing.assert_allclose(slope(ops.array(x)).numpy(), 2 * np.exp(x), rtol=1e-6)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x[:1], r"expected <lambda> to return shape \(3,\); received \(1,\)"),
        (lambda x: (x, x), r"expected <lambda> to return \*; received \(\*, \*\)"),
        (lambda x: None, r"expected <lambda> to return \*; received None"),
    ],
)
def test_results_that_do_not_fit(function, message):
    spec = pynn.KerasTensor((3,))
    f = pynn.function(lambda x: ops.py_function(function, x, spec))
    for call in (f, f._function):
        with pytest.raises(ValueError, match=f"py_function: {message}"):
            call(ops.ones((3,)))


def test_output_specs_that_do_not_fit():
    with pytest.raises(TypeError, match="an output_spec with shape and dtype; received 'float32'"):
        ops.py_function(np.exp, 1.0, "float32")
    with pytest.raises(ValueError, match=r"sizes that are known; received \(None,\)"):
        ops.py_function(np.exp, 1.0, pynn.KerasTensor((None,)))


def test_in_the_functional_api():
    inputs = pynn.Input((3,))
    spec = pynn.KerasTensor((None, 3))
    outputs = ops.py_function(lambda x: np.sort(x, axis=-1), inputs, spec)
    assert outputs.shape == (None, 3)
    np.testing.assert_array_equal(pynn.Model(inputs, outputs)(X).numpy(), np.sort(X, axis=-1))


def test_a_host_function_that_uses_a_variable_of_the_running_step():
    model = make_model(lambda x: x)
    model.layers[1].function = lambda x: x + model.layers[0].kernel.numpy()[0, 0]
    with pytest.raises(ValueError, match="leaves variables of the running step alone; it uses"):
        fit(model)
    # A step that only reads lets others read.
    model.predict(X, verbose=0)


def test_another_thread_reads_variables_meanwhile():
    """It waits for the step, and lets go of Python, which the step needs."""
    model = make_model(lambda x: x)
    stop = threading.Event()

    def read():
        while not stop.is_set():
            model.layers[0].kernel.numpy()
            model.layers[0].bias.assign(model.layers[0].bias.value)

    reader = threading.Thread(target=read)
    reader.start()
    fit(model, epochs=20)
    stop.set()
    reader.join(60)
    assert not reader.is_alive()


@pytest.mark.parametrize("eager", [False, True])
def test_a_model_whose_method_is_a_host_function_is_freed(eager):
    class Logging(pynn.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def log(self, x):
            assert x.shape[1] == 3

        @pynn.function
        def doubled(self, x):
            ops.py_function(self.log, x, None)
            return x * 2

        def call(self, inputs):
            ops.py_function(self.log, inputs, None)
            return self.dense(inputs)

    model = Logging()
    model.compile("sgd", "mse", run_eagerly=eager)
    fit(model)
    model.predict(X, verbose=0)
    model.doubled(X)
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None


# ---- gradients of one's own ---------------------------------------------------------------------


def test_keras_example():
    @ops.custom_gradient
    def log1pexp(x):
        e = ops.exp(x)

        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            return ops.multiply(upstream, 1.0 - 1.0 / ops.add(1, e))

        return ops.log(1 + e), grad

    x = pynn.Variable(100.0)
    with pynn.GradientTape() as tape:
        y = log1pexp(x)
    assert float(tape.gradient(y, x)) == 1.0


def test_upstream_by_name_only():
    @ops.custom_gradient
    def f(x, y):
        def grad(*args, upstream):
            a, b = args
            return upstream * b, upstream * a * 10

        return x * y, grad

    x, y = pynn.Variable(2.0), pynn.Variable(3.0)
    with pynn.GradientTape() as tape:
        z = f(x, y) * 2
    assert [float(g) for g in tape.gradient(z, [x, y])] == [6.0, 40.0]


def test_structures_of_arguments_and_outputs():
    @ops.custom_gradient
    def f(pair, z):
        def grad(upstream):
            return {"a": upstream["s"], "b": None}, 5 * upstream["z"]

        return {"s": pair["a"] + pair["b"], "z": z}, grad

    values = [pynn.Variable(v) for v in (1.0, 2.0, 3.0)]
    with pynn.GradientTape() as tape:
        result = f({"a": values[0], "b": values[1]}, values[2])
        total = result["s"] * 7 + result["z"]
    assert [float(g) for g in tape.gradient(total, values)] == [7.0, 0.0, 5.0]


def test_gradients_of_second_order():
    @ops.custom_gradient
    def square(x):
        return x * x, lambda upstream: upstream * 2 * x

    def second(x):
        with pynn.GradientTape() as outer:
            outer.watch(x)
            with pynn.GradientTape() as inner:
                inner.watch(x)
                y = square(x) * x
            first = inner.gradient(y, x)
        return outer.gradient(first, x)

    assert float(second(ops.array(3.0))) == 18.0
    assert float(pynn.function(second)(ops.array(3.0))) == 18.0


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("f", "error", "message"),
    [
        (lambda x: x, TypeError, r"returns \(output, grad_fn\)"),
        (
            lambda x: (x, lambda up: (up, up)),
            ValueError,
            "per argument, 1; received 2",
        ),
        (lambda x: (x, lambda up: up[0]), ValueError, r"of shape \(2,\) for argument 0; received"),
        (lambda x: ("x", lambda up: up), TypeError, "the output to be made of tensors"),
        (lambda x: (x, lambda up: "up"), TypeError, "a gradient to be made of tensors"),
    ],
)
def test_what_does_not_fit(f, error, message, compiled):
    def slope(x):
        with pynn.GradientTape() as tape:
            tape.watch(x)
            y = ops.custom_gradient(f)(x)
        return tape.gradient(y, x)

    with pytest.raises(error, match=f"custom_gradient: expected .*{message}"):
        (pynn.function(slope) if compiled else slope)(ops.ones((2,)))


def test_functional_model():
    @ops.custom_gradient
    def double(x):
        return x * 2, lambda upstream: upstream

    inputs = pynn.Input((3,))
    model = pynn.Model(inputs, double(inputs))
    np.testing.assert_array_equal(model(X).numpy(), X * 2)


def test_what_only_the_gradient_needs_is_not_computed_without_it():
    @ops.custom_gradient
    def f(x):
        e = ops.exp(x)
        return x * 2, lambda upstream: upstream * e

    graph = pynn.function(f).graph(X)
    assert "exp" not in graph
    assert "custom_gradient" not in graph
