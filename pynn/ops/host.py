"""Ops that NumPy computes: in a compiled step too, by a call from it.

Arrays in bfloat16 and float16 go to NumPy as float32 and are rounded once, at the end.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.keras_tensor import KerasTensor
from pynn.ops.common import as_float
from pynn.ops.functions import custom_gradient, py_function

HALF_DTYPES = ("bfloat16", "float16")


def on_host(
    function: Callable[..., Any],
    inputs: Sequence[Tensor],
    *specs: tuple[Sequence[int], str],
) -> Any:
    """Return `function(*arrays)`, which NumPy computes: one tensor per (shape, dtype) of `specs`.

    There is no gradient.
    """
    outputs = [KerasTensor(tuple(shape), dtype) for shape, dtype in specs]
    dtypes = [t.dtype for t in inputs]

    def widened(*arrays: np.ndarray) -> Any:
        with np.errstate(all="ignore"):
            return function(*(_widened(a, t) for a, t in zip(arrays, dtypes, strict=True)))

    widened.__name__ = getattr(function, "__name__", "function")
    if len(outputs) == 1:
        return py_function(widened, list(inputs), outputs[0])
    return py_function(lambda *arrays: tuple(widened(*arrays)), list(inputs), tuple(outputs))


def _widened(array: np.ndarray, dtype: str) -> np.ndarray:
    return array.astype(np.float32) if dtype in HALF_DTYPES else array


def elementwise(function: Callable[[np.ndarray], Any], x: Tensor) -> Tensor:
    """Return `function(x)`, of the shape and dtype of x. There is no gradient."""
    return on_host(function, [x], (x.shape, x.dtype))


def real_function(
    function: Callable[[np.ndarray], Any], derivative: Callable[[Tensor], Tensor]
) -> Callable[[Any], Tensor]:
    """Return a differentiable function on tensors, made of one on arrays and its derivative.

    `derivative` is made of ops, so that there are gradients of any order.
    """

    @custom_gradient
    def differentiable(x: Tensor) -> Any:
        def gradient(x: Tensor, *, upstream: Tensor) -> Tensor:
            return _core.multiply(upstream, derivative(x))

        return elementwise(function, x), gradient

    return lambda x: differentiable(as_float(x))
