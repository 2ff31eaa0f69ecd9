"""Lambda: a function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from pynn import shape_inference, tree
from pynn.layers.arguments import tensors_of_shape
from pynn.layers.layer import Layer
from pynn.saving import deserialize_keras_object, serialize_keras_object


class Lambda(Layer):
    """A function as a layer.

    A config names the function and never holds its code: a lambda cannot be saved, and a config or
    file with code in it is refused, whatever `safe_mode` is. To save a model, give the function a
    name and register it with `@pynn.saving.register_keras_serializable()`.

    Args:
        function: takes the input (a tensor or structure of tensors), and `mask` and `training` if
            it has parameters of these names.
        output_shape: shape of the output without the batch axis (a tuple, or a structure of them),
            or a function of the whole input shape; found out by default.
        mask: mask of the output, or a function of the input and its mask; None: no mask.
        arguments: further arguments of the function, by name.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        TypeError: `function` cannot be called.
        ValueError: later, a config with code in it.

    >>> pynn.layers.Lambda(lambda x, factor: factor * x, arguments={"factor": 3.0})(
    ...     pynn.ops.ones((1, 2))
    ... ).numpy()
    array([[3., 3.]], dtype=float32)
    """

    def __init__(
        self,
        function: Any,
        output_shape: Any = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(
                f"pynn.Lambda: expected function, something to call; received {function!r}"
            )
        self.arguments = dict(arguments or {})
        self.function = function
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        names = _parameters(function)
        self._takes_training = "training" in names
        self._takes_mask = "mask" in names

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """Compute the output."""
        arguments = dict(self.arguments)
        if self._takes_mask:
            arguments["mask"] = mask
        if self._takes_training:
            arguments["training"] = training
        return self.function(inputs, **arguments)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape for an input shape.

        Raises:
            NotImplementedError: it was not given, and the function fails on such inputs.
        """
        given = self._output_shape
        if callable(given):
            return given(input_shape)
        if given is not None:
            batch = tree.flatten(input_shape)[0]
            return tree.map_shape_structure(lambda shape: (batch, *shape), given)
        outputs = self._inferred(tensors_of_shape(input_shape, self.compute_dtype))
        return tree.map_structure(lambda x: x.shape, outputs)

    def compute_output_spec(
        self, inputs: Any, mask: Any = None, training: bool | None = None
    ) -> Any:
        """Return the outputs for symbolic inputs as KerasTensors."""
        if self._output_shape is None:
            return self._inferred(inputs, mask=mask, training=training)
        shapes = tree.map_structure(lambda x: x.shape, inputs)
        return tensors_of_shape(self.compute_output_shape(shapes), self.compute_dtype)

    def _inferred(self, inputs: Any, **kwargs: Any) -> Any:
        try:
            return shape_inference.compute_output_spec(self.call, inputs, **kwargs)
        except Exception as error:
            raise NotImplementedError(
                f"pynn.Lambda: expected output_shape, because the function of layer {self.name!r} "
                f"fails on symbolic inputs of shape {tree.map_structure(lambda x: x.shape, inputs)}"
                f": {error}"
            ) from error

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask that was given, or what the function that was given makes of the input."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serialized.

        Raises:
            TypeError: one of the functions is a lambda, which has no name to save.
        """
        parts = {"function": self.function, "output_shape": self._output_shape, "mask": self.mask}
        config = {k: self._serialized(k, v) for k, v in parts.items() if v is not None}
        config["arguments"] = serialize_keras_object(dict(self.arguments))
        return {**super().get_config(), **config}

    _not_in_config = ("function", "output_shape", "mask", "arguments")

    def _serialized(self, argument: str, value: Any) -> Any:
        if getattr(value, "__name__", None) == "<lambda>":
            raise TypeError(
                f"pynn.Lambda: expected {argument}, a named function, to make a config of layer "
                f"{self.name!r}; received a lambda. A config holds no code: define the function "
                "with a name and register it with "
                "@pynn.saving.register_keras_serializable()"
            )
        return serialize_keras_object(value)

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        custom_objects: Mapping[str, Any] | None = None,
        safe_mode: bool | None = None,
    ) -> Any:
        """Make a layer from what `get_config()` returned, here or in Keras.

        Args:
            config: the config.
            custom_objects: functions by name, for functions that are not registered.
            safe_mode: accepted for compatibility; code is refused either way.

        Raises:
            TypeError: a function is neither registered nor in `custom_objects`.
            ValueError: the config has code in it.
        """
        del safe_mode
        config = dict(config)
        for key in ("function", "output_shape", "mask", "arguments"):
            if key in config:
                _refuse_code(key, config[key])
                config[key] = deserialize_keras_object(config[key], custom_objects=custom_objects)
        config["output_shape"] = tree.lists_to_tuples(config.get("output_shape"))
        return super().from_config(config)


def _parameters(function: Any) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except ValueError:  # a function of C, which says nothing about itself
        return []


def _refuse_code(argument: str, config: Any) -> None:
    if isinstance(config, Mapping) and config.get("class_name") == "__lambda__":
        raise ValueError(
            f"pynn.Lambda: expected {argument} by name in the config; received Python code, which "
            "pynn never runs, whatever safe_mode is. Rebuild the model with a named function that "
            "is registered with @pynn.saving.register_keras_serializable()"
        )
