"""The config of a functional model, in Keras's format: layers, and the calls that connect them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pynn import tree
from pynn.keras_tensor import KerasTensor
from pynn.node import Node
from pynn.operation import (
    OpCall,
    Operation,
    deserialize_op_call,
    is_op_config,
    serialize_op_call,
)
from pynn.saving import deserialize_keras_object, serialize_keras_object


def graph_config(model: Any) -> dict[str, Any]:
    """Return the config of a functional model.

    Each entry of `layers` is the config of an operation, with `inbound_nodes`: the arguments of its
    calls, in which a tensor is named by (operation, number of the call, number of the output).
    """
    numbers = _number_calls(model)
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": [_operation_config(operation, numbers) for operation in model.operations],
        "input_layers": _places(model._inputs_struct, numbers),
        "output_layers": _places(model._outputs_struct, numbers),
    }


def _number_calls(model: Any) -> dict[Node, int]:
    """Number the calls of each operation that belong to the graph; it may have others."""
    inside = set(model._nodes)
    numbers: dict[Node, int] = {}
    for operation in model.operations:
        calls = [node for node in operation._inbound_nodes if node in inside]
        numbers.update((node, i) for i, node in enumerate(calls))
    return numbers


def _operation_config(operation: Operation, numbers: Mapping[Node, int]) -> dict[str, Any]:
    if isinstance(operation, OpCall):
        config = serialize_op_call(operation)
    else:
        config = serialize_keras_object(operation)
    config["name"] = operation.name
    config["inbound_nodes"] = [
        {
            "args": tuple(_serialize_argument(x, numbers) for x in node.args),
            "kwargs": {k: _serialize_argument(x, numbers) for k, x in node.kwargs.items()},
        }
        for node in operation._inbound_nodes
        if node in numbers and not node.is_input
    ]
    return config


def _serialize_argument(argument: Any, numbers: Mapping[Node, int]) -> Any:
    def serialize(x: Any) -> Any:
        if not isinstance(x, KerasTensor):
            return serialize_keras_object(x)
        config = {"shape": x.shape, "dtype": x.dtype, "keras_history": _place(x, numbers)}
        return {"class_name": "__keras_tensor__", "config": config}

    return tree.map_structure(serialize, argument)


def _place(x: KerasTensor, numbers: Mapping[Node, int]) -> list[Any]:
    history = x._keras_history
    return [history.operation.name, numbers[history.node], history.tensor_index]


def _places(struct: Any, numbers: Mapping[Node, int]) -> Any:
    return tree.map_structure(lambda x: _place(x, numbers), struct)


def read_graph(
    config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> tuple[Any, Any]:
    """Make the layers of a graph and call them as the config says.

    Args:
        config: what `graph_config` or Keras returned.
        custom_objects: classes by name, for classes that are neither pynn's nor registered.

    Returns:
        (inputs, outputs): structures of KerasTensors.

    Raises:
        ValueError: a call needs a tensor that no call of the config makes.
    """
    operations = {
        entry.get("name") or entry["config"]["name"]: _make_operation(entry, custom_objects)
        for entry in config["layers"]
    }
    # Tensors are found by position among the calls of this graph; a layer that is built by calling
    # it, as a nested model is, may have calls from elsewhere in front.
    offsets = {name: _first_call(operation) for name, operation in operations.items()}

    def find(place: Any) -> KerasTensor | None:
        name, call, output = place[:3]
        nodes = operations[name]._inbound_nodes if name in operations else []
        index = offsets.get(name, 0) + call
        return nodes[index].outputs[output] if index < len(nodes) else None

    waiting = [
        (operations[entry.get("name") or entry["config"]["name"]], node)
        for entry in config["layers"]
        for node in entry["inbound_nodes"]
    ]
    _call_all(waiting, find)
    return _resolve(config["input_layers"], find), _resolve(config["output_layers"], find)


def _make_operation(
    entry: Mapping[str, Any], custom_objects: Mapping[str, Any] | None
) -> Operation:
    if is_op_config(entry):
        return deserialize_op_call(entry)
    return deserialize_keras_object(entry, custom_objects=custom_objects)


def _first_call(operation: Operation) -> int:
    nodes = operation._inbound_nodes
    return 0 if nodes and nodes[0].is_input else len(nodes)


def _call_all(
    waiting: list[tuple[Operation, Mapping[str, Any]]], find: Callable[[Any], KerasTensor | None]
) -> None:
    """Make the calls, each as soon as its inputs are there; calls of one layer in their order."""
    while waiting:
        blocked: list[tuple[Operation, Mapping[str, Any]]] = []
        blocked_operations: set[int] = set()
        for operation, node in waiting:
            arguments = None if id(operation) in blocked_operations else _arguments(node, find)
            if arguments is None:
                blocked.append((operation, node))
                blocked_operations.add(id(operation))
            else:
                operation(*arguments[0], **arguments[1])
        if len(blocked) == len(waiting):
            names = sorted({operation.name for operation, _ in blocked})
            raise ValueError(
                "pynn.Model.from_config: expected calls whose inputs are made by other calls; "
                f"those of {names} need tensors that none makes"
            )
        waiting = blocked


class _MissingTensor(Exception):
    """An argument refers to a call that was not made yet."""


def _arguments(
    node: Mapping[str, Any], find: Callable[[Any], KerasTensor | None]
) -> tuple[list[Any], dict[str, Any]] | None:
    def read(x: Any) -> Any:
        if isinstance(x, Mapping):
            if x.get("class_name") == "__keras_tensor__":
                tensor = find(x["config"]["keras_history"])
                if tensor is None:
                    raise _MissingTensor
                return tensor
            if "class_name" not in x:
                return {key: read(value) for key, value in x.items()}
        elif isinstance(x, (list, tuple)):
            return [read(item) for item in x]
        return deserialize_keras_object(x)

    try:
        kwargs = {key: read(value) for key, value in node.get("kwargs", {}).items()}
        return [read(x) for x in node.get("args", ())], kwargs
    except _MissingTensor:
        return None


def _resolve(places: Any, find: Callable[[Any], KerasTensor | None]) -> Any:
    if isinstance(places, Mapping):
        return {key: _resolve(value, find) for key, value in places.items()}
    if isinstance(places[0], str):
        tensor = find(places)
        if tensor is None:
            raise ValueError(f"pynn.Model.from_config: expected a tensor at {places}; found none")
        return tensor
    return [_resolve(place, find) for place in places]
