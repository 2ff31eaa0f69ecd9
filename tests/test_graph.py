"""Traces and executables: variables, memory plans, batches of rows."""

import numpy as np
import pytest

from pynn import TraceError, _core


def compiled(function, *shapes, dtype="float32"):
    with _core.Trace() as trace:
        outputs = function(*[trace.input(shape, dtype) for shape in shapes])
        return trace.finish(outputs)


def variable(value, **settings):
    return _core.Variable(np.asarray(value, np.float32), **settings)


def value(v):
    return v.value.numpy().tolist()


# ---- variables


def test_assignments_take_effect_when_the_step_runs():
    v = variable([1.0, 2.0])

    def step(x):
        v.assign(v.value + x)
        return [v.value * 10]  # sees the assignment

    exe = compiled(step, (2,))
    assert value(v) == [1.0, 2.0]
    (out,) = exe.run([np.float32([1, 1])])
    assert value(v) == [2.0, 3.0]
    assert out.numpy().tolist() == [20.0, 30.0]


def test_abandoned_traces_change_nothing():
    v = variable([1.0])
    with _core.Trace() as trace:
        v.assign(v.value + trace.input((1,), "float32"))
    assert value(v) == [1.0]
    assert not _core.in_trace()


def test_a_tensor_taken_from_a_variable_never_changes():
    v = variable([1.0, 2.0])
    exe = compiled(lambda x: v.assign(v.value + x) or [], (2,))
    exe.run([np.float32([1, 1])])
    held, array = v.value, v.value.numpy()
    exe.run([np.float32([1, 1])])
    v.assign(v.value * 2)
    assert held.numpy().tolist() == array.tolist() == [2.0, 3.0]
    assert value(v) == [6.0, 8.0]


def test_swapped_variables():
    a, b = variable([1.0]), variable([2.0])

    def swap(x):
        first, second = a.value, b.value
        a.assign(second)
        b.assign(first + 0 * x)
        return [first, second]

    exe = compiled(swap, (1,))
    outs = exe.run([np.float32([0])])
    assert (value(a), value(b)) == ([2.0], [1.0])
    assert [o.numpy().tolist() for o in outs] == [[1.0], [2.0]]


def test_exchanged_without_arithmetic():
    a, b = variable([1.0]), variable([2.0])

    def swap(x):
        first, second = a.value, b.value
        a.assign(second)
        b.assign(first)
        return [x]

    compiled(swap, (1,)).run([np.float32([0])])
    assert (value(a), value(b)) == ([2.0], [1.0])


@pytest.mark.parametrize("read_after", [False, True])
def test_updates_in_place_do_not_disturb_readers_of_the_old_value(read_after):
    v = variable(np.arange(4.0).reshape(2, 2))

    def step(x):
        old = v.value
        v.assign(old + x)
        return [old.T @ old if read_after else old[0], v.value]

    before = v.value.numpy().copy()
    out, new = compiled(step, (2, 2)).run([np.ones((2, 2), np.float32)])
    np.testing.assert_array_equal(out.numpy(), before.T @ before if read_after else before[0])
    np.testing.assert_array_equal(new.numpy(), before + 1)
    np.testing.assert_array_equal(v.value.numpy(), before + 1)


def test_update_with_a_transposed_view_of_itself():
    v = variable(np.arange(4.0).reshape(2, 2))
    compiled(lambda x: v.assign(v.value + v.value.T) or [x], (1,)).run([np.float32([0])])
    assert value(v) == [[0.0, 3.0], [3.0, 6.0]]


def test_constants_and_conversion_on_assignment():
    v = variable([1.0, 2.0])

    def step(x):
        v.assign(np.array([7, 8]))
        return [v.value + x]

    (out,) = compiled(step, (2,)).run([[1.0, 1.0]])
    assert value(v) == [7.0, 8.0]
    assert out.numpy().tolist() == [8.0, 9.0]
    assert v.dtype == "float32"


def test_misuse_is_named():
    v = variable([1.0, 2.0], name="kernel")
    with pytest.raises(
        ValueError, match=r"shape=\(2,\) for variable 'kernel'; received shape=\(3,\)"
    ):
        v.assign([1.0, 2.0, 3.0])
    with _core.Trace() as trace:
        symbol = trace.input((2,), "float32")
        with pytest.raises(TraceError, match="initial value of 'late'"):
            _core.Variable(symbol, name="late")
        with pytest.raises(TraceError, match="already running"):
            _core.Trace().__enter__()
        with _core.EagerScope():
            assert value(_core.Variable(v.value * 2)) == [2.0, 4.0]
    with pytest.raises(TraceError, match="outside of its trace"):
        v.assign(symbol)


