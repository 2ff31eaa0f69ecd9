"""Functional: a model that is a graph of layers between symbolic inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pynn import _core, ops, tree
from pynn.functional_graph import Function
from pynn.keras_tensor import KerasTensor
from pynn.layers.arguments import CallSpec, is_tensor, set_mask
from pynn.layers.input_layer import InputLayer
from pynn.layers.input_spec import InputSpec
from pynn.layers.layer import Layer
from pynn.layers.tracking import no_automatic_dependency_tracking
from pynn.models.graph_config import graph_config, read_graph
from pynn.models.model import Model
from pynn.node import node_of
from pynn.operation import init_signature
from pynn.trainer import Trainer


class Functional(Function, Model):
    """What `pynn.Model(inputs, outputs)` returns.

    Args:
        inputs: a KerasTensor or a structure (list, tuple, dict) of them.
        outputs: the same.
        name: a name.
        kwargs: `trainable`.

    Raises:
        ValueError: an input or output is no KerasTensor, an output does not depend on the inputs
            only, or two layers have the same name.

    >>> a, b = pynn.Input((2,), name="a"), pynn.Input((2,), name="b")
    >>> model = pynn.Model({"a": a, "b": b}, pynn.layers.Add()([a, b]))
    >>> one = pynn.ops.ones((1, 2))
    >>> model({"a": one, "b": one}).numpy()
    array([[2., 2.]], dtype=float32)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an instance without the dispatch of `Model(inputs, outputs)`."""
        return Layer.__new__(cls, *args, **kwargs)

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any):
        trainable = kwargs.pop("trainable", None)
        Layer.__init__(self, name=name, **kwargs)
        Trainer.__init__(self)
        inputs, outputs = _begin_with_inputs(inputs, outputs)
        self._set_graph(inputs, outputs)
        for operation in self._operations:
            self._tracker.track(operation)
        _check_unique_names(self)
        self._input_names = [x._keras_history.operation.name for x in self._inputs]
        self._input_spec = self._make_input_specs()
        # Inputs are cast to the dtypes of the graph's inputs, not to the model's own.
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.built = True
        self._tracker.locked = True
        if trainable is not None:
            self.trainable = trainable

    @no_automatic_dependency_tracking
    def _set_graph(self, inputs: Any, outputs: Any) -> None:
        # The structures stay what the user gave; the layers are tracked in the graph's order.
        super()._set_graph(inputs, outputs)

    @property
    def layers(self) -> list[Layer]:
        """The layers of the graph, inputs first; ops are not among them."""
        return [op for op in self._operations if isinstance(op, Layer)]

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError("pynn.Model.layers: expected not to be set; it follows from the graph")

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs, in the order of `inputs`."""
        return list(self._input_names)

    @property
    def output_names(self) -> list[str]:
        """Names of the layers that make the outputs, in the order of `outputs`."""
        return [x._keras_history.operation.name for x in self._outputs]

    @property
    def input(self) -> Any:
        """The symbolic inputs in their structure."""
        return self._inputs_struct

    @property
    def output(self) -> Any:
        """The symbolic outputs in their structure."""
        return self._outputs_struct

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or a list of shapes."""
        shapes = [x.shape for x in self._inputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or a list of shapes."""
        shapes = [x.shape for x in self._outputs]
        return shapes[0] if len(shapes) == 1 else shapes

    def _make_input_specs(self) -> list[InputSpec]:
        names: list[Any] = self._input_names
        if isinstance(self._inputs_struct, dict):
            paths = [path for path, _ in tree.flatten_with_path(self._inputs_struct)]
            names = [path[0] if len(path) == 1 else None for path in paths]
        return [_spec_of(x, name) for x, name in zip(self._inputs, names, strict=True)]

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Compute the outputs. `training` reaches the layers through the context of the call."""
        del training
        values = self._match_inputs(inputs)
        if mask is not None:
            for x, m in zip(values, tree.flatten(mask), strict=True):
                if x is not None and m is not None:
                    set_mask(x, m)
        return self._run(values)

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Return the outputs for symbolic inputs of other sizes."""
        del training, mask
        return Function.compute_output_spec(self, self._match_inputs(inputs))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shapes of the outputs for the shapes of the inputs."""
        return Function.compute_output_shape(self, input_shape)

    def build(self, input_shape: Any) -> None:
        """Nothing is left to build: the graph was built when its layers were called."""

    def get_build_config(self) -> dict[str, Any]:
        """Return the input shapes that the model was built for."""
        return {"input_shape": None}

    def build_from_config(self, config: Any) -> None:
        """Nothing is left to build."""

    def get_config(self) -> dict[str, Any]:
        """Return the graph: layers with their configs, and the calls that connect them.

        A subclass with a constructor of its own returns its constructor's arguments instead.
        """
        if not _has_graph_constructor(type(self)):
            return Model.get_config(self)
        return graph_config(self)

    def _hand_on_masks(self, spec: CallSpec, outputs: Any) -> None:
        """The layers of the graph have done it."""

    def add_loss(self, loss: Any) -> None:
        """Not for functional models: compute the loss in a layer's `call` and add it there."""
        raise NotImplementedError(
            "pynn.Functional.add_loss: expected add_loss in the call() of a layer of the model; "
            "a functional model has no place of its own to compute one"
        )

    def _match_inputs(self, inputs: Any) -> list[Any]:
        """Put data into the order, rank and dtype of the graph's inputs."""
        values = self._in_order(inputs)
        if len(values) != len(self._inputs):
            raise ValueError(
                f"pynn.Model {self.name!r}: expected {len(self._inputs)} input(s), "
                f"{self._input_names}; received {len(values)}"
            )
        return [
            None if x is None else _fit_to(x, reference, name, self.name)
            for x, reference, name in zip(values, self._inputs, self._input_names, strict=True)
        ]

    def _in_order(self, inputs: Any) -> list[Any]:
        if not isinstance(inputs, dict):
            return tree.flatten(inputs)
        if isinstance(self._inputs_struct, dict):
            names: list[str] = sorted(self._inputs_struct)
        else:
            names = self._input_names
        missing = [name for name in names if name not in inputs]
        if missing:
            raise ValueError(
                f"pynn.Model {self.name!r}: expected inputs named {names}; received "
                f"{sorted(inputs)}, without {missing}"
            )
        return [inputs[name] for name in names]


