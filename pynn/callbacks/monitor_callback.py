"""What callbacks share that watch one of the metrics."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from pynn import ops
from pynn.callbacks.callback import Callback
from pynn.callbacks.directions import direction
from pynn.lookup import nearest_name


class MonitorCallback(Callback):
    """Base class of callbacks that look for improvements of a metric.

    Args:
        monitor: name of the metric in the logs.
        mode: "min" or "max" say what is better; "auto" goes by the metric: losses and errors
            should fall, accuracies rise.
        baseline: the value to start from; by default the first one is an improvement.
        min_delta: by how much a value must be better to count.

    Raises:
        ValueError: at the end of the first epoch, if "auto" finds no direction.

    >>> from pynn.callbacks.monitor_callback import MonitorCallback
    >>> MonitorCallback("val_loss", min_delta=-0.1).min_delta
    0.1
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        mode: str = "auto",
        baseline: float | None = None,
        min_delta: float = 0,
    ) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{self._who}: expected mode 'auto', 'min' or 'max'; received mode={mode!r}. "
                "It is taken for 'auto'",
                stacklevel=2,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best: Any = baseline
        self.min_delta = abs(min_delta)
        self.monitor_op: Callable[[Any, Any], Any] | None = None

    @property
    def _who(self) -> str:
        return f"pynn.callbacks.{type(self).__name__}"

    def _set_monitor_op(self, logs: Mapping[str, Any] | None = None) -> None:
        """Finds out what is better, once the model's metrics are there."""
        if self.monitor_op is not None:
            return
        goes = {"min": "down", "max": "up"}.get(self.mode) or self._find_direction(logs or {})
        self.monitor_op = ops.greater if goes == "up" else ops.less
        if goes == "down":
            self.min_delta *= -1

    def _find_direction(self, logs: Mapping[str, Any]) -> str:
        name = self.monitor.removeprefix("val_")
        metrics = _all_metrics(getattr(self.model, "metrics", ()))
        directions = {metric.name: direction(metric) for metric in metrics}
        found = directions.get(name)
        if name not in directions:
            # Of a model with several outputs: the name of one comes first.
            endings = [known for known in directions if name.endswith(f"_{known}")]
            found = directions[max(endings, key=len)] if endings else None
        if found is None and (name == "loss" or name.endswith("_loss")):
            found = "down"
        if found is None:
            raise ValueError(
                f"{self._who}: expected mode='min' or mode='max' for a quantity of which it is not "
                f"known what is better; received monitor={self.monitor!r} with mode='auto'. "
                f"{self._available(logs)}"
            )
        return found

    def get_monitor_value(self, logs: Mapping[str, Any] | None) -> Any:
        """Returns the watched value; `None`, with a warning, if there is none."""
        logs = logs or {}
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"{self._who}: expected the metric {self.monitor!r}, which is not available, "
                f"so nothing is done. {self._available(logs)}",
                stacklevel=3,
            )
        elif np.ndim(value) > 0:
            raise ValueError(
                f"{self._who}: expected a metric with a single value; "
                f"received {self.monitor}={value}"
            )
        return value

    def _available(self, logs: Mapping[str, Any]) -> str:
        near = None if self.monitor in logs else nearest_name(self.monitor, logs)
        hint = f". Did you mean {near!r}?" if near else ""
        return f"Available metrics are: {', '.join(logs)}{hint}"

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        """Whether `value` is better than `reference` by `min_delta`, in `floatx` as metrics are."""
        if reference is None:
            return True
        assert self.monitor_op is not None
        return bool(self.monitor_op(value - self.min_delta, reference))


def _all_metrics(metrics: Iterable[Any]) -> Iterable[Any]:
    """The metrics, those inside the one that holds what `compile` got included."""
    for metric in metrics:
        yield metric
        yield from getattr(metric, "metrics", ())