# ---- plans


def test_dead_operations_are_dropped():
    exe = compiled(lambda x: (x * 3, [x + 1])[1], (4,))
    assert exe.num_ops == 1
    assert "multiply" not in exe.dump()


def test_outputs_that_are_inputs_views_constants_or_the_same():
    constant = _core.tensor([5.0, 6.0])

    def step(x):
        y = x + 1
        return [x, y, y, y[::-1], x[0], constant, constant[1:]]

    outs = compiled(step, (2,)).run([np.float32([1, 2])])
    assert [o.numpy().tolist() for o in outs] == [[1, 2], [2, 3], [2, 3], [3, 2], 1, [5, 6], [6]]
    first = outs[1].numpy().copy()
    compiled(step, (2,)).run([np.float32([9, 9])])
    np.testing.assert_array_equal(outs[1].numpy(), first)


def test_memory_of_dead_values_is_used_again():
    def chain(x, length):
        for _ in range(length):
            x = _core.exp(x @ x)
        return [x]

    short = compiled(lambda x: chain(x, 4), (16, 16)).arena_bytes
    assert compiled(lambda x: chain(x, 40), (16, 16)).arena_bytes == short


def test_random_graphs_equal_eager():
    """Views, copies, in-place operations and lifetimes in all combinations."""
    rng = np.random.default_rng(0)
    unary = [
        lambda t: t + 1, lambda t: _core.tanh(t), lambda t: t.T, lambda t: t[::-1],
        lambda t: t[:, ::2], lambda t: _core.reshape(t, (-1,)),
        lambda t: _core.sum(t, [0], True), lambda t: -t,
    ]  # fmt: skip

    def build(x, y, choices):
        values = [x, y]
        for kind, a, b in choices:
            left, right = values[a % len(values)], values[b % len(values)]
            if kind < len(unary) and left.ndim == 2:
                values.append(unary[kind](left))
            elif left.shape == right.shape:
                values.append(left * right - left)
            else:
                values.append(
                    _core.concatenate([_core.reshape(v, (-1,)) for v in (left, right)]) * 0.5
                )
        return values[2:]

    for _ in range(60):
        choices = rng.integers(0, [12, 50, 50], size=(14, 3)).tolist()
        x, y = rng.normal(size=(2, 4, 4)).astype(np.float32)
        expected = build(_core.tensor(x), _core.tensor(y), choices)
        keep = sorted(rng.choice(len(expected), 3, replace=False).tolist())
        with _core.Trace() as trace:
            symbols = [trace.input((4, 4), "float32") for _ in range(2)]
            outputs = build(*symbols, choices)
            exe = trace.finish([outputs[i] for i in keep])
        for i, out in zip(keep, exe.run([x, y]), strict=True):
            np.testing.assert_array_equal(out.numpy(), expected[i].numpy())


def test_inputs_are_checked_and_converted():
    exe = compiled(lambda x: [x * 2], (2, 3))
    (out,) = exe.run([np.arange(6).reshape(2, 3)])
    assert out.numpy().tolist() == [[0, 2, 4], [6, 8, 10]]
    with pytest.raises(ValueError, match=r"input 0 of shape=\(2, 3\); received shape=\(3, 2\)"):
        exe.run([np.zeros((3, 2))])
    with pytest.raises(ValueError, match="expected 1 inputs; received 2"):
        exe.run([np.zeros((2, 3))] * 2)


def test_a_step_that_fails_leaves_the_variables_usable():
    v = variable([1.0])

    def step(labels):
        loss = _core.sparse_softmax_cross_entropy(_core.full((2, 3), 0.0, "float32"), labels)
        v.assign(v.value - _core.mean(loss))
        return [loss]

    exe = compiled(step, (2,), dtype="int32")
    with pytest.raises(ValueError, match=r"labels in \[0, 3\); received label 9"):
        exe.run([[0, 9]])
    assert value(v) == [1.0]
    exe.run([[0, 1]])
    assert value(v) != [1.0]


