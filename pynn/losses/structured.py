"""Losses of whole regions, batches and sequences, where values depend on more than their row."""

from __future__ import annotations

from typing import Any

from pynn import backend, ops
from pynn.losses.loss import align

# Logarithm of a sum without terms: so low that its exponential is 0, but finite, as the gradient
# of logsumexp is not a number where all its terms are -inf. -1e30 by default.
_NOTHING = {"float16": -1e4}


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """Returns 1 - 2 sum(y_true * y_pred) / (sum(y_true) + sum(y_pred)).

    Dice, "Measures of the amount of ecologic association between species", 1945.

    Args:
        y_true: which values belong to the region, in [0, 1].
        y_pred: predictions of the same shape.
        axis: the axes of the sums; all by default, which gives a scalar.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> y = losses.dice([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], 1)
    >>> y.numpy().round(4)
    array([0.3333, 0.    ], dtype=float32)
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.dice")
    axes = _axes(axis)
    both = 2.0 * ops.sum(y_true * y_pred, axis=axes)
    sizes = ops.sum(y_true, axis=axes) + ops.sum(y_pred, axis=axes)
    return 1.0 - both / (sizes + backend.epsilon())


def tversky(
    y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None
) -> Any:
    """Returns 1 - hits / (hits + alpha * misses + beta * false alarms).

    hits = sum(y_true * y_pred), misses = sum(y_true * (1 - y_pred)), false alarms =
    sum((1 - y_true) * y_pred). Salehi et al., "Tversky loss function for image segmentation using
    3D fully convolutional deep networks", 2017; with 0.5 and 0.5 it is the Dice loss.

    Args:
        y_true: which values belong to the region, in [0, 1].
        y_pred: predictions of the same shape.
        alpha: weight of the misses.
        beta: weight of the false alarms.
        axis: the axes of the sums; all by default, which gives a scalar.

    Raises:
        ValueError: if the shapes differ by more than a last axis of length 1.

    >>> from pynn import losses
    >>> losses.tversky([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]], alpha=1.0, axis=1).numpy().round(4)
    array([0.5], dtype=float32)
    """
    y_true, y_pred = align(y_true, y_pred, "pynn.losses.tversky")
    axes = _axes(axis)
    hits = ops.sum(y_true * y_pred, axis=axes)
    misses = ops.sum(y_true * (1.0 - y_pred), axis=axes)
    false_alarms = ops.sum((1.0 - y_true) * y_pred, axis=axes)
    return 1.0 - hits / (hits + misses * alpha + false_alarms * beta + backend.epsilon())


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """Returns log(1 + sum over positives exp(p) * sum over negatives exp(n)) per row.

    With the cosine distance d to another embedding, p = gamma (margin + d) (d - margin) for those
    of the same label, and n = gamma (1 + margin - d)+ (1 - margin - d) for the others. Rows
    without loss are masked. Sun et al., "Circle loss", 2020.

    Args:
        y_true: labels, integers (batch,) or (batch, 1).
        y_pred: embeddings of norm 1, shape (batch, d).
        ref_labels: labels (n,) of what rows are compared with; `y_true` by default.
        ref_embeddings: their embeddings (n, d); `y_pred` by default.
        remove_diagonal: whether row i is not compared with reference i.
        gamma: scale of the exponents.
        margin: how far classes should keep apart.

    Raises:
        ValueError: if there is not one label per embedding.

    >>> from pynn import losses
    >>> embeddings = [[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]
    >>> losses.circle([0, 0, 1], embeddings, gamma=4, margin=0.4).numpy().round(4)
    array([0.2824, 0.8659, 0.    ], dtype=float32)
    """
    y_pred = ops.convert_to_tensor(y_pred)
    others = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings)
    labels = _label_column(y_true, y_pred)
    other_labels = labels if ref_labels is None else _label_column(ref_labels, others)
    is_same = ops.equal(labels, ops.transpose(other_labels))
    is_other = ops.logical_not(is_same)
    if remove_diagonal:
        itself = ops.eye(labels.shape[0], other_labels.shape[0], dtype="bool")
        is_same = ops.logical_and(is_same, ops.logical_not(itself))
    distance = ops.relu(1.0 - ops.matmul(y_pred, ops.transpose(others)))
    pull = gamma * (margin + distance) * (distance - margin)
    push = gamma * ops.relu(1.0 + margin - distance) * (1.0 - margin - distance)
    nothing = ops.full_like(distance, _NOTHING.get(distance.dtype, -1e30))
    values = ops.softplus(
        ops.logsumexp(ops.where(is_same, pull, nothing), axis=1)
        + ops.logsumexp(ops.where(is_other, push, nothing), axis=1)
    )
    values._keras_mask = ops.greater(values, 0.0)
    return values


def _label_column(labels: Any, embeddings: Any) -> Any:
    """Returns labels as integers (n, 1), one for each of `embeddings` (n, d)."""
    column = ops.reshape(ops.cast(labels, "int32"), (-1, 1))
    if len(embeddings.shape) != 2 or column.shape[0] != embeddings.shape[0]:
        raise ValueError(
            "pynn.losses.circle: expected embeddings (batch, d) with one label each; received "
            f"labels of shape={tuple(ops.shape(labels))} and embeddings of "
            f"shape={tuple(embeddings.shape)}"
        )
    return column


def ctc(y_true: Any, y_pred: Any) -> Any:
    """Returns -log of the probability of each label sequence, over all its alignments.

    Graves et al., "Connectionist temporal classification", 2006; see `ops.ctc_loss`.

    Args:
        y_true: labels, integers (batch, max_labels); 0 is the blank and fills rows at the end.
        y_pred: logits (batch, time, classes), not a softmax.

    Raises:
        ValueError: if either has another rank.

    >>> import numpy as np
    >>> from pynn import losses
    >>> losses.ctc([[1, 2], [3, 0]], np.zeros((2, 3, 4), np.float32)).numpy().round(4)
    array([2.5494, 2.3671], dtype=float32)
    """
    y_true, y_pred = ops.cast(y_true, "int32"), ops.convert_to_tensor(y_pred)
    if len(y_true.shape) != 2 or len(y_pred.shape) != 3:
        raise ValueError(
            "pynn.losses.ctc: expected labels (batch, max_labels) and logits (batch, time, "
            f"classes); received y_true.shape={tuple(y_true.shape)} and "
            f"y_pred.shape={tuple(y_pred.shape)}"
        )
    lengths = ops.sum(ops.cast(ops.not_equal(y_true, 0), "int32"), axis=-1)
    steps = ops.full((y_pred.shape[0],), y_pred.shape[1], dtype="int32")
    return ops.ctc_loss(y_true, y_pred, lengths, steps, mask_index=0)
