"""Metrics between numbers."""

from __future__ import annotations

from typing import Any

from pynn import ops
from pynn.losses import regression
from pynn.losses.loss import align
from pynn.metrics.reduction import Mean, MeanMetricWrapper


def _cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine itself; the loss of that name is minus it."""
    return -regression.cosine_similarity(y_true, y_pred, axis=axis)


class RootMeanSquaredError(Mean):
    """Square root of the mean of squared differences.

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> float(metrics.RootMeanSquaredError()([[0.0, 0.0]], [[3.0, 3.0]]))
    3.0
    """

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype=dtype)

    def update_state(  # type: ignore[override]  # a metric of two things
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Takes targets and predictions (batch, ...) into account."""
        y_true, y_pred = align(y_true, y_pred, "pynn.metrics.RootMeanSquaredError")
        super().update_state(ops.square(y_pred - y_true), sample_weight)

    def result(self) -> Any:
        """Returns the root of the mean, a scalar."""
        return ops.sqrt(super().result())


class MeanSquaredError(MeanMetricWrapper):
    """Mean of squared differences.

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> round(float(metrics.MeanSquaredError()([[0.0, 2.0]], [[1.0, 0.0]])), 4)
    2.5
    """

    def __init__(
        self,
        name: str = "mean_squared_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.mean_squared_error, name=name, dtype=dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """Mean of absolute differences.

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> round(float(metrics.MeanAbsoluteError()([[0.0, 2.0]], [[1.0, 0.0]])), 4)
    1.5
    """

    def __init__(
        self,
        name: str = "mean_absolute_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.mean_absolute_error, name=name, dtype=dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """Mean of absolute differences in percent of the targets.

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> round(float(metrics.MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 4.0]])), 4)
    25.0
    """

    def __init__(
        self,
        name: str = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.mean_absolute_percentage_error, name=name, dtype=dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """Mean of squared differences of log(y + 1).

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> round(float(metrics.MeanSquaredLogarithmicError()([[3.0]], [[3.0]])), 4)
    0.0
    """

    def __init__(
        self,
        name: str = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.mean_squared_logarithmic_error, name=name, dtype=dtype)


class LogCoshError(MeanMetricWrapper):
    """Mean of log(cosh(y_pred - y_true)).

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> round(float(metrics.LogCoshError()([[0.0]], [[1.0]])), 4)
    0.4338
    """

    def __init__(
        self,
        name: str = "logcosh",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.log_cosh, name=name, dtype=dtype)


class CosineSimilarity(MeanMetricWrapper):
    """Mean cosine of the angle between targets and predictions.

    Args:
        name, dtype: see `Metric`.
        axis: the axis along which the vectors lie.

    >>> from pynn import metrics
    >>> round(float(metrics.CosineSimilarity()([[0.0, 1.0]], [[0.0, 2.0]])), 4)
    1.0
    """

    def __init__(
        self,
        name: str = "cosine_similarity",
        dtype: Any = None,
        axis: int = -1,
    ) -> None:
        super().__init__(_cosine_similarity, name=name, dtype=dtype, axis=axis)
