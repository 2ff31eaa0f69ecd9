"""Layers that combine several inputs element by element: Add, Subtract, Multiply, and others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pynn import _core, ops
from pynn.layers.arguments import get_mask
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
        shapes = checked_shapes(self, input_shape)
        self.compute_output_shape(shapes)
        if len({shape[0] for shape in shapes if shape} - {None}) > 1:
            raise ValueError(
                f"pynn.{type(self).__name__}: expected inputs of one batch size, received "
                f"shapes={shapes} (layer {self.name!r})"
            )

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        if not isinstance(inputs, (list, tuple)):
            raise not_a_list(self, inputs)
        rank = max(len(x.shape) for x in inputs)
        return self._merge([_with_rank(x, rank) for x in inputs])

    def _merge(self, inputs: Sequence[Any]) -> Any:
        raise NotImplementedError(f"pynn.{type(self).__name__}: expected a _merge() method")

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the output shape for an input shape."""
        shapes = checked_shapes(self, input_shape)
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
        """An entry is valid where it is valid in some input; an input without a mask always is."""
        if mask is None or any(m is None for m in checked_masks(self, inputs, mask)):
            return None
        joint = mask[0]
        for other in mask[1:]:
            joint = ops.logical_or(joint, other)
        return joint


def checked_shapes(layer: Layer, shapes: Any) -> list[Shape]:
    """The shapes of a list of inputs.

    Raises:
        ValueError: what came is not a list of shapes.
    """
    nested = isinstance(shapes, (list, tuple)) and len(shapes) > 0
    if not nested or not all(isinstance(s, (list, tuple)) for s in shapes):
        raise not_a_list(layer, shapes)
    return [tuple(s) for s in shapes]


def checked_masks(layer: Layer, inputs: Any, masks: Any) -> Sequence[Any]:
    """The masks of a list of inputs, None for an input without one.

    Raises:
        ValueError: what came are not two lists of one length.
    """
    lists = isinstance(inputs, (list, tuple)) and isinstance(masks, (list, tuple))
    if not lists or len(inputs) != len(masks):
        raise ValueError(
            f"pynn.{type(layer).__name__}.compute_mask: expected a list of inputs and a list of as "
            f"many masks; received inputs={inputs}, mask={masks} (layer {layer.name!r})"
        )
    return masks


def not_a_list(layer: Layer, received: Any) -> ValueError:
    """The error for an input that is not a list of tensors."""
    return ValueError(
        f"pynn.{type(layer).__name__}: expected a list of tensors, received "
        f"{getattr(received, 'shape', received)} (layer {layer.name!r})"
    )


def _with_rank(x: Any, rank: int) -> Any:
    missing = rank - len(x.shape)
    return x if missing == 0 else ops.reshape(x, (x.shape[0], *(1,) * missing, *x.shape[1:]))


def _element_mask(x: Any) -> Any:
    """The mask of x with as many axes as x, or None."""
    mask = get_mask(x)
    if mask is None:
        return None
    return ops.reshape(mask, (*mask.shape, *(1,) * (len(x.shape) - len(mask.shape))))


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
        return _sum(inputs)


def _sum(inputs: Sequence[Any]) -> Any:
    total = inputs[0]
    for x in inputs[1:]:
        total = _core.add(total, x)
    return total


class Subtract(Merge):
    """The first of two inputs minus the second, element by element.

    Args:
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: the input is not a list of two tensors, or the shapes do not broadcast.

    >>> three, one = pynn.ops.full((1, 2), 3.0), pynn.ops.ones((1, 2))
    >>> pynn.layers.Subtract()([three, one]).numpy()
    array([[2., 2.]], dtype=float32)
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)

    def build(self, input_shape: Any) -> None:
        """Check that there are two inputs and that they fit together."""
        super().build(input_shape)
        if len(input_shape) != 2:
            raise self._not_two(len(input_shape))

    def _merge(self, inputs: Sequence[Any]) -> Any:
        if len(inputs) != 2:
            raise self._not_two(len(inputs))
        return _core.subtract(inputs[0], inputs[1])

    def _not_two(self, count: int) -> ValueError:
        return ValueError(
            f"pynn.Subtract: expected a list of 2 tensors, received {count} (layer {self.name!r})"
        )


class Multiply(Merge):
    """The elementwise product of a list of inputs.

    Entries that a mask excludes count as 1, so that they leave the other inputs as they are; an
    entry that the masks of all inputs exclude comes out as 0.

    Args:
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: the input is not a list of tensors, or the shapes do not broadcast.

    >>> two = pynn.ops.full((1, 2), 2.0)
    >>> pynn.layers.Multiply()([two, two, two]).numpy()
    array([[8., 8.]], dtype=float32)
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)

    def _merge(self, inputs: Sequence[Any]) -> Any:
        masks = [_element_mask(x) for x in inputs]
        product = joint = None
        for x, mask in zip(inputs, masks, strict=True):
            if mask is not None:
                x = ops.where(mask, x, 1)
                joint = mask if joint is None else ops.logical_or(joint, mask)
            product = x if product is None else _core.multiply(product, x)
        return product if any(mask is None for mask in masks) else ops.where(joint, product, 0)


