"""Branches and loops: the same values and gradients, whether Python or the graph runs them."""

import collections
import gc
import threading

import numpy as np
import pytest

import pynn
from pynn import _core, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3)).astype("float32")
Y = RNG.normal(size=(4, 3)).astype("float32")
W = RNG.normal(size=(3, 3)).astype("float32") / 2
B = RNG.normal(size=3).astype("float32")
State = collections.namedtuple("State", "x count")


def newton(x, w):
    """A loop whose number of iterations depends on the values."""

    def body(x, step):
        moved = ops.tanh(x @ w) * 0.5 + x * 0.25 + w[0] * x
        return moved, step + 1

    return ops.while_loop(
        lambda x, step: ops.logical_and(ops.sum(x * x) > 0.5, step < 20), body, (x, 0)
    )[0]


def cell(w, b):
    def step(carry, x):
        h = ops.tanh(carry @ w + x + b * w[1])
        return h, {"out": h * x, "sum": ops.sum(h + carry, axis=-1)}

    return step


def branches(x, y, w):
    doubled = x * 2
    result = ops.cond(
        ops.sum(x) > 0,
        lambda: (doubled * w[0], {"y": y + doubled}),
        lambda: (y @ w, {"y": doubled - x}),
    )
    return result[0] * w[1] + result[1]["y"] * doubled


def switched(x, y, w):
    index = ops.cast(ops.sum(x * 0) + 1, "int32")
    return (
        ops.switch(index, [lambda a, b: a, lambda a, b: a * b + b, lambda a, b: b @ w], x, y) * w[2]
    )


def same_tensor_twice(x, w):
    # A carry that is an output too, and is what a later op uses.
    last, all_of_them = ops.scan(lambda c, s: (c * s + w[0], c * s + w[0]), x[0], x)
    return last * w[1] + ops.sum(all_of_them * all_of_them, axis=0) + x[0]


def carried_unchanged(x, w):
    kept, sums = ops.fori_loop(0, 3, lambda i, v: (v[0], v[1] + v[0] * w[0]), (x, x * 0))
    return kept * sums + w[1]


def nested(x, w):
    def outer(i, h):
        inner = ops.fori_loop(0, 2, lambda j, z: ops.tanh(z @ w) + h * w[1], h)
        return ops.cond(ops.sum(inner) > 0, lambda: inner * 2, lambda: h - inner)

    return ops.fori_loop(0, 3, outer, x) * w[2]


def second_order(x, w):
    with pynn.GradientTape() as tape:
        tape.watch(x)
        y = ops.scan(lambda c, s: (ops.tanh(c * s + w[0]), c * c), x[0], x)[1]
        total = ops.sum(y * y * y)
    return tape.gradient(total, x)


@ops.custom_gradient
def clipped_gradient(x, w):
    e = ops.exp(x * 0.1)

    def gradient(upstream):
        return ops.clip(upstream * e, -0.5, 0.5), ops.sum(upstream * x, axis=0, keepdims=True) * w

    return e * x @ w, gradient


def custom_in_a_loop(x, w):
    return ops.fori_loop(0, 3, lambda i, h: clipped_gradient(h, w) * w[0] + h, x)


