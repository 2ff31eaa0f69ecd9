"""Threads, forked processes and memory: nothing hangs, nothing grows, nothing is wrong."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import pynn
from pynn import _core, layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(512, 64)).astype(np.float32)
Y = RNG.integers(0, 4, 512)


def make_model(units=128):
    pynn.utils.set_random_seed(1)
    model = pynn.Sequential(
        [
            pynn.Input((64,)),
            layers.Dense(units, activation="relu"),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def in_threads(count, work):
    failures = []

    def guarded():
        try:
            work()
        except BaseException as error:  # told to the main thread below
            failures.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


def test_predictions_from_many_threads_are_exact():
    model = make_model()
    expected = model.predict(X, verbose=0)

    def work():
        for rows in (1, 7, 512) * 10:
            result = model.predict(X[:rows], batch_size=128, verbose=0)
            np.testing.assert_allclose(result, expected[:rows], rtol=1e-5, atol=1e-7)
        np.testing.assert_array_equal(model.predict(X, verbose=0), expected)

    in_threads(8, work)


def test_first_predictions_from_many_threads_build_the_model_once():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for seed in range(10):
            pynn.utils.set_random_seed(seed)
            model = pynn.Sequential([layers.Dense(16, activation="relu"), layers.Dense(4)])
            results, start = [], threading.Barrier(8)

            def work(model=model, results=results, start=start):
                start.wait(60)
                results.append(model.predict(X[:100], verbose=0))

            in_threads(8, work)
            assert len(model.weights) == 4
            for result in results:
                np.testing.assert_array_equal(result, model.predict(X[:100], verbose=0))
    finally:
        sys.setswitchinterval(interval)


@pytest.mark.parametrize("rows", [1, 7, 512])
def test_predictions_from_many_threads_have_the_bits_of_serial_ones(rows):
    model = make_model()
    expected = [
        model.predict(X[:rows], batch_size=128, verbose=0),
        model.predict_on_batch(X[:rows]),
        model(X[:rows]).numpy(),
        model.evaluate(X[:rows], Y[:rows], verbose=0),
    ]

    def work():
        for _ in range(20):
            found = [
                model.predict(X[:rows], batch_size=128, verbose=0),
                model.predict_on_batch(X[:rows]),
                model(X[:rows]).numpy(),
            ]
            for a, b in zip(found, expected, strict=False):
                np.testing.assert_array_equal(a, b)

    in_threads(6, work)
    assert model.evaluate(X[:rows], Y[:rows], verbose=0) == expected[-1]


def test_predictions_during_training_see_whole_steps_only():
    """A step multiplies both weights by 2: their ratio is never anything else than at the start."""
    first, second = (_core.Variable(np.full((256, 256), v, np.float32)) for v in (1.0, 3.0))
    with _core.Trace() as trace:
        factor = trace.input((), "float32")
        first.assign(first.value * factor)
        second.assign(second.value * factor)
        train = trace.finish([])
    with _core.Trace() as trace:
        trace.input((), "float32")
        read = trace.finish([second.value / first.value])
    stop = threading.Event()

    def reader():
        while not stop.is_set():
            (ratio,) = read.run([1.0])
            assert (ratio.numpy() == 3.0).all()

    def writer():
        try:
            for _ in range(300):
                train.run([2.0])
                train.run([0.5])
        finally:
            stop.set()

    works = iter([writer, reader, reader])
    in_threads(3, lambda: next(works)())


def test_training_twice_at_once_raises():
    model = make_model()
    inside, release = threading.Event(), threading.Event()

    class Wait(pynn.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            inside.set()
            release.wait(60)

    thread = threading.Thread(target=lambda: model.fit(X, Y, verbose=0, callbacks=[Wait()]))
    thread.start()
    try:
        assert inside.wait(60)
        with pytest.raises(RuntimeError, match="fit"):
            model.fit(X, Y, verbose=0)
    finally:
        release.set()
        thread.join(60)


FORK = """
import os, sys, numpy as np, pynn
from pynn import layers
x = np.random.default_rng(0).normal(size=(512, 256)).astype("float32")
model = pynn.Sequential([layers.Dense(512, activation="relu"), layers.Dense(3)])
model.compile("adam", "mse")
model.fit(x, x[:, :3], verbose=0)            # has started the threads
expected = model.predict(x, verbose=0)
child = os.fork()
if child == 0:
    same = (model.predict(x, verbose=0) == expected).all()
    model.fit(x, x[:, :3], verbose=0)
    os._exit(0 if same else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("threads", ["1", "3"])
def test_a_forked_child_computes_and_does_not_hang(threads):
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK],
        capture_output=True, text=True, timeout=120, env={**os.environ, "OMP_NUM_THREADS": threads},
    )  # fmt: skip
    assert (result.stdout.strip(), result.stderr) == ("0", "")


def resident_kilobytes():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="needs /proc")
def test_memory_does_not_grow():
    model = make_model(32)
    sizes = RNG.integers(1, 512, 400)

    def use():
        for rows in sizes:
            model.predict(X[:rows], batch_size=512, verbose=0)
        for _ in range(10):
            made = make_model(8)
            made.fit(X[:64], Y[:64], verbose=0)

    use()
    before, held = resident_kilobytes(), _core.allocated_bytes()
    use()
    assert _core.allocated_bytes() <= held + 65536
    assert resident_kilobytes() - before < 4096


def test_idle_threads_sleep():
    before = _core.num_threads()
    try:
        _core.set_num_threads(2)
        big = _core.tensor(RNG.normal(size=(512, 512)).astype(np.float32))
        big @ big
        time.sleep(0.05)
        start = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - start < 0.1
    finally:
        _core.set_num_threads(before)
