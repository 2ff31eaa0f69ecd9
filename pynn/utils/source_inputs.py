"""From a symbolic tensor back to the inputs of its graph."""

from __future__ import annotations

from typing import Any


def get_source_inputs(tensor: Any) -> Any:
    """Returns the inputs that a symbolic tensor is computed from.

    Args:
        tensor: a `KerasTensor`.

    Returns:
        List of `KerasTensor`s, each once; anything but a symbolic tensor as it is.

    >>> import pynn
    >>> x, y = pynn.Input((2,), name="x"), pynn.Input((2,), name="y")
    >>> [source.name for source in get_source_inputs(x * y + x)]
    ['x', 'y']
    """
    if not hasattr(tensor, "_keras_history"):
        return tensor
    found: dict[int, Any] = {}
    seen: set[int] = set()
    waiting = [tensor]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        history = getattr(current, "_keras_history", None)
        if history is None or history.node.is_input:
            found[id(current)] = current
        else:
            waiting.extend(reversed(history.node.input_tensors))
    return list(found.values())
