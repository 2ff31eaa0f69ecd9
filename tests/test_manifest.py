"""The shares of Keras's API that were reached do not fall."""

import json

import pytest
from manifest import MANIFEST, shares

# Percent of the symbols, and of the arguments of those that are there.
REACHED = {
    "activations": (100, 100),
    "backend": (100, 100),
    "callbacks": (81, 100),
    "config": (100, 100),
    "constraints": (100, 100),
    "losses": (100, 100),
    "metrics": (100, 100),
    "ops": (95, 100),
    "ops.linalg": (93, 100),
    "ops.nn": (76, 100),
    "ops.numpy": (100, 100),
    "optimizers": (100, 100),
    "optimizers.schedules": (100, 100),
    "random": (100, 100),
    "regularizers": (100, 100),
    "tree": (100, 100),
}


@pytest.fixture(scope="module")
def manifest():
    if not MANIFEST.exists():
        pytest.skip("no manifest of the Keras API (keras-api.json) beside the checkout")
    return json.loads(MANIFEST.read_text())


@pytest.mark.parametrize("namespace", REACHED)
def test_shares_do_not_fall(manifest, namespace):
    share = shares(manifest, namespace)
    symbols, arguments = REACHED[namespace]
    assert share.of_symbols >= symbols, share.missing_symbols
    assert share.of_arguments >= arguments, share.missing_arguments


def test_what_is_missing_is_told_by_name(manifest):
    signature = [{"kind": "POSITIONAL_OR_KEYWORD", "name": "x"}]
    wider = [*signature, {"kind": "POSITIONAL_OR_KEYWORD", "name": "no_such_argument"}]
    symbols = {"exp": {"signature": wider}, "no_such_op": {"signature": signature}}
    share = shares({"namespaces": {"ops": symbols}}, "ops")
    assert share.missing_symbols == ["no_such_op"]
    assert share.missing_arguments == ["exp(no_such_argument)"]
    assert (share.of_symbols, share.of_arguments) == (50, 50)
