"""Regularizers and constraints against Keras: values, configs both ways."""

import json

import numpy as np
import pytest

import pynn

X = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
REGULARIZERS = {
    "L1": {"l1": 0.3},
    "L2": {"l2": 0.3},
    "L1L2": {"l1": 0.3, "l2": 0.2},
    "OrthogonalRegularizer": {"factor": 0.5, "mode": "columns"},
}
CONSTRAINTS = {
    "MaxNorm": {"max_value": 1.5, "axis": 1},
    "MinMaxNorm": {"min_value": 0.5, "max_value": 1.5, "rate": 0.5, "axis": 0},
    "NonNeg": {},
    "UnitNorm": {"axis": 1},
}


@pytest.mark.parametrize("use_defaults", [True, False])
@pytest.mark.parametrize("name", REGULARIZERS)
def test_regularizer(keras, name, use_defaults):
    arguments = {} if use_defaults else REGULARIZERS[name]
    ours = getattr(pynn.regularizers, name)(**arguments)
    theirs = getattr(keras.regularizers, name)(**arguments)
    expected = float(theirs(keras.ops.convert_to_tensor(X)))
    assert float(ours(pynn.ops.convert_to_tensor(X))) == pytest.approx(expected, rel=1e-6)
    # Keras keeps some factors in float32, so its configs are off in the eighth digit.
    for key, value in theirs.get_config().items():
        assert ours.get_config()[key] == pytest.approx(value) or ours.get_config()[key] == value


@pytest.mark.parametrize("use_defaults", [True, False])
@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraint(keras, name, use_defaults):
    arguments = {} if use_defaults else CONSTRAINTS[name]
    ours = getattr(pynn.constraints, name)(**arguments)
    theirs = getattr(keras.constraints, name)(**arguments)
    expected = keras.ops.convert_to_numpy(theirs(keras.ops.convert_to_tensor(X)))
    result = ours(pynn.ops.convert_to_tensor(X)).numpy()
    np.testing.assert_allclose(result, expected, rtol=2e-6)
    assert ours.get_config() == theirs.get_config()


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("regularizers", name) for name in REGULARIZERS]
    + [("constraints", name) for name in CONSTRAINTS],
)
def test_configs_travel_both_ways(keras, namespace, name):
    arguments = {**REGULARIZERS, **CONSTRAINTS}[name]
    our_space, their_space = getattr(pynn, namespace), getattr(keras, namespace)
    ours = json.loads(json.dumps(our_space.serialize(getattr(our_space, name)(**arguments))))
    theirs = json.loads(json.dumps(their_space.serialize(getattr(their_space, name)(**arguments))))
    assert {k: v for k, v in ours.items() if k != "config"} == {
        k: v for k, v in theirs.items() if k != "config"
    }
    assert type(our_space.deserialize(theirs)).__name__ == name
    assert type(their_space.deserialize(ours)).__name__ == name
