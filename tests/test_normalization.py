"""Normalization: digits where the mean is large, bits for every number of threads, fused paths."""

import numpy as np
import pytest

import pynn
from pynn import _core

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("axes", [[0], [1]])
@pytest.mark.parametrize("rows", [7, 1000, 30_000])
def test_variance_keeps_its_digits_where_the_mean_is_large(rows, axes):
    # E[x^2] - E[x]^2 would have no right digit: its terms are 1e8 times the variance.
    x = (1e4 + RNG.standard_normal((rows, 33))).astype("float32")
    x = x if axes == [0] else np.ascontiguousarray(x.T)
    mean, variance = _core.moments(x, axes, False)
    exact = x.astype(np.float64)
    np.testing.assert_allclose(mean.numpy(), exact.mean(tuple(axes)), rtol=3e-7)
    np.testing.assert_allclose(variance.numpy(), exact.var(tuple(axes)), rtol=1e-5)


def test_layer_norm_of_a_constant_row_is_zero():
    x = np.full((3, 1000), 12345.678, "float32")
    assert not _core.layer_norm(x, None, None, 1e-3).numpy().any()


def results(x, v):
    """Values and gradients of both normalizations, as bytes."""
    x, v = _core.tensor(x), _core.tensor(v)
    with _core.Tape(persistent=True) as tape:
        tape.watch(x)
        tape.watch(v)
        mean, variance = _core.moments(x, [0], False)
        y = _core.batch_norm(x, mean, _core.multiply(_core.rsqrt(variance), v), v)
        z = _core.layer_norm(y, v, v, 1e-3)
        r = _core.rms_norm(z, v, 1e-3)
        target = _core.sum(_core.multiply(r, _core.exp(y)))
    return [t.numpy().tobytes() for t in (y, z, r, *tape.gradient(target, [x, v]))]


def test_bits_do_not_depend_on_the_number_of_threads():
    x = RNG.standard_normal((3001, 257)).astype("float32")
    v = RNG.uniform(0.5, 1.5, 257).astype("float32")
    before = pynn.config.num_threads()
    try:
        pynn.config.set_num_threads(1)
        expected = results(x, v)
        for threads in (2, 3, 8):
            pynn.config.set_num_threads(threads)
            assert results(x, v) == expected
    finally:
        pynn.config.set_num_threads(before)


def composed(x, axes, gamma, beta):
    """Layer normalization of unfused ops."""
    centred = _core.subtract(x, _core.mean(x, axes, True))
    factor = _core.rsqrt(_core.add(_core.mean(_core.square(centred), axes, True), 1e-3))
    return _core.add(_core.multiply(_core.multiply(centred, factor), gamma), beta)


def test_fused_layer_normalization_equals_the_composition():
    x = _core.tensor(RNG.standard_normal((40, 6, 50)).astype("float32"))
    for axes, shape in (([2], (50,)), ([1, 2], (6, 50))):
        gamma = _core.tensor(RNG.uniform(0.5, 1.5, shape).astype("float32"))
        beta = _core.tensor(RNG.standard_normal(shape).astype("float32"))
        found = []
        for fused in (True, False):
            with pynn.GradientTape() as tape:
                for t in (x, gamma, beta):
                    tape.watch(t)
                if fused:
                    y = pynn.ops.layer_normalization(x, gamma, beta, axes, epsilon=1e-3)
                else:
                    y = composed(x, axes, gamma, beta)
                target = _core.sum(_core.sin(y))
            found.append([y, *tape.gradient(target, [x, gamma, beta])])
        for a, b in zip(*found, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("axis", [-1, 1])
def test_batch_normalization_through_its_own_moments_has_the_composed_gradient(axis):
    shape = (20, 5, 4)
    x = _core.tensor(RNG.standard_normal(shape))
    axes = [a for a in range(3) if a != axis % 3]
    scale = _core.tensor(RNG.uniform(0.5, 1.5, shape[axis]))
    found = []
    for fused in (True, False):
        with pynn.GradientTape() as tape:
            tape.watch(x)
            tape.watch(scale)
            if fused:
                y = pynn.ops.batch_normalization(x, *pynn.ops.moments(x, axes), axis, scale=scale)
            else:
                spread = _core.reshape(
                    scale, [n if a == axis % 3 else 1 for a, n in enumerate(shape)]
                )
                y = composed(x, axes, spread, 0.0)
            target = _core.sum(_core.sin(y))
        found.append([y, *tape.gradient(target, [x, scale])])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: _core.layer_norm(np.ones((2, 3)), np.ones(2), None, 0.1), r"layer_norm.*\(3,\)"),
        (lambda: _core.rms_norm(np.ones((2, 3)), np.ones(4), 0.1), r"rms_norm.*\(3,\).*\(4,\)"),
        (lambda: _core.layer_norm(1.0, None, None, 0.1), r"layer_norm.*at least 1"),
        (
            lambda: _core.batch_norm(np.ones((2, 3)), np.ones(2), np.ones(3), np.ones(3)),
            r"batch_norm.*mean.*\(3,\).*\(2,\)",
        ),
    ],
)
def test_errors_name_the_op_and_what_came(call, words):
    with pytest.raises(ValueError, match=words):
        call()
