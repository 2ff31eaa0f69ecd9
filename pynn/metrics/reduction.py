"""Sums and means over a stream of values, and metrics made of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pynn import _core, ops
from pynn.losses.loss import apply_mask, fit_weight
from pynn.metrics.metric import Metric
from pynn.saving import deserialize_keras_object, serialize_keras_object


def reduce_to_samplewise_values(
    values: Any, sample_weight: Any, reduce: Callable[..., Any], dtype: str
) -> tuple[Any, Any]:
    """Returns one weighted value per row, and one weight per row (or `None`).

    Axes behind the first are reduced with `reduce` (sum or mean).
    """
    mask = getattr(values, "_keras_mask", None)
    values = ops.convert_to_tensor(values, dtype=dtype)
    weight = apply_mask(sample_weight, mask, dtype, "sum")
    if weight is None:
        return _per_row(values, reduce), None
    weight = ops.convert_to_tensor(weight, dtype=dtype)
    own_rank = len(weight.shape)
    if own_rank < len(values.shape):
        values = reduce(values, axis=tuple(range(own_rank, len(values.shape))))
    weight = ops.broadcast_to(fit_weight(weight, values), values.shape)
    return _per_row(values * weight, reduce), _per_row(weight, reduce)


def _per_row(values: Any, reduce: Callable[..., Any]) -> Any:
    if len(values.shape) <= 1:
        return values
    return reduce(values, axis=tuple(range(1, len(values.shape))))


class Sum(Metric):
    """The sum of the values.

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> metric = metrics.Sum()
    >>> metric.update_state([1.0, 2.0])
    >>> float(metric.result())
    3.0
    """

    def __init__(self, name: str = "sum", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds `values` (batch, ...), each row times its weight."""
        values, _ = reduce_to_samplewise_values(values, sample_weight, ops.sum, self.dtype)
        self.total.assign(self.total + ops.sum(values))

    def result(self) -> Any:
        """Returns the sum, a scalar."""
        return ops.convert_to_tensor(self.total, dtype=self.dtype)


class Mean(Metric):
    """The weighted mean of the values: sum(values * weights) / sum(weights).

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> metric = metrics.Mean()
    >>> metric.update_state([1.0, 3.0], sample_weight=[3.0, 1.0])
    >>> float(metric.result())
    1.5
    """

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", dtype=self.dtype, name="total")
        self.count = self.add_variable((), "zeros", dtype=self.dtype, name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Takes `values` (batch, ...) into account, each row with its weight."""
        if isinstance(sample_weight, int | float) and len(getattr(values, "shape", (0,))) == 0:
            # The loss of a batch with the batch's size: no tensor has to be made for the weight.
            values = ops.convert_to_tensor(values, dtype=self.dtype)
            self._add(values * float(sample_weight), float(sample_weight))
            return
        values, weight = reduce_to_samplewise_values(values, sample_weight, ops.mean, self.dtype)
        if weight is None:
            weight = float(values.shape[0]) if len(values.shape) else 1.0
        else:
            weight = ops.sum(weight)
        self._add(ops.sum(values) if len(values.shape) else values, weight)

    def _add(self, total: Any, count: Any) -> None:
        self.total.assign(self.total + total)
        self.count.assign(self.count + count)

    def result(self) -> Any:
        """Returns the mean, a scalar; 0 before the first update."""
        total, count = self.total.value, self.count.value
        # In engine calls: the results of all metrics are asked for after every single batch.
        zero = _core.full((), 0.0, self.dtype)
        return _core.where(_core.equal(count, zero), zero, _core.divide(total, count))


class MeanMetricWrapper(Mean):
    """The mean of a function `fn(y_true, y_pred, **kwargs)` that returns a value per row.

    Args:
        fn: the function.
        name, dtype: see `Metric`.
        kwargs: passed to `fn` at every call.

    >>> from pynn import losses, metrics
    >>> metric = metrics.MeanMetricWrapper(losses.mean_squared_error, name="mse")
    >>> float(metric([[0.0], [1.0]], [[1.0], [1.0]]))
    0.5
    """

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(  # type: ignore[override]  # a metric of two things
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Takes targets and predictions (batch, ...) into account."""
        mask = getattr(y_pred, "_keras_mask", None)
        values = self._fn(y_true, y_pred, **self._fn_kwargs)
        super().update_state(values, apply_mask(sample_weight, mask, self.dtype, "sum"))

    def get_config(self) -> dict[str, Any]:
        """Returns the settings; the function itself only where it is not the class's own."""
        config = super().get_config()
        if type(self) is not MeanMetricWrapper:
            return {**config, **self._fn_kwargs}
        config["fn"] = serialize_keras_object(self._fn)
        config.update(serialize_keras_object(self._fn_kwargs))
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """Makes the metric that `get_config` described."""
        if "fn" in config:
            config = deserialize_keras_object(config)
        return cls(**config)

    def __getattr__(self, name: str) -> Any:
        # `metric.threshold`, `metric.k`, ... read the settings of the function.
        kwargs = self.__dict__.get("_fn_kwargs", {})
        if name in kwargs:
            return kwargs[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