CASES = {
    "cond": (branches, X, Y, W),
    "cond, other branch": (branches, -X, Y, W),
    "cond of a constant": (lambda x: ops.cond(True, lambda: x * 2, lambda: x), X),
    "cond without tensors": (
        lambda x: x * ops.cond(x[0, 0] > 0, lambda: 2.0, lambda: 3.0),
        X,
    ),
    "cond that returns what is outside": (
        lambda x, y: ops.cond(x[0, 0] > 0, lambda: y, lambda: x) * y + y,
        X,
        Y,
    ),
    "switch": (switched, X, Y, W),
    "while": (newton, X, W),
    "while with a limit": (
        lambda x, w: ops.while_loop(
            lambda x: ops.sum(x) < 1e9, lambda x: ops.tanh(x @ w) + x * w[0], [x], 5
        )[0],
        X,
        W,
    ),
    "while that never runs": (
        lambda x, w: ops.while_loop(lambda x: ops.sum(x) > 1e9, lambda x: x * w[0], (x,))[0] * w[1],
        X,
        W,
    ),
    "fori": (lambda x, w: ops.fori_loop(0, 5, lambda i, h: ops.tanh(h @ w) + h * i, x), X, W),
    "fori, computed bound": (
        lambda x, w: ops.fori_loop(
            0, ops.cast(ops.sum(x * 0) + 4, "int32"), lambda i, h: ops.tanh(h @ w) + h * w[0], x
        ),
        X,
        W,
    ),
    "fori that never runs": (
        lambda x, w: ops.fori_loop(3, 1, lambda i, h: h * w[0], x) + w[0],
        X,
        W,
    ),
    "fori of a number": (lambda x: x * ops.fori_loop(0, 3, lambda i, a: a * 1.5, 1), X),
    "scan": (lambda x, w, b: ops.scan(cell(w, b), x[0], x), X, W, B),
    "scan, reverse": (lambda x, w, b: ops.scan(cell(w, b), b, x, reverse=True), X, W, B),
    "scan, unrolled": (lambda x, w, b: ops.scan(cell(w, b), b, x, unroll=True), X, W, B),
    "scan, unrolled in parts": (lambda x, w, b: ops.scan(cell(w, b), b, x, unroll=2), X, W, B),
    "scan without slices": (
        lambda x: ops.scan(lambda c, _: (c * 0.5, c), x, length=3),
        X,
    ),
    "scan without outputs": (lambda x, w: ops.scan(lambda c, s: (c * w + s, None), w, x)[0], X, W),
    "scan of nothing": (lambda x, w, b: ops.scan(cell(w, b), x[0], x[:0]), X, W, B),
    "same tensor twice": (same_tensor_twice, X, W),
    "carried unchanged": (carried_unchanged, X, W),
    "map": (lambda x, w: ops.map(lambda row: ops.tanh(row @ w) * w[0], x), X, W),
    "vectorized_map": (
        lambda x, y: ops.vectorized_map(lambda e: {"p": e[0] * e[1], "q": e[0]}, [x, y]),
        X,
        Y,
    ),
    "associative_scan": (lambda x: ops.associative_scan(lambda a, b: a * b + a, x), X),
    "associative_scan, reverse": (
        lambda x, y: ops.associative_scan(
            lambda a, b: (a[0] * b[0], a[1] * b[0] + b[1]), (x, y), reverse=True, axis=1
        ),
        X,
        Y,
    ),
    "nested": (nested, X, W),
    "second order": (second_order, X, W),
    "custom gradient": (lambda x, w: clipped_gradient(x, w) + x @ w, X, W),
    "custom gradient in a loop": (custom_in_a_loop, X, W),
    "custom gradient in a branch": (
        lambda x, w: ops.cond(x[0, 0] > 0, lambda: clipped_gradient(x, w), lambda: x @ w) + x,
        X,
        W,
    ),
    "structures": (
        lambda x, w: ops.while_loop(
            lambda s: s["n"].count < 3,
            lambda s: {"n": State(s["n"].x @ w, s["n"].count + 1), "y": [s["y"][0] + s["n"].x]},
            {"n": State(x, 0), "y": [x]},
        ),
        X,
        W,
    ),
}


def value_and_gradients(function, arrays):
    tensors = [ops.convert_to_tensor(a) for a in arrays]
    with pynn.GradientTape() as tape:
        for t in tensors:
            tape.watch(t)
        result = function(*tensors)
        target = [t for t in pynn.tree.flatten(result) if t is not None and "float" in t.dtype]
    gradients = tape.gradient(target, tensors, unconnected_gradients="zero")
    return [t for t in pynn.tree.flatten([result, gradients]) if t is not None]


def assert_same(first, second, exact=True):
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert (a.dtype, tuple(a.shape)) == (b.dtype, tuple(b.shape))
        if exact:
            np.testing.assert_array_equal(a.numpy(), b.numpy())
        else:
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_compiled_equals_eager(name):
    function, *arrays = CASES[name]
    eager = value_and_gradients(function, arrays)
    compiled = pynn.function(lambda *xs: value_and_gradients(function, xs))
    # A gradient of a loop computes the forward pass again, so that one of second order adds up
    # what flows into the two in another order.
    exact = name != "second order"
    assert_same(eager, compiled(*arrays), exact)
    assert_same(eager, compiled(*arrays), exact)
    assert compiled.num_signatures == 1


