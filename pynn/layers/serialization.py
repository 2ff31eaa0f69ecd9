"""Layers to configs and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pynn.layers.layer import Layer
from pynn.saving import deserialize_keras_object, serialize_keras_object


def serialize(layer: Layer) -> dict[str, Any]:
    """Return a layer's class and config as a dict that `json.dumps` takes.

    >>> pynn.layers.serialize(pynn.layers.Dense(3))["class_name"]
    'Dense'
    """
    return serialize_keras_object(layer)


def deserialize(
    config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Layer:
    """Return a new layer from what `serialize` wrote.

    Args:
        config: the dict.
        custom_objects: classes by name, for classes that are neither pynn's nor registered.

    Raises:
        ValueError: the config is not that of a layer.

    >>> pynn.layers.deserialize(pynn.layers.serialize(pynn.layers.Dense(3))).units
    3
    """
    layer = deserialize_keras_object(config, custom_objects=custom_objects)
    if not isinstance(layer, Layer):
        raise ValueError(
            f"pynn.layers.deserialize: expected the config of a layer; received {dict(config)}"
        )
    return layer
