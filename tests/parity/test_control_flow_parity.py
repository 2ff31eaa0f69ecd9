"""Control flow equals that of Keras on JAX: values, structures, dtypes, gradients, shapes."""

import collections

import numpy as np
import pytest

import pynn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3)).astype("float32")
W = RNG.normal(size=(3, 3)).astype("float32") / 2
Pair = collections.namedtuple("Pair", "a b")


def cell(ops, w):
    def step(carry, x):
        h = ops.tanh(ops.matmul(carry, w) + x)
        return h, {"out": h * x, "sum": ops.sum(h, axis=-1)}

    return step


def log1pexp(ops):
    @ops.custom_gradient
    def f(x):
        e = ops.exp(x)

        def grad(*args, upstream=None):
            if upstream is None:
                (upstream,) = args
            return ops.multiply(upstream, 1.0 - 1.0 / ops.add(1, e)) * 3.0

        return ops.log(1 + e), grad

    return f


# Functions of (ops, x, w), and whether JAX can differentiate them in reverse.
CASES = {
    "cond, true": (lambda ops, x, w: ops.cond(x[0, 0] < 9, lambda: x * 2, lambda: x - w[0]), True),
    "cond, false": (lambda ops, x, w: ops.cond(x[0, 0] > 9, lambda: x * 2, lambda: x - w[0]), True),
    "cond of numbers": (lambda ops, x, w: ops.cond(True, lambda: 1, lambda: 2), False),
    "cond of None": (
        lambda ops, x, w: ops.cond(True, lambda: (None, x), lambda: (None, -x)),
        False,
    ),
    "cond of structures": (
        lambda ops, x, w: ops.cond(
            ops.sum(w) > 0, lambda: {"a": x, "b": [w]}, lambda: {"a": x * 2, "b": [w * 3]}
        ),
        True,
    ),
    "switch": (lambda ops, x, w: ops.switch(1, [lambda a, b: a, lambda a, b: a @ b], x, w), True),
    "switch, too large": (lambda ops, x, w: ops.switch(9, [lambda a: a, lambda a: a * 5], x), True),
    "switch, negative": (lambda ops, x, w: ops.switch(-3, [lambda a: a, lambda a: a * 5], x), True),
    "while of a number": (
        lambda ops, x, w: ops.while_loop(lambda i: i < 10, lambda i: i + 1, 0),
        False,
    ),
    "while of a list": (
        lambda ops, x, w: ops.while_loop(lambda a: ops.sum(a) < 50.0, lambda a: (a + 1,), [x]),
        False,
    ),
    "while of a dict": (
        lambda ops, x, w: ops.while_loop(
            lambda s: s["n"] < 3, lambda s: {"n": s["n"] + 1, "x": s["x"] @ w}, {"n": 0, "x": x}
        ),
        False,
    ),
    "while with a limit": (
        lambda ops, x, w: ops.while_loop(
            lambda a, b: b < 100, lambda a, b: (a * 2, b + 1), (x, 0), maximum_iterations=4
        ),
        False,
    ),
    "while with nested structures": (
        lambda ops, x, w: ops.while_loop(
            lambda p, n: n < 3, lambda p, n: (Pair(p.b, p.a + w[0]), n + 1), (Pair(x, x * 2), 0)
        ),
        False,
    ),
    "fori": (lambda ops, x, w: ops.fori_loop(1, 4, lambda i, h: ops.tanh(h @ w) * i, x), True),
    "fori of nothing": (lambda ops, x, w: ops.fori_loop(4, 1, lambda i, h: h * 2, x), True),
    "fori of a weak number": (
        lambda ops, x, w: ops.fori_loop(0, 3, lambda i, a: a * 1.5, 1),
        False,
    ),
    "scan": (lambda ops, x, w: ops.scan(cell(ops, w), x[0], x), True),
    "scan, reverse": (lambda ops, x, w: ops.scan(cell(ops, w), x[0], x, reverse=True), True),
    "scan, unroll": (lambda ops, x, w: ops.scan(cell(ops, w), x[0], x, unroll=2), True),
    "scan without slices": (
        lambda ops, x, w: ops.scan(lambda c, _: (c * 0.5, c), x, length=3),
        True,
    ),
    "scan without outputs": (
        lambda ops, x, w: ops.scan(lambda c, s: (c * s, None), w[0], x),
        True,
    ),
    "map": (lambda ops, x, w: ops.map(lambda r: {"y": r @ w, "z": r * 2}, x), True),
    "map of a structure": (lambda ops, x, w: ops.map(lambda e: e[0] * e[1], (w, x[:3])), True),
    "vectorized_map": (lambda ops, x, w: ops.vectorized_map(lambda r: ops.sum(r * w), x), True),
    "vectorized_map of a list": (
        lambda ops, x, w: ops.vectorized_map(lambda e: e[0] + e[1], [w, x[:3]]),
        True,
    ),
    "associative_scan": (
        lambda ops, x, w: ops.associative_scan(lambda a, b: a * b + b, x, axis=1),
        True,
    ),
    "associative_scan, reverse": (
        lambda ops, x, w: ops.associative_scan(
            lambda a, b: [a[0] * b[0], a[1] * b[0] + b[1]], [x, x * 2], reverse=True
        ),
        True,
    ),
    "stop_gradient": (lambda ops, x, w: x * ops.stop_gradient(x @ w), True),
    "custom_gradient": (lambda ops, x, w: log1pexp(ops)(x @ w) * x, True),
}


