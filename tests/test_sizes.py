"""Sizes at the ends of the scale: nothing, one, more than 2^31, more than there is memory for."""

import numpy as np
import pytest

import pynn
from pynn import _core, layers, ops

TOO_MANY = "expected at most 2\\^56 elements"


def spread(shape, dtype="float32"):
    """A view of one element with any number of elements."""
    return _core.broadcast_to(_core.tensor(np.ones((), dtype)), shape)


# ---- more than memory, more than an index can count


@pytest.mark.parametrize("shape", [(2**40,), (2**20, 2**20), (2**56,)])
def test_views_may_be_larger_than_memory(shape):
    view = spread(shape)
    assert view.shape == shape
    assert _core.slice(view, [0] * len(shape), [2] * len(shape), [1] * len(shape)).numpy().all()
    assert _core.reshape(view, (-1,)).shape == (int(np.prod(shape)),)


@pytest.mark.parametrize(
    "materialize",
    [
        _core.copy,
        _core.negative,
        lambda x: _core.add(x, x),
        lambda x: _core.cast(x, "float64"),
        lambda x: _core.matmul(_core.reshape(x, (-1, 1)), np.ones((1, 2), "float32")),
        lambda x: _core.concatenate([x, x], 0),
        lambda x: _core.pad(x, [1], [1], 0.0),
        lambda x: _core.one_hot(np.zeros(3, "int32"), 2**40, "float32"),
        lambda x: _core.take(x, spread((2**40,), "int32"), 0),
        lambda x: ops.full((2**40,), 1.0),
        lambda x: ops.zeros((2**20, 2**20)) + 1.0,
        lambda x: _core.random_uniform(np.zeros(2, "uint32"), (2**40,), 0.0, 1.0),
    ],
)
def test_more_than_memory_is_refused_with_the_size_asked_for(materialize):
    before = _core.allocated_bytes()
    with pytest.raises(MemoryError, match=r"expected \d{13,} bytes \(\d+\.\d\d GiB\)"):
        materialize(spread((2**40,)))
    assert _core.allocated_bytes() == before


@pytest.mark.parametrize(
    ("call", "who"),
    [
        (lambda: spread((2**31, 2**31, 2)), "broadcast_to"),
        (lambda: spread((2**62, 2**62)), "broadcast_to"),
        (lambda: _core.matmul(spread((2**40, 1)), spread((1, 2**40))), "matmul"),
        (lambda: _core.add(spread((2**40, 1)), spread((1, 2**40))), "add"),
        (lambda: _core.concatenate([spread((2**56,))] * 2, 0), "concatenate"),
        (lambda: _core.pad(np.ones(3), [2**62], [2**62], 0.0), "pad"),
        (lambda: _core.tile(np.ones(4), (2**62,)), "tile"),
        (lambda: _core.reshape(np.ones(4), (-1, 2**32, 2**32)), "reshape"),
        (lambda: _core.one_hot(spread((2**30,), "int32"), 2**30, "float32"), "one_hot"),
        (lambda: ops.zeros((2**32, 2**32)), ""),
        (lambda: ops.outer(spread((2**40,)), spread((2**40,))), ""),
    ],
)
def test_products_of_sizes_that_overflow_are_refused(call, who):
    with pytest.raises(ValueError, match=rf"pynn\.?{who}.*{TOO_MANY}.*received"):
        call()


@pytest.mark.parametrize(
    ("start", "step", "size"),
    [
        (0, 2**9, 2**55 + 1),
        (0, 2**32, 2**32 + 1),
        (3, -(2**62), 5),
        (0, 2**63 - 1, 3),
        (3, 2**62, 2),
    ],
)
def test_windows_whose_last_index_wraps_around(start, step, size):
    # (size - 1) * step is 0 modulo 2^64 in the first cases.
    x = _core.tensor(np.arange(4.0))
    with pytest.raises(ValueError, match=r"pynn\.slice: start"):
        _core.slice_update(x, spread((size,), "float64"), [start], [step])


@pytest.mark.parametrize("step", [2**62, 2**63 - 1])
def test_steps_beyond_the_end(step):
    x = _core.tensor(np.arange(4.0))
    assert x[::step].numpy().tolist() == [0.0]
    assert x[::-step].numpy().tolist() == [3.0]
    assert _core.slice(x, [1], [4], [step]).numpy().tolist() == [1.0]
    assert _core.slice(x, [3], [-5], [-(2**63)]).numpy().tolist() == [3.0]
    assert _core.slice(x, [4], [4], [step]).shape == (0,)


@pytest.mark.parametrize("size", [2**63, 2**70, -(2**70)])
def test_sizes_that_are_no_int64(size):
    with pytest.raises((ValueError, OverflowError, TypeError), match=r"int|size|large|convert"):
        _core.broadcast_to(np.ones(()), (size,))


def test_traced_products_that_overflow_are_refused():
    with _core.Trace() as trace:
        x = trace.input((2**40, 1), "float32")
        with pytest.raises(ValueError, match=rf"pynn\.matmul: {TOO_MANY}"):
            _core.matmul(x, _core.transpose(x, None))


def test_a_plan_beyond_memory_is_refused():
    with _core.Trace() as trace:
        x = trace.input((2**55,), "float64")
        terms = [_core.softmax(_core.multiply(x, float(i))) for i in range(64)]
        total = terms[0]
        for term in terms[1:]:
            total = _core.add(total, term)
        with pytest.raises(MemoryError, match="bytes"):
            trace.finish([_core.sum(total, None, False)])


def test_positions_beyond_int32_are_refused():
    with pytest.raises(ValueError, match=r"pynn\.argmax: .* positions are int32"):
        _core.argmax(spread((2**31,), "uint8"), 0, False)


