"""The progress line of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from typing import Any

from pynn.callbacks.callback import Callback
from pynn.training.progress import ProgressLine


class ProgbarLogger(Callback):
    """Shows how far an epoch is and what its metrics are.

    On a terminal: one line that is rewritten in place, at most ten times a second. Into a pipe or
    file, and with `verbose=2`: one plain line at the end of each epoch.

    >>> import pynn
    >>> pynn.callbacks.ProgbarLogger().verbose
    1
    """

    def __init__(self) -> None:
        super().__init__()
        self.verbose = 1
        self.epochs = 1
        self.target: int | None = None
        self._line: ProgressLine | None = None
        self._in_fit = False
        self._seen = 0

    def set_params(self, params: dict[str, Any]) -> None:
        """Receives `verbose`, `epochs` and `steps`."""
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Remembers that tests from now on are validations, which have no line of their own."""
        self._in_fit = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Forgets it again."""
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts a line."""
        self._start(f"Epoch {epoch + 1}/{self.epochs}" if self.epochs > 1 else "")

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts a line, if this is not a validation."""
        if not self._in_fit:
            self._start("")

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts a line."""
        self._start("")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Rewrites the line, if it is time to."""
        self._update(batch + 1, logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Rewrites the line, if it is time to and this is not a validation."""
        if not self._in_fit:
            self._update(batch + 1, logs)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Rewrites the line, if it is time to."""
        self._update(batch + 1, None)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Ends the line."""
        self._finish(logs)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Ends the line, if this is not a validation."""
        if not self._in_fit:
            self._finish(logs)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """Ends the line."""
        self._finish(None)

    def _start(self, title: str) -> None:
        self._seen = 0
        self._line = ProgressLine(self.verbose, self.target, title)

    def _update(self, seen: int, logs: Any) -> None:
        self._seen = seen
        if self._line is not None and self._line.is_due():
            self._line.update(seen, logs() if callable(logs) else logs)

    def _finish(self, logs: dict[str, Any] | None) -> None:
        if self._line is not None:
            self.target = self.target or self._seen
            self._line.finish(self._seen, logs)
            self._line = None