def flat(ops_tree, structure):
    return [np.asarray(leaf) for leaf in ops_tree.flatten(structure) if leaf is not None]


def assert_close(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_values(keras, name, compiled):
    function, _ = CASES[name]

    def ours(x, w):
        return function(pynn.ops, x, w)

    result = (pynn.function(ours) if compiled else ours)(pynn.ops.array(X), pynn.ops.array(W))
    expected = function(keras.ops, keras.ops.array(X), keras.ops.array(W))
    assert type(result) is type(expected) or not isinstance(expected, (tuple, list, dict))
    assert_close(flat(pynn.tree, result), flat(keras.tree, expected))


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", [name for name, (_, slopes) in CASES.items() if slopes])
def test_gradients(keras, name, compiled):
    import jax

    function, _ = CASES[name]

    def total(ops, tree, x, w):
        leaves = [leaf for leaf in tree.flatten(function(ops, x, w)) if leaf is not None]
        return sum(ops.sum(leaf * leaf) for leaf in leaves)

    def ours(x, w):
        with pynn.GradientTape() as tape:
            tape.watch([x, w])
            y = total(pynn.ops, pynn.tree, x, w)
        return tape.gradient(y, [x, w], unconnected_gradients="zero")

    gradients = (pynn.function(ours) if compiled else ours)(pynn.ops.array(X), pynn.ops.array(W))
    expected = jax.grad(lambda x, w: total(keras.ops, keras.tree, x, w), (0, 1))(X, W)
    for a, b in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=1e-4, atol=1e-5)


SYMBOLIC = {
    "switch": lambda ops, x: ops.switch(1, [lambda a: a * 2, lambda a: a * 3], x),
    "while": lambda ops, x: ops.while_loop(lambda a: ops.sum(a) < 3000, lambda a: a * 2, x),
    "fori": lambda ops, x: ops.fori_loop(0, 3, lambda i, a: a * 2, x),
    "map": lambda ops, x: ops.map(lambda r: r[:2] * 2, x),
    "vectorized_map": lambda ops, x: ops.vectorized_map(lambda r: r[:2] * 2, x),
    "scan": lambda ops, x: ops.scan(lambda c, r: (c + r, c * 2), ops.zeros((3,)), x)[1],
    "associative_scan": lambda ops, x: ops.associative_scan(lambda a, b: a + b, x),
}


@pytest.mark.parametrize("name", SYMBOLIC)
def test_symbolic_shapes_and_models(keras, name):
    ours = pynn.Input((3,), batch_size=4)
    theirs = keras.Input((3,), batch_size=4)
    our_output, their_output = SYMBOLIC[name](pynn.ops, ours), SYMBOLIC[name](keras.ops, theirs)
    assert (our_output.shape, our_output.dtype) == (their_output.shape, their_output.dtype)
    a = pynn.Model(ours, our_output)(np.abs(X))
    b = keras.Model(theirs, their_output)(np.abs(X))
    np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=1e-5)
