"""One record per op of the engine: it drives every test of that op.

An `OpCase` says how to call the op on tensors, what the result is in float64 NumPy, and which
arguments to try. Tests of values, dtypes, memory layouts, compiled execution and gradients are
all derived from it (test_ops.py, test_grads.py); test_registry.py checks that no op is left out.
The records themselves are in elementwise_op_cases.py, structured_op_cases.py and
optimizer_op_cases.py, and op_cases.py puts them together.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pynn import _core
from pynn.backend.dtypes import FLOAT_DTYPES, numpy_dtype

# Around the widest vector (16 float32): empty, one, and both sides of one and two vectors.
SIZES = (0, 1, 15, 16, 17, 33)
FLOATS = ("float32", "float64", "bfloat16", "float16")
INTS = ("int8", "uint8", "int32", "int64")
# Distance between 1 and the next number.
EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}
# Below this a result may be flushed to zero, or has lost digits.
TINY = {"float16": 2.0**-24, "bfloat16": 2.0**-126, "float32": 2.0**-126, "float64": 2.0**-1022}

Arrays = list[np.ndarray]
# From a random generator and a size to the argument lists to try. A float64 array stands for "the
# dtype under test"; other arrays (indices, labels, seeds) are used as they are.
Samples = Callable[[np.random.Generator, int], list[Arrays]]


@dataclasses.dataclass(frozen=True)
class OpCase:
    """How one op is called, what it should return, and on what it is tried."""

    name: str
    call: Callable[..., Any]
    reference: Callable[..., Any]
    samples: Samples
    variant: str = ""
    dtypes: Sequence[str] = FLOATS
    result: str = "same"  # or "float" (ints become float32), or the name of a dtype
    ulps: float = 1.0  # error allowed, in EPS of `magnitude`
    # Size that rounding errors are relative to: |result| unless larger terms cancel in it.
    magnitude: Callable[..., np.ndarray] | None = None
    terms: Callable[..., int] | None = None  # numbers added up in one result
    differentiable: Sequence[int] = ()  # arguments with a gradient
    second_order: bool = True
    order_of_memory: bool = False  # sums may run in another order for another memory layout
    specials: bool = False  # elementwise: tried on NaN, infinities and -0.0

    def __str__(self) -> str:
        return f"{self.name}-{self.variant}" if self.variant else self.name

    def tolerance(self, dtype: str, terms: int) -> float:
        """Relative error allowed for a result of `dtype` made of `terms` numbers."""
        if dtype not in EPS:
            return 0.0
        computed = "float32" if dtype in ("float16", "bfloat16") else dtype
        error = self.ulps * EPS[computed] * math.sqrt(max(terms, 1))
        return error if computed == dtype else error + 0.51 * EPS[dtype]


def as_dtype(array: np.ndarray, dtype: str) -> np.ndarray:
    """An argument of a sample in the dtype under test; integers get a spread of small values."""
    if array.dtype != np.float64:
        return array
    if dtype == "bool":
        return array > 0
    if dtype in FLOAT_DTYPES:
        return array.astype(numpy_dtype(dtype))
    whole = np.rint(array * 4)
    return (np.abs(whole) if dtype.startswith("u") else whole).astype(dtype)


def exact(array: np.ndarray) -> np.ndarray:
    """An argument as the reference sees it: float64, int64 or bool."""
    if array.dtype == bool:
        return array
    return array.astype(np.int64 if array.dtype.kind in "iu" else np.float64)


def uniform(low: float, high: float, avoid: Sequence[float] = ()) -> Callable[..., np.ndarray]:
    """Random float64 numbers in [low, high), at least 0.01 away from the points of `avoid`."""

    def draw(rng: np.random.Generator, shape: Sequence[int] | int) -> np.ndarray:
        x = rng.uniform(low, high, shape)
        for point in avoid:
            x = np.where(np.abs(x - point) < 0.01, point + 0.02, x)
        return x

    return draw


def one_array(draw: Callable[..., np.ndarray]) -> Samples:
    """Vectors of the size, and a 3-D array."""
    return lambda rng, n: [[draw(rng, n)]] + ([[draw(rng, (3, 1, n))]] if n < 18 else [])


def two_arrays(draw_x: Callable[..., np.ndarray], draw_y: Callable[..., np.ndarray]) -> Samples:
    """Equal shapes, a scalar on either side, and broadcasting of inner and outer axes."""

    def samples(rng: np.random.Generator, n: int) -> list[Arrays]:
        shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
            ((n,), (n,)),
            ((n,), ()),
            ((), (n,)),
        ]
        if n < 18:
            shapes += [((3, 1, n), (2, 1)), ((2, n), (n,)), ((n, 1), (1, 3)), ((2, 1), (1, n))]
        return [[draw_x(rng, a), draw_y(rng, b)] for a, b in shapes]

    return samples


def fixed(*draws: Callable[[np.random.Generator, int], Arrays]) -> Samples:
    """Argument lists made one by one."""
    return lambda rng, n: [draw(rng, n) for draw in draws]


def core(name: str, *attributes: Any, **keywords: Any) -> Callable[..., Any]:
    """A function of the engine with its trailing arguments given."""
    function = getattr(_core, name)
    return lambda *tensors: function(*tensors, *attributes, **keywords)


NORMAL = uniform(-3.0, 3.0)
ANY = uniform(-3.0, 3.0, avoid=(-2, -1, 0, 1, 2))
SMOOTH = uniform(-6.0, 6.0)
NO_ZERO = uniform(-3.0, 3.0, avoid=(0,))
POSITIVE = uniform(0.05, 6.0)


def unary(name: str, reference: Callable[..., Any], draw: Any, **fields: Any) -> OpCase:
    """Case of an elementwise op of one argument."""
    fields = {"specials": True, "differentiable": (0,), **fields}
    return OpCase(name, core(name), reference, one_array(draw), **fields)


def binary(name: str, reference: Callable[..., Any], draws: Any, **fields: Any) -> OpCase:
    """Case of an elementwise op of two arguments."""
    fields = {"specials": True, "differentiable": (0, 1), **fields}
    return OpCase(name, core(name), reference, two_arrays(*draws), **fields)
