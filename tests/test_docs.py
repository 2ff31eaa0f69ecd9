"""Everything written for readers is true: docstring examples run, links lead somewhere."""

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

import pynn

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(pynn.__path__, "pynn.")
    if not module.name.endswith(("__main__", "._core"))
)


@pytest.fixture(autouse=True)
def _fresh_session(tmp_path, monkeypatch):
    """Automatic names start from the beginning, and examples that write files write them here."""
    pynn.utils.clear_session()
    pynn.utils.set_random_seed(0)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, extraglobs={"pynn": pynn, "np": np}, optionflags=FLAGS)
    assert result.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_local_links(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def python_blocks(page):
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)


@pytest.mark.parametrize(  # the README has a test of its own
    "page", [page for page in PAGES[1:] if python_blocks(page)], ids=lambda page: page.name
)
def test_code_on_the_page_runs(page):
    names = {}
    for block in python_blocks(page):
        exec(compile(block, str(page), "exec"), names)


def public_callables(module):
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if inspect.isroutine(value) or inspect.isclass(value):
            yield f"{module.__name__}.{name}", value


@pytest.mark.parametrize("name", MODULES)
def test_everything_public_is_documented(name):
    bare = []
    for path, value in public_callables(importlib.import_module(name)):
        members = vars(value).items() if inspect.isclass(value) else ()
        if not inspect.getdoc(value):
            bare.append(path)
        bare += [
            f"{path}.{member}"
            for member, function in members
            if not member.startswith("_")
            and inspect.isfunction(function)
            and not inspect.getdoc(getattr(value, member))
        ]
    assert bare == []
