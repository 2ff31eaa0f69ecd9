"""Random numbers: counter-based, so that a seed means the same numbers on any number of threads.

Every function takes `seed`: an int (the same numbers at every call), a `SeedGenerator` (new numbers
at every call, repeatable from the start), or None (the global generator, which
`pynn.utils.set_random_seed` resets). Generator: Philox 4x32 (Salmon et al. 2011).
"""

from __future__ import annotations

import operator
import random as python_random
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from pynn import _core, ops
from pynn.backend import floatx, is_float_dtype, is_int_dtype, standardize_dtype
from pynn.naming import auto_name
from pynn.variables import Variable

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]


class SeedGenerator:
    """A source of fresh seeds whose state is a variable.

    Args:
        seed: int to start from; None draws one from Python's `random`.
        name: name of the state variable's owner.

    Raises:
        ValueError: a seed that is not an int.

    >>> first, second = SeedGenerator(7), SeedGenerator(7)
    >>> a, b = normal((3,), seed=first).numpy(), normal((3,), seed=first).numpy()
    >>> bool((a == normal((3,), seed=second).numpy()).all()), bool((a == b).any())
    (True, False)
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any):
        kwargs.pop("backend", None)  # Keras takes it; there is one backend here
        if kwargs:
            raise ValueError(
                "pynn.random.SeedGenerator: expected the arguments seed and name; "
                f"received {', '.join(kwargs)}"
            )
        self.name = name or auto_name("SeedGenerator")
        self._initial_seed = seed
        if seed is None:
            seed = make_default_seed()
        self.state = Variable(
            _seed_words(seed, "pynn.random.SeedGenerator"),
            dtype="uint32",
            trainable=False,
            name="seed_generator_state",
        )

    def next(self, ordered: bool = True) -> _core.Tensor:
        """Return the current seed, a uint32 tensor of shape (2,), and step the state.

        `ordered` is accepted for compatibility: with counter-based numbers consecutive states are
        independent either way.
        """
        del ordered
        seed = self.state.value
        self.state.assign(_core.add(seed, _STEP))
        return seed

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """Rebuild from `get_config()`; the state starts anew."""
        return cls(**config)


Seed: TypeAlias = int | SeedGenerator | _core.Tensor | None

_STEP = np.array([0, 1], dtype=np.uint32)
_global_generator: SeedGenerator | None = None


def reset_global_generator(seed: int | None = None) -> None:
    """Start the generator behind `seed=None` again, from `seed`."""
    global _global_generator
    _global_generator = SeedGenerator(seed, name="global_seed_generator")


def make_default_seed() -> int:
    """A seed from Python's `random`, which `set_random_seed` seeds."""
    return python_random.randint(1, 10**9)


def draw_seed(seed: Seed) -> _core.Tensor:
    """The uint32 tensor of shape (2,) that the engine's random ops take.

    >>> draw_seed(5).numpy()
    array([5, 0], dtype=uint32)
    """
    if isinstance(seed, SeedGenerator):
        return seed.next()
    if isinstance(seed, _core.Tensor):
        return seed
    if seed is None:
        if _global_generator is None:
            reset_global_generator()
        assert _global_generator is not None
        return _global_generator.next()
    return _core.tensor(_seed_words(seed, "pynn.random"))


def normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: str | None = None,
    seed: Seed = None,
) -> _core.Tensor:
    """Draw from the normal distribution.

    >>> normal((2, 3), seed=1).shape
    (2, 3)
    """
    dtype = _float_dtype("normal", dtype)
    return _core.random_normal(draw_seed(seed), tuple(shape), mean, stddev, dtype)


def truncated_normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: str | None = None,
    seed: Seed = None,
) -> _core.Tensor:
    """Draw from the normal distribution cut off at two standard deviations from the mean.

    >>> truncated_normal((2, 3), seed=1).shape
    (2, 3)
    """
    dtype = _float_dtype("truncated_normal", dtype)
    return _core.truncated_normal(draw_seed(seed), tuple(shape), mean, stddev, dtype)


def uniform(
    shape: Sequence[int],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: str | None = None,
    seed: Seed = None,
) -> _core.Tensor:
    """Draw uniformly from [minval, maxval).

    Raises:
        ValueError: a dtype that is not floating-point (see `randint`).

    >>> uniform((2, 3), seed=1).shape
    (2, 3)
    """
    dtype = _float_dtype("uniform", dtype)
    values = _core.random_uniform(draw_seed(seed), tuple(shape), minval, maxval, dtype)
    if dtype in ("float16", "bfloat16") and minval < maxval:
        # The engine draws in float32; rounding to 16 bits may reach maxval, which is outside.
        return _core.minimum(values, _last_below(maxval, dtype))
    return values


def randint(
    shape: Sequence[int], minval: int, maxval: int, dtype: str = "int32", seed: Seed = None
) -> _core.Tensor:
    """Draw integers uniformly from [minval, maxval).

    Raises:
        ValueError: a dtype that is not an integer type.

    >>> randint((4,), 0, 10, seed=1).dtype
    'int32'
    """
    dtype = standardize_dtype(dtype)
    if not is_int_dtype(dtype):
        raise ValueError(f"pynn.random.randint: expected an integer dtype; received {dtype}")
    return _core.random_integers(draw_seed(seed), tuple(shape), int(minval), int(maxval), dtype)


