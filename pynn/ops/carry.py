"""Loop variables: what goes from one iteration of a loop to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from pynn import _core, backend, tree
from pynn._core import Tensor
from pynn.ops.structures import flatten_tensors, spec

R = TypeVar("R")


class _Promoted(Exception):
    """A number among the first values got the dtype that the loop makes of it: begin again."""


class Carry:
    """Loop variables: a structure of tensors whose shapes and dtypes stay the same.

    Python numbers among the first values are weak: they take the dtype that the first iteration
    gives them, as in Keras on JAX.

    Args:
        who: the op, for messages.
        what: its argument with the first values.
        returned: the function that returns the next values.
        structure: the first values.
    """

    def __init__(self, who: str, what: str, returned: str, structure: Any) -> None:
        self._who, self._what, self._returned = who, what, returned
        self.tensors, self.layout = flatten_tensors(who, what, structure)
        leaves = [leaf for leaf in tree.flatten(structure) if leaf is not None]
        self._weak = [isinstance(leaf, (bool, int, float)) for leaf in leaves]

    def first(self) -> list[Tensor]:
        """Return the first values, flat."""
        return [_core.identity(t) for t in self.tensors]

    def pack(self, values: list[Tensor]) -> Any:
        """Return flat values as the structure."""
        return self.layout.pack(values)

    def following(self, structure: Any) -> list[Tensor]:
        """Return the values that an iteration returned, flat and checked.

        Raises:
            ValueError: the structure, a shape or a dtype differs from that of the first values.
            TypeError: a value is not a tensor.
        """
        values, layout = flatten_tensors(self._who, self._returned, structure)
        if not layout.matches(self.layout):
            raise ValueError(
                f"pynn.{self._who}: expected {self._returned} to return the structure of "
                f"{self._what}, {self.layout}; received {layout} (* is a tensor)"
            )
        for i, (old, new) in enumerate(zip(self.tensors, values, strict=True)):
            if spec(old) != spec(new):
                self._promote(i, old, new)
        return [_core.identity(t) for t in values]

    def _promote(self, i: int, old: Tensor, new: Tensor) -> None:
        dtype = backend.result_type(old.dtype, new.dtype)
        if not self._weak[i] or tuple(old.shape) != tuple(new.shape) or dtype != new.dtype:
            raise ValueError(
                f"pynn.{self._who}: expected loop variables that keep shape and dtype; "
                f"{self._returned} returns {spec(new)} for number {i} of {self._what}, "
                f"which is {spec(old)}"
            )
        self.tensors[i] = _core.cast(old, dtype)
        self._weak[i] = False
        raise _Promoted

    def settle(self, loop: Callable[[], R]) -> R:
        """Return `loop()`, run again whenever a number among the first values is promoted."""
        while True:
            try:
                return loop()
            except _Promoted:
                continue
