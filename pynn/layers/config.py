"""Configs of layers, read from the signatures of their constructors."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from pynn import activations, constraints, dtype_policies, initializers, regularizers, tree
from pynn.layers.stateless import StatelessCall
from pynn.operation import init_signature

# Arguments that are objects, by the last word of their names.
_SERIALIZERS = {
    "activation": activations.serialize,
    "initializer": initializers.serialize,
    "regularizer": regularizers.serialize,
    "constraint": constraints.serialize,
}
_BASE_ARGUMENTS = (
    "self", "name", "trainable", "dtype", "autocast", "activity_regularizer", "regularizer",
)  # fmt: skip


def _library_class(cls: type) -> type | None:
    """The class of pynn whose constructor makes a config of `cls` complete, if there is one.

    A user's subclass of `Dense` has at least the config of `Dense`.
    """
    for base in cls.__mro__:
        if base.__module__.startswith("pynn.layers.") and "__init__" in vars(base):
            return base if not base.__module__.endswith(".layer") else None
    return None


def _constructor_arguments(layer: Any, cls: type) -> dict[str, Any]:
    """The values of the constructor's arguments, read from attributes of the same names."""
    return {
        name: _serialize(name, getattr(layer, name))
        for name in _named_parameters(cls)
        if name not in _BASE_ARGUMENTS and name not in getattr(cls, "_not_in_config", ())
    }


def argument_names(cls: type) -> list[str]:
    """What the constructor of `cls` takes, for error messages."""
    names = [name for name in _named_parameters(cls) if name != "self"]
    return names + [n for n in ("name", "trainable", "dtype") if n not in names]


def _accepted_names(cls: type) -> set[str] | None:
    """The keyword arguments that the constructor takes; None: any."""
    parameters = init_signature(cls).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return {p.name for p in parameters}


def _named_parameters(cls: type) -> list[str]:
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [name for name, p in init_signature(cls).parameters.items() if p.kind not in kinds]


def _serialize(name: str, value: Any) -> Any:
    serializer = _SERIALIZERS.get(name.rpartition("_")[2])
    return value if value is None or serializer is None else serializer(value)


# Entries that every layer's config has, and the attributes that they set.
_BASE_CONFIG = {"name": "name", "trainable": "trainable", "dtype": "dtype_policy"}


def _split_config(cls: type, config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Entries for the constructor, and base entries that it does not take, to be set afterwards."""
    accepted = _accepted_names(cls)
    if accepted is None:
        return dict(config), {}
    arguments, late = {}, {}
    for key, value in config.items():
        if key in accepted or key not in _BASE_CONFIG:
            arguments[key] = value
        else:
            late[_BASE_CONFIG[key]] = value
    return arguments, late


class LayerConfig(StatelessCall):
    """Base of `Layer`: what makes an equal layer, and what builds it."""

    _activity_regularizer: Any
    _regularizer: Any
    _build_shapes: dict[str, Any] | None

    def build(self, input_shape: Any) -> None:
        """Make the weights for inputs of this shape. A layer is built once, before its first call.

        Args:
            input_shape: shape of the first call argument (a structure of shapes for a structure of
                tensors). A `build` with several parameters gets the shapes of the call arguments
                that they name: `build(self, query_shape, value_shape)`.
        """

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serialized.

        Layers of pynn list the arguments of their constructor. A subclass without a `get_config` of
        its own returns what its constructor was given; one that has its own gets from here what
        every layer has (name, trainable, dtype) and adds the rest.

        Raises:
            NotImplementedError: a constructor argument cannot be serialized, and the class does
                not override this method.
        """
        self._check_super_called()
        base = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": dtype_policies.serialize(self._dtype_policy),
        }
        if self._activity_regularizer is not None:
            base["activity_regularizer"] = regularizers.serialize(self._activity_regularizer)
        if self._regularizer is not None:
            base["regularizer"] = regularizers.serialize(self._regularizer)
        library_class = _library_class(type(self))
        if library_class is not None:
            return {**base, **_constructor_arguments(self, library_class)}
        if not type(self).get_config.__module__.startswith("pynn."):
            return base
        return {**self._constructor_config(), **base}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Make a layer from what `get_config()` returned.

        Raises:
            TypeError: the constructor does not take the config's entries.
        """
        arguments, late = _split_config(cls, config)
        layer = super().from_config(arguments)
        for name, value in late.items():
            setattr(layer, name, value)
        return layer

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the input shapes that the layer was built for; None before."""
        if not self._build_shapes:
            return None
        if len(self._build_shapes) == 1:
            return {"input_shape": next(iter(self._build_shapes.values()))}
        return {"shapes_dict": dict(self._build_shapes)}

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Build the layer for the shapes of `get_build_config()`."""
        if not config or self.built:
            return
        if "shapes_dict" in config:
            shapes = config["shapes_dict"]
            self.build(**{k: tree.map_shape_structure(tuple, v) for k, v in shapes.items()})
        elif "input_shape" in config:
            self.build(tree.map_shape_structure(tuple, config["input_shape"]))
