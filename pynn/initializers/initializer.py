"""The base class of initializers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pynn import _core


class Initializer:
    """Makes the first value of a weight: `initializer(shape, dtype=None) -> Tensor`.

    Subclasses implement `__call__` and, to be saved, `get_config`.

    >>> import pynn
    >>> class Halves(pynn.initializers.Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return pynn.ops.full(shape, 0.5, dtype=dtype)
    >>> pynn.layers.Dense(2, kernel_initializer=Halves()).kernel_initializer((1, 2)).shape
    (1, 2)
    """

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> _core.Tensor:
        """Return a tensor of `shape` and `dtype` (`floatx()` when None)."""
        raise NotImplementedError(
            f"pynn.initializers: expected {type(self).__name__} to implement __call__(shape, dtype)"
        )

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """Rebuild an initializer from `get_config()`."""
        return cls(**config)

    def clone(self) -> Initializer:
        """A fresh initializer with the same config."""
        return type(self).from_config(self.get_config())
