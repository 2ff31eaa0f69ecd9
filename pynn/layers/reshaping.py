"""Layers that only change the shape, or repeat: Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

import math
from typing import Any

from pynn import ops
from pynn.backend.config import standardize_data_format
from pynn.keras_tensor import KerasTensor
from pynn.layers.input_spec import InputSpec
from pynn.layers.layer import Layer


class SameDType(Layer):
    """Base of layers that move entries about: the output has the dtype of the input."""

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the output shape for an input shape."""
        raise NotImplementedError(
            f"pynn.{type(self).__name__}: expected a compute_output_shape() method"
        )

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        """Return the output for a symbolic input."""
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)


class Flatten(SameDType):
    """Flattens everything but the batch axis.

    Args:
        data_format: "channels_last" or "channels_first": where the channels are, so that both
            orders give the same features. Defaults to `pynn.config.image_data_format()`.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, ...)`; output `(batch, product of the rest)`; `(batch,)` gives `(batch, 1)`.

    >>> pynn.layers.Flatten()(pynn.ops.zeros((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        shape = inputs.shape
        if self.data_format == "channels_first" and len(shape) > 2:
            axes = (0, *range(2, len(shape)), 1)
            inputs = ops.transpose(inputs, axes)
        # Not -1: an empty batch would leave it undetermined.
        return ops.reshape(inputs, (shape[0], math.prod(shape[1:])))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the output shape for an input shape."""
        rest = tuple(input_shape[1:])
        return (input_shape[0], None if None in rest else math.prod(rest))


class Reshape(SameDType):
    """Reshapes each sample.

    Args:
        target_shape: shape of a sample, without the batch axis; one entry may be -1.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: the number of elements differs, or more than one entry is -1.

    >>> pynn.layers.Reshape((2, -1))(pynn.ops.zeros((5, 6))).shape
    (5, 2, 3)
    """

    def __init__(self, target_shape: Any, **kwargs: Any):
        super().__init__(**kwargs)
        target_shape = (target_shape,) if isinstance(target_shape, int) else tuple(target_shape)
        if sum(d == -1 for d in target_shape) > 1:
            raise ValueError(
                f"pynn.Reshape: expected at most one -1 in target_shape; received {target_shape}"
            )
        self.target_shape = target_shape
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        shape: Any = self.compute_output_shape(inputs.shape)
        return ops.reshape(inputs, shape)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the output shape for an input shape."""
        batch, sample = input_shape[0], tuple(input_shape[1:])
        if None in sample:
            return (batch, *(None if d == -1 else d for d in self.target_shape))
        total = math.prod(sample)
        known = math.prod(d for d in self.target_shape if d != -1)
        fits = total % known == 0 if -1 in self.target_shape and known else total == known
        if not fits:
            raise ValueError(
                f"pynn.Reshape: expected input whose samples have {known} elements for "
                f"target_shape={self.target_shape}, received shape={tuple(input_shape)} "
                f"(layer {self.name!r})"
            )
        return (batch, *(total // known if d == -1 else d for d in self.target_shape))


class Permute(SameDType):
    """Puts the axes of each sample into another order.

    Args:
        dims: for each axis of the output, the axis of the input that it shows, counted from 1.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: `dims` is not a permutation of 1 to its length.

    >>> pynn.layers.Permute((2, 1))(pynn.ops.zeros((5, 3, 4))).shape
    (5, 4, 3)
    """

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                "pynn.Permute: expected dims, the axes from 1 on in some order; received "
                f"{self.dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the output shape for an input shape."""
        return (input_shape[0], *(input_shape[d] for d in self.dims))


class RepeatVector(SameDType):
    """Repeats each sample as the steps of a sequence.

    Args:
        n: how many times.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, features)`; output `(batch, n, features)`.

    Raises:
        TypeError: `n` is not an integer.
        ValueError: `n` is not positive.

    >>> pynn.layers.RepeatVector(3)(pynn.ops.array([[1.0, 2.0]])).numpy()
    array([[[1., 2.],
            [1., 2.],
            [1., 2.]]], dtype=float32)
    """

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n = positive_integer("RepeatVector", "n", n)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the output shape for an input shape."""
        return (input_shape[0], self.n, input_shape[1])


def positive_integer(who: str, argument: str, value: Any) -> int:
    """Return an argument that must be a positive integer.

    Raises:
        TypeError: it is not an integer.
        ValueError: it is not positive.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"pynn.{who}: expected {argument}, an integer; received {value!r}")
    if value <= 0:
        raise ValueError(f"pynn.{who}: expected {argument}, a positive integer; received {value!r}")
    return value
