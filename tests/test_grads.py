"""Gradients of every op against finite differences in float64, first and second order."""

import numpy as np
import pytest
from op_case import OpCase
from op_cases import CASES

from pynn import _core

STEP = 1e-6
DIFFERENTIABLE = [case for case in CASES if case.differentiable]
# Differences need float64 all the way: a cast to float32 has a test of its own.
MEASURABLE = [case for case in DIFFERENTIABLE if case.result != "float32"]
TWICE = [case for case in DIFFERENTIABLE if case.second_order]


def small_samples(case: OpCase):
    """Argument lists in float64, small enough to move every element."""
    rng = np.random.default_rng(3)
    for n in (0, 1, 3):
        for sample in case.samples(rng, n):
            if all(a.size <= 60 for a in sample):
                yield sample


def weights_like(result, rng):
    return rng.uniform(0.5, 1.5, result.shape)


def gradients(function, args, positions):
    """Gradients of a scalar function of tensors at the given positions, as tensors."""
    tensors = [_core.tensor(a) if isinstance(a, np.ndarray) else a for a in args]
    with _core.Tape() as tape:
        for i in positions:
            tape.watch(tensors[i])
        target = function(*tensors)
    return tape.gradient(target, [tensors[i] for i in positions], unconnected_zero=True)


def differences(function, args, position):
    """Central finite differences of a scalar function with respect to one argument."""
    x = args[position]
    slopes = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        values = []
        for sign in (1, -1):
            moved = x.copy()
            moved[index] += sign * STEP
            values.append(float(function(*args[:position], moved, *args[position + 1 :])))
        slopes[index] = (values[0] - values[1]) / (2 * STEP)
    return slopes


def assert_gradient(function, args, positions, rtol):
    for i, gradient in zip(positions, gradients(function, args, positions), strict=True):
        assert gradient.dtype == "float64"
        expected = differences(function, args, i)
        assert gradient.shape == expected.shape
        scale = np.max(np.abs(expected), initial=1.0)
        np.testing.assert_allclose(gradient.numpy(), expected, rtol=rtol, atol=rtol * scale)


def weighted(case: OpCase, args):
    """The op followed by a weighted sum, so that every output matters differently."""
    w = weights_like(case.call(*args), np.random.default_rng(5))
    return lambda *xs: _core.sum(_core.multiply(_core.cast(case.call(*xs), "float64"), w))


@pytest.mark.parametrize("case", MEASURABLE, ids=str)
def test_gradient(case):
    for args in small_samples(case):
        assert_gradient(weighted(case, args), args, case.differentiable, rtol=2e-7)


@pytest.mark.parametrize("case", TWICE, ids=str)
def test_second_order_gradient(case):
    for args in small_samples(case):
        first = weighted(case, args)
        directions = [
            weights_like(args[i], np.random.default_rng(9 + i)) for i in case.differentiable
        ]

        def slope(*xs, first=first, directions=directions):
            """The first derivative in a fixed direction: its gradient is of second order."""
            found = gradients(first, xs, case.differentiable)
            products = [
                _core.sum(_core.multiply(g, d)) for g, d in zip(found, directions, strict=True)
            ]
            return sum(products[1:], products[0])

        assert_gradient(slope, args, case.differentiable, rtol=2e-6)


def test_gradient_of_a_cast():
    x = _core.tensor(np.array([1.5, -2.0]))
    with _core.Tape() as tape:
        tape.watch(x)
        y = _core.sum(_core.square(_core.cast(x, "float32")))
    (gradient,) = tape.gradient(y, [x])
    assert gradient.dtype == "float64"
    np.testing.assert_array_equal(gradient.numpy(), [3.0, -4.0])


@pytest.mark.parametrize(
    "name", [c.name for c in CASES if not c.differentiable and c.name != "cast"]
)
def test_ops_without_gradient_are_marked(name):
    assert dict(_core.op_names())[name] is False


def test_unconnected_source_has_no_gradient():
    x, z = _core.tensor(np.ones(3)), _core.tensor(np.ones(2))
    with _core.Tape(persistent=True) as tape:
        tape.watch(x)
        tape.watch(z)
        y = _core.sum(x)
    assert tape.gradient(y, [z]) == [None]
    np.testing.assert_array_equal(tape.gradient(y, [z], unconnected_zero=True)[0].numpy(), [0, 0])


def test_stop_gradient_cuts():
    x = _core.tensor(np.array([2.0, 3.0]))
    with _core.Tape() as tape:
        tape.watch(x)
        y = _core.sum(_core.multiply(x, _core.stop_gradient(x)))
    np.testing.assert_array_equal(tape.gradient(y, [x])[0].numpy(), [2.0, 3.0])


def test_gradients_of_a_tensor_used_twice_add_up():
    x = _core.tensor(np.array([2.0, 3.0]))
    with _core.Tape() as tape:
        tape.watch(x)
        y = _core.sum(_core.add(_core.multiply(x, x), x))
    np.testing.assert_array_equal(tape.gradient(y, [x])[0].numpy(), [5.0, 7.0])


def test_output_gradient_scales():
    x = _core.tensor(np.array([2.0, 3.0]))
    with _core.Tape() as tape:
        tape.watch(x)
        y = _core.square(x)
    gradient = tape.gradient(y, [x], output_gradient=np.array([1.0, 10.0]))[0]
    np.testing.assert_array_equal(gradient.numpy(), [4.0, 60.0])


@pytest.mark.parametrize("case", [c for c in DIFFERENTIABLE if "float32" in c.dtypes], ids=str)
def test_gradient_in_a_trace_equals_the_eager_one_bit_for_bit(case):
    for sample in small_samples(case):
        args = [a.astype("float32") if a.dtype == np.float64 else a for a in sample]
        w = np.random.default_rng(5).uniform(0.5, 1.5, case.call(*args).shape).astype("float32")

        def gradient(*xs, w=w):
            y = lambda *xs: _core.sum(_core.multiply(_core.cast(case.call(*xs), "float32"), w))  # noqa: E731
            return gradients(y, xs, case.differentiable)

        eager = [g.numpy().tobytes() for g in gradient(*map(_core.tensor, args))]
        with _core.Trace() as trace:
            inputs = [trace.input(a.shape, a.dtype.name) for a in args]
            executable = trace.finish(gradient(*inputs))
        assert [g.numpy().tobytes() for g in executable.run(args)] == eager
