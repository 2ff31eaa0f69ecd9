"""The command line, run as a user runs it."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from real_data import data_folder

import pynn
from pynn.cli import demo, main


def run(*arguments, cwd, **environment):
    """`python -m pynn ...` outside the checkout, with its output."""
    command = [sys.executable, "-W", "error", "-m", "pynn", *arguments]
    environment = {**os.environ, "PYNN_HOME": str(cwd / "home"), **environment}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=300, check=False
    )


def test_info(tmp_path):
    result = run("info", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    report = result.stdout
    for word in (pynn.__version__, "instruction set", "threads", "OpenMP", "compiler", "NumPy"):
        assert word in report
    assert result.stderr == ""


def test_info_says_why_the_level_and_the_threads(tmp_path):
    result = run("info", cwd=tmp_path, PYNN_ISA="baseline", OMP_NUM_THREADS="1")
    assert "baseline" in result.stdout
    assert "PYNN_ISA" in result.stdout
    assert "OMP_NUM_THREADS" in result.stdout


def test_unknown_level_is_an_error(tmp_path):
    result = run("info", cwd=tmp_path, PYNN_ISA="avx1024")
    assert result.returncode != 0
    assert "avx1024" in result.stderr


def test_amx_where_there_is_none_is_an_error(tmp_path):
    if "amx" in pynn.show_config(mode="dicts")["isa"]["available"]:
        pytest.skip("this machine has AMX, or this build a model of it")
    result = run("info", cwd=tmp_path, PYNN_ISA="amx")
    assert result.returncode != 0
    assert "pynn: PYNN_ISA: expected a level that can run here" in result.stderr
    assert "received 'amx', which this" in result.stderr


def test_info_says_what_bfloat16_products_run_on(tmp_path):
    result = run("info", cwd=tmp_path, PYNN_ISA="baseline")
    assert re.search(r"^bfloat16 products +converted to float32$", result.stdout, re.MULTILINE)
    unit = pynn.show_config(mode="dicts")["isa"]["bfloat16"]
    assert unit in {"AMX", "AMX (software model)", "AVX512-BF16", "converted to float32"}


def test_float32_matmul_precision():
    assert pynn.config.float32_matmul_precision() == "highest"
    try:
        for precision in ("medium", "high", "highest"):
            pynn.config.set_float32_matmul_precision(precision)
            assert pynn.config.float32_matmul_precision() == precision
            report = pynn.show_config(mode="dicts")
            assert report["matmul"] == {"float32_precision": precision}
    finally:
        pynn.config.set_float32_matmul_precision("highest")


@pytest.mark.parametrize("precision", ["low", "", "HIGH", None, 2, b"high"])
def test_float32_matmul_precision_is_checked(precision):
    message = "pynn.config.set_float32_matmul_precision: expected 'highest', 'high' or 'medium'; "
    with pytest.raises(ValueError, match=re.escape(message + "received ")):
        pynn.config.set_float32_matmul_precision(precision)
    assert pynn.config.float32_matmul_precision() == "highest"


def test_show_config_returns_what_it_prints(capsys):
    assert pynn.show_config() is None
    printed = capsys.readouterr().out
    report = pynn.show_config(mode="dicts")
    assert report["isa"]["active"] in printed
    assert report["version"] == pynn.__version__
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="received 'yaml'"):
        pynn.show_config(mode="yaml")


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_thread_count_is_checked(count):
    with pytest.raises(ValueError, match="expected an integer of at least 1"):
        pynn.config.set_num_threads(count)


def test_demo_on_scikit_learn_digits(monkeypatch, capsys):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    monkeypatch.setattr(demo.mnist, "at_hand", lambda: False)
    assert main(["demo", "--epochs", "3"]) == 0
    output = capsys.readouterr().out
    assert "scikit-learn's digits" in output
    assert "val_accuracy" in output
    assert "The network reads" in output
    accuracy = float(output.partition("Test: ")[2].partition("accuracy ")[2].split("%")[0])
    assert accuracy > 85


@pytest.mark.skipif(data_folder("mnist") is None, reason="needs MNIST in $PYNN_DATA")
def test_demo_on_mnist(tmp_path):
    result = run(
        "demo", "--epochs", "1", "--batch-size", "128", cwd=tmp_path, PYNN_DATA=data_folder("mnist")
    )
    assert result.returncode == 0, result.stderr
    assert "Data: MNIST; 60000 images" in result.stdout
    accuracy = float(result.stdout.partition("Test: ")[2].partition("accuracy ")[2].split("%")[0])
    assert accuracy > 92


def test_demo_without_data_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(demo.mnist, "at_hand", lambda: False)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert main(["demo"]) == 1
    message = capsys.readouterr().err
    assert 'pip install "pynn[demo]"' in message
    assert "PYNN_DATA" in message


def test_demo_never_downloads(monkeypatch):
    def no_network(*args, **kwargs):
        raise AssertionError("the demo went online")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    monkeypatch.setattr(demo.mnist, "find", lambda *args: None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert main(["demo"]) == 1


def test_sketch_shows_bright_pixels():
    image = np.array([[0.0, 0.0], [0.0, 1.0]])
    assert demo._sketch(image) == "    ██"


def test_no_command_is_an_error(capsys):
    with pytest.raises(SystemExit) as stop:
        main([])
    assert stop.value.code == 2
    assert "command" in capsys.readouterr().err
