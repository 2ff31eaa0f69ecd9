"""Out of memory is a MemoryError that names the size, and leaves everything as it was.

The scenarios run in processes of their own, whose address space `setrlimit` bounds while a step
runs. Bounds from nothing to plenty are tried, so that the step fails at many different places.
"""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

import pynn
from pynn import _core, layers

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(
    not pathlib.Path("/proc/self/statm").exists(), reason="needs the size of the address space"
)

FEATURES = 256
LARGE, SMALL = 20_000, 16  # rows; a step with the large batch takes some 100 MiB
MIB = 2**20


class AddressSpace:
    """A context that lets the address space of this process grow by so many bytes."""

    def __init__(self, extra: int) -> None:
        self.extra = extra

    def __enter__(self) -> None:
        # What the allocators hold for reuse would hide the bound.
        _core.trim()
        pages = int(pathlib.Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        bound = pages * resource.getpagesize() + self.extra
        resource.setrlimit(resource.RLIMIT_AS, (bound, hard))

    def __exit__(self, *_: object) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def batch(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, FEATURES)).astype("float32"), rng.integers(0, 10, rows)


def make_model(eager: bool) -> pynn.Model:
    pynn.utils.set_random_seed(5)
    model = pynn.Sequential(
        [
            pynn.Input((FEATURES,)),
            layers.Dense(FEATURES, activation="relu"),
            layers.Dropout(0.25),
            layers.Dense(10),
        ]
    )
    model.compile(
        pynn.optimizers.Adam(clipnorm=1.0),
        pynn.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        run_eagerly=eager,
    )
    return model


def state(model: pynn.Model) -> list[bytes]:
    """What a step changes: weights, seeds, optimizer variables. Metrics begin anew each time."""
    return [np.asarray(v).tobytes() for v in (*model.variables, *model.optimizer.variables)]


def train_on_batch(model: pynn.Model, data: tuple[np.ndarray, np.ndarray]) -> None:
    model.train_on_batch(*data)


def fit(model: pynn.Model, data: tuple[np.ndarray, np.ndarray]) -> None:
    model.fit(*data, batch_size=len(data[0]), epochs=1, shuffle=False, verbose=0)


def predict(model: pynn.Model, data: tuple[np.ndarray, np.ndarray]) -> None:
    model.predict(data[0], batch_size=len(data[0]), verbose=0)


def scenario(step_name: str, eager: bool) -> None:
    """Fails in the middle of training, again and again; then trains on as if nothing had been."""
    step = {"train_on_batch": train_on_batch, "fit": fit, "predict": predict}[step_name]
    _core.set_num_threads(2)
    model, twin = make_model(eager), make_model(eager)
    large = batch(LARGE, 0)
    for m in (model, twin):
        step(m, batch(SMALL, 1))
    failures = 0
    for extra in (0, 1, 3, 8, 15, 25, 40, 60, 90, 130):
        before = state(model)
        try:
            with AddressSpace(extra * MIB):
                step(model, large)
        except MemoryError:
            failures += 1
            assert state(model) == before, f"changed by a step that failed, {extra} MiB"
        else:
            step(twin, large)
    assert failures >= 3, f"only {failures} steps failed"
    for seed in (2, 3):
        for m in (model, twin):
            step(m, batch(SMALL, seed))
    assert state(model) == state(twin), "training went on differently"


def message_scenario() -> None:
    """An operation that does not fit says how much it asked for, and its inputs live on."""
    x = _core.tensor(np.ones((64 * MIB // 4,), "float32"))
    with AddressSpace(16 * MIB):
        try:
            _core.negative(x)
        except MemoryError as error:
            message = str(error)
        else:
            raise AssertionError("expected a MemoryError")
    assert f"pynn: expected {64 * MIB} bytes (0.06 GiB) of free memory" in message, message
    assert _core.negative(x).numpy()[-1] == -1.0


def reuse_scenario() -> None:
    """What the engine keeps for reuse is given back before it says that there is no memory."""
    kept = [_core.tensor(np.ones((MIB,), "float32")) for _ in range(40)]
    del kept
    assert _core.cached_bytes() > 100 * MIB
    pages = int(pathlib.Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    bound = pages * resource.getpagesize() + 8 * MIB
    resource.setrlimit(resource.RLIMIT_AS, (bound, resource.RLIM_INFINITY))
    large = _core.broadcast_to(np.ones((), "float32"), (25 * MIB,))
    assert _core.negative(large).shape == (25 * MIB,)


def run(call: str) -> None:
    code = f"import test_out_of_memory as t; t.{call}"
    folder = pathlib.Path(__file__).parent
    package = pathlib.Path(pynn.__file__).parents[1]  # the one that is tested here
    path = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]


@pytest.mark.parametrize("eager", [False, True], ids=["compiled", "eager"])
@pytest.mark.parametrize("step", ["train_on_batch", "fit", "predict"])
def test_a_step_without_memory_changes_nothing(step, eager):
    run(f"scenario({step!r}, {eager})")


def test_the_error_names_the_size():
    run("message_scenario()")


def test_kept_memory_is_given_back_first():
    run("reuse_scenario()")
