"""Cases of the elementwise ops."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from op_case import (
    ANY,
    FLOATS,
    INTS,
    NO_ZERO,
    NORMAL,
    POSITIVE,
    SMOOTH,
    OpCase,
    binary,
    core,
    one_array,
    two_arrays,
    unary,
    uniform,
)

from pynn.backend.dtypes import FLOAT_DTYPES

erf = np.vectorize(math.erf, otypes=[np.float64])
erfc = np.vectorize(math.erfc, otypes=[np.float64])


def sigmoid(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-x))


def silu(x: np.ndarray) -> np.ndarray:
    return np.where(x == -np.inf, 0.0, x * sigmoid(x))


def normal_cdf(x: np.ndarray) -> np.ndarray:
    return 0.5 * erfc(-x / math.sqrt(2.0))


def gelu(x: np.ndarray) -> np.ndarray:
    return np.where(x == -np.inf, 0.0, x * normal_cdf(x))


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    # 0.5 * (1 + tanh(u)) is sigmoid(2 u), which does not cancel.
    u = math.sqrt(2.0 / math.pi) * (x + 0.044715 * x**3)
    return np.where(x == -np.inf, 0.0, x * sigmoid(2.0 * u))


def softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(x, 0.0)


def normal_pdf(x: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def gelu_tanh_slope(x: np.ndarray) -> np.ndarray:
    c = math.sqrt(2.0 / math.pi)
    s = sigmoid(2.0 * c * (x + 0.044715 * x**3))
    return s + x * 2.0 * c * (1.0 + 3 * 0.044715 * x**2) * s * (1.0 - s)


def divided(x: np.ndarray, y: np.ndarray, function: Callable[..., Any]) -> np.ndarray:
    """floor_divide or remainder; integer division by zero gives 0."""
    if x.dtype.kind in "iu":
        return np.where(y == 0, 0, function(x, np.where(y == 0, 1, y)))
    return function(x, y)


def arithmetic(function: Callable[..., Any]) -> Callable[..., Any]:
    """Bools count as 0 and 1, and the result is true where it is not 0."""

    def compute(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return function(x, y) if x.dtype != bool else function(x * 1, y * 1) != 0

    return compute


ALL = (*FLOATS, *INTS, "bool")
SIGNED = (*FLOATS, "int8", "int32", "int64")
NUMBERS = (*FLOATS, *INTS)
COMPUTED = (*FLOATS, "int32")  # ints become float32

UNARY = [
    unary("copy", lambda x: x, NORMAL, dtypes=ALL),
    unary("stop_gradient", lambda x: x, NORMAL, dtypes=ALL, differentiable=()),
    unary("negative", lambda x: -x, NORMAL, dtypes=SIGNED),
    unary("abs", np.abs, ANY, dtypes=NUMBERS),
    unary("sign", lambda x: np.where(x == 0, x, np.sign(x)), ANY, dtypes=NUMBERS),
    unary("exp", np.exp, SMOOTH, dtypes=COMPUTED, result="float"),
    unary("expm1", np.expm1, SMOOTH, dtypes=COMPUTED, result="float", ulps=2),
    unary("log", np.log, POSITIVE, result="float", ulps=2),
    unary("log1p", np.log1p, uniform(-0.9, 6.0), result="float", ulps=2),
    unary("sqrt", np.sqrt, POSITIVE, result="float"),
    unary("rsqrt", lambda x: 1.0 / np.sqrt(x), POSITIVE, result="float", ulps=2),
    unary("square", np.square, NORMAL, dtypes=NUMBERS),
    unary("reciprocal", lambda x: 1.0 / x, NO_ZERO, result="float"),
    unary("sin", np.sin, SMOOTH, dtypes=COMPUTED, result="float", ulps=2),
    unary("cos", np.cos, SMOOTH, dtypes=COMPUTED, result="float", ulps=2),
    unary("tanh", np.tanh, SMOOTH, dtypes=COMPUTED, result="float", ulps=3),
    unary("erf", erf, SMOOTH, dtypes=COMPUTED, result="float", ulps=2),
    unary("floor", np.floor, ANY),
    unary("ceil", np.ceil, ANY),
    unary("round", np.rint, uniform(-3.0, 3.0, avoid=(-2.5, -1.5, -0.5, 0.5, 1.5, 2.5))),
    unary("isnan", np.isnan, NORMAL, result="bool", differentiable=()),
    unary("isinf", np.isinf, NORMAL, result="bool", differentiable=()),
    unary("isfinite", np.isfinite, NORMAL, result="bool", differentiable=()),
    unary("logical_not", np.logical_not, NORMAL, dtypes=ALL, result="bool", differentiable=()),
    unary("relu", lambda x: np.where(x > 0, x, x * 0), ANY, dtypes=NUMBERS, specials=False),
    unary("sigmoid", sigmoid, SMOOTH, dtypes=COMPUTED, result="float", ulps=2),
    unary("silu", silu, SMOOTH, dtypes=COMPUTED, result="float", ulps=4),
    unary("softplus", softplus, SMOOTH, dtypes=COMPUTED, result="float", ulps=4),
]


def cast_case(to: str) -> OpCase:
    def converted(x: np.ndarray) -> np.ndarray:
        if to == "bool":
            return x != 0
        return x if to in FLOAT_DTYPES else np.trunc(x)

    return OpCase(
        "cast",
        core("cast", to),
        converted,
        one_array(POSITIVE if to.startswith("u") else NORMAL),
        variant=to,
        dtypes=SIGNED,
        result=to,
        differentiable=(0,) if to in ("float32", "float64") else (),
        second_order=False,
    )


CAST_TYPES = ("float32", "float64", "float16", "bfloat16", "int32", "uint8", "bool")
WITH_ATTRIBUTES = [
    *map(cast_case, CAST_TYPES),
    OpCase(
        "leaky_relu",
        core("leaky_relu", 0.25),
        lambda x: np.where(x > 0, x, 0.25 * x),
        one_array(NO_ZERO),
        result="float",
        differentiable=(0,),
    ),
    OpCase(
        "elu",
        core("elu", 1.5),
        lambda x: np.where(x > 0, x, 1.5 * np.expm1(np.minimum(x, 0))),
        one_array(NO_ZERO),
        result="float",
        ulps=3,
        differentiable=(0,),
    ),
    OpCase(
        "gelu",
        core("gelu", False),
        gelu,
        one_array(uniform(-4.0, 4.0)),
        result="float",
        ulps=16,  # the reference itself: erfc magnifies the rounding of its argument
        differentiable=(0,),
    ),
    OpCase(
        "gelu_tanh",
        core("gelu", True),
        gelu_tanh,
        one_array(uniform(-3.0, 3.0)),
        result="float",
        ulps=24,  # the argument of the sigmoid reaches -7 and carries its rounding
        differentiable=(0,),
    ),
    OpCase(
        "clip",
        core("clip", -1.0, 2.0),
        lambda x: np.clip(x, -1, 2),
        one_array(ANY),
        dtypes=SIGNED,
        differentiable=(0,),
        specials=True,
    ),
]


def cross_entropy(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x)))


BOTH = (NORMAL, NORMAL)
APART = (uniform(0.0, 3.0), uniform(-3.0, -0.02))  # never equal, but both orders are tried
BINARY = [
    binary("add", arithmetic(np.add), BOTH, dtypes=ALL),
    binary("subtract", np.subtract, BOTH, dtypes=NUMBERS),
    binary("multiply", arithmetic(np.multiply), BOTH, dtypes=ALL),
    binary("divide", np.divide, (NORMAL, NO_ZERO), dtypes=COMPUTED, result="float"),
    binary(
        "floor_divide",
        lambda x, y: divided(x, y, np.floor_divide),
        (uniform(-9.0, 9.0), uniform(2.2, 2.9)),
        dtypes=("float32", "float64", "int8", "uint8", "int32", "int64"),
        specials=False,
        second_order=False,
    ),
    binary(
        "mod",
        lambda x, y: divided(x, y, np.mod),
        (uniform(-9.0, 9.0), uniform(2.2, 2.9)),
        dtypes=("float32", "float64", "int8", "uint8", "int32", "int64"),
        magnitude=lambda x, y: np.maximum(np.abs(x), np.abs(y)),
        specials=False,
    ),
    binary("power", np.power, (POSITIVE, NORMAL), ulps=4, result="float", specials=False),
    binary("maximum", np.maximum, APART, dtypes=NUMBERS),
    binary("minimum", np.minimum, APART, dtypes=NUMBERS),
    *(
        binary(name, getattr(np, name), BOTH, dtypes=ALL, result="bool", differentiable=())
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
    ),
    *(
        binary(name, getattr(np, name), BOTH, dtypes=ALL, result="bool", differentiable=())
        for name in ("logical_and", "logical_or", "logical_xor")
    ),
    binary(
        "sigmoid_cross_entropy",
        cross_entropy,
        (SMOOTH, uniform(0.0, 1.0)),
        ulps=4,
        magnitude=lambda x, t: np.abs(x) + 1.0 + 0.0 * t,
        specials=False,
    ),
]


def where_arguments(rng: np.random.Generator, n: int) -> list[list[np.ndarray]]:
    shapes: list[Any] = [((n,), (n,), (n,)), ((n,), (), (n,)), ((), (n,), (n,)), ((n,), (n,), ())]
    shapes += [((3, 1, n), (2, 1), (n,)), ((2, 1), (2, n), (1, n))]
    return [[rng.random(c) < 0.5, NORMAL(rng, x), NORMAL(rng, y)] for c, x, y in shapes]


WHERE = OpCase("where", core("where"), np.where, where_arguments, dtypes=ALL, differentiable=(1, 2))


def activation_grad(name: str, slope: Callable[..., Any], draw: Any, *attributes: Any) -> OpCase:
    """Case of the fused gradient of an activation, f(saved, dy) = slope(saved) * dy."""
    return OpCase(
        name,
        core(name, *attributes),
        lambda saved, dy: slope(saved) * dy,
        two_arrays(draw, NORMAL),
        ulps=12,
        # Slopes that cross zero are the difference of terms of about 1.
        magnitude=lambda saved, dy: np.abs(dy) * (1.0 + np.abs(slope(saved))),
        differentiable=(0, 1),
    )


ACTIVATION_GRADS = [
    activation_grad("relu_grad", lambda y: (y > 0) * 1.0, NO_ZERO),
    activation_grad("leaky_relu_grad", lambda x: np.where(x > 0, 1.0, 0.25), NO_ZERO, 0.25),
    activation_grad(
        "elu_grad", lambda x: np.where(x > 0, 1.0, 1.5 * np.exp(np.minimum(x, 0))), NO_ZERO, 1.5
    ),
    activation_grad("sigmoid_grad", lambda y: y * (1.0 - y), uniform(0.0, 1.0)),
    activation_grad("tanh_grad", lambda y: 1.0 - y * y, uniform(-1.0, 1.0)),
    activation_grad("gelu_grad", lambda x: normal_cdf(x) + x * normal_pdf(x), SMOOTH),
    activation_grad("gelu_tanh_grad", gelu_tanh_slope, uniform(-4.0, 4.0)),
    activation_grad("silu_grad", lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))), SMOOTH),
    activation_grad("softplus_grad", sigmoid, SMOOTH),
]

ELEMENTWISE = [*UNARY, *WITH_ATTRIBUTES, *BINARY, WHERE, *ACTIVATION_GRADS]
