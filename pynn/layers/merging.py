"""Layers that join several inputs: Add, Concatenate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pynn import _core, ops
from pynn.layers.layer import Layer

Shape = tuple[int | None, ...]


class Merge(Layer):
    """Base of layers that take a list of tensors that broadcast to one shape.

    Subclasses write `_merge(inputs)`. Inputs with fewer axes than the longest get axes of size 1
    behind the batch axis.
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Check that the inputs fit together."""
        self.compute_output_shape(_checked_shapes(self, input_shape))

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        if not isinstance(inputs, (list, tuple)):
            raise _not_a_list(self, inputs)
        rank = max(len(x.shape) for x in inputs)
        return self._merge([_with_rank(x, rank) for x in inputs])

    def _merge(self, inputs: Sequence[Any]) -> Any:
        raise NotImplementedError(f"pynn.{type(self).__name__}: expected a _merge() method")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the output shape for an input shape."""
        shapes = _checked_shapes(self, input_shape)
        rank = max(len(shape) for shape in shapes)
        shapes = [(*s[:1], *(1,) * (rank - len(s)), *s[1:]) for s in shapes]
        return tuple(self._joint_size([s[i] for s in shapes], shapes) for i in range(rank))

    def _joint_size(self, sizes: list[int | None], shapes: list[Shape]) -> int | None:
        known = {size for size in sizes if size not in (None, 1)}
        if len(known) > 1:
            raise ValueError(
                f"pynn.{type(self).__name__}: expected inputs that broadcast to one shape, "
                f"received shapes={shapes} (layer {self.name!r})"
            )
        if known:
            return known.pop()
        return None if None in sizes else 1

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """An entry is valid where it is valid in some input."""
        if not isinstance(mask, (list, tuple)) or all(m is None for m in mask):
            return None
        masks = [m for m in mask if m is not None]
        joint = masks[0]
        for other in masks[1:]:
            joint = ops.logical_or(joint, other)
        return joint


class Add(Merge):
    """The elementwise sum of a list of inputs.

    Args:
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: the input is not a list of tensors, or the shapes do not broadcast.

    >>> one = pynn.ops.ones((1, 2))
    >>> pynn.layers.Add()([one, one, one]).numpy()
    array([[3., 3.]], dtype=float32)
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)

    def _merge(self, inputs: Sequence[Any]) -> Any:
        total = inputs[0]
        for x in inputs[1:]:
            total = _core.add(total, x)
        return total


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
        self.compute_output_shape(_checked_shapes(self, input_shape))

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        if not isinstance(inputs, (list, tuple)):
            raise _not_a_list(self, inputs)
        return _core.concatenate(list(inputs), self.axis)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the output shape for an input shape."""
        shapes = _checked_shapes(self, input_shape)
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
        if not isinstance(mask, (list, tuple)) or all(m is None for m in mask):
            return None
        joined = self.axis % len(inputs[0].shape)
        masks = []
        for x, one in zip(inputs, mask, strict=True):
            if one is None:
                masks.append(ops.ones_like(x, dtype="bool"))
                continue
            while len(one.shape) < len(x.shape):
                one = ops.expand_dims(one, -1)
            masks.append(ops.broadcast_to(one, x.shape))
        # A mask has the shape of the steps: a step is valid if any of its features is.
        return ops.any(ops.concatenate(masks, axis=joined), axis=-1)


def _checked_shapes(layer: Layer, shapes: Any) -> list[Shape]:
    nested = isinstance(shapes, (list, tuple)) and len(shapes) > 0
    if not nested or not all(isinstance(s, (list, tuple)) for s in shapes):
        raise _not_a_list(layer, shapes)
    return [tuple(s) for s in shapes]


def _not_a_list(layer: Layer, received: Any) -> ValueError:
    return ValueError(
        f"pynn.{type(layer).__name__}: expected a list of tensors, received "
        f"{getattr(received, 'shape', received)} (layer {layer.name!r})"
    )


def _with_rank(x: Any, rank: int) -> Any:
    missing = rank - len(x.shape)
    return x if missing == 0 else ops.reshape(x, (x.shape[0], *(1,) * missing, *x.shape[1:]))


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Return the elementwise sum of a list of tensors; see `Add`.

    >>> pynn.layers.add([pynn.ops.ones((1, 2)), pynn.ops.ones((1, 2))]).numpy()
    array([[2., 2.]], dtype=float32)
    """
    return Add(**kwargs)(inputs)


def concatenate(inputs: Sequence[Any], axis: int = -1, **kwargs: Any) -> Any:
    """Return a list of tensors joined along an axis; see `Concatenate`.

    >>> pynn.layers.concatenate([pynn.ops.ones((1, 2)), pynn.ops.ones((1, 2))]).shape
    (1, 4)
    """
    return Concatenate(axis=axis, **kwargs)(inputs)
