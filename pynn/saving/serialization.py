"""Objects to JSON-able configs and back, in the layout of Keras 3.

A config is `{"module", "class_name", "config", "registered_name"}` plus, for layers and models,
`build_config` and `compile_config`. Module names are Keras's, so that files travel both ways.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from pynn import _core
from pynn.saving import registry
from pynn.saving.errors import nearest_name

_PLAIN_TYPES = (str, int, float, bool)
_FUNCTION_TYPES = (FunctionType, BuiltinFunctionType, _core.Op)


def serialize_keras_object(obj: Any) -> Any:
    """Turn `obj` into a structure that `json.dumps` takes.

    Args:
        obj: None, a plain value, a list, tuple or dict of such, bytes, a slice, an array or tensor,
            a function, or any object with `get_config()`.

    Returns:
        Plain values as they are, everything else as a dict that `deserialize_keras_object` reads.

    Raises:
        TypeError: a lambda, a class, or an object without `get_config()`.

    >>> serialize_keras_object({"axis": (1, 2), "dtype": None})
    {'axis': (1, 2), 'dtype': None}
    >>> import pynn
    >>> serialize_keras_object(pynn.initializers.Ones())["module"]
    'keras.initializers'
    """
    if obj is None or isinstance(obj, _PLAIN_TYPES):
        return obj
    if isinstance(obj, tuple):
        return tuple(serialize_keras_object(item) for item in obj)
    if isinstance(obj, list):
        return [serialize_keras_object(item) for item in obj]
    if isinstance(obj, Mapping) and not hasattr(obj, "get_config"):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    special = _serialize_special(obj)
    if special is not None:
        return special
    if isinstance(obj, np.generic) or (isinstance(obj, np.ndarray) and obj.ndim == 0):
        return obj.item()
    if isinstance(obj, _FUNCTION_TYPES):
        return _serialize_function(obj)
    return _serialize_instance(obj)


def _serialize_special(obj: Any) -> dict[str, Any] | None:
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, slice):
        bounds = {"start": obj.start, "stop": obj.stop, "step": obj.step}
        return {"class_name": "__slice__", "config": serialize_keras_object(bounds)}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, _core.Tensor):
        value = {"value": obj.numpy().tolist(), "dtype": obj.dtype}
        return {"class_name": "__tensor__", "config": value}
    if isinstance(obj, np.ndarray) and obj.ndim > 0:
        value = {"value": obj.tolist(), "dtype": obj.dtype.name}
        return {"class_name": "__numpy__", "config": value}
    if hasattr(obj, "_keras_history") or type(obj).__name__ == "KerasTensor":
        return _serialize_keras_tensor(obj)
    return None


def _serialize_keras_tensor(tensor: Any) -> dict[str, Any]:
    history = getattr(tensor, "_keras_history", None)
    if history:
        operation, *position = history
        history = [operation.name, *position]
    config = {"shape": tuple(tensor.shape), "dtype": tensor.dtype, "keras_history": history}
    return {"class_name": "__keras_tensor__", "config": config}


def _serialize_function(fn: Any) -> dict[str, Any]:
    if fn.__name__ == "<lambda>":
        raise TypeError(
            "pynn.saving.serialize_keras_object: expected a named function; received a lambda. A "
            "saved model holds no code: define the function with a name and register it with "
            "@pynn.saving.register_keras_serializable()"
        )
    return {
        "module": "builtins",
        "class_name": "function",
        "config": registry.get_registered_name(fn),
        "registered_name": "function",
    }


def _serialize_instance(obj: Any) -> dict[str, Any]:
    if inspect.isclass(obj) or not hasattr(obj, "get_config"):
        raise TypeError(
            "pynn.saving.serialize_keras_object: expected a plain value, an array, a function or "
            f"an object with get_config(); received {obj!r} of type {type(obj).__name__}"
        )
    cls = type(obj)
    public = registry.public_class_name(cls)
    if public is not None:
        module: str | None
        module, class_name = public
        registered_name = class_name if class_name == "Functional" else None
    else:
        # A module called __main__ means nothing to the process that loads the file.
        module = None if cls.__module__ == "__main__" else cls.__module__
        class_name, registered_name = cls.__name__, registry.get_registered_name(cls)
    config = {
        "module": module,
        "class_name": class_name,
        "config": serialize_keras_object(obj.get_config()),
        "registered_name": registered_name,
    }
    for part in ("build_config", "compile_config"):
        part_config = getattr(obj, f"get_{part}", lambda: None)()
        if part_config is not None:
            config[part] = serialize_keras_object(part_config)
    return config


def deserialize_keras_object(
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
    *,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Rebuild what `serialize_keras_object` wrote, here or in Keras 3.

    Args:
        config: the structure to read.
        custom_objects: extra names, for this call and everything nested in it.
        safe_mode: accepted for compatibility; configs with Python code are refused either way.
        module_objects: names that a config without `module` may use (`{"class_name": "Ones"}`).

    Raises:
        TypeError: a class or function that is neither built in nor registered, or that does not
            take its config.
        ValueError: a config that carries Python code.

    >>> config = {"module": "keras.initializers", "class_name": "Constant",
    ...           "config": {"value": 3.0}, "registered_name": None}
    >>> deserialize_keras_object(config).value
    3.0
    """
    del safe_mode
    with registry.CustomObjectScope(custom_objects):
        return _deserialize(config, module_objects)


