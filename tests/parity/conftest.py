"""Comparison with Keras 3 on its JAX backend. Skipped where the extra `parity` is not installed."""

import os
import sys
import warnings
from pathlib import Path

import pytest

os.environ["KERAS_BACKEND"] = "jax"
# Helpers that the other tests share, also when only this folder is collected.
sys.path.append(str(Path(__file__).resolve().parents[1]))


@pytest.fixture(scope="session")
def keras():
    """The Keras module."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Keras and JAX deprecate is not our business
        pytest.importorskip("jax", reason='JAX is not installed: pip install ".[parity]"')
        return pytest.importorskip(
            "keras", reason='Keras is not installed: pip install ".[parity]"'
        )


def pytest_collection_modifyitems(items):
    for item in items:
        if os.path.dirname(__file__) in str(item.path):
            item.add_marker(pytest.mark.parity)
            item.add_marker(pytest.mark.filterwarnings(r"ignore:::(jax|keras)(\.|$)"))
