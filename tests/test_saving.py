"""Configs: the layout of Keras 3, round trips, and a registry that names no code."""

import json
import os
import sys

import numpy as np
import pytest

import pynn
from pynn.saving import (
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)


@pytest.fixture(autouse=True)
def _registry_as_before(monkeypatch):
    monkeypatch.setattr(pynn.saving.registry, "_registered_objects", {})
    monkeypatch.setattr(pynn.saving.registry, "_registered_names", {})


class Scale(pynn.initializers.Initializer):
    def __init__(self, factor=1.0):
        self.factor = factor

    def __call__(self, shape, dtype=None):
        return pynn.ops.full(shape, self.factor, dtype=dtype)

    def get_config(self):
        return {"factor": self.factor}


def double(x):
    return x * 2


def through_json(obj):
    return deserialize_keras_object(json.loads(json.dumps(serialize_keras_object(obj))))


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        2.5,
        True,
        "text",
        [1, [2, "x"]],
        {"a": {"b": None}},
        b"bytes",
        Ellipsis,
        slice(1, None, 2),
    ],
)
def test_plain_values_round_trip(value):
    assert through_json(value) == value


def test_tuples_stay_tuples_until_json_makes_them_lists():
    assert serialize_keras_object((1, (2,))) == (1, (2,))
    assert through_json((1, (2,))) == [1, [2]]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint16", "bool"])
def test_arrays_and_tensors_round_trip(dtype):
    array = np.array([[0, 1], [1, 0]], dtype=dtype)
    loaded = through_json(array)
    assert loaded.dtype == dtype
    np.testing.assert_array_equal(loaded, array)
    tensor = through_json(pynn.ops.convert_to_tensor(array))
    assert tensor.dtype == dtype
    np.testing.assert_array_equal(tensor.numpy(), array)


def test_numpy_scalars_become_plain():
    assert serialize_keras_object([np.float32(0.5), np.int64(3), np.array(2)]) == [0.5, 3, 2]


def test_builtin_layout_is_that_of_keras():
    assert serialize_keras_object(pynn.initializers.GlorotUniform()) == {
        "module": "keras.initializers",
        "class_name": "GlorotUniform",
        "config": {"seed": None, "input_axes": None, "output_axes": None},
        "registered_name": None,
    }
    relu = {
        "module": "builtins",
        "class_name": "function",
        "config": "relu",
        "registered_name": "function",
    }
    assert serialize_keras_object(pynn.activations.relu) == relu
    assert deserialize_keras_object(relu) is pynn.activations.relu


