"""Whether a metric is better when it is larger."""

from __future__ import annotations

from typing import Any

from pynn import losses, metrics

# By class name, as in Keras 3; a subclass goes the way of its base. Sums, means and counts of
# decisions are missing: whether more of them is better depends on what is counted.
_UP = {
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryIoU",
    "CategoricalAccuracy",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "IoU",
    "MeanIoU",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "TopKCategoricalAccuracy",
}
_DOWN = {
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "RootMeanSquaredError",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
}


def direction(metric: Any) -> str | None:
    """Returns "up" if a larger value is better, "down" if a smaller one is, `None` if unknown.

    A metric class of your own says it with an attribute `_direction`, as in Keras.

    Args:
        metric: a `Metric`.

    >>> from pynn import metrics
    >>> direction(metrics.BinaryAccuracy()), direction(metrics.Mean())
    ('up', None)
    """
    own = getattr(metric, "_direction", None)
    if own is not None:
        return "up" if own == "up" else "down"
    for cls in type(metric).__mro__:
        if getattr(metrics, cls.__name__, None) is cls:
            if cls.__name__ in _UP:
                return "up"
            if cls.__name__ in _DOWN:
                return "down"
    return "down" if _is_loss(getattr(metric, "_fn", None)) else None


def _is_loss(function: Any) -> bool:
    name = getattr(function, "__name__", type(function).__name__)
    known = getattr(losses, name, None)
    return known is not None and (known is function or known is type(function))
