"""Logs: dicts of metrics, as plain floats."""

from __future__ import annotations

from typing import Any

import numpy as np


class MetricResults(dict[str, Any]):
    """The current results of a model's metrics.

    A step that returns one unchanged needs no outputs: the results can be had from the metrics'
    variables whenever somebody wants them.
    """


def pythonify_logs(logs: Any) -> dict[str, Any]:
    """Returns logs sorted by name, with scalars as floats and nested dicts merged in.

    >>> pythonify_logs({"loss": np.float32(0.5), "accuracy": 1.0})
    {'accuracy': 1.0, 'loss': 0.5}
    """
    result: dict[str, Any] = {}
    for name, value in sorted((logs or {}).items()):
        if isinstance(value, dict):
            result.update(pythonify_logs(value))
        else:
            result[name] = _as_float(value)
    return result


def _as_float(value: Any) -> Any:
    if isinstance(value, float):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        # A metric per class stays an array; anything else (outputs of predict) as it is.
        return np.asarray(value) if hasattr(value, "__array__") else value
