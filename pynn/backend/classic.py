"""The functions of tensors that `keras.backend` (`K.sum`, `K.square`, ...) had before Keras 3.

Most are functions of `pynn.ops` under the same name; the others are here. Own losses and metrics
written for older Keras call them.
"""

import math
from collections.abc import Callable
from typing import Any

from pynn import ops
from pynn._core import Tensor

# The same, under the same name and with the same defaults.
SAME = frozenset([
    "abs", "all", "any", "arange", "clip", "cos", "dot", "dtype", "elu", "equal", "exp", "eye",
    "greater", "greater_equal", "hard_sigmoid", "less", "less_equal", "log", "logsumexp", "max",
    "maximum", "mean", "min", "minimum", "ndim", "not_equal", "one_hot", "ones", "ones_like",
    "prod", "reshape", "round", "shape", "sigmoid", "sign", "sin", "softmax", "softplus",
    "softsign", "square", "squeeze", "stack", "std", "stop_gradient", "sum", "tanh", "tile", "var",
    "zeros", "zeros_like",
])  # fmt: skip


def find(name: str) -> Callable[..., Any] | None:
    """Return the classic function of that name; None if there is none.

    >>> find("square") is pynn.ops.square, find("no_such_function")
    (True, None)
    """
    if name in SAME:
        return getattr(ops, name)
    function = globals().get(name)
    is_own = name != "find" and getattr(function, "__module__", None) == __name__
    return function if is_own else None


def argmax(x: Any, axis: int = -1) -> Tensor:
    """Return the index of the first maximum along `axis`, the last one by default.

    >>> pynn.backend.argmax([[1, 5], [7, 2]]).numpy()
    array([1, 0], dtype=int32)
    """
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Tensor:
    """Return the index of the first minimum along `axis`, the last one by default.

    >>> pynn.backend.argmin([[1, 5], [7, 2]]).numpy()
    array([0, 1], dtype=int32)
    """
    return ops.argmin(x, axis)


def batch_flatten(x: Any) -> Tensor:
    """Return x with all axes but the first made one.

    >>> pynn.backend.batch_flatten(np.ones((2, 3, 4))).shape
    (2, 12)
    """
    x = ops.convert_to_tensor(x)
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


def concatenate(tensors: Any, axis: int = -1) -> Tensor:
    """Return the tensors joined along `axis`, the last one by default.

    >>> pynn.backend.concatenate([[[1], [2]], [[3], [4]]]).numpy()
    array([[1, 3],
           [2, 4]], dtype=int32)
    """
    return ops.concatenate(tensors, axis)


def expand_dims(x: Any, axis: int = -1) -> Tensor:
    """Return x with a new axis of size 1, the last one by default.

    >>> pynn.backend.expand_dims([1, 2]).shape
    (2, 1)
    """
    return ops.expand_dims(x, axis)


def flatten(x: Any) -> Tensor:
    """Return x with all axes made one.

    >>> pynn.backend.flatten([[1, 2], [3, 4]]).numpy()
    array([1, 2, 3, 4], dtype=int32)
    """
    return ops.ravel(x)


def gather(reference: Any, indices: Any) -> Tensor:
    """Return the rows of `reference` at `indices`.

    >>> pynn.backend.gather([[1, 2], [3, 4]], [1]).numpy()
    array([[3, 4]], dtype=int32)
    """
    return ops.take(reference, indices, axis=0)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """Return the shape of x; None where a symbolic one is not known.

    >>> pynn.backend.int_shape(pynn.Input((3,)))
    (None, 3)
    """
    return tuple(ops.shape(x))


def permute_dimensions(x: Any, pattern: Any) -> Tensor:
    """Return x with its axes in the order of `pattern`.

    >>> pynn.backend.permute_dimensions(np.ones((2, 3)), (1, 0)).shape
    (3, 2)
    """
    return ops.transpose(x, pattern)


def pow(x: Any, a: Any) -> Tensor:
    """Return x to the power a.

    >>> pynn.backend.pow([2.0, 3.0], 2).numpy()
    array([4., 9.], dtype=float32)
    """
    return ops.power(x, a)


def sqrt(x: Any) -> Tensor:
    """Return the square root, and 0 of what is negative.

    >>> pynn.backend.sqrt([4.0, -1.0]).numpy()
    array([2., 0.], dtype=float32)
    """
    return ops.sqrt(ops.maximum(x, 0))


def transpose(x: Any) -> Tensor:
    """Return x with its axes in reverse order.

    >>> pynn.backend.transpose(np.ones((2, 3))).shape
    (3, 2)
    """
    return ops.transpose(x)
