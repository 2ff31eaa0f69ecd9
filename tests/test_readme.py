"""The README keeps its promises: its code runs, and CI runs the commands that it gives."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from real_data import data_folder

import pynn

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEST_COMMAND = 'pip install ".[test]" && pytest'
DEMO_COMMAND = 'pip install ".[demo]" && python -m pynn demo'
FIRST_SCREEN = 40  # lines


def blocks(language):
    """(line number, code) of each fenced block of that language."""
    pattern = re.compile(rf"^```{language}\n(.*?)^```", re.DOTALL | re.MULTILINE)
    return [(README.count("\n", 0, m.start(1)), m.group(1)) for m in pattern.finditer(README)]


def test_the_two_commands_are_on_the_first_screen():
    first_screen = "\n".join(README.splitlines()[:FIRST_SCREEN]).splitlines()
    assert DEMO_COMMAND in first_screen
    assert TEST_COMMAND in first_screen


def test_ci_runs_the_command_of_the_readme():
    """`.ci/run` takes the command out of the README with this pattern, so it cannot drift."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    pattern = re.search(r"grep -m1 -E '([^']+)' README\.md", script)
    assert pattern, "the line of .ci/run that reads the README has changed"
    matches = [line for line in README.splitlines() if re.search(pattern.group(1), line)]
    assert matches[0] == TEST_COMMAND


@pytest.fixture
def sources(tmp_path):
    """The package as a fresh clone has it: without the compiled engine."""
    ignore = shutil.ignore_patterns("_core*.so", "__pycache__")
    shutil.copytree(ROOT / "pynn", tmp_path / "clone" / "pynn", ignore=ignore)
    return tmp_path / "clone"


def info(folder, *flags, **environment):
    """`python -m pynn info`, which looks for pynn in the current folder first."""
    command = [sys.executable, *flags, "-m", "pynn", "info"]
    environment = {**os.environ, **environment}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_commands_work_in_a_clone(sources):
    installed = Path(pynn._core.__file__).parents[1]
    result = info(sources, PYTHONPATH=str(installed))
    assert result.returncode == 0, result.stderr
    assert pynn.__version__ in result.stdout


def test_a_clone_that_is_not_built_says_how_to_build(sources):
    result = info(sources, "-S", PYTHONPATH="")  # -S: no installed packages
    assert result.returncode != 0
    assert "pip install ." in result.stderr


@pytest.mark.skipif(data_folder("mnist") is None, reason="needs MNIST in $PYNN_DATA")
def test_code_blocks_run(monkeypatch, tmp_path):
    monkeypatch.setenv("PYNN_DATA", data_folder("mnist"))
    monkeypatch.chdir(tmp_path)
    pynn.utils.set_random_seed(0)
    names = {}
    code = blocks("python")
    assert code
    for line, block in code:
        # Blank lines in front, so that an error points at the line of the README.
        exec(compile("\n" * line + block, str(ROOT / "README.md"), "exec"), names)
    assert names["test_accuracy"] > 0.96
