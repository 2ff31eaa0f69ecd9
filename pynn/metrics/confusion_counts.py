"""True and false positives and negatives of a batch, for each of several thresholds.

A value is predicted positive where it is above the threshold. Everything here may be traced:
nothing looks at values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pynn import backend, ops
from pynn.losses.loss import align, fit_weight

COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


def parse_thresholds(thresholds: Any, default: float, who: str) -> list[float]:
    """Returns a list of thresholds in [0, 1]; the default (which may be outside) for `None`.

    Raises:
        ValueError: for a threshold outside [0, 1].
    """
    if thresholds is None:
        return [default]
    parsed = list(thresholds) if isinstance(thresholds, Iterable) else [thresholds]
    if any(t is None or not 0 <= t <= 1 for t in parsed):
        raise ValueError(
            f"pynn.metrics.{who}: expected thresholds in [0, 1]; received thresholds={thresholds}"
        )
    return parsed


def even_thresholds(count: int) -> list[float]:
    """Returns `count` thresholds from 0 to 1 with equal distances."""
    return [i / (count - 1) for i in range(count)]


def are_even(thresholds: Sequence[float]) -> bool:
    """Whether the thresholds are those of `even_thresholds`, but for rounding."""
    count = len(thresholds)
    return count > 2 and np.allclose(thresholds, even_thresholds(count), atol=backend.epsilon())


def class_column(x: Any, class_id: int, who: str) -> Any:
    """Returns column `class_id` of `x` (..., classes) as (..., 1).

    Raises:
        ValueError: if `x` has no axis of classes, or there is no such class.
    """
    if len(x.shape) < 2 or not -x.shape[-1] <= class_id < x.shape[-1]:
        raise ValueError(
            f"pynn.metrics.{who}: expected predictions (batch, classes) with a class "
            f"class_id={class_id}; received y_pred.shape={tuple(x.shape)}"
        )
    class_id %= x.shape[-1]
    return x[..., class_id : class_id + 1]


def largest_only(x: Any, k: int) -> Any:
    """Returns `x` (..., classes) with -inf for all but the `k` largest per row, the first of ties.

    A pass per largest value, which for the few that people ask for is less work than sorting.
    """
    lowest = ops.full_like(x, float("-inf"))
    rest, kept = x, lowest
    for _ in range(min(k, x.shape[-1])):
        is_largest = ops.one_hot(ops.argmax(rest, axis=-1), x.shape[-1], dtype="bool")
        kept = ops.where(is_largest, x, kept)
        rest = ops.where(is_largest, lowest, rest)
    return kept


def confusion_counts(
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    names: Sequence[str],
    who: str,
    sample_weight: Any = None,
    label_weights: Any = None,
    per_label: bool = False,
    top_k: int | None = None,
    class_id: int | None = None,
) -> list[Any]:
    """Returns the weighted counts of a batch, one tensor (thresholds,) for each of `names`.

    Args:
        y_true: targets, 0 is negative, anything else positive; shape (batch, ...).
        y_pred: predictions of the same shape.
        thresholds: the thresholds.
        names: which of `COUNTS` are wanted.
        who: name of the metric, for errors.
        sample_weight: one weight per row or per value, or `None`.
        label_weights: one weight per label (last axis), or `None`.
        per_label: whether to count each label by itself: tensors (thresholds, labels).
        top_k: only the `top_k` largest predictions of a row may be positive.
        class_id: count only this class (last axis).

    Raises:
        ValueError: if shapes do not fit together; they are named.
    """
    y_pred = ops.convert_to_tensor(y_pred, dtype=backend.floatx())
    y_true, y_pred = align(y_true, y_pred, f"pynn.metrics.{who}")
    if top_k is not None:
        y_pred = largest_only(y_pred, top_k)
    if class_id is not None:
        y_true, y_pred = class_column(y_true, class_id, who), class_column(y_pred, class_id, who)
    positives = ops.cast(ops.not_equal(y_true, 0), y_pred.dtype)
    negatives = 1.0 - positives
    for weight in _weights(sample_weight, label_weights, y_pred):
        positives, negatives = positives * weight, negatives * weight
    shape = (-1, y_pred.shape[-1]) if per_label else (-1, 1)
    # The thresholds of AUC end just outside of [0, 1].
    within = [min(max(t, 0.0), 1.0) for t in thresholds]
    count = _count_in_buckets if are_even(within) else _count_directly
    counts = count(
        ops.reshape(positives, shape),
        ops.reshape(negatives, shape),
        ops.reshape(y_pred, shape),
        thresholds,
        names,
    )
    return counts if per_label else [ops.squeeze(c, -1) for c in counts]


def _weights(sample_weight: Any, label_weights: Any, values: Any) -> list[Any]:
    """Returns the weights that are there, with the rank of `values`."""
    weights = []
    if sample_weight is not None:
        weight = ops.convert_to_tensor(sample_weight, dtype=values.dtype)
        weights.append(fit_weight(weight, values))
    if label_weights is not None:
        weights.append(ops.convert_to_tensor(label_weights, dtype=values.dtype))
    return weights


def _count_directly(
    positives: Any, negatives: Any, y_pred: Any, thresholds: Sequence[float], names: Sequence[str]
) -> list[Any]:
    """Compares everything (n, labels) with every threshold: n * labels * thresholds steps."""
    limits = ops.convert_to_tensor(np.reshape(thresholds, (-1, 1, 1)), dtype=y_pred.dtype)
    above = ops.greater(y_pred, limits)
    below = ops.logical_not(above)
    masses = {
        "true_positives": (above, positives),
        "false_positives": (above, negatives),
        "true_negatives": (below, negatives),
        "false_negatives": (below, positives),
    }
    zero = ops.zeros((), dtype=y_pred.dtype)
    return [ops.sum(ops.where(*masses[name], zero), axis=1) for name in names]


def _count_in_buckets(
    positives: Any, negatives: Any, y_pred: Any, thresholds: Sequence[float], names: Sequence[str]
) -> list[Any]:
    """Puts each value (n, labels) between two of the thresholds, then adds from above.

    n * labels + thresholds steps, for thresholds with equal distances.
    """
    labels = y_pred.shape[-1]
    count = len(thresholds)
    is_positive = ops.greater(y_pred, 0.0)
    # A value that equals a threshold is below it; NaN is above none.
    inside = ops.where(is_positive, ops.minimum(y_pred, 1.0), ops.zeros_like(y_pred))
    bucket = ops.cast(ops.relu(ops.ceil(inside * (count - 1.0)) - 1.0), "int32")
    masses = ops.stack([positives, negatives])
    total = ops.sum(masses, axis=1)
    if thresholds[0] >= 0.0:
        # Bucket 0 is above the first threshold, but a prediction of 0 is not.
        masses = masses * ops.cast(is_positive, masses.dtype)
    first = np.arange(2 * labels, dtype="int32").reshape(2, 1, labels) * count
    ids = bucket + ops.convert_to_tensor(first)
    sums = ops.segment_sum(
        ops.reshape(masses, (-1,)), ops.reshape(ids, (-1,)), num_segments=2 * labels * count
    )
    above = _sums_from_above(ops.reshape(sums, (2, labels, count)))
    below = ops.expand_dims(total, -1) - above
    found = {
        "true_positives": above[0],
        "false_positives": above[1],
        "true_negatives": below[1],
        "false_negatives": below[0],
    }
    return [ops.transpose(found[name]) for name in names]


def _sums_from_above(x: Any) -> Any:
    """Returns the sums of each element of the last axis and all behind it.

    Hillis and Steele, "Data parallel algorithms", 1986: log(n) additions of whole rows, which
    are few and short, cost less than the many small pieces of `ops.associative_scan`.
    """
    step, count = 1, x.shape[-1]
    while step < count:
        x = x + ops.pad(x[..., step:], ((0, 0), (0, 0), (0, step)))
        step *= 2
    return x
