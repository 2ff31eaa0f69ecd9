"""UpSampling1D, UpSampling2D, UpSampling3D: larger sequences, images and volumes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from pynn import _core, ops
from pynn.layers.reshaping import positive_integer
from pynn.layers.spatial import Spatial, factors
from pynn.saving.errors import nearest_name


class _UpSampling(Spatial):
    """Base: makes the i-th spatial axis `_factors[i]` times as long by repeating entries."""

    _factors: tuple[int, ...]

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        for i, factor in enumerate(self._factors):
            inputs = ops.repeat(inputs, factor, axis=self._first_axis + i)
        return inputs

    def _resized(self, i: int, size: int, input_shape: Any) -> int:
        return size * self._factors[i]


class UpSampling1D(_UpSampling):
    """Repeats each step of sequences.

    Args:
        size: how many times.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, steps, features)`; output `(batch, size * steps, features)`.

    Raises:
        TypeError: `size` is not an integer.
        ValueError: `size` is not positive.

    >>> pynn.layers.UpSampling1D(2)(pynn.ops.array([[[1.0], [2.0]]])).numpy()
    array([[[1.],
            [1.],
            [2.],
            [2.]]], dtype=float32)
    """

    _rank = 1

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(data_format="channels_last", **kwargs)
        self.size = positive_integer("UpSampling1D", "size", size)
        self._factors = (self.size,)


class UpSampling2D(_UpSampling):
    """Makes images larger by whole factors.

    Args:
        size: a positive integer for both axes, or two for (rows, columns).
        data_format: "channels_last" or "channels_first"; `pynn.config.image_data_format()` by
            default.
        interpolation: "nearest" (entries are repeated), "bilinear", "bicubic", "lanczos3" or
            "lanczos5". Pixels are squares with their values at the centres; beyond the edges,
            weights are left out and the others made to sum to 1.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, height, width, channels)`, or `(batch, channels, height, width)`; output
        the same with the sizes multiplied.

    Raises:
        ValueError: `size` or `interpolation` is not one of those.

    Source: Keys, 1981, https://doi.org/10.1109/TASSP.1981.1163711 (bicubic); Duchon, 1979,
    https://doi.org/10.1175/1520-0450(1979)018%3C1016:LFIOAT%3E2.0.CO;2 (lanczos)

    >>> x = pynn.ops.array([[[[1.0], [3.0]]]])
    >>> pynn.layers.UpSampling2D((1, 2), interpolation="bilinear")(x).numpy().ravel()
    array([1. , 1.5, 2.5, 3. ], dtype=float32)
    """

    _rank = 2

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ):
        super().__init__(data_format=data_format, **kwargs)
        self.size = self._factors = factors("UpSampling2D", "size", size, 2)
        self.interpolation = _known_interpolation(interpolation)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        if self.interpolation == "nearest":
            return super().call(inputs)
        images = inputs
        if self.data_format == "channels_last":
            images = ops.transpose(images, (0, 3, 1, 2))
        height, width = images.shape[2:]
        rows = self._weights(height, self.size[0], images.dtype)
        columns = self._weights(width, self.size[1], images.dtype)
        images = _core.matmul(_core.matmul(rows, images), ops.transpose(columns))
        return images if self.data_format == "channels_first" else ops.moveaxis(images, 1, -1)

    def _weights(self, size: int, factor: int, dtype: str) -> Any:
        return _core.tensor(_weights(self.interpolation, size, factor), dtype)


class UpSampling3D(_UpSampling):
    """Makes volumes larger by repeating entries.

    Args:
        size: a positive integer for all axes, or three of them.
        data_format: "channels_last" or "channels_first"; `pynn.config.image_data_format()` by
            default.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, depth, height, width, channels)`, or `(batch, channels, depth, height,
        width)`; output the same with the sizes multiplied.

    Raises:
        ValueError: `size` is not that.

    >>> pynn.layers.UpSampling3D((1, 2, 3))(pynn.ops.zeros((1, 2, 2, 2, 1))).shape
    (1, 2, 4, 6, 1)
    """

    _rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        self.size = self._factors = factors("UpSampling3D", "size", size, 3)


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(0.0, 1.0 - x)


def _cubic(x: np.ndarray) -> np.ndarray:
    """The cubic of Keys with a = -1/2."""
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


def _lanczos(lobes: int, x: np.ndarray) -> np.ndarray:
    return np.where(x < lobes, np.sinc(x) * np.sinc(x / lobes), 0.0)


# By name: the weight of an entry at a distance x >= 0, in entries of the input.
_KERNELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "bilinear": _triangle,
    "bicubic": _cubic,
    "lanczos3": functools.partial(_lanczos, 3),
    "lanczos5": functools.partial(_lanczos, 5),
}


def _known_interpolation(name: Any) -> str:
    known = ["nearest", *_KERNELS]
    folded = name.lower() if isinstance(name, str) else name
    if folded in known:
        return folded
    near = nearest_name(folded, known) if isinstance(name, str) else None
    hint = f"; did you mean {near!r}?" if near else ""
    raise ValueError(
        f"pynn.UpSampling2D: expected interpolation, one of {known}; received {name!r}{hint}"
    )


@functools.lru_cache(maxsize=64)
def _weights(interpolation: str, size: int, factor: int) -> np.ndarray:
    """Weights `(size * factor, size)` of the entries of an axis in those of the longer one."""
    centres = (np.arange(size * factor) + 0.5) / factor - 0.5
    weights = _KERNELS[interpolation](np.abs(centres[:, None] - np.arange(size)))
    return weights / weights.sum(axis=1, keepdims=True)
