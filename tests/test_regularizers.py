"""Regularizers: values in float64, gradients, configs, bad arguments."""

import numpy as np
import pytest

import pynn
from pynn import regularizers

X = np.random.default_rng(0).normal(size=(4, 3))
UNIT_ROWS = X / np.linalg.norm(X, axis=1, keepdims=True)
UNIT_COLUMNS = X / np.linalg.norm(X, axis=0, keepdims=True)


def mean_cosine(rows):
    cosines = np.abs(rows @ rows.T)
    return (cosines.sum() - np.trace(cosines)) / (len(rows) * (len(rows) - 1))


CASES = {
    "l1": (regularizers.L1(0.3), 0.3 * np.abs(X).sum()),
    "l2": (regularizers.L2(0.3), 0.3 * (X**2).sum()),
    "l1_l2": (regularizers.L1L2(0.3, 0.2), 0.3 * np.abs(X).sum() + 0.2 * (X**2).sum()),
    "l1_l2 none": (regularizers.L1L2(), 0.0),
    "rows": (regularizers.OrthogonalRegularizer(0.5), 0.5 * mean_cosine(UNIT_ROWS)),
    "columns": (
        regularizers.OrthogonalRegularizer(0.5, "columns"),
        0.5 * mean_cosine(UNIT_COLUMNS.T),
    ),
}


@pytest.mark.parametrize(("regularizer", "expected"), CASES.values(), ids=CASES)
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-6), ("float64", 1e-12)])
def test_value(regularizer, expected, dtype, rtol):
    penalty = regularizer(pynn.ops.convert_to_tensor(X, dtype=dtype))
    assert penalty.shape == ()
    assert penalty.dtype == dtype
    assert float(penalty) == pytest.approx(expected, rel=rtol)


@pytest.mark.parametrize("name", CASES)
def test_gradient_against_finite_differences(name):
    regularizer = CASES[name][0]
    x = pynn.ops.convert_to_tensor(X, dtype="float64")
    with pynn.GradientTape() as tape:
        tape.watch(x)
        penalty = regularizer(x)
    gradient = tape.gradient(penalty, x)
    gradient = np.zeros_like(X) if gradient is None else gradient.numpy()
    step = 1e-6
    for index in np.ndindex(X.shape):
        moved = [X.copy(), X.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        plus, minus = (float(regularizer(pynn.ops.convert_to_tensor(m))) for m in moved)
        assert gradient[index] == pytest.approx((plus - minus) / (2 * step), abs=1e-8)


@pytest.mark.parametrize(("regularizer", "expected"), CASES.values(), ids=CASES)
def test_config_round_trip(regularizer, expected):
    copy = regularizers.deserialize(regularizers.serialize(regularizer))
    assert type(copy) is type(regularizer)
    assert copy.get_config() == regularizer.get_config()


def test_get():
    assert regularizers.get(None) is None
    assert regularizers.get("l1").get_config() == {"l1": 0.01}
    assert regularizers.get("L2").get_config() == {"l2": 0.01}
    assert regularizers.get("l1_l2").get_config() == {"l1": 0.0, "l2": 0.0}
    assert regularizers.get(regularizers.L2).l2 == 0.01
    assert regularizers.get(abs) is abs
    assert regularizers.L1(None).l1 == 0.01


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "0.1", [0.1]])
def test_bad_factor(value):
    for make in (
        lambda: regularizers.L1(value),
        lambda: regularizers.L2(value),
        lambda: regularizers.L1L2(l2=value),
        lambda: regularizers.OrthogonalRegularizer(value),
    ):
        with pytest.raises(ValueError, match=r"expected .* to be a finite number >= 0; received"):
            make()


def test_orthogonal_checks_mode_and_rank():
    with pytest.raises(ValueError, match="received 'diagonal'"):
        regularizers.OrthogonalRegularizer(mode="diagonal")
    with pytest.raises(ValueError, match=r"rank 2; received shape \(3,\)"):
        regularizers.OrthogonalRegularizer()(pynn.ops.ones((3,)))


def test_base_class():
    assert regularizers.Regularizer()(pynn.ops.ones((3,))) == 0.0
    with pytest.raises(NotImplementedError, match="get_config"):
        regularizers.Regularizer().get_config()
