"""Lowers the learning rate when a metric no longer improves."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from pynn.callbacks.learning_rates import log_learning_rates, parts
from pynn.callbacks.messages import tell
from pynn.callbacks.monitor_callback import MonitorCallback


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by `factor` if a metric has not improved for `patience` epochs.

    The learning rate of every epoch is logged as `learning_rate`.

    Args:
        monitor: name of the metric in the logs.
        factor: what the learning rate is multiplied by, from 0 up to, but not, 1.
        patience: how many epochs without an improvement are waited for.
        verbose: 1 says when the learning rate changes.
        mode: "min" or "max" say what is better; "auto" goes by the metric.
        min_delta: by how much a value must be better to count as an improvement.
        cooldown: how many epochs after a change are not counted.
        min_lr: the learning rate does not become smaller than this.
        kwargs: accepted for Keras's sake; unknown names are ignored with a warning.

    Raises:
        ValueError: for a factor out of range; at the end of the first epoch, if "auto" finds no
            direction.

    >>> import pynn
    >>> model = pynn.Sequential([pynn.Input((2,)), pynn.layers.Dense(1)])
    >>> model.compile(pynn.optimizers.SGD(1e-8), "mse")  # learns next to nothing
    >>> lower = pynn.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=2)
    >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=4, callbacks=[lower], verbose=0)
    >>> [f"{rate:.0e}" for rate in history.history["learning_rate"]]
    ['1e-08', '1e-08', '1e-08', '1e-09']
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if not 0.0 <= factor < 1.0:
            raise ValueError(f"{self._who}: expected 0 <= factor < 1; received factor={factor}")
        if kwargs:
            warnings.warn(
                f"{self._who}: expected known arguments; received {sorted(kwargs)}, ignored",
                stacklevel=2,
            )
        self.factor = factor
        self.min_lr = min_lr
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self._start()

    def _start(self) -> None:
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def in_cooldown(self) -> bool:
        """Whether epochs are not counted, because the learning rate changed a short while ago."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Forgets an earlier `fit`."""
        self._start()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the metric."""
        logs = {} if logs is None else logs
        self._set_monitor_op(logs)
        log_learning_rates(self.model.optimizer, logs)
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _reduce(self, epoch: int) -> bool:
        """Lowers the learning rates; says whether any could be."""
        reduced = False
        for name, optimizer in parts(self.model.optimizer):
            old = float(optimizer.learning_rate)
            if old <= np.float32(self.min_lr):
                continue
            new = max(old * self.factor, self.min_lr)
            optimizer.learning_rate = new
            reduced = True
            if self.verbose > 0:
                of_part = f" of {name}" if name else ""
                tell(
                    f"Epoch {epoch + 1}: {self.monitor} does not improve, the learning "
                    f"rate{of_part} falls to {new:g}",
                    below_progress=bool(self.params.get("verbose")),
                )
        return reduced
