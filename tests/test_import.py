"""`import pynn`: quick, quiet, and without dragging anything along; what the wheel contains."""

import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys

import pytest

import pynn

PROBE = """
import json, os, sys, time
import numpy
before = set(sys.modules)
start = time.process_time()
import pynn
seconds = time.process_time() - start
loaded = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
threads = len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
print(json.dumps({"seconds": seconds, "loaded": loaded, "threads": threads}))
"""
HEAVY = {
    "h5py",
    "jax",
    "keras",
    "matplotlib",
    "ml_dtypes",
    "onnx",
    "pandas",
    "pyarrow",
    "rich",
    "scipy",
    "sklearn",
    "tensorflow",
    "torch",
}


def probe(tmp_path):
    # One BLAS thread: NumPy's own pool must not be taken for threads of pynn. Compiled files are
    # kept, as an installed package has them.
    environment = {
        **os.environ,
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(tmp_path / "cache"),
    }
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROBE],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert len(lines) == 1, "import pynn printed something"
    return json.loads(lines[0])


def test_loads_nothing_heavy(tmp_path):
    loaded = set(probe(tmp_path)["loaded"])
    assert not loaded & HEAVY


def test_starts_no_thread(tmp_path):
    assert probe(tmp_path)["threads"] == 1


def test_is_quick(tmp_path):
    probe(tmp_path)  # fill the cache of compiled files
    assert min(probe(tmp_path)["seconds"] for _ in range(5)) < 0.1


def installed_files():
    """Files of the installed distribution; None for an editable install."""
    try:
        files = importlib.metadata.files("pynn") or []
    except importlib.metadata.PackageNotFoundError:
        return None
    names = [str(file) for file in files]
    return files if any(name.startswith("pynn/") and "_core" in name for name in names) else None


def test_installed_files():
    files = installed_files()
    if files is None:
        pytest.skip("pynn is not installed from a wheel")
    names = {str(file) for file in files if not str(file).endswith(".pyc")}
    top = {name.split("/")[0] for name in names}
    assert {name for name in top if not name.startswith(("pynn-", ".."))} == {"pynn"}
    assert "pynn/py.typed" in names
    assert "pynn/_core.pyi" in names
    suffixes = {pathlib.PurePath(name).suffix for name in names if name.startswith("pynn/")}
    assert suffixes <= {".py", ".pyi", ".typed", ".so", ".pyd"}
    assert sum(file.size or 0 for file in files) < 10 * 2**20
    licences = [name for name in names if name.rpartition("/")[2] == "LICENSE"]
    assert licences


def test_version_is_that_of_the_distribution():
    try:
        assert pynn.__version__ == importlib.metadata.version("pynn")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("pynn is not installed")


def test_keras_names_are_there():
    for name in (
        "Input",
        "KerasTensor",
        "Layer",
        "Model",
        "Sequential",
        "Variable",
        "activations",
        "backend",
        "callbacks",
        "config",
        "constraints",
        "datasets",
        "dtype_policies",
        "initializers",
        "layers",
        "losses",
        "metrics",
        "models",
        "ops",
        "optimizers",
        "random",
        "regularizers",
        "saving",
        "tree",
        "utils",
    ):
        assert hasattr(pynn, name), name
