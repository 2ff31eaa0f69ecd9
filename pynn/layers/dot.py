"""Dot: products of the samples of two inputs."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from pynn import _core, ops
from pynn.layers.layer import Layer
from pynn.layers.merging import Shape, checked_shapes, not_a_list


class Dot(Layer):
    """The dot product of each sample of one input with the same sample of another.

    One axis of each input is summed over; the other axes of the first come before those of the
    second. For `axes=(1, 2)`, shapes `(b, 5, 2)` and `(b, 3, 5)` give `(b, 2, 3)`:
    `out[b, i, j] = sum_k x[b, k, i] y[b, j, k]`.

    Args:
        axes: the axis to sum over in both inputs, or a pair of axes; 0, the batch axis, is none.
        normalize: whether the samples are scaled to length 1 along these axes first, which makes
            the result a cosine similarity.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        two inputs of at least 2 axes; the output has the batch axis and the axes that are left of
        both; if none is left, `(batch, 1)`.

    Raises:
        TypeError: `axes` is neither an int nor a list.
        ValueError: `axes` is not a pair of ints, or the inputs do not fit.

    >>> x = pynn.ops.array([[1.0, 2.0]])
    >>> pynn.layers.Dot(axes=1)([x, x]).numpy()
    array([[5.]], dtype=float32)
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, (list, tuple)):
                raise TypeError(f"pynn.Dot: expected axes, an int or a pair; received {axes!r}")
            if len(axes) != 2 or not all(isinstance(a, int) for a in axes):
                raise ValueError(f"pynn.Dot: expected axes, an int or two ints; received {axes!r}")
        self.axes = axes
        self.normalize = normalize
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Check that the inputs fit together."""
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        if not isinstance(inputs, (list, tuple)):
            raise not_a_list(self, inputs)
        axes = self._checked_axes([tuple(x.shape) for x in inputs])
        if self.normalize:
            inputs = [ops.normalize(x, axis=a) for x, a in zip(inputs, axes, strict=True)]
        x, y = inputs
        left = _without(x.shape, axes[0])
        right = _without(y.shape, axes[1])
        batch, depth = x.shape[0], x.shape[axes[0]]
        # One product of matrices per sample, whatever the number of axes.
        x = ops.reshape(ops.moveaxis(x, axes[0], -1), (batch, math.prod(left), depth))
        y = ops.reshape(ops.moveaxis(y, axes[1], 1), (batch, depth, math.prod(right)))
        return ops.reshape(_core.matmul(x, y), (batch, *(left + right or (1,))))

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the output shape for an input shape."""
        shapes = checked_shapes(self, input_shape)
        first, second = self._checked_axes(shapes)
        batch = shapes[1][0] if shapes[0][0] is None else shapes[0][0]
        return (batch, *(_without(shapes[0], first) + _without(shapes[1], second) or (1,)))

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """The output has no mask: the steps of the inputs are gone, or paired."""

    def _checked_axes(self, shapes: list[Shape]) -> tuple[int, int]:
        """The axes to sum over, counted from the start."""
        if len(shapes) != 2 or min(len(shape) for shape in shapes) < 2:
            raise self._error("2 inputs of at least 2 axes", shapes)
        pair = [self.axes] * 2 if isinstance(self.axes, int) else self.axes
        axes = []
        for axis, shape in zip(pair, shapes, strict=True):
            if not -len(shape) < axis < len(shape) or axis == 0:
                raise self._error(f"axes of the samples, not axes={self.axes}", shapes)
            axes.append(operator.index(axis) % len(shape))
        first, second = axes
        if _differ(shapes[0][first], shapes[1][second]):
            raise self._error(f"equal sizes in axes={self.axes}", shapes)
        if _differ(shapes[0][0], shapes[1][0]):
            raise self._error("inputs of one batch size", shapes)
        return first, second

    def _error(self, expected: str, shapes: list[Shape]) -> ValueError:
        return ValueError(
            f"pynn.Dot: expected {expected}, received shapes={shapes} (layer {self.name!r})"
        )


def _differ(a: int | None, b: int | None) -> bool:
    return a is not None and b is not None and a != b


def _without(shape: Shape, axis: int) -> tuple[Any, ...]:
    """The sizes of a sample, but for one axis."""
    return (*shape[1:axis], *shape[axis + 1 :])


def dot(inputs: Sequence[Any], axes: Any = -1, **kwargs: Any) -> Any:
    """Return the dot products of the samples of two tensors; see `Dot`.

    >>> pynn.layers.dot([pynn.ops.ones((1, 2)), pynn.ops.ones((1, 2))]).numpy()
    array([[2.]], dtype=float32)
    """
    return Dot(axes=axes, **kwargs)(inputs)
