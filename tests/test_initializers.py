"""Initializers: values, distributions, seeds, configs."""

import math

import numpy as np
import pytest

import pynn
from pynn import initializers
from pynn.initializers.random import compute_fans
from pynn.random import SeedGenerator

RANDOM = [
    initializers.RandomNormal,
    initializers.RandomUniform,
    initializers.TruncatedNormal,
    initializers.VarianceScaling,
    initializers.GlorotUniform,
    initializers.GlorotNormal,
    initializers.HeUniform,
    initializers.HeNormal,
    initializers.LecunUniform,
    initializers.LecunNormal,
    initializers.Orthogonal,
]
CONSTANT = [
    initializers.Zeros,
    initializers.Ones,
    initializers.Constant,
    initializers.Identity,
]


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
@pytest.mark.parametrize("cls", RANDOM + CONSTANT)
def test_shape_and_dtype(cls, dtype):
    tensor = cls()((3, 5), dtype=dtype)
    assert tensor.shape == (3, 5)
    assert tensor.dtype == dtype


@pytest.mark.parametrize("cls", RANDOM + CONSTANT)
def test_default_dtype_is_floatx(cls):
    pynn.backend.set_floatx("float64")
    try:
        assert cls()((2, 2)).dtype == "float64"
    finally:
        pynn.backend.set_floatx("float32")


@pytest.mark.parametrize("shape", [(0, 4), (1, 1), (4, 0)])
@pytest.mark.parametrize("cls", RANDOM)
def test_empty_and_single(cls, shape):
    assert cls()(shape).shape == shape


def test_constants():
    np.testing.assert_array_equal(initializers.Zeros()((2,)).numpy(), [0, 0])
    np.testing.assert_array_equal(initializers.Ones()((2,), "int8").numpy(), [1, 1])
    np.testing.assert_array_equal(initializers.Constant(2.5)((2,)).numpy(), [2.5, 2.5])
    np.testing.assert_array_equal(initializers.Constant([1, 2])((2, 2)).numpy(), [[1, 2], [1, 2]])
    np.testing.assert_array_equal(initializers.Identity(3.0)((2, 3)).numpy(), 3 * np.eye(2, 3))
    assert initializers.Ones()(()).shape == ()


# Standard deviation and largest magnitude that each distribution promises for shape (fan_in 400,
# fan_out 100). A truncated normal reaches two of its untruncated standard deviations.
TRUNCATED = 2 / 0.87962566103423978
EXPECTED = {
    initializers.RandomNormal: (0.05, math.inf),
    initializers.RandomUniform: (0.1 / math.sqrt(12), 0.05),
    initializers.TruncatedNormal: (0.05 * 0.87962566103423978, 0.1),
    initializers.VarianceScaling: (math.sqrt(1 / 400), TRUNCATED * math.sqrt(1 / 400)),
    initializers.GlorotUniform: (math.sqrt(2 / 500), math.sqrt(6 / 500)),
    initializers.GlorotNormal: (math.sqrt(2 / 500), TRUNCATED * math.sqrt(2 / 500)),
    initializers.HeUniform: (math.sqrt(2 / 400), math.sqrt(6 / 400)),
    initializers.HeNormal: (math.sqrt(2 / 400), TRUNCATED * math.sqrt(2 / 400)),
    initializers.LecunUniform: (math.sqrt(1 / 400), math.sqrt(3 / 400)),
    initializers.LecunNormal: (math.sqrt(1 / 400), TRUNCATED * math.sqrt(1 / 400)),
}


@pytest.mark.parametrize("cls", EXPECTED)
def test_distribution(cls):
    stddev, largest = EXPECTED[cls]
    values = cls(seed=1)((400, 100)).numpy().astype(np.float64)
    # 40,000 draws: the mean is within 5 standard errors, the deviation within 2.5 %.
    assert abs(values.mean()) < 5 * stddev / math.sqrt(values.size)
    assert values.std() == pytest.approx(stddev, rel=0.025)
    assert np.abs(values).max() <= largest * (1 + 1e-6)
    assert len(np.unique(values)) > 30_000


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (2, 3, 4)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2.0, seed=1)(shape, "float64").numpy()
    q = q.reshape(-1, shape[-1]) / 2.0
    product = q @ q.T if q.shape[0] < q.shape[1] else q.T @ q
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-12)


