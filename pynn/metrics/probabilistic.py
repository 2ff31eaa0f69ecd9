"""Cross-entropies, divergences and hinges as metrics."""

from __future__ import annotations

from typing import Any

from pynn.losses import classification, regression
from pynn.metrics.reduction import MeanMetricWrapper


class BinaryCrossentropy(MeanMetricWrapper):
    """Mean cross-entropy of yes-or-no targets.

    Args:
        name, dtype: see `Metric`.
        from_logits: whether predictions are logits instead of probabilities.
        label_smoothing: how far targets are moved towards equal probabilities.

    >>> from pynn import metrics
    >>> round(float(metrics.BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(
            classification.binary_crossentropy,
            name=name,
            dtype=dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


class CategoricalCrossentropy(MeanMetricWrapper):
    """Mean cross-entropy of one-hot targets.

    Args:
        name, dtype: see `Metric`.
        from_logits: whether predictions are logits instead of probabilities.
        label_smoothing: how far targets are moved towards equal probabilities.
        axis: the axis of the classes.

    >>> from pynn import metrics
    >>> round(float(metrics.CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            classification.categorical_crossentropy,
            name=name,
            dtype=dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """Mean cross-entropy of targets that are class numbers.

    Args:
        name, dtype: see `Metric`.
        from_logits: whether predictions are logits instead of probabilities.
        ignore_class: rows of this class do not count.
        axis: the axis of the classes.

    >>> from pynn import metrics
    >>> round(float(metrics.SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            classification.sparse_categorical_crossentropy,
            name=name,
            dtype=dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


class KLDivergence(MeanMetricWrapper):
    """Mean of sum(y_true * log(y_true / y_pred)).

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> round(float(metrics.KLDivergence()([[1.0, 0.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        name: str = "kl_divergence",
        dtype: Any = None,
    ) -> None:
        super().__init__(classification.kl_divergence, name=name, dtype=dtype)


class Poisson(MeanMetricWrapper):
    """Mean of y_pred - y_true * log(y_pred).

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> round(float(metrics.Poisson()([[2.0]], [[1.0]])), 4)
    1.0
    """

    def __init__(
        self,
        name: str = "poisson",
        dtype: Any = None,
    ) -> None:
        super().__init__(regression.poisson, name=name, dtype=dtype)


class Hinge(MeanMetricWrapper):
    """Mean of max(1 - y_true * y_pred, 0).

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> round(float(metrics.Hinge()([[-1.0, 1.0]], [[0.5, 0.5]])), 4)
    1.0
    """

    def __init__(
        self,
        name: str = "hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(classification.hinge, name=name, dtype=dtype)


class SquaredHinge(MeanMetricWrapper):
    """Mean of max(1 - y_true * y_pred, 0)^2.

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> round(float(metrics.SquaredHinge()([[-1.0, 1.0]], [[0.5, 0.5]])), 4)
    1.25
    """

    def __init__(
        self,
        name: str = "squared_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(classification.squared_hinge, name=name, dtype=dtype)


class CategoricalHinge(MeanMetricWrapper):
    """Mean of max(neg - pos + 1, 0).

    Args:
        name, dtype: see `Metric`.

    >>> from pynn import metrics
    >>> round(float(metrics.CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.25]])), 4)
    1.25
    """

    def __init__(
        self,
        name: str = "categorical_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(classification.categorical_hinge, name=name, dtype=dtype)
