"""Every op on NumPy arrays as users have them: not aligned, strided, of either byte order.

`_core.from_numpy` reads an array where it lies, if a tensor can describe it; so the kernels meet
these layouts. The results must not differ in one bit from those on plain arrays.
"""

import numpy as np
import pytest
from op_case import as_dtype
from op_cases import CASES

import pynn
from pynn import _core, ops


def at_offset(array, offset):
    """A copy of `array` that starts `offset` bytes after a multiple of 64."""
    memory = np.empty(array.nbytes + 64 + offset, np.uint8)
    start = -memory.ctypes.data % 64 + offset
    copy = memory[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    assert copy.ctypes.data % 64 == offset % 64
    return copy


def odd_byte(array):
    return at_offset(array, 1)


def one_element_off(array):
    return at_offset(array, array.itemsize)


def reversed_axes(array):
    backwards = (slice(None, None, -1),) * array.ndim
    return np.ascontiguousarray(array[backwards])[backwards]


def column_of_records(array):
    """Elements at a distance that is no multiple of their size."""
    record = np.zeros(array.shape, dtype=[("before", "i1"), ("value", array.dtype)])
    record["value"] = array
    return record["value"]


def every_third(array):
    wide = np.zeros((*array.shape[:-1], 3 * array.shape[-1]), array.dtype)
    wide[..., 1::3] = array
    return wide[..., 1::3]


def rows_a_page_apart(array):
    elements = -(-array.shape[-1] // 4096) * 4096
    wide = np.zeros((*array.shape[:-1], elements), array.dtype)
    wide[..., : array.shape[-1]] = array
    return wide[..., : array.shape[-1]]


def swapped(array):
    return array.astype(array.dtype.newbyteorder())


def read_only(array):
    array = array.copy()
    array.setflags(write=False)
    return array


LAYOUTS = [
    odd_byte,
    one_element_off,
    np.asfortranarray,
    reversed_axes,
    column_of_records,
    every_third,
    rows_a_page_apart,
    swapped,
    read_only,
]


def outputs(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def bits(result):
    return [r.numpy().tobytes() for r in outputs(result)]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_layout_of_the_array_does_not_change_a_bit(case, layout):
    rng = np.random.default_rng(3)
    for dtype in {"float32", case.dtypes[0], case.dtypes[-1]} & set(case.dtypes):
        for sample in case.samples(rng, 17)[:2]:
            plain = [np.asarray(as_dtype(a, dtype)) for a in sample]
            expected = bits(case.call(*map(_core.tensor, plain)))
            strange = [
                layout(a) if a.ndim and (layout is not swapped or dtype != "bfloat16") else a
                for a in plain
            ]
            before = [a.copy() for a in strange]
            assert bits(case.call(*map(_core.from_numpy, strange))) == expected
            for array, copy in zip(strange, before, strict=True):
                np.testing.assert_array_equal(array, copy)  # inputs are never written


@pytest.mark.parametrize("case", CASES, ids=str)
def test_zero_strides(case):
    rng = np.random.default_rng(4)
    for sample in case.samples(rng, 16)[:2]:
        constant = [np.asarray(as_dtype(a, case.dtypes[0])) for a in sample]
        for i, array in enumerate(constant):
            # Integers are indices and labels, which may have to differ.
            if array.ndim == 0 or array.dtype.kind != "f":
                continue
            constant[i] = np.broadcast_to(
                array.reshape(-1)[:1].reshape((1,) * array.ndim), array.shape
            )
        expected = bits(case.call(*(_core.tensor(a.copy()) for a in constant)))
        assert bits(case.call(*map(_core.from_numpy, constant))) == expected


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "uint8"])
@pytest.mark.parametrize("transpose", ["NN", "NT", "TN", "TT"])
def test_matmul_with_rows_a_page_apart(dtype, transpose, rng):
    # Whole multiples of 4096 bytes: every row begins in the same set of the first-level cache.
    per_page = 4096 // np.dtype(dtype).itemsize
    m, k, n = 13, 257, 37

    def operand(rows, columns, transposed):
        stored = (columns, rows) if transposed else (rows, columns)
        wide = np.zeros((stored[0], -(-stored[1] // per_page) * per_page), dtype)
        wide[:, : stored[1]] = rng.integers(0, 8, stored)
        return wide[:, : stored[1]]

    a, b = operand(m, k, transpose[0] == "T"), operand(k, n, transpose[1] == "T")
    tensors = _core.from_numpy(a), _core.from_numpy(b)
    result = _core.matmul(*tensors, transpose[0] == "T", transpose[1] == "T").numpy()
    exact = (a.T if transpose[0] == "T" else a).astype("int64")
    exact = exact @ (b.T if transpose[1] == "T" else b).astype("int64")
    np.testing.assert_array_equal(result, exact.astype(dtype))  # all sums are exact


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 97), (1, 97, 1), (97, 1, 1), (2, 3, 1),
                                   (1, 31, 89), (31, 1, 89), (31, 89, 1), (7, 13, 101),
                                   (127, 131, 137), (257, 3, 2)])  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int8", "int64", "bool"])
@pytest.mark.parametrize("transpose", ["NN", "NT", "TN", "TT"])
def test_matmul_of_single_and_prime_sizes(shape, dtype, transpose, rng):
    m, n, k = shape
    as_type = pynn.backend.dtypes.numpy_dtype(dtype)
    a = rng.integers(0, 2, (m, k)).astype(as_type)
    b = rng.integers(0, 2, (k, n)).astype(as_type)
    exact = a.astype("int64") @ b.astype("int64")
    flags = [letter == "T" for letter in transpose]
    given = [x.T.copy() if flag else x for x, flag in zip((a, b), flags, strict=True)]
    result = _core.matmul(*map(_core.from_numpy, given), *flags).numpy()
    np.testing.assert_array_equal(result, exact.astype(as_type))


def test_updates_of_weights_that_are_views(rng):
    """Weights set from a strided array train as those set from a plain one."""
    x, y = rng.normal(size=(32, 6)).astype("float32"), rng.integers(0, 3, 32)
    kernel = rng.normal(size=(6, 3)).astype("float32")
    trained = []
    for weights in (kernel, np.asfortranarray(kernel), odd_byte(kernel), reversed_axes(kernel)):
        model = pynn.Sequential([pynn.Input((6,)), pynn.layers.Dense(3)])
        loss = pynn.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss)
        model.set_weights([weights, np.zeros(3, "float32")])
        model.fit(odd_byte(x), y[::-1][::-1], batch_size=8, epochs=2, shuffle=False, verbose=0)
        trained.append([w.tobytes() for w in model.get_weights()])
    assert all(weights == trained[0] for weights in trained)


def test_public_functions_take_strange_arrays(rng):
    x = rng.normal(size=(5, 7)).astype("float32")
    w = rng.normal(size=(7, 3)).astype("float32")
    expected = ops.convert_to_numpy(ops.matmul(x, w)).tobytes()
    for layout in LAYOUTS:
        assert ops.convert_to_numpy(ops.matmul(layout(x), layout(w))).tobytes() == expected
