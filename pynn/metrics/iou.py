"""Intersection over union: how far predicted and true regions of a class cover each other."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from pynn import backend, ops
from pynn.losses.loss import fit_weight
from pynn.metrics.metric import Metric


class IoU(Metric):
    """Mean over some classes of tp / (tp + fp + fn), the intersection over union.

    A class that occurs neither in targets nor in predictions does not count (Jaccard, 1901).

    Args:
        num_classes: the number of classes; values outside [0, num_classes) are ignored.
        target_class_ids: the classes of the mean.
        name: see `Metric`.
        dtype: dtype of the counts; `None` means int32. Weights that are not whole need a float.
        ignore_class: values with this target are ignored.
        sparse_y_true: whether targets are class numbers; else scores per class along `axis`.
        sparse_y_pred: the same, for predictions.
        axis: the axis of the classes.

    Raises:
        ValueError: for a target class outside [0, num_classes).

    >>> from pynn import metrics
    >>> metric = metrics.IoU(num_classes=2, target_class_ids=[0])
    >>> round(float(metric([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name=name, dtype=dtype or "int")
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        if not all(0 <= target < num_classes for target in self.target_class_ids):
            raise ValueError(
                f"pynn.metrics.{type(self).__name__}: expected target_class_ids in "
                f"[0, {num_classes}); received target_class_ids={self.target_class_ids}"
            )
        self.total_cm = self.add_variable(
            (num_classes, num_classes), "zeros", dtype=self.dtype, name="total_confusion_matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes targets and predictions (batch, ...) into account, each with its weight.

        Raises:
            ValueError: if their sizes differ.
        """
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        if not self.sparse_y_true:
            y_true = ops.argmax(y_true, axis=self.axis)
        if not self.sparse_y_pred:
            y_pred = ops.argmax(y_pred, axis=self.axis)
        weight = self._flat_weight(sample_weight, y_true)
        truth = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        guess = ops.reshape(ops.cast(y_pred, "int32"), (-1,))
        if truth.shape != guess.shape:
            raise ValueError(
                f"pynn.metrics.{type(self).__name__}: expected one predicted class per true class; "
                f"received y_true.shape={tuple(y_true.shape)} and "
                f"y_pred.shape={tuple(y_pred.shape)} (classes, without their axis)"
            )
        self.total_cm.assign(self.total_cm + self._confusion_matrix(truth, guess, weight))

    def _flat_weight(self, sample_weight: Any, y_true: Any) -> Any:
        """Returns a weight per value (n,) in the metric's dtype."""
        if sample_weight is None:
            return ops.ones((1,), dtype=self.dtype)
        weight = ops.convert_to_tensor(sample_weight)
        if backend.is_float_dtype(weight.dtype) and backend.is_int_dtype(self.dtype):
            warnings.warn(
                f"pynn.metrics.{type(self).__name__}: expected weights of dtype {self.dtype}; "
                f"received {weight.dtype}, whose fractions are dropped. A float dtype of the "
                "metric keeps them",
                stacklevel=3,
            )
        weight = fit_weight(ops.cast(weight, self.dtype), y_true)
        return ops.reshape(ops.broadcast_to(weight, y_true.shape), (-1,))

    def _confusion_matrix(self, truth: Any, guess: Any, weight: Any) -> Any:
        """Returns the weights summed by true class (rows) and predicted class (columns)."""
        counts = ops.logical_and(self._is_class(truth), self._is_class(guess))
        if self.ignore_class is not None:
            counts = ops.logical_and(counts, ops.not_equal(truth, self.ignore_class))
        cell = ops.where(counts, truth * self.num_classes + guess, ops.zeros_like(truth))
        sums = ops.segment_sum(
            ops.cast(counts, self.dtype) * weight, cell, num_segments=self.num_classes**2
        )
        return ops.reshape(sums, (self.num_classes, self.num_classes))

    def _is_class(self, numbers: Any) -> Any:
        return ops.logical_and(ops.greater_equal(numbers, 0), ops.less(numbers, self.num_classes))

    def result(self) -> Any:
        """Returns the mean over the target classes that occur, a scalar; 0 if none does."""
        matrix = ops.cast(self.total_cm.value, "float32")
        both = ops.diagonal(matrix)
        either = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - both
        targets = ops.convert_to_tensor(self.target_class_ids, dtype="int32")
        both, either = ops.take(both, targets), ops.take(either, targets)
        occurs = ops.cast(ops.greater(either, 0.0), "float32")
        shares = both / (either + backend.epsilon())
        return ops.sum(shares * occurs) / (ops.sum(occurs) + backend.epsilon())

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        config = {
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }
        return {**super().get_config(), **config}

    def _config_without(self, *names: str) -> dict[str, Any]:
        """Returns the settings of `IoU` but for those that a subclass has fixed."""
        return {name: value for name, value in IoU.get_config(self).items() if name not in names}


class BinaryIoU(IoU):
    """Intersection over union of two classes, told apart by a threshold.

    Args:
        target_class_ids: the classes of the mean: 0, 1 or both.
        threshold: predictions of at least this mean class 1.
        name, dtype: see `IoU`.

    >>> from pynn import metrics
    >>> metric = metrics.BinaryIoU(threshold=0.3)
    >>> round(float(metric([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
    0.3333
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes targets (0 or 1) and predictions (batch, ...) into account."""
        y_pred = ops.convert_to_tensor(y_pred, dtype="float32")
        super().update_state(y_true, ops.greater_equal(y_pred, self.threshold), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        fixed = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")
        return {**self._config_without(*fixed), "threshold": self.threshold}


class MeanIoU(IoU):
    """Mean over all classes that occur of the intersection over union.

    Args:
        num_classes, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: see `IoU`.

    >>> from pynn import metrics
    >>> round(float(metrics.MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            range(num_classes),
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=sparse_y_true,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return self._config_without("target_class_ids")


class OneHotIoU(IoU):
    """Intersection over union of some classes, of one-hot targets.

    Args:
        num_classes, target_class_ids, name, dtype, ignore_class: see `IoU`.
        sparse_y_pred: whether predictions are class numbers; else scores per class.
        axis: the axis of the classes.

    >>> from pynn import metrics
    >>> metric = metrics.OneHotIoU(num_classes=2, target_class_ids=[1])
    >>> round(float(metric([[1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])), 4)
    0.5
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            target_class_ids,
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=False,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return self._config_without("sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """Mean over all classes that occur of the intersection over union, of one-hot targets.

    Args:
        num_classes, name, dtype, ignore_class: see `IoU`.
        sparse_y_pred: whether predictions are class numbers; else scores per class.
        axis: the axis of the classes.

    >>> from pynn import metrics
    >>> metric = metrics.OneHotMeanIoU(num_classes=2)
    >>> round(float(metric([[1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])), 4)
    0.5
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=False,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return self._config_without("target_class_ids", "sparse_y_true")
