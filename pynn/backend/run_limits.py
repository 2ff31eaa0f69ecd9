"""Limits on how long training runs: to try a program out quickly."""

from __future__ import annotations

import os
import warnings


def _from_environment(name: str) -> int | None:
    text = os.environ.get(name)
    return int(text) if text else None


_max_epochs = _from_environment("KERAS_MAX_EPOCHS")
_max_steps_per_epoch = _from_environment("KERAS_MAX_STEPS_PER_EPOCH")


def set_max_epochs(max_epochs: int | None) -> None:
    """Let no `fit` run longer than `max_epochs` epochs; `None` for no limit.

    The environment variable `KERAS_MAX_EPOCHS` sets the same at the start of the program.

    Raises:
        ValueError: what is neither a positive int nor None.

    >>> set_max_epochs(3)
    >>> max_epochs()
    3
    >>> set_max_epochs(None)
    """
    global _max_epochs
    _check("max_epochs", max_epochs)
    _max_epochs = max_epochs


def max_epochs() -> int | None:
    """Return the limit on epochs of `fit`, or None.

    >>> max_epochs() is None
    True
    """
    return _max_epochs


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Let no epoch of `fit`, `evaluate` or `predict` have more steps; `None` for no limit.

    The environment variable `KERAS_MAX_STEPS_PER_EPOCH` sets the same at the start of the program.

    Raises:
        ValueError: what is neither a positive int nor None.

    >>> set_max_steps_per_epoch(10)
    >>> max_steps_per_epoch()
    10
    >>> set_max_steps_per_epoch(None)
    """
    global _max_steps_per_epoch
    _check("max_steps_per_epoch", max_steps_per_epoch)
    _max_steps_per_epoch = max_steps_per_epoch


def max_steps_per_epoch() -> int | None:
    """Return the limit on the steps of an epoch, or None.

    >>> max_steps_per_epoch() is None
    True
    """
    return _max_steps_per_epoch


def limited_epochs(epochs: int) -> int:
    """Return the smaller of `epochs` and the limit, with a warning if that is the limit.

    >>> limited_epochs(5)
    5
    """
    if _max_epochs is None or epochs <= _max_epochs:
        return epochs
    warnings.warn(f"pynn: epochs limited to {_max_epochs} by pynn.config", stacklevel=3)
    return _max_epochs


def limited_steps(steps: int | None) -> int | None:
    """Return the smaller of `steps` (None: unknown) and the limit, with a warning if that is it.

    >>> limited_steps(7)
    7
    """
    if _max_steps_per_epoch is None or (steps is not None and steps <= _max_steps_per_epoch):
        return steps
    warnings.warn(f"pynn: steps limited to {_max_steps_per_epoch} by pynn.config", stacklevel=4)
    return _max_steps_per_epoch


def _check(what: str, value: int | None) -> None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(
            f"pynn.config.set_{what}: expected a positive int or None; received {value!r}"
        )