# ---- beyond 2^31 elements


@pytest.fixture(scope="module")
def more_than_int32():
    """2^31 + 192 bytes of a pattern that no power of two divides; skips where memory is short."""
    size = 2**31 + 192
    with open("/proc/meminfo") as lines:
        fields = dict(line.split(":") for line in lines)
    if int(fields["MemAvailable"].split()[0]) < 12 * 2**20:
        pytest.skip("needs 12 GiB of free memory")
    yield np.tile(np.arange(251, dtype=np.uint8), size // 251 + 1)[:size]
    _core.trim()


@pytest.mark.slow
def test_elementwise_and_sums_beyond_int32(more_than_int32):
    x = more_than_int32
    t = _core.from_numpy(x)
    whole, rest = divmod(x.size, 251)
    total = whole * (250 * 251 // 2) + rest * (rest - 1) // 2
    assert int(_core.sum(_core.cast(t[-300:], "int64"), None, False)) == int(x[-300:].sum())
    y = _core.add(t, _core.tensor(np.uint8(3)))
    assert y.numpy()[-5:].tolist() == (x[-5:] + np.uint8(3)).tolist()
    assert (
        y.numpy()[2**31 - 2 : 2**31 + 2].tolist()
        == (x[2**31 - 2 : 2**31 + 2] + np.uint8(3)).tolist()
    )
    del y
    assert int(_core.sum(t, None, False)) == total % 256
    assert int(_core.max(t, None, False)) == 250
    backwards = _core.copy(t[::-1])
    assert (backwards.numpy()[:1000] == x[::-1][:1000]).all()
    assert (backwards.numpy()[-1000:] == x[::-1][-1000:]).all()


@pytest.mark.slow
def test_moves_beyond_int32(more_than_int32):
    x = more_than_int32
    t = _core.from_numpy(x)
    high = np.array([0, 2**31 - 1, 2**31, 2**31 + 6, -1], "int64")
    assert _core.take(t, high, 0).numpy().tolist() == x[high].tolist()
    joined = _core.concatenate([t, _core.tensor(np.array([9, 8, 7], "uint8"))], 0)
    assert joined.shape == (x.size + 3,)
    assert joined.numpy()[-4:].tolist() == [int(x[-1]), 9, 8, 7]
    del joined
    mask = _core.less(t, _core.tensor(np.uint8(100)))
    assert (mask.numpy()[-1000:] == (x[-1000:] < 100)).all()


@pytest.mark.slow
def test_matmul_with_an_operand_beyond_int32(more_than_int32):
    rows = 2**31 // 64 + 3
    x = _core.from_numpy(more_than_int32.reshape(rows, 64))
    w = _core.tensor(np.ones((64, 1), "uint8"))
    y = _core.matmul(x, w).numpy()
    assert y.shape == (rows, 1)
    for i in (0, rows // 2, rows - 1):
        assert y[i, 0] == x.numpy()[i].sum(dtype=np.uint64) % 256


# ---- nothing and one


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16", "int32", "bool"])
@pytest.mark.parametrize(
    "sizes", [(0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0), (0, 0, 5), (1, 1, 0)]
)
def test_products_of_empty_matrices(sizes, dtype):
    m, n, k = sizes
    as_type = pynn.backend.dtypes.numpy_dtype(dtype)
    for flags in [(False, False), (True, False), (False, True), (True, True)]:
        a = np.ones((k, m) if flags[0] else (m, k), as_type)
        b = np.ones((n, k) if flags[1] else (k, n), as_type)
        result = _core.matmul(a, b, *flags).numpy()
        np.testing.assert_array_equal(result, np.zeros((m, n), as_type))  # k is 0, or there is none


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "bool"])
def test_dense_without_inputs_is_its_bias(dtype):
    bias = np.arange(5).astype(dtype)
    result = _core.dense(np.ones((3, 0), dtype), np.ones((0, 5), dtype), bias)
    np.testing.assert_array_equal(result.numpy(), np.tile(bias, (3, 1)))
    assert _core.dense(np.ones((0, 4), dtype), np.ones((4, 5), dtype), bias).shape == (0, 5)
    assert _core.dense(np.ones((3, 4), dtype), np.ones((4, 0), dtype)).shape == (3, 0)


def test_gradients_of_empty_products_are_zeros():
    for m, n, k in [(0, 3, 4), (3, 0, 4), (3, 4, 0)]:
        x, w = pynn.Variable(np.ones((m, k))), pynn.Variable(np.ones((k, n)))
        with pynn.GradientTape() as tape:
            y = ops.sum(ops.matmul(x, w))
        gradients = tape.gradient(y, [x, w])
        assert [g.shape for g in gradients] == [(m, k), (k, n)]
        for g in gradients:
            np.testing.assert_array_equal(ops.convert_to_numpy(g), 0.0)


def test_batched_products_of_nothing():
    assert _core.matmul(np.ones((0, 2, 3)), np.ones((0, 3, 4))).shape == (0, 2, 4)
    assert ops.matmul(np.ones((5, 0, 3)), np.ones((3, 4))).shape == (5, 0, 4)
    a, b, zeros = np.ones((2, 0)), np.ones((0, 3)), np.zeros((2, 3))
    np.testing.assert_array_equal(ops.einsum("ij,jk->ik", a, b), zeros)
    np.testing.assert_array_equal(ops.tensordot(a, b, axes=1), zeros)


def test_a_layer_of_one_row_and_one_unit():
    layer = layers.Dense(1, kernel_initializer="ones")
    assert float(layer(np.full((1, 1), 2.0))[0, 0]) == 2.0
