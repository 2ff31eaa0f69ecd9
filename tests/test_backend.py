"""Numeric defaults, dtype names, promotion and conversion."""

import ml_dtypes
import numpy as np
import pytest

from pynn import _core, backend, ops
from pynn.backend import classic
from pynn.backend.dtypes import FLOAT_DTYPES, INT_DTYPES


@pytest.mark.parametrize("value", ["float64", "bfloat16", "float16"])
def test_floatx_is_what_python_floats_become(value):
    backend.set_floatx(value)
    assert backend.floatx() == value
    assert backend.convert_to_tensor(1.5).dtype == value
    assert backend.convert_to_tensor([1.5, 2.0]).dtype == value
    assert ops.zeros((2,)).dtype == value
    assert ops.exp([1, 2]).dtype == value
    assert ops.mean(np.array([1, 2])).dtype == value
    assert backend.convert_to_tensor([1, 2]).dtype == "int32"
    assert backend.convert_to_tensor(np.float32(1)).dtype == "float32"


def test_floatx_float64_keeps_the_digits_of_python_floats():
    backend.set_floatx("float64")
    assert float(backend.convert_to_tensor(0.1)) == 0.1
    assert float(backend.convert_to_tensor([0.1])[0]) == 0.1


@pytest.mark.parametrize("value", ["float8", "int32", None, 32])
def test_floatx_refuses(value):
    with pytest.raises(ValueError, match="float32"):
        backend.set_floatx(value)


def test_epsilon():
    backend.set_epsilon(1e-3)
    loss = ops.binary_crossentropy(np.ones(1, "float32"), np.zeros(1, "float32"))
    assert float(loss[0]) == pytest.approx(-np.log(1e-3), rel=1e-6)


def test_image_data_format():
    backend.set_image_data_format("CHANNELS_FIRST")
    assert backend.image_data_format() == "channels_first"
    assert backend.standardize_data_format(None) == "channels_first"
    with pytest.raises(ValueError, match="channels_last"):
        backend.set_image_data_format("NHWC")


def test_backend_names_the_engine():
    assert backend.backend() == "pynn"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (None, "float32"),
        (bool, "bool"),
        (int, "int32"),
        (float, "float32"),
        ("int", "int32"),
        (np.float64, "float64"),
        (np.bool_, "bool"),
        (np.dtype("uint8"), "uint8"),
        (np.dtype(ml_dtypes.bfloat16), "bfloat16"),
        ("bfloat16", "bfloat16"),
        ("string", "string"),
    ],
)
def test_dtype_names(given, name):
    assert backend.standardize_dtype(given) == name


def test_dtype_of_another_framework():
    class TorchLike:
        def __str__(self):
            return "torch.float16"

    assert backend.standardize_dtype(TorchLike()) == "float16"


@pytest.mark.parametrize("given", ["float99", "complex64", object, 3])
def test_unknown_dtype(given):
    with pytest.raises(ValueError, match=r"pynn\.dtype"):
        backend.standardize_dtype(given)


def test_float_and_int_dtypes():
    assert all(backend.is_float_dtype(d) for d in FLOAT_DTYPES)
    assert not any(backend.is_float_dtype(d) for d in (*INT_DTYPES, "bool"))
    assert all(backend.is_int_dtype(d) for d in INT_DTYPES)
    assert not any(backend.is_int_dtype(d) for d in (*FLOAT_DTYPES, "bool"))


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        ((), "float32"),
        (("int8", "uint8"), "int16"),
        (("int32", "uint32"), "int64"),
        (("uint64", "int8"), "float32"),
        (("bool", "int8"), "int8"),
        (("int64", "float16"), "float16"),
        (("float16", "bfloat16"), "float32"),
        (("float32", "float64"), "float64"),
        (("int8", int), "int8"),
        (("int8", float), "float32"),
        (("float16", float), "float16"),
        (("uint64", "int8", "float16"), "float16"),
        ((int, float), "float32"),
        ((bool, int), "int32"),
        ((bool,), "bool"),
        ((None, "int32"), "float32"),
    ],
)
def test_promotion(dtypes, expected):
    assert backend.result_type(*dtypes) == expected


def test_promotion_is_that_of_the_engine():
    for a in (*INT_DTYPES, *FLOAT_DTYPES, "bool"):
        for b in (*INT_DTYPES, *FLOAT_DTYPES, "bool"):
            x, y = _core.full((1,), 1, a), _core.full((1,), 1, b)
            assert _core.add(x, y).dtype == backend.result_type(a, b), (a, b)


def test_promotion_does_not_depend_on_the_order():
    everything = (*INT_DTYPES, *FLOAT_DTYPES, "bool", int, float)
    for a in everything:
        for b in everything:
            assert backend.result_type(a, b) == backend.result_type(b, a)


def test_conversion_keeps_a_tensor():
    x = backend.convert_to_tensor([1.0])
    assert backend.convert_to_tensor(x) is x
    assert backend.convert_to_tensor(x, "float32") is x
    assert backend.is_tensor(x)
    assert not backend.is_tensor(np.ones(1))


def test_numpy_view_is_read_only_and_shares_memory():
    x = backend.convert_to_tensor([1.0, 2.0])
    array = backend.convert_to_numpy(x)
    assert not array.flags.writeable
    assert np.shares_memory(array, backend.convert_to_numpy(x))


def test_variable_converts_to_its_value():
    variable = _core.Variable(_core.tensor([1.0, 2.0]))
    np.testing.assert_array_equal(backend.convert_to_numpy(variable), [1.0, 2.0])


def test_reading_a_traced_value_is_an_error():
    with _core.Trace() as trace:
        x = trace.input((2,), "float32")
        with pytest.raises(_core.TraceError):
            backend.convert_to_numpy(x)


def test_names_from_modules_above():
    assert backend.get_uid("thing") >= 1
    assert not backend.is_keras_tensor(1)
    with pytest.raises(AttributeError, match="nothing_like_that"):
        backend.nothing_like_that  # noqa: B018


def test_classic_functions():
    x = np.array([[1.0, -4.0], [3.0, 2.0]], "float32")
    assert float(backend.sum(x)) == 2.0
    assert backend.square is ops.square
    assert backend.sqrt(x).numpy().tolist() == np.sqrt(np.maximum(x, 0)).tolist()
    assert backend.argmax(x).numpy().tolist() == [0, 0]
    assert backend.argmin(x).numpy().tolist() == [1, 1]
    assert backend.concatenate([x, x]).shape == (2, 4)
    assert backend.batch_flatten(np.ones((2, 3, 4))).shape == (2, 12)
    assert all(hasattr(backend, name) for name in classic.SAME)
    assert not hasattr(backend, "find")
    with pytest.raises(AttributeError, match="no_such"):
        _ = backend.no_such_function
