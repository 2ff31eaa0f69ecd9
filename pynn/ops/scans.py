"""Running sums and products."""

from typing import Any

from pynn import _core
from pynn._core import Tensor
from pynn.backend.dtypes import FLOAT_DTYPES, standardize_dtype
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.associative import associative_scan
from pynn.ops.common import canonical_axis
from pynn.ops.symbolic import symbolic_op

__all__ = ["cumprod", "cumsum", "nancumprod", "nancumsum"]


@symbolic_op
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Return the running sums along `axis`, or of the flattened x.

    >>> pynn.ops.cumsum([1, 2, 3]).numpy()
    array([1, 3, 6], dtype=int32)
    """
    return _running("cumsum", _core.add, x, axis, dtype)


@symbolic_op
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Return the running products along `axis`, or of the flattened x.

    >>> pynn.ops.cumprod([1, 2, 3]).numpy()
    array([1, 2, 6], dtype=int32)
    """
    return _running("cumprod", _core.multiply, x, axis, dtype)


@symbolic_op
def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Return the running sums along `axis`, or of the flattened x, NaN counting as 0.

    >>> pynn.ops.nancumsum([1.0, np.nan, 3.0]).numpy()
    array([1., 1., 4.], dtype=float32)
    """
    return _running("nancumsum", _core.add, _without_nan(x, 0), axis, dtype)


@symbolic_op
def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Return the running products along `axis`, or of the flattened x, NaN counting as 1.

    >>> pynn.ops.nancumprod([2.0, np.nan, 3.0]).numpy()
    array([2., 2., 6.], dtype=float32)
    """
    return _running("nancumprod", _core.multiply, _without_nan(x, 1), axis, dtype)


def _running(who: str, combine: Any, x: Any, axis: int | None, dtype: Any) -> Tensor:
    x = convert_to_tensor(x)
    name = x.dtype if dtype is None else standardize_dtype(dtype)
    x = _core.cast(x, "int32" if name == "bool" else name)
    if axis is None:
        x, axis = _core.reshape(x, (x.size,)), 0
    return associative_scan(combine, x, axis=canonical_axis(who, axis, x.ndim))


def _without_nan(x: Any, value: float) -> Tensor:
    x = convert_to_tensor(x)
    return _core.where(_core.isnan(x), value, x) if x.dtype in FLOAT_DTYPES else x
