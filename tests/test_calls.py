"""What lies between Python and an op: the objects of tensors, the callables, their arguments."""

import copy
import gc
import inspect
import io
import pickle
import re
import sys
import weakref
import zlib

import numpy as np
import pytest

import pynn
from pynn import _core, ops
from pynn.keras_tensor import KerasTensor

DIRECT = [name for name in ops.__all__ if getattr(getattr(ops, name), "engine", None)]
FLOATS = [np.float32, np.float64, np.float16]


def make_tensor():
    return _core.tensor(np.linspace(0.25, 0.75, 6, dtype=np.float32).reshape(2, 3))


@pytest.fixture
def x():
    return make_tensor()


# ---- the Python object of a tensor


def test_a_tensor_has_one_object(x):
    assert _core.cast(x, "float32") is x
    variable = pynn.Variable(x)
    assert variable.value is variable.value


def test_attributes_live_as_long_as_the_object():
    x = make_tensor()
    x.note = [1]
    gone = weakref.ref(x)
    assert vars(x) == {"note": [1]}
    del x
    assert gone() is None


def test_a_value_outlives_its_object():
    variable = pynn.Variable([1.0, 2.0])
    variable.value.note = 1
    gc.collect()
    assert not hasattr(variable.value, "note")
    np.testing.assert_array_equal(variable.value, [1.0, 2.0])


@pytest.mark.parametrize("through_dict", [False, True])
def test_tensors_in_a_cycle_are_collected(through_dict):
    x = make_tensor()
    if through_dict:
        vars(x)["self"] = x
    else:
        x.self = x
    gone = weakref.ref(x)
    del x
    gc.collect()
    assert gone() is None


def test_a_callback_of_a_weak_reference_may_ask_for_the_tensor_again():
    variable = pynn.Variable([1.0, 2.0])
    seen = []
    watched = weakref.ref(variable.value, lambda _: seen.append(variable.value.numpy()))
    gc.collect()
    assert watched() is None
    np.testing.assert_array_equal(seen, [[1.0, 2.0]])


def test_tensors_are_made_by_functions_only(x):
    with pytest.raises(TypeError, match="No constructor"):
        _core.Tensor()
    with pytest.raises(TypeError):
        type("Mine", (_core.Tensor,), {})
    for call in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"cannot pickle 'pynn._core.Tensor' object"):
            call(x)
    with pytest.raises(AttributeError):
        x.shape = (6,)


@pytest.mark.parametrize("bad", ["a", None, object(), {1: 2}])
def test_operators_leave_what_they_do_not_know_to_the_other(x, bad):
    assert x.__add__(bad) is NotImplemented
    assert x.__rmatmul__(bad) is NotImplemented
    assert (x == bad) is False
    with pytest.raises(TypeError, match="unsupported operand"):
        bad - x
    with pytest.raises(TypeError, match="unsupported operand"):
        pow(x, 2, 3)


def test_the_buffer_of_a_tensor_is_read_only_and_honest_about_its_order(x):
    transposed = _core.transpose(x)
    assert memoryview(transposed).strides == (4, 12)
    assert memoryview(transposed).f_contiguous
    assert bytes(memoryview(transposed)) == transposed.numpy().tobytes()
    for refused in (lambda: zlib.crc32(transposed), lambda: io.BytesIO(b"abc").readinto(x)):
        with pytest.raises((BufferError, TypeError)):
            refused()


# ---- memory


def each_call(x):
    yield lambda: x + x
    yield lambda: x * 2.0
    yield lambda: -x
    yield lambda: ops.exp(x)
    yield lambda: ops.sum(x, axis=1, keepdims=True)
    yield lambda: ops.matmul(x, x.T)
    yield lambda: ops.softmax(x)
    yield lambda: (x.shape, x.dtype, x.ndim, x.size)


def failing_call(x):
    yield lambda: x + _core.tensor([1.0, 2.0])
    yield lambda: ops.exp(x, x)
    yield lambda: ops.sum(x, axis=7)
    yield lambda: ops.sum(x, axis=(0, "a"))
    yield lambda: ops.sum(x, keepdims="a")
    yield lambda: ops.matmul(x, x)
    yield lambda: _core.add(x, x2=x, x1=x)


def raises(call):
    with pytest.raises((TypeError, ValueError)):
        call()


@pytest.mark.parametrize(("calls", "run"), [(each_call, lambda f: f()), (failing_call, raises)])
def test_calls_leave_nothing_behind(x, calls, run):
    for call in calls(x):
        run(call)  # whatever is made once
        gc.collect()
        references = sys.getrefcount(x), sys.getrefcount(None), sys.getrefcount(_core.Tensor)
        memory = _core.allocated_bytes()
        for _ in range(2000):
            run(call)
        gc.collect()
        after = sys.getrefcount(x), sys.getrefcount(None), sys.getrefcount(_core.Tensor)
        assert _core.allocated_bytes() == memory
        assert all(abs(a - b) < 50 for a, b in zip(after, references, strict=True))


# ---- arguments of the engine's functions


def test_arguments_by_name_and_by_position(x):
    expected = x.numpy().sum(1, keepdims=True)
    for total in (
        _core.sum(x, [1], True),
        _core.sum(x, 1, keepdims=np.bool_(True)),
        _core.sum(keepdims=True, axis=(np.int64(1),), x=x),
        _core.sum(x, **{"".join(["ax", "is"]): 1, "keepdims": True}),
    ):
        np.testing.assert_allclose(total, expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: _core.add(x), "received 1 by position"),
        (lambda x: _core.add(x, x, x), "received 3 by position"),
        (lambda x: _core.add(x, y=x), r"\('y',\) by name"),
        (lambda x: _core.add(x, x1=x), r"\('x1',\) by name"),
        (lambda x: _core.sum(x, 0, "a"), "expected a bool"),
        (lambda x: _core.sum(x, 1.5), "cannot be interpreted as an integer"),
        (lambda x: _core.softmax(x, "a"), "cannot be interpreted as an integer"),
        (lambda x: _core.leaky_relu(x, "a"), "must be real number"),
    ],
)
def test_arguments_that_do_not_fit(x, call, message):
    with pytest.raises(TypeError, match=message):
        call(x)


# ---- public ops


def test_most_ops_with_an_engine_function_call_it_directly():
    assert len(DIRECT) > 50


@pytest.mark.parametrize("name", DIRECT)
def test_the_engine_function_has_the_parameters_of_the_op(name):
    op = getattr(ops, name)
    text = re.match(r"\w+\((.*)\) -> ", op.engine.__doc__)[1]
    engine = [(p.split(":")[0], *p.split(" = ")[1:]) for p in text.split(", ")]
    parameters = inspect.signature(op).parameters.values()
    wanted = [(p.name, *([] if p.default is p.empty else [repr(p.default)])) for p in parameters]
    assert engine[: len(wanted)] == wanted
    assert all(len(rest) == 2 for rest in engine[len(wanted) :])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", DIRECT)
def test_the_engine_function_does_what_the_op_says(x, name, dtype):
    op = getattr(ops, name)
    count = len([p for p in inspect.signature(op).parameters.values() if p.default is p.empty])
    first = _core.cast(x, np.dtype(dtype).name)
    args = [first, _core.transpose(first) if name == "matmul" else first][:count]
    direct, defined = op(*args), op.__wrapped__(*args)
    assert (direct.dtype, direct.shape) == (defined.dtype, defined.shape)
    np.testing.assert_array_equal(direct, defined)


def test_no_more_arguments_than_the_op_has(x):
    with pytest.raises(TypeError, match=r"matmul\(\) takes 2 positional arguments"):
        ops.matmul(x, x, True)


def test_an_op_is_a_function_to_those_who_ask():
    assert ops.exp.__name__ == ops.exp.__qualname__ == "exp"
    assert ops.exp.__module__ == "pynn.ops.transcendental"
    assert inspect.isroutine(ops.exp)
    assert "e raised" in inspect.getdoc(ops.exp)
    assert repr(ops.exp).startswith("<function exp at")
    assert pickle.loads(pickle.dumps(ops.exp)) is copy.deepcopy(ops.exp) is ops.exp
    assert {ops.exp: 1}[ops.exp] == 1


def test_an_op_binds_as_a_method_does(x):
    class Shaped:
        double = ops.add

        def __array__(self, dtype=None, copy=None):
            return np.ones(2, np.float32)

    np.testing.assert_array_equal(Shaped().double(1.0), [2.0, 2.0])
    assert Shaped.double is ops.add


def test_symbols_are_found_at_any_depth():
    symbol = pynn.Input((3,))
    for call in (
        lambda: ops.add(symbol, 1.0),
        lambda: ops.add(x1=1.0, x2=symbol),
        lambda: ops.concatenate([symbol, symbol], axis=1),
        lambda: ops.stack((symbol, symbol)),
    ):
        assert isinstance(call(), KerasTensor)


def test_arguments_nested_without_end_are_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(RecursionError):
        ops.exp(endless)


def test_an_op_is_made_of_a_python_function(x):
    with pytest.raises(TypeError, match="expected a Python function"):
        _core.Op(len, KerasTensor, print, _core.exp)
    with pytest.raises(TypeError):
        _core.Op(each_call)
