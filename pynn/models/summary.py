"""The table that `Model.summary` prints."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pynn import tree
from pynn.backend.dtypes import numpy_dtype
from pynn.models.functional import Functional
from pynn.models.model import Model
from pynn.operation import OpCall
from pynn.variables import Variable

# Parts of the width at which columns end: for stacks, and for graphs, which have one column more.
_STACK_POSITIONS = (0.45, 0.80, 1.0)
_GRAPH_POSITIONS = (0.30, 0.56, 0.74, 1.0)
_TRAINABLE_POSITIONS = {3: (0.40, 0.70, 0.86, 1.0), 4: (0.26, 0.48, 0.62, 0.88, 1.0)}
_JUSTIFY: dict[str, Any] = {"Param #": "right", "Trainable": "center"}


def print_summary(
    model: Model,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[..., Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Print or hand over the summary of a model; see `Model.summary`."""
    from rich.console import Console

    text = summary_text(
        model,
        width=line_length or Console().width,
        positions=positions,
        expand_nested=expand_nested,
        show_trainable=show_trainable,
        layer_range=layer_range,
    )
    if print_fn is not None:
        print_fn(text)
        return
    Console(width=line_length, soft_wrap=True).print(text, markup=False, highlight=False)


def summary_text(
    model: Model,
    width: int,
    positions: Sequence[float] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> str:
    """Return the summary as text of `width` columns."""
    from rich.console import Console
    from rich.table import Table

    is_graph = isinstance(model, Functional) and not _is_chain(model)
    header = ["Layer (type)", "Output Shape", "Param #"]
    header += ["Connected to"] if is_graph else []
    header += ["Trainable"] if show_trainable else []
    default: tuple[float, ...] = _GRAPH_POSITIONS if is_graph else _STACK_POSITIONS
    if show_trainable:
        default = _TRAINABLE_POSITIONS[len(default)]
    table = Table(width=width, show_lines=True)
    widths = _column_widths(positions or default, width, len(header))
    for name, size in zip(header, widths, strict=True):
        table.add_column(name, justify=_JUSTIFY.get(name, "left"), width=size)
    rows = _rows(model, _selected(model, layer_range), is_graph, expand_nested, show_trainable)
    for row in rows:
        table.add_row(*(_plain(cell) for cell in row))
    console = Console(width=width, file=io.StringIO(), record=True, color_system=None)
    console.print(f'Model: "{model.name}"', markup=False, highlight=False)
    console.print(table, highlight=False)
    console.print("\n".join(_totals(model)), markup=False, highlight=False)
    return console.export_text().rstrip("\n")


def _plain(cell: str) -> Any:
    from rich.text import Text

    return Text(cell)


def _column_widths(positions: Sequence[float], width: int, count: int) -> list[int]:
    ends = [p if p > 1 else p * width for p in positions[:count]]
    # A column costs its cell, one space on either side and a border.
    return [
        max(1, round(end - start) - 3) for start, end in zip([0.0, *ends[:-1]], ends, strict=True)
    ]


def _selected(model: Model, layer_range: Sequence[str] | None) -> list[Any]:
    entries = _entries(model)
    if layer_range is None:
        return entries
    if len(layer_range) != 2:
        raise ValueError(
            "pynn.Model.summary: expected layer_range, two names or regular expressions; received "
            f"{layer_range!r}"
        )
    first, last = (
        [i for i, layer in enumerate(entries) if re.match(pattern, layer.name)]
        for pattern in layer_range
    )
    if not first or not last:
        raise ValueError(
            f"pynn.Model.summary: expected layer_range to match layers of {model.name!r}; received "
            f"{layer_range!r}. Known: {[layer.name for layer in entries]}"
        )
    return entries[min(first) : max(last) + 1]


def _entries(model: Model) -> list[Any]:
    return model.operations if isinstance(model, Functional) else model.layers


def _rows(
    model: Model,
    entries: Iterable[Any],
    is_graph: bool,
    expand_nested: bool,
    show_trainable: bool,
    depth: int = 0,
) -> Iterable[list[str]]:
    for layer in entries:
        row = [_title(layer, depth), _output_shape(layer), _count(layer)]
        if is_graph:
            row.append(_connections(layer, model) if depth == 0 else "-")
        if show_trainable:
            row.append(_trainable_mark(layer))
        yield row
        if expand_nested and isinstance(layer, Model):
            inner = _entries(layer)
            yield from _rows(layer, inner, is_graph, expand_nested, show_trainable, depth + 1)


def _title(layer: Any, depth: int) -> str:
    kind = layer.class_name if isinstance(layer, OpCall) else type(layer).__name__
    return f"{'   ' * depth}{'└ ' if depth else ''}{layer.name} ({kind})"


def _output_shape(layer: Any) -> str:
    if layer._inbound_nodes:
        shapes = [x.shape for x in layer._inbound_nodes[0].outputs]
        return ", ".join(map(str, shapes))
    try:
        shapes = tree.flatten(layer.output)
        return ", ".join(str(x.shape) for x in shapes)
    except AttributeError:
        pass
    build_shapes = getattr(layer, "_build_shapes", None)
    if not build_shapes:
        return "?"
    return _inferred_shape(layer, build_shapes)


def _inferred_shape(layer: Any, build_shapes: dict[str, Any]) -> str:
    try:
        if len(build_shapes) == 1:
            shape = layer.compute_output_shape(next(iter(build_shapes.values())))
        else:
            shape = layer.compute_output_shape(**build_shapes)
    except (NotImplementedError, TypeError, ValueError):
        return "?"  # the shapes that it was built for do not tell the output's
    shapes: list[str] = []
    tree.map_shape_structure(lambda s: shapes.append(str(tuple(s))), shape)
    return ", ".join(shapes)


def _count(layer: Any) -> str:
    if not hasattr(layer, "weights"):
        return "0"
    return f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"


def _connections(operation: Any, model: Any) -> str:
    inside = set(model._nodes)
    names = []
    for node in operation._inbound_nodes:
        if node not in inside:
            continue
        for x in node.input_tensors:
            history = x._keras_history
            names.append(f"{history.operation.name}[{history.node_index}][{history.tensor_index}]")
    return ", ".join(names) or "-"


def _trainable_mark(layer: Any) -> str:
    if not getattr(layer, "weights", None):
        return "-"
    return "Y" if layer.trainable else "N"


def _is_chain(model: Functional) -> bool:
    """Whether the graph is one line of operations, each called once."""
    operations = model.operations
    nodes = set(model._nodes)
    for i, operation in enumerate(operations):
        calls = [node for node in operation._inbound_nodes if node in nodes]
        if len(calls) != 1 or len(calls[0].input_tensors) != min(i, 1):
            return False
        if i and calls[0].parent_nodes[0].operation is not operations[i - 1]:
            return False
    return len(model.inputs) == 1


def _totals(model: Model) -> list[str]:
    groups = {
        "Total params": model.weights,
        "Trainable params": model.trainable_weights,
        "Non-trainable params": model.non_trainable_weights,
    }
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and getattr(optimizer, "built", False):
        known = {id(v) for v in model.weights}
        own = [v for v in optimizer.variables if id(v) not in known]
        groups["Total params"] = [*model.weights, *own]
        groups["Optimizer params"] = own
    return [f" {name}: {_size(variables)}" for name, variables in groups.items()]


def _size(variables: Sequence[Variable]) -> str:
    counts = [math.prod(v.shape) for v in variables]
    sizes = [n * numpy_dtype(v.dtype).itemsize for n, v in zip(counts, variables, strict=True)]
    return f"{sum(counts):,} ({readable_memory_size(sum(sizes))})"


def readable_memory_size(size: float) -> str:
    """Return a number of bytes in the largest unit that leaves at least 1.

    >>> readable_memory_size(3000)
    '2.93 KB'
    """
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024 or unit == "TB":
            break
        size /= 1024
    return f"{size:.2f} {unit}"
