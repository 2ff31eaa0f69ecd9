"""Losses between classes: cross-entropies, hinges and divergences, one value per row.

Where the predictions come from a softmax (or sigmoid) that kept its input as `_softmax_logits`
(`_sigmoid_logits`), the cross-entropies are computed from that input: one fused operation, and
exact where the logarithm of a rounded probability is not. Probabilities are limited to [epsilon,
1 - epsilon] all the same, as in Keras: a row outside of it has a constant loss and no gradient.
"""

from __future__ import annotations

import math
from typing import Any

from pynn import backend, ops
from pynn.losses.loss import align, same_shape, shape_error


def _softmax_logits(y_pred: Any, axis: int) -> Any:
    """Returns the logits that the probabilities `y_pred` along `axis` were made of, or `None`."""
    # activations.softmax remembers them for the last axis only.
    is_last = axis in (-1, len(y_pred.shape) - 1)
    return getattr(y_pred, "_softmax_logits", None) if is_last else None


def _limit(negative_log: Any) -> Any:
    """Limits -log(p) as if p had been limited to [epsilon, 1 - epsilon]."""
    epsilon = backend.epsilon()
    return ops.clip(negative_log, -math.log1p(-epsilon), -math.log(epsilon))


def _check_axis(axis: Any, who: str) -> None:
    if isinstance(axis, bool):
        raise ValueError(f"{who}: expected axis to be an int; received axis={axis}")


def _smooth(y_true: Any, label_smoothing: float, num_classes: int) -> Any:
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + label_smoothing / num_classes


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Returns -sum(y_true * log(y_pred)) over the classes.

    Args:
        y_true: class probabilities (one-hot), shape (..., classes).
        y_pred: predicted probabilities, or logits, of the same shape.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: 0.1 means targets 0.9 + 0.1 / classes and 0.1 / classes.
        axis: the axis of the classes.

    Raises:
        ValueError: if the shapes differ, or there is only one class (the loss would always be 0).

    >>> from pynn import losses
    >>> losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    who = "pynn.losses.categorical_crossentropy"
    _check_axis(axis, who)
    y_true, y_pred = _aligned_classes(y_true, y_pred, axis, who)
    y_true = _smooth(y_true, label_smoothing, y_true.shape[axis])
    logits = None if from_logits else _softmax_logits(y_pred, axis)
    if logits is not None:
        return ops.sum(y_true * _limit(-ops.log_softmax(logits, axis=axis)), axis=axis)
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


def _aligned_classes(y_true: Any, y_pred: Any, axis: int, who: str) -> tuple[Any, Any]:
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    if not same_shape(y_true.shape, y_pred.shape):
        raise shape_error(who, y_true, y_pred, "one shape (..., classes)")
    if y_pred.shape[axis] == 1:
        raise ValueError(
            f"{who}: expected more than one class; received y_pred.shape={tuple(y_pred.shape)}. "
            "For one output that means yes or no, use binary_crossentropy with a sigmoid"
        )
    return y_true, y_pred


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Returns the focal cross-entropy: alpha * (1 - p)^gamma * -log(p) of the true classes.

    Lin et al., "Focal loss for dense object detection", 2017.

    Args:
        y_true: class probabilities (one-hot), shape (..., classes).
        y_pred: predicted probabilities, or logits, of the same shape.
        alpha: weight of all classes.
        gamma: how strongly easy rows are weighted down.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: see `categorical_crossentropy`.
        axis: the axis of the classes.

    Raises:
        ValueError: if the shapes differ, or there is only one class.

    >>> from pynn import losses
    >>> y = losses.categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])
    >>> y.numpy().round(4)
    array([0.0433], dtype=float32)
    """
    who = "pynn.losses.categorical_focal_crossentropy"
    _check_axis(axis, who)
    y_true, y_pred = _aligned_classes(y_true, y_pred, axis, who)
    y_true = _smooth(y_true, label_smoothing, y_true.shape[axis])
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    p = ops.clip(p, backend.epsilon(), 1.0 - backend.epsilon())
    focus = alpha * ops.power(1.0 - p, gamma)
    return ops.sum(focus * (-y_true * ops.log(p)), axis=axis)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Any:
    """Returns -log of the predicted probability of the true class.

    Args:
        y_true: class numbers, shape (...) or (..., 1).
        y_pred: predicted probabilities, or logits, shape (..., classes).
        from_logits: whether `y_pred` holds logits.
        ignore_class: rows of this class cost nothing and are masked.
        axis: the axis of the classes.

    Raises:
        ValueError: if the shapes do not fit, or a class number is outside [0, classes).

    >>> from pynn import losses
    >>> losses.sparse_categorical_crossentropy([1], [[0.5, 0.5]]).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    who = "pynn.losses.sparse_categorical_crossentropy"
    _check_axis(axis, who)
    y_pred = ops.convert_to_tensor(y_pred)
    labels = _labels(y_true, y_pred, axis, who)
    logits = None if from_logits else _softmax_logits(y_pred, axis)
    valid = None
    if ignore_class is not None:
        valid = ops.not_equal(labels, ignore_class)
        labels = ops.where(valid, labels, ops.zeros_like(labels))
    if logits is None:
        values = ops.sparse_categorical_crossentropy(labels, y_pred, from_logits, axis)
    else:
        values = _limit(ops.sparse_categorical_crossentropy(labels, logits, True, axis))
    if valid is not None:
        values = ops.where(valid, values, ops.zeros_like(values))
        values._keras_mask = valid
    return values


