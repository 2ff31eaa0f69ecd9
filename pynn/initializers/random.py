"""Initializers that draw random numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pynn import _core, random
from pynn.backend import floatx, standardize_dtype
from pynn.initializers.initializer import Initializer
from pynn.saving import deserialize_keras_object, serialize_keras_object

Axes = int | Sequence[int] | None

# Standard deviation of a standard normal cut off at two standard deviations; dividing by it gives
# the truncated draw the variance that was asked for.
_TRUNCATED_STDDEV = 0.87962566103423978
_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


class RandomInitializer(Initializer):
    """Base of the random initializers: keeps the seed.

    With an int seed, or None, one initializer gives the same values at every call (None picks a
    seed once); with a `pynn.random.SeedGenerator` every call gives new values.
    """

    def __init__(self, seed: int | random.SeedGenerator | dict[str, Any] | None = None):
        self._init_seed = seed
        if seed is None:
            seed = random.make_default_seed()
        elif isinstance(seed, dict):
            seed = deserialize_keras_object(seed)
        elif not isinstance(seed, (int, np.integer, random.SeedGenerator)):
            raise ValueError(
                f"pynn.initializers.{type(self).__name__}: expected seed to be an int or a "
                f"SeedGenerator; received {seed!r}"
            )
        self.seed: Any = seed  # an int or a SeedGenerator

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {"seed": serialize_keras_object(self._init_seed)}


class RandomNormal(RandomInitializer):
    """Normal distribution with `mean` and `stddev`.

    >>> RandomNormal(stddev=0.1, seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 0.05,
        seed: int | random.SeedGenerator | None = None,
    ):
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> _core.Tensor:
        """Return a tensor of `shape` and `dtype`."""
        return random.normal(shape, self.mean, self.stddev, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomInitializer):
    """Normal distribution, draws beyond two standard deviations redrawn.

    >>> float(abs(TruncatedNormal(stddev=1.0, seed=1)((100,)).numpy()).max()) <= 2.0
    True
    """

    def __init__(
        self,
        mean: float = 0.0,
        stddev: float = 0.05,
        seed: int | random.SeedGenerator | None = None,
    ):
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> _core.Tensor:
        """Return a tensor of `shape` and `dtype`."""
        return random.truncated_normal(shape, self.mean, self.stddev, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class RandomUniform(RandomInitializer):
    """Uniform distribution over [minval, maxval).

    >>> RandomUniform(0.0, 1.0, seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(
        self,
        minval: float = -0.05,
        maxval: float = 0.05,
        seed: int | random.SeedGenerator | None = None,
    ):
        self.minval = minval
        self.maxval = maxval
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> _core.Tensor:
        """Return a tensor of `shape` and `dtype`."""
        return random.uniform(shape, self.minval, self.maxval, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}


class VarianceScaling(RandomInitializer):
    """Scales the distribution to the number of connections of a unit.

    The variance is `scale / n`, where n is the fan-in, the fan-out or their mean (`mode`).

    Args:
        scale: positive factor.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" (also "normal"), "untruncated_normal" or "uniform".
        seed: int, `SeedGenerator` or None.
        input_axes: axes that count for the fan-in instead of the last but one.
        output_axes: axes that count for the fan-out instead of the last one.

    Raises:
        ValueError: a scale that is not positive, an unknown mode or distribution.

    >>> VarianceScaling(2.0, "fan_in", seed=1)((16, 4)).shape
    (16, 4)
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | random.SeedGenerator | None = None,
        input_axes: Axes = None,
        output_axes: Axes = None,
    ):
        if scale <= 0.0:
            raise ValueError(
                f"pynn.initializers.{type(self).__name__}: expected scale > 0; received {scale}"
            )
        distribution = distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        _check_choice(type(self).__name__, "mode", mode, _MODES)
        _check_choice(type(self).__name__, "distribution", distribution, _DISTRIBUTIONS)
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> _core.Tensor:
        """Return a tensor of `shape` and `dtype`."""
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, fan))
        if self.distribution == "uniform":
            limit = math.sqrt(3.0) * stddev
            return random.uniform(shape, -limit, limit, dtype=dtype, seed=self.seed)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, stddev, dtype=dtype, seed=self.seed)
        stddev /= _TRUNCATED_STDDEV
        return random.truncated_normal(shape, 0.0, stddev, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _FanInitializer(VarianceScaling):
    """A named choice of scale, mode and distribution."""

    _choice: tuple[float, str, str]

    def __init__(
        self,
        seed: int | random.SeedGenerator | None = None,
        input_axes: Axes = None,
        output_axes: Axes = None,
    ):
        super().__init__(*self._choice, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        config = super().get_config()
        return {key: config[key] for key in ("seed", "input_axes", "output_axes")}


class GlorotUniform(_FanInitializer):
    """Uniform within +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).

    >>> GlorotUniform(seed=1)((4, 2)).shape
    (4, 2)
    """

    _choice = (1.0, "fan_avg", "uniform")


class GlorotNormal(_FanInitializer):
    """Truncated normal, variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010).

    >>> GlorotNormal(seed=1)((4, 2)).shape
    (4, 2)
    """

    _choice = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_FanInitializer):
    """Uniform within +-sqrt(6 / fan_in), for relu (He et al. 2015).

    >>> HeUniform(seed=1)((4, 2)).shape
    (4, 2)
    """

    _choice = (2.0, "fan_in", "uniform")


class HeNormal(_FanInitializer):
    """Truncated normal, variance 2 / fan_in, for relu (He et al. 2015).

    >>> HeNormal(seed=1)((4, 2)).shape
    (4, 2)
    """

    _choice = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_FanInitializer):
    """Uniform within +-sqrt(3 / fan_in) (LeCun et al. 1998).

    >>> LecunUniform(seed=1)((4, 2)).shape
    (4, 2)
    """

    _choice = (1.0, "fan_in", "uniform")