@pytest.mark.parametrize(
    ("obj", "module"),
    [
        (pynn.regularizers.L2(0.5), "keras.regularizers"),
        (pynn.constraints.MaxNorm(3), "keras.constraints"),
        (pynn.losses.MeanSquaredError(), "keras.losses"),
        (pynn.metrics.MeanSquaredError(), "keras.metrics"),
        (pynn.optimizers.Adam(), "keras.optimizers"),
        (pynn.layers.Dense(3), "keras.layers"),
        (pynn.Sequential(), "keras"),
        (pynn.random.SeedGenerator(3), "keras.random"),
        (pynn.dtype_policies.DTypePolicy("mixed_bfloat16"), "keras"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_builtin_classes_name_their_keras_module(obj, module):
    config = json.loads(json.dumps(serialize_keras_object(obj)))
    assert (config["module"], config["class_name"]) == (module, type(obj).__name__)
    loaded = deserialize_keras_object(config)
    assert type(loaded) is type(obj)
    assert loaded.get_config() == obj.get_config()


def test_functional_model_carries_the_name_keras_gives_it():
    x = pynn.Input((2,))
    config = serialize_keras_object(pynn.Model(x, pynn.layers.Dense(1)(x)))
    assert config["module"] == "keras.src.models.functional"
    assert config["class_name"] == config["registered_name"] == "Functional"
    loaded = deserialize_keras_object(json.loads(json.dumps(config)))
    assert loaded.output_shape == (None, 1)


def test_registered_objects_round_trip():
    register_keras_serializable("mine")(Scale)
    register_keras_serializable("mine", "twice")(double)
    assert get_registered_name(Scale) == "mine>Scale"
    assert get_registered_object("mine>Scale") is Scale
    assert get_custom_objects()["mine>twice"] is double
    config = serialize_keras_object(Scale(2.0))
    assert (config["class_name"], config["registered_name"]) == ("Scale", "mine>Scale")
    assert through_json(Scale(2.0)).factor == 2.0
    assert through_json(double) is double


def test_custom_objects_and_nested_scopes():
    config = serialize_keras_object(Scale(2.0))
    with pytest.raises(TypeError, match="could not locate class 'Scale'"):
        deserialize_keras_object(config)
    assert deserialize_keras_object(config, {"Scale": Scale}).factor == 2.0
    with custom_object_scope({"Scale": Scale}), custom_object_scope({"other": 1}):
        assert deserialize_keras_object(config).factor == 2.0
    assert get_registered_object("Scale") is None


def test_custom_objects_reach_nested_configs():
    layer = pynn.layers.Dense(2, kernel_initializer=Scale(0.5))
    config = json.loads(json.dumps(serialize_keras_object(layer)))
    loaded = deserialize_keras_object(config, {"Scale": Scale})
    assert loaded.kernel_initializer.factor == 0.5


def test_unregistered_class_without_get_config_cannot_be_registered():
    class Bare:
        pass

    with pytest.raises(ValueError, match="get_config"):
        register_keras_serializable()(Bare)


@pytest.mark.parametrize("obj", [object(), Scale, {1, 2}, lambda x: x])
def test_what_cannot_be_saved_raises(obj):
    with pytest.raises(TypeError, match="serialize_keras_object: expected"):
        serialize_keras_object(obj)


def test_python_code_is_refused():
    config = {"class_name": "__lambda__", "config": {"value": ["4wEAAAA", None, None]}}
    for safe_mode in (True, False):
        with pytest.raises(ValueError, match="never runs"):
            deserialize_keras_object(config, safe_mode=safe_mode)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("subprocess", "Popen"),
        ("antigravity", "anything"),
        ("keras.utils", "get_file"),
        ("keras.saving", "CustomObjectScope"),
        ("keras.layers.dense.os", "system"),
        ("keras.src.layers.core.dense", "Dense"),
        ("pynn.saving.registry", "CustomObjectScope"),
        ("pynn.cli.demo", "Digits"),
        ("keras.layers", "__builtins__"),
        ("builtins", "eval"),
    ],
)
def test_a_config_cannot_name_code(module, name):
    before = set(sys.modules)
    for class_name in (name, "function"):
        config = {
            "module": module,
            "class_name": class_name,
            "config": name if class_name == "function" else {},
            "registered_name": name,
        }
        with pytest.raises(TypeError, match="could not locate"):
            deserialize_keras_object(config)
    assert set(sys.modules) == before


def test_functions_must_be_modelling_functions():
    for name in ("get", "deserialize", "serialize_keras_object", "get_from_registry", "name_table"):
        config = {"module": "builtins", "class_name": "function", "config": name}
        with pytest.raises(TypeError, match="could not locate function"):
            deserialize_keras_object(config)


def test_unknown_layer_suggests_the_nearest():
    config = {"module": "keras.layers", "class_name": "Dens", "config": {}, "registered_name": None}
    with pytest.raises(TypeError, match="Did you mean 'Dense'"):
        deserialize_keras_object(config)


def test_arguments_that_a_class_does_not_take_are_named():
    config = {"module": "keras.regularizers", "class_name": "L2", "config": {"l3": 1.0}}
    with pytest.raises(TypeError, match=r"L2 does not take its config .*l3"):
        deserialize_keras_object(config)


@pytest.mark.parametrize(
    "config",
    [
        object(),
        {"class_name": "function", "config": 3},
        {"class_name": "L2", "module": "keras.regularizers", "config": [1]},
        {"class_name": "__numpy__", "config": {"value": [1], "dtype": "object"}},
        {"class_name": ["L2"], "config": {}},
    ],
)
def test_malformed_configs_raise(config):
    with pytest.raises(TypeError):
        deserialize_keras_object(config)


def test_nothing_touches_the_file_system(tmp_path):
    os.chdir(tmp_path)
    through_json({"layer": serialize_keras_object(pynn.layers.Dense(1))})
    assert list(tmp_path.iterdir()) == []
