"""F-scores: precision and recall in one number."""

from __future__ import annotations

from typing import Any

from pynn import backend, ops
from pynn.losses.loss import fit_weight
from pynn.metrics.metric import Metric

_AVERAGES = (None, "micro", "macro", "weighted")
# A row whose largest score is smaller than this predicts no class.
_ZERO = 1e-9


class FBetaScore(Metric):
    """(1 + beta^2) * precision * recall / (beta^2 * precision + recall), per class or averaged.

    Van Rijsbergen, "Information retrieval", 1979: recall is `beta` times as important as
    precision.

    Args:
        average: `None` (one score per class), `"micro"` (one score of the counts of all classes),
            `"macro"` (mean over classes) or `"weighted"` (by how often a class is true).
        beta: importance of recall, a float above 0.
        threshold: scores above it are predicted, a float in (0, 1]; `None`: the largest of a row.
        name, dtype: see `Metric`.

    Raises:
        ValueError: for an argument that is not as described, and when called, if targets and
            predictions are not (batch, classes).

    >>> from pynn import metrics
    >>> metric = metrics.FBetaScore(beta=2.0, threshold=0.5)
    >>> metric([[1, 1], [1, 0]], [[0.2, 0.6], [0.9, 0.6]]).numpy().round(4)
    array([0.5556, 0.8333], dtype=float32)
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._require(average in _AVERAGES, f"average to be one of {_AVERAGES}", f"{average=}")
        self._require(isinstance(beta, float) and beta > 0, "beta to be a float > 0", f"{beta=}")
        self._require(
            threshold is None or (isinstance(threshold, float) and 0 < threshold <= 1),
            "threshold to be None or a float in (0, 1]",
            f"{threshold=}",
        )
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self.built = False

    def _require(self, condition: bool, expected: str, received: str) -> None:
        if not condition:
            who = f"pynn.metrics.{type(self).__name__}"
            raise ValueError(f"{who}: expected {expected}; received {received}")

    def _build(self, num_classes: int) -> None:
        shape = () if self.average == "micro" else (num_classes,)

        def add(name: str) -> Any:
            return self.add_variable(shape, "zeros", dtype=self.dtype, name=name)

        self.true_positives = add("true_positives")
        self.false_positives = add("false_positives")
        self.false_negatives = add("false_negatives")
        self.intermediate_weights = add("intermediate_weights")
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes targets (0 or 1) and predictions (batch, classes) into account."""
        y_true = ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        shapes = [tuple(y_true.shape), tuple(y_pred.shape)]
        self._require(
            len(shapes[0]) == 2 and shapes[0] == shapes[1],
            "y_true and y_pred of one shape (batch, classes)",
            f"y_true.shape={shapes[0]} and y_pred.shape={shapes[1]}",
        )
        if not self.built:
            self._build(y_pred.shape[-1])
        chosen = ops.cast(self._chosen(y_pred), self.dtype)
        weight: Any = 1.0
        if sample_weight is not None:
            weight = ops.convert_to_tensor(sample_weight, dtype=self.dtype)
            weight = fit_weight(weight, y_true)
        axis = None if self.average == "micro" else 0
        for variable, values in (
            (self.true_positives, chosen * y_true),
            (self.false_positives, chosen * (1.0 - y_true)),
            (self.false_negatives, (1.0 - chosen) * y_true),
            (self.intermediate_weights, y_true),
        ):
            variable.assign(variable + ops.sum(values * weight, axis=axis))

    def _chosen(self, y_pred: Any) -> Any:
        if self.threshold is not None:
            return ops.greater(y_pred, self.threshold)
        is_largest = ops.greater_equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
        return ops.logical_and(is_largest, ops.greater(ops.abs(y_pred), _ZERO))

    def result(self) -> Any:
        """Returns the score: (classes,) without an average, else a scalar.

        Raises:
            ValueError: before the first update, which tells the number of classes.
        """
        self._require(self.built, "update_state before result", "a metric without an update")
        epsilon = backend.epsilon()
        hits = self.true_positives.value
        precision = hits / (hits + self.false_positives.value + epsilon)
        recall = hits / (hits + self.false_negatives.value + epsilon)
        square = self.beta**2
        scores = precision * recall / (square * precision + recall + epsilon) * (1.0 + square)
        if self.average == "weighted":
            counts = self.intermediate_weights.value
            return ops.sum(scores * (counts / (ops.sum(counts) + epsilon)))
        return scores if self.average is None else ops.mean(scores)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        config = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return {**super().get_config(), **config}


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall, per class or averaged.

    Args:
        average, threshold: see `FBetaScore`.
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> metric = metrics.F1Score(average="micro", threshold=0.5)
    >>> round(float(metric([[1, 1], [1, 0]], [[0.2, 0.6], [0.9, 0.6]])), 4)
    0.6667
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        config = super().get_config()
        del config["beta"]
        return config
