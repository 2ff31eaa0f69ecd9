"""Functions of Keras's `ops.math`: special functions, ranks, distances."""

import math
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import Axis, as_float, axes_of, promoted_float
from pynn.ops.indexing import take_along_axis
from pynn.ops.symbolic import engine_op, symbolic_op

__all__ = [
    "cdist", "erf", "extract_sequences", "in_top_k", "logsumexp", "rsqrt",
]  # fmt: skip


@engine_op(_core.erf)
def erf(x: Any) -> Tensor:
    """Return the error function, 2 / sqrt(pi) times the integral of exp(-t**2) from 0 to x.

    >>> pynn.ops.erf([0.0, 1.0]).numpy().round(4)
    array([0.    , 0.8427], dtype=float32)
    """
    return _core.erf(as_float(x))


@engine_op(_core.rsqrt)
def rsqrt(x: Any) -> Tensor:
    """Return 1 / sqrt(x).

    >>> pynn.ops.rsqrt([1.0, 4.0]).numpy()
    array([1. , 0.5], dtype=float32)
    """
    return _core.rsqrt(as_float(x))


@engine_op(_core.logsumexp)
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Return log(sum(exp(x))) over `axis` without overflow; -inf where there is no element.

    >>> pynn.ops.logsumexp([1000.0, 1000.0]).numpy()
    array(1000.6932, dtype=float32)
    """
    return _core.logsumexp(as_float(x), axes_of(axis), keepdims)


@symbolic_op
def in_top_k(targets: Any, predictions: Any, k: int) -> Tensor:
    """Return whether each target class (N,) is among the k largest of its row (N, classes).

    Ties count for the target; a prediction of NaN is never among the largest.

    >>> pynn.ops.in_top_k([2, 0], [[0.1, 0.3, 0.6], [0.1, 0.3, 0.6]], k=2).numpy()
    array([ True, False])
    """
    predictions = as_float(predictions)
    targets = _core.cast(targets, "int32")
    chosen = take_along_axis(predictions, _core.expand_dims(targets, [-1]), -1)
    chosen = _core.where(_core.isnan(chosen), -math.inf, chosen)
    larger = _core.cast(_core.greater(predictions, chosen), "int32")
    return _core.less(_core.sum(larger, [-1], False), k)


@symbolic_op
def cdist(x: Any, y: Any) -> Tensor:
    """Return Euclidean distances between the rows of x (..., M, D) and y (..., N, D).

    Raises:
        ValueError: an argument has fewer than 2 axes, or the last axes differ.

    >>> pynn.ops.cdist([[0.0, 0.0]], [[3.0, 4.0], [0.0, 1.0]]).numpy()
    array([[5., 1.]], dtype=float32)
    """
    x, y = promoted_float(x, y)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(
            f"pynn.cdist: expected (..., M, D) and (..., N, D); received {x.shape} and {y.shape}"
        )
    difference = _core.subtract(_core.expand_dims(x, [-2]), _core.expand_dims(y, [-3]))
    return _core.sqrt(_core.sum(_core.square(difference), [-1], False))


@symbolic_op
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Tensor:
    """Return windows along the last axis: (..., N) gives (..., windows, sequence_length).

    >>> pynn.ops.extract_sequences([1.0, 2.0, 3.0, 4.0], 2, 1).numpy()
    array([[1., 2.],
           [2., 3.],
           [3., 4.]], dtype=float32)
    """
    x = convert_to_tensor(x)
    starts = np.arange(0, x.shape[-1] - sequence_length + 1, sequence_stride, dtype=np.int32)
    return _core.take(x, starts[:, None] + np.arange(sequence_length, dtype=np.int32), x.ndim - 1)
