"""The learning rates that callbacks read and set: one, or one per part of the optimizer."""

from __future__ import annotations

from typing import Any


def parts(optimizer: Any) -> list[tuple[str, Any]]:
    """Returns the optimizers that have a learning rate, each with its name.

    The name is "" for an optimizer that is not made of several.

    >>> import pynn
    >>> parts(pynn.optimizers.SGD(name="sgd"))[0][0]
    ''
    """
    several = getattr(optimizer, "optimizers", None)
    return [("", optimizer)] if several is None else [(one.name, one) for one in several]


def log_learning_rates(optimizer: Any, logs: dict[str, Any]) -> None:
    """Adds `learning_rate` to the logs, or one `learning_rate_<name>` per part.

    >>> import pynn
    >>> logs = {}
    >>> log_learning_rates(pynn.optimizers.SGD(0.5), logs)
    >>> logs
    {'learning_rate': 0.5}
    """
    for name, part in parts(optimizer):
        logs[f"learning_rate_{name}" if name else "learning_rate"] = float(part.learning_rate)
