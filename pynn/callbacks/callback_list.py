"""A list of callbacks that is called like one."""

from __future__ import annotations

from typing import Any

from pynn import tree
from pynn.callbacks.callback import Callback, listens_to_batches
from pynn.callbacks.history import History
from pynn.callbacks.progbar_logger import ProgbarLogger
from pynn.training.logs import pythonify_logs


class CallbackList(Callback):
    """Calls each of its callbacks, in order, with logs as plain floats.

    Args:
        callbacks: list of callbacks, or `None`.
        add_history: add a `History` if there is none.
        add_progbar: add a `ProgbarLogger` if there is none.
        model: the model.
        params: `verbose`, `epochs`, `steps`.

    >>> import pynn
    >>> len(pynn.callbacks.CallbackList(add_history=True).callbacks)
    1
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks: list[Any] = tree.flatten(callbacks) if callbacks else []
        self._history = self._find_or_add(History, add_history)
        self._progbar = self._find_or_add(ProgbarLogger, add_progbar)
        self.set_model(model)
        self.set_params(params)

    def _find_or_add(self, cls: type, add: bool) -> Any:
        found = [callback for callback in self.callbacks if isinstance(callback, cls)]
        if not found and add:
            found = [cls()]
            self.callbacks += found
        return found[-1] if found else None

    def append(self, callback: Any) -> None:
        """Adds a callback."""
        self.callbacks.append(callback)

    def set_params(self, params: dict[str, Any]) -> None:
        """Passes `verbose`, `epochs` and `steps` on."""
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Passes the model on."""
        if model is None:
            return
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    def batch_callbacks(self, phase: str) -> list[Any]:
        """The callbacks that must be called for every batch of "train", "test" or "predict"."""
        return [
            callback
            for callback in self.callbacks
            if callback is not self._progbar and listens_to_batches(callback, phase)
        ]

    def only_want_bad_losses(self, phase: str) -> bool:
        """Whether all `batch_callbacks` have nothing to do while the loss is finite."""
        listeners = self.batch_callbacks(phase)
        return bool(listeners) and all(
            getattr(callback, "wants_bad_losses_only", False) for callback in listeners
        )

    @property
    def progress(self) -> ProgbarLogger | None:
        """The progress line, which is called whenever Python is entered anyway."""
        return self._progbar

    def _call(self, hook: str, *args: Any, logs: Any = None) -> None:
        logs = pythonify_logs(logs)
        for callback in self.callbacks:
            getattr(callback, hook)(*args, logs)

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_batch_begin", batch, logs=logs)

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_batch_end", batch, logs=logs)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_epoch_begin", epoch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_epoch_end", epoch, logs=logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_train_batch_begin", batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_train_batch_end", batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_test_batch_begin", batch, logs=logs)

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_test_batch_end", batch, logs=logs)

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_predict_batch_begin", batch, logs=logs)

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_predict_batch_end", batch, logs=logs)

    def on_train_begin(self, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_train_begin", logs=logs)

    def on_train_end(self, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_train_end", logs=logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_test_begin", logs=logs)

    def on_test_end(self, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_test_end", logs=logs)

    def on_predict_begin(self, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_predict_begin", logs=logs)

    def on_predict_end(self, logs: Any = None) -> None:
        """Calls every callback."""
        self._call("on_predict_end", logs=logs)
