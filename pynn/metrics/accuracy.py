"""Accuracies: how often the prediction is the truth."""

from __future__ import annotations

from typing import Any

from pynn import backend, ops
from pynn.losses.loss import align, same_shape, shape_error
from pynn.metrics.reduction import MeanMetricWrapper


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """Returns 1 where `y_pred` equals `y_true`, else 0, elementwise.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn.metrics.accuracy import accuracy
    >>> accuracy([1.0, 2.0], [1.0, 3.0]).numpy().tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.metrics.accuracy")
    return ops.cast(ops.equal(y_true, y_pred), backend.floatx())


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """Returns 1 where `y_pred > threshold` says what `y_true` (0 or 1) says, elementwise.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import metrics
    >>> metrics.binary_accuracy([[1.0], [0.0]], [[0.9], [0.8]]).numpy().tolist()
    [[1.0], [0.0]]
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.metrics.binary_accuracy")
    decision = ops.cast(ops.greater(y_pred, threshold), y_true.dtype)
    return ops.cast(ops.equal(y_true, decision), backend.floatx())


def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Returns 1 per row where the largest score is at the largest target, else 0.

    Args:
        y_true: one-hot targets, shape (..., classes).
        y_pred: scores of the same shape.

    Raises:
        ValueError: if the shapes differ.

    >>> from pynn import metrics
    >>> metrics.categorical_accuracy([[0, 1], [1, 0]], [[0.1, 0.9], [0.2, 0.8]]).numpy().tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if not same_shape(y_true.shape, y_pred.shape):
        raise shape_error("pynn.metrics.categorical_accuracy", y_true, y_pred)
    matches = ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1))
    return ops.cast(matches, backend.floatx())


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """Returns 1 per row where the largest score is at the true class, else 0.

    Args:
        y_true: class numbers, shape (...) or (..., 1).
        y_pred: scores, shape (..., classes).

    Raises:
        ValueError: if the shapes do not fit.

    >>> from pynn import metrics
    >>> metrics.sparse_categorical_accuracy([1, 0], [[0.1, 0.9], [0.2, 0.8]]).numpy().tolist()
    [1.0, 0.0]
    """
    labels, y_pred = _labels_and_scores(y_true, y_pred, "pynn.metrics.sparse_categorical_accuracy")
    return ops.cast(ops.equal(labels, ops.argmax(y_pred, axis=-1)), backend.floatx())


def _labels_and_scores(y_true: Any, y_pred: Any, who: str) -> tuple[Any, Any]:
    """Returns labels of the shape of `y_pred` without its last axis, and `y_pred`."""
    labels, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(labels.shape) == len(y_pred.shape) and labels.shape[-1] == 1:
        labels = ops.squeeze(labels, -1)
    if not same_shape(labels.shape, y_pred.shape[:-1]):
        raise shape_error(who, labels, y_pred, "shapes (...) and (..., classes)")
    return labels, y_pred


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """Returns 1 per row where the true class is among the `k` largest scores, else 0.

    Args:
        y_true: one-hot targets, shape (..., classes).
        y_pred: scores of the same shape.
        k: how many scores count.

    Raises:
        ValueError: if the shapes differ.

    >>> from pynn import metrics
    >>> metrics.top_k_categorical_accuracy([[0, 0, 1]], [[0.5, 0.2, 0.3]], k=2).numpy().tolist()
    [1.0]
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if not same_shape(y_true.shape, y_pred.shape):
        raise shape_error("pynn.metrics.top_k_categorical_accuracy", y_true, y_pred)
    return _in_top_k(ops.argmax(y_true, axis=-1), y_pred, k)


def _in_top_k(labels: Any, scores: Any, k: int) -> Any:
    """1 where fewer than `k` scores exceed that of the label: no sorting is needed."""
    chosen = ops.one_hot(labels, scores.shape[-1], dtype=scores.dtype)
    own = ops.sum(ops.where(ops.greater(chosen, 0.0), scores, ops.zeros_like(scores)), axis=-1)
    above = ops.cast(ops.greater(scores, ops.expand_dims(own, -1)), backend.floatx())
    return ops.cast(ops.less(ops.sum(above, axis=-1), float(k)), backend.floatx())


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> Any:
    """Returns 1 per row where the true class is among the `k` largest scores, else 0.

    Args:
        y_true: class numbers, shape (...) or (..., 1).
        y_pred: scores, shape (..., classes); with `from_sorted_ids` the class numbers
            themselves, best first, shape (batch, n).
        k: how many count.
        from_sorted_ids: whether `y_pred` holds class numbers.

    Raises:
        ValueError: if the shapes do not fit.

    >>> from pynn import metrics
    >>> metrics.sparse_top_k_categorical_accuracy([2], [[0.5, 0.2, 0.3]], k=2).numpy().tolist()
    [1.0]
    """
    who = "pynn.metrics.sparse_top_k_categorical_accuracy"
    labels, y_pred = _labels_and_scores(y_true, y_pred, who)
    if not from_sorted_ids:
        return _in_top_k(ops.cast(labels, "int32"), y_pred, k)
    hits = ops.equal(ops.expand_dims(labels, -1), y_pred[..., :k])
    return ops.cast(ops.any(hits, axis=-1), backend.floatx())


class Accuracy(MeanMetricWrapper):
    """How often predictions equal targets.

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> float(metrics.Accuracy()([1.0, 2.0], [1.0, 3.0]))
    0.5
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name=name, dtype=dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often a prediction above `threshold` means target 1, and one below target 0.

    Args:
        name, dtype: see `Metric`.
        threshold: predictions above it mean 1.

    Raises:
        ValueError: for a threshold outside [0, 1] or not a number.

    >>> from pynn import metrics
    >>> float(metrics.BinaryAccuracy()([[1.0], [0.0]], [[0.9], [0.8]]))
    0.5
    """

    def __init__(
        self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5
    ) -> None:
        if threshold is not None and not 0 <= threshold <= 1:
            raise ValueError(
                "pynn.metrics.BinaryAccuracy: expected threshold in [0, 1]; "
                f"received threshold={threshold}"
            )
        super().__init__(binary_accuracy, name=name, dtype=dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest score is at the true class of one-hot targets.

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> float(metrics.CategoricalAccuracy()([[0, 1], [1, 0]], [[0.1, 0.9], [0.2, 0.8]]))
    0.5
    """

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name=name, dtype=dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest score is at the true class number.

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> float(metrics.SparseCategoricalAccuracy()([1, 0], [[0.1, 0.9], [0.2, 0.8]]))
    0.5
    """

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name=name, dtype=dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the true class of one-hot targets is among the `k` largest scores.

    Args:
        k: how many scores count.
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> float(metrics.TopKCategoricalAccuracy(k=2)([[0, 0, 1]], [[0.5, 0.2, 0.3]]))
    1.0
    """

    def __init__(
        self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name=name, dtype=dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the true class number is among the `k` largest scores.

    Args:
        k: how many scores count.
        name, dtype: see `Metric`.
        from_sorted_ids: whether predictions are class numbers, best first.

    >>> from pynn import metrics
    >>> float(metrics.SparseTopKCategoricalAccuracy(k=2)([2], [[0.5, 0.2, 0.3]]))
    1.0
    """

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(
            sparse_top_k_categorical_accuracy,
            name=name,
            dtype=dtype,
            k=k,
            from_sorted_ids=from_sorted_ids,
        )
