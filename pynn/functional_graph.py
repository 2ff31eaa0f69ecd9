"""Function: a graph of operations between symbolic inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pynn import tree
from pynn.keras_tensor import KerasTensor
from pynn.node import Node, node_of
from pynn.operation import Operation


class Function(Operation):
    """The computation that leads from `inputs` to `outputs`, as a callable.

    Args:
        inputs: a KerasTensor or a structure of them.
        outputs: KerasTensors computed from `inputs`.
        name: a name.

    Raises:
        ValueError: an output does not depend on the inputs only, or the graph has a cycle.

    >>> x = pynn.KerasTensor((None, 2))
    >>> f = pynn.Function(x, x * 2 + 1)
    >>> f(pynn.ops.ones((1, 2))).numpy()
    array([[3., 3.]], dtype=float32)
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None):
        super().__init__(name=name)
        self._set_graph(inputs, outputs)

    def _set_graph(self, inputs: Any, outputs: Any) -> None:
        self._inputs_struct = inputs
        self._outputs_struct = outputs
        self._inputs: list[KerasTensor] = tree.flatten(inputs)
        self._outputs: list[KerasTensor] = tree.flatten(outputs)
        for what, tensors in (("inputs", self._inputs), ("outputs", self._outputs)):
            for x in tensors:
                if not isinstance(x, KerasTensor):
                    raise ValueError(
                        f"pynn.Function: expected {what} that are KerasTensors, such as Input() "
                        f"returns; received {x!r}"
                    )
        self._nodes, self._operations = _sort_graph(self._inputs, self._outputs)
        self._plan = _Plan(self._inputs, self._outputs, self._nodes)

    @property
    def operations(self) -> list[Operation]:
        """All operations of the graph, inputs first."""
        return list(self._operations)

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs as a flat list."""
        return self._inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs as a flat list."""
        return self._outputs

    def call(self, inputs: Any) -> Any:
        """Compute the outputs from tensors in the structure of `inputs`."""
        values = tree.flatten(inputs)
        if len(values) != len(self._inputs):
            raise ValueError(
                f"pynn.Function {self.name!r}: expected {len(self._inputs)} inputs; "
                f"received {len(values)}"
            )
        return self._run(values)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the outputs for symbolic inputs of other sizes."""
        return self._run(tree.flatten(inputs), _output_spec)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shapes of the outputs for the shapes of the inputs."""
        shapes: list[Any] = []
        tree.map_shape_structure(shapes.append, input_shape)
        tensors = [KerasTensor(s, dtype=x.dtype) for s, x in zip(shapes, self._inputs, strict=True)]
        outputs = self._run(tensors, _output_spec)
        return tree.map_structure(lambda x: x.shape, outputs)

    def _run(
        self, values: list[Any], call: Callable[[Operation], Callable[..., Any]] | None = None
    ) -> Any:
        results = self._plan.run(values, call)
        if not tree.is_nested(self._outputs_struct):
            return results[0]
        return tree.pack_sequence_as(self._outputs_struct, results)


def _output_spec(operation: Operation) -> Callable[..., Any]:
    return operation.compute_output_spec


class _Slot:
    """Place of a computed tensor among the arguments of a step."""

    __slots__ = ("index",)

    def __init__(self, index: int):
        self.index = index


class _Step:
    """One node, ready to run: where its arguments are and where its outputs go."""

    __slots__ = ("args", "kwargs", "operation", "outputs", "single")

    def __init__(self, node: Node, slots: dict[int, int]):
        def locate(x: Any) -> Any:
            return _Slot(slots[id(x)]) if isinstance(x, KerasTensor) else x

        self.operation = node.operation
        self.args = tree.map_structure(locate, node.args)
        self.kwargs = tree.map_structure(locate, node.kwargs)
        self.outputs = [slots[id(x)] for x in node.outputs]
        # Almost every node takes one tensor and returns one: found without walking structures.
        one_argument = not self.kwargs and len(self.args) == 1 and isinstance(self.args[0], _Slot)
        self.single = self.args[0].index if one_argument and len(self.outputs) == 1 else None

    def arguments(self, values: list[Any]) -> tuple[Any, Any]:
        def fetch(x: Any) -> Any:
            return values[x.index] if type(x) is _Slot else x

        return tree.map_structure(fetch, self.args), tree.map_structure(fetch, self.kwargs)


