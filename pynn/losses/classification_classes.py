"""The classes of losses between classes: each holds one loss function and its settings."""

from __future__ import annotations

from typing import Any

from pynn.losses import classification
from pynn.losses.wrapper import LossFunctionWrapper


class Hinge(LossFunctionWrapper):
    """Mean of max(1 - y_true * y_pred, 0).

    Args:
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.Hinge()([[-1.0, 1.0]], [[0.5, 0.5]])), 4)
    1.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            classification.hinge,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class SquaredHinge(LossFunctionWrapper):
    """Mean of max(1 - y_true * y_pred, 0)^2.

    Args:
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.SquaredHinge()([[-1.0, 1.0]], [[0.5, 0.5]])), 4)
    1.25
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "squared_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            classification.squared_hinge,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class CategoricalHinge(LossFunctionWrapper):
    """max(neg - pos + 1, 0): the true class against the best other one.

    Args:
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.25]])), 4)
    1.25
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            classification.categorical_hinge,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class KLDivergence(LossFunctionWrapper):
    """sum(y_true * log(y_true / y_pred)) (Kullback and Leibler, 1951).

    Args:
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.KLDivergence()([[1.0, 0.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "kl_divergence",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            classification.kl_divergence,
            reduction=reduction,
            name=name,
            dtype=dtype,
        )


class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy of yes-or-no targets.

    Args:
        from_logits: whether predictions are logits instead of probabilities.
        label_smoothing: how far targets are moved towards equal probabilities.
        axis: the axis of the classes.
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            classification.binary_crossentropy,
            reduction=reduction,
            name=name,
            dtype=dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Binary cross-entropy that weighs easy rows down (Lin et al., 2017).

    Args:
        apply_class_balancing: weigh ones by `alpha` and zeros by 1 - `alpha`.
        alpha: weight of the ones.
        gamma: how strongly easy rows are weighted down.
        from_logits: whether predictions are logits instead of probabilities.
        label_smoothing: how far targets are moved towards equal probabilities.
        axis: the axis of the classes.
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.BinaryFocalCrossentropy()([[1.0]], [[0.5]])), 4)
    0.1733
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            classification.binary_focal_crossentropy,
            reduction=reduction,
            name=name,
            dtype=dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of one-hot targets.

    Args:
        from_logits: whether predictions are logits instead of probabilities.
        label_smoothing: how far targets are moved towards equal probabilities.
        axis: the axis of the classes.
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            classification.categorical_crossentropy,
            reduction=reduction,
            name=name,
            dtype=dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Cross-entropy that weighs easy rows down (Lin et al., 2017).

    Args:
        alpha: weight of all classes.
        gamma: how strongly easy rows are weighted down.
        from_logits: whether predictions are logits instead of probabilities.
        label_smoothing: how far targets are moved towards equal probabilities.
        axis: the axis of the classes.
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.0433
    """

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            classification.categorical_focal_crossentropy,
            reduction=reduction,
            name=name,
            dtype=dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy of targets that are class numbers.

    Args:
        from_logits: whether predictions are logits instead of probabilities.
        ignore_class: rows of this class do not count.
        axis: the axis of the classes.
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            classification.sparse_categorical_crossentropy,
            reduction=reduction,
            name=name,
            dtype=dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """Loss of targets that are class numbers, some of which may be wrong: (1 - p^q) / q.

    Args:
        q: near 0 it is the cross-entropy, near 1 the mean absolute error.
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: for `q` outside (0, 1); when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> float(losses.CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]]))
    1.0
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(
                "pynn.losses.CategoricalGeneralizedCrossEntropy: expected q in (0, 1); "
                f"received q={q}"
            )
        super().__init__(
            classification.categorical_generalized_cross_entropy,
            reduction=reduction,
            name=name,
            dtype=dtype,
            q=q,
        )
