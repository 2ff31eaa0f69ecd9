"""Compares the kernels of pynn with the machine's limit and with other frameworks."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import track

from benchmarks.kernels import report
from benchmarks.kernels.contest import (
    ROOT,
    Framework,
    Native,
    Outcome,
    Settings,
    WorkerError,
    run_workload,
)
from benchmarks.kernels.workloads import Workload, workloads
from benchmarks.machine import Limits

PROGRAM = "bench_kernels"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kernels", description=__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer workloads and rounds")
    add("--threads", type=int, nargs="+", default=[1, 2])
    add("--only", type=lambda text: text.split(","), help="parts of groups or names, by commas")
    add("--peers", nargs="*", choices=report.PEERS, default=list(report.PEERS))
    add("--peer-python", default=sys.executable, help="interpreter that has the peers")
    add("--native", default=None, help=f"the program {PROGRAM}; found in build*/ by itself")
    add("--rounds", type=int, default=None, help="turns of each framework (5 quick, 15 else)")
    add("--turn-seconds", type=float, default=None, help="length of a turn")
    add("--clock", choices=["wall", "cpu"], default="wall",
        help="cpu: processor time, for one thread on a machine that others use too")  # fmt: skip
    add("--json", type=Path, help="write all figures to this file")
    add("--picture", type=Path, help="write a picture to this file, as PNG and SVG")
    options = parser.parse_args(arguments)
    if options.clock == "cpu" and options.threads != [1]:
        parser.error("--clock cpu needs --threads 1: the processor time of threads adds up")
    return options


def find_native(given: str | None) -> str | None:
    if given:
        return given
    found = [p for p in ROOT.glob(f"build*/**/{PROGRAM}") if os.access(p, os.X_OK) and p.is_file()]
    return str(max(found, key=lambda p: p.stat().st_mtime)) if found else None


class Contest:
    """One number of threads: the processes, and what they gave."""

    def __init__(self, options: argparse.Namespace, threads: int, folder: Path, console: Console):
        self._console = console
        rounds = options.rounds or (5 if options.quick else 15)
        seconds = options.turn_seconds or (0.005 if options.quick else 0.01)
        self.settings = Settings(threads, rounds, seconds, options.clock)
        self.frameworks = [Framework("pynn", sys.executable, self.settings, folder)]
        self.limits, self.machine = self.frameworks[0].limits(threads)
        for peer in options.peers:
            try:
                self.frameworks.append(Framework(peer, options.peer_python, self.settings, folder))
            except WorkerError as error:
                console.print(f"{peer} left out: {error}")
        self.native: Native | None = None
        program = find_native(options.native)
        if program is None:
            console.print(f"kernels without Python left out: no program {PROGRAM} in build*/")
        else:
            self.native = Native(program, self.settings, folder)
        self.outcomes: list[Outcome] = []

    @property
    def versions(self) -> dict[str, str]:
        return {framework.name: framework.version for framework in self.frameworks}

    def run_all(self, jobs: list[Workload]) -> bool:
        """Runs them, then sets their limits; False if interrupted."""
        try:
            for job in track(
                jobs, f"{self.settings.threads} threads", console=Console(stderr=True)
            ):
                self.run(job)
        except KeyboardInterrupt:
            self._console.print(f"interrupted: {len(self.outcomes)} of {len(jobs)} workloads done")
        again, _ = self.frameworks[0].limits(self.settings.threads)
        self.limits = self.limits.best(again)
        for outcome in self.outcomes:
            outcome.compare_with(self.limits)
        return len(self.outcomes) == len(jobs)

    def run(self, workload: Workload) -> None:
        """Runs one; a peer whose process dies is left out from there on."""
        while True:
            try:
                self.outcomes.append(
                    run_workload(workload, self.frameworks, self.native, self.settings)
                )
                return
            except WorkerError as error:
                if self.native and not self.native.is_alive:
                    self._console.print(f"kernels without Python stop here: {error}")
                    self.native = None
                    continue
                dead = [f for f in self.frameworks if not f.is_alive]
                if not dead or dead[0].name == "pynn":
                    raise
                self._console.print(f"{dead[0].name} stops at {workload.name}: {error}")
                self.frameworks.remove(dead[0])

    def close(self) -> None:
        for process in [*self.frameworks, *filter(None, [self.native])]:
            process.close()


def run(options: argparse.Namespace, console: Console) -> list[Contest]:
    jobs = workloads(options.quick, options.only)
    contests = []
    with tempfile.TemporaryDirectory() as folder:
        for threads in options.threads:
            contest = Contest(options, threads, Path(folder), console)
            contests.append(contest)
            try:
                if not contest.run_all(jobs):
                    break
            finally:
                contest.close()
    return contests


def show(options: argparse.Namespace, contests: list[Contest], console: Console) -> None:
    first = contests[0]
    console.print(f"{first.machine['cpu']}, {first.machine['isa']}, {first.machine['platform']}")
    console.print(", ".join(first.versions.values()) + f", {first.machine['compiler']}")
    console.print(
        f"{first.settings.rounds} rounds in turn, {first.settings.clock} time, medians of ratios"
    )
    outcomes = [outcome for contest in contests for outcome in contest.outcomes]
    for contest in contests:
        peers = [name for name in contest.versions if name != "pynn"]
        report.print_report(console, contest.outcomes, contest.limits, peers)
    report.print_verdict(console, outcomes)
    limits: list[Limits] = [contest.limits for contest in contests]
    figures = report.as_json(
        outcomes, limits, first.machine, first.versions, [c.settings for c in contests]
    )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    if options.picture:
        from benchmarks.kernels.picture import draw

        for path in draw(figures, options.picture):
            console.print(f"picture: {path}")


def main() -> int:
    options = parse()
    # A pipe or file gets whole rows too.
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        contests = run(options, console)
    except (ValueError, WorkerError) as error:
        print(error, file=sys.stderr)
        return 1
    show(options, contests, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
