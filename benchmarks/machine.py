"""What this machine is and what it can do at most: the limits next to every measured figure.

The rates come from the engine's own probes (`csrc/runtime/probe.h`): multiply-adds in registers,
and plain traffic in each cache, at the active instruction set, with the number of threads in use.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MIB = 1 << 20
# From so many times the last cache on, a working set counts as in memory, and at this size memory
# is measured: with less the cache still serves a share, so that the rate depends on the size; with
# more it falls by little, and a limit should rather be high. One number, so that a job and its
# yardstick meet the same machine.
BEYOND = 2


def pin(threads: int) -> None:
    """Keep this process, and every thread it starts, on the first `threads` usable cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def describe() -> dict[str, Any]:
    """CPU, instruction set and versions of this process's pynn."""
    import pynn

    config = pynn.show_config(mode="dicts")
    return {
        "cpu": config["machine"]["cpu"],
        "platform": config["machine"]["platform"],
        "isa": config["isa"]["active"],
        "compiler": config["build"]["compiler"],
        "pynn": config["version"],
        "python": config["python"]["version"],
    }


def cache_sizes() -> dict[str, int]:
    """Bytes of each cache that core 0 sees, as the system tells; usual sizes where it does not."""
    sizes = {"L1": 32 << 10, "L2": MIB, "L3": 32 * MIB}
    for index in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        level, kind, size = (
            (index / name).read_text().strip() for name in ("level", "type", "size")
        )
        if kind != "Instruction" and f"L{level}" in sizes and size.endswith("K"):
            sizes[f"L{level}"] = int(size[:-1]) << 10
    return sizes


@dataclass(frozen=True)
class Limits:
    """Rates of `threads` threads together.

    Attributes:
        flops: floating-point operations a second by dtype; a dtype without instructions of its own
            is not there, and is computed in float32.
        caches: bytes of L1, L2 (of one core) and L3.
        bandwidth: bytes a second, read plus written, by level ("L1", "L2", "L3", "L3+" just beyond
            it, "DRAM") and by kind of traffic ("read", "copy", "add", "update"; see `Traffic` in
            `kernels/table.h`).
    """

    threads: int
    flops: dict[str, float]
    caches: dict[str, int]
    bandwidth: dict[str, dict[str, float]]

    def level(self, working_set: int) -> str:
        """The smallest memory that holds `working_set` bytes, cut into a share per thread."""
        for name, size in self.caches.items():
            shared = 1 if name == "L3" else self.threads
            if working_set <= size * shared:
                return name
        return "L3+" if working_set < BEYOND * self.caches["L3"] else "DRAM"

    def seconds(self, flops: float, dtype: str, traffic: dict[str, int], working_set: int) -> float:
        """Least time of a job: its operations at the peak plus its bytes at the bandwidth.

        Args:
            flops: floating-point operations, two per multiply-add.
            dtype: of the operands.
            traffic: bytes read plus written by kind of traffic.
            working_set: bytes that the job touches, which decides the cache that it runs from.
        """
        rates = self.bandwidth[self.level(working_set)]
        compute = flops / self.flops.get(dtype, self.flops["float32"])
        return compute + sum(count / rates[kind] for kind, count in traffic.items())

    def best(self, other: Limits) -> Limits:
        """The higher of each rate: what was reached when nobody disturbed is possible."""
        return Limits(
            self.threads,
            {dtype: max(rate, other.flops[dtype]) for dtype, rate in self.flops.items()},
            self.caches,
            {
                level: {kind: max(rate, other.bandwidth[level][kind]) for kind, rate in by.items()}
                for level, by in self.bandwidth.items()
            },
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure_limits(threads: int) -> Limits:
    """Measures; takes a few seconds. The number of threads of this process becomes `threads`."""
    import pynn
    from pynn import _core

    pynn.config.set_num_threads(threads)
    rates = {dtype: _core.measure_flops(dtype) for dtype in ("float32", "float64", "bfloat16")}
    caches = cache_sizes()
    # Well inside each cache, just beyond the last one, where it still helps, and in memory.
    sizes = {
        "L1": caches["L1"] * 3 // 4 * threads,
        "L2": caches["L2"] // 2 * threads,
        "L3": caches["L3"] // 4,
        "L3+": caches["L3"] * 5 // 4,
        "DRAM": BEYOND * caches["L3"],
    }
    bandwidth = {
        level: {kind.name: _core.measure_bandwidth(kind, size) for kind in _traffic(_core)}
        for level, size in sizes.items()
    }
    flops = {dtype: rate for dtype, rate in rates.items() if rate}
    return Limits(threads, flops, caches, bandwidth)


def _traffic(core: Any) -> list[Any]:
    return list(core.Traffic.__members__.values())
