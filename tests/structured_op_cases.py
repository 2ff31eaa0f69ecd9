"""Cases of the ops that are not elementwise: reductions, products, layout, indexing, losses."""

from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from op_case import FLOATS, INTS, NORMAL, Arrays, OpCase, Samples, core, fixed, uniform

from pynn import _core

NUMBERS = (*FLOATS, *INTS)
ALL = (*NUMBERS, "bool")


# ---- reductions -------------------------------------------------------------------------------


def reduced_arrays(draw: Callable[..., np.ndarray], empty: bool) -> Samples:
    """Arrays of three axes, of which any is the one of the size under test."""

    def samples(rng: np.random.Generator, n: int) -> list[Arrays]:
        if n == 0 and not empty:
            return []
        shapes = [(3, n, 2), (2, 3, n), (n, 2, 3)] + ([(2, 1, 4099), (700, 1, 3)] if n == 1 else [])
        return [[draw(rng, shape)] for shape in shapes]

    return samples


def distinct(rng: np.random.Generator, shape: Sequence[int]) -> np.ndarray:
    """Different numbers, so that an extremum is in one place and stays there."""
    size = int(np.prod(shape))
    return (rng.permutation(size) / max(size, 1) * 12.0 - 6.0).reshape(shape)


def reductions() -> list[OpCase]:
    cases = []
    variants: list[tuple[Any, bool]] = [(None, False), ([1], False), ([-1], True), ([0, 2], False)]
    table: list[tuple[str, Any, Any, dict[str, Any]]] = [
        ("sum", np.sum, NORMAL, {"dtypes": NUMBERS, "magnitude": np.sum}),
        ("prod", np.prod, uniform(0.7, 1.3), {"dtypes": (*FLOATS[:2], "int32")}),
        ("max", np.max, distinct, {"dtypes": ("float32", "float64", *INTS)}),
        ("min", np.min, distinct, {"dtypes": ("float32", "float64", *INTS)}),
    ]
    for name, function, draw, fields in table:
        for axes, keepdims in variants:

            def reduced(x: np.ndarray, f=function, axes=axes, keepdims=keepdims) -> np.ndarray:
                return f(x, axis=None if axes is None else tuple(axes), keepdims=keepdims)

            options = dict(fields)
            if "magnitude" in options:
                options["magnitude"] = lambda x, reduced=reduced: reduced(np.abs(x))
            case = OpCase(
                name,
                core(name, axes, keepdims),
                reduced,
                reduced_arrays(draw, empty=name in ("sum", "prod")),
                variant=f"axes={axes}",
                terms=lambda x, axes=axes: int(np.prod([x.shape[a] for a in axes or (0, 1, 2)])),
                differentiable=(0,),
                **options,
            )
            cases.append(case)
    return cases


def arg_reduction(name: str, function: Any, axis: int | None) -> OpCase:
    return OpCase(
        name,
        core(name, axis, False),
        lambda x: function(x, axis=axis),
        reduced_arrays(NORMAL, empty=False),
        variant=f"axis={axis}",
        dtypes=("float32", "float64", *INTS),
        result="int32",
    )


ARG_REDUCTIONS = [
    arg_reduction("argmax", np.argmax, None),
    arg_reduction("argmax", np.argmax, 1),
    arg_reduction("argmin", np.argmin, None),
    arg_reduction("argmin", np.argmin, -1),
]


# ---- matrix products --------------------------------------------------------------------------


def matrices(rng: np.random.Generator, n: int) -> list[Arrays]:
    shapes = [((n, 7), (7, 5)), ((3, n), (n, 4)), ((2, 7), (7, n)), ((2, 3, n), (n, 2))]
    shapes += [((2, 1, 3, n), (5, n, 2)), ((n,), (n,)), ((n,), (n, 3)), ((3, n), (n,))]
    if n == 1:
        shapes += [((70, 300), (300, 50)), ((1, 512), (512, 33)), ((65, 17), (17, 130))]
    return [[NORMAL(rng, a), NORMAL(rng, b)] for a, b in shapes]


def transposed_matrices(rng: np.random.Generator, n: int) -> list[Arrays]:
    return [
        [NORMAL(rng, (7, n)), NORMAL(rng, (5, 7))],
        [NORMAL(rng, (2, n, 3)), NORMAL(rng, (2, 4, n))],
    ]


