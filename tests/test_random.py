"""Random numbers: repeatable, independent of threads, of the right distribution."""

import math

import numpy as np
import pytest

import pynn
from pynn import random
from pynn.random import SeedGenerator

DRAWS = {
    "normal": lambda seed: random.normal((5, 7), seed=seed),
    "truncated_normal": lambda seed: random.truncated_normal((5, 7), seed=seed),
    "uniform": lambda seed: random.uniform((5, 7), seed=seed),
    "randint": lambda seed: random.randint((5, 7), 0, 1000, seed=seed),
    "categorical": lambda seed: random.categorical(np.zeros((5, 9), "float32"), 7, seed=seed),
    "dropout": lambda seed: random.dropout(np.ones((5, 7), "float32"), 0.5, seed=seed),
    "noise": lambda seed: random.dropout(np.ones((50, 7), "float32"), 0.5, (None, 1), seed=seed),
    "shuffle": lambda seed: random.shuffle(np.arange(50), seed=seed),
    "gamma": lambda seed: random.gamma((5, 7), 2.0, seed=seed),
    "beta": lambda seed: random.beta((5, 7), 2.0, 3.0, seed=seed),
    "binomial": lambda seed: random.binomial((5, 7), 10, 0.5, seed=seed),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_int_seed_repeats(draw):
    np.testing.assert_array_equal(draw(3).numpy(), draw(3).numpy())
    assert (draw(3).numpy() != draw(4).numpy()).any()


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_generator_varies_and_restarts(draw):
    generator = SeedGenerator(3)
    first, second = draw(generator).numpy(), draw(generator).numpy()
    assert (first != second).any()
    again = SeedGenerator(3)
    np.testing.assert_array_equal(first, draw(again).numpy())
    np.testing.assert_array_equal(second, draw(again).numpy())


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_global_seed(draw):
    pynn.utils.set_random_seed(9)
    first, second = draw(None).numpy(), draw(None).numpy()
    assert (first != second).any()
    pynn.utils.set_random_seed(9)
    np.testing.assert_array_equal(first, draw(None).numpy())


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_threads_do_not_matter(draw):
    before = pynn.config.num_threads()
    results = []
    try:
        for threads in (1, 2, 3, 8):
            pynn.config.set_num_threads(threads)
            results.append(draw(5).numpy())
    finally:
        pynn.config.set_num_threads(before)
    for result in results[1:]:
        np.testing.assert_array_equal(results[0], result)


def test_large_draws_do_not_depend_on_threads():
    before = pynn.config.num_threads()
    results = []
    try:
        for threads in (1, 2, 3, 8):
            pynn.config.set_num_threads(threads)
            results.append(random.normal(((1 << 20) + 3,), seed=1).numpy())
    finally:
        pynn.config.set_num_threads(before)
    for result in results[1:]:
        np.testing.assert_array_equal(results[0], result)


def test_a_longer_draw_starts_with_the_shorter_one():
    short, long = random.uniform((10,), seed=1).numpy(), random.uniform((100,), seed=1).numpy()
    np.testing.assert_array_equal(short, long[:10])


# Mean, standard deviation and bounds, for 200,000 draws.
N = 200_000
MOMENTS = {
    "normal": (lambda: random.normal((N,), 2.0, 3.0, seed=1), 2.0, 3.0, -math.inf, math.inf),
    "truncated": (
        lambda: random.truncated_normal((N,), 2.0, 3.0, seed=1),
        2.0,
        3 * 0.87962566103423978,
        -4.0,
        8.0,
    ),
    "uniform": (lambda: random.uniform((N,), -1.0, 3.0, seed=1), 1.0, 4 / math.sqrt(12), -1.0, 3.0),
    "randint": (lambda: random.randint((N,), -5, 15, seed=1), 4.5, math.sqrt(399 / 12), -5, 14),
    "gamma": (lambda: random.gamma((N,), 4.0, seed=1), 4.0, 2.0, 0.0, math.inf),
    "beta": (lambda: random.beta((N,), 2.0, 2.0, seed=1), 0.5, math.sqrt(0.05), 0.0, 1.0),
    "binomial": (lambda: random.binomial((N,), 10, 0.2, seed=1), 2.0, math.sqrt(1.6), 0, 10),
}


@pytest.mark.parametrize(("draw", "mean", "stddev", "low", "high"), MOMENTS.values(), ids=MOMENTS)
def test_moments(draw, mean, stddev, low, high):
    values = draw().numpy().astype(np.float64)
    assert values.mean() == pytest.approx(mean, abs=5 * stddev / math.sqrt(N))
    assert values.std() == pytest.approx(stddev, rel=0.01)
    assert values.min() >= low
    assert values.max() <= high


def test_uniform_excludes_the_upper_bound():
    values = random.uniform((N,), 0.0, 1.0, dtype="float16", seed=1).numpy()
    assert values.max() < 1.0
    assert values.min() >= 0.0


def test_categorical_follows_the_logits():
    logits = np.log(np.array([[0.1, 0.2, 0.7], [0.5, 0.5, 1e-9]], "float32"))
    draws = random.categorical(logits, 20_000, seed=1).numpy()
    assert draws.dtype == np.int32
    shares = np.stack([np.bincount(row, minlength=3) for row in draws]) / 20_000
    np.testing.assert_allclose(shares, [[0.1, 0.2, 0.7], [0.5, 0.5, 0]], atol=0.02)


def test_dropout_keeps_the_mean():
    kept = random.dropout(np.ones(N, "float32"), 0.3, seed=1).numpy()
    assert set(np.unique(kept)) == {np.float32(0), np.float32(1 / 0.7)}
    assert (kept == 0).mean() == pytest.approx(0.3, abs=0.01)


def test_dropout_edges():
    x = np.ones((3, 2), "float32")
    np.testing.assert_array_equal(random.dropout(x, 0.0).numpy(), x)
    np.testing.assert_array_equal(random.dropout(x, 1.0).numpy(), 0 * x)
    rows = random.dropout(np.ones((50, 4), "float32"), 0.5, (None, 1), seed=1).numpy()
    assert (rows == rows[:, :1]).all()
    assert len(np.unique(rows)) == 2


def test_shuffle_permutes_whole_slices():
    x = np.arange(60).reshape(3, 20)
    shuffled = random.shuffle(x, axis=1, seed=1).numpy()
    assert (shuffled != x).any()
    np.testing.assert_array_equal(np.sort(shuffled[0]), x[0])
    np.testing.assert_array_equal(shuffled[1] - shuffled[0], np.full(20, 20))


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
def test_dtypes(dtype):
    assert random.normal((2,), dtype=dtype, seed=1).dtype == dtype
    assert random.uniform((2,), dtype=dtype, seed=1).dtype == dtype
    assert random.truncated_normal((2,), dtype=dtype, seed=1).dtype == dtype


def test_seed_generator_config_and_state():
    generator = SeedGenerator(7, name="mine")
    assert generator.get_config() == {"seed": 7, "name": "mine"}
    assert generator.state.dtype == "uint32"
    assert not generator.state.trainable
    np.testing.assert_array_equal(generator.next().numpy(), [7, 0])
    np.testing.assert_array_equal(generator.next(ordered=False).numpy(), [7, 1])
    np.testing.assert_array_equal(
        SeedGenerator.from_config(generator.get_config()).next().numpy(), [7, 0]
    )


def test_wide_seeds_keep_their_high_bits():
    first, second = random.draw_seed(1 << 40), random.draw_seed(1 << 41)
    assert (first.numpy() != second.numpy()).any()
    assert random.draw_seed(2**32 - 1).numpy().tolist() == [2**32 - 1, 0]
    assert random.draw_seed(np.int64(5)).numpy().tolist() == [5, 0]


@pytest.mark.parametrize("seed", ["1", 1.5, [1]])
def test_bad_seeds(seed):
    with pytest.raises(ValueError, match="expected seed to be an int"):
        random.normal((2,), seed=seed)
    with pytest.raises(ValueError, match="expected seed to be an int"):
        SeedGenerator(seed)
    with pytest.raises(ValueError, match="expected an int"):
        pynn.utils.set_random_seed(seed)


def test_bad_arguments():
    with pytest.raises(ValueError, match="expected a floating-point dtype; received int32"):
        random.uniform((2,), dtype="int32")
    with pytest.raises(ValueError, match="expected an integer dtype; received float32"):
        random.randint((2,), 0, 5, dtype="float32")
    with pytest.raises(ValueError, match=r"expected logits of shape .* received shape \(3,\)"):
        random.categorical(np.zeros(3, "float32"), 2)
    with pytest.raises(ValueError, match=r"expected rate in \[0, 1\]; received 1.5"):
        random.dropout([1.0], 1.5)
    with pytest.raises(ValueError, match="seed and name; received flavour"):
        SeedGenerator(1, flavour="x")
    with pytest.raises(ValueError, match=r"in \[0, 2\*\*32\)"):
        pynn.utils.set_random_seed(-1)
