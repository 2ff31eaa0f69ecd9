"""What a compiled step depends on besides its data: the layers, their settings, the optimizer.

A step is traced with all of this as constants. Weights, the learning rate and the states of
metrics and optimizers are variables and may change freely.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from pynn.layers.state import change_stamp
from pynn.tracing import SCALARS, plain_settings
from pynn.variables import Variable

# Set during calls, or derived from what is in the signature anyway.
_VOLATILE = frozenset(
    {"_build_shapes", "_checked_shape", "_losses", "_path", "_tracker", "_tracking_enabled"}
)
# A model that is switched between some states (frozen, not frozen) keeps a number for each.
_MAX_STATES = 32
# Several threads may predict with one model.
_lock = threading.Lock()


class LayerSignature:
    """Numbers the states that a model's layers are in; looks again only after a change."""

    def __init__(self) -> None:
        self._stamp: Any = None
        self._number = 0
        self._next_number = 0
        # Per state its number, and the objects compared by identity: held, so that no other
        # object gets their id.
        self._states: OrderedDict[Any, tuple[int, list[Any]]] = OrderedDict()
        self._variables: list[Any] = []
        self._metrics: list[Any] = []
        self._penalties: list[str] = []

    def number(self, model: Any) -> int:
        """Returns a number that differs where another trace is needed."""
        self._refresh(model)
        return self._number

    def metrics(self, model: Any) -> list[Any]:
        """The metrics that the layers inside `model` keep."""
        self._refresh(model)
        return self._metrics

    def penalties(self, model: Any) -> list[str]:
        """The names of the penalties on several weights."""
        self._refresh(model)
        return self._penalties

    def weights(self) -> list[Any]:
        """The weights of the model, as of the last look."""
        return self._variables

    def forget(self) -> None:
        """Lets the next question look at the layers again."""
        self._stamp = None

    def variables_key(self) -> Any:
        """Returns a hashable for what can be set on weights themselves."""
        return tuple(
            [
                (v.trainable, _settings_key(v.regularizer), _settings_key(v.constraint))
                for v in self._variables
            ]
        )

    def _refresh(self, model: Any) -> None:
        # `Sequential.pop` takes a layer away without setting an attribute.
        stamp = (change_stamp(), len(model._layers))
        if stamp == self._stamp:
            return
        with _lock:
            self._look(model, stamp)

    def _look(self, model: Any, stamp: Any) -> None:
        layers = model._flatten_layers()
        references: list[Any] = []
        key = tuple(_layer_key(layer, references) for layer in layers)
        if key not in self._states:
            self._next_number += 1
            self._states[key] = (self._next_number, references)
            if len(self._states) > _MAX_STATES:
                self._states.popitem(last=False)
        self._states.move_to_end(key)
        self._number = self._states[key][0]
        self._variables = model.weights
        self._metrics = [metric for layer in layers[1:] for metric in layer._metrics]
        self._penalties = [penalty.name for penalty in model.penalties] if model.built else []
        self._stamp = stamp

    def __deepcopy__(self, memo: dict[int, Any]) -> LayerSignature:
        return LayerSignature()


def _layer_key(layer: Any, references: list[Any]) -> Any:
    skipped = layer._untraced_attributes
    items: list[Any] = [id(layer)]
    for name, value in layer.__dict__.items():
        if name in _VOLATILE or name in skipped or name.startswith("_fast_"):
            continue
        if isinstance(value, SCALARS):
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
    return id(obj), plain_settings(obj)