def _labels(y_true: Any, y_pred: Any, axis: int, who: str) -> Any:
    """Returns integer labels with the shape of `y_pred` without its class axis."""
    labels = ops.convert_to_tensor(y_true)
    rank = len(y_pred.shape)
    if len(labels.shape) == rank and labels.shape[axis] == 1:
        labels = ops.squeeze(labels, axis)
    axis %= rank
    if not same_shape(labels.shape, y_pred.shape[:axis] + y_pred.shape[axis + 1 :]):
        raise shape_error(who, labels, y_pred, "shapes (...) and (..., classes)")
    if y_pred.shape[axis] == 1:
        raise ValueError(
            f"{who}: expected more than one class; received y_pred.shape={tuple(y_pred.shape)}. "
            "For one output that means yes or no, use binary_crossentropy with a sigmoid"
        )
    return labels if backend.is_int_dtype(labels.dtype) else ops.cast(labels, "int32")


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """Returns (1 - p^q) / q, where p is the predicted probability of the true class.

    Between cross-entropy (q near 0) and the mean absolute error (q near 1), which bears wrong
    labels better. Zhang and Sabuncu, "Generalized cross entropy loss for training deep neural
    networks with noisy labels", 2018.

    Args:
        y_true: class numbers, shape (...) or (..., 1).
        y_pred: predicted probabilities, shape (..., classes).
        q: a number in (0, 1).

    Raises:
        ValueError: if the shapes do not fit.

    >>> from pynn import losses
    >>> losses.categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5).numpy()
    array([1.], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    labels = _labels(y_true, y_pred, -1, "pynn.losses.categorical_generalized_cross_entropy")
    chosen = ops.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype)
    return (1.0 - ops.power(ops.sum(y_pred * chosen, axis=-1), q)) / q


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Returns the mean of -y log(p) - (1 - y) log(1 - p) along `axis`.

    Args:
        y_true: targets in [0, 1], shape (..., d).
        y_pred: predicted probabilities, or logits, of the same shape.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: 0.1 means targets 0.05 and 0.95.
        axis: the axis of the mean.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.binary_crossentropy")
    y_true = _smooth(y_true, label_smoothing, 2)
    logits = None if from_logits else getattr(y_pred, "_sigmoid_logits", None)
    if logits is None:
        values = ops.binary_crossentropy(y_true, y_pred, from_logits)
    else:
        if_one, if_zero = _limit(ops.softplus(-logits)), _limit(ops.softplus(logits))
        values = y_true * if_one + (1.0 - y_true) * if_zero
    return ops.mean(values, axis=axis)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Returns the mean of (1 - p_t)^gamma times the binary cross-entropy along `axis`.

    Lin et al., "Focal loss for dense object detection", 2017; p_t is the probability given to
    the truth.

    Args:
        y_true: targets in [0, 1], shape (..., d).
        y_pred: predicted probabilities, or logits, of the same shape.
        apply_class_balancing: weigh ones by `alpha` and zeros by 1 - `alpha`.
        alpha: weight of the ones.
        gamma: how strongly easy rows are weighted down.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: see `binary_crossentropy`.
        axis: the axis of the mean.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.binary_focal_crossentropy([[1.0]], [[0.5]]).numpy().round(4)
    array([0.1733], dtype=float32)
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.binary_focal_crossentropy")
    y_true = _smooth(y_true, label_smoothing, 2)
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    values = ops.binary_crossentropy(y_true, y_pred, from_logits=False)
    p_t = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    values = ops.power(1.0 - p_t, gamma) * values
    if apply_class_balancing:
        values = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * values
    return ops.mean(values, axis=axis)


def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """Returns sum(y_true * log(y_true / y_pred)) over the last axis.

    Both are first clipped to [epsilon, 1]. Kullback and Leibler, 1951.

    Args:
        y_true: probabilities, shape (..., classes).
        y_pred: predicted probabilities of the same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.kl_divergence([[1.0, 0.0]], [[0.5, 0.5]]).numpy().round(4)
    array([0.6931], dtype=float32)
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.kl_divergence")
    y_true = ops.clip(y_true, backend.epsilon(), 1.0)
    y_pred = ops.clip(y_pred, backend.epsilon(), 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def _hinge_labels(y_true: Any) -> Any:
    """Maps 0 and 1 to -1 and 1 if nothing else occurs, without looking at the values."""
    is_binary = ops.all(ops.logical_or(ops.equal(y_true, 0.0), ops.equal(y_true, 1.0)))
    return ops.where(is_binary, 2.0 * y_true - 1.0, y_true)


def hinge(y_true: Any, y_pred: Any) -> Any:
    """Returns mean(max(1 - y_true * y_pred, 0)) over the last axis.

    Args:
        y_true: targets -1 and 1 (0 and 1 are converted), shape (..., d).
        y_pred: predictions of the same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.hinge([[-1.0, 1.0]], [[0.5, 0.5]]).numpy().tolist()
    [1.0]
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.hinge")
    return ops.mean(ops.relu(1.0 - _hinge_labels(y_true) * y_pred), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """Returns mean(max(1 - y_true * y_pred, 0)^2) over the last axis.

    Args:
        y_true: targets -1 and 1 (0 and 1 are converted), shape (..., d).
        y_pred: predictions of the same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.squared_hinge([[-1.0, 1.0]], [[0.5, 0.5]]).numpy().tolist()
    [1.25]
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.squared_hinge")
    margin = ops.relu(1.0 - _hinge_labels(y_true) * y_pred)
    return ops.mean(ops.square(margin), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """Returns max(neg - pos + 1, 0): pos the score of the true class, neg the best other one.

    Args:
        y_true: one-hot targets, shape (..., classes).
        y_pred: scores of the same shape.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.categorical_hinge([[0.0, 1.0]], [[0.5, 0.25]]).numpy().tolist()
    [1.25]
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.categorical_hinge")
    pos = ops.sum(y_true * y_pred, axis=-1)
    neg = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.relu(neg - pos + 1.0)
