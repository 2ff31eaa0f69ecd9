"""Sequential: a stack of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pynn import dtype_policies, shape_inference, tree
from pynn.keras_tensor import KerasTensor
from pynn.layers.arguments import CallSpec, get_mask, set_mask, tensors_of_shape
from pynn.layers.input_layer import InputLayer
from pynn.layers.layer import Layer
from pynn.models.model import Model
from pynn.node import node_of
from pynn.saving import deserialize_keras_object, serialize_keras_object


class Sequential(Model):
    """A stack of layers, each called on the output of the one before.

    The weights are made when the input shape is known: at once if the first layer is a
    `pynn.Input`, else at the first call, `fit` or `build`.

    Args:
        layers: the layers, or a first `pynn.Input(...)` and layers.
        trainable: whether the optimizer updates the weights.
        name: a name.

    Raises:
        ValueError: something is not a layer, two layers have the same name, or an Input is not the
            first.

    >>> model = pynn.Sequential([pynn.Input((4,)), pynn.layers.Dense(3), pynn.layers.Dense(1)])
    >>> model.output_shape
    (None, 1)
    """

    def __init__(
        self,
        layers: Sequence[Any] | None = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(trainable=trainable, name=name, **kwargs)
        # The symbolic tensor in front of the first layer and behind each layer; None: not known.
        self._tensors: list[Any] | None = None
        self._input: KerasTensor | None = None
        self._stack: list[Layer] = []
        for layer in layers or ():
            self._append(layer)
        self._build_if_possible()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer on top of the stack.

        Args:
            layer: a layer or `pynn.Input(...)`.
            rebuild: whether to build it now, if the input shape is known.

        Raises:
            ValueError: it is not a layer, its name is taken, or an Input is not the first.
        """
        self._append(layer)
        if rebuild:
            self._build_if_possible()
        else:
            self.built = False
            self._tensors = None

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the top layer off the stack and return it.

        Raises:
            IndexError: there is no layer.
        """
        if not self._stack:
            raise IndexError("pynn.Sequential.pop: expected at least one layer; there is none")
        layer = self._stack.pop()
        self._tracker.untrack(layer)
        if self._tensors is not None and len(self._tensors) > len(self._stack) + 1:
            self._tensors.pop()
        if not self._stack or not rebuild:
            self.built = False
            self._tensors = None
        return layer

    def _append(self, layer: Any) -> None:
        if isinstance(layer, KerasTensor):  # what pynn.Input() returns
            node = node_of(layer)
            layer = layer if node is None else node.operation
        if not isinstance(layer, Layer):
            raise ValueError(
                f"pynn.Sequential: expected layers; received {layer!r} of type "
                f"{type(layer).__name__}"
            )
        if isinstance(layer, InputLayer):
            if self._stack or self._input is not None:
                raise ValueError(
                    "pynn.Sequential: expected an Input as the first layer only; received "
                    f"{layer.name!r} behind {len(self._stack)} layer(s)"
                )
            self._input = layer.output
            return
        if any(other.name == layer.name for other in self._stack):
            raise ValueError(
                f"pynn.Sequential {self.name!r}: expected layers with different names; received "
                f"two named {layer.name!r}"
            )
        if not self._stack and self._input is None:
            self._input = _input_of(layer)
        locked, self._tracker.locked = self._tracker.locked, False
        self._stack.append(layer)
        self._tracker.locked = locked

    def _build_if_possible(self) -> None:
        if self._input is not None and self._stack:
            self.build(self._input.shape)

    def build(self, input_shape: Any = None) -> None:
        """Make the weights of all layers for an input of this shape, batch axis included.

        Raises:
            ValueError: the model has no layers, or neither an Input nor a shape.
        """
        if not self._stack:
            raise ValueError(
                f"pynn.Sequential {self.name!r}: expected at least one layer before it is built; "
                "add some with model.add(layer)"
            )
        if self._input is None:
            if input_shape is None:
                raise ValueError(
                    f"pynn.Sequential {self.name!r}: expected an input_shape, or an Input as the "
                    "first layer; received neither"
                )
            if not _is_shape(input_shape):  # the first layer takes several tensors
                inputs = tensors_of_shape(input_shape, self.compute_dtype)
                shape_inference.compute_output_spec(self.call, inputs)
                return
            self._input = _new_input(input_shape, self.input_dtype)
        self._extend_tensors()

    def _build_for(self, spec: CallSpec) -> None:
        shape = next(iter(spec.shapes().values()), None)
        if shape and _is_shape(shape):
            shape = (None, *shape[1:])  # the batch size of one call says nothing about the next
        self.build(shape)

    def _extend_tensors(self) -> None:
        """Call on symbolic tensors the layers that were not called yet."""
        if self._tensors is None:
            self._tensors = [self._input]
        while len(self._tensors) <= len(self._stack):
            layer = self._stack[len(self._tensors) - 1]
            self._tensors.append(layer(self._tensors[-1]))

    def call(
        self, inputs: Any, training: bool | None = None, mask: Any = None, **kwargs: Any
    ) -> Any:
        """Call the layers one after the other. `training` reaches them through the context."""
        del training
        if not self._stack:
            raise ValueError(f"pynn.Sequential {self.name!r}: expected at least one layer to call")
        if mask is not None and get_mask(inputs) is None:
            set_mask(inputs, mask)
        x = inputs
        for layer in self._stack:
            x = layer(x, **_accepted(layer, kwargs)) if kwargs else layer(x)
        return x

    def _hand_on_masks(self, spec: CallSpec, outputs: Any) -> None:
        """The last layer has done it."""

    def compute_output_spec(
        self, inputs: Any, training: bool | None = None, mask: Any = None, **kwargs: Any
    ) -> Any:
        """Return the output for a symbolic input."""
        del training, mask
        for layer in self._stack:
            given = _accepted(layer, kwargs)
            # An unbuilt layer is called, which builds it.
            inputs = (layer.compute_output_spec if layer.built else layer)(inputs, **given)
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape for an input shape."""
        for layer in self._stack:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the Input."""
        return list(self._stack)

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError("pynn.Sequential.layers: expected not to be set; use add() and pop()")

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic input, in a list."""
        return [self._tensor("inputs", 0)]

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic output, in a list."""
        return [self._tensor("outputs", -1)]

    @property
    def input(self) -> KerasTensor:
        """The symbolic input."""
        return self._tensor("input", 0)

    @property
    def output(self) -> Any:
        """The symbolic output."""
        return self._tensor("output", -1)

    @property
    def input_shape(self) -> Any:
        """The shape of the input."""
        return self._tensor("input_shape", 0).shape

    @property
    def output_shape(self) -> Any:
        """The shape of the output."""
        return tree.map_structure(lambda x: x.shape, self._tensor("output_shape", -1))

    @property
    def input_dtype(self) -> str:
        """The dtype that float inputs are cast to: that of the first layer."""
        return self._stack[0].input_dtype if self._stack else super().input_dtype

    def _tensor(self, what: str, index: int) -> Any:
        if self._tensors is None:
            raise AttributeError(
                f"pynn.Sequential.{what}: expected a model that knows its input shape; "
                f"{self.name!r} is not built. Start it with pynn.Input(shape), or call "
                "build(input_shape)"
            )
        return self._tensors[index]

    def get_config(self) -> dict[str, Any]:
        """Return the layers and their configs."""
        layers: list[Any] = list(self._stack)
        if self._input is not None:
            layers.insert(0, self._input._keras_history.operation)
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": dtype_policies.serialize(self.dtype_policy),
            "layers": [serialize_keras_object(layer) for layer in layers],
        }
        if self._tensors is not None:
            config["build_input_shape"] = self.input_shape
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
        """Make a model from what `get_config()` returned."""
        if "layers" not in config:
            return super().from_config(config)
        model = cls(name=config.get("name"))
        if config.get("dtype") is not None:
            model.dtype_policy = config["dtype"]
        for layer in config["layers"]:
            model._append(deserialize_keras_object(layer, custom_objects=custom_objects))
        shape = config.get("build_input_shape")
        if model._input is not None:
            model._build_if_possible()
        elif shape and model._stack:
            model.build(tree.map_shape_structure(tuple, shape))
        if config.get("trainable") is False:
            model._trainable = False
        return model


def _is_shape(shape: Any) -> bool:
    return all(d is None or isinstance(d, int) for d in shape)


def _accepted(layer: Layer, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The call arguments that the layer takes."""
    return {k: v for k, v in kwargs.items() if k in layer._call_signature.parameters}


def _new_input(shape: Any, dtype: str) -> KerasTensor:
    return InputLayer(batch_shape=shape, dtype=dtype).output


def _input_of(layer: Layer) -> KerasTensor | None:
    """The Input that a first layer implies: by `input_shape`, or because it is a built model."""
    if layer._input_shape_arg is not None:
        return _new_input((None, *layer._input_shape_arg), layer.compute_dtype)
    inputs = getattr(layer, "inputs", None) if isinstance(layer, Model) and layer.built else None
    if inputs is None or len(inputs) != 1:
        return None
    return _new_input(inputs[0].shape, inputs[0].dtype)
