"""pynn.function: one executable per signature, the bits of the plain function."""

import copy
import gc
import pickle
import warnings
import weakref

import numpy as np
import pytest

import pynn
from pynn import _core, ops

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


class Counted:
    """A compiled function that counts how often it runs as Python."""

    def __init__(self, function, **settings):
        self.runs = 0

        def counted(*args, **kwargs):
            self.runs += 1
            return function(*args, **kwargs)

        self.function = pynn.function(counted, **settings)

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)


# ---- signatures -------------------------------------------------------------------------------


def test_python_runs_once_per_signature():
    f = Counted(lambda x, scale=2.0: x * scale)
    for _ in range(3):
        np.testing.assert_array_equal(f(X).numpy(), X * 2)
    assert f.runs == 1
    f(X[:2])  # a shape
    f(X.astype("float64"))  # a dtype
    f(X, scale=3.0)  # a constant
    f(X, 3.0)  # the same by position is another structure
    f(2)  # a number is a constant
    assert f.runs == 6
    np.testing.assert_array_equal(f(X, 3.0).numpy(), X * 3)
    assert f.runs == 6


@pytest.mark.parametrize("values", [(1, True), (1, 1.0), (0.0, -0.0), ("a", b"a"), (None, 0)])
def test_constants_that_look_alike_are_told_apart(values):
    f = Counted(lambda x, constant: (x, constant))
    for value in values:
        received = f(X, value)[1]
        assert type(received) is type(value)
        assert repr(received) == repr(value)
    assert f.runs == 2


def test_objects_are_constants_by_identity():
    class Scale:
        def __init__(self, value):
            self.value = value

    f = Counted(lambda x, scale: x * scale.value)
    two, three = Scale(2.0), Scale(3.0)
    assert [float(f(np.float32(1), s)) for s in (two, three, two)] == [2.0, 3.0, 2.0]
    assert f.runs == 2
    # While the signature is kept so is the object: no other one gets its id.
    reference = weakref.ref(two)
    del two
    gc.collect()
    assert reference() is not None


def test_the_signature_unused_for_longest_goes():
    f = Counted(lambda x: x + 1, max_signatures=2)
    for size in (1, 2, 1, 3):  # 3 takes the place of 2
        f(X[:size])
    assert f.function.num_signatures == 2
    f(X[:1])
    assert f.runs == 3
    f(X[:2])
    assert f.runs == 4


def test_structures():
    @pynn.function
    def f(batch, *, flag):
        return {"sum": batch["a"] + batch["b"][0], "flag": flag, "none": None, "pair": (X.shape, 1)}

    result = f({"a": X, "b": [X]}, flag="on")
    np.testing.assert_array_equal(result.pop("sum").numpy(), X + X)
    assert result == {"flag": "on", "none": None, "pair": ((4, 3), 1)}


def test_a_tensor_alone_and_an_argument_returned_as_it_is():
    f = pynn.function(lambda x, y: (y, x, y))
    x, y = ops.array(X), ops.array(X[0])
    for got, expected in zip(f(x, y), (y, x, y), strict=True):
        np.testing.assert_array_equal(got.numpy(), expected.numpy())


def test_decorator_with_and_without_arguments():
    @pynn.function
    def plain(x):
        """Doubles."""
        return x * 2

    @pynn.function(max_signatures=3)
    def bounded(x):
        return x * 2

    assert (plain.__name__, plain.__doc__) == ("plain", "Doubles.")
    assert float(plain(np.float32(2))) == float(bounded(np.float32(2))) == 4.0
    assert "multiply" in plain.graph(np.float32(2))


def test_methods():
    class Scaled:
        def __init__(self, scale):
            self.scale = pynn.Variable(scale)
            self.runs = 0

        @pynn.function
        def apply(self, x):
            self.runs += 1
            return x * self.scale

    a, b = Scaled(2.0), Scaled(3.0)
    assert [float(s.apply(np.float32(1))) for s in (a, b, a)] == [2.0, 3.0, 2.0]
    assert (a.runs, b.runs) == (1, 1)
    reference = weakref.ref(a)
    del a
    gc.collect()
    assert reference() is None


@pynn.function
def module_level(x):
    return x + 1


class Pickled:
    def __init__(self, scale):
        self.scale = scale

    @pynn.function
    def apply(self, x):
        return x * self.scale


def test_copies_and_pickles():
    assert pickle.loads(pickle.dumps(module_level)) is module_level
    original = Pickled(2.0)
    original.apply(np.float32(1))
    for other in (copy.deepcopy(original), pickle.loads(pickle.dumps(original))):
        other.scale = 3.0
        assert float(other.apply(np.float32(1))) == 3.0
        assert float(original.apply(np.float32(1))) == 2.0


def test_a_model_as_the_function():
    model = pynn.Sequential([pynn.Input((3,)), pynn.layers.Dense(2)])
    np.testing.assert_array_equal(pynn.function(model)(X).numpy(), model(X).numpy())


@pytest.mark.parametrize("bad", [0, -1, 1.5, "many"])
def test_max_signatures_is_checked(bad):
    with pytest.raises(ValueError, match="expected max_signatures of at least 1; received"):
        pynn.function(lambda x: x, max_signatures=bad)


def test_something_that_is_no_function():
    with pytest.raises(TypeError, match=r"pynn\.function: expected a function; received 3"):
        pynn.function(3)


# ---- variables and gradients --------------------------------------------------------------------