def functional_from_config(cls: type, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
    """Make a functional model from `Functional.get_config()`, Keras's or ours.

    Args:
        cls: the class to make; a subclass with another constructor gives a plain Functional.
        config: the graph.
        custom_objects: classes by name, for classes that are neither pynn's nor registered.
    """
    inputs, outputs = read_graph(config, custom_objects)
    if not issubclass(cls, Functional) or not _has_graph_constructor(cls):
        cls = Functional
    model = cls(inputs=inputs, outputs=outputs, name=config.get("name"))
    trainable = config.get("trainable")
    if trainable is False:
        model._trainable = False
    return model


def clone_graph(
    inputs: Any, outputs: Any, call: Callable[[Any], Callable[..., Any]] | None = None
) -> tuple[Any, Any]:
    """Apply the operations between `inputs` and `outputs` again, from new Inputs.

    Args:
        inputs: a structure of KerasTensors.
        outputs: a structure of KerasTensors computed from them.
        call: maps each operation to what is applied in its place.

    Returns:
        (new inputs, new outputs) in the same structures.
    """
    new_inputs = tree.map_structure(_new_input, inputs)
    function = Function(inputs, outputs)
    return new_inputs, function._run(tree.flatten(new_inputs), call)


def _new_input(x: KerasTensor) -> KerasTensor:
    node = node_of(x)
    operation = None if node is None else node.operation
    optional = isinstance(operation, InputLayer) and operation.optional
    name = operation.name if isinstance(operation, InputLayer) else None
    layer = InputLayer(batch_shape=x.shape, dtype=x.dtype, optional=optional, name=name)
    return layer.output


def _begin_with_inputs(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """Let the graph begin with Inputs where it begins with tensors in the middle of another."""
    leaves = tree.flatten(inputs)
    for x in leaves:
        if not isinstance(x, KerasTensor):
            raise ValueError(
                "pynn.Model: expected inputs that are KerasTensors, as pynn.Input() returns; "
                f"received {x!r} of type {type(x).__name__}"
            )
    if len({id(x) for x in leaves}) != len(leaves):
        raise ValueError("pynn.Model: expected each input once; received one more than once")
    if all(_is_input(x) for x in leaves):
        return inputs, outputs
    return clone_graph(inputs, outputs)


def _is_input(x: KerasTensor) -> bool:
    node = node_of(x)
    return node is not None and isinstance(node.operation, InputLayer)


def _check_unique_names(model: Functional) -> None:
    seen: set[str] = set()
    for operation in model.operations:
        if operation.name in seen:
            raise ValueError(
                f"pynn.Model {model.name!r}: expected layers with different names; received two "
                f"named {operation.name!r}"
            )
        seen.add(operation.name)


def _spec_of(x: KerasTensor, name: str | None) -> InputSpec:
    layer: Any = x._keras_history.operation
    # The batch size of the data may differ from the one that the graph was made with.
    shape = (None, *x.shape[1:]) if x.shape else ()
    return InputSpec(shape=shape, allow_last_axis_squeeze=True, name=name, optional=layer.optional)


def _fit_to(x: Any, reference: KerasTensor, name: str, model_name: str) -> Any:
    """Cast to the dtype of the graph's input; add or drop a last axis of size 1 if that fits."""
    if not is_tensor(x):
        x = _core.tensor(x)
    rank, expected = len(x.shape), len(reference.shape)
    if rank == expected + 1 and x.shape[-1] == 1:
        x = ops.squeeze(x, axis=-1)
    elif rank == expected - 1 and reference.shape[-1] == 1:
        x = ops.expand_dims(x, axis=-1)
    elif rank != expected:
        raise ValueError(
            f"pynn.Model {model_name!r}: expected input {name!r} of shape {reference.shape}; "
            f"received shape={tuple(x.shape)}"
        )
    if x.dtype != reference.dtype and not isinstance(x, KerasTensor):
        x = _core.cast(x, reference.dtype)
    return x


def _has_graph_constructor(cls: type) -> bool:
    """Whether `cls(inputs=..., outputs=..., name=...)` makes a model of the class."""
    parameters = init_signature(cls).parameters.values()
    names = {p.name for p in parameters}
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return any(p.kind is p.VAR_KEYWORD for p in parameters)
    return {"inputs", "outputs", "name"} <= names
