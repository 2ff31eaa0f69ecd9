"""Node: one call of an operation in a functional graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pynn import tree
from pynn.keras_tensor import KerasTensor

if TYPE_CHECKING:
    from pynn.operation import Operation


class KerasHistory(NamedTuple):
    """Where a symbolic tensor came from: output `tensor_index` of a node of `operation`."""

    operation: Operation
    node_index: int
    tensor_index: int

    @property
    def node(self) -> Node:
        """The call that made the tensor."""
        return self.operation._inbound_nodes[self.node_index]


class Node:
    """One call of an operation: its arguments and the symbolic tensors that it returned.

    Args:
        operation: the operation that was called.
        call_args, call_kwargs: the arguments, with KerasTensors at any depth.
        outputs: the structure of KerasTensors that the call returned.
    """

    def __init__(
        self,
        operation: Operation,
        call_args: Sequence[Any],
        call_kwargs: Mapping[str, Any],
        outputs: Any,
    ):
        self.operation = operation
        self.args = tuple(call_args)
        self.kwargs = dict(call_kwargs)
        self.outputs: list[KerasTensor] = [
            x for x in tree.flatten(outputs) if isinstance(x, KerasTensor)
        ]
        leaves = tree.flatten([self.args, self.kwargs])
        self.input_tensors: list[KerasTensor] = [x for x in leaves if isinstance(x, KerasTensor)]
        index = len(operation._inbound_nodes)
        for i, tensor in enumerate(self.outputs):
            tensor._keras_history = KerasHistory(operation, index, i)
        for node in self.parent_nodes:
            node.operation._outbound_nodes.append(self)
        operation._inbound_nodes.append(self)

    @property
    def is_input(self) -> bool:
        """Whether this is the node of an Input."""
        return not self.input_tensors

    @property
    def parent_nodes(self) -> list[Node]:
        """The nodes that made the inputs, each once, in the order of the inputs."""
        parents: list[Node] = []
        for tensor in self.input_tensors:
            node = node_of(tensor)
            if node is not None and node not in parents:
                parents.append(node)
        return parents

    def __repr__(self) -> str:
        return f"<Node operation={self.operation!r}, id={id(self)}>"


def node_of(tensor: KerasTensor) -> Node | None:
    """Return the node that made `tensor`; None for a tensor that no operation made."""
    history: KerasHistory | None = getattr(tensor, "_keras_history", None)
    return None if history is None else history.node