def dense_arguments(bias: bool) -> Samples:
    def samples(rng: np.random.Generator, n: int) -> list[Arrays]:
        shapes: list[tuple[Any, Any]] = [((3, n), (n, 17)), ((n, 5), (5, 4)), ((2, 3, 4), (4, n))]
        return [
            [NORMAL(rng, x), NORMAL(rng, k)] + ([NORMAL(rng, k[1:])] if bias else [])
            for x, k in shapes
        ]

    return samples


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "tanh": np.tanh,
}


def dense_case(activation: str, bias: bool) -> OpCase:
    def magnitude(x: np.ndarray, kernel: np.ndarray, b: Any = 0.0) -> np.ndarray:
        return np.abs(x) @ np.abs(kernel) + np.abs(b) + 1.0

    return OpCase(
        "dense",
        (lambda *args: _core.dense(*args, activation=activation))
        if bias
        else (lambda x, kernel: _core.dense(x, kernel, None, activation)),
        lambda x, kernel, b=0.0: ACTIVATIONS[activation](x @ kernel + b),
        dense_arguments(bias),
        variant=f"{activation}{'-bias' if bias else ''}",
        ulps=2,
        magnitude=magnitude,
        terms=lambda x, *_: x.shape[-1],
        differentiable=(0, 1, 2) if bias else (0, 1),
        order_of_memory=True,
    )


# Gradients of the activations that `dense` fuses, from the output.
SLOPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda y: (y > 0) * 1.0,
    "sigmoid": lambda y: y * (1.0 - y),
    "tanh": lambda y: 1.0 - y * y,
}


def activation_grad_sum_arguments(rng: np.random.Generator, n: int) -> list[Arrays]:
    # 300 rows are cut into two blocks.
    shapes = ((3, n), (n, 10), (2, n, 3)) if n != 1 else ((300, 7),)
    return [[NORMAL(rng, shape), uniform(0.05, 0.95)(rng, shape)] for shape in shapes]