def test_variables_are_read_and_assigned():
    v = pynn.Variable(1.0)

    @pynn.function
    def step(x):
        old = v * 1.0
        v.assign_add(x)
        return old, v * 1.0

    assert [float(t) for t in step(np.float32(2))] == [1.0, 3.0]
    v.assign(10.0)
    assert [float(t) for t in step(np.float32(2))] == [10.0, 12.0]
    assert float(v) == 12.0


def test_a_variable_as_an_argument():
    f = Counted(lambda v, x: v.assign_add(x))
    a, b = pynn.Variable(1.0), pynn.Variable(5.0)
    for v in (a, b, a):
        f(v, np.float32(1))
    assert (float(a), float(b), f.runs) == (3.0, 6.0, 2)


@pytest.mark.parametrize("persistent", [False, True])
def test_gradients_are_those_of_the_function(persistent):
    kernel = pynn.Variable(np.random.default_rng(1).normal(size=(3, 3)), dtype="float32")

    def f(x, scale):
        return ops.tanh(x @ kernel) * scale + ops.sum(x * x)

    def gradients(function):
        x = ops.array(X)
        with pynn.GradientTape(persistent=persistent) as tape:
            tape.watch(x)
            y = function(x, 2.0) * x + function(x * 2, 2.0)
        return tape.gradient(y, [x, kernel])

    compiled = pynn.function(f)
    for a, b in zip(gradients(f), gradients(compiled), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert compiled.num_signatures == 1


def test_assignments_happen_once_under_a_tape():
    v, w = pynn.Variable(1.0, trainable=False), pynn.Variable(3.0)

    @pynn.function
    def f(x):
        v.assign_add(1.0)
        return x * w * v

    with pynn.GradientTape() as tape:
        y = f(np.float32(2))
    assert (float(v), float(y), float(tape.gradient(y, w))) == (2.0, 12.0, 4.0)


def test_gradients_of_second_order():
    cube = pynn.function(lambda x: x * x * x)
    x = pynn.Variable(3.0)
    with pynn.GradientTape() as outer:
        with pynn.GradientTape() as inner:
            y = cube(x * 1.0)
        first = inner.gradient(y, x)
    assert (float(first), float(outer.gradient(first, x))) == (27.0, 18.0)


def test_a_tape_inside():
    @pynn.function
    def slope(x):
        with pynn.GradientTape() as tape:
            tape.watch(x)
            y = ops.sum(x * x)
        return tape.gradient(y, x)

    np.testing.assert_array_equal(slope(X).numpy(), 2 * X)


# ---- together with other traces ------------------------------------------------------------------


def test_a_compiled_function_in_another_is_inlined():
    inner = Counted(lambda x: x * 2)
    outer = pynn.function(lambda x: inner(x) + inner(x))
    np.testing.assert_array_equal(outer(X).numpy(), 4 * X)
    assert inner.runs == 2
    assert inner.function.num_signatures == 0
    assert "call" not in outer.graph(X)


def test_a_compiled_function_in_a_step_and_in_a_branch():
    double = pynn.function(lambda x: x * 2)

    class Doubled(pynn.layers.Layer):
        def call(self, inputs):
            return ops.cond(ops.sum(inputs) > 0, lambda: double(inputs), lambda: inputs)

    model = pynn.Sequential([pynn.Input((3,)), Doubled()])
    np.testing.assert_array_equal(model.predict(np.abs(X), verbose=0), 2 * np.abs(X))
    np.testing.assert_array_equal(model.predict(-np.abs(X), verbose=0), -np.abs(X))


def test_keras_tensors():
    double = pynn.function(lambda x: ops.exp(x) * 2)
    inputs = pynn.Input((3,))
    model = pynn.Model(inputs, double(inputs))
    np.testing.assert_array_equal(model(X).numpy(), double(X).numpy())


def test_recursion_is_an_error():
    @pynn.function
    def factorial(n):
        return 1 if n == 0 else n * factorial(n - 1)

    with pytest.raises(RecursionError, match=r"function that does not call itself.*factorial"):
        factorial(3)
    assert not _core.in_trace()

    @pynn.function
    def even(x, n):
        return x if n == 0 else odd(x, n - 1)

    @pynn.function
    def odd(x, n):
        return even(x, n - 1)

    with pytest.raises(RecursionError, match="even"):
        even(X, 4)


def test_looking_at_values_runs_eagerly_with_one_warning():
    @pynn.function
    def f(x):
        if float(ops.sum(x)) > 0:
            return x
        return -x

    with pytest.warns(UserWarning, match="looks at the value of a tensor, so <pynn.function") as w:
        result = f(-np.abs(X))
    assert len(w) == 1
    assert w[0].filename == __file__
    np.testing.assert_array_equal(result.numpy(), np.abs(X))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(f(np.abs(X)).numpy(), np.abs(X))
    with pytest.raises(ValueError, match="runs eagerly"):
        f.graph(X)


def test_an_error_while_tracing_leaves_nothing_behind():
    v = pynn.Variable(1.0)

    @pynn.function
    def f(x):
        v.assign(5.0)
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        f(X)
    assert not _core.in_trace()
    assert float(v) == 1.0


def test_memory_stays_flat():
    f = pynn.function(lambda x: ops.tanh(x) + 1, max_signatures=4)
    for size in range(1, 40):
        f(np.ones((size, 3), "float32"))
    gc.collect()
    before = _core.allocated_bytes()
    for size in range(1, 40):
        f(np.ones((size, 3), "float32"))
    gc.collect()
    assert _core.allocated_bytes() <= before + 4096
