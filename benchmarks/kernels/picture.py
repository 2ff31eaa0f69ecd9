"""Three panels: products under the roofline, memory-bound kernels, and speed beside the peers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter

INK, GRID, LIMIT = "#222222", "#e4e4e4", "#777777"
# From the palette of Okabe and Ito, which everyone can tell apart.
AHEAD, BEHIND = "#0072b2", "#d55e00"
PEERS = {"torch": ("#e69f00", "^"), "numpy": ("#009e73", "s"), "tensorflow": ("#cc79a7", "D")}

Result = dict[str, Any]


def draw(figures: dict[str, Any], path: Path) -> list[Path]:
    """Draws one row of panels per number of threads; returns the files written (PNG, SVG)."""
    rows = figures["limits"]
    figure, axes = plt.subplots(
        len(rows), 3, figsize=(20, 6.4 * len(rows)), squeeze=False, layout="constrained"
    )
    for limits, panels in zip(rows, axes, strict=True):
        of_row = [
            r
            for r in figures["results"]
            if r["threads"] == limits["threads"] and not r["failure"] and "pynn" in r["seconds"]
        ]
        _roofline(panels[0], limits, of_row)
        _memory(panels[1], limits, of_row)
        _ratios(panels[2], limits, of_row)
    present = [p for p in PEERS if any(p in r["ratios"] for r in figures["results"])]
    for panel, handles in zip(axes[-1], _legends(present), strict=True):
        panel.legend(
            handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.13), frameon=False,
            ncols=2, fontsize=11,
        )  # fmt: skip
    machine = figures["machine"]
    figure.suptitle(
        f"pynn's kernels on {machine['cpu']}, {machine['isa']}\n"
        + ", ".join(figures["versions"].values()),
        fontsize=14, color=INK,
    )  # fmt: skip
    written = [path.with_suffix(suffix) for suffix in (".png", ".svg")]
    for file in written:
        figure.savefig(file, dpi=110)
    plt.close(figure)
    return written


def _legends(peers: list[str]) -> list[list[Line2D]]:
    def mark(label: str, color: str, marker: str, face: str | None = None, **more: Any) -> Line2D:
        return Line2D(
            [], [], linestyle="", marker=marker, color=color, markerfacecolor=face or color,
            label=label, **more,
        )  # fmt: skip

    ours = [
        mark("pynn, ahead of every peer", AHEAD, "o"),
        mark("pynn, behind a peer", BEHIND, "o"),
    ]
    limit = Line2D([], [], color=LIMIT, linewidth=6, alpha=0.3, label="measured limits")
    roof = Line2D([], [], color=LIMIT, linewidth=1.3, label="measured limits")
    means = [
        mark(f"{p}, geometric mean", PEERS[p][0], PEERS[p][1], markeredgecolor=INK) for p in peers
    ]
    return [
        [*ours, mark("the best peer in that job", LIMIT, "o", "white"), roof],
        [*ours, mark("its kernel, without Python", INK, "_", markersize=9), limit],
        [*means, mark("one workload", LIMIT, "|", markersize=9)],
    ]


def _start(panel: Axes, limits: dict[str, Any], title: str) -> None:
    threads = limits["threads"]
    panel.set_title(
        f"{title}, {threads} thread{'s' if threads > 1 else ''}",
        loc="left", fontsize=13, color=INK, pad=12,
    )  # fmt: skip
    panel.grid(True, which="major", color=GRID, linewidth=0.8)
    panel.set_axisbelow(True)
    panel.spines[["top", "right"]].set_visible(False)


def _plain_numbers(panel: Axes, *axes: str) -> None:
    for name in axes:
        axis = getattr(panel, f"{name}axis")
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def _peer_seconds(result: Result) -> float | None:
    peer = result["best_peer"]
    return result["seconds"][peer] if peer else None


def _color(result: Result) -> str:
    return BEHIND if result["ratio"] is not None and result["ratio"] < 1 else AHEAD


def _bounds(values: Iterable[float], least: float, most: float) -> tuple[float, float]:
    """Limits of a logarithmic axis: around the values, but inside [least, most]."""
    seen = list(values) or [least, most]
    return max(least, min(seen) / 1.5), min(most, max(seen) * 1.5)


def _roofline(panel: Axes, limits: dict[str, Any], results: list[Result]) -> None:
    """Rate of float32 products over their intensity; the roofs are the peak and the memories."""
    _start(panel, limits, "Matrix products in float32 under their roof")
    peak = limits["flops"]["float32"] / 1e9
    products = [r for r in results if r["flops"] and r["dtype"] == "float32"]
    intensities = [r["flops"] / sum(r["traffic"].values()) for r in products]
    left, right = _bounds(intensities, 0.1, 1e4)
    left /= 3  # room for the names of the memories
    for names, rate in _levels(limits):
        x = np.geomspace(left, right, 200)
        panel.plot(x, np.minimum(x * rate, peak), color=LIMIT, linewidth=1.3)
        at = left * 1.8
        panel.text(
            at, min(at * rate, peak), names, color=LIMIT, fontsize=10, va="center", ha="center",
            clip_on=True, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
    panel.annotate(
        f"peak of multiply-adds: {peak:,.0f} GFLOP/s", (right, peak), color=LIMIT, fontsize=10,
        ha="right", textcoords="offset points", xytext=(0, 5),
    )  # fmt: skip
    rates = []
    for x, result in zip(intensities, products, strict=True):
        color, ours, peer = _color(result), result["seconds"]["pynn"], _peer_seconds(result)
        ours = result["flops"] / ours / 1e9
        rates.append(ours)
        if peer:
            theirs = result["flops"] / peer / 1e9
            rates.append(theirs)
            panel.plot([x, x], [theirs, ours], color=color, linewidth=1, alpha=0.45)
            panel.plot(x, theirs, "o", color="white", markeredgecolor=color, markersize=5.5)
        panel.plot(x, ours, "o", color=color, markersize=5.5)
    panel.set(
        xscale="log", yscale="log", xlim=(left, right), ylim=_bounds([*rates, peak], 0.01, 1e7)
    )
    _plain_numbers(panel, "x", "y")
    panel.set_xlabel("operations per byte, each operand read once", fontsize=11)
    panel.set_ylabel("GFLOP/s", fontsize=11)


def _levels(limits: dict[str, Any]) -> list[tuple[str, float]]:
    """Memories and their GB/s; those that are about as fast as each other share a line."""
    lines: list[tuple[str, float]] = []
    for level, rates in limits["bandwidth"].items():
        rate = rates["add"] / 1e9
        if lines and lines[-1][1] / rate < 1.5:
            lines[-1] = (f"{lines[-1][0]}, {level}", lines[-1][1])
        else:
            lines.append((level, rate))
    return lines


def _memory(panel: Axes, limits: dict[str, Any], results: list[Result]) -> None:
    """Bytes a second of jobs that only move memory, over the size of what they touch."""
    _start(panel, limits, "Elementwise, reductions, optimizers: memory rate")
    jobs = [r for r in results if not r["flops"]]
    sizes = [sum(r["traffic"].values()) for r in jobs]
    left, right = _bounds(sizes, 100, 1e12)
    begin, top = left, 0.0
    for level, rates in limits["bandwidth"].items():
        end = min(_end_of(level, limits), right)
        if end <= begin:
            continue
        low, high = min(rates.values()) / 1e9, max(rates.values()) / 1e9
        top = max(top, high)
        panel.fill_between([begin, end], low, high, color=LIMIT, alpha=0.25, linewidth=0)
        panel.annotate(
            level, ((begin * end) ** 0.5, high), color=LIMIT, fontsize=10, ha="center",
            textcoords="offset points", xytext=(0, 4),
        )  # fmt: skip
        begin = end
    shown = [top]
    for moved, result in zip(sizes, jobs, strict=True):
        rate = moved / result["seconds"]["pynn"] / 1e9
        shown.append(rate)
        if "kernel" in result["seconds"]:
            kernel = moved / result["seconds"]["kernel"] / 1e9
            shown.append(kernel)
            panel.plot(moved, kernel, "_", color=INK, markersize=9)
        panel.plot(moved, rate, "o", color=_color(result), markersize=5.5)
    panel.set(xscale="log", yscale="log", xlim=(left, right), ylim=_bounds(shown, 0.01, 1e5))
    _plain_numbers(panel, "y")
    panel.set_xlabel("bytes read and written", fontsize=11)
    panel.set_ylabel("GB/s", fontsize=11)


def _end_of(level: str, limits: dict[str, Any]) -> float:
    """Bytes up to which jobs are taken to run from this memory; see `Limits.level`."""
    caches = limits["caches"]
    if level == "L3+":
        return 4.0 * caches["L3"]
    shared = 1 if level == "L3" else limits["threads"]
    return caches[level] * shared if level in caches else float("inf")


def _ratios(panel: Axes, limits: dict[str, Any], results: list[Result]) -> None:
    """How many times as fast as each peer, one line per group of workloads."""
    _start(panel, limits, "Times as fast as each peer")
    names = list(dict.fromkeys(r["group"] for r in results))
    present = [p for p in PEERS if any(p in r["ratios"] for r in results)]
    seen = [1.0]
    for row, group in enumerate(names):
        for index, peer in enumerate(present):
            rows = [r for r in results if r["group"] == group and peer in r["ratios"]]
            if not rows:
                continue
            ratios = [r["ratios"][peer] for r in rows]
            seen += ratios
            y = row + (index - (len(present) - 1) / 2) * 0.25
            color, marker = PEERS[peer]
            panel.plot(ratios, [y] * len(ratios), "|", color=color, markersize=9, alpha=0.8)
            mean = float(np.exp(np.mean(np.log(ratios))))
            panel.plot(mean, y, marker, color=color, markeredgecolor=INK, markersize=9)
    left, right = _bounds(seen, 0.1, 100)
    panel.axvspan(left, 1, color=BEHIND, alpha=0.08, linewidth=0)
    panel.axvline(1, color=INK, linewidth=1.2)
    panel.set(xscale="log", xlim=(left, right), ylim=(len(names) - 0.5, -0.5))
    panel.set_yticks(range(len(names)), names, fontsize=11)
    panel.set_xticks([t for t in (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100) if left <= t <= right])
    _plain_numbers(panel, "x")
    panel.set_xlabel("peer's time / pynn's time   (shaded: the peer is faster)", fontsize=11)
