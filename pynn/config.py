"""Settings of the library, and what it found out about the machine."""

from __future__ import annotations

import platform
from typing import Any, Literal

import numpy as np

from pynn import _core
from pynn.backend import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from pynn.backend.console import (
    disable_interactive_logging,
    enable_interactive_logging,
    is_interactive_logging_enabled,
)
from pynn.backend.run_limits import (
    max_epochs,
    max_steps_per_epoch,
    set_max_epochs,
    set_max_steps_per_epoch,
)
from pynn.backend.switches import (
    disable_flash_attention,
    disable_traceback_filtering,
    enable_flash_attention,
    enable_traceback_filtering,
    enable_unsafe_deserialization,
    is_flash_attention_enabled,
    is_nnx_enabled,
    is_traceback_filtering_enabled,
    set_backend,
)
from pynn.dtype_policies import dtype_policy, set_dtype_policy

__all__ = [
    "backend",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "enable_unsafe_deserialization",
    "epsilon",
    "float32_matmul_precision",
    "floatx",
    "image_data_format",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "num_threads",
    "set_backend",
    "set_dtype_policy",
    "set_epsilon",
    "set_float32_matmul_precision",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
    "set_num_threads",
    "show_config",
]


def set_num_threads(count: int) -> None:
    """Compute with `count` threads from now on. Results do not depend on it, bit for bit.

    Raises:
        ValueError: a count below 1.

    >>> before = num_threads()
    >>> set_num_threads(1)
    >>> num_threads()
    1
    >>> set_num_threads(before)
    """
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise ValueError(
            f"pynn.config.set_num_threads: expected an integer of at least 1; received {count!r}"
        )
    _core.set_num_threads(int(count))


def num_threads() -> int:
    """The number of threads that large operations use.

    >>> num_threads() >= 1
    True
    """
    return int(_core.num_threads())


def set_float32_matmul_precision(precision: Literal["highest", "high", "medium"]) -> None:
    """Say how exact products of float32 matrices must be, from now on and for the whole process.

    The three names have the meaning of PyTorch's `torch.set_float32_matmul_precision`. A machine
    may compute a product from bfloat16 pieces of every element, on units many times as fast as its
    float32 arithmetic (Henry, Tang and Heinecke, 2019, https://arxiv.org/abs/1904.06376). Products
    are summed in float32 in any case, and a lower precision that saves no time here is not used.

    Args:
        precision: "highest" (the default) is never less accurate than float32 arithmetic; "high"
            allows two pieces, 16 significant bits of every element (a relative error of about
            1e-5); "medium" allows one, 8 bits (about 4e-3).

    Raises:
        ValueError: any other precision.

    >>> set_float32_matmul_precision("high")
    >>> float32_matmul_precision()
    'high'
    >>> set_float32_matmul_precision("highest")
    """
    if not isinstance(precision, str):
        raise ValueError(
            "pynn.config.set_float32_matmul_precision: expected 'highest', 'high' or 'medium'; "
            f"received {precision!r}"
        )
    _core.set_matmul_precision(precision)


def float32_matmul_precision() -> str:
    """How exact products of float32 matrices are: "highest", "high" or "medium".

    >>> float32_matmul_precision()
    'highest'
    """
    return str(_core.matmul_precision())


def show_config(mode: Literal["stdout", "dicts"] = "stdout") -> dict[str, Any] | None:
    """Show version, instruction set, threads and build of the engine, each with its reason.

    Args:
        mode: "stdout" prints the report, "dicts" returns it as a dictionary instead.

    Raises:
        ValueError: any other mode.

    >>> sorted(show_config(mode="dicts"))
    ['build', 'isa', 'machine', 'matmul', 'python', 'threads', 'version']
    """
    if mode not in ("stdout", "dicts"):
        raise ValueError(f"pynn.show_config: expected mode 'stdout' or 'dicts'; received {mode!r}")
    report = _report()
    if mode == "dicts":
        return report
    print(_as_text(report))
    return None


def _report() -> dict[str, Any]:
    from pynn import __version__  # the package is complete by the time anybody asks

    return {
        "version": __version__,
        "isa": dict(_core.isa_info()),
        "matmul": {"float32_precision": float32_matmul_precision()},
        "threads": dict(_core.thread_info()),
        "build": dict(_core.build_info()),
        "machine": {"cpu": _cpu_name(), "platform": platform.platform()},
        "python": {"version": platform.python_version(), "numpy": np.__version__},
    }


def _as_text(report: dict[str, Any]) -> str:
    isa, threads, build = report["isa"], report["threads"], report["build"]
    rows = {
        "pynn": report["version"],
        "instruction set": f"{isa['active']} ({isa['reason']})",
        "  available here": ", ".join(isa["available"]),
        "  compiled in": ", ".join(isa["compiled"]),
        "bfloat16 products": isa["bfloat16"],
        "float32 products": f"{report['matmul']['float32_precision']} precision",
        "threads": f"{threads['threads']} ({threads['reason']})",
        "OpenMP": build["openmp"],
        "compiler": build["compiler"],
        "cpu": report["machine"]["cpu"],
        "platform": report["machine"]["platform"],
        "Python": f"{report['python']['version']}, NumPy {report['python']['numpy']}",
    }
    return "\n".join(f"{name:<17} {value}" for name, value in rows.items())


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return names[0].strip() if names else platform.processor() or "unknown"
