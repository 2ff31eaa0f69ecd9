"""Dropout."""

from __future__ import annotations

from typing import Any

from pynn import random
from pynn.layers.layer import Layer
from pynn.random import SeedGenerator


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
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
            raise ValueError(f"pynn.Dropout: expected rate, a number in [0, 1]; received {rate!r}")
        self.rate = rate
        self.seed = seed
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)
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
        if self.noise_shape is None:
            return None
        if len(self.noise_shape) != len(inputs.shape):
            raise ValueError(
                f"pynn.Dropout: expected noise_shape with {len(inputs.shape)} entries, like the "
                f"input's shape {tuple(inputs.shape)}; received {self.noise_shape}"
            )
        return tuple(
            n if m is None else m for m, n in zip(self.noise_shape, inputs.shape, strict=True)
        )
