"""Dropout of entries and of whole channels."""

from __future__ import annotations

from typing import Any

from pynn import random
from pynn.backend.config import standardize_data_format
from pynn.layers.input_spec import InputSpec
from pynn.layers.layer import Layer
from pynn.random import SeedGenerator


def check_rate(layer: Layer, rate: Any) -> float:
    """Return `rate`; it must be a number in [0, 1]."""
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        raise ValueError(
            f"pynn.{type(layer).__name__}: expected rate, a number in [0, 1]; received {rate!r}"
        )
    return rate


def check_noise_shape(layer: Layer, noise_shape: Any) -> tuple[int | None, ...] | None:
    """Return `noise_shape` as a tuple; its entries must be positive ints or None."""
    if noise_shape is None:
        return None
    entries = tuple(noise_shape) if isinstance(noise_shape, (list, tuple)) else None
    if entries is None or not all(n is None or (isinstance(n, int) and n > 0) for n in entries):
        raise ValueError(
            f"pynn.{type(layer).__name__}: expected noise_shape, a tuple of positive ints and "
            f"None; received {noise_shape!r}"
        )
    return entries


def mask_shape(layer: Any, inputs: Any) -> tuple[int, ...] | None:
    """The layer's `noise_shape` with the sizes of the inputs in place of None."""
    if layer.noise_shape is None:
        return None
    if len(layer.noise_shape) != len(inputs.shape):
        raise ValueError(
            f"pynn.{type(layer).__name__}: expected noise_shape with {len(inputs.shape)} entries, "
            f"like the input's shape {tuple(inputs.shape)}; received {layer.noise_shape}"
        )
    return tuple(
        n if m is None else m for m, n in zip(layer.noise_shape, inputs.shape, strict=True)
    )


class Dropout(Layer):
    """During training, sets a random part of the inputs to 0 and scales the rest up.

    What is kept is multiplied by `1 / (1 - rate)`, so the expected value of each entry stays. At
    inference the layer does nothing.

    Args:
        rate: the part to set to 0, in [0, 1].
        noise_shape: shape of the random mask, broadcast to the inputs: `(None, 1, d)` drops
            the same features at all steps of a `(batch, steps, d)` input. None entries follow the
            input.
        seed: an int for a reproducible layer.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: `rate` is outside [0, 1].

    Source: Srivastava et al., 2014, https://jmlr.org/papers/v15/srivastava14a.html

    >>> layer = pynn.layers.Dropout(0.5, seed=0)
    >>> layer(pynn.ops.ones((1, 3))).numpy()
    array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.rate = check_rate(self, rate)
        self.seed = seed
        self.noise_shape = check_noise_shape(self, noise_shape)
        if rate > 0:
            self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """Compute the output."""
        if not training or self.rate == 0:
            return inputs
        return random.dropout(
            inputs,
            rate=self.rate,
            noise_shape=self._mask_shape(inputs),
            seed=self.seed_generator,
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape for an input shape."""
        return input_shape

    def _mask_shape(self, inputs: Any) -> tuple[int, ...] | None:
        return mask_shape(self, inputs)


class _SpatialDropout(Dropout):
    """Base of layers that drop whole channels; a subclass says which axes are spatial."""

    _ndim: int
    data_format = "channels_last"

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.input_spec = InputSpec(ndim=self._ndim)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, which are fewer than those of other layers."""
        config = super().get_config()
        del config["trainable"]
        config.pop("noise_shape", None)
        return {**config, "dtype": self.dtype_policy.name}

    def _mask_shape(self, inputs: Any) -> tuple[int, ...]:
        channel = 1 if self.data_format == "channels_first" else self._ndim - 1
        return tuple(n if a in (0, channel) else 1 for a, n in enumerate(inputs.shape))


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole features of sequences: at all steps or at none.

    Args:
        rate: the part of the features to set to 0, in [0, 1].
        seed: an int for a reproducible layer.
        name, dtype: as for every layer.

    Shapes:
        input and output `(batch, steps, features)`.

    Raises:
        ValueError: `rate` is outside [0, 1]; later, input of another rank.

    Source: Tompson et al., 2015, https://arxiv.org/abs/1411.4280

    >>> y = pynn.layers.SpatialDropout1D(0.5, seed=1)(pynn.ops.ones((1, 3, 8)), training=True)
    >>> bool((y.numpy() == y.numpy()[:, :1]).all())
    True
    """

    _ndim = 3


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images.

    Args:
        rate: the part of the channels to set to 0, in [0, 1].
        data_format: "channels_last" or "channels_first": where the channels are. Defaults to
            `pynn.config.image_data_format()`.
        seed: an int for a reproducible layer.
        name, dtype: as for every layer.

    Shapes:
        input and output `(batch, rows, columns, channels)`, or with the channels first.

    Raises:
        ValueError: `rate` is outside [0, 1], an unknown `data_format`; later, input of another
            rank.

    Source: Tompson et al., 2015, https://arxiv.org/abs/1411.4280

    >>> y = pynn.layers.SpatialDropout2D(0.5, seed=1)(pynn.ops.ones((1, 3, 4, 8)), training=True)
    >>> bool((y.numpy() == y.numpy()[:, :1, :1]).all())
    True
    """

    _ndim = 4

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.data_format = standardize_data_format(data_format)


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes.

    Args:
        rate: the part of the channels to set to 0, in [0, 1].
        data_format: "channels_last" or "channels_first": where the channels are. Defaults to
            `pynn.config.image_data_format()`.
        seed: an int for a reproducible layer.
        name, dtype: as for every layer.

    Shapes:
        input and output `(batch, depth, rows, columns, channels)`, or with the channels first.

    Raises:
        ValueError: `rate` is outside [0, 1], an unknown `data_format`; later, input of another
            rank.

    Source: Tompson et al., 2015, https://arxiv.org/abs/1411.4280

    >>> pynn.layers.SpatialDropout3D(0.5)(pynn.ops.ones((1, 2, 3, 4, 8))).shape
    (1, 2, 3, 4, 8)
    """

    _ndim = 5

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype)
        self.data_format = standardize_data_format(data_format)