@pytest.mark.parametrize("cls", RANDOM)
def test_int_seed_repeats_and_generator_varies(cls):
    first, second = cls(seed=3), cls(seed=3)
    np.testing.assert_array_equal(first((3, 3)).numpy(), first((3, 3)).numpy())
    np.testing.assert_array_equal(first((3, 3)).numpy(), second((3, 3)).numpy())
    assert (cls(seed=4)((3, 3)).numpy() != first((3, 3)).numpy()).any()

    varying = cls(seed=SeedGenerator(3))
    assert (varying((3, 3)).numpy() != varying((3, 3)).numpy()).any()


@pytest.mark.parametrize("cls", RANDOM)
def test_no_seed_repeats_within_one_object_only(cls):
    initializer = cls()
    np.testing.assert_array_equal(initializer((3, 3)).numpy(), initializer((3, 3)).numpy())
    assert (initializer((3, 3)).numpy() != cls()((3, 3)).numpy()).any()
    pynn.utils.set_random_seed(5)
    first = cls()((3, 3)).numpy()
    pynn.utils.set_random_seed(5)
    np.testing.assert_array_equal(first, cls()((3, 3)).numpy())


@pytest.mark.parametrize("cls", RANDOM + CONSTANT)
def test_config_round_trip(cls):
    initializer = cls(seed=3) if cls in RANDOM else cls()
    for copy in (
        initializers.deserialize(initializers.serialize(initializer)),
        initializer.clone(),
        initializers.get(initializers.serialize(initializer)),
    ):
        assert type(copy) is cls
        assert copy.get_config() == initializer.get_config()
        np.testing.assert_array_equal(copy((3, 3)).numpy(), initializer((3, 3)).numpy())


def test_seed_generator_survives_the_config():
    config = initializers.serialize(initializers.HeNormal(seed=SeedGenerator(3)))
    assert config["config"]["seed"]["class_name"] == "SeedGenerator"
    assert initializers.deserialize(config).seed.get_config()["seed"] == 3


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("zeros", initializers.Zeros),
        ("zero", initializers.Zeros),
        ("Ones", initializers.Ones),
        ("normal", initializers.RandomNormal),
        ("uniform", initializers.RandomUniform),
        ("glorot_uniform", initializers.GlorotUniform),
        ("IdentityInitializer", initializers.Identity),
        ("OrthogonalInitializer", initializers.Orthogonal),
    ],
)
def test_get_by_name(name, cls):
    assert type(initializers.get(name)) is cls


def test_get_other_identifiers():
    assert initializers.get(None) is None
    assert type(initializers.get(initializers.Ones)) is initializers.Ones
    function = initializers.get(lambda shape, dtype=None: pynn.ops.ones(shape, dtype=dtype))
    assert function((2,)).shape == (2,)
    array = np.arange(4, dtype="float64").reshape(2, 2)
    given = initializers.get(array)
    np.testing.assert_array_equal(given((2, 2), "float32").numpy(), array)
    with pytest.raises(ValueError, match=r"expected shape \(2, 2\).*received shape \(3, 2\)"):
        given((3, 2))


@pytest.mark.parametrize(
    ("shape", "fans"),
    [
        ((), (1, 1)),
        ((3,), (3, 3)),
        ((3, 4), (3, 4)),
        ((2, 2, 3, 4), (12, 16)),
        ((5, 3, 4), (15, 20)),
    ],
)
def test_fans(shape, fans):
    assert compute_fans(shape) == fans


def test_fans_of_named_axes():
    assert compute_fans((2, 3, 5), input_axes=[0], output_axes=[1, 2]) == (2, 15)
    wide = initializers.HeUniform(seed=1, input_axes=[0], output_axes=[1, 2])((600, 3, 5))
    assert float(np.abs(wide.numpy()).max()) == pytest.approx(math.sqrt(6 / 600), rel=1e-2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scale": 0.0}, "expected scale > 0; received 0.0"),
        ({"mode": "fan"}, "expected mode to be one of fan_in.*received 'fan'"),
        ({"distribution": "gauss"}, "expected distribution to be one of.*received 'gauss'"),
        ({"seed": "abc"}, "expected seed to be an int or a SeedGenerator; received 'abc'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        initializers.VarianceScaling(**arguments)


@pytest.mark.parametrize("cls", [initializers.Identity, initializers.Orthogonal])
def test_rank_is_checked(cls):
    with pytest.raises(ValueError, match=r"rank 2.*received \(3,\)"):
        cls()((3,))
