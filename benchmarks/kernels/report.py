"""The figures of a run as a table, as sentences and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.kernels.contest import Outcome, Settings, geometric_mean
from benchmarks.machine import Limits

PEERS = ("torch", "numpy", "tensorflow")


def groups(outcomes: Iterable[Outcome]) -> list[str]:
    return list(dict.fromkeys(outcome.workload.group for outcome in outcomes))


def _threads(count: int) -> str:
    return f"{count} thread" if count == 1 else f"{count} threads"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    micro = seconds * 1e6
    return f"{micro:,.0f}" if micro >= 100 else f"{micro:.3g}"


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    color = "red" if ratio < 1 else "green" if ratio >= 1.5 else "default"
    return f"[{color}]{ratio:.2f}[/]"


def _share(fraction: float | None) -> str:
    return "" if fraction is None else f"{fraction:.2f}"


def limits_table(limits: Limits) -> Table:
    rates = ", ".join(f"{dtype} {rate / 1e9:,.0f}" for dtype, rate in limits.flops.items())
    title = f"Limits, {_threads(limits.threads)}: {rates} GFLOP/s"
    table = Table(title=title, title_justify="left", min_width=len(title))
    for heading in ("GB/s", *next(iter(limits.bandwidth.values()))):
        table.add_column(heading, justify="left" if heading == "GB/s" else "right")
    for level, rates_of in limits.bandwidth.items():
        size = limits.caches.get(level, 0) >> 10
        name = f"{level} {size:,} KiB" if size else level
        table.add_row(name, *(f"{rate / 1e9:,.0f}" for rate in rates_of.values()))
    return table


def outcomes_table(outcomes: list[Outcome], peers: list[str]) -> Table:
    table = Table(title="Microseconds of a call", title_justify="left")
    table.add_column("workload")
    for name in ("limit", "kernel", "pynn", *peers):
        table.add_column(name, justify="right")
    table.add_column("kernel\nof limit", justify="right")
    table.add_column("pynn\nof limit", justify="right")
    table.add_column("times as fast\nas best peer", justify="right")
    for group in groups(outcomes):
        for outcome in (o for o in outcomes if o.workload.group == group):
            times = [_time(outcome.seconds.get(name)) for name in ("kernel", "pynn", *peers)]
            row = [outcome.workload.name, f"{_time(outcome.limit)} {outcome.level}", *times]
            if outcome.failure:
                table.add_row(*row, "", "", "[red]failed[/]")
                continue
            shares = [_share(outcome.fraction(name)) for name in ("kernel", "pynn")]
            best = f"{_ratio(outcome.ratio)} {outcome.best_peer or ''}"
            table.add_row(*row, *shares, best)
        table.add_section()
    return table


def summary(outcomes: list[Outcome]) -> dict[str, dict[str, float]]:
    """Geometric means by group: over the best peer, over each peer, of the limit."""
    result: dict[str, dict[str, float]] = {}
    for group in groups(outcomes):
        rows = [o for o in outcomes if o.workload.group == group and not o.failure]
        means: dict[str, float] = {"workloads": len(rows)}
        ratios = [o.ratio for o in rows if o.ratio is not None]
        if ratios:
            means["best peer"] = geometric_mean(ratios)
            means["least"] = min(ratios)
        for peer in PEERS:
            of_peer = [o.ratios[peer] for o in rows if peer in o.ratios]
            if of_peer:
                means[peer] = geometric_mean(of_peer)
        for who in ("kernel", "pynn"):
            shares = [share for o in rows if (share := o.fraction(who)) is not None]
            if shares:
                means[f"{who} of limit"] = geometric_mean(shares)
        result[group] = means
    return result


def summary_table(outcomes: list[Outcome], threads: int) -> Table:
    means = summary(outcomes)
    headings = ["best peer", "least", *PEERS, "kernel of limit", "pynn of limit"]
    shown = [h for h in headings if any(h in row for row in means.values())]
    table = Table(
        title=f"Geometric means, {_threads(threads)}: times as fast as peers, share of the limit",
        title_justify="left",
    )
    for heading in ("group", "workloads", *shown):
        table.add_column(heading, justify="left" if heading == "group" else "right")
    for group, row in means.items():
        cells = [_share(row[h]) if "limit" in h and h in row else _ratio(row.get(h)) for h in shown]
        table.add_row(group, str(int(row["workloads"])), *cells)
    return table


def slower(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Workloads where a peer was faster, the worst first."""
    behind = [o for o in outcomes if not o.failure and o.ratio is not None and o.ratio < 1]
    return sorted(behind, key=lambda o: o.ratio or 0)


def print_report(
    console: Console, outcomes: list[Outcome], limits: Limits, peers: list[str]
) -> None:
    """The tables of one number of threads."""
    console.print(limits_table(limits))
    console.print(outcomes_table(outcomes, peers))
    console.print(summary_table(outcomes, limits.threads))


def print_verdict(console: Console, outcomes: list[Outcome]) -> None:
    """What failed, and where a peer is faster."""
    for outcome in (o for o in outcomes if o.failure):
        console.print(f"[red]failed[/]: {outcome.workload.name}: {outcome.failure}")
    behind = slower(outcomes)
    compared = sum(1 for o in outcomes if o.ratio is not None and not o.failure)
    console.print(f"slower than a peer: {len(behind)} of {compared}")
    for outcome in behind:
        peers = ", ".join(
            f"{ratio:.2f} times as fast as {peer}"
            for peer, ratio in sorted(outcome.ratios.items(), key=lambda item: item[1])
            if ratio < 1
        )
        console.print(f"  {outcome.workload.name}, {_threads(outcome.threads)}: {peers}")


def as_json(
    outcomes: list[Outcome],
    limits: list[Limits],
    machine: dict[str, Any],
    versions: dict[str, str],
    settings: list[Settings],
) -> dict[str, Any]:
    """All figures, in seconds and operations or bytes a second."""
    return {
        "machine": machine,
        "versions": versions,
        "settings": [vars(s) for s in settings],
        "limits": [each.as_dict() for each in limits],
        "results": [
            {
                "name": o.workload.name,
                "group": o.workload.group,
                "threads": o.threads,
                "flops": o.workload.flops,
                "traffic": o.workload.traffic,
                "dtype": o.workload.dtype,
                "limit_seconds": o.limit,
                "level": o.level,
                "seconds": o.seconds,
                "rounds": o.rounds,
                "ratios": o.ratios,
                "best_peer": o.best_peer,
                "ratio": o.ratio,
                "pynn_of_limit": o.fraction("pynn"),
                "kernel_of_limit": o.fraction("kernel"),
                "failure": o.failure,
            }
            for o in outcomes
        ],
        "summary": {
            str(each.threads): summary([o for o in outcomes if o.threads == each.threads])
            for each in limits
        },
    }
