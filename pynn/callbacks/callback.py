"""The base class of callbacks: functions that training calls at fixed moments."""

from __future__ import annotations

from typing import Any


class Callback:
    """What training, evaluation and prediction call at their beginnings and ends.

    Override the methods of interest. Epochs over arrays run in the engine without Python; a
    callback that overrides a batch method brings Python back for every batch (or for every
    `steps_per_execution` batches).

    Attributes:
        model: the model that is being trained.
        params: dict with `verbose`, `epochs` and `steps`.

    >>> import pynn
    >>> class Losses(pynn.callbacks.Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(sorted(logs))
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self._model: Any = None

    def set_params(self, params: dict[str, Any]) -> None:
        """Receives `verbose`, `epochs` and `steps`."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Receives the model."""
        self._model = model

    @property
    def model(self) -> Any:
        """The model that is being trained."""
        return self._model

    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """The same as `on_train_batch_begin`, under its old name."""

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """The same as `on_train_batch_end`, under its old name."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called before epoch `epoch` (counted from 0)."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Called after an epoch, with its metrics, those of the validation as `val_...`."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called before a training batch."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called after a training batch, with the metrics of the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called before a batch of `evaluate` or of the validation."""

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called after a batch of `evaluate` or of the validation."""

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Called after a batch of `predict`, with its `outputs`."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Called when `fit` begins."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Called when `fit` ends, with the metrics of the last epoch."""

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Called when `evaluate` or the validation begins."""

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Called when `evaluate` or the validation ends, with its metrics."""

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Called when `predict` begins."""

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """Called when `predict` ends."""


BATCH_HOOKS = (
    "on_batch_begin",
    "on_batch_end",
    *[
        f"on_{phase}_batch_{end}"
        for phase in ("train", "test", "predict")
        for end in ("begin", "end")
    ],
)


def overrides(callback: Any, hook: str) -> bool:
    """Whether `callback` has its own `hook` (in its class, or set on the object)."""
    method = getattr(callback, hook, None)
    if method is None:
        return False
    return getattr(method, "__func__", method) is not getattr(Callback, hook)


def listens_to_batches(callback: Any, phase: str) -> bool:
    """Whether a callback wants to be called for every batch of "train", "test" or "predict"."""
    hooks = [f"on_{phase}_batch_begin", f"on_{phase}_batch_end"]
    if phase == "train":
        hooks += ["on_batch_begin", "on_batch_end"]
    wants = getattr(callback, "wants_batches", True)  # its hooks may have nothing to do
    return wants and any(overrides(callback, hook) for hook in hooks)
