"""The jobs in PyTorch: eager calls without gradients, results newly allocated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch.nn import functional

DTYPES = {"float32", "float64", "bfloat16", "int32"}
LEARNING_RATE = 0.1
LAYER_EPSILON = 1e-5


def start(threads: int) -> None:
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)


def version() -> str:
    return f"PyTorch {torch.__version__}"


def tensor(values: np.ndarray, dtype: str) -> torch.Tensor:
    # Class labels must be 64-bit integers.
    return torch.from_numpy(values).to(torch.int64 if dtype == "int32" else getattr(torch, dtype))


def array(result: torch.Tensor) -> np.ndarray:
    return (result.float() if result.dtype == torch.bfloat16 else result).detach().numpy()


aten = torch.ops.aten

OPS: dict[str, Callable[..., Any]] = {
    "matmul_nn": torch.matmul,
    "matmul_nt": lambda a, b: torch.matmul(a, b.t()),
    "matmul_tn": lambda a, b: torch.matmul(a.t(), b),
    "dense_relu": lambda x, kernel, bias: torch.addmm(bias, x, kernel).relu_(),
    "add": torch.add,
    "multiply": torch.mul,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "erf": torch.erf,
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
    "gelu": functional.gelu,
    "relu_grad": lambda y, dy: aten.threshold_backward(dy, y, 0),
    "tanh_grad": lambda y, dy: aten.tanh_backward(dy, y),
    "sigmoid_grad": lambda y, dy: aten.sigmoid_backward(dy, y),
    "gelu_grad": lambda x, dy: aten.gelu_backward(dy, x),
    "softmax": lambda x: torch.softmax(x, -1),
    "cross_entropy": lambda x, labels: functional.cross_entropy(x, labels, reduction="none"),
    "layer_norm": lambda x, scale, offset: functional.layer_norm(
        x, scale.shape, scale, offset, LAYER_EPSILON
    ),
    "sum": torch.sum,
    "max": torch.max,
    "column_sum": lambda x: torch.sum(x, 0),
    "dropout": lambda x, rate: functional.dropout(x, rate, training=True),
}


def _optimizer(make: Callable[[list[torch.Tensor]], Any]) -> Callable[..., Callable[[], Any]]:
    def build(w: torch.Tensor, g: torch.Tensor) -> Callable[[], Any]:
        weight = w.clone().requires_grad_()
        weight.grad = g
        optimizer = make([weight])

        def step() -> Any:
            optimizer.step()
            return weight

        return step

    return build


# The fused kernels where there are any, else the fastest of the other two forms.
STEPS: dict[str, Callable[..., Callable[[], Any]]] = {
    "sgd": _optimizer(lambda w: torch.optim.SGD(w, LEARNING_RATE, fused=True)),
    "momentum": _optimizer(lambda w: torch.optim.SGD(w, LEARNING_RATE, momentum=0.9, fused=True)),
    "nesterov": _optimizer(
        lambda w: torch.optim.SGD(w, LEARNING_RATE, momentum=0.9, nesterov=True, fused=True)
    ),
    "rmsprop": _optimizer(
        lambda w: torch.optim.RMSprop(w, LEARNING_RATE, alpha=0.9, eps=1e-7, foreach=False)
    ),
    "adagrad": _optimizer(
        lambda w: torch.optim.Adagrad(
            w, LEARNING_RATE, initial_accumulator_value=0.1, eps=1e-7, fused=True
        )
    ),
    "adam": _optimizer(lambda w: torch.optim.Adam(w, LEARNING_RATE, eps=1e-7, fused=True)),
    "adamw": _optimizer(
        lambda w: torch.optim.AdamW(w, LEARNING_RATE, eps=1e-7, weight_decay=0.01, fused=True)
    ),
}
