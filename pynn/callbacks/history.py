"""The record of all epochs that `fit` returns."""

from __future__ import annotations

from typing import Any

from pynn.callbacks.callback import Callback


class History(Callback):
    """Keeps the metrics of every epoch; `fit` adds one by itself and returns it.

    Attributes:
        history: dict from metric name to the list of its values, as plain floats.
        epoch: list of the epochs' numbers.

    >>> import pynn
    >>> pynn.callbacks.History().history
    {}
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts a new list of epochs; values of an earlier `fit` stay in `history`."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Appends the epoch's metrics."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
