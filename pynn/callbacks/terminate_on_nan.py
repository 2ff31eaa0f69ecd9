"""Stops training when the loss is no longer a number."""

from __future__ import annotations

import math
import sys
from typing import Any

from pynn.callbacks.callback import Callback


class TerminateOnNaN(Callback):
    """Stops training after a batch that leaves the loss NaN or infinite.

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
