"""Stops training when the loss is no longer a number."""

from __future__ import annotations

import math
import sys
from typing import Any

from pynn.callbacks.callback import BATCH_HOOKS, Callback, overrides


class TerminateOnNaN(Callback):
    """Stops training after a batch that leaves the loss NaN or infinite.

    The engine looks at the loss, so that epochs run without Python until there is something to do.

    Args:
        raise_error: raise RuntimeError instead of stopping quietly.

    Raises:
        RuntimeError: while training, if `raise_error` and the loss is not finite.

    >>> import pynn
    >>> pynn.callbacks.TerminateOnNaN(raise_error=True).raise_error
    True
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    @property
    def wants_bad_losses_only(self) -> bool:
        """Whether it need not be called after batches that leave the loss finite."""
        is_own = type(self).on_batch_end is TerminateOnNaN.on_batch_end
        return is_own and [hook for hook in BATCH_HOOKS if overrides(self, hook)] == [
            "on_batch_end"
        ]

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                "pynn.callbacks.TerminateOnNaN: expected a finite loss; "
                f"received loss={loss} at batch {batch}"
            )
        if self.params.get("verbose"):
            sys.stdout.write(f"\nBatch {batch}: the loss is {loss}, training stops\n")
        self.model.stop_training = True