# ---- batches of rows


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int64", "float16"])
@pytest.mark.parametrize("layout", ["plain", "strided", "reversed", "fortran"])
def test_rows_of_any_array(dtype, layout):
    base = (np.arange(20 * 2 * 6) % 200).reshape(20, 2, 6).astype(dtype)
    data = {
        "plain": base[:, :, :3].copy(), "strided": base[::1, :, ::2], "reversed": base[::-1, :, 3:],
        "fortran": np.asfortranarray(base[:, :, :3]),
    }[layout]  # fmt: skip
    exe = compiled(lambda x: [x * 2, _core.sum(x, [1, 2], False)], (4, 2, 3))
    order = np.random.default_rng(0).permutation(20)
    for rows in (None, order):
        collect = [np.zeros((20, 2, 3), np.float32), np.zeros(20, np.float32)]
        done, outputs = exe.run_batches([data], rows, 4, 0, 5, 0.0, collect)
        assert (done, outputs) == (5, [])
        expected = (data if rows is None else data[rows]).astype(np.float32)
        np.testing.assert_array_equal(collect[0], expected * 2)
        np.testing.assert_array_equal(collect[1], expected.sum((1, 2)))


def test_batches_stop_when_time_is_up():
    v = variable(0.0)
    exe = compiled(lambda x: v.assign(v.value + _core.sum(x, None, False)) or [v.value], (1, 1))
    data = np.ones((50, 1), np.float32)
    done, outputs = exe.run_batches([data], None, 1, 0, 50, 1e-9)
    assert (done, float(outputs[0]), value(v)) == (1, 1.0, 1.0)


def test_rows_outside_and_wrong_rows_are_errors():
    exe = compiled(lambda x: [x], (4, 3))
    data = np.zeros((10, 3), np.float32)
    for arrays, order, begin, count, message in [
        ([data], None, 0, 3, "rows up to 12; received 10"),
        ([data], None, -1, 1, "rows up to 3"),
        ([data], np.array([0, 1, 2, 10]), 0, 1, r"row numbers in \[0, 10\); received 10"),
        ([data[:, :2]], None, 0, 1, r"rows of shape=\(3,\); received shape=\(10, 2\)"),
        ([], None, 0, 1, "expected 1 arrays; received 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            exe.run_batches(arrays, order, 4, begin, count)
    short = [np.zeros((3, 3), np.float32)]
    with pytest.raises(ValueError, match="an array of 8 rows to collect in"):
        exe.run_batches([data], None, 4, 0, 2, 0.0, short)
    with pytest.raises(TypeError, match="writeable C-order arrays of dtype float32"):
        exe.run_batches([data], None, 4, 0, 2, 0.0, [np.zeros((10, 3))])


def test_nan_is_found_where_it_is():
    data = np.ones((12, 3), np.float64)
    data[7, 1] = np.nan
    exe = compiled(lambda x: [x], (4, 3))
    order = np.arange(12)[::-1].copy()
    for rows in (None, order):
        with pytest.raises(ValueError, match="expected x without NaN; received NaN in row 7"):
            exe.run_batches([data], rows, 4, 0, 3, 0.0, None, ["x"])


def test_permutations():
    first = _core.permutation((1, 2), 5000)
    np.testing.assert_array_equal(np.sort(first), np.arange(5000))
    np.testing.assert_array_equal(first, _core.permutation((1, 2), 5000))
    assert (first != _core.permutation((2, 2), 5000)).any()
    # Where element 0 lands is uniform: chi-square over 8 places, 7 degrees of freedom.
    counts = np.bincount(
        [np.flatnonzero(_core.permutation((s, 0), 8) == 0)[0] for s in range(4000)]
    )
    assert ((counts - 500) ** 2 / 500).sum() < 24.3  # p = 0.001


def test_batches_stop_after_a_scalar_is_not_finite():
    total = _core.Variable(np.float32(0.0), False, "total")
    trace = _core.Trace()
    with trace:
        rows = trace.input((2,), "float32")
        total.assign(total.value + rows[0] + rows[1])
        step = trace.finish([])
    data = np.ones(12, np.float32)
    for bad in (np.nan, np.inf):
        data[5] = bad
        total.assign(np.float32(0.0))
        assert step.run_batches([data], None, 2, 0, 6, finite=total)[0] == 3
        assert not np.isfinite(total.value.numpy())
    with pytest.raises(ValueError, match=r"scalar to look at; received 'v'.*shape=\(3,\)"):
        step.run_batches([data], None, 2, 0, 6, finite=_core.Variable(np.ones(3), False, "v"))