class Average(Merge):
    """The elementwise mean of a list of inputs.

    Args:
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: the input is not a list of tensors, or the shapes do not broadcast.

    >>> three, one = pynn.ops.full((1, 2), 3.0), pynn.ops.ones((1, 2))
    >>> pynn.layers.Average()([three, one]).numpy()
    array([[2., 2.]], dtype=float32)
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)

    def _merge(self, inputs: Sequence[Any]) -> Any:
        return _sum(inputs) / len(inputs)


class Maximum(Merge):
    """The elementwise maximum of a list of inputs.

    Where the mask of an input excludes an entry, the other inputs decide.

    Args:
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: the input is not a list of tensors, or the shapes do not broadcast.

    >>> x, y = pynn.ops.array([[1.0, 5.0]]), pynn.ops.array([[3.0, 2.0]])
    >>> pynn.layers.Maximum()([x, y]).numpy()
    array([[3., 5.]], dtype=float32)
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)

    def _merge(self, inputs: Sequence[Any]) -> Any:
        return _extreme(_core.maximum, inputs)


class Minimum(Merge):
    """The elementwise minimum of a list of inputs.

    Where the mask of an input excludes an entry, the other inputs decide.

    Args:
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: the input is not a list of tensors, or the shapes do not broadcast.

    >>> x, y = pynn.ops.array([[1.0, 5.0]]), pynn.ops.array([[3.0, 2.0]])
    >>> pynn.layers.Minimum()([x, y]).numpy()
    array([[1., 2.]], dtype=float32)
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)

    def _merge(self, inputs: Sequence[Any]) -> Any:
        return _extreme(_core.minimum, inputs)


def _extreme(choose: Callable[[Any, Any], Any], inputs: Sequence[Any]) -> Any:
    """Fold the inputs with `choose`; entries that a mask excludes take no part."""
    result, valid = inputs[0], _element_mask(inputs[0])
    for x in inputs[1:]:
        mask = _element_mask(x)
        if mask is not None:
            x = ops.where(mask, x, result)
        if valid is not None:
            result = ops.where(valid, result, x)
        valid = None if mask is None or valid is None else ops.logical_or(valid, mask)
        result = choose(result, x)
    return result


def add(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Return the elementwise sum of a list of tensors; see `Add`.

    >>> pynn.layers.add([pynn.ops.ones((1, 2)), pynn.ops.ones((1, 2))]).numpy()
    array([[2., 2.]], dtype=float32)
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Return the first of two tensors minus the second; see `Subtract`.

    >>> pynn.layers.subtract([pynn.ops.ones((1, 2)), pynn.ops.ones((1, 2))]).numpy()
    array([[0., 0.]], dtype=float32)
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Return the elementwise product of a list of tensors; see `Multiply`.

    >>> pynn.layers.multiply([pynn.ops.full((1, 2), 3.0), pynn.ops.ones((1, 2))]).numpy()
    array([[3., 3.]], dtype=float32)
    """
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Return the elementwise mean of a list of tensors; see `Average`.

    >>> pynn.layers.average([pynn.ops.full((1, 2), 3.0), pynn.ops.ones((1, 2))]).numpy()
    array([[2., 2.]], dtype=float32)
    """
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Return the elementwise maximum of a list of tensors; see `Maximum`.

    >>> pynn.layers.maximum([pynn.ops.full((1, 2), 3.0), pynn.ops.ones((1, 2))]).numpy()
    array([[3., 3.]], dtype=float32)
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Any], **kwargs: Any) -> Any:
    """Return the elementwise minimum of a list of tensors; see `Minimum`.

    >>> pynn.layers.minimum([pynn.ops.full((1, 2), 3.0), pynn.ops.ones((1, 2))]).numpy()
    array([[1., 1.]], dtype=float32)
    """
    return Minimum(**kwargs)(inputs)
