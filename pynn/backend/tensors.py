"""Conversion between tensors, NumPy arrays and Python values."""

from typing import Any

import numpy as np

from pynn import _core
from pynn.backend.dtypes import standardize_dtype


def is_tensor(x: Any) -> bool:
    """Return whether `x` is a tensor of the engine.

    >>> pynn.ops.is_tensor(pynn.ops.ones((2,))), pynn.ops.is_tensor([1.0, 1.0])
    (True, False)
    """
    return isinstance(x, _core.Tensor)


def convert_to_tensor(x: Any, dtype: Any = None) -> _core.Tensor:
    """Return `x` (array, scalar, nested list, variable or tensor) as a tensor.

    A tensor of the right dtype is returned as it is. Python floats become `floatx()`, Python
    ints int32; NumPy arrays keep their dtype.

    Raises:
        TypeError: `x` cannot be converted.

    >>> pynn.ops.convert_to_tensor([1, 2, 3]).dtype
    'int32'
    """
    return _core.tensor(x, None if dtype is None else standardize_dtype(dtype))


def convert_to_numpy(x: Any) -> np.ndarray:
    """Return `x` as a NumPy array; the array of a tensor shares its memory and is read-only.

    Raises:
        TraceError: `x` is traced, so that it has no value yet.

    >>> pynn.ops.convert_to_numpy(pynn.ops.zeros((2,)))
    array([0., 0.], dtype=float32)
    """
    if isinstance(x, np.ndarray):
        return x
    if isinstance(x, _core.Tensor):
        return x.numpy()
    return convert_to_tensor(x).numpy()


def cast(x: Any, dtype: Any) -> _core.Tensor:
    """Return `x` converted to `dtype`.

    Float to integer truncates towards zero; anything to bool is `x != 0`.

    >>> pynn.ops.cast([1.5, -1.5], "int32").numpy()
    array([ 1, -1], dtype=int32)
    """
    return _core.cast(x, standardize_dtype(dtype))
