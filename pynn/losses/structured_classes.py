"""The classes of losses of regions, batches and sequences: each holds a function and settings."""

from __future__ import annotations

from typing import Any

from pynn.losses import structured
from pynn.losses.wrapper import LossFunctionWrapper


class Dice(LossFunctionWrapper):
    """Loss of a region: 1 minus twice what both have over the sum of their sizes.

    Args:
        reduction, name, dtype: see `Loss`.
        axis: the axes of a region; all by default: the whole batch is one region.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.Dice()([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])), 4)
    0.3333
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(structured.dice, reduction=reduction, name=name, dtype=dtype, axis=axis)


class Tversky(LossFunctionWrapper):
    """Loss of a region that weighs misses and false alarms differently.

    Args:
        alpha: weight of what is in the region but not predicted.
        beta: weight of what is predicted but not in the region.
        reduction, name, dtype: see `Loss`.
        axis: the axes of a region; all by default: the whole batch is one region.

    Raises:
        ValueError: when called, if the shapes do not fit together.

    >>> from pynn import losses
    >>> round(float(losses.Tversky(alpha=1.0)([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])), 4)
    0.5
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            structured.tversky,
            reduction=reduction,
            name=name,
            dtype=dtype,
            alpha=alpha,
            beta=beta,
            axis=axis,
        )


class Circle(LossFunctionWrapper):
    """Loss of embeddings: those of one label should be close, those of others far.

    Args:
        gamma: scale of the exponents.
        margin: how far classes should keep apart.
        remove_diagonal: whether a row is not compared with itself.
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if there is not one label per embedding.

    >>> from pynn import losses
    >>> loss = losses.Circle(gamma=4.0)
    >>> round(float(loss([0, 0, 1], [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])), 4)
    0.5741
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "circle",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            structured.circle,
            reduction=reduction,
            name=name,
            dtype=dtype,
            gamma=gamma,
            margin=margin,
            remove_diagonal=remove_diagonal,
        )


class CTC(LossFunctionWrapper):
    """Loss of label sequences whose moments are not known.

    Args:
        reduction, name, dtype: see `Loss`.

    Raises:
        ValueError: when called, if labels are not (batch, labels) or logits not (batch, time,
            classes).

    >>> import numpy as np
    >>> from pynn import losses
    >>> round(float(losses.CTC()([[1, 2]], np.zeros((1, 3, 4)))), 4)
    2.5494
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ctc",
        dtype: Any = None,
    ) -> None:
        super().__init__(structured.ctc, reduction=reduction, name=name, dtype=dtype)
