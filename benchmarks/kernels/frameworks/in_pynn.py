"""The jobs in pynn: eager calls; optimizers as the compiled step that `fit` runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pynn
from pynn import _core, ops

DTYPES = {"float32", "float64", "bfloat16", "int32"}
LEARNING_RATE = 0.1
LAYER_EPSILON = 1e-5


def start(threads: int) -> None:
    pynn.config.set_num_threads(threads)


def version() -> str:
    return f"pynn {pynn.__version__}"


def tensor(values: np.ndarray, dtype: str) -> Any:
    return _core.copy(ops.cast(values, dtype))


def array(result: Any) -> np.ndarray:
    value = np.asarray(result)
    return value.astype(np.float32) if value.dtype.name == "bfloat16" else value


_seeds = pynn.random.SeedGenerator(0)

# The functions of pynn.ops; of the engine where only gradients or layers call them.
OPS: dict[str, Callable[..., Any]] = {
    "matmul_nn": ops.matmul,
    "matmul_nt": lambda a, b: ops.matmul(a, b.T),
    "matmul_tn": lambda a, b: ops.matmul(a.T, b),
    "dense_relu": lambda x, kernel, bias: _core.dense(x, kernel, bias, "relu"),
    "add": ops.add,
    "multiply": ops.multiply,
    "exp": ops.exp,
    "log": ops.log,
    "sqrt": ops.sqrt,
    "erf": ops.erf,
    "relu": ops.relu,
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "gelu": lambda x: ops.gelu(x, approximate=False),
    "relu_grad": _core.relu_grad,
    "tanh_grad": _core.tanh_grad,
    "sigmoid_grad": _core.sigmoid_grad,
    "gelu_grad": _core.gelu_grad,
    "softmax": ops.softmax,
    "cross_entropy": _core.sparse_softmax_cross_entropy,
    "layer_norm": lambda x, scale, offset: ops.layer_normalization(
        x, scale, offset, epsilon=LAYER_EPSILON
    ),
    "sum": ops.sum,
    "max": ops.max,
    "column_sum": lambda x: ops.sum(x, axis=0),
    "dropout": lambda x, rate: pynn.random.dropout(x, rate, seed=_seeds),
}


def _optimizer(make: Callable[[], Any]) -> Callable[..., Callable[[], Any]]:
    def build(w: Any, g: Any) -> Callable[[], Any]:
        weight = pynn.Variable(w)
        optimizer = make()
        optimizer.build([weight])
        with _core.Trace() as trace:
            optimizer.apply([trace.input(g.shape, g.dtype)], [weight])
            step_of = trace.finish([])

        def step() -> Any:
            step_of.run([g])
            return weight

        return step

    return build


STEPS: dict[str, Callable[..., Callable[[], Any]]] = {
    "sgd": _optimizer(lambda: pynn.optimizers.SGD(LEARNING_RATE)),
    "momentum": _optimizer(lambda: pynn.optimizers.SGD(LEARNING_RATE, momentum=0.9)),
    "nesterov": _optimizer(lambda: pynn.optimizers.SGD(LEARNING_RATE, momentum=0.9, nesterov=True)),
    "rmsprop": _optimizer(lambda: pynn.optimizers.RMSprop(LEARNING_RATE)),
    "adagrad": _optimizer(lambda: pynn.optimizers.Adagrad(LEARNING_RATE)),
    "adam": _optimizer(lambda: pynn.optimizers.Adam(LEARNING_RATE)),
    "adamw": _optimizer(lambda: pynn.optimizers.AdamW(LEARNING_RATE, weight_decay=0.01)),
}
