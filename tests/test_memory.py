"""Memory: flat over many calls, batch sizes and models; a data set is neither copied nor loaded.

Each scenario runs in a process of its own. The suite runs short versions; `.ci/endurance` runs the
full ones (`python tests/test_memory.py`), and prints what they measure.
"""

import gc
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import pytest

import pynn
from pynn import _core, layers

STATUS = pathlib.Path("/proc/self/status")
pytestmark = pytest.mark.skipif(not STATUS.exists(), reason="needs /proc")
KIB, MIB = 2**10, 2**20
FEATURES = 32
RNG = np.random.default_rng(0)
X = RNG.normal(size=(512, FEATURES)).astype("float32")
Y = RNG.integers(0, 4, 512)


def kibibytes(field):
    """A figure of this process: VmRSS (now), VmHWM (at most, so far), RssAnon (not of files)."""
    for line in STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise AssertionError(f"no {field} in {STATUS}")


def make_model(features=FEATURES, **settings):
    model = pynn.Sequential(
        [
            pynn.Input((features,)),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.1),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", **settings})
    return model


# ---- flat ----------------------------------------------------------------------------------------


def flat(use, count, warm_up):
    """Prints how much memory `use` called `count` times keeps, after a warm-up, in KiB."""
    for i in range(warm_up):
        use(i)
    gc.collect()
    before, held = kibibytes("VmRSS"), _core.allocated_bytes()
    for i in range(count):
        use(i)
    gc.collect()
    print(kibibytes("VmRSS") - before, (_core.allocated_bytes() - held) // KIB)


def predictions(count):
    model = make_model()
    calls = [
        lambda: model.predict(X[:1], verbose=0),
        lambda: model.predict(X[:100], verbose=0),
        lambda: model.predict_on_batch(X[:8]),
        lambda: model(X[:1]),
    ]
    flat(lambda i: calls[i % len(calls)](), count, 400)


def batch_sizes(count):
    model = make_model(metrics=["accuracy"])
    sizes = np.random.default_rng(1).integers(1, len(X), count + 100)

    def use(i):
        rows = int(sizes[i])
        model.predict(X[:rows], batch_size=len(X), verbose=0)
        if i % 4 == 0:
            model.train_on_batch(X[:rows], Y[:rows])
            model.evaluate(X, Y, batch_size=rows, verbose=0)

    for rows in (1, len(X)):  # the largest batch decides how much is needed
        model.train_on_batch(X[:rows], Y[:rows])
    flat(use, count, 100)
    assert len(model._trainer_state.steps) <= 16


def models(count):
    def use(i):
        pynn.utils.clear_session()
        made = make_model(optimizer=["adam", "sgd"][i % 2], metrics=["accuracy"])
        made.fit(X[:64], Y[:64], validation_split=0.25, verbose=0)
        made.predict(X[:10], verbose=0)

    flat(use, count, 40)


# Short and full number of repetitions.
FLAT = {"predictions": (2000, 10_000), "batch_sizes": (300, 5000), "models": (60, 500)}


# ---- the data set -------------------------------------------------------------------------------


def rows_of(megabytes, columns, dtype):
    rows = megabytes * MIB // (columns * np.dtype(dtype).itemsize)
    if dtype == "uint8":
        x = RNG.integers(0, 256, (rows, columns), dtype="uint8")
    else:
        x = np.empty((rows, columns), dtype)
        for part in np.array_split(x, 64):
            part[...] = RNG.random(part.shape, dtype="float32")
    return x, RNG.integers(0, 4, rows, dtype="uint8")


def prepared(columns):
    """A model that has trained and predicted, so that all that comes with that is there."""
    model = make_model(columns)
    x, y = rows_of(1, columns, "float32")
    for dtype in ("float32", "uint8"):
        model.fit(x.astype(dtype), y, batch_size=256, verbose=0)
        model.predict(x.astype(dtype), batch_size=256, verbose=0)
    return model


def peak(megabytes, columns, dtype, **settings):
    """Prints the memory of data and training at most, as a fraction of the data's."""
    model = prepared(columns)
    before = kibibytes("VmRSS")
    x, y = rows_of(megabytes, columns, dtype)
    model.fit(x, y, batch_size=256, epochs=2, verbose=0, **settings)
    print((kibibytes("VmHWM") - before) * KIB / (x.nbytes + y.nbytes))


def mapped(megabytes, allowed):
    """Trains on a file, of which the process could not hold a copy; prints what it held, in MiB."""
    import resource

    columns = 256
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "x.npy"
        rows = megabytes * MIB // (columns * 4)
        file = np.lib.format.open_memmap(path, "w+", "float32", (rows, columns))
        for part in np.array_split(file, 64):
            part[...] = RNG.random(part.shape, dtype="float32")
        file.flush()
        del file, part
        x = np.load(path, mmap_mode="r")
        y = (np.arange(rows) % 4).astype("uint8")
        model = prepared(columns)
        before = kibibytes("RssAnon")
        used = kibibytes("VmData") * KIB
        resource.setrlimit(resource.RLIMIT_DATA, (used + allowed * MIB, resource.RLIM_INFINITY))
        with pytest.raises(MemoryError):
            np.array(x)
        for shuffle in (False, True, "batch"):
            model.fit(x, y, batch_size=256, shuffle=shuffle, validation_split=0.1, verbose=0)
        model.evaluate(x, y, batch_size=256, verbose=0)
        model.predict(x, batch_size=256, verbose=0)
        print((kibibytes("RssAnon") - before) / KIB)


PEAK = {
    "float32": "784, 'float32', shuffle=False",
    "float32, shuffled": "784, 'float32'",
    "float32, few columns, shuffled": "16, 'float32'",
    "float64, shuffled": "784, 'float64'",
    "uint8": "784, 'uint8', shuffle=False",
    "uint8, shuffled": "784, 'uint8'",
    "batches shuffled, validation": "784, 'float32', shuffle='batch', validation_split=0.2",
    "class weights": "784, 'float32', class_weight={1: 2.0}",
    "class weights, few columns": "16, 'float32', class_weight={1: 2.0}, shuffle=False",
}


def run(call):
    """The numbers that a scenario prints."""
    folder = pathlib.Path(__file__).parent
    package = pathlib.Path(pynn.__file__).parents[1]  # the one that is tested here
    path = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-c", f"import test_memory as t; t.{call}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return [float(number) for number in result.stdout.split()]


@pytest.mark.parametrize("name", FLAT)
def test_flat(name):
    grown, held = run(f"{name}({FLAT[name][0]})")
    assert held <= 64
    assert grown < 4096


@pytest.mark.parametrize("name", PEAK)
def test_peak_of_fit(name):
    (fraction,) = run(f"peak(64, {PEAK[name]})")
    # Buffers, threads and the allocators' reserve do not grow with the data: 8 MiB for them.
    assert fraction < 1.2 + 8 / 64


def test_a_memmap_larger_than_the_memory_that_is_allowed():
    (held,) = run("mapped(96, 48)")
    assert held < 16


if __name__ == "__main__":
    for scenario, (_, full) in FLAT.items():
        seen_grown, seen_held = run(f"{scenario}({full})")
        print(f"{scenario}: {full}; grown by {seen_grown:.0f} KiB, engine {seen_held:.0f} KiB")
        assert max(seen_grown, seen_held) < 4096
    for scenario, arguments in PEAK.items():
        (seen_fraction,) = run(f"peak(256, {arguments})")
        print(f"fit on 256 MiB of {scenario}: at most {seen_fraction:.3f} of the data")
        assert seen_fraction < 1.2
    (seen,) = run("mapped(512, 64)")
    print(f"fit on a file of 512 MiB, 64 MiB allowed: {seen:.1f} MiB held")
