"""Which optimizer is meant for which variable."""

from __future__ import annotations

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

from pynn.optimizers.loss_scale_optimizer import LossScaleOptimizer
from pynn.optimizers.optimizer import Optimizer
from pynn.saving import deserialize_keras_object, serialize_keras_object


class OptimizerMap(MutableMapping[str, Optimizer]):
    """Paths of variables, or regular expressions for them, and their optimizers.

    A path that is no key goes to the one regular expression that matches all of it, or else to the
    default. For use with `MultiOptimizer`.

    Args:
        default_optimizer: the `Optimizer` of all variables that no key names.
        optimizer_map: dict from paths or regular expressions to optimizers.

    Raises:
        TypeError: for a default that is no optimizer, or a map that is no dict.

    >>> from pynn import optimizers
    >>> chosen = OptimizerMap(optimizers.SGD(), {"encoder/.*": optimizers.Adam()})
    >>> type(chosen["encoder/kernel"]).__name__, type(chosen["decoder/kernel"]).__name__
    ('Adam', 'SGD')
    """

    def __init__(
        self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None
    ) -> None:
        who = "pynn.optimizers.OptimizerMap"
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(
                f"{who}: expected default_optimizer to be an Optimizer; "
                f"received {default_optimizer!r}"
            )
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"{who}: expected optimizer_map to be a dict; received {optimizer_map}")
        self._default_optimizer = default_optimizer
        self._optimizer_map = optimizer_map or {}

    @property
    def default_optimizer(self) -> Optimizer:
        """The optimizer of all variables that no key names."""
        return self._default_optimizer

    def __getitem__(self, key: str) -> Optimizer:
        if key in self._optimizer_map:
            return self._optimizer_map[key]
        found = [pattern for pattern in self._optimizer_map if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(
                f"pynn.optimizers.OptimizerMap: expected one key that matches {key!r}; "
                f"received {found}"
            )
        return self._optimizer_map[found[0]] if found else self._default_optimizer

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        who = "pynn.optimizers.OptimizerMap"
        if not isinstance(key, str):
            raise ValueError(f"{who}: expected a path or pattern as key; received {key!r}")
        if key in self._optimizer_map:
            raise ValueError(f"{who}: expected a key that is new; received {key!r}")
        check_inner(who, optimizer)
        self._optimizer_map[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._optimizer_map[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizer_map)

    def __len__(self) -> int:
        return len(self._optimizer_map)

    def __call__(self, variable: Any) -> Optimizer:
        """Returns the optimizer of a variable."""
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {
            "default_optimizer": serialize_keras_object(self._default_optimizer),
            "optimizer_map": serialize_keras_object(self._optimizer_map),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> OptimizerMap:
        """Makes the map that `get_config` described, of optimizers without state."""
        return cls(
            **{
                argument: deserialize_keras_object(value, custom_objects=custom_objects)
                for argument, value in config.items()
            }
        )


def check_inner(who: str, optimizer: Any) -> None:
    """Raises ValueError for what cannot be one optimizer among several."""
    if not isinstance(optimizer, Optimizer):
        raise ValueError(f"{who}: expected an Optimizer; received {optimizer!r}")
    if isinstance(optimizer, LossScaleOptimizer) or hasattr(optimizer, "optimizers"):
        raise ValueError(
            f"{who}: expected an optimizer that holds no others; "
            f"received {type(optimizer).__name__}"
        )
