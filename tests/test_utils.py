"""pynn.utils: one-hot rows, norms, seeds."""

import random as python_random

import numpy as np
import pytest

import pynn
from pynn import utils


@pytest.mark.parametrize(
    ("labels", "shape"),
    [([0, 2, 1], (3, 3)), ([[0], [2]], (2, 3)), ([[0, 2], [1, 1]], (2, 2, 3)), (2, (3,))],
)
def test_to_categorical(labels, shape):
    rows = utils.to_categorical(labels)
    assert rows.shape == shape
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(rows.argmax(-1).ravel(), np.ravel(labels))
    np.testing.assert_array_equal(rows.sum(-1), np.ones(shape[:-1]))


def test_to_categorical_with_a_number_of_classes():
    assert utils.to_categorical([0, 1], num_classes=5).shape == (2, 5)
    assert utils.to_categorical([], num_classes=5).shape == (0, 5)
    assert utils.to_categorical([]).shape == (0, 0)


def test_to_categorical_of_a_tensor_is_a_tensor():
    rows = utils.to_categorical(pynn.ops.convert_to_tensor([0, 2]))
    assert isinstance(rows, pynn.Tensor)
    np.testing.assert_array_equal(rows.numpy(), [[1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize(("labels", "bad"), [([0, 3], "3"), ([-1, 0], "-1")])
def test_to_categorical_checks_the_labels(labels, bad):
    with pytest.raises(ValueError, match=rf"class indices in \[0, 3\); received {bad}"):
        utils.to_categorical(labels, num_classes=3)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("order", [1, 2])
def test_normalize(axis, order):
    x = np.random.default_rng(0).normal(size=(4, 3))
    expected = x / np.linalg.norm(x, order, axis, keepdims=True)
    np.testing.assert_allclose(utils.normalize(x, axis, order), expected)
    tensor = utils.normalize(pynn.ops.convert_to_tensor(x), axis, order)
    assert isinstance(tensor, pynn.Tensor)
    np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-12)


def test_normalize_keeps_zero_vectors():
    np.testing.assert_array_equal(utils.normalize(np.zeros((2, 3))), np.zeros((2, 3)))


def test_set_random_seed_seeds_all_three():
    draws = []
    for _ in range(2):
        utils.set_random_seed(11)
        draws.append(
            (
                python_random.random(),
                np.random.random(),  # noqa: NPY002 (the generator that is seeded)
                pynn.random.normal((2,)).numpy().tolist(),
                pynn.initializers.GlorotUniform()((2, 2)).numpy().tolist(),
            )
        )
    assert draws[0] == draws[1]


def test_set_random_seed_leaves_created_generators_alone():
    generator = pynn.random.SeedGenerator(5)
    first = generator.next().numpy().tolist()
    utils.set_random_seed(1)
    assert generator.next().numpy().tolist() == [first[0], first[1] + 1]


def test_settings_that_keras_keeps_in_config():
    assert pynn.config.floatx() == "float32"
    assert pynn.config.epsilon() == 1e-7
    assert pynn.config.backend() == "pynn"
    assert pynn.config.image_data_format() == "channels_last"
    assert pynn.config.dtype_policy().name == "float32"
