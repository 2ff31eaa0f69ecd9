"""Steps per second of `Model.fit` on MNIST: pynn against Keras on TensorFlow and on JAX.

See README.md beside this file for the protocol.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import machine
import numpy as np

WIDTHS = (784, 128, 128, 128, 10)
CONTENDERS = ("pynn", "keras-tensorflow", "keras-jax")


def work(contender: str, data: str, batch: int, epochs: int, threads: int) -> dict:
    """The job of one process: fit, and time every epoch but the first, which compiles."""
    machine.pin(threads)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    if contender == "pynn":
        import pynn as keras

        version = f"pynn {keras.__version__}"
    else:
        backend = contender.removeprefix("keras-")
        os.environ["KERAS_BACKEND"] = backend
        import keras

        engine = __import__(backend)
        version = f"Keras {keras.__version__} on {backend} {engine.__version__}"

    arrays = np.load(data)
    x, y = arrays["x"], arrays["y"]
    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(width, activation="relu") for width in WIDTHS[1:-1]]
    output = keras.layers.Dense(WIDTHS[-1], activation="softmax")
    model = keras.Sequential([keras.layers.Flatten(), *hidden, output])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    class Clock(keras.callbacks.Callback):
        seconds: list = []  # noqa: RUF012 (one instance)

        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds.append(time.perf_counter() - self.start)

    clock = Clock()
    history = model.fit(x, y, batch_size=batch, epochs=epochs + 1, verbose=0, callbacks=[clock])
    steps = -(-len(x) // batch)
    return {
        "version": version,
        "steps_per_second": steps / statistics.median(clock.seconds[1:]),
        "accuracy": history.history["accuracy"][-1],
    }


def limit_seconds(batch: int, threads: int) -> float:
    """Time of one step if arithmetic ran at the measured peak and memory at its bandwidth."""
    machine.pin(threads)
    products = [m * n for m, n in itertools.pairwise(WIDTHS)]
    # Forward, gradient of the weights, gradient of the input; the first layer's input needs none.
    flops = 2 * batch * (3 * sum(products) - products[0])
    weights = 4 * (sum(products) + sum(WIDTHS[1:]))
    # Adam reads weight, gradient and two moments (the working set), writes all but the gradient.
    traffic = {"update": 6 * weights, "read": weights}
    limits = machine.measure_limits(threads)
    return limits.seconds(flops, "float32", traffic, working_set=4 * weights)


def run_worker(contender: str, python: str, options: argparse.Namespace, data: str) -> dict | None:
    command = [python, __file__, "--worker", contender, "--data", data]
    for name in ("batch", "epochs", "threads"):
        command += [f"--{name}", str(getattr(options, name))]
    threads = str(options.threads)
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if result.returncode:
        print(f"{contender} left out: {result.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(result.stdout.splitlines()[-1])


def compare(options: argparse.Namespace) -> None:
    import pynn

    (x, y), _ = pynn.datasets.mnist.load_data()
    contenders = list(CONTENDERS)
    results: dict[str, list[dict]] = {name: [] for name in contenders}
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "mnist.npz")
        x, y = x[: options.images], y[: options.images]
        np.savez(data, x=x.astype(np.float32) / 255, y=y.astype(np.int32))
        for round_number in range(options.rounds):
            # Forwards and backwards in turn, so that a machine growing slower favours nobody.
            for name in contenders[:: -1 if round_number % 2 else 1]:
                python = sys.executable if name == "pynn" else options.peer_python
                result = run_worker(name, python, options, data)
                if result is None:
                    contenders = [other for other in contenders if other != name]
                else:
                    results[name].append(result)
    report(options, {name: results[name] for name in contenders})


def report(options: argparse.Namespace, results: dict[str, list[dict]]) -> None:
    import pynn

    config = pynn.show_config(mode="dicts")
    limit = limit_seconds(options.batch, options.threads)
    print(f"MNIST fit, {'-'.join(map(str, WIDTHS))}, Adam, batch {options.batch}")
    print(
        f"{machine.describe()['cpu']}, {options.threads} threads, pynn on {config['isa']['active']}"
    )
    print(f"{options.rounds} rounds of {options.epochs} epochs over {options.images} images")
    print(f"limit {limit * 1e6:.0f} us per step (peak and bandwidth of this run)\n")
    print(f"{'':<36}{'steps/s':>10}{'us/step':>10}{'x limit':>10}{'pynn is':>22}{'accuracy':>10}")
    ours = [result["steps_per_second"] for result in results["pynn"]]
    for rounds in results.values():
        rates = [result["steps_per_second"] for result in rounds]
        rate = statistics.median(rates)
        ratio = statistics.median(a / b for a, b in zip(ours, rates, strict=True))
        relation = f"{ratio:.2f} times as fast" if rates != ours else ""
        print(
            f"{rounds[0]['version']:<36}{rate:>10.0f}{1e6 / rate:>10.0f}"
            f"{1 / (rate * limit):>10.1f}{relation:>22}{rounds[-1]['accuracy']:>10.4f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument(
        "--epochs", type=int, default=3, help="timed epochs, after one that warms up"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=54_000)
    parser.add_argument("--threads", type=int, default=min(2, len(os.sched_getaffinity(0))))
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--worker", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        result = work(options.worker, options.data, options.batch, options.epochs, options.threads)
        print(json.dumps(result))
    else:
        compare(options)


if __name__ == "__main__":
    main()
