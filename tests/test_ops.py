"""Every op of the engine against float64 NumPy: values, dtypes, layouts, compiled execution."""

import numpy as np
import pytest
from op_case import EPS, SIZES, TINY, OpCase, as_dtype, exact
from op_cases import CASES

from pynn import _core
from pynn.backend.dtypes import FLOAT_DTYPES, numpy_dtype

SPECIAL_VALUES = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5])
BY_DTYPE = [
    pytest.param(case, dtype, id=f"{case}-{dtype}") for case in CASES for dtype in case.dtypes
]
EACH = pytest.mark.parametrize("case", CASES, ids=str)


def argument_lists(case: OpCase, dtype: str, sizes=SIZES):
    rng = np.random.default_rng(7)
    for n in sizes:
        for sample in case.samples(rng, n):
            yield [as_dtype(a, dtype) for a in sample]


def outputs(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def result_dtype(case: OpCase, dtype: str) -> str:
    if case.result == "float":
        return dtype if dtype in FLOAT_DTYPES else "float32"
    return dtype if case.result == "same" else case.result


def assert_close(case: OpCase, actual, expected, args):
    """Compares one output with its float64 reference; integers and bools must be equal."""
    assert actual.shape == np.shape(expected)
    dtype = actual.dtype.name
    if dtype not in EPS:
        np.testing.assert_array_equal(actual, np.asarray(expected).astype(dtype))
        return
    terms = case.terms(*args) if case.terms else 1
    magnitude = np.abs(expected) if case.magnitude is None else case.magnitude(*args)
    bound = case.tolerance(dtype, terms) * magnitude + TINY[dtype]
    actual = actual.astype(np.float64)
    agree = (actual == expected) | (np.isnan(actual) & np.isnan(expected))
    with np.errstate(invalid="ignore"):  # the difference of infinities that agree
        difference = np.abs(actual - expected)
        bound = np.where(np.isinf(expected), 0.0, bound)
    wrong = ~(agree | (difference <= bound))
    assert not wrong.any(), f"{actual[wrong][:5]} is not {np.asarray(expected)[wrong][:5]}, {dtype}"


def bits(tensor) -> bytes:
    return tensor.numpy().tobytes()


@pytest.mark.parametrize(("case", "dtype"), BY_DTYPE)
def test_value(case, dtype):
    for args in argument_lists(case, dtype):
        results = outputs(case.call(*map(_core.tensor, args)))
        known = [exact(a) for a in args]
        with np.errstate(all="ignore"):
            expected = outputs(case.reference(*known))
        assert len(results) == len(expected)
        for result, reference in zip(results, expected, strict=True):
            assert result.dtype == result_dtype(case, dtype)
            assert_close(case, result.numpy(), reference, known)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", [c for c in CASES if c.specials], ids=str)
def test_special_values(case, dtype):
    x = SPECIAL_VALUES.astype(dtype)
    binary = len(next(argument_lists(case, dtype))) == 2
    # More than a vector of them, so that both the loop and its tail see each pair.
    args = [np.repeat(x, 8), np.tile(x, 8)] if binary else [np.tile(x, 5)]
    actual = case.call(*args).numpy()
    with np.errstate(all="ignore"):
        expected = np.asarray(case.reference(*(exact(a) for a in args)))
    if actual.dtype == bool:
        np.testing.assert_array_equal(actual, expected)
        return
    np.testing.assert_allclose(actual, expected, rtol=16 * EPS[dtype], atol=0)
    both_zero = (actual == 0) & (expected == 0)
    if case.name not in ("maximum", "minimum"):  # which zero is larger is left open
        np.testing.assert_array_equal(
            np.signbit(actual)[both_zero], np.signbit(expected)[both_zero]
        )


def strided_views(array: np.ndarray):
    """Tensors with the values of `array` whose memory is reversed, has gaps, or is transposed."""
    if array.ndim == 0:
        return
    backwards = (slice(None, None, -1),) * array.ndim
    yield _core.tensor(np.ascontiguousarray(array[backwards]))[backwards]
    gaps = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    gaps[..., ::2] = array
    yield _core.tensor(gaps)[..., ::2]
    yield _core.transpose(_core.tensor(np.ascontiguousarray(array.T)), None)


@pytest.mark.parametrize("case", [c for c in CASES if c.order_of_memory], ids=str)
def test_memory_layout_changes_no_more_than_the_order_of_sums(case):
    for args in argument_lists(case, "float32", sizes=(1, 17, 33)):
        plain = case.call(*map(_core.tensor, args)).numpy()
        # Rounding errors follow the terms of a sum, and so the largest of the results.
        atol = 1e-6 * max(100, np.abs(plain).max(initial=0))
        for i, arg in enumerate(args):
            for view in strided_views(arg):
                mixed = [_core.tensor(a) for a in args]
                mixed[i] = view
                np.testing.assert_allclose(case.call(*mixed).numpy(), plain, rtol=0, atol=atol)


@pytest.mark.parametrize("case", [c for c in CASES if not c.order_of_memory], ids=str)
def test_memory_layout_does_not_change_a_bit(case):
    for dtype in {"float32", case.dtypes[-1]} & set(case.dtypes):
        for args in argument_lists(case, dtype, sizes=(1, 17)):
            plain = [bits(r) for r in outputs(case.call(*map(_core.tensor, args)))]
            for i, arg in enumerate(args):
                for view in strided_views(arg):
                    mixed = [_core.tensor(a) for a in args]
                    mixed[i] = view
                    assert [bits(r) for r in outputs(case.call(*mixed))] == plain


@EACH
def test_compiled_equals_eager_bit_for_bit(case):
    for dtype in {"float32", case.dtypes[-1]} & set(case.dtypes):
        for args in argument_lists(case, dtype, sizes=(0, 1, 17, 33)):
            eager = [bits(r) for r in outputs(case.call(*map(_core.tensor, args)))]
            with _core.Trace() as trace:
                inputs = [trace.input(a.shape, a.dtype.name) for a in args]
                executable = trace.finish(outputs(case.call(*inputs)))
            for _ in range(2):  # the second run finds the arena used
                assert [bits(r) for r in executable.run(args)] == eager


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
def test_every_integer_is_cast_exactly(dtype):
    whole = np.arange(-128, 128).astype("int8")
    np.testing.assert_array_equal(
        _core.cast(whole, dtype).numpy().astype("int64"), whole.astype("int64")
    )


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_all_halves_survive_the_way_through_float32(dtype):
    halves = np.arange(2**16, dtype=np.uint16).view(numpy_dtype(dtype))
    wide = _core.cast(halves, "float32").numpy()
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(wide, halves.astype(np.float32))
    back = _core.cast(wide, dtype).numpy()
    is_nan = np.isnan(wide)
    np.testing.assert_array_equal(back.view(np.uint16)[~is_nan], halves.view(np.uint16)[~is_nan])
    assert np.isnan(back[is_nan].astype(np.float32)).all()


def test_rounding_to_halves_is_to_nearest_even():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2**32, 100_000, dtype=np.uint32).view(np.float32)
    x = x[np.isfinite(x)]
    for dtype in ("bfloat16", "float16"):
        with np.errstate(over="ignore"):
            expected = x.astype(numpy_dtype(dtype)).view(np.uint16)
        np.testing.assert_array_equal(_core.cast(x, dtype).numpy().view(np.uint16), expected)


