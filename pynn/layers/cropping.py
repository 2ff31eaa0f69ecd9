"""Cropping1D, Cropping2D, Cropping3D: the middle of sequences, images and volumes."""

from __future__ import annotations

from typing import Any

from pynn.layers.spatial import Pair, Spatial, pair, pairs


class _Cropping(Spatial):
    """Base: cuts `_cuts[i]` entries off the ends of the i-th spatial axis."""

    _cuts: tuple[Pair, ...]
    cropping: Any

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        shape = self.compute_output_shape(inputs.shape)
        index = [slice(None)] * len(shape)
        for i, (before, _) in enumerate(self._cuts):
            axis = self._first_axis + i
            index[axis] = slice(before, before + (shape[axis] or 0))
        return inputs[tuple(index)]

    def _resized(self, i: int, size: int, input_shape: Any) -> int:
        left = size - sum(self._cuts[i])
        if left <= 0:
            raise ValueError(
                f"pynn.{type(self).__name__}: expected cropping smaller than the input, received "
                f"shape={tuple(input_shape)} for cropping={self.cropping} (layer {self.name!r})"
            )
        return left


class Cropping1D(_Cropping):
    """Cuts steps off the beginning and the end of sequences.

    Args:
        cropping: how many steps; a number for both ends, or a pair.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, steps, features)`; output `(batch, fewer steps, features)`.

    Raises:
        ValueError: `cropping` is not that or negative; later, an input with too few steps.

    >>> x = pynn.ops.reshape(pynn.ops.arange(4.0), (1, 4, 1))
    >>> pynn.layers.Cropping1D((1, 2))(x).numpy()
    array([[[1.]]], dtype=float32)
    """

    _rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any):
        super().__init__(data_format="channels_last", **kwargs)
        self.cropping = pair("Cropping1D", "cropping", cropping)
        self._cuts = (self.cropping,)


class Cropping2D(_Cropping):
    """Cuts rows and columns off the edges of images.

    Args:
        cropping: a number for all edges; a pair of numbers for (top and bottom, left and right);
            or `((top, bottom), (left, right))`.
        data_format: "channels_last" or "channels_first"; `pynn.config.image_data_format()` by
            default.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, height, width, channels)`, or `(batch, channels, height, width)`; output
        the same with smaller sizes.

    Raises:
        ValueError: `cropping` is not that or negative; later, an input that is too small.

    >>> pynn.layers.Cropping2D(((1, 0), (2, 2)))(pynn.ops.zeros((1, 6, 6, 3))).shape
    (1, 5, 2, 3)
    """

    _rank = 2

    def __init__(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.cropping = self._cuts = pairs("Cropping2D", "cropping", cropping, 2)


class Cropping3D(_Cropping):
    """Cuts off the edges of volumes.

    Args:
        cropping: a number for all edges; three numbers, one per axis; or three pairs `(before,
            after)`.
        data_format: "channels_last" or "channels_first"; `pynn.config.image_data_format()` by
            default.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, depth, height, width, channels)`, or `(batch, channels, depth, height,
        width)`; output the same with smaller sizes.

    Raises:
        ValueError: `cropping` is not that or negative; later, an input that is too small.

    >>> pynn.layers.Cropping3D((1, 2, 0))(pynn.ops.zeros((1, 6, 6, 6, 3))).shape
    (1, 4, 2, 6, 3)
    """

    _rank = 3

    def __init__(
        self,
        cropping: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.cropping = self._cuts = pairs("Cropping3D", "cropping", cropping, 3)