class _Plan:
    """The nodes in order of execution, with tensors numbered."""

    def __init__(
        self, inputs: list[KerasTensor], outputs: list[KerasTensor], nodes: Iterable[Node]
    ):
        slots: dict[int, int] = {}
        for tensor in inputs:
            slots.setdefault(id(tensor), len(slots))
        self._input_slots = [slots[id(x)] for x in inputs]
        given = set(slots)
        self._steps: list[_Step] = []
        for node in nodes:
            if all(id(x) in given for x in node.outputs):
                continue
            for tensor in node.outputs:
                slots.setdefault(id(tensor), len(slots))
            self._steps.append(_Step(node, slots))
        self._output_slots = [slots[id(x)] for x in outputs]
        self._num_slots = len(slots)

    def run(
        self, inputs: list[Any], call: Callable[[Operation], Callable[..., Any]] | None
    ) -> list[Any]:
        values: list[Any] = [None] * self._num_slots
        for slot, value in zip(self._input_slots, inputs, strict=True):
            values[slot] = value
        for step in self._steps:
            operation = step.operation if call is None else call(step.operation)
            if step.single is not None:
                values[step.outputs[0]] = operation(values[step.single])
                continue
            args, kwargs = step.arguments(values)
            outputs = tree.flatten(operation(*args, **kwargs))
            for slot, value in zip(step.outputs, outputs, strict=True):
                values[slot] = value
        return [values[slot] for slot in self._output_slots]


def _sort_graph(
    inputs: list[KerasTensor], outputs: list[KerasTensor]
) -> tuple[list[Node], list[Operation]]:
    """Put nodes and operations of a graph in order.

    The order of the operations decides the order of the weights of a model, so it is Keras's: by
    distance from the outputs, farthest first, and by first discovery from the outputs among equals.

    Returns:
        (nodes in order of execution, operations in order).
    """
    nodes, discovery = _walk_back(inputs, outputs)
    node_depths: dict[Node, int] = {}
    depths: dict[Operation, int] = {}
    for node in reversed(nodes):
        depth = max(node_depths.get(node, 0), depths.get(node.operation, 0))
        depths[node.operation] = node_depths[node] = depth
        for parent in _parents_inside(node, inputs):
            node_depths[parent] = max(node_depths.get(parent, 0), depth + 1)
    for tensor in inputs:  # inputs that no output depends on belong to the model as well
        source = node_of(tensor)
        if source is not None and source.operation not in depths:
            depths[source.operation] = 0
            discovery[source.operation] = -1
            nodes.append(source)
    operations = sorted(depths, key=lambda op: (-depths[op], discovery[op]))
    return nodes, operations


def _parents_inside(node: Node, inputs: list[KerasTensor]) -> list[Node]:
    """Parents of a node that lie between it and the inputs, the inputs' own nodes included."""
    boundary = {id(x) for x in inputs}
    if any(id(x) in boundary for x in node.outputs):
        return []
    return node.parent_nodes


def _walk_back(
    inputs: list[KerasTensor], outputs: list[KerasTensor]
) -> tuple[list[Node], dict[Operation, int]]:
    """Depth-first from the outputs: nodes after their parents, and operations as discovered.

    An explicit stack instead of recursion: a deep model has more nodes than Python has frames.
    """
    boundary = {id(x) for x in inputs}
    order: list[Node] = []
    discovery: dict[Operation, int] = {}
    state: dict[Node, str] = {}
    for output in outputs:
        stack: list[tuple[KerasTensor, bool]] = [(output, False)]
        while stack:
            tensor, leaving = stack.pop()
            node = node_of(tensor)
            if node is None:
                if id(tensor) in boundary:
                    continue
                raise _disconnected(tensor)
            if leaving:
                state[node] = "done"
                order.append(node)
                continue
            if state.get(node) == "done":
                continue
            if state.get(node) == "open":
                raise ValueError(
                    f"pynn.Function: expected no cycle; {node.operation.name!r} is in one"
                )
            discovery.setdefault(node.operation, len(discovery))
            state[node] = "open"
            stack.append((tensor, True))
            if id(tensor) in boundary:
                continue
            if node.is_input:
                raise _disconnected(tensor)
            stack.extend((x, False) for x in reversed(node.input_tensors))
    return order, discovery


def _disconnected(tensor: KerasTensor) -> ValueError:
    return ValueError(
        "pynn.Function: expected outputs that are computed from the given inputs; received an "
        f"output that needs {tensor!r}, which is not among the inputs"
    )