class LecunNormal(_FanInitializer):
    """Truncated normal, variance 1 / fan_in (LeCun et al. 1998).

    >>> LecunNormal(seed=1)((4, 2)).shape
    (4, 2)
    """

    _choice = (1.0, "fan_in", "truncated_normal")


class Orthogonal(RandomInitializer):
    """`gain` times a random orthogonal matrix (Saxe et al. 2014).

    All axes but the last are one; whichever of rows and columns are fewer are orthonormal.

    Raises:
        ValueError: when called with a shape of rank below 2.

    >>> q = Orthogonal(seed=1)((3, 3)).numpy()
    >>> bool(abs(q @ q.T - np.eye(3)).max() < 1e-6)
    True
    """

    def __init__(self, gain: float = 1.0, seed: int | random.SeedGenerator | None = None):
        self.gain = gain
        super().__init__(seed=seed)

    def __call__(self, shape: Sequence[int], dtype: str | None = None) -> _core.Tensor:
        """Return a tensor of `shape` and `dtype`."""
        if len(shape) < 2:
            raise ValueError(
                "pynn.initializers.Orthogonal: expected a shape of rank 2 or more; "
                f"received {tuple(shape)}"
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        normal = random.normal(tall, dtype="float32", seed=self.seed).numpy().astype(np.float64)
        q, r = np.linalg.qr(normal)
        # QR fixes the columns only up to sign; the sign of R's diagonal makes Q uniform over the
        # orthogonal group (Mezzadri 2007).
        q *= np.where(np.diag(r) < 0.0, -1.0, 1.0)
        if rows < columns:
            q = q.T
        value = np.ascontiguousarray(self.gain * q).reshape(tuple(shape))
        return _core.tensor(value, standardize_dtype(dtype or floatx()))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, ready for JSON."""
        return {**super().get_config(), "gain": self.gain}


def compute_fans(
    shape: Sequence[int], input_axes: Axes = None, output_axes: Axes = None
) -> tuple[int, int]:
    """Number of input and of output connections of one unit of a weight of this shape.

    The last two axes are input and output, those before them the receptive field; `input_axes`
    and `output_axes`, given together, name the axes instead.

    >>> compute_fans((3, 3, 8, 16))
    (72, 144)
    """
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return _size(shape, input_axes), _size(shape, output_axes)
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


def _size(shape: tuple[int, ...], axes: int | Sequence[int]) -> int:
    return math.prod(shape[axis] for axis in ([axes] if isinstance(axes, int) else axes))


def _check_choice(who: str, argument: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(
            f"pynn.initializers.{who}: expected {argument} to be one of {', '.join(allowed)}; "
            f"received {value!r}"
        )
