"""Concatenate: joins inputs along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pynn import _core, ops
from pynn.layers.layer import Layer
from pynn.layers.merging import Shape, checked_masks, checked_shapes, not_a_list


class Concatenate(Layer):
    """Joins a list of inputs along an axis.

    Args:
        axis: the axis to join along.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: the input is not a list of tensors, or the other axes differ.

    >>> pynn.layers.Concatenate()([pynn.ops.ones((1, 2)), pynn.ops.ones((1, 3))]).shape
    (1, 5)
    """

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Check that the inputs fit together."""
        self.compute_output_shape(checked_shapes(self, input_shape))

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        if not isinstance(inputs, (list, tuple)):
            raise not_a_list(self, inputs)
        return _core.concatenate(list(inputs), self.axis)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the output shape for an input shape."""
        shapes = checked_shapes(self, input_shape)
        rank = len(shapes[0])
        if not -rank <= self.axis < rank:
            raise ValueError(
                f"pynn.Concatenate: expected axis in [{-rank}, {rank}), received axis={self.axis} "
                f"for shapes={shapes} (layer {self.name!r})"
            )
        joined = self.axis % rank
        result: list[int | None] = list(shapes[0])
        for shape in shapes[1:]:
            if len(shape) != rank:
                raise self._mismatch(shapes)
            for i, size in enumerate(shape):
                result[i] = self._join(i == joined, result[i], size, shapes)
        return tuple(result)

    def _join(self, joined: bool, a: int | None, b: int | None, shapes: list[Shape]) -> int | None:
        if joined:
            return None if a is None or b is None else a + b
        if a is not None and b is not None and a != b:
            raise self._mismatch(shapes)
        return b if a is None else a

    def _mismatch(self, shapes: list[Shape]) -> ValueError:
        return ValueError(
            f"pynn.Concatenate: expected inputs whose shapes differ only in axis {self.axis}, "
            f"received shapes={shapes} (layer {self.name!r})"
        )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The masks joined along the axis; an input without a mask is valid everywhere."""
        if mask is None or all(m is None for m in checked_masks(self, inputs, mask)):
            return None
        masks = [_element_mask(x, m) for x, m in zip(inputs, mask, strict=True)]
        # A mask has the shape of the steps: a step is valid if any of its features is.
        return ops.any(ops.concatenate(masks, axis=self.axis), axis=-1)


def _element_mask(x: Any, mask: Any) -> Any:
    """A mask of the shape of x, which may be symbolic, with sizes that are not known yet."""
    if mask is None:
        return ops.ones_like(x, dtype="bool")
    for _ in range(len(x.shape) - len(mask.shape)):
        mask = ops.expand_dims(mask, -1)
    return ops.logical_or(mask, ops.zeros_like(x, dtype="bool"))


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """Return a list of tensors joined along an axis; see `Concatenate`.

    >>> pynn.layers.concatenate([pynn.ops.ones((1, 2)), pynn.ops.ones((1, 2))]).shape
    (1, 4)
    """
    return Concatenate(axis=axis, **kwargs)(inputs)
