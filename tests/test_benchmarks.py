"""The benchmark harness: what it compares, how it counts, and that it runs."""

import io
import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:  # behind everything else: an installed pynn stays in front
    sys.path.append(str(ROOT))

from benchmarks.kernels import report, workloads  # noqa: E402
from benchmarks.kernels.contest import Outcome, Settings, difference  # noqa: E402
from benchmarks.kernels.frameworks import in_numpy, in_pynn  # noqa: E402
from benchmarks.kernels.worker import Stopwatch, digest, make_job  # noqa: E402
from benchmarks.machine import Limits, cache_sizes  # noqa: E402

KIB = 1 << 10
LIMITS = Limits(
    threads=2,
    flops={"float32": 100.0, "float64": 50.0},
    caches={"L1": 32 * KIB, "L2": 1024 * KIB, "L3": 8192 * KIB},
    bandwidth={
        level: {"read": rate, "copy": 2 * rate, "add": 3 * rate, "update": 4 * rate}
        for level, rate in (("L1", 1000.0), ("L2", 100.0), ("L3", 10.0), ("L3+", 2.0), ("DRAM", 1))
    },
)
QUICK = workloads.workloads(quick=True)
FULL = workloads.workloads(quick=False)


def workload(name="add 1e3"):
    return next(w for w in FULL if w.name == name)


def outcome(ours=2.0, theirs=3.0, **changes):
    """Three rounds in which the first is twice as slow for everybody."""
    factors = (2.0, 1.0, 1.0)
    rounds = {"pynn": ours, "numpy": theirs, "torch": 10 * theirs, "kernel": ours / 2}
    made = Outcome(workload(), threads=2, **changes)
    made.rounds = {name: [seconds * f for f in factors] for name, seconds in rounds.items()}
    made.count_rounds()
    made.compare_with(LIMITS)
    return made


# ---- Limits


@pytest.mark.parametrize(
    ("kib", "level"),
    [(1, "L1"), (64, "L1"), (65, "L2"), (2048, "L2"), (2049, "L3"), (8192, "L3"), (8193, "L3+"),
     (4 * 8192, "DRAM")],
)  # fmt: skip
def test_level_counts_private_caches_per_thread(kib, level):
    assert LIMITS.level(kib * KIB) == level


def test_limit_is_operations_plus_bytes():
    seconds = LIMITS.seconds(1000, "float32", {"read": 500, "add": 600}, working_set=100 * KIB)
    assert seconds == 1000 / 100 + 500 / 100 + 600 / 300
    assert LIMITS.seconds(1000, "float64", {}, 1) == 20
    assert LIMITS.seconds(1000, "bfloat16", {}, 1) == 10, "no rate of its own: as float32"


def test_best_keeps_the_higher_rates():
    other = replace(LIMITS, flops={"float32": 90.0, "float64": 60.0})
    assert LIMITS.best(other).flops == {"float32": 100.0, "float64": 60.0}
    assert other.best(LIMITS).bandwidth == LIMITS.bandwidth


def test_cache_sizes_grow():
    sizes = list(cache_sizes().values())
    assert sizes == sorted(sizes)
    assert sizes[0] >= 4 * KIB


# ---- Workloads


def test_names_are_unique_and_quick_is_less():
    names = [w.name for w in FULL]
    assert len(set(names)) == len(names)
    assert len(QUICK) * 3 < len(FULL)


def test_only_selects_by_group_and_name():
    assert {w.group for w in workloads.workloads(True, ["gemm"])} == {"gemm"}
    assert {w.op for w in workloads.workloads(True, ["sgd", "tanh_grad"])} == {"sgd", "tanh_grad"}
    with pytest.raises(ValueError, match="received 'convolution'"):
        workloads.workloads(True, ["convolution"])


