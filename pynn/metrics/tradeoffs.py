"""The best of one ratio where another one is at least as large as is asked for."""

from __future__ import annotations

from typing import Any, ClassVar

from pynn import ops
from pynn.metrics.confusion import ConfusionMetric
from pynn.metrics.confusion_counts import COUNTS, even_thresholds

# Ratio -> the counts a and b of a / (a + b).
_RATIOS = {
    "recall": ("true_positives", "false_negatives"),
    "sensitivity": ("true_positives", "false_negatives"),
    "specificity": ("true_negatives", "false_positives"),
    "precision": ("true_positives", "false_positives"),
}


class _BestUnderConstraint(ConfusionMetric):
    """The largest `_wanted` over the thresholds at which `_constrained` is at least `value`."""

    _wanted: ClassVar[str]
    _constrained: ClassVar[str]

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        who = f"pynn.metrics.{type(self).__name__}"
        if not 0 <= value <= 1:
            raise ValueError(
                f"{who}: expected {self._constrained} in [0, 1]; "
                f"received {self._constrained}={value}"
            )
        if num_thresholds <= 0:
            raise ValueError(
                f"{who}: expected num_thresholds of at least 1; "
                f"received num_thresholds={num_thresholds}"
            )
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.thresholds = [0.5] if num_thresholds == 1 else even_thresholds(num_thresholds)
        self._add_counts(COUNTS, (num_thresholds,))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes targets and predictions (batch, ...) into account, each with its weight."""
        self._accumulate(
            COUNTS, y_true, y_pred, sample_weight=sample_weight, class_id=self.class_id
        )

    def result(self) -> Any:
        """Returns the largest ratio, a scalar; 0 if no threshold keeps the constraint."""
        wanted = self._ratio(*_RATIOS[self._wanted])
        allowed = ops.greater_equal(self._ratio(*_RATIOS[self._constrained]), self.value)
        return ops.max(ops.where(allowed, wanted, ops.zeros_like(wanted)))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        config = {
            "class_id": self.class_id,
            "num_thresholds": self.num_thresholds,
            self._constrained: self.value,
        }
        return {**super().get_config(), **config}


class SensitivityAtSpecificity(_BestUnderConstraint):
    """The largest sensitivity at a specificity of at least `specificity`.

    Sensitivity is tp / (tp + fn), specificity is tn / (tn + fp).

    Args:
        specificity: the smallest specificity, in [0, 1].
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: only this class (last axis) counts.
        name, dtype: see `Metric`.

    Raises:
        ValueError: for `specificity` outside [0, 1] or no threshold.

    >>> from pynn import metrics
    >>> metric = metrics.SensitivityAtSpecificity(0.5)
    >>> round(float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])), 4)
    0.5
    """

    _wanted = "sensitivity"
    _constrained = "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity


class SpecificityAtSensitivity(_BestUnderConstraint):
    """The largest specificity at a sensitivity of at least `sensitivity`.

    Specificity is tn / (tn + fp), sensitivity is tp / (tp + fn).

    Args:
        sensitivity: the smallest sensitivity, in [0, 1].
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: only this class (last axis) counts.
        name, dtype: see `Metric`.

    Raises:
        ValueError: for `sensitivity` outside [0, 1] or no threshold.

    >>> from pynn import metrics
    >>> metric = metrics.SpecificityAtSensitivity(0.5)
    >>> round(float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])), 4)
    0.6667
    """

    _wanted = "specificity"
    _constrained = "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity


class PrecisionAtRecall(_BestUnderConstraint):
    """The largest precision at a recall of at least `recall`.

    Precision is tp / (tp + fp), recall is tp / (tp + fn).

    Args:
        recall: the smallest recall, in [0, 1].
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: only this class (last axis) counts.
        name, dtype: see `Metric`.

    Raises:
        ValueError: for `recall` outside [0, 1] or no threshold.

    >>> from pynn import metrics
    >>> metric = metrics.PrecisionAtRecall(0.8)
    >>> float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
    0.5
    """

    _wanted = "precision"
    _constrained = "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall


class RecallAtPrecision(_BestUnderConstraint):
    """The largest recall at a precision of at least `precision`.

    Recall is tp / (tp + fn), precision is tp / (tp + fp).

    Args:
        precision: the smallest precision, in [0, 1].
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: only this class (last axis) counts.
        name, dtype: see `Metric`.

    Raises:
        ValueError: for `precision` outside [0, 1] or no threshold.

    >>> from pynn import metrics
    >>> metric = metrics.RecallAtPrecision(0.4)
    >>> float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
    1.0
    """

    _wanted = "recall"
    _constrained = "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision
