"""Three panels: products under the roofline, memory-bound kernels, and speed beside the peers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

INK, GRID, LIMIT = "#222222", "#dddddd", "#888888"
PYNN, BEHIND = "#0072b2", "#d55e00"  # from the palette of Okabe and Ito: seen by everyone
PEERS = {"torch": "#e69f00", "numpy": "#009e73", "tensorflow": "#cc79a7"}
MARKERS = {"torch": "^", "numpy": "s", "tensorflow": "D"}


def draw(figures: dict[str, Any], path: Path) -> list[Path]:
    """Draws one row of panels per number of threads; returns the files written (PNG, SVG)."""
    rows = figures["limits"]
    figure, axes = plt.subplots(
        len(rows), 3, figsize=(19, 6.2 * len(rows)), squeeze=False, layout="constrained",
        width_ratios=(1, 1, 1.15),
    )  # fmt: skip
    for limits, panels in zip(rows, axes, strict=True):
        results = [
            r
            for r in figures["results"]
            if r["threads"] == limits["threads"] and not r["failure"] and "pynn" in r["seconds"]
        ]
        _roofline(panels[0], limits, results)
        _bandwidth(panels[1], limits, results)
        _ratios(panels[2], limits, results)
    machine, versions = figures["machine"], figures["versions"]
    figure.suptitle(
        f"pynn's kernels on {machine['cpu']} ({machine['isa']})   ·   "
        + ", ".join(versions.values()),
        fontsize=14, fontweight="bold", color=INK,
    )  # fmt: skip
    written = [path.with_suffix(suffix) for suffix in (".png", ".svg")]
    for file in written:
        figure.savefig(file, dpi=110)
    plt.close(figure)
    return written


def _title(panel: Axes, limits: dict[str, Any], text: str) -> None:
    threads = limits["threads"]
    panel.set_title(
        f"{text}  ({threads} thread{'s' if threads > 1 else ''})",
        loc="left", fontsize=12, color=INK,
    )  # fmt: skip
    panel.grid(True, which="major", color=GRID, linewidth=0.7)
    panel.set_axisbelow(True)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def _best_peer(result: dict[str, Any]) -> float | None:
    peer = result["best_peer"]
    return result["seconds"][peer] if peer else None


def _roofline(panel: Axes, limits: dict[str, Any], results: list[dict[str, Any]]) -> None:
    """Rate of float32 products over their intensity; the roofs are the peak and the memories."""
    _title(panel, limits, "Matrix products, float32: how close to the roof")
    products = [r for r in results if r["flops"] and r["dtype"] == "float32"]
    peak = limits["flops"]["float32"] / 1e9
    intensity = np.geomspace(0.2, 400, 200)
    for level, rates in limits["bandwidth"].items():
        roof = np.minimum(intensity * rates["add"] / 1e9, peak)
        panel.plot(intensity, roof, color=LIMIT, linewidth=1.2)
        at = 0.23
        panel.annotate(
            level, (at, at * rates["add"] / 1e9), color=LIMIT, fontsize=9, rotation=0,
            textcoords="offset points", xytext=(0, 5),
        )  # fmt: skip
    panel.annotate(
        f"multiply-add peak {peak:,.0f} GFLOP/s", (400, peak), color=LIMIT, fontsize=9, ha="right",
        textcoords="offset points", xytext=(0, 4),
    )  # fmt: skip
    for result in products:
        x = result["flops"] / sum(result["traffic"].values())
        ours = result["flops"] / result["seconds"]["pynn"] / 1e9
        peer = _best_peer(result)
        if peer:
            theirs = result["flops"] / peer / 1e9
            color = PYNN if ours >= theirs else BEHIND
            panel.plot([x, x], [theirs, ours], color=color, linewidth=1, alpha=0.5)
            panel.plot(x, theirs, "o", color="white", markeredgecolor=color, markersize=5)
        else:
            color = PYNN
        panel.plot(x, ours, "o", color=color, markersize=5)
    panel.set(xscale="log", yscale="log", xlim=(0.2, 400), ylim=(0.2, peak * 1.6))
    panel.set_xlabel("operations per byte (each operand read once)")
    panel.set_ylabel("GFLOP/s")
    panel.legend(handles=_two_colors(), loc="lower right", frameon=False, fontsize=9)


def _two_colors() -> list[Line2D]:
    def dot(color: str, face: str, label: str) -> Line2D:
        return Line2D([], [], marker="o", linestyle="", color=face, markeredgecolor=color,
                      label=label)  # fmt: skip

    return [
        dot(PYNN, PYNN, "pynn, ahead of every peer"),
        dot(BEHIND, BEHIND, "pynn, behind a peer"),
        dot(LIMIT, "white", "the best peer in that job"),
    ]


def _bandwidth(panel: Axes, limits: dict[str, Any], results: list[dict[str, Any]]) -> None:
    """Bytes a second of jobs that only move memory, over the size of what they touch."""
    _title(panel, limits, "Elementwise, reductions, optimizers: memory rate")
    jobs = [r for r in results if not r["flops"]]
    left = 1e3
    for level, rates in limits["bandwidth"].items():
        shared = 1 if level in ("L3", "L3+") else limits["threads"]
        size = limits["caches"].get(level, 0) * shared
        right = size or (4 * limits["caches"]["L3"] if level == "L3+" else 1e9)
        low, high = min(rates.values()) / 1e9, max(rates.values()) / 1e9
        panel.fill_between([left, right], low, high, color=LIMIT, alpha=0.3, linewidth=0)
        panel.annotate(
            level, ((left * right) ** 0.5, high), color=LIMIT, fontsize=9, ha="center",
            textcoords="offset points", xytext=(0, 3),
        )  # fmt: skip
        left = right
    for result in jobs:
        moved = sum(result["traffic"].values())
        peer = _best_peer(result)
        color = BEHIND if peer and peer < result["seconds"]["pynn"] else PYNN
        panel.plot(moved, moved / result["seconds"]["pynn"] / 1e9, "o", color=color, markersize=4.5)
        if "kernel" in result["seconds"]:
            rate = moved / result["seconds"]["kernel"] / 1e9
            panel.plot(moved, rate, "_", color=INK, markersize=7)
    panel.set(xscale="log", yscale="log", xlim=(1e3, 1e9))
    panel.set_xlabel("bytes read and written")
    panel.set_ylabel("GB/s")
    handles = [
        *_two_colors()[:2],
        Line2D([], [], marker="_", linestyle="", color=INK, label="its kernel, without Python"),
        Line2D([], [], color=LIMIT, linewidth=6, alpha=0.3, label="measured limits of the machine"),
    ]
    panel.legend(handles=handles, loc="lower right", frameon=False, fontsize=9)


def _ratios(panel: Axes, limits: dict[str, Any], results: list[dict[str, Any]]) -> None:
    """How many times as fast as each peer, one line per group of workloads."""
    _title(panel, limits, "Times as fast as each peer")
    names = list(dict.fromkeys(r["group"] for r in results))
    panel.axvspan(1e-3, 1, color=BEHIND, alpha=0.08, linewidth=0)
    panel.axvline(1, color=INK, linewidth=1)
    present = [peer for peer in PEERS if any(peer in r["ratios"] for r in results)]
    spread = 0.22
    for row, group in enumerate(names):
        for index, peer in enumerate(present):
            ratios = [
                r["ratios"][peer] for r in results if r["group"] == group and peer in r["ratios"]
            ]
            if not ratios:
                continue
            y = row + (index - (len(present) - 1) / 2) * spread
            color, marker = PEERS[peer], MARKERS[peer]
            panel.plot(ratios, [y] * len(ratios), "|", color=color, markersize=8, alpha=0.7)
            mean = float(np.exp(np.mean(np.log(ratios))))
            panel.plot(mean, y, marker, color=color, markeredgecolor=INK, markersize=8)
    panel.set_yticks(range(len(names)), names)
    panel.set(xscale="log", xlim=(0.2, 50), ylim=(len(names) - 0.5, -0.5))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    panel.set_xticks([0.25, 0.5, 1, 2, 5, 10, 20, 50])
    panel.minorticks_off()
    panel.set_xlabel("peer's time / pynn's time; left of 1 the peer is faster")
    handles = [
        Line2D([], [], marker=MARKERS[p], linestyle="", color=PEERS[p], markeredgecolor=INK,
               markersize=8, label=f"{p}: geometric mean")
        for p in present
    ]  # fmt: skip
    handles.append(Line2D([], [], marker="|", linestyle="", color=LIMIT, label="one workload"))
    panel.legend(handles=handles, loc="lower right", frameon=False, fontsize=9)
