"""Cases of the normalization ops. The references are their unfused twins in float64 NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
from op_case import FLOATS, NORMAL, Arrays, OpCase, Samples

from pynn import _core

EPSILON = 1e-2
FULL = ("float32", "float64")


def rows_and_vectors(*kinds: str, empty: bool = True) -> Samples:
    """Rows "x" of the size under test, n rows, and many rows; "v" is one number per column."""

    def samples(rng: np.random.Generator, n: int) -> list[Arrays]:
        shapes = [(n, 4), *([(3, n), (2, 2, n)] if n or empty else [])]
        shapes += [(200, 24), (1, 5000)] if n == 16 else []
        return [
            [NORMAL(rng, shape if kind == "x" else shape[-1:]) for kind in kinds]
            for shape in shapes
            if empty or shape[0]
        ]

    return samples


def statistics(x: np.ndarray, centred: bool) -> tuple[np.ndarray, np.ndarray]:
    """Mean (0 without centring) and 1 / sqrt(variance + epsilon) of every row."""
    if not x.size:
        return np.zeros((*x.shape[:-1], 1)), np.ones((*x.shape[:-1], 1))
    mean = x.mean(-1, keepdims=True) if centred else np.zeros((*x.shape[:-1], 1))
    return mean, 1.0 / np.sqrt(np.square(x - mean).mean(-1, keepdims=True) + EPSILON)


def normalized(centred: bool) -> Callable[..., np.ndarray]:
    def reference(x: np.ndarray, gamma: Any = 1.0, beta: Any = 0.0) -> np.ndarray:
        mean, rstd = statistics(x, centred)
        return (x - mean) * rstd * gamma + beta

    return reference


def over_rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, x.shape[-1]).sum(0) if x.size else np.zeros(x.shape[-1])


def flat(arrays: Any) -> np.ndarray:
    return np.concatenate([a.reshape(-1) for a in arrays])


def flat_tensors(tensors: Any) -> Any:
    return _core.concatenate([_core.reshape(t, [-1]) for t in tensors])


def normalized_grad(centred: bool) -> Callable[..., np.ndarray]:
    def reference(x: np.ndarray, dy: np.ndarray, gamma: Any = None) -> np.ndarray:
        mean, rstd = statistics(x, centred)
        h = (x - mean) * rstd
        g = dy if gamma is None else dy * gamma
        rest = g - h * (g * h).sum(-1, keepdims=True) / max(x.shape[-1], 1)
        if centred:
            rest = rest - g.sum(-1, keepdims=True) / max(x.shape[-1], 1)
        sums = [np.zeros(x.shape[-1])] * 2 if gamma is None else [over_rows(dy * h), over_rows(dy)]
        return flat([rstd * rest, *sums])

    return reference


def call_grad(name: str, centred: bool) -> Callable[..., Any]:
    """The op with the statistics that the forward pass would have saved."""

    def call(x: Any, dy: Any, gamma: Any = None) -> Any:
        x, width = _core.add(x, 0.0), x.shape[-1]
        if width == 0:
            mean = rstd = _core.sum(x, [-1], False)
        elif centred:
            mean = _core.mean(x, [-1], False)
            rstd = _core.rsqrt(_core.add(_core.variance(x, [-1], False), EPSILON))
        else:
            rstd = _core.rsqrt(_core.add(_core.mean(_core.square(x), [-1], False), EPSILON))
            mean = _core.multiply(rstd, 0.0)
        return flat_tensors(getattr(_core, name)(x, mean, rstd, dy, gamma, EPSILON))

    return call


def row_case(name: str, centred: bool, kinds: tuple[str, ...]) -> OpCase:
    def call(x: Any, gamma: Any = None, beta: Any = None) -> Any:
        if centred:
            return _core.layer_norm(x, gamma, beta, EPSILON)
        return _core.rms_norm(x, gamma, EPSILON)

    return OpCase(
        name,
        call,
        normalized(centred),
        rows_and_vectors(*kinds),
        variant="".join(kinds),
        dtypes=FLOATS,
        ulps=4,
        magnitude=lambda x, *_: np.full(x.shape, 8.0),
        terms=lambda x, *_: x.shape[-1],
        differentiable=tuple(range(len(kinds))),
    )


def row_grad_case(name: str, centred: bool, kinds: tuple[str, ...]) -> OpCase:
    return OpCase(
        name,
        call_grad(name, centred),
        normalized_grad(centred),
        rows_and_vectors(*kinds),
        variant="".join(kinds),
        dtypes=FULL,
        ulps=4,
        magnitude=lambda x, dy, *_: np.float64(60.0),
        terms=lambda x, dy, *_: max(x.shape),
        differentiable=tuple(range(len(kinds))),
    )


NORMALIZATION = [
    row_case("layer_norm", True, ("x",)),
    row_case("layer_norm", True, ("x", "v")),
    row_case("layer_norm", True, ("x", "v", "v")),
    row_case("rms_norm", False, ("x",)),
    row_case("rms_norm", False, ("x", "v")),
    row_grad_case("layer_norm_grad", True, ("x", "x")),
    row_grad_case("layer_norm_grad", True, ("x", "x", "v")),
    row_grad_case("rms_norm_grad", False, ("x", "x")),
    row_grad_case("rms_norm_grad", False, ("x", "x", "v")),
    OpCase(
        "moments",
        lambda x: _core.stack(_core.moments(x, [*range(x.ndim - 1)], False), 0),
        lambda x: np.stack([m(x, axis=tuple(range(x.ndim - 1))) for m in (np.mean, np.var)]),
        rows_and_vectors("x", empty=False),
        dtypes=FULL,
        ulps=4,
        magnitude=lambda x: np.float64(9.0),
        differentiable=(0,),
    ),
    OpCase(
        "batch_norm",
        _core.batch_norm,
        lambda x, mean, scale, offset: (x - mean) * scale + offset,
        rows_and_vectors("x", "v", "v", "v"),
        dtypes=FLOATS,
        ulps=2,
        magnitude=lambda x, mean, scale, offset: np.abs(x - mean) * np.abs(scale) + np.abs(offset),
        differentiable=(0, 1, 2, 3),
    ),
    OpCase(
        "batch_norm_grad",
        lambda *args: flat_tensors(_core.batch_norm_grad(*args)),
        lambda x, mean, scale, dy: flat([dy * scale, over_rows(dy * (x - mean)), over_rows(dy)]),
        rows_and_vectors("x", "v", "v", "x"),
        dtypes=FULL,
        ulps=2,
        magnitude=lambda x, mean, scale, dy: np.float64(18.0),
        terms=lambda x, mean, scale, dy: max(x.shape),
        differentiable=(0, 1, 2, 3),
    ),
]