@pytest.mark.parametrize("name", CASES)
def test_a_compiled_function_has_the_gradients_of_the_function(name):
    function, *arrays = CASES[name]
    assert_same(
        value_and_gradients(function, arrays),
        value_and_gradients(pynn.function(function), arrays),
        name != "second order",
    )


# A custom gradient need not be that of the value.
@pytest.mark.parametrize("name", [name for name in CASES if "custom gradient" not in name])
def test_gradients_against_finite_differences(name):
    function, *arrays = CASES[name]
    arrays = [a.astype("float64") for a in arrays]

    @pynn.function
    def total(*xs):
        return sum(
            (
                ops.sum(t)
                for t in pynn.tree.flatten(function(*xs))
                if "float" in getattr(t, "dtype", "")
            ),
            ops.zeros((), "float64"),
        )

    with pynn.GradientTape() as tape:
        tensors = [ops.convert_to_tensor(a) for a in arrays]
        for t in tensors:
            tape.watch(t)
        y = total(*tensors)
    gradients = tape.gradient(y, tensors, unconnected_gradients="zero")
    for i, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
        direction = np.random.default_rng(i).normal(size=array.shape)
        ends = []
        for sign in (1, -1):
            moved = list(arrays)
            moved[i] = array + sign * 1e-6 * direction
            ends.append(float(total(*moved)))
        slope = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(
            (gradient.numpy() * direction).sum(), slope, rtol=1e-5, atol=1e-6
        )


# ---- in steps of models, and in the functional API -----------------------------------------------


class Gate(pynn.layers.Layer):
    """Uses a weight in a branch and in a loop."""

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], input_shape[-1]))
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs):
        def grow():
            self.count.assign_add(1.0)
            return ops.tanh(inputs @ self.kernel)

        gated = ops.cond(ops.sum(inputs) > 0, grow, lambda: inputs * self.kernel[0])

        def step(i, h):
            self.count.assign_add(0.5 * self.count)
            return h + ops.sigmoid(h @ self.kernel) * self.count

        return ops.fori_loop(0, 2, step, gated)


def trained(model, eager, seed=0):
    pynn.utils.set_random_seed(seed)
    model = model()
    model.compile(pynn.optimizers.Adam(0.01), "mse", run_eagerly=eager)
    x = np.random.default_rng(1).normal(size=(64, 3)).astype("float32")
    history = model.fit(
        x, x[:, :1], batch_size=8, epochs=2, verbose=0, validation_data=(x, x[:, :1])
    )
    return history.history, [w.numpy() for w in model.weights]


