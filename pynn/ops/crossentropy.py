"""Cross-entropies: fused where logits are given, from clipped probabilities otherwise."""

from typing import Any

from pynn import _core
from pynn._core import Tensor
from pynn.backend import config
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import as_float, canonical_axis
from pynn.ops.symbolic import symbolic_op

__all__ = ["binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"]

_HALF_DTYPES = ("float16", "bfloat16")


@symbolic_op
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """Return -target * log(output) - (1 - target) * log(1 - output), elementwise.

    `output` is a probability, clipped to [epsilon, 1 - epsilon], or with `from_logits` its logit.

    Raises:
        ValueError: the shapes differ.

    >>> pynn.ops.binary_crossentropy([1.0, 0.0], [0.9, 0.2]).numpy().round(4)
    array([0.1054, 0.2231], dtype=float32)
    """
    output = as_float(output)
    target = _matching_target("binary_crossentropy", target, output)
    if from_logits:
        return _core.sigmoid_cross_entropy(output, target)
    target, probability = _at_least_float32(target), _clipped(_at_least_float32(output))
    ones = _core.multiply(target, _core.log(probability))
    zeros = _core.multiply(_core.subtract(1.0, target), _core.log(_core.subtract(1.0, probability)))
    return _core.cast(_core.negative(_core.add(ones, zeros)), output.dtype)


@symbolic_op
def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """Return -sum(target * log(output)) along `axis`.

    `output` holds probabilities, which are scaled to sum 1 and clipped to
    [epsilon, 1 - epsilon], or with `from_logits` the logits of a softmax.

    Raises:
        ValueError: the shapes differ, or are ().

    >>> pynn.ops.categorical_crossentropy([[0.0, 1.0]], [[0.25, 0.75]]).numpy().round(4)
    array([0.2877], dtype=float32)
    """
    output = as_float(output)
    target = _matching_target("categorical_crossentropy", target, output)
    axis = _class_axis("categorical_crossentropy", output, axis)
    if from_logits:
        last = output.ndim - 1
        return _core.softmax_cross_entropy(_moved(output, axis, last), _moved(target, axis, last))
    probability = _at_least_float32(output)
    total = _core.sum(probability, [axis], True)
    logs = _core.log(_clipped(_core.divide(probability, total)))
    loss = _core.sum(_core.multiply(_at_least_float32(target), logs), [axis], False)
    return _core.cast(_core.negative(loss), output.dtype)


@symbolic_op
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """Return -log(output[target]) along `axis`, for integer class labels.

    `target` has output's shape without `axis`, or with size 1 there. `output` holds
    probabilities, which are scaled to sum 1 and clipped to [epsilon, 1 - epsilon], or with
    `from_logits` the logits of a softmax.

    Raises:
        ValueError: the shapes do not fit, or a label is not in [0, classes).

    >>> pynn.ops.sparse_categorical_crossentropy([1], [[0.25, 0.75]]).numpy().round(4)
    array([0.2877], dtype=float32)
    """
    output = as_float(output)
    axis = _class_axis("sparse_categorical_crossentropy", output, axis)
    labels = _labels(target, output, axis)
    if from_logits:
        logits = _moved(output, axis, output.ndim - 1)
        return _core.sparse_softmax_cross_entropy(logits, labels)
    classes = output.shape[axis]
    probability = _moved(_at_least_float32(output), axis, output.ndim - 1)
    share = _core.divide(probability, _core.sum(probability, [-1], True))
    chosen = _core.one_hot(labels, classes, probability.dtype, checked=True)
    logs = _core.multiply(chosen, _core.log(_clipped(share)))
    return _core.cast(_core.negative(_core.sum(logs, [-1], False)), output.dtype)


def _matching_target(who: str, target: Any, output: Tensor) -> Tensor:
    target = _core.cast(target, output.dtype)
    if target.shape != output.shape:
        raise ValueError(
            f"pynn.{who}: expected target and output of one shape; received "
            f"target.shape={target.shape}, output.shape={output.shape}"
        )
    return target


def _class_axis(who: str, output: Tensor, axis: int) -> int:
    if output.ndim == 0:
        raise ValueError(f"pynn.{who}: expected output with at least 1 axis; received shape=()")
    return canonical_axis(who, axis, output.ndim)


def _labels(target: Any, output: Tensor, axis: int) -> Tensor:
    labels = _core.cast(convert_to_tensor(target), "int32")
    expected = (*output.shape[:axis], *output.shape[axis + 1 :])
    if labels.ndim == output.ndim and labels.shape[axis] == 1:
        labels = _core.squeeze(labels, [axis])
    if tuple(labels.shape) != expected:
        raise ValueError(
            "pynn.sparse_categorical_crossentropy: expected labels of shape "
            f"{expected}; received target.shape={labels.shape}, output.shape={output.shape}"
        )
    return labels


def _moved(x: Tensor, axis: int, last: int) -> Tensor:
    if axis == last:
        return x
    return _core.transpose(x, [*range(axis), *range(axis + 1, last + 1), axis])


def _at_least_float32(x: Tensor) -> Tensor:
    """1 - epsilon is 1 in 16 bits: clipping there would let log(0) through."""
    return _core.cast(x, "float32") if x.dtype in _HALF_DTYPES else x


def _clipped(probability: Tensor) -> Tensor:
    return _core.clip(probability, config.epsilon(), 1.0 - config.epsilon())