def _deserialize(config: Any, module_objects: Mapping[str, Any] | None = None) -> Any:
    if config is None or isinstance(config, _PLAIN_TYPES):
        return config
    if isinstance(config, (list, tuple)):
        return [_deserialize(item, module_objects) for item in config]
    if not isinstance(config, Mapping):
        raise TypeError(
            "pynn.saving.deserialize_keras_object: expected a config (dict, list or plain value); "
            f"received {config!r} of type {type(config).__name__}"
        )
    if "class_name" not in config or "config" not in config:
        return {key: _deserialize(value, module_objects) for key, value in config.items()}
    special = _SPECIAL.get(config["class_name"])
    if special is not None:
        return special(config["config"])
    if config["class_name"] == "function":
        return _deserialize_function(config, module_objects)
    return _deserialize_instance(config, module_objects)


def _deserialize_function(config: Mapping[str, Any], module_objects: Any) -> Any:
    name = config["config"]
    if not isinstance(name, str):
        raise TypeError(
            "pynn.saving.deserialize_keras_object: expected the name of a function in "
            f"'config'; received {name!r}"
        )
    found = registry.get_registered_object(name, module_objects=module_objects)
    if found is None:
        found = registry.builtin_function(name)
    if found is None:
        raise _not_found("function", name, config)
    return found


def _deserialize_instance(config: Mapping[str, Any], module_objects: Any) -> Any:
    cls = _find_class(config, module_objects)
    if not inspect.isclass(cls):  # a registered function, or an instance passed as custom object
        return cls
    from_config = getattr(cls, "from_config", None)
    if from_config is None:
        raise TypeError(
            "pynn.saving.deserialize_keras_object: expected a class with from_config(); "
            f"received {cls.__name__}"
        )
    inner = config["config"] if config["config"] is not None else {}
    if not isinstance(inner, Mapping):
        raise TypeError(
            f"pynn.saving.deserialize_keras_object: expected 'config' of {cls.__name__} to be a "
            f"dict; received {inner!r}"
        )
    try:
        instance = from_config(dict(inner))
    except TypeError as error:
        raise TypeError(
            f"pynn.saving.deserialize_keras_object: {cls.__name__} does not take its config "
            f"{dict(inner)!r}: {error}"
        ) from error
    _restore_state(instance, config)
    return instance


def _restore_state(instance: Any, config: Mapping[str, Any]) -> None:
    build_config = config.get("build_config")
    if build_config and not instance.built:
        instance.build_from_config(build_config)
        instance.built = True
    compile_config = config.get("compile_config")
    if compile_config:
        instance.compile_from_config(compile_config)


def _find_class(config: Mapping[str, Any], module_objects: Any) -> Any:
    class_name, module = config["class_name"], config.get("module")
    for name in (config.get("registered_name"), class_name):
        found = registry.get_registered_object(name) if isinstance(name, str) else None
        if found is not None:
            return found
    if isinstance(module, str) and isinstance(class_name, str):
        found = registry.builtin_class(module, class_name)
    elif module_objects is not None:
        found = module_objects.get(class_name)
    if found is None:
        raise _not_found("class", class_name, config)
    return found


def _not_found(what: str, name: Any, config: Mapping[str, Any]) -> TypeError:
    near = nearest_name(name, registry.known_class_names()) if what == "class" else None
    hint = f" Did you mean {near!r}?" if near and near != name else ""
    return TypeError(
        f"pynn.saving.deserialize_keras_object: could not locate {what} {name!r} "
        f"(module {config.get('module')!r}).{hint} Objects of your own must be registered with "
        "@pynn.saving.register_keras_serializable() or passed in custom_objects before loading"
    )


def _keras_tensor(config: Mapping[str, Any]) -> Any:
    from pynn.keras_tensor import KerasTensor  # saving lies below keras_tensor in the layering

    tensor: Any = KerasTensor(tuple(config["shape"]), dtype=config["dtype"])
    tensor._pre_serialization_keras_history = config["keras_history"]
    return tensor


def _array(config: Mapping[str, Any]) -> np.ndarray:
    return np.array(config["value"], dtype=_numpy_dtype(config["dtype"]))


def _numpy_dtype(name: str) -> np.dtype:
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    dtype = np.dtype(name)
    if dtype.hasobject:
        raise TypeError(
            f"pynn.saving.deserialize_keras_object: expected a numeric dtype; received {name!r}"
        )
    return dtype


def _slice(config: Mapping[str, Any]) -> slice:
    return slice(*(_deserialize(config[bound]) for bound in ("start", "stop", "step")))


def _refuse_code(config: Any) -> Any:
    raise ValueError(
        "pynn.saving.deserialize_keras_object: the config carries Python code (a lambda), which "
        "pynn never runs. Rebuild the model with a named, registered function"
    )


_SPECIAL = {
    "__tensor__": lambda config: _core.tensor(_array(config)),
    "__numpy__": _array,
    "__bytes__": lambda config: config["value"].encode("utf-8"),
    "__ellipsis__": lambda config: Ellipsis,
    "__slice__": _slice,
    "__keras_tensor__": _keras_tensor,
    "__lambda__": _refuse_code,
}
