"""The coefficient of determination."""

from __future__ import annotations

from typing import Any

from pynn import ops
from pynn.losses.loss import align, fit_weight
from pynn.metrics.metric import Metric

_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """1 - (sum of squared residuals) / (sum of squared deviations from the mean).

    1 is perfect, 0 as good as predicting the mean; it can be negative (Wright, "Correlation and
    causation", 1921).

    Args:
        class_aggregation: `"uniform_average"` (mean over outputs), `"variance_weighted_average"`
            (weighted by the variance of the targets), or `None` (one score per output).
        num_regressors: the number of predictors, for the adjusted score (Theil, 1961); where
            there are not enough values for it, the score stays unadjusted. 0: no adjustment.
        name, dtype: see `Metric`.

    Raises:
        ValueError: for an argument that is not as described, and when called, if predictions are
            not (batch, outputs).

    >>> from pynn import metrics
    >>> round(float(metrics.R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
    0.5714
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in _AGGREGATIONS:
            raise ValueError(
                f"pynn.metrics.R2Score: expected class_aggregation to be one of {_AGGREGATIONS}; "
                f"received class_aggregation={class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ValueError(
                "pynn.metrics.R2Score: expected num_regressors of at least 0; "
                f"received num_regressors={num_regressors}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self.built = False

    def _build(self, num_outputs: int) -> None:
        shape = (num_outputs,)
        self.squared_sum = self.add_variable(shape, "zeros", name="squared_sum")
        self.sum = self.add_variable(shape, "zeros", name="sum")
        self.total_mse = self.add_variable(shape, "zeros", name="residual")
        self.count = self.add_variable(shape, "zeros", name="count")
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes targets and predictions (batch, outputs) into account, each with its weight."""
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        y_true, y_pred = align(y_true, y_pred, "pynn.metrics.R2Score")
        if len(y_pred.shape) != 2:
            raise ValueError(
                "pynn.metrics.R2Score: expected predictions (batch, outputs); "
                f"received y_pred.shape={tuple(y_pred.shape)}"
            )
        if not self.built:
            self._build(y_pred.shape[-1])
        weight = ops.convert_to_tensor(1 if sample_weight is None else sample_weight, self.dtype)
        weight = ops.broadcast_to(fit_weight(weight, y_true), y_true.shape)
        weighted = y_true * weight
        for variable, values in (
            (self.sum, weighted),
            (self.squared_sum, y_true * weighted),
            (self.total_mse, ops.square(y_true - y_pred) * weight),
            (self.count, weight),
        ):
            variable.assign(variable + ops.sum(values, axis=0))
        self.num_samples.assign(self.num_samples.value + float(y_true.shape[0] * y_true.shape[1]))

    def result(self) -> Any:
        """Returns the score: (outputs,) without an aggregation, else a scalar.

        Raises:
            ValueError: before the first update, which tells the number of outputs.
        """
        if not self.built:
            raise ValueError(
                "pynn.metrics.R2Score: expected update_state before result; "
                "received a metric without an update"
            )
        sums = self.sum.value
        total = self.squared_sum.value - sums * (sums / self.count.value)
        scores = 1.0 - self.total_mse.value / total
        scores = ops.where(ops.isinf(scores), ops.zeros_like(scores), scores)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.sum(total * scores) / ops.sum(total)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, scores: Any) -> Any:
        last = self.num_samples.value - 1.0
        freedom = last - float(self.num_regressors)
        enough = ops.greater(freedom, 0.0)
        adjusted = 1.0 - ops.divide_no_nan((1.0 - scores) * last, freedom)
        return ops.where(enough, adjusted, scores)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        config = {
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
        return {**super().get_config(), **config}
