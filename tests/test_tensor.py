"""Tensors: memory shared with NumPy and DLPack, Python numbers, indexing, errors."""

import gc
import weakref

import ml_dtypes
import numpy as np
import pytest

from pynn import TraceError, _core

DTYPES = [
    "bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64",
    "float16", "bfloat16", "float32", "float64",
]  # fmt: skip


def numpy_dtype(name):
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


# ---- exchange of memory


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_round_trip(dtype):
    array = np.arange(6).reshape(2, 3).astype(numpy_dtype(dtype))
    tensor = _core.tensor(array)
    assert (tensor.dtype, tensor.shape, tensor.nbytes) == (dtype, (2, 3), array.nbytes)
    np.testing.assert_array_equal(tensor.numpy(), array)
    assert tensor.numpy().dtype == array.dtype


def test_numpy_shares_memory_and_is_read_only():
    tensor = _core.tensor(np.arange(6.0))
    first, second = tensor.numpy(), np.asarray(tensor)
    assert np.shares_memory(first, second)
    assert not first.flags.writeable
    assert not np.shares_memory(first, np.array(tensor))


def test_numpy_outlives_the_tensor():
    array = _core.tensor([1.0, 2.0]).numpy()
    gc.collect()
    np.testing.assert_array_equal(array, [1.0, 2.0])


def test_tensor_copies_arrays_and_from_numpy_does_not():
    array = np.zeros((3, 4), np.float32)
    copied, shared = _core.tensor(array), _core.from_numpy(array[::2, ::-1])
    array[2, 3] = 5.0
    assert copied.numpy()[2, 3] == 0.0
    assert shared.numpy()[1, 0] == 5.0


def test_from_numpy_keeps_the_array_alive_and_lets_it_go():
    class Array(np.ndarray):
        pass

    array = np.arange(4.0).view(Array)
    gone = weakref.ref(array)
    tensor = _core.from_numpy(array)
    del array
    gc.collect()
    assert gone() is not None
    del tensor
    gc.collect()
    assert gone() is None


def test_strides_that_are_not_whole_elements():
    record = np.zeros(3, dtype=[("a", "i1"), ("b", "f4")])
    record["b"] = [1, 2, 3]
    np.testing.assert_array_equal(_core.from_numpy(record["b"]).numpy(), [1, 2, 3])


def test_other_byte_order():
    array = np.arange(4, dtype=">i4")
    np.testing.assert_array_equal(_core.tensor(array).numpy(), array)


def test_buffer_protocol():
    view = memoryview(_core.tensor(np.arange(6, dtype="int16").reshape(2, 3)))
    assert (view.format, view.shape, view.readonly) == ("h", (2, 3), True)
    assert view.tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(BufferError):
        memoryview(_core.tensor([1.0], "bfloat16"))


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d != "bfloat16"])
def test_dlpack_both_ways(dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    tensor = _core.from_dlpack(array)
    assert np.shares_memory(tensor.numpy(), array)
    assert (tensor.shape, tensor.dtype) == ((2, 3), dtype)
    assert tensor.__dlpack_device__() == (1, 0)
    back = np.from_dlpack(tensor)
    assert np.shares_memory(back, array)
    assert not back.flags.writeable


def test_dlpack_strides_versions_and_lifetime():
    array = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(_core.from_dlpack(array[::2, ::-1]).numpy(), array[::2, ::-1])
    tensor = _core.tensor(array)
    for capsule in (tensor.__dlpack__(), tensor.__dlpack__(max_version=(1, 0))):
        assert "dltensor" in repr(capsule)  # dropped unused: it gives its tensor back
    back = np.from_dlpack(_core.tensor(array)[1:])
    gc.collect()
    np.testing.assert_array_equal(back, array[1:])


# ---- Python objects


def test_python_numbers_have_no_width_of_their_own():
    assert _core.tensor(1).dtype == "int32"
    assert _core.tensor(2**40).dtype == "int64"
    assert _core.tensor([2**40]).numpy().tolist() == [2**40]
    assert _core.tensor(2**64 - 1).dtype == "uint64"
    assert _core.tensor(1.0).dtype == "float32"
    assert _core.tensor([[1, 2.5]]).dtype == "float32"
    assert _core.tensor(True).dtype == "bool"
    small = _core.tensor([1, 2], "int8")
    assert (small + 1).dtype == "int8"
    assert (small * 2.5).dtype == "float32"
    assert (_core.tensor([1.0], "bfloat16") * 2).dtype == "bfloat16"
    assert (1 - _core.tensor([1.0], "float64")).dtype == "float64"
    assert (_core.tensor([True]) + 1).dtype == "int32"


def test_lists_of_tensors_are_stacked():
    row = _core.tensor([1.0, 2.0])
    stacked = _core.tensor([row, row * 2, _core.Variable(_core.tensor([0.0, 1.0]))])
    np.testing.assert_array_equal(stacked.numpy(), [[1, 2], [2, 4], [0, 1]])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("text", "received str"),
        (np.array(["a"]), "dtype=<U1"),
        (np.array([1j]), "complex128"),
        (np.array([None]), "dtype=object"),
        (object(), "received object"),
    ],
)
def test_what_is_no_number_is_named(bad, message):
    with pytest.raises(TypeError, match=message):
        _core.tensor(bad)


