"""Which target, loss or metric belongs to which output of a model."""

from __future__ import annotations

from typing import Any

from pynn import tree


class Outputs:
    """The outputs of a model as a flat list, with a path and (where known) a name for each.

    Args:
        y_pred: the outputs, nested as the model returns them.
        output_names: the names of a functional model's outputs, or `None`.
    """

    def __init__(self, y_pred: Any, output_names: list[str] | None) -> None:
        found = tree.flatten_with_path(y_pred) if tree.is_nested(y_pred) else [((), y_pred)]
        self.structure = y_pred
        self.paths = [tuple(path) for path, _ in found]
        self.tensors = [tensor for _, tensor in found]
        self.names: list[Any] = [path[-1] if path else None for path in self.paths]
        if output_names is not None and len(output_names) == len(found):
            if not isinstance(y_pred, dict):
                self.names = list(output_names)
        else:
            self.names = [name if isinstance(name, str) else None for name in self.names]

    def __len__(self) -> int:
        return len(self.tensors)

    def label(self, index: int, fallback: str) -> str:
        """A name for messages and logs: the path, its position replaced by a name."""
        name = self.names[index] or fallback
        path = self.paths[index]
        if not path or len(self.paths) == 1:
            return str(name)
        return "/".join(str(step) for step in (*path[:-1], name))

    def distribute(
        self, who: str, what: str, given: Any, needed: list[bool] | None = None
    ) -> list[Any]:
        """Returns what each output gets of a structure of targets, losses, metrics or weights.

        Accepted: the structure of the outputs; a dict by output name (missing ones get `None`);
        a flat list with one entry per output, or per needed output.

        Raises:
            ValueError: for unknown names or a structure that does not fit.
        """
        if not tree.is_nested(given):
            if len(self) == 1 or given is None:
                return [given] * len(self)
            raise self._misfit(who, what, given)
        if isinstance(given, dict):
            return self._by_name(who, what, given)
        return self._by_position(who, what, given, needed)

    def _by_name(self, who: str, what: str, given: dict[str, Any]) -> list[Any]:
        known = {name: i for i, name in enumerate(self.names) if name is not None}
        is_flat = all(len(path) <= 1 for path in self.paths)
        if is_flat and set(given) <= set(known):
            result = [None] * len(self)
            for name, value in given.items():
                result[known[name]] = value
            return result
        nested = [_follow(given, path) for path in self.paths]
        if is_flat or all(value is _MISSING for value in nested):
            unknown = sorted(map(str, set(given) - set(known)))
            raise ValueError(
                f"{who}: expected {what} with keys among the outputs "
                f"{[name for name in self.names if name is not None]}; received {unknown}"
            )
        return [None if value is _MISSING else value for value in nested]

    def _by_position(self, who: str, what: str, given: Any, needed: list[bool] | None) -> list[Any]:
        if any(self.paths) and len(given) == len(self.structure):
            nested = [_follow(given, path) for path in self.paths]
            if not any(value is _MISSING for value in nested):
                return nested
        flat = list(given)
        if len(flat) == len(self):
            return flat
        if needed is not None and len(flat) == sum(needed):
            rest = iter(flat)
            return [next(rest) if need else None for need in needed]
        raise self._misfit(who, what, given)

    def _misfit(self, who: str, what: str, given: Any) -> ValueError:
        expected = tree.map_structure(lambda _: "*", self.structure)
        received = tree.map_structure(lambda _: "*", given) if tree.is_nested(given) else "*"
        return ValueError(
            f"{who}: expected {what} in the structure of the outputs, {expected}; "
            f"received {received}"
        )


_MISSING = object()


def _follow(node: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return _MISSING
    return node
