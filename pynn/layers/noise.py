"""Noise in training: GaussianNoise, GaussianDropout, AlphaDropout."""

from __future__ import annotations

import math
from typing import Any

from pynn import ops, random
from pynn.layers.dropout import check_noise_shape, check_rate, mask_shape
from pynn.layers.layer import Layer
from pynn.random import SeedGenerator


class _Noise(Layer):
    """Base of layers that do nothing at inference, and nothing where their strength is 0."""

    seed_generator: SeedGenerator

    def _set_seed(self, seed: int | None, strength: float) -> None:
        self.seed = seed
        if strength > 0:
            self.seed_generator = SeedGenerator(seed)
        self.supports_masking = True
        self.built = True

    def _check_below_one(self, rate: float) -> None:
        if rate == 1:
            raise ValueError(
                f"pynn.{type(self).__name__}: expected rate < 1 in training, where 1 means noise "
                "without bound; received 1"
            )

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape for an input shape."""
        return input_shape


class GaussianNoise(_Noise):
    """During training, adds normal noise with mean 0.

    Args:
        stddev: standard deviation of the noise, in [0, 1].
        seed: an int for a reproducible layer.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: `stddev` is outside [0, 1].

    >>> pynn.layers.GaussianNoise(0.1)(pynn.ops.ones((1, 3))).numpy()
    array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        is_number = isinstance(stddev, (int, float)) and not isinstance(stddev, bool)
        if not is_number or not 0 <= stddev <= 1:
            raise ValueError(
                f"pynn.GaussianNoise: expected stddev, a number in [0, 1]; received {stddev!r}"
            )
        self.stddev = stddev
        self._set_seed(seed, stddev)

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """Compute the output."""
        if not training or self.stddev == 0:
            return inputs
        return inputs + random.normal(
            inputs.shape, stddev=self.stddev, dtype=self.compute_dtype, seed=self.seed_generator
        )


class GaussianDropout(_Noise):
    """During training, multiplies by normal noise with mean 1 and variance `rate / (1 - rate)`.

    Mean and variance are those of the factors of `Dropout(rate)`.

    Args:
        rate: as of `Dropout`, in [0, 1]; training needs a rate below 1.
        seed: an int for a reproducible layer.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: `rate` is outside [0, 1], or 1 in training.

    Source: Srivastava et al., 2014, section 10, https://jmlr.org/papers/v15/srivastava14a.html

    >>> pynn.layers.GaussianDropout(0.5)(pynn.ops.ones((1, 3))).numpy()
    array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = check_rate(self, rate)
        self._set_seed(seed, rate)

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """Compute the output."""
        if not training or self.rate == 0:
            return inputs
        self._check_below_one(self.rate)
        return inputs * random.normal(
            inputs.shape,
            mean=1.0,
            stddev=math.sqrt(self.rate / (1 - self.rate)),
            dtype=self.compute_dtype,
            seed=self.seed_generator,
        )


# The limit of SELU for large negative inputs (Klambauer et al., 2017: -alpha * scale).
_SELU_LIMIT = -1.6732632423543772 * 1.0507009873554805


class AlphaDropout(_Noise):
    """During training, sets a random part of the inputs to the lower limit of SELU.

    Then scales and shifts, so that inputs of mean 0 and variance 1 keep both: networks with `selu`
    normalize themselves, which plain dropout would undo. With `a'` the limit and `q = 1 - rate`:
    `(q + a'^2 q (1 - q))^-0.5 * (x or a' - (1 - q) a')`.

    Args:
        rate: the part to drop, in [0, 1]; training needs a rate below 1.
        noise_shape: shape of the random mask, broadcast to the inputs; None entries follow the
            input.
        seed: an int for a reproducible layer.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: `rate` is outside [0, 1], or 1 in training; `noise_shape` holds what is neither
            a positive int nor None, or does not fit the input.

    Source: Klambauer et al., 2017, https://arxiv.org/abs/1706.02515

    >>> pynn.layers.AlphaDropout(0.5)(pynn.ops.ones((1, 3))).numpy()
    array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.rate = check_rate(self, rate)
        self.noise_shape = check_noise_shape(self, noise_shape)
        self._set_seed(seed, rate)

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """Compute the output."""
        if not training or self.rate == 0:
            return inputs
        self._check_below_one(self.rate)
        shape = mask_shape(self, inputs) or inputs.shape
        kept = random.uniform(shape, dtype="float32", seed=self.seed_generator) >= self.rate
        scale = ((1 - self.rate) * (1 + self.rate * _SELU_LIMIT**2)) ** -0.5
        shift = -scale * _SELU_LIMIT * self.rate
        return ops.where(kept, inputs, _SELU_LIMIT) * scale + shift
