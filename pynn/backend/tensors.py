"""Conversion between tensors, NumPy arrays and Python values."""

from typing import Any

import numpy as np

from pynn import _core
from pynn.backend import config
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
    if dtype is not None:
        return _core.tensor(x, standardize_dtype(dtype))
    if isinstance(x, (float, list, tuple)) and config.floatx() != "float32":
        return _from_python(x)
    return _core.tensor(x)


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


def _from_python(x: Any) -> _core.Tensor:
    """Tensor of a Python float or nested list when `floatx()` is not the engine's float32.

    Going through float32 first would lose digits when `floatx()` is float64.
    """
    if isinstance(x, float):
        return _core.tensor(x, config.floatx())
    tensor = _core.tensor(x)
    if tensor.dtype == "float32" and _holds_python_floats(x):
        return _core.tensor(x, config.floatx())
    return tensor


def _holds_python_floats(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return all(_holds_python_floats(item) for item in x)
    return isinstance(x, (bool, int, float)) and not isinstance(x, np.generic)
