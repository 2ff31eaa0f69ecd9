"""Wrapper: the base of layers around another layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pynn.layers.layer import Layer
from pynn.saving import deserialize_keras_object, serialize_keras_object


class Wrapper(Layer):
    """Base of layers that hold another layer and change how it is applied.

    Args:
        layer: the layer inside; its weights are those of the wrapper.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: `layer` is not a layer.

    >>> class Twice(pynn.layers.Wrapper):
    ...     def call(self, inputs):
    ...         return self.layer(self.layer(inputs))
    >>> Twice(pynn.layers.Dense(2, kernel_initializer="ones"))(pynn.ops.ones((1, 2))).numpy()
    array([[4., 4.]], dtype=float32)
    """

    _not_in_config: tuple[str, ...] = ("layer",)

    def __init__(self, layer: Any, **kwargs: Any):
        if not isinstance(layer, Layer):
            raise ValueError(
                f"pynn.{type(self).__name__}: expected layer, a layer; received {layer!r} of type "
                f"{type(layer).__name__}"
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside."""
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serialized."""
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Make a layer from what `get_config()` returned.

        Args:
            config: the config.
            custom_objects: classes by name, for a layer inside that is not registered.

        Raises:
            TypeError: the layer inside is of an unknown class.
        """
        layer = deserialize_keras_object(config["layer"], custom_objects=custom_objects)
        return super().from_config({**config, "layer": layer})
