"""Losses between numbers: one value per row, the mean over the last axis."""

from __future__ import annotations

import math
from typing import Any

from pynn import backend, ops
from pynn.losses.loss import align

# Square of the smallest norm that is still divided by: the zero vector stays zero.
_TINY_SQUARE = 1e-24


def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Returns mean((y_true - y_pred)^2) over the last axis.

    Args:
        y_true: targets, shape (..., d).
        y_pred: predictions of the same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.mean_squared_error([[0.0, 2.0]], [[1.0, 0.0]]).numpy().tolist()
    [2.5]
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.mean_squared_error")
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """Returns mean(|y_true - y_pred|) over the last axis.

    Args:
        y_true: targets, shape (..., d).
        y_pred: predictions of the same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.mean_absolute_error([[0.0, 2.0]], [[1.0, 0.0]]).numpy().tolist()
    [1.5]
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.mean_absolute_error")
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """Returns 100 * mean(|y_true - y_pred| / max(|y_true|, epsilon)) over the last axis.

    Args:
        y_true: targets, shape (..., d).
        y_pred: predictions of the same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 4.0]]).numpy().tolist()
    [25.0]
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.mean_absolute_percentage_error")
    floor = ops.maximum(ops.abs(y_true), backend.epsilon())
    return 100.0 * ops.mean(ops.abs((y_true - y_pred) / floor), axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """Returns mean((log(y_true + 1) - log(y_pred + 1))^2) over the last axis.

    Values are first raised to at least epsilon.

    Args:
        y_true: targets, shape (..., d).
        y_pred: predictions of the same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.mean_squared_logarithmic_error([[3.0]], [[3.0]]).numpy().tolist()
    [0.0]
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.mean_squared_logarithmic_error")
    epsilon = backend.epsilon()
    first = ops.log(ops.maximum(y_pred, epsilon) + 1.0)
    second = ops.log(ops.maximum(y_true, epsilon) + 1.0)
    return ops.mean(ops.square(first - second), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Returns minus the cosine of the angle between targets and predictions along `axis`.

    -1 means the same direction, 0 orthogonal, 1 opposite.

    Args:
        y_true: targets, shape (..., d).
        y_pred: predictions of the same shape.
        axis: the axis along which the vectors lie.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.cosine_similarity([[0.0, 1.0]], [[0.0, 2.0]]).numpy().tolist()
    [-1.0]
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.cosine_similarity")
    return -ops.sum(_unit(y_true, axis) * _unit(y_pred, axis), axis=axis)


def _unit(x: Any, axis: int) -> Any:
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(squares, _TINY_SQUARE))


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Returns the mean Huber loss over the last axis: quadratic up to `delta`, then linear.

    Huber, "Robust estimation of a location parameter", 1964.

    Args:
        y_true: targets, shape (..., d).
        y_pred: predictions of the same shape.
        delta: where the quadratic part ends.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.huber([[0.0, 0.0]], [[1.0, 3.0]]).numpy().tolist()
    [1.5]
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.huber")
    error = y_pred - y_true
    size = ops.abs(error)
    quadratic = 0.5 * ops.square(error)
    linear = delta * size - 0.5 * delta * delta
    return ops.mean(ops.where(size <= delta, quadratic, linear), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """Returns mean(log(cosh(y_pred - y_true))) over the last axis.

    Computed as x + softplus(-2x) - log(2), which does not overflow.

    Args:
        y_true: targets, shape (..., d).
        y_pred: predictions of the same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> round(float(losses.log_cosh([0.0], [1.0])), 4)
    0.4338
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.log_cosh")
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(error * -2.0) - math.log(2.0), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Any:
    """Returns mean(y_pred - y_true * log(y_pred + epsilon)) over the last axis.

    The negative log-likelihood of a Poisson distribution, without its constant.

    Args:
        y_true: counts, shape (..., d).
        y_pred: expected counts of the same shape, positive.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.poisson([[2.0]], [[1.0]]).numpy().round(4)
    array([1.], dtype=float32)
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.poisson")
    return ops.mean(y_pred - y_true * ops.log(y_pred + backend.epsilon()), axis=-1)
