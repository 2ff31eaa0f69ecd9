"""Small array helpers."""

from __future__ import annotations

from typing import Any

import numpy as np

from pynn import _core, ops


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """One-hot rows of class indices.

    Args:
        x: integers from 0 to `num_classes - 1`, of any shape; a last axis of size 1 is dropped.
        num_classes: `max(x) + 1` when None.

    Returns:
        float64 array, or float32 tensor for a tensor, of shape `x.shape + (num_classes,)`.

    Raises:
        ValueError: a class index outside [0, num_classes).

    >>> to_categorical([0, 2])
    array([[1., 0., 0.],
           [0., 0., 1.]])
    """
    labels = np.asarray(x, dtype="int64")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    if num_classes is None:
        num_classes = int(labels.max(initial=-1)) + 1
    outside = labels[(labels < 0) | (labels >= num_classes)]
    if outside.size:
        raise ValueError(
            f"pynn.utils.to_categorical: expected class indices in [0, {num_classes}); received "
            f"{outside.flat[0]}"
        )
    if isinstance(x, _core.Tensor):
        return _core.one_hot(labels, num_classes, "float32")
    return (labels[..., None] == np.arange(num_classes)).astype(np.float64)


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """Divide by the norm of the given order along `axis`; vectors of norm 0 stay 0.

    Returns:
        An array for an array, a tensor for a tensor.

    >>> normalize(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]])
    """
    if not isinstance(x, np.ndarray):
        return ops.normalize(x, axis=axis, order=order)
    norm = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(norm == 0, 1, norm)