def test_a_model_with_control_flow_trains_the_same_compiled_and_eagerly():
    def model():
        return pynn.Sequential([pynn.Input((3,)), Gate(), pynn.layers.Dense(1)])

    (eager, eager_weights), (compiled, weights) = trained(model, True), trained(model, False)
    assert eager == compiled
    for a, b in zip(eager_weights, weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert weights[1] > 0


def test_a_variable_assigned_in_one_branch_keeps_its_value_in_the_other():
    v = pynn.Variable(1.0)

    @pynn.function
    def step(x):
        ops.cond(x > 0, lambda: v.assign(v + x), lambda: x)
        return v * 2

    assert [float(step(np.float32(x))) for x in (2, -5, 3)] == [6.0, 6.0, 12.0]
    assert float(v) == 6.0


def in_place(v, w, x):
    v.assign(v * 0.5 + x)


def swapped(v, w, x):
    old = v + 0.0
    v.assign(w * 1.0)
    w.assign(old)


def one_for_both(v, w, x):
    new = ops.tanh(v - w)
    v.assign(new)
    w.assign(new)


def transposed(v, w, x):
    v.assign(ops.transpose(v))
    w.assign(ops.transpose(w) + v)


def read_again(v, w, x):
    old = ops.reshape(v, (9,))
    v.assign(v @ x)
    w.assign(w + ops.reshape(old, (3, 3)))


def nothing(v, w, x):
    pass


@pytest.mark.parametrize("outer", [nothing, in_place, read_again])
@pytest.mark.parametrize("second", [nothing, swapped])
@pytest.mark.parametrize("first", [in_place, swapped, one_for_both, transposed, read_again])
def test_variables_that_branches_write_over(first, second, outer):
    """A branch writes where the variable is; readers before it have read the old value."""
    x = (X.T @ X).astype("float32")

    def run(wrap):
        v, w = (pynn.Variable(value, dtype="float32") for value in (W, x))

        def step(condition):
            before = v + 2.0 * w
            ops.cond(condition, lambda: first(v, w, x), lambda: second(v, w, x))
            between = v * w
            outer(v, w, x)
            return before, between

        call = wrap(step)
        for condition in (True, False, True):
            results = call(ops.array(condition))
            yield from (np.array(t).tobytes() for t in (*results, v, w))

    assert list(run(pynn.function)) == list(run(lambda step: step))


def test_a_branch_that_fails_leaves_variables_alone():
    v = pynn.Variable(W, dtype="float32")

    def refuse(x):
        raise RuntimeError("no")

    def step(x):
        def branch():
            v.assign(v * 2.0)
            v.assign(v + ops.py_function(refuse, x, pynn.KerasTensor((3, 3), "float32")))

        def other():
            v.assign(v + 1.0)

        ops.cond(ops.sum(x) > 0, branch, other)
        return x

    call = pynn.function(step)
    with pytest.raises(RuntimeError, match="no"):
        call(ops.ones((3, 3)))
    assert np.array(v).tobytes() == W.tobytes()
    call(-ops.ones((3, 3)))
    np.testing.assert_array_equal(np.array(v), W + 1)


def test_a_branch_that_writes_over_variables_needs_no_memory():
    v = pynn.Variable(np.ones((1000,), "float32"))
    trace = _core.Trace()
    with trace:
        x = trace.input((), "float32")
        ops.cond(x > 0, lambda: (v.assign(v * 0.5 + x), x)[1], lambda: x)
        run = trace.finish([])
    assert run.arena_bytes < 1000
    run.run([ops.array(3.0)])
    np.testing.assert_array_equal(np.array(v), np.full((1000,), 3.5, "float32"))


def test_the_condition_of_a_loop_sees_variables_that_the_body_assigns():
    v = pynn.Variable(0, dtype="int32")

    @pynn.function
    def count_to(n):
        def body(total):
            v.assign(v + 1)
            return total + v

        return ops.while_loop(lambda total: v < n, body, (0,))[0]

    assert int(count_to(np.int32(4))) == 10
    assert int(v) == 4


@pytest.mark.parametrize(
    "apply",
    [
        lambda x: ops.switch(1, [lambda a: a * 2, lambda a: a * 3], x),
        lambda x: ops.while_loop(lambda a: ops.sum(a) < 3000.0, lambda a: a * 2, x),
        lambda x: ops.while_loop(lambda a, n: n < 3, lambda a, n: (a * 2, n + 1), (x, 0))[0],
        lambda x: ops.fori_loop(0, 3, lambda i, a: a * 2 + ops.cast(i, "float32"), x),
        lambda x: ops.map(lambda row: row * 2, x),
        lambda x: ops.vectorized_map(lambda row: row * 2, x),
        lambda x: ops.scan(lambda c, row: (c + row, c * row), ops.zeros((3,)), x)[1],
        lambda x: ops.cond(x[0, 0] > 0, lambda: ops.ones((2,)), lambda: ops.zeros((2,))),
    ],
)
def test_keras_tensors(apply):
    inputs = pynn.Input((3,), batch_size=4)
    outputs = apply(inputs)
    model = pynn.Model(inputs, outputs)
    result = apply(ops.convert_to_tensor(X))
    assert (tuple(outputs.shape), outputs.dtype) == (tuple(result.shape), result.dtype)
    np.testing.assert_array_equal(model(X).numpy(), result.numpy())


def test_an_unknown_batch_size_stays_unknown():
    inputs = pynn.Input((3,))
    outputs = ops.fori_loop(0, 3, lambda i, a: a * 2, inputs)
    assert outputs.shape == (None, 3)
    np.testing.assert_array_equal(pynn.Model(inputs, outputs)(X).numpy(), X * 8)
    assert ops.map(lambda row: row[:2], inputs).shape == (None, 2)


def test_branches_run_in_any_number_of_threads():
    model = pynn.Sequential([pynn.Input((3,)), Gate()])
    model.compile("sgd", "mse")
    free = pynn.function(lambda x, w: nested(x, w))
    expected = free(X, W).numpy()
    wrong = []

    def work():
        for _ in range(50):
            if not np.array_equal(free(X, W).numpy(), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_loops_are_loops():
    @pynn.function
    def loop(x, w):
        return ops.fori_loop(0, 1000, lambda i, h: ops.tanh(h @ w), x)

    assert loop.graph(X, W).count("tanh") == 1
    assert "1000 times" in loop.graph(X, W)


def test_only_the_branch_that_is_taken_runs():
    calls = []

    @pynn.function
    def f(x):
        def host(name):
            spec = pynn.KerasTensor((), "float32")
            return lambda: ops.py_function(lambda v: calls.append(name) or v, x, spec)

        return ops.cond(x > 0, host("true"), host("false"))

    f(np.float32(1))
    f(np.float32(-1))
    assert calls == ["true", "false"]


def test_memory_of_loops_is_given_back():
    step = pynn.function(lambda x, w: value_and_gradients(newton, (x, w)))
    step(X, W)
    gc.collect()  # what other tests have left
    before = _core.allocated_bytes()
    for _ in range(100):
        step(X, W)
    gc.collect()
    assert _core.allocated_bytes() <= before


def test_memory_that_runs_out_in_a_branch_changes_nothing():
    v = pynn.Variable(1.0)

    @pynn.function
    def f(x):
        v.assign_add(x)
        return ops.cond(x > 1, lambda: ops.sum(ops.exp(ops.broadcast_to(x, (1 << 45,)))), lambda: x)

    assert float(f(np.float32(1))) == 1.0
    with pytest.raises(MemoryError):
        f(np.float32(2))
    assert float(v) == 2.0
    assert float(f(np.float32(1))) == 1.0


# ---- what does not fit ------------------------------------------------------------------------


def traced(f):
    """f(x) with a traced x; its error."""
    return pynn.function(lambda x: f(x))(np.ones((2, 3), "float32"))


RAISES = {
    "pred": (
        lambda x: ops.cond(x > 0, lambda: x, lambda: x),
        ValueError,
        r"cond: expected pred to be a scalar; received bool\(2, 3\)",
    ),
    "structure": (
        lambda x: ops.cond(ops.sum(x) > 0, lambda: (x, x), lambda: [x, x]),
        ValueError,
        r"cond: .* the same structure; false_fn returns \[\*, \*\] and true_fn \(\*, \*\)",
    ),
    "none": (
        lambda x: ops.cond(ops.sum(x) > 0, lambda: None, lambda: x),
        ValueError,
        r"false_fn returns \* and true_fn None",
    ),
    "shape": (
        lambda x: ops.cond(ops.sum(x) > 0, lambda: x, lambda: x[0]),
        ValueError,
        r"false_fn returns float32\(3,\) where true_fn returns float32\(2, 3\)",
    ),
    "dtype": (
        lambda x: ops.switch(ops.cast(x[0, 0], int), [lambda: x, lambda: ops.cast(x, "int32")]),
        ValueError,
        r"switch: .*\[0\] returns float32\(2, 3\) where branches\[1\] returns int32\(2, 3\)",
    ),
    "not a tensor": (
        lambda x: ops.cond(ops.sum(x) > 0, lambda: "yes", lambda: "no"),
        TypeError,
        r"cond: expected false_fn\(\) to be made of tensors or None; received 'no', a str",
    ),
    "index": (
        lambda x: ops.switch(x[0, 0], [lambda: x]),
        ValueError,
        r"switch: expected index to be an integer scalar; received float32\(\)",
    ),
    "no branches": (lambda x: ops.switch(0, []), ValueError, "at least one branch; received none"),
    "carry shape": (
        lambda x: ops.while_loop(lambda h: True, lambda h: h[:1], (x,)),
        ValueError,
        r"while_loop: .*body returns float32\(1, 3\) for number 0 .*, which is float32\(2, 3\)",
    ),
    "carry dtype": (
        lambda x: ops.fori_loop(0, 2, lambda i, h: ops.cast(h, "int32"), x),
        ValueError,
        r"fori_loop: .*body_fun returns int32\(2, 3\) for number 0 of init_val, which is float32",
    ),
    "carry structure": (
        lambda x: ops.while_loop(lambda a, b: True, lambda a, b: (a, b, a), (x, x)),
        ValueError,
        r"expected body to return the structure of loop_vars, \(\*, \*\); received \(\*, \*, \*\)",
    ),
    "carry is no tensor": (
        lambda x: ops.fori_loop(0, 2, lambda i, h: object(), x),
        TypeError,
        "fori_loop: expected body_fun to be made of tensors or None; received <object",
    ),
    "condition": (
        lambda x: ops.while_loop(lambda h: h > 0, lambda h: h, (x,)),
        ValueError,
        r"while_loop: expected cond's result to be a scalar; received bool\(2, 3\)",
    ),
    "pair": (
        lambda x: ops.scan(lambda c, s: c, x[0], x),
        TypeError,
        r"scan: expected f to return a pair \(carry, output\)",
    ),
    "sizes": (
        lambda x: ops.map(lambda e: e[0], (x, x[:1])),
        ValueError,
        r"map: expected tensors of one size along axis 0; received shapes \[\(2, 3\), \(1, 3\)\]",
    ),
    "length": (
        lambda x: ops.scan(lambda c, s: (c, s), x[0], x, length=4),
        ValueError,
        r"received shapes \[\(2, 3\)\], length=4",
    ),
    "no length": (lambda x: ops.scan(lambda c, s: (c, s), x), ValueError, "or a length"),
    "unroll": (
        lambda x: ops.scan(lambda c, s: (c, s), x[0], x, unroll=0),
        ValueError,
        "at least 1; received 0",
    ),
    "bound": (
        lambda x: ops.fori_loop(0, 2.5, lambda i, h: h, x),
        ValueError,
        r"fori_loop: expected upper to be an integer scalar; received float32\(\)",
    ),
    "associative sizes": (
        lambda x: ops.associative_scan(lambda a, b: a, (x, x[:1])),
        ValueError,
        "associative_scan: expected tensors of one size along axis 0",
    ),
    "associative structure": (
        lambda x: ops.associative_scan(lambda a, b: (a, b), x),
        ValueError,
        r"expected f to return the structure of its arguments, \*; received \(\*, \*\)",
    ),
}
SAME_IN_PYTHON = [name for name in RAISES if name not in ("structure", "none", "shape", "dtype")]


@pytest.mark.parametrize("name", RAISES)
def test_what_does_not_fit(name):
    function, error, message = RAISES[name]
    with pytest.raises(error, match=message):
        traced(function)
    assert not _core.in_trace()


@pytest.mark.parametrize("name", SAME_IN_PYTHON)
def test_what_does_not_fit_eagerly(name):
    function, error, message = RAISES[name]
    with pytest.raises(error, match=r"pynn\."):
        function(ops.ones((2, 3)))
    if name != "not a tensor":
        with pytest.raises(error, match=message):
            function(ops.ones((2, 3)))


def test_no_second_order_through_while():
    def f(x):
        with pynn.GradientTape() as tape:
            tape.watch(x)
            y = ops.while_loop(lambda h: ops.sum(h) < 10.0, lambda h: h * h + 1.0, (x,))[0]
        return tape.gradient(y, x)

    compiled = pynn.function(f)
    x = ops.convert_to_tensor(X)
    np.testing.assert_array_equal(f(x).numpy(), compiled(x).numpy())
    with pynn.GradientTape() as tape:
        tape.watch(x)
        y = compiled(x)
    with pytest.raises(ValueError, match="while_loop: expected a gradient of first order"):
        tape.gradient(y, x)


def test_a_keras_tensor_from_outside_is_named():
    inputs = pynn.Input((3,), name="pixels")
    with pytest.raises(TypeError, match=r"cond: .*KerasTensor '.*from outside"):
        ops.cond(inputs[0, 0] > 0, lambda: inputs, lambda: inputs * 2)


def test_a_condition_that_assigns_a_variable():
    v = pynn.Variable(0.0)

    def holds(x):
        v.assign(x)
        return x < 3.0

    with pytest.raises(ValueError, match=r"while_loop: expected cond .*assigns no variable"):
        pynn.function(lambda x: ops.while_loop(holds, lambda x: x + 1.0, (x,)))(np.float32(0))
