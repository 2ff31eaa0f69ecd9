"""What a compiled step depends on besides its data: the layers, their settings, the optimizer.

A step is traced with all of this as constants. Weights, the learning rate and the states of
metrics and optimizers are variables and may change freely.
"""

from __future__ import annotations

from typing import Any

from pynn.layers.state import change_stamp
from pynn.variables import Variable

_SCALARS = (bool, int, float, str, bytes, type(None))
# Set during calls, or derived from what is in the signature anyway.
_VOLATILE = frozenset({"_losses", "_tracker", "_tracking_enabled", "_path", "_build_shapes"})


class LayerSignature:
    """Remembers the signature of a model's layers until an attribute of some layer changes."""

    def __init__(self) -> None:
        self._stamp = -1
        self._key: Any = None
        self._variables: list[Any] = []
        # Objects that are compared by identity; held, so that no other gets their id.
        self.references: list[Any] = []

    def key(self, model: Any) -> Any:
        """Returns a hashable that differs where another trace is needed."""
        stamp = change_stamp()
        if stamp != self._stamp:
            references: list[Any] = []
            layers = model._flatten_layers()
            self._key = tuple(_layer_key(layer, references) for layer in layers)
            self._variables = model.weights
            self.references = references
            self._stamp = stamp
        return self._key

    def variables_key(self) -> Any:
        """Returns a hashable for what can be set on weights themselves."""
        return tuple(
            (v.trainable, _settings_key(v.regularizer), _settings_key(v.constraint))
            for v in self._variables
        )


def _layer_key(layer: Any, references: list[Any]) -> Any:
    skipped = layer._untraced_attributes
    items: list[Any] = [id(layer)]
    for name, value in layer.__dict__.items():
        if name in _VOLATILE or name in skipped or name.startswith("_fast_"):
            continue
        if isinstance(value, _SCALARS):
            items.append((name, value))
        elif not isinstance(value, Variable):
            items.append((name, id(value)))
            references.append(value)
    references.append(layer)
    return tuple(items)


def _settings_key(obj: Any) -> Any:
    """Identity and plain settings of a regularizer or constraint."""
    if obj is None:
        return None
    settings = getattr(obj, "__dict__", {})
    return id(obj), tuple(value for value in settings.values() if isinstance(value, _SCALARS))
