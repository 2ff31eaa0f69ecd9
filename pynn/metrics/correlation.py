"""Correlations between targets and predictions."""

from __future__ import annotations

from typing import Any

from pynn import backend, ops
from pynn.losses.loss import align
from pynn.metrics.reduction import MeanMetricWrapper


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Returns cov(y_true, y_pred) / (std(y_true) * std(y_pred)) along `axis`, in [-1, 1].

    Pearson, 1895. NaN where either is constant.

    Args:
        y_true: targets, shape (..., d).
        y_pred: predictions of the same shape.
        axis: the axis along which the two are compared.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import metrics
    >>> metrics.pearson_correlation([[0.0, 1.0, 0.5]], [[0.1, 0.9, 1.0]]).numpy().round(4)
    array([0.8109], dtype=float32)
    """
    first, second, _, _ = _centred(y_true, y_pred, axis, "pearson_correlation")
    spread = ops.sqrt(_mean(ops.square(first), axis)) * ops.sqrt(_mean(ops.square(second), axis))
    return ops.mean(first * second / spread, axis=axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Returns how well the two lie on the line y_true = y_pred along `axis`, in [-1, 1].

    2 cov / (var(y_true) + var(y_pred) + (mean(y_true) - mean(y_pred))^2); Lin, "A concordance
    correlation coefficient to evaluate reproducibility", 1989.

    Args:
        y_true: targets, shape (..., d).
        y_pred: predictions of the same shape.
        axis: the axis along which the two are compared.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import metrics
    >>> metrics.concordance_correlation([[0.0, 1.0, 0.5]], [[0.1, 0.9, 1.0]]).numpy().round(4)
    array([0.7477], dtype=float32)
    """
    first, second, mean1, mean2 = _centred(y_true, y_pred, axis, "concordance_correlation")
    spread = _mean(ops.square(first), axis) + _mean(ops.square(second), axis)
    distance = spread + ops.square(mean1 - mean2) + backend.epsilon()
    return ops.mean(2.0 * first * second / distance, axis=axis)


def _mean(x: Any, axis: int) -> Any:
    return ops.mean(x, axis=axis, keepdims=True)


def _centred(y_true: Any, y_pred: Any, axis: int, who: str) -> tuple[Any, Any, Any, Any]:
    """Returns targets and predictions without their means, and the two means."""
    y_true, y_pred = align(y_true, y_pred, f"pynn.metrics.{who}")
    mean1, mean2 = _mean(y_true, axis), _mean(y_pred, axis)
    return y_true - mean1, y_pred - mean2, mean1, mean2


class PearsonCorrelation(MeanMetricWrapper):
    """Mean over rows of `pearson_correlation`.

    Args:
        name, dtype: see `Metric`.
        axis: the axis along which targets and predictions are compared.

    >>> from pynn import metrics
    >>> metric = metrics.PearsonCorrelation()
    >>> round(float(metric([[0.0, 1.0, 0.5]], [[0.1, 0.9, 1.0]])), 4)
    0.8109
    """

    def __init__(
        self, name: str = "pearson_correlation", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(pearson_correlation, name=name, dtype=dtype, axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """Mean over rows of `concordance_correlation`.

    Args:
        name, dtype: see `Metric`.
        axis: the axis along which targets and predictions are compared.

    >>> from pynn import metrics
    >>> metric = metrics.ConcordanceCorrelation()
    >>> round(float(metric([[0.0, 1.0, 0.5]], [[0.1, 0.9, 1.0]])), 4)
    0.7477
    """

    def __init__(
        self, name: str = "concordance_correlation", dtype: Any = None, axis: int = -1
    ) -> None:
        super().__init__(concordance_correlation, name=name, dtype=dtype, axis=axis)
