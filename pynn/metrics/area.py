"""The area under the curve that a classifier draws as its threshold moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pynn import backend, ops
from pynn.lookup import nearest_name
from pynn.metrics.confusion import ConfusionMetric
from pynn.metrics.confusion_counts import COUNTS, even_thresholds

_CURVES = ("ROC", "PR", "PRGAIN")
_SUMMATIONS = ("interpolation", "majoring", "minoring")


class AUC(ConfusionMetric):
    """The area under the ROC or precision-recall curve, as a Riemann sum over thresholds.

    Args:
        num_thresholds: how many thresholds, evenly spaced, the curve is drawn with.
        curve: `"ROC"` (recall over the rate of false positives), `"PR"` (precision over recall),
            or `"PRGAIN"` (Flach and Kull, "Precision-Recall-Gain curves", 2015).
        summation_method: `"interpolation"` (trapezoids; for `"PR"` the interpolation of Davis and
            Goadrich, "The relationship between precision-recall and ROC curves", 2006),
            `"minoring"` (the lower end of each step) or `"majoring"` (the upper end).
        name, dtype: see `Metric`.
        thresholds: the thresholds themselves, in [0, 1]; 0 and 1 are added.
        multi_label: whether each label (last axis) has a curve; the result is their mean.
        num_labels: the number of labels, to make the variables at once.
        label_weights: the weights of the labels; without `multi_label` those of their values.
        from_logits: whether predictions are logits instead of probabilities.

    Raises:
        ValueError: for an unknown curve or summation method, too few thresholds or one outside
            [0, 1], or `num_labels` without `multi_label`.

    >>> from pynn import metrics
    >>> float(metrics.AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
    0.75
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.curve = _known("curve", curve, _CURVES)
        self.summation_method = _known("summation_method", summation_method, _SUMMATIONS)
        self._init_thresholds = None if thresholds is None else sorted(thresholds)
        inner = self._inner_thresholds(num_thresholds)
        self.num_thresholds = len(inner) + 2
        # Just outside of [0, 1]: the curve begins and ends in its corners.
        margin = backend.epsilon()
        self.thresholds = [-margin, *inner, 1.0 + margin]
        if num_labels and not multi_label:
            raise ValueError(
                "pynn.metrics.AUC: expected num_labels only with multi_label=True; "
                f"received num_labels={num_labels}"
            )
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else [float(w) for w in label_weights]
        self.from_logits = from_logits
        self.built = False
        if num_labels or not multi_label:
            self._build(num_labels)

    def _inner_thresholds(self, num_thresholds: int) -> list[float]:
        if self._init_thresholds is not None:
            if any(not 0 <= t <= 1 for t in self._init_thresholds):
                raise ValueError(
                    "pynn.metrics.AUC: expected thresholds in [0, 1]; "
                    f"received thresholds={self._init_thresholds}"
                )
            return self._init_thresholds
        if num_thresholds <= 1:
            raise ValueError(
                "pynn.metrics.AUC: expected num_thresholds of at least 2; "
                f"received num_thresholds={num_thresholds}"
            )
        return even_thresholds(num_thresholds)[1:-1]

    def _build(self, num_labels: int | None) -> None:
        labels = (num_labels,) if num_labels else ()
        self._add_counts(COUNTS, (self.num_thresholds, *labels))
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes targets and predictions (batch, ...) into account, each with its weight.

        Raises:
            ValueError: if shapes do not fit together, or `multi_label` predictions are not
                (batch, labels).
        """
        y_pred = ops.convert_to_tensor(y_pred, dtype=backend.floatx())
        if self.multi_label and len(y_pred.shape) != 2:
            raise ValueError(
                "pynn.metrics.AUC: expected predictions (batch, labels) with multi_label=True; "
                f"received y_pred.shape={tuple(y_pred.shape)}"
            )
        if not self.built:
            self._build(y_pred.shape[-1])
        self._accumulate(
            COUNTS,
            y_true,
            ops.sigmoid(y_pred) if self.from_logits else y_pred,
            sample_weight=sample_weight,
            label_weights=None if self.multi_label else self.label_weights,
            per_label=self.multi_label,
        )

    def result(self) -> Any:
        """Returns the area, a scalar in [0, 1]; with `multi_label` the mean over labels."""
        if not self.built:
            return ops.zeros((), dtype=self.dtype)
        if (self.curve, self.summation_method) == ("PR", "interpolation"):
            pieces = self._interpolated_pieces()
        else:
            x, y = self._points()
            pieces = (x[:-1] - x[1:]) * self._heights(y)
        areas = ops.sum(pieces, axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return ops.mean(areas)
        weights = ops.convert_to_tensor(self.label_weights, dtype=areas.dtype)
        return ops.divide_no_nan(ops.sum(areas * weights), ops.sum(weights))

    def _points(self) -> tuple[Any, Any]:
        """Returns the coordinates of the curve at each threshold."""
        recall = self._ratio("true_positives", "false_negatives")
        if self.curve == "ROC":
            return self._ratio("false_positives", "true_negatives"), recall
        if self.curve == "PR":
            return recall, self._ratio("true_positives", "false_positives")
        return self._gains()

    def _gains(self) -> tuple[Any, Any]:
        """Returns the recall gain (at least 0) and the precision gain.

        Without a true positive both would be minus infinity; they are 0 and 1 then.
        """
        hits = self.true_positives.value
        odds = ops.divide_no_nan(
            hits + self.false_negatives.value,
            self.true_negatives.value + self.false_positives.value,
        )
        recall = 1.0 - odds * ops.divide_no_nan(self.false_negatives.value, hits)
        precision = 1.0 - odds * ops.divide_no_nan(self.false_positives.value, hits)
        none = ops.equal(hits, 0.0)
        recall = ops.where(none, ops.zeros_like(recall), ops.relu(recall))
        return recall, ops.where(none, ops.ones_like(precision), precision)

    def _heights(self, y: Any) -> Any:
        if self.summation_method == "interpolation":
            return (y[:-1] + y[1:]) / 2.0
        bound = ops.minimum if self.summation_method == "minoring" else ops.maximum
        return bound(y[:-1], y[1:])

    def _interpolated_pieces(self) -> Any:
        """Returns the areas between neighbouring thresholds under the precision-recall curve.

        Between two thresholds, true positives are a linear function of all positives; precision,
        their quotient, is not, and is integrated exactly.
        """
        hits = self.true_positives.value
        positives = hits + self.false_positives.value
        gained = hits[:-1] - hits[1:]
        slope = ops.divide_no_nan(gained, ops.relu(positives[:-1] - positives[1:]))
        intercept = hits[1:] - slope * positives[1:]
        both = ops.logical_and(ops.greater(positives[:-1], 0.0), ops.greater(positives[1:], 0.0))
        quotient = ops.divide_no_nan(positives[:-1], ops.relu(positives[1:]))
        quotient = ops.where(both, quotient, ops.ones_like(quotient))
        true = ops.relu(hits[1:] + self.false_negatives.value[1:])
        return ops.divide_no_nan(slope * (gained + intercept * ops.log(quotient)), true)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        config = {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": self.label_weights,
            "from_logits": self.from_logits,
        }
        if self._init_thresholds is not None:
            config["thresholds"] = self._init_thresholds
        return {**super().get_config(), **config}


def _known(argument: str, value: Any, known: tuple[str, ...]) -> str:
    """Returns the known name that `value` is, whatever its case."""
    for name in known:
        if isinstance(value, str) and value.lower() == name.lower():
            return name
    nearest = nearest_name(value, known) if isinstance(value, str) else None
    hint = f"; did you mean {nearest!r}?" if nearest else ""
    raise ValueError(
        f"pynn.metrics.AUC: expected {argument} to be one of {known}; "
        f"received {argument}={value!r}{hint}"
    )
