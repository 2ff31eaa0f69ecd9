"""Rewrites of a graph: they happen, and no bit of a result changes.

The judge is eager execution, where every op runs by itself.
"""

import numpy as np
import pytest

import pynn
from pynn import _core, ops

FLOATS = ["float32", "float64", "float16", "bfloat16"]


def compile_(function, *inputs):
    """The executable of a function of tensors."""
    trace = _core.Trace()
    with trace:
        traced = [trace.input(x.shape, x.dtype) for x in inputs]
        return trace.finish(function(*traced))


def bits(tensors):
    return [(t.dtype, tuple(t.shape), _core.cast(t, "float64").numpy().tobytes()) for t in tensors]


def check(function, *inputs):
    """Compares the bits of compiled and eager results; returns the executable."""
    run = compile_(function, *inputs)
    expected = bits([_core.tensor(t) for t in function(*inputs)])
    before = pynn.config.num_threads()
    try:
        for threads in (1, 2, 3):
            pynn.config.set_num_threads(threads)
            assert bits(run.run(inputs)) == expected
    finally:
        pynn.config.set_num_threads(before)
    return run


def tensor(shape, dtype="float32", seed=0, low=-3.0, high=3.0):
    return _core.tensor(np.random.default_rng(seed).uniform(low, high, size=shape), dtype=dtype)


def names(run):
    calls = [line for line in run.dump().splitlines() if line.startswith("%")]
    return [line.split(" = ")[1].split("(")[0] for line in calls]


# ---- dense layers written by hand


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize(
    "sizes",
    [(1, 5, 7), (3, 1, 2), (32, 130, 10), (64, 600, 33), (128, 20, 1), (5, 0, 3), (0, 2, 3)],
)
def test_product_bias_and_activation_are_one_call(dtype, activation, sizes):
    m, k, n = sizes

    def function(x, w, b):
        return [getattr(ops, activation)(b + ops.matmul(x, w))]

    inputs = tensor((m, k), dtype), tensor((k, n), dtype, 1), tensor((n,), dtype, 2)
    assert names(check(function, *inputs)) == ["dense"]


def test_the_parts_of_a_dense_call_that_others_read_stay():
    def both(x, w, b):
        product = ops.matmul(x, w)
        biased = product + b
        return [ops.relu(biased), biased]

    def all_three(x, w, b):
        product = ops.matmul(x, w)
        return [ops.relu(product + b), product]

    inputs = tensor((8, 5)), tensor((5, 6), seed=1), tensor((6,), seed=2)
    assert names(check(both, *inputs)) == ["dense", "relu"]
    assert names(check(all_three, *inputs)) == ["matmul", "fused"]


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (lambda x, w, b: [_core.matmul(x, w, transpose_y=True) + b], [(8, 5), (6, 5), (6,)]),
        (lambda x, w, b: [ops.matmul(x, w) + b], [(8, 5), (5, 6), (8, 1)]),
        (lambda x, w, b: [ops.matmul(x, w) + b], [(8, 5), (5, 1), (6,)]),
        (lambda x, w, b: [ops.matmul(x, w) + b], [(2, 8, 5), (2, 5, 6), (6,)]),
    ],
)
def test_what_is_no_dense_call_is_left_alone(function, shapes):
    run = check(function, *(tensor(shape, seed=i) for i, shape in enumerate(shapes)))
    assert "matmul" in names(run)
    assert "dense" not in names(run)


def test_half_types_round_between_product_and_bias():
    def function(x, w, b):
        return [ops.relu(ops.matmul(x, w) + b)]

    for dtype in ("float16", "bfloat16"):
        inputs = (tensor(s, dtype, i) for i, s in enumerate([(8, 50), (50, 6), (6,)]))
        assert "matmul" in names(check(function, *inputs))


# ---- fusion


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (1030,), (33, 130), (2, 3, 4), (0, 4)])
def test_a_chain_is_one_loop(dtype, shape):
    def function(x, y):
        z = ops.tanh(x * y + 0.5)
        return [ops.exp(-z) - x, ops.where(z > 0, x, y)]

    run = check(function, tensor(shape, dtype), tensor(shape, dtype, 1))
    assert names(run) == ["fused"]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    "part", [(1,), (1, 1), (12,), (1, 12), (5, 1, 1), (5, 40, 1), (40, 12), (1, 40, 12)]
)
def test_rows_columns_and_scalars_are_spread(dtype, part):
    def function(x, p):
        return [ops.sigmoid(x * p) + p, ops.maximum(p - x, x)]

    run = check(function, tensor((5, 40, 12), dtype), tensor(part, dtype, 1))
    assert names(run) == ["fused"]


def test_other_broadcasts_are_left_alone():
    def function(x, p):
        return [ops.sigmoid(x * p) + p]

    check(function, tensor((5, 40, 12)), tensor((40, 1), seed=1))
    check(function, tensor((5, 40, 12)), tensor((5, 1, 12), seed=1))
    check(function, tensor((40, 1)), tensor((5, 1, 12), seed=1))


@pytest.mark.parametrize("period", [1, 2, 10, 1000, 1023, 1024, 1025, 3000])
def test_rows_of_any_length(period):
    check(lambda x, row: [ops.tanh(x + row) * row], tensor((7, period)), tensor((period,), seed=1))
    check(lambda x, c: [ops.tanh(x + c) * c], tensor((7, period)), tensor((7, 1), seed=1))


@pytest.mark.parametrize("source", ["bool", "int8", "uint8", "int32", "int64", *FLOATS])
@pytest.mark.parametrize("target", ["bool", "int32", *FLOATS])
def test_casts_round_as_by_themselves(source, target):
    def function(x):
        y = ops.cast(x, target)
        return [ops.where(ops.equal(y, y), ops.cast(y, "float32") * 1.1, 0.0), y]

    check(function, tensor((1500,), source, low=0, high=100))


def test_transposed_inputs_keep_their_own_loop_or_are_right():
    x = tensor((40, 30))
    check(lambda x: [ops.exp(ops.transpose(x)) * ops.transpose(x) + 1.0], x)
    check(lambda x: [ops.exp(x[::2, 1:]) * x[::2, 1:] + 1.0], x)
    check(lambda x: [ops.tanh(ops.reshape(ops.transpose(x), (-1,)) * 2.0) + 1.0], x)


def test_a_way_through_another_op_is_not_closed():
    """Fusing x with z, of x -> sum -> z and x -> z, would need the sum before its own input."""

    def function(x):
        a = ops.exp(x)
        return [a / ops.sum(a) + 1.0]

    run = check(function, tensor((50,)))
    assert "sum" in names(run)

    def crossing(x, y):
        a, b = ops.exp(x), ops.tanh(y)
        total_a, total_b = ops.sum(a), ops.sum(b)
        return [a * total_b, b * total_a, a * b]

    check(crossing, tensor((50,)), tensor((50,), seed=1))


@pytest.mark.parametrize("size", [10, 40, 160])
@pytest.mark.parametrize("seed", range(25))
def test_random_graphs(seed, size):
    """Elementwise calls, reductions and views between each other, with parts of all kinds."""
    rng = np.random.default_rng(seed)
    dtype = str(rng.choice(FLOATS))
    full = (int(rng.integers(1, 9)), int(rng.integers(1, 300)))
    shapes = [full, full, (full[1],), (full[0], 1), (1,), ()]
    inputs = [tensor(s, dtype, 100 * seed + i) for i, s in enumerate(shapes)]
    unary = [ops.tanh, ops.square, ops.negative, ops.relu, ops.abs, ops.sigmoid]
    binary = [ops.add, ops.subtract, ops.multiply, ops.maximum, ops.minimum]
    plan = [(int(rng.integers(0, 9)), *map(int, rng.integers(0, 1 << 30, 3))) for _ in range(size)]
    wanted = [int(i) for i in rng.integers(0, size + 6, 5)]

    def function(*given):
        values = list(given)
        for kind, i, j, k in plan:
            x, y, z = (values[n % len(values)] for n in (i, j, k))
            if kind < 3:
                values.append(unary[i % len(unary)](x))
            elif kind < 6:
                values.append(binary[j % len(binary)](x, y))
            elif kind == 6:
                values.append(ops.where(x > y, z, x))
            elif kind == 7:
                values.append(ops.mean(x))
            else:
                values.append(ops.cast(ops.cast(x, "float32"), dtype))
        return [values[w] for w in wanted]

    check(function, *inputs)


def test_variables_are_updated_in_place_and_exactly():
    x = tensor((70, 20))
    start = np.random.default_rng(5).normal(size=(70, 20)).astype("float32")

    def step(v, w, x):
        old = v.value
        v.assign(old * 0.9 + x * 0.1)
        w.assign(old + w.value)  # the old value, after v has its new one
        return [ops.sqrt(ops.abs(old)) + w.value]

    compiled = [_core.Variable(start, True, n) for n in "vw"]
    eager = [_core.Variable(start, True, n) for n in "vw"]
    run = compile_(lambda x: step(*compiled, x), x)
    for _ in range(4):
        got, expected = run.run([x]), step(*eager, x)
        assert bits(got) == bits(expected)
        assert bits([v.value for v in compiled]) == bits([v.value for v in eager])


