"""Constraints: values in float64, configs."""

import numpy as np
import pytest

import pynn
from pynn import constraints

W = np.random.default_rng(0).normal(size=(4, 3, 2))
EPSILON = 1e-7


def norms(axis):
    return np.sqrt((W**2).sum(axis=axis, keepdims=True))


def scaled(axis, wanted):
    return W * wanted / (EPSILON + norms(axis))


CASES = {
    "max": (constraints.MaxNorm(1.5), scaled(0, np.clip(norms(0), 0, 1.5))),
    "max axes": (constraints.MaxNorm(2, axis=[0, 1]), scaled((0, 1), np.clip(norms((0, 1)), 0, 2))),
    "nonneg": (constraints.NonNeg(), np.maximum(W, 0)),
    "unit": (constraints.UnitNorm(axis=1), scaled(1, 1.0)),
    "min max": (constraints.MinMaxNorm(1.0, 1.5), scaled(0, np.clip(norms(0), 1.0, 1.5))),
    "min max rate": (
        constraints.MinMaxNorm(1.0, 1.5, rate=0.25, axis=-1),
        scaled(-1, 0.25 * np.clip(norms(-1), 1.0, 1.5) + 0.75 * norms(-1)),
    ),
    "none": (constraints.Constraint(), W),
}


@pytest.mark.parametrize(("constraint", "expected"), CASES.values(), ids=CASES)
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-6), ("float64", 1e-13)])
def test_value(constraint, expected, dtype, rtol):
    result = constraint(pynn.ops.convert_to_tensor(W, dtype=dtype))
    assert result.dtype == dtype
    np.testing.assert_allclose(result.numpy(), expected, rtol=rtol)


def test_zero_vectors_stay_zero():
    zero = pynn.ops.zeros((3, 2))
    for constraint, _ in CASES.values():
        np.testing.assert_array_equal(constraint(zero).numpy(), np.zeros((3, 2)))


# The base class has no name in the table.
NAMED = {k: v for k, v in CASES.items() if type(v[0]) is not constraints.Constraint}


@pytest.mark.parametrize(("constraint", "expected"), NAMED.values(), ids=NAMED)
def test_config_round_trip(constraint, expected):
    copy = constraints.deserialize(constraints.serialize(constraint))
    assert type(copy) is type(constraint)
    assert copy.get_config() == constraint.get_config()


def test_get():
    assert constraints.get(None) is None
    assert type(constraints.get("non_neg")) is constraints.NonNeg
    assert constraints.get("MaxNorm").max_value == 2
    assert constraints.get(constraints.UnitNorm).axis == 0
    assert constraints.max_norm is constraints.MaxNorm
