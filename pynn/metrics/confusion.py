"""Counts of right and wrong positives and negatives, and precision and recall made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pynn import ops
from pynn.metrics.confusion_counts import confusion_counts, parse_thresholds
from pynn.metrics.metric import Metric
from pynn.variables import Variable

# Where only the largest predictions of a row are positive, all of them are.
_BELOW_ALL = -1e10


class ConfusionMetric(Metric):
    """What the metrics of this family share: a variable per count, an element per threshold.

    Subclasses set `thresholds` and say with `_add_counts` which of the counts they keep.
    """

    thresholds: list[float]
    true_positives: Variable
    false_positives: Variable
    true_negatives: Variable
    false_negatives: Variable

    def _add_counts(self, names: Sequence[str], shape: tuple[int, ...]) -> None:
        for count in names:
            setattr(self, count, self.add_variable(shape, "zeros", name=count))

    def _accumulate(self, names: Sequence[str], y_true: Any, y_pred: Any, **options: Any) -> None:
        """Adds the counts of a batch; see `confusion_counts` for the options."""
        who = type(self).__name__
        counts = confusion_counts(y_true, y_pred, self.thresholds, names, who, **options)
        for name, value in zip(names, counts, strict=True):
            variable = getattr(self, name)
            variable.assign(variable + value)

    def _ratio(self, of: str, other: str) -> Any:
        """Returns of / (of + other) per threshold; 0 where both are 0."""
        part = getattr(self, of).value
        return ops.divide_no_nan(part, part + getattr(self, other).value)


class _ConditionCount(Metric):
    """One of the four counts."""

    _count: ClassVar[str]

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = parse_thresholds(thresholds, 0.5, type(self).__name__)
        self.accumulator = self.add_variable((len(self.thresholds),), "zeros", name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes targets and predictions (batch, ...) into account, each with its weight."""
        (value,) = confusion_counts(
            y_true, y_pred, self.thresholds, [self._count], type(self).__name__, sample_weight
        )
        self.accumulator.assign(self.accumulator + value)

    def result(self) -> Any:
        """Returns the count: a scalar, or (thresholds,) for several thresholds."""
        counts = self.accumulator.value
        return counts[0] if len(self.thresholds) == 1 else counts

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_ConditionCount):
    """How many targets are positive and predicted so, as a sum of their weights.

    Args:
        thresholds: a number or several in [0, 1]; predictions above it are positive. `None` is 0.5.
        name, dtype: see `Metric`.

    Raises:
        ValueError: for a threshold outside [0, 1].

    >>> from pynn import metrics
    >>> float(metrics.TruePositives()([0, 1, 1, 1], [1.0, 0.0, 0.9, 0.6]))
    2.0
    """

    _count = "true_positives"


class FalsePositives(_ConditionCount):
    """How many targets are negative but predicted positive, as a sum of their weights.

    Args:
        thresholds: a number or several in [0, 1]; predictions above it are positive. `None` is 0.5.
        name, dtype: see `Metric`.

    Raises:
        ValueError: for a threshold outside [0, 1].

    >>> from pynn import metrics
    >>> float(metrics.FalsePositives()([0, 1, 0, 0], [0.9, 1.0, 0.1, 0.6]))
    2.0
    """

    _count = "false_positives"


class TrueNegatives(_ConditionCount):
    """How many targets are negative and predicted so, as a sum of their weights.

    Args:
        thresholds: a number or several in [0, 1]; predictions above it are positive. `None` is 0.5.
        name, dtype: see `Metric`.

    Raises:
        ValueError: for a threshold outside [0, 1].

    >>> from pynn import metrics
    >>> float(metrics.TrueNegatives()([0, 1, 0, 0], [0.9, 1.0, 0.1, 0.3]))
    2.0
    """

    _count = "true_negatives"


class FalseNegatives(_ConditionCount):
    """How many targets are positive but predicted negative, as a sum of their weights.

    Args:
        thresholds: a number or several in [0, 1]; predictions above it are positive. `None` is 0.5.
        name, dtype: see `Metric`.

    Raises:
        ValueError: for a threshold outside [0, 1].

    >>> from pynn import metrics
    >>> float(metrics.FalseNegatives()([0, 1, 1, 1], [0.0, 1.0, 0.1, 0.4]))
    2.0
    """

    _count = "false_negatives"


class _PositiveRatio(ConfusionMetric):
    """True positives over true positives and one of the other counts."""

    _other: ClassVar[str]

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        default = 0.5 if top_k is None else _BELOW_ALL
        self.thresholds = parse_thresholds(thresholds, default, type(self).__name__)
        self._names = ("true_positives", self._other)
        self._add_counts(self._names, (len(self.thresholds),))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes targets and predictions (batch, ...) into account, each with its weight."""
        self._accumulate(
            self._names,
            y_true,
            y_pred,
            sample_weight=sample_weight,
            top_k=self.top_k,
            class_id=self.class_id,
        )

    def result(self) -> Any:
        """Returns the ratio: a scalar, or (thresholds,) for several; 0 where nothing counts."""
        ratios = self._ratio(*self._names)
        return ratios[0] if len(self.thresholds) == 1 else ratios

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        config = {
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }
        return {**super().get_config(), **config}


class Precision(_PositiveRatio):
    """Which share of what is predicted positive is so: tp / (tp + fp).

    Args:
        thresholds: a number or several in [0, 1]; predictions above it are positive. `None` is
            0.5, or with `top_k` no limit.
        top_k: only the `top_k` largest predictions of a row are positive.
        class_id: only this class (last axis) counts.
        name, dtype: see `Metric`.

    Raises:
        ValueError: for a threshold outside [0, 1]; when called, for a class that is not there.

    >>> from pynn import metrics
    >>> round(float(metrics.Precision()([0, 1, 1, 1], [1.0, 0.0, 0.9, 0.6])), 4)
    0.6667
    """

    _other = "false_positives"


class Recall(_PositiveRatio):
    """Which share of what is positive is predicted so: tp / (tp + fn).

    Args:
        thresholds: a number or several in [0, 1]; predictions above it are positive. `None` is
            0.5, or with `top_k` no limit.
        top_k: only the `top_k` largest predictions of a row are positive.
        class_id: only this class (last axis) counts.
        name, dtype: see `Metric`.

    Raises:
        ValueError: for a threshold outside [0, 1]; when called, for a class that is not there.

    >>> from pynn import metrics
    >>> round(float(metrics.Recall()([0, 1, 1, 1], [1.0, 0.0, 0.9, 0.6])), 4)
    0.6667
    """

    _other = "false_negatives"
