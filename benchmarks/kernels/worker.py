"""The process of one framework: one JSON request a line in, one JSON reply a line out.

{"do": "limits"}                                   -> rates of the machine (pynn only)
{"do": "prepare", "workload": ..., "result": path} -> {"supported": ...}; writes the result
{"do": "turn"}                                     -> {"seconds": median of a call}
"""

from __future__ import annotations

import argparse
import functools
import gc
import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.kernels.workloads import Workload

CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
# Calls are timed in batches that are long against reading the clock.
BATCH_SECONDS = {"wall": 1e-4, "cpu": 5e-4}
COMPARED = 1_000_000


class Stopwatch:
    """Times one job in turns of about `turn_seconds`."""

    def __init__(self, clock: str, turn_seconds: float):
        self._now = CLOCKS[clock]
        self._batch_seconds = BATCH_SECONDS[clock]
        self._turn_seconds = turn_seconds
        self._job: Callable[[], Any] | None = None
        self._calls = 1

    def prepare(self, job: Callable[[], Any]) -> None:
        """Warms up, and finds how many calls make a batch."""
        self._job, self._calls = job, 1
        end = time.perf_counter() + self._turn_seconds
        seconds = self._batch()
        while time.perf_counter() < end:
            seconds = min(seconds, self._batch())
            if seconds * self._calls < self._batch_seconds:
                self._calls *= 2
        self._calls = max(1, round(self._batch_seconds / max(seconds, 1e-9)))

    def turn(self) -> float:
        """Median seconds of a call. The first batch finds the caches again and is not counted."""
        self._batch()
        samples = []
        end = time.perf_counter() + self._turn_seconds
        while not samples or time.perf_counter() < end:
            samples.append(self._batch())
        return statistics.median(samples)

    def _batch(self) -> float:
        job, calls = self._job, range(self._calls)
        assert job is not None
        start = self._now()
        for _ in calls:
            job()
        return (self._now() - start) / self._calls


def make_job(framework: Any, workload: Workload) -> Callable[[], Any] | None:
    """The workload as a function without arguments; None where the framework lacks it."""
    if any(x.dtype not in framework.DTYPES for x in workload.inputs):
        return None
    arrays = zip(workload.arrays(), workload.inputs, strict=True)
    if workload.op in framework.STEPS:
        tensors = [framework.tensor(values, x.dtype) for values, x in arrays]
        return framework.STEPS[workload.op](*tensors, **workload.params)
    if workload.op in framework.OPS:
        tensors = [framework.tensor(values, x.dtype) for values, x in arrays]
        return functools.partial(framework.OPS[workload.op], *tensors, **workload.params)
    return None


def digest(result: np.ndarray, is_random: bool) -> np.ndarray:
    """What of a result is compared: all of it, evenly spaced elements, or its statistics."""
    flat = np.ravel(result)
    if is_random:
        return np.array([np.mean(flat == 0), flat.max()], np.float64)
    # An odd step meets every position of a block.
    return flat[:: max(1, flat.size // COMPARED) | 1]


def serve(framework: Any, stopwatch: Stopwatch, requests: Any, reply: Callable[..., None]) -> None:
    for line in requests:
        request = json.loads(line)
        if request["do"] == "limits":
            from benchmarks import machine

            limits = machine.measure_limits(request["threads"])
            reply(limits=limits.as_dict(), machine=machine.describe())
        elif request["do"] == "prepare":
            workload = Workload.from_dict(request["workload"])
            try:
                job = make_job(framework, workload)
                if job is not None:
                    result = framework.array(job())
                    np.save(request["result"], digest(result, workload.random))
                    stopwatch.prepare(job)
            except Exception as error:  # of any framework: it is reported, and the others go on
                reply(supported=False, error=f"{type(error).__name__}: {error}"[:300])
            else:
                reply(supported=job is not None)
        else:
            reply(seconds=stopwatch.turn())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("framework")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--clock", choices=list(CLOCKS), required=True)
    parser.add_argument("--turn-seconds", type=float, required=True)
    options = parser.parse_args()

    # Frameworks print: replies have a channel of their own.
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def reply(**fields: Any) -> None:
        channel.write(json.dumps(fields) + "\n")
        channel.flush()

    framework = importlib.import_module(f"benchmarks.kernels.frameworks.in_{options.framework}")
    framework.start(options.threads)
    gc.disable()
    reply(version=framework.version())
    serve(framework, Stopwatch(options.clock, options.turn_seconds), sys.stdin, reply)


if __name__ == "__main__":
    main()
