"""Rounds: every framework does the same job in turn, each in a process of its own."""

from __future__ import annotations

import ctypes
import json
import math
import os
import signal
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kernels.workloads import Workload
from benchmarks.machine import Limits, pin

ROOT = Path(__file__).resolve().parents[2]
THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)
PR_SET_PDEATHSIG = 1


class WorkerError(Exception):
    """A process that could not start, or died."""


class Worker:
    """A process that answers one request at a time, and is stopped while others have their turn.

    Stopped by a signal, because threads that wait for work spin for milliseconds and would take the
    cores from the next one.
    """

    def __init__(self, command: Sequence[str], threads: int, log: Path):
        def before_start() -> None:
            pin(threads)
            # Killed with the parent: a stopped process would not see its input end.
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

        environment = {**os.environ, **dict.fromkeys(THREAD_SETTINGS, str(threads))}
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        self._log = log
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log.open("w"),
                text=True,
                env=environment,
                cwd=ROOT,
                preexec_fn=before_start,
                start_new_session=True,  # an interrupt from the keyboard is for the parent alone
            )
        except OSError as error:
            raise WorkerError(str(error)) from None

    def read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            lines = self._log.read_text(errors="replace").strip().splitlines()
            raise WorkerError(lines[-1] if lines else f"exit status {self._process.returncode}")
        return json.loads(line)

    def ask(self, request: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.send_signal(signal.SIGCONT)
            self._process.stdin.write(request + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # read() says why
        reply = self.read()
        self._process.send_signal(signal.SIGSTOP)
        return reply

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


class Framework:
    """pynn or a peer, through Python."""

    def __init__(self, name: str, python: str, options: Settings, folder: Path):
        self.name = name
        self._result = folder / f"{name}.npy"
        command = [python, "-m", "benchmarks.kernels.worker", name]
        command += ["--threads", str(options.threads), "--clock", options.clock]
        command += ["--turn-seconds", str(options.turn_seconds)]
        self._worker = Worker(command, options.threads, folder / f"{name}.log")
        self.version = self._worker.read()["version"]

    def limits(self, threads: int) -> tuple[Limits, dict[str, Any]]:
        reply = self._ask(do="limits", threads=threads)
        return Limits(**reply["limits"]), reply["machine"]

    def prepare(self, workload: Workload) -> np.ndarray | None:
        """Makes the job; its result, or None where the framework lacks it.

        Raises:
            RuntimeError: the job itself failed.
        """
        reply = self._ask(do="prepare", workload=workload.as_dict(), result=str(self._result))
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return np.load(self._result) if reply["supported"] else None

    def turn(self) -> float:
        return self._ask(do="turn")["seconds"]

    @property
    def is_alive(self) -> bool:
        return self._worker.is_alive

    def close(self) -> None:
        self._worker.close()

    def _ask(self, **request: Any) -> dict[str, Any]:
        return self._worker.ask(json.dumps(request))


class Native:
    """The C++ micro-benchmark: the kernels of pynn without Python."""

    def __init__(self, program: str, options: Settings, folder: Path):
        command = [program, "--serve", "--threads", str(options.threads)]
        command += ["--turn-seconds", str(options.turn_seconds), "--clock", options.clock]
        self._worker = Worker(command, options.threads, folder / "native.log")
        self._case = ""

    def prepare(self, workload: Workload) -> bool:
        self._case = workload.case
        return bool(self._case) and "seconds" in self._worker.ask(self._case)

    def turn(self) -> float:
        return self._worker.ask(self._case)["seconds"]

    @property
    def is_alive(self) -> bool:
        return self._worker.is_alive

    def close(self) -> None:
        self._worker.close()


@dataclass(frozen=True)
class Settings:
    """How a contest runs."""

    threads: int
    rounds: int
    turn_seconds: float
    clock: str = "wall"


@dataclass
class Outcome:
    """What a workload gave.

    Attributes:
        workload: the job.
        threads: number of threads.
        limit: least seconds by the machine's rates, by `compare_with`.
        level: the memory that the limit counts with.
        seconds: median per framework, "kernel" for the C++ kernel of pynn.
        rounds: seconds of each round.
        ratios: per peer, median over the rounds of peer's time over pynn's; above 1 pynn is faster.
        failure: why it counts for nothing, or "".
    """

    workload: Workload
    threads: int
    limit: float = 0.0
    level: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    rounds: dict[str, list[float]] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    failure: str = ""

    @property
    def best_peer(self) -> str | None:
        return min(self.ratios, key=self.ratios.__getitem__, default=None)

    @property
    def ratio(self) -> float | None:
        """Best peer's time over pynn's."""
        return self.ratios[self.best_peer] if self.best_peer else None

    def fraction(self, of: str) -> float | None:
        """Share of the limit that "pynn" or "kernel" reaches."""
        return self.limit / self.seconds[of] if of in self.seconds else None

    def compare_with(self, limits: Limits) -> None:
        """Sets the limit."""
        job = self.workload
        self.limit = limits.seconds(job.flops, job.dtype, job.traffic, job.working_set)
        self.level = limits.level(job.working_set)

    def count_rounds(self) -> None:
        """Fills the medians from the rounds."""
        self.seconds = {name: statistics.median(times) for name, times in self.rounds.items()}
        ours = self.rounds.get("pynn", [])
        self.ratios = {
            name: statistics.median(a / b for a, b in zip(times, ours, strict=True))
            for name, times in self.rounds.items()
            if name not in ("pynn", "kernel") and ours
        }


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference, relative to the largest value; infinite for NaN or other shapes."""
    if ours.shape != theirs.shape:
        return math.inf
    scale = max(float(np.abs(theirs).max(initial=0)), 1e-30)
    worst = float(np.abs(ours.astype(np.float64) - theirs).max(initial=0)) / scale
    return math.inf if math.isnan(worst) else worst


def run_workload(
    workload: Workload,
    frameworks: list[Framework],
    native: Native | None,
    settings: Settings,
) -> Outcome:
    """Prepares the job everywhere, compares results, then takes turns."""
    outcome = Outcome(workload, settings.threads)
    results: dict[str, np.ndarray] = {}
    able: list[Any] = []
    for framework in frameworks:
        try:
            result = framework.prepare(workload)
        except RuntimeError as error:
            outcome.failure = f"{framework.name}: {error}"
            return outcome
        if result is not None:
            results[framework.name] = result
            able.append(framework)
    for name, result in results.items():
        if "pynn" in results and name != "pynn":
            off = difference(results["pynn"], result)
            if off > workload.tolerance:
                outcome.failure = f"results of pynn and {name} differ by {off:.1e}"
                return outcome
    names = [framework.name for framework in able]
    if native and native.prepare(workload):
        able.append(native)
        names.append("kernel")
    outcome.rounds = {name: [] for name in names}
    for round_number in range(settings.rounds):
        # Forwards and backwards, so that a machine growing slower favours nobody.
        order = list(zip(names, able, strict=True))[:: -1 if round_number % 2 else 1]
        for name, contender in order:
            outcome.rounds[name].append(contender.turn())
    outcome.count_rounds()
    return outcome


def geometric_mean(values: Sequence[float]) -> float:
    return math.exp(statistics.fmean(map(math.log, values))) if values else math.nan
