"""Fixtures that every test may use."""

import numpy as np
import pytest
from real_data import data_folder

import pynn


@pytest.fixture
def seed():
    """Makes everything random repeatable; the value is the seed."""
    pynn.utils.set_random_seed(1234)
    return 1234


@pytest.fixture
def rng():
    """A NumPy generator with a fixed seed."""
    return np.random.default_rng(1234)


@pytest.fixture(scope="session")
def data():
    """Function from the name of a data set to the folder that holds it; skips without it."""

    def folder(name):
        found = data_folder(name)
        if found is None:
            pytest.skip(f"no data set {name!r}: set PYNN_DATA to the folder that holds it")
        return found

    return folder


@pytest.fixture(scope="session")
def mnist(data):
    """MNIST as (x_train, y_train), (x_test, y_test): float32 in [0, 1] and integer labels."""
    folder = data("mnist")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYNN_DATA", folder)
        (x_train, y_train), (x_test, y_test) = pynn.datasets.mnist.load_data()
    scaled = (x.astype("float32") / 255.0 for x in (x_train, x_test))
    return tuple(zip(scaled, (y_train, y_test), strict=True))


@pytest.fixture(autouse=True)
def _defaults():
    """No test leaves another float type, fuzz factor or image layout behind."""
    yield
    if pynn.backend.floatx() != "float32":
        pynn.backend.set_floatx("float32")
    if pynn.backend.epsilon() != 1e-7:
        pynn.backend.set_epsilon(1e-7)
    if pynn.backend.image_data_format() != "channels_last":
        pynn.backend.set_image_data_format("channels_last")