def test_inputs_repeat_and_travel():
    job = workload("cross_entropy 100x10")
    again = workloads.Workload.from_dict(json.loads(json.dumps(job.as_dict())))
    assert again == job
    for first, second in zip(job.arrays(), again.arrays(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_bfloat16_values_need_no_rounding():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    values = workloads.Array((100,), "bfloat16").values(0)
    np.testing.assert_array_equal(values.astype(ml_dtypes.bfloat16).astype(np.float32), values)


def test_every_op_is_known_to_pynn():
    assert {w.op for w in FULL} <= set(in_pynn.OPS) | set(in_pynn.STEPS)


@pytest.mark.parametrize("op", sorted({w.op for w in QUICK}))
def test_pynn_and_numpy_agree(op):
    """The check that precedes every measurement, on the smallest workload of each op."""
    job = min((w for w in QUICK if w.op == op), key=lambda w: w.working_set)
    ours, theirs = make_job(in_pynn, job), make_job(in_numpy, job)
    if theirs is None:
        pytest.skip(f"NumPy has no {op}")
    results = [
        digest(framework.array(run()), job.random)
        for framework, run in ((in_pynn, ours), (in_numpy, theirs))
    ]
    assert difference(*results) <= job.tolerance


# ---- Counting


def test_ratios_are_medians_over_rounds():
    result = outcome(ours=2.0, theirs=3.0)
    assert result.seconds["pynn"] == 2.0
    assert result.ratios == {"numpy": 1.5, "torch": 15.0}
    assert (result.best_peer, result.ratio) == ("numpy", 1.5)
    # 12,000 bytes of `add` traffic in L1 at 3,000 bytes a second.
    assert result.limit == 4.0
    assert result.fraction("pynn") == 2.0
    assert result.fraction("kernel") == 4.0
    assert result.fraction("torch nightly") is None


def test_difference_is_relative_to_the_largest():
    ours, theirs = np.array([1.0, 99.0]), np.array([0.0, 100.0])
    assert difference(ours, theirs) == 0.01
    assert difference(ours, theirs[:1]) == math.inf
    assert difference(np.array([np.nan]), np.array([1.0])) == math.inf
    assert difference(np.array([1.0]), np.array([np.nan])) == math.inf


def test_digest_takes_all_of_a_small_result():
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(digest(x, False), np.arange(6.0))
    np.testing.assert_array_equal(digest(np.array([0.0, 2.0, 0.0, 2.0]), True), [0.5, 2.0])


def test_stopwatch_counts_calls():
    calls = []
    stopwatch = Stopwatch("wall", turn_seconds=0.001)
    stopwatch.prepare(lambda: calls.append(None))
    before = len(calls)
    seconds = stopwatch.turn()
    assert len(calls) > before
    assert 0 < seconds < 0.001


# ---- Report


def printed(show, *arguments):
    text = io.StringIO()
    show(Console(width=200, file=text), *arguments)
    return text.getvalue()


def test_tables_name_rows_means_and_limits():
    text = printed(report.print_report, [outcome()], LIMITS, ["torch", "numpy"])
    assert "add 1e3" in text
    assert "1.50 numpy" in text
    assert "Limits, 2 threads" in text
    assert "elementwise" in text


def test_verdict_names_what_is_slower_and_what_failed():
    failed = outcome(theirs=1.0, failure="results of pynn and numpy differ by 1.0e+00")
    text = printed(report.print_verdict, [outcome(), outcome(theirs=1.0), failed])
    assert "slower than a peer: 1 of 2" in text
    assert "add 1e3, 2 threads: 0.50 times as fast as numpy" in text
    assert "failed: add 1e3: results of pynn and numpy differ by 1.0e+00" in text


def test_summary_leaves_out_failures():
    failed = outcome(theirs=1.0, failure="wrong")
    means = report.summary([outcome(theirs=4.0), outcome(theirs=16.0), failed])["elementwise"]
    assert means["workloads"] == 2
    assert means["best peer"] == pytest.approx(4.0)
    assert means["least"] == 2.0


def test_figures_are_json():
    settings = Settings(threads=2, rounds=3, turn_seconds=0.01)
    figures = report.as_json([outcome()], [LIMITS], {"cpu": "x"}, {"pynn": "pynn 1"}, [settings])
    figures = json.loads(json.dumps(figures))
    (row,) = figures["results"]
    assert row["ratio"] == 1.5
    assert row["rounds"]["pynn"] == [4.0, 2.0, 2.0]
    assert figures["limits"][0]["bandwidth"]["L1"]["add"] == 3000
    assert figures["summary"]["2"]["elementwise"]["best peer"] == 1.5


def test_picture_is_written_as_png_and_svg(tmp_path):
    pytest.importorskip("matplotlib")
    from benchmarks.kernels.picture import draw

    product = outcome()
    product.workload = workload("matmul nn 256x256x256")
    product.compare_with(LIMITS)
    machine = {"cpu": "x", "isa": "y"}
    figures = report.as_json([outcome(), product], [LIMITS], machine, {"pynn": "pynn 1"}, [])
    png, svg = draw(figures, tmp_path / "picture.png")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert "<svg" in svg.read_text()


# ---- The whole


@pytest.mark.slow
def test_quick_run(tmp_path):
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "benchmarks.kernels", "--quick", "--threads", "1"]
    command += ["--only", "sqrt,dropout,nesterov", "--peers", "numpy", "--json", str(figures)]
    command += ["--rounds", "2", "--turn-seconds", "0.001"]
    result = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "slower than a peer:" in result.stdout
    rows = json.loads(figures.read_text())["results"]
    assert {row["name"].split()[0] for row in rows} == {"sqrt", "dropout", "nesterov"}
    for row in rows:
        assert row["failure"] == ""
        assert len(row["rounds"]["pynn"]) == len(row["rounds"]["numpy"]) == 2
        assert row["limit_seconds"] > 0