def categorical(
    logits: Any, num_samples: int, dtype: str = "int32", seed: Seed = None
) -> _core.Tensor:
    """Draw class indices for each row of unnormalized log-probabilities.

    Takes the argmax of the logits plus Gumbel noise (Gumbel 1954).

    Args:
        logits: shape (batch, classes).
        num_samples: draws per row.
        dtype: of the result.
        seed: int, `SeedGenerator` or None.

    Returns:
        Shape (batch, num_samples).

    Raises:
        ValueError: logits that are not of rank 2.

    >>> categorical([[0.0, 100.0]], 3, seed=1).numpy()
    array([[1, 1, 1]], dtype=int32)
    """
    logits = ops.convert_to_tensor(logits)
    if len(logits.shape) != 2:
        raise ValueError(
            "pynn.random.categorical: expected logits of shape (batch, classes); "
            f"received shape {tuple(logits.shape)}"
        )
    batch, classes = logits.shape
    noise_dtype = logits.dtype if is_float_dtype(logits.dtype) else floatx()
    # 1 - u lies in (0, 1], so the inner log is finite; the tiny offset keeps the outer one so.
    u = uniform((batch, num_samples, classes), dtype=noise_dtype, seed=seed)
    gumbel = -ops.log(-ops.log(1.0 - u) + 1e-20)
    return ops.cast(ops.argmax(ops.expand_dims(logits, 1) + gumbel, axis=-1), dtype)


def dropout(
    inputs: Any, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Seed = None
) -> _core.Tensor:
    """Set a share `rate` of the elements to 0 and scale the others by 1 / (1 - rate).

    Args:
        inputs: tensor of floats.
        rate: share to drop, in [0, 1].
        noise_shape: shape of the mask before broadcasting; None entries follow the input.
        seed: int, `SeedGenerator` or None.

    >>> dropout([1.0, 2.0], 0.0).numpy()
    array([1., 2.], dtype=float32)
    """
    inputs = ops.convert_to_tensor(inputs)
    if not 0 <= rate <= 1:
        raise ValueError(f"pynn.random.dropout: expected rate in [0, 1]; received {rate}")
    if rate == 0:
        return inputs
    if rate == 1:
        return ops.zeros_like(inputs)
    if noise_shape is None:
        return _core.dropout(inputs, draw_seed(seed), rate)
    mask_shape = [
        size if wanted is None else wanted
        for size, wanted in zip(inputs.shape, noise_shape, strict=True)
    ]
    keep = uniform(mask_shape, dtype="float32", seed=seed) >= rate
    return ops.where(keep, inputs / (1.0 - rate), ops.zeros_like(inputs))


def shuffle(x: Any, axis: int = 0, seed: Seed = None) -> _core.Tensor:
    """Put the slices of `x` along `axis` into random order.

    The order is drawn on the host, so this cannot be part of a traced step.

    >>> sorted(shuffle([3, 1, 2], seed=1).numpy().tolist())
    [1, 2, 3]
    """
    x = ops.convert_to_tensor(x)
    first, second = (int(word) for word in draw_seed(seed).numpy())
    order = _core.permutation((first, second), x.shape[axis])
    return _core.take(x, order, axis % len(x.shape))


def gamma(
    shape: Sequence[int], alpha: Any, dtype: str | None = None, seed: Seed = None
) -> _core.Tensor:
    """Draw from the gamma distribution with shape `alpha` and scale 1, on the host.

    >>> gamma((2, 3), 2.0, seed=1).shape
    (2, 3)
    """
    dtype = _float_dtype("gamma", dtype)
    return _core.tensor(_host_generator(seed).gamma(_host(alpha), size=tuple(shape)), dtype)


def beta(
    shape: Sequence[int], alpha: Any, beta: Any, dtype: str | None = None, seed: Seed = None
) -> _core.Tensor:
    """Draw from the beta distribution, on the host.

    >>> beta((2, 3), 2.0, 3.0, seed=1).shape
    (2, 3)
    """
    dtype = _float_dtype("beta", dtype)
    values = _host_generator(seed).beta(_host(alpha), _host(beta), size=tuple(shape))
    return _core.tensor(values, dtype)


def binomial(
    shape: Sequence[int],
    counts: Any,
    probabilities: Any,
    dtype: str | None = None,
    seed: Seed = None,
) -> _core.Tensor:
    """Draw the number of successes in `counts` trials, on the host.

    >>> binomial((2,), 5, 1.0, seed=1).numpy()
    array([5., 5.], dtype=float32)
    """
    dtype = _float_dtype("binomial", dtype)
    trials = _host(counts).astype(np.int64)
    values = _host_generator(seed).binomial(trials, _host(probabilities), size=tuple(shape))
    return _core.tensor(values, dtype)


def _host_generator(seed: Seed) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=draw_seed(seed).numpy().astype(np.uint64)))


def _host(value: Any) -> np.ndarray:
    return np.asarray(value, dtype=np.float64)


def _last_below(bound: float, dtype: str) -> _core.Tensor:
    if dtype == "bfloat16":
        import ml_dtypes

        kind: Any = ml_dtypes.bfloat16
    else:
        kind = np.float16
    return _core.tensor(np.nextafter(np.asarray(bound, kind), np.asarray(-np.inf, kind)))


def _float_dtype(who: str, dtype: str | None) -> str:
    name = standardize_dtype(dtype or floatx())
    if not is_float_dtype(name):
        raise ValueError(f"pynn.random.{who}: expected a floating-point dtype; received {name}")
    return name


def _seed_words(seed: Any, who: str) -> np.ndarray:
    try:
        number = operator.index(seed)
    except TypeError:
        raise ValueError(
            f"{who}: expected seed to be an int, a SeedGenerator or None; received {seed!r} of "
            f"type {type(seed).__name__}"
        ) from None
    # A seed is 32 bits wide; wider ones (a time in nanoseconds) are folded, not cut off.
    return np.array([(number ^ (number >> 32)) & 0xFFFFFFFF, 0], dtype=np.uint32)