def test_ragged_lists_and_unknown_dtypes():
    with pytest.raises(ValueError, match="ragged"):
        _core.tensor([[1], [1, 2]])
    with pytest.raises(ValueError, match="unknown dtype 'float31'"):
        _core.tensor(1.0, "float31")


# ---- operators and indexing


def test_operators_meet_numpy_from_both_sides():
    array = np.array([[1.0, -2.0], [3.0, 5.0]], np.float32)
    tensor = _core.tensor(array)
    for result, expected in [
        (array + tensor, array + array),
        (2 ** (tensor / 4), 2 ** (array / 4)),
        (tensor // 2, array // 2),
        (-7 % tensor, -7 % array),
        (array @ tensor, array @ array),
        (abs(-tensor), abs(array)),
        (tensor.T, array.T),
    ]:
        assert isinstance(result, _core.Tensor)
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-6)
    assert ((tensor > 0) & ~(tensor > 3)).numpy().tolist() == [[True, False], [True, False]]
    assert (tensor == None) is False  # noqa: E711
    with pytest.raises(TypeError):
        tensor + "a"


INDICES = [
    0, -1, slice(None), slice(1, None, 2), slice(None, None, -1), slice(-2, -100, -1), Ellipsis,
    None, (0, 1), (Ellipsis, -1), (slice(None), None, 2), (1, Ellipsis, None), (slice(3, 1), 0),
    [0, 2, 0], (slice(None), [1, -1]), (1, [0, 1], slice(None, None, 2)),
    np.array([[0, 1], [2, 2]]),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_indexing_like_numpy(index):
    array = np.arange(60.0).reshape(3, 4, 5)
    np.testing.assert_array_equal(_core.tensor(array)[index].numpy(), array[index])


def test_bad_indices():
    tensor = _core.tensor(np.zeros((3, 4)))
    with pytest.raises(IndexError, match=r"index 3 is out of range for axis 0 of shape=\(3, 4\)"):
        tensor[3]
    with pytest.raises(ValueError, match="at most 2 indices; received 3"):
        tensor[0, 0, 0]
    with pytest.raises(IndexError, match="integers"):
        tensor[1.5]


def test_scalars_lengths_and_iteration():
    tensor = _core.tensor([[1, 2], [3, 4]])
    assert (len(tensor), tensor[0, 1].item(), int(tensor[1, 0]), float(tensor[0, 0])) == (
        2,
        2,
        3,
        1.0,
    )
    assert [row.numpy().tolist() for row in tensor] == [[1, 2], [3, 4]]
    assert list(range(10))[tensor[1, 1]] == 4
    with pytest.raises(ValueError, match="one element"):
        bool(tensor)
    with pytest.raises(TypeError, match="no length"):
        len(tensor[0, 0])
    with pytest.raises(TypeError, match="integer tensor as an index"):
        [][_core.tensor(1.0)]


def test_attributes_travel_with_the_tensor():
    tensor = _core.tensor([1.0])
    tensor._keras_mask = "mask"
    holder = _core.tensor([tensor, tensor])  # made of it, another tensor
    assert tensor._keras_mask == "mask"
    assert not hasattr(holder, "_keras_mask")
    assert len({tensor, tensor, holder}) == 2


# ---- traced tensors


def test_values_of_traced_tensors_cannot_be_read():
    with _core.Trace() as trace:
        symbol = trace.input((2, 3), "float32")
        assert symbol.is_traced
        assert len(symbol) == 2
        assert "traced" in repr(symbol)
        for read in (np.asarray, float, memoryview, np.from_dlpack, lambda t: t.numpy()):
            with pytest.raises((TraceError, BufferError)):
                read(symbol[0, 0])
        with pytest.raises(TraceError, match="run_eagerly=True"):
            bool(symbol[0, 0] > 0)


def test_traced_tensors_end_with_their_trace():
    with _core.Trace() as trace:
        symbol = trace.input((2,), "float32")
    with pytest.raises(TraceError, match="finished trace"):
        symbol + 1
    with _core.Trace() as other, pytest.raises(TraceError, match="another trace"):
        other.input((2,), "float32") + symbol
