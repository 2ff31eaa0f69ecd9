"""What the layers of one forward pass share: the outermost layer and the value of `training`."""

from __future__ import annotations

import threading
from typing import Any


class CallContext:
    """State of the forward pass that `entry_layer` began.

    Args:
        entry_layer: the layer that the user called; the others are called by it.
    """

    __slots__ = ("entry_layer", "training")

    def __init__(self, entry_layer: Any, training: bool | None = None):
        self.entry_layer = entry_layer
        self.training = training


class _Current(threading.local):
    def __init__(self) -> None:
        self.context: CallContext | None = None


current = _Current()
