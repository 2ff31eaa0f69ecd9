"""Structures of tensors that control flow takes from functions: checked, flat, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pynn import _core, tree
from pynn._core import Tensor
from pynn.keras_tensor import KerasTensor


class Layout:
    """The nesting of a structure, and which of its leaves are None rather than tensors."""

    def __init__(self, structure: Any) -> None:
        self._structure = tree.map_structure(lambda x: None if x is None else _STAR, structure)
        self._leaves = tree.flatten(self._structure)

    def pack(self, tensors: Iterable[Any]) -> Any:
        """Return the structure with `tensors` in place of its tensors."""
        remaining = iter(tensors)
        leaves = [None if leaf is None else next(remaining) for leaf in self._leaves]
        if not tree.is_nested(self._structure):
            return leaves[0]
        return tree.pack_sequence_as(self._structure, leaves)

    def matches(self, other: Layout) -> bool:
        """Whether the other one has the same nesting, and None at the same places."""
        try:
            tree.assert_same_structure(self._structure, other._structure)
        except ValueError:
            return False
        return self._leaves == other._leaves

    def __str__(self) -> str:
        return str(self._structure)


class _Star:
    def __repr__(self) -> str:
        return "*"


_STAR = _Star()  # stands for a tensor


def flatten_tensors(who: str, what: str, structure: Any) -> tuple[list[Tensor], Layout]:
    """Return the tensors in `structure`, and its layout.

    Args:
        who: the op, for messages.
        what: where the structure comes from, for messages.
        structure: tensors, variables, arrays and numbers at any depth, or None.

    Raises:
        TypeError: a leaf is something else.
    """
    leaves = [leaf for leaf in tree.flatten(structure) if leaf is not None]
    return [_to_tensor(who, what, leaf) for leaf in leaves], Layout(structure)


def _to_tensor(who: str, what: str, leaf: Any) -> Tensor:
    if isinstance(leaf, KerasTensor):
        raise TypeError(
            f"pynn.{who}: expected {what} to be made of tensors; received the KerasTensor "
            f"{leaf.name!r}, which the function took from outside. Give it as an argument, or put "
            "the call into a Layer's call()"
        )
    if not isinstance(leaf, str):
        try:
            return _core.tensor(leaf)
        except TypeError:
            pass
    raise TypeError(
        f"pynn.{who}: expected {what} to be made of tensors or None; received {leaf!r}, a "
        f"{type(leaf).__name__}"
    )


def spec(tensor: Any) -> str:
    """Return dtype and shape as messages show them.

    >>> spec(pynn.ops.zeros((2, 3)))
    'float32(2, 3)'
    """
    return f"{tensor.dtype}{tuple(tensor.shape)}"


def trace_function(
    function: Callable[[list[Tensor]], list[Tensor]], inputs: Sequence[Any] = ()
) -> _core.SubGraph:
    """Return a function of a list of tensors as a graph, for use in the graph being traced.

    Only shapes and dtypes of `inputs` matter.
    """
    with _core.Trace(nested=True) as trace:
        symbols = [trace.input(tuple(x.shape), x.dtype) for x in inputs]
        return trace.finish_subgraph(function(symbols))