def activation_grad_sum_case(activation: str, output: int) -> OpCase:
    slope = SLOPES[activation]

    def reference(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
        dz = dy * slope(y)
        return dz.sum(tuple(range(dz.ndim - 1))) if output else dz

    def magnitude(dy: np.ndarray, y: np.ndarray) -> np.ndarray:
        return reference(np.abs(dy), y)

    return OpCase(
        "activation_grad_sum",
        lambda dy, y: _core.activation_grad_sum(dy, y, activation)[output],
        reference,
        activation_grad_sum_arguments,
        variant=f"{activation}-{'sums' if output else 'dz'}",
        dtypes=("float32", "float64"),
        ulps=4,
        magnitude=magnitude,
        terms=lambda dy, y: dy.size // max(dy.shape[-1], 1),
        differentiable=(0, 1),
    )


def product_magnitude(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.abs(x) @ np.abs(y)


PRODUCTS = [
    OpCase(
        "matmul",
        core("matmul"),
        np.matmul,
        matrices,
        dtypes=(*FLOATS, "int32"),
        magnitude=product_magnitude,
        terms=lambda x, y: x.shape[-1],
        differentiable=(0, 1),
        order_of_memory=True,
    ),
    OpCase(
        "matmul",
        core("matmul", True, True),
        lambda x, y: np.swapaxes(x, -1, -2) @ np.swapaxes(y, -1, -2),
        transposed_matrices,
        variant="transposed",
        magnitude=lambda x, y: product_magnitude(np.swapaxes(x, -1, -2), np.swapaxes(y, -1, -2)),
        terms=lambda x, y: x.shape[-2],
        differentiable=(0, 1),
        order_of_memory=True,
    ),
    *(dense_case(activation, bias) for activation in ACTIVATIONS for bias in (False, True)),
    *(activation_grad_sum_case(activation, output) for activation in SLOPES for output in (0, 1)),
]


# ---- layout -----------------------------------------------------------------------------------


def layout(name: str, call: Any, reference: Any, shapes: Any, variant: str = "") -> OpCase:
    """Case of an op that moves elements of one array; `shapes(n)` are the shapes to try."""
    return OpCase(
        name,
        call,
        reference,
        lambda rng, n: [[NORMAL(rng, shape)] for shape in shapes(n)],
        variant=variant,
        dtypes=ALL,
        differentiable=(0,),
    )


def slice_case(variant: str, *key: Any) -> OpCase:
    return layout("slice", lambda x: x[key], lambda x: x[key], lambda n: [(n + 3, 4, n)], variant)


LAYOUT = [
    layout(
        "reshape",
        core("reshape", (2, -1, 3)),
        lambda x: x.reshape(2, -1, 3),
        lambda n: [(n, 6)][n < 1 :],
    ),
    layout("transpose", core("transpose", None), np.transpose, lambda n: [(3, n), (2, n, 3)]),
    layout(
        "transpose",
        core("transpose", [1, 2, 0]),
        lambda x: x.transpose(1, 2, 0),
        lambda n: [(3, n, 2), (n, 17, 2)],
        "axes",
    ),
    layout(
        "broadcast_to",
        lambda x: _core.broadcast_to(x, (2, 3, x.shape[-1])),
        lambda x: np.broadcast_to(x, (2, 3, x.shape[-1])),
        lambda n: [(n,), (3, n), (2, 1, n), (1, 1, n)],
    ),
    slice_case("steps", slice(1, None, 2), slice(None), slice(None, None, 3)),
    slice_case("reversed", slice(None, None, -1), slice(3, 0, -2)),
    slice_case("index", 1, slice(None), Ellipsis),
    layout(
        "pad",
        core("pad", [1, 0], [2, 3], 1.0),
        lambda x: np.pad(x, [(1, 2), (0, 3)], constant_values=1),
        lambda n: [(n, 3), (2, n)],
    ),
    OpCase(
        "slice_update",
        core("slice_update", [1, 0], [2, 3]),
        lambda x, update: assigned(x, (slice(1, None, 2), slice(0, None, 3)), update),
        lambda rng, n: [[NORMAL(rng, (2 * n + 1, 7)), NORMAL(rng, (n, 3))]],
        dtypes=ALL,
        differentiable=(0, 1),
    ),
    *(
        OpCase(
            "concatenate",
            lambda *xs, axis=axis: _core.concatenate(list(xs), axis),
            lambda *xs, axis=axis: np.concatenate(xs, axis),
            fixed(
                lambda rng, n, axis=axis: [
                    np.moveaxis(NORMAL(rng, (size, 2, n)), 0, axis) for size in (n, 1, 3)
                ]
            ),
            variant=f"axis={axis}",
            dtypes=ALL,
            differentiable=(0, 1, 2),
        )
        for axis in (0, 2)
    ),
]


def assigned(x: np.ndarray, key: Any, update: np.ndarray) -> np.ndarray:
    x = x.copy()
    x[key] = update
    return x


# ---- indexing ---------------------------------------------------------------------------------


def take_arguments(axis: int) -> Samples:
    def samples(rng: np.random.Generator, n: int) -> list[Arrays]:
        x = np.moveaxis(NORMAL(rng, (5, 3, 2)), 0, axis)
        return [
            [x, rng.integers(-5, 5, n).astype(np.int32)],
            [x, rng.integers(0, 5, (2, n))],
        ]

    return samples


def scatter_arguments(axis: int) -> Samples:
    def samples(rng: np.random.Generator, n: int) -> list[Arrays]:
        x = np.moveaxis(NORMAL(rng, (5, 3, 2)), 0, axis)
        updates = np.moveaxis(NORMAL(rng, (n, 3, 2)), 0, axis)
        return [[x, rng.integers(-5, 5, n).astype(np.int32), updates]]

    return samples


def scattered(x: np.ndarray, indices: np.ndarray, updates: np.ndarray, axis: int) -> np.ndarray:
    y = np.moveaxis(x.copy(), axis, 0)
    np.add.at(y, indices, np.moveaxis(updates, axis, 0))
    return np.moveaxis(y, 0, axis)


INDEXING = [
    *(
        OpCase(
            "take",
            core("take", axis),
            lambda x, indices, axis=axis: np.take(x, indices, axis),
            take_arguments(axis),
            variant=f"axis={axis}",
            dtypes=ALL,
            differentiable=(0,),
        )
        for axis in (0, 1, 2)
    ),
    *(
        OpCase(
            "scatter_add",
            core("scatter_add", axis),
            lambda x, indices, updates, axis=axis: scattered(x, indices, updates, axis),
            scatter_arguments(axis),
            variant=f"axis={axis}",
            dtypes=("float32", "float64", "int32", "int64"),
            magnitude=lambda x, i, u, axis=axis: scattered(np.abs(x), i, np.abs(u), axis),
            terms=lambda x, i, u: i.size,
            differentiable=(0, 2),
        )
        for axis in (0, 1)
    ),
    OpCase(
        "one_hot",
        core("one_hot", 6, "float32"),
        lambda indices: (indices[..., None] == np.arange(6)) * 1.0,
        lambda rng, n: [[rng.integers(-2, 8, (n,))], [rng.integers(0, 6, (2, n)).astype("uint8")]],
        dtypes=("float32",),
        result="float32",
    ),
]


# ---- softmax and cross-entropy ----------------------------------------------------------------


def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    z = x - x.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def class_rows(*kinds: str) -> Samples:
    """Rows of n classes, and n rows: logits "x", probabilities "p", labels "l", one number "d"."""

    def samples(rng: np.random.Generator, n: int) -> list[Arrays]:
        result = []
        for rows, classes in ((3, n), (n, 10)):
            if not classes:
                continue
            made = {
                "x": uniform(-6.0, 6.0)(rng, (rows, classes)),
                "p": softmax(NORMAL(rng, (rows, classes))) if rows else np.zeros((0, classes)),
                "l": rng.integers(0, classes, rows).astype(np.int32),
                "d": NORMAL(rng, (rows,)),
            }
            result.append([made[kind] for kind in kinds])
        return result

    return samples


def picked(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.take_along_axis(x, labels[:, None], -1)[:, 0]


def one_hot_rows(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return labels[:, None] == np.arange(x.shape[-1])


LOSSES = [
    *(
        OpCase(
            "softmax",
            core("softmax", axis),
            lambda x, axis=axis: softmax(x, axis) if x.size else x,
            class_rows("x") if axis else (lambda rng, n: [[NORMAL(rng, (n + 1, 4))]]),
            variant=f"axis={axis}",
            ulps=12,  # exp(x - max): the difference is as large as 12
            differentiable=(0,),
        )
        for axis in (-1, 0)
    ),
    OpCase(
        "log_softmax",
        core("log_softmax"),
        lambda x: log_softmax(x) if x.size else x,
        class_rows("x"),
        ulps=3,
        magnitude=lambda x: np.abs(x) + 8.0,
        differentiable=(0,),
    ),
    OpCase(
        "softmax_grad",
        core("softmax_grad"),
        lambda y, dy: y * (dy - (dy * y).sum(-1, keepdims=True)),
        class_rows("p", "x"),
        dtypes=("float32", "float64"),
        ulps=2,
        magnitude=lambda y, dy: y * (np.abs(dy) + np.abs(dy * y).sum(-1, keepdims=True)),
        terms=lambda y, dy: y.shape[-1],
        differentiable=(0, 1),
    ),
    OpCase(
        "log_softmax_grad",
        core("log_softmax_grad"),
        lambda y, dy: dy - np.exp(y) * dy.sum(-1, keepdims=True),
        class_rows("x", "x"),
        dtypes=("float32", "float64"),
        ulps=8,
        magnitude=lambda y, dy: np.abs(dy) + np.exp(y) * np.abs(dy).sum(-1, keepdims=True),
        terms=lambda y, dy: y.shape[-1],
        differentiable=(0, 1),
    ),
    OpCase(
        "sparse_softmax_cross_entropy",
        core("sparse_softmax_cross_entropy"),
        lambda x, labels: -picked(log_softmax(x), labels) if x.size else np.zeros(len(x)),
        class_rows("x", "l"),
        ulps=3,
        magnitude=lambda x, labels: np.full(len(x), 16.0),
        differentiable=(0,),
    ),
    OpCase(
        "sparse_softmax_cross_entropy_grad",
        core("sparse_softmax_cross_entropy_grad"),
        lambda x, labels, d: (softmax(x) - one_hot_rows(x, labels)) * d[:, None] if x.size else x,
        class_rows("x", "l", "d"),
        dtypes=("float32", "float64"),
        ulps=12,
        magnitude=lambda x, labels, d: (
            (softmax(x) + one_hot_rows(x, labels)) * np.abs(d[:, None]) if x.size else x
        ),
        differentiable=(0, 2),
    ),
    OpCase(
        "softmax_cross_entropy",
        core("softmax_cross_entropy"),
        lambda x, t: -(t * log_softmax(x)).sum(-1) if x.size else np.zeros(len(x)),
        class_rows("x", "p"),
        ulps=4,
        magnitude=lambda x, t: np.full(len(x), 16.0),
        differentiable=(0, 1),
    ),
    OpCase(
        "softmax_cross_entropy_grad",
        core("softmax_cross_entropy_grad"),
        lambda x, t, d: (softmax(x) * t.sum(-1, keepdims=True) - t) * d[:, None] if x.size else x,
        class_rows("x", "p", "d"),
        dtypes=("float32", "float64"),
        ulps=12,
        magnitude=lambda x, t, d: (softmax(x) + t) * np.abs(d[:, None]) if x.size else x,
        terms=lambda x, t, d: x.shape[-1],
        differentiable=(0, 1, 2),
    ),
]


# ---- random numbers ---------------------------------------------------------------------------


def philox(seed: np.ndarray, n: int) -> np.ndarray:
    """Words of Philox 4x32-10 (Salmon et al., SC 2011) with the counters 0, 1, 2, ..."""
    blocks = np.arange((n + 3) // 4, dtype=np.uint64)
    low = np.uint64(0xFFFFFFFF)
    shift = np.uint64(32)
    words = [blocks & low, blocks >> shift, np.zeros_like(blocks), np.zeros_like(blocks)]
    key = [int(seed[0]), int(seed[1])]
    for _ in range(10):
        first, second = words[0] * np.uint64(0xD2511F53), words[2] * np.uint64(0xCD9E8D57)
        words = [
            (second >> shift) ^ words[1] ^ np.uint64(key[0]),
            second & low,
            (first >> shift) ^ words[3] ^ np.uint64(key[1]),
            first & low,
        ]
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    return np.stack(words, axis=-1).reshape(-1)[:n].astype(np.int64)


def normal_of(words: np.ndarray, cut: float) -> np.ndarray:
    """The quantile that a word stands for: a sign, and 31 bits from the tail to the middle."""
    tail = cut + ((words & 0x7FFFFFFF) + 0.5) * (0.5 - cut) / 2**31
    quantile = np.vectorize(NormalDist().inv_cdf, otypes=[np.float64])
    return np.where(words >> 31, 1.0, -1.0) * quantile(tail) if words.size else words * 1.0


def random_case(
    name: str, of_words: Callable[..., Any], *params: Any, **fields: Any
) -> list[OpCase]:
    """One case per size: the size is an attribute of the op, not an argument."""
    return [
        OpCase(
            name,
            lambda seed, n=n: getattr(_core, name)(seed, (n,), *params),
            lambda seed, n=n: of_words(philox(seed, n)),
            lambda rng, size, n=n: [[rng.integers(0, 2**32, 2).astype(np.uint32)]][size != 1 :],
            variant=f"n={n}",
            dtypes=("float32",),
            **fields,
        )
        for n in (0, 1, 3, 17, 1000)
    ]


def kept(x: np.ndarray, seed: np.ndarray) -> np.ndarray:
    words = philox(seed, x.size).reshape(x.shape)
    return np.where((words >> 8) >= 0.25 * 2**24, x / 0.75, 0.0)


RANDOM = [
    *random_case("random_bits", lambda words: words, result="uint32"),
    *random_case(
        "random_uniform",
        lambda words: -1.0 + 3.0 * (words >> 8) / 2**24,
        -1.0,
        2.0,
        "float32",
        result="float32",
        magnitude=lambda seed: np.array(3.0),
    ),
    *random_case(
        "random_normal",
        lambda words: 0.5 + 2.0 * normal_of(words, 0.0),
        0.5,
        2.0,
        "float32",
        result="float32",
        ulps=8,
        magnitude=lambda seed: np.array(6.0),
    ),
    *random_case(
        "truncated_normal",
        lambda words: 0.5 + 2.0 * normal_of(words, 0.0227501319481792),
        0.5,
        2.0,
        "float32",
        result="float32",
        ulps=8,
        magnitude=lambda seed: np.array(6.0),
    ),
    OpCase(
        "dropout",
        lambda x, seed: _core.dropout(x, seed, 0.25),
        kept,
        lambda rng, n: [
            [NORMAL(rng, shape), rng.integers(0, 2**32, 2).astype(np.uint32)]
            for shape in ((n,), (3, n))
        ],
        dtypes=("float32", "float64"),
        ulps=2,
        differentiable=(0,),
    ),
]

STRUCTURED = [
    *reductions(),
    *ARG_REDUCTIONS,
    *PRODUCTS,
    *LAYOUT,
    *INDEXING,
    *LOSSES,
    *RANDOM,
]
