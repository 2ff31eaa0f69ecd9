"""Sets the learning rate at the beginning of every epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from pynn import backend
from pynn.callbacks.callback import Callback
from pynn.callbacks.learning_rates import log_learning_rates, parts
from pynn.callbacks.messages import tell


class LearningRateScheduler(Callback):
    """Asks a function for the learning rate before every epoch; logs it as `learning_rate`.

    Args:
        schedule: function of the epoch (counted from 0) and the current learning rate, or of the
            epoch alone, that returns the new one as a float.
        verbose: 1 says what is set.

    Raises:
        ValueError: while training, if the function returns something else than a float.

    >>> import pynn
    >>> model = pynn.Sequential([pynn.Input((2,)), pynn.layers.Dense(1)])
    >>> model.compile(pynn.optimizers.SGD(1.0), "mse")
    >>> halve = pynn.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=3, callbacks=[halve], verbose=0)
    >>> history.history["learning_rate"]
    [0.5, 0.25, 0.125]
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Sets the learning rate."""
        for name, optimizer in parts(self.model.optimizer):
            current = float(optimizer.learning_rate)
            given = (epoch, current) if _takes_rate(self.schedule) else (epoch,)
            rate = _checked(self.schedule(*given))
            optimizer.learning_rate = rate
            if self.verbose > 0:
                of_part = f" of {name}" if name else ""
                tell(f"Epoch {epoch + 1}: the learning rate{of_part} is set to {rate:g}")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the learning rate to the logs."""
        if logs is not None:
            log_learning_rates(self.model.optimizer, logs)


def _takes_rate(schedule: Callable[..., Any]) -> bool:
    try:
        inspect.signature(schedule).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # a function of C that does not tell
        return True
    return True


def _checked(rate: Any) -> float:
    is_float = isinstance(rate, float | np.floating)
    is_scalar = backend.is_tensor(rate) and rate.shape == () and "float" in str(rate.dtype)
    if not is_float and not is_scalar:
        raise ValueError(
            "pynn.callbacks.LearningRateScheduler: expected schedule to return a float; "
            f"received {rate!r}"
        )
    return float(rate)