def test_swapped_variables():
    a, b = (_core.Variable(np.full((30,), v, "float32"), True, "v") for v in (1.0, 2.0))

    def swap():
        old_a, old_b = a.value, b.value
        a.assign(old_b * 1.0)
        b.assign(old_a * 1.0)
        return [old_a + old_b]

    run = compile_(lambda: swap())
    for expected in ((2.0, 1.0), (1.0, 2.0)):
        run.run([])
        assert (a.value.numpy()[0], b.value.numpy()[0]) == expected


def test_an_input_that_is_read_again_is_not_overwritten():
    def function(x):
        a = ops.exp(ops.sum(x, axis=0))
        b = ops.tanh(a)
        return [ops.square(b), a * b]

    check(function, tensor((3, 2000)))


def test_results_beyond_the_caches():
    def function(x):
        y = ops.tanh(x)
        return [y * 2.0, y + x, y]

    check(function, tensor((12_000_000,)))


def test_intermediate_results_take_no_memory():
    x = tensor((1000, 1000))

    def chain(x):
        for _ in range(10):
            x = ops.tanh(x) * 1.5
        return [x]

    assert compile_(chain, x).arena_bytes <= 64


# ---- equal calls, constants


def test_equal_calls_are_made_once():
    run = check(lambda x: [ops.sum(ops.matmul(x, x)) + ops.sum(ops.matmul(x, x))], tensor((9, 9)))
    assert names(run).count("matmul") == 1
    assert names(run).count("sum") == 1
    different = check(lambda x: [ops.sum(x, axis=0) + ops.sum(x, axis=1)], tensor((9, 9)))
    assert names(different).count("sum") == 2


def test_what_depends_on_constants_alone_is_computed_once():
    table = tensor((4, 4), seed=9)
    run = check(lambda x: [ops.matmul(x, ops.matmul(table, table) * 2.0)], tensor((3, 4)))
    assert names(run) == ["matmul"]


def test_unused_results_are_not_computed():
    def function(x):
        ops.exp(x)
        return [ops.tanh(x)]

    assert names(check(function, tensor((5,)))) == ["tanh"]


# ---- the dump


def test_passes_are_shown_in_order():
    def function(x):
        ops.exp(x)
        return [ops.tanh(x * 2.0) + ops.tanh(x * 2.0)]

    run = compile_(function, tensor((5,)))
    stages = dict(run.dump_passes())
    assert list(stages) == ["trace", "merge equal calls", "fuse elementwise"]
    assert "exp" not in stages["trace"]
    assert stages["trace"].count("tanh") == 2
    assert stages["merge equal calls"].count("tanh") == 1
    assert stages["fuse elementwise"] == run.dump()


@pytest.fixture
def trained_model():
    model = pynn.Sequential([pynn.Input((3,)), pynn.layers.Dense(2, activation="gelu", name="d")])
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((4, 3)), np.ones((4, 2)))
    return model


def test_the_graph_of_a_training_step_is_printed(trained_model):
    stages = []
    trained_model.train_graph(print_fn=stages.append)
    assert stages[0].startswith("# as traced\n")
    assert stages[-1].startswith("# after: fuse elementwise\n")
    assert "'kernel' <- %" in stages[-1]


def test_the_graph_is_drawn(trained_model, tmp_path):
    trained_model.train_graph(tmp_path / "step.dot", print_fn=lambda text: None)
    text = (tmp_path / "step.dot").read_text()
    assert text.startswith("digraph {")
    assert 'label="adam_update"' in text
    assert text.count("{") == text.count("}") == 1
    ids = {line.split()[0] for line in text.splitlines() if "->" not in line}
    ends = [line.split() for line in text.splitlines() if "->" in line]
    assert ends
    assert all(end[0] in ids and end[2].rstrip(";") in ids for end in ends)


def test_what_cannot_be_drawn_is_an_error(trained_model, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"train_graph: expected to_file with an ending"):
        trained_model.train_graph(tmp_path / "step", print_fn=lambda text: None)
    monkeypatch.setitem(__import__("sys").modules, "pydot", None)
    with pytest.raises(ImportError, match="expected pydot"):
        trained_model.train_graph(tmp_path / "step.png", print_fn=lambda text: None)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="expected a model with a compiled"):
        pynn.Sequential([pynn.layers.Dense(1)]).train_graph()
