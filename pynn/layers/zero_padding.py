"""ZeroPadding1D, ZeroPadding2D, ZeroPadding3D: zeros around sequences, images and volumes."""

from __future__ import annotations

from typing import Any

from pynn import ops
from pynn.layers.spatial import Pair, Spatial, pair, pairs


class _ZeroPadding(Spatial):
    """Base: adds `_widths[i]` zeros at the ends of the i-th spatial axis."""

    _widths: tuple[Pair, ...]

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        widths = [(0, 0)] * len(inputs.shape)
        widths[self._first_axis : self._first_axis + self._rank] = self._widths
        return ops.pad(inputs, widths)

    def _resized(self, i: int, size: int, input_shape: Any) -> int:
        return size + sum(self._widths[i])


class ZeroPadding1D(_ZeroPadding):
    """Adds steps of zeros at the beginning and the end of sequences.

    Args:
        padding: how many steps; a number for both ends, or a pair.
        data_format: "channels_last" or "channels_first"; `pynn.config.image_data_format()` by
            default.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, steps, features)`, or `(batch, features, steps)`; output the same with more
        steps.

    Raises:
        ValueError: `padding` is not that or negative.

    >>> pynn.layers.ZeroPadding1D((1, 0))(pynn.ops.ones((1, 2, 1))).numpy()
    array([[[0.],
            [1.],
            [1.]]], dtype=float32)
    """

    _rank = 1

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        self.padding = pair("ZeroPadding1D", "padding", padding)
        self._widths = (self.padding,)


class ZeroPadding2D(_ZeroPadding):
    """Adds rows and columns of zeros around images.

    Args:
        padding: a number for all edges; a pair of numbers for (top and bottom, left and right);
            or `((top, bottom), (left, right))`.
        data_format: "channels_last" or "channels_first"; `pynn.config.image_data_format()` by
            default.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, height, width, channels)`, or `(batch, channels, height, width)`; output
        the same with larger sizes.

    Raises:
        ValueError: `padding` is not that or negative.

    >>> pynn.layers.ZeroPadding2D(((1, 0), (2, 2)))(pynn.ops.ones((1, 6, 6, 3))).shape
    (1, 7, 10, 3)
    """

    _rank = 2

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        self.padding = self._widths = pairs("ZeroPadding2D", "padding", padding, 2)


class ZeroPadding3D(_ZeroPadding):
    """Adds zeros around volumes.

    Args:
        padding: a number for all edges; three numbers, one per axis; or three pairs `(before,
            after)`.
        data_format: "channels_last" or "channels_first"; `pynn.config.image_data_format()` by
            default.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, depth, height, width, channels)`, or `(batch, channels, depth, height,
        width)`; output the same with larger sizes.

    Raises:
        ValueError: `padding` is not that or negative.

    >>> pynn.layers.ZeroPadding3D((1, 2, 0))(pynn.ops.ones((1, 6, 6, 6, 3))).shape
    (1, 8, 10, 6, 3)
    """

    _rank = 3

    def __init__(
        self,
        padding: Any = ((1, 1), (1, 1), (1, 1)),
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.padding = self._widths = pairs("ZeroPadding3D", "padding", padding, 3)
