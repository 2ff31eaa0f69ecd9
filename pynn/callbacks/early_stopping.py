"""Stops training when a metric no longer improves."""

from __future__ import annotations

from typing import Any

from pynn.callbacks.messages import tell
from pynn.callbacks.monitor_callback import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Stops training after an epoch if a metric has not improved for `patience` epochs.

    Args:
        monitor: name of the metric in the logs.
        min_delta: by how much a value must be better to count as an improvement.
        patience: how many epochs without an improvement are waited for.
        verbose: 1 says when training stops and which weights come back.
        mode: "min" or "max" say what is better; "auto" goes by the metric.
        baseline: epochs that do not beat it do not count as improvements.
        restore_best_weights: at the end, give the model the weights of its best epoch, whether or
            not that one beat the baseline.
        start_from_epoch: epochs before this one (counted from 0) are not looked at.

    Attributes:
        stopped_epoch: the epoch (counted from 0) after which training stopped; 0 if it did not.
        best_epoch: the epoch with the best value.
        best: that value.

    Raises:
        ValueError: at the end of the first epoch, if "auto" finds no direction.

    >>> import pynn
    >>> model = pynn.Sequential([pynn.Input((2,)), pynn.layers.Dense(1)])
    >>> model.compile(pynn.optimizers.SGD(0.0), "mse")  # learns nothing
    >>> stop = pynn.callbacks.EarlyStopping("loss", patience=3)
    >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=9, callbacks=[stop], verbose=0)
    >>> len(history.epoch)
    4
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._start()

    def _start(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_weights: list[Any] | None = None
        self.best_epoch = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Forgets an earlier `fit`."""
        self._start()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the metric."""
        self._set_monitor_op(logs)
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        improved = self._is_improvement(current, self.best)
        if improved:
            self.best = current
        if improved or (self.restore_best_weights and self.best_weights is None):
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
        self.wait += 1
        if improved:
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Brings the best weights back, if so asked."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            tell(
                f"Epoch {self.stopped_epoch + 1}: training stops, {self.monitor} has not improved "
                f"for {self.wait} epochs"
            )
        if self.best_weights is None:
            return
        if self.verbose > 0:
            tell(f"The weights of epoch {self.best_epoch + 1}, the best one, are restored")
        self.model.set_weights(self.best_weights)
