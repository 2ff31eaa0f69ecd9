"""The jobs in NumPy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

DTYPES = {"float32", "float64", "int32"}
LEARNING_RATE = 0.1
LAYER_EPSILON = 1e-5


def start(threads: int) -> None:
    """Products follow OPENBLAS_NUM_THREADS, set by the parent; the rest runs on one thread."""


def version() -> str:
    return f"NumPy {np.__version__}"


def tensor(values: np.ndarray, dtype: str) -> np.ndarray:
    return values


def array(result: np.ndarray) -> np.ndarray:
    return np.asarray(result)


def _dense_relu(x: Any, kernel: Any, bias: Any) -> Any:
    y = x @ kernel
    y += bias
    return np.maximum(y, 0, out=y)


def _softmax(x: Any) -> Any:
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    return y


def _cross_entropy(logits: Any, labels: Any) -> Any:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    picked = np.take_along_axis(shifted, labels[:, None], axis=-1)[:, 0]
    return np.log(np.exp(shifted).sum(axis=-1)) - picked


def _layer_norm(x: Any, scale: Any, offset: Any) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return centred / np.sqrt(variance + LAYER_EPSILON) * scale + offset


_generator = np.random.default_rng(0)


def _dropout(x: Any, rate: float) -> Any:
    kept = _generator.random(x.shape, np.float32) >= rate
    return x * kept * np.float32(1 / (1 - rate))


OPS: dict[str, Callable[..., Any]] = {
    "matmul_nn": lambda a, b: a @ b,
    "matmul_nt": lambda a, b: a @ b.T,
    "matmul_tn": lambda a, b: a.T @ b,
    "dense_relu": _dense_relu,
    "add": np.add,
    "multiply": np.multiply,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu_grad": lambda y, dy: dy * (y > 0),
    "tanh_grad": lambda y, dy: dy * (1 - y * y),
    "sigmoid_grad": lambda y, dy: dy * y * (1 - y),
    "softmax": _softmax,
    "cross_entropy": _cross_entropy,
    "layer_norm": _layer_norm,
    "sum": np.sum,
    "max": np.max,
    "column_sum": lambda x: x.sum(axis=0),
    "dropout": _dropout,
}


def _sgd(w: Any, g: Any) -> Callable[[], Any]:
    def step() -> Any:
        nonlocal w
        w -= LEARNING_RATE * g
        return w

    return step


def _momentum(w: Any, g: Any, nesterov: bool = False) -> Callable[[], Any]:
    m = np.zeros_like(w)

    def step() -> Any:
        nonlocal w, m
        m *= 0.9
        m -= LEARNING_RATE * g
        w += 0.9 * m - LEARNING_RATE * g if nesterov else m
        return w

    return step


def _rmsprop(w: Any, g: Any) -> Callable[[], Any]:
    v = np.zeros_like(w)

    def step() -> Any:
        nonlocal w, v
        v *= 0.9
        v += 0.1 * g * g
        w -= LEARNING_RATE * g / np.sqrt(v + 1e-7)
        return w

    return step


def _adagrad(w: Any, g: Any) -> Callable[[], Any]:
    a = np.full_like(w, 0.1)

    def step() -> Any:
        nonlocal w, a
        a += g * g
        w -= LEARNING_RATE * g / np.sqrt(a + 1e-7)
        return w

    return step


def _adam(w: Any, g: Any, decay: float = 0.0) -> Callable[[], Any]:
    m, v = np.zeros_like(w), np.zeros_like(w)
    steps = 0

    def step() -> Any:
        nonlocal w, m, v, steps
        steps += 1
        if decay:
            w *= 1 - LEARNING_RATE * decay
        m += (g - m) * 0.1
        v += (g * g - v) * 0.001
        alpha = LEARNING_RATE * (1 - 0.999**steps) ** 0.5 / (1 - 0.9**steps)
        w -= alpha * m / (np.sqrt(v) + 1e-7)
        return w

    return step


STEPS: dict[str, Callable[..., Callable[[], Any]]] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": functools.partial(_momentum, nesterov=True),
    "rmsprop": _rmsprop,
    "adagrad": _adagrad,
    "adam": _adam,
    "adamw": functools.partial(_adam, decay=0.01),
}
