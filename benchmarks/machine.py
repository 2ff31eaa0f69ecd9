"""What this machine can do at most, measured: multiply-add rate and memory bandwidth."""

import os
import platform
import statistics
import time

import numpy as np


def pin(threads: int) -> None:
    """Keep this process, and every thread it starts, on the first `threads` usable cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def cpu_name() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def peak_flops(size: int = 1024, repeats: int = 7) -> float:
    """Floating-point operations a second in NumPy's float32 matrix product."""
    a = np.ones((size, size), np.float32)
    return 2 * size**3 / _median_seconds(lambda: a @ a, repeats)


def bandwidth(working_set: int, threads: int, repeats: int = 50) -> float:
    """Bytes a second that copies read and write within `working_set` bytes.

    Measured on one thread with its share of the working set, which decides the cache that it lives
    in, times `threads`: an upper bound where the threads share that cache or the memory.
    """
    source = np.ones(working_set // threads // 2, np.uint8)
    target = np.empty_like(source)
    return threads * 2 * source.nbytes / _median_seconds(lambda: np.copyto(target, source), repeats)


def _median_seconds(job, repeats: int) -> float:
    job()  # warm-up: page faults, thread start, frequency
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        job()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
