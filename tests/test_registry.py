"""Every op has cases; every public function has Keras's signature and an example that runs."""

import doctest
import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from op_cases import CASES

import pynn
from pynn import _core, ops

ENGINE_OPS = dict(_core.op_names())
PUBLIC = [name for name in ops.__all__ if inspect.isroutine(getattr(ops, name))]
BEYOND_KERAS = {"py_function"}
MANIFEST = Path(__file__).resolve().parents[2] / "shared" / "keras-api.json"


@pytest.fixture(scope="module")
def keras_api():
    """Signatures of Keras 3.15.1, by namespace."""
    if not MANIFEST.exists():
        pytest.skip("no manifest of the Keras API (keras-api.json) beside the checkout")
    return json.loads(MANIFEST.read_text())["namespaces"]


@pytest.mark.parametrize("name", ENGINE_OPS)
def test_every_engine_op_has_a_case(name):
    assert any(case.name == name for case in CASES)


@pytest.mark.parametrize("name", [n for n, differentiable in ENGINE_OPS.items() if differentiable])
def test_every_differentiable_op_has_a_gradient_test(name):
    assert any(case.name == name and case.differentiable for case in CASES)


def test_no_case_is_of_an_unknown_op():
    assert {case.name for case in CASES} <= set(ENGINE_OPS)


def test_case_names_are_unique():
    names = [str(case) for case in CASES]
    assert len(set(names)) == len(names)


def parameters(function):
    return [
        (p.name, p.kind.name, "" if p.default is p.empty else repr(p.default))
        for p in inspect.signature(function).parameters.values()
    ]


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in BEYOND_KERAS])
def test_signature_is_that_of_keras(keras_api, name):
    assert name in keras_api["ops"], f"keras.ops has no {name}"
    expected = [
        (p["name"], p["kind"], p.get("default", "")) for p in keras_api["ops"][name]["signature"]
    ]
    assert parameters(getattr(ops, name)) == expected


@pytest.mark.parametrize("space", ["nn", "numpy", "linalg"])
def test_namespaces_hold_what_keras_has_there(keras_api, space):
    names = getattr(ops, space).__all__
    assert set(names) <= set(keras_api[f"ops.{space}"])
    for name in names:
        assert getattr(getattr(ops, space), name) is getattr(ops, name)


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring_example_runs(name):
    function = getattr(ops, name)
    tests = doctest.DocTestFinder(recurse=False).find(
        function, name, globs={"pynn": pynn, "np": np}
    )
    assert any(test.examples for test in tests), f"pynn.ops.{name} has no example"
    runner = doctest.DocTestRunner()
    assert all(runner.run(test).failed == 0 for test in tests)


def test_all_names_the_functions_that_are_there():
    assert len(set(ops.__all__)) == len(ops.__all__)
    assert all(hasattr(ops, name) for name in ops.__all__)