def test_sum_of_many_numbers_keeps_its_digits():
    # A running float32 sum of this many would be off by about 1e-4.
    x = np.random.default_rng(0).uniform(0, 1, 3_000_001).astype("float32")
    total = float(_core.sum(x, None, False))
    assert total == pytest.approx(x.astype(np.float64).sum(), rel=2e-7)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: _core.add(np.ones(2), np.ones(3)), ValueError, r"pynn\.add.*\(2,\).*\(3,\)"),
        (lambda: _core.matmul(np.ones((2, 3)), np.ones((2, 3))), ValueError, r"pynn\.matmul.*3"),
        (lambda: _core.reshape(np.ones(3), (2, -1)), ValueError, r"pynn\.reshape.*\(3,\)"),
        (lambda: _core.take(np.ones(3), [3], 0), ValueError, r"pynn\.take.*received 3"),
        (lambda: _core.take(np.ones(3), [-4], 0), ValueError, r"pynn\.take.*received -4"),
        (lambda: _core.sum(np.ones(3), [1], False), ValueError, r"pynn\.sum.*axis"),
        (lambda: _core.max(np.ones((0,)), None, False), ValueError, r"pynn\.max"),
        (lambda: _core.tensor("a"), TypeError, "str"),
        (lambda: _core.tensor([[1], [1, 2]]), ValueError, "ragged"),
        (lambda: _core.cast(np.ones(2), "float99"), ValueError, "float99"),
        (
            lambda: _core.sparse_softmax_cross_entropy(np.ones((1, 3)), [3]),
            ValueError,
            "sparse_softmax_cross_entropy.*3",
        ),
    ],
)
def test_errors_name_the_op_and_what_came(call, error, words):
    with pytest.raises(error, match=words):
        call()
