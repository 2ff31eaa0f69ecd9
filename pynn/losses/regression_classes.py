"""The classes of losses between numbers: each holds one loss function and its settings."""

from __future__ import annotations

from typing import Any

from pynn.losses import regression
from pynn.losses.wrapper import LossFunctionWrapper


class MeanSquaredError(LossFunctionWrapper):
    """Mean of squared differences.

    Args:
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.MeanSquaredError()([[0.0, 2.0]], [[1.0, 0.0]])), 4)
    2.5
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            regression.mean_squared_error,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class MeanAbsoluteError(LossFunctionWrapper):
    """Mean of absolute differences.

    Args:
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.MeanAbsoluteError()([[0.0, 2.0]], [[1.0, 0.0]])), 4)
    1.5
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            regression.mean_absolute_error,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """Mean of absolute differences in percent of the targets.

    Args:
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 4.0]])), 4)
    25.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            regression.mean_absolute_percentage_error,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """Mean of squared differences of log(y + 1).

    Args:
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.MeanSquaredLogarithmicError()([[3.0]], [[3.0]])), 4)
    0.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            regression.mean_squared_logarithmic_error,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine of the angle between targets and predictions.

    Args:
        axis: the axis along which the vectors lie.
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.CosineSimilarity()([[0.0, 1.0]], [[0.0, 2.0]])), 4)
    -1.0
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            regression.cosine_similarity,
            reduction=reduction,
            name=name,
            dtype=dtype,
            axis=axis,
        )


class Huber(LossFunctionWrapper):
    """Quadratic up to `delta`, then linear (Huber, 1964).

    Args:
        delta: where the quadratic part ends.
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.Huber()([[0.0, 0.0]], [[1.0, 3.0]])), 4)
    1.5
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            regression.huber,
            reduction=reduction,
            name=name,
            dtype=dtype,
            delta=delta,
        )


class LogCosh(LossFunctionWrapper):
    """Mean of log(cosh(y_pred - y_true)).

    Args:
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.LogCosh()([[0.0]], [[1.0]])), 4)
    0.4338
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "log_cosh",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            regression.log_cosh,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class Poisson(LossFunctionWrapper):
    """Mean of y_pred - y_true * log(y_pred).

    Args:
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.Poisson()([[2.0]], [[1.0]])), 4)
    1.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "poisson",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            regression.poisson,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )
