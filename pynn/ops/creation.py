"""New tensors from shapes, ranges and formulas."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend import config
from pynn.backend.dtypes import (
    FLOAT_DTYPES,
    numpy_dtype,
    result_type,
    standardize_dtype,
)
from pynn.backend.tensors import convert_to_numpy, convert_to_tensor
from pynn.ops.common import (
    broadcast_shape,
    canonical_axis,
    is_static,
    promoted_float,
    weak_dtype,
)
from pynn.ops.symbolic import symbolic_op

__all__ = [
    "arange", "array", "bartlett", "blackman", "empty", "empty_like", "eye", "full", "full_like",
    "geomspace", "hamming", "hanning", "identity", "kaiser", "linspace", "logspace", "meshgrid",
    "ones", "ones_like", "tri", "zeros", "zeros_like",
]  # fmt: skip

Shape = int | Sequence[int]


def zeros(shape: Shape, dtype: Any = None) -> Tensor:
    """Return zeros; `dtype` defaults to `floatx()`.

    >>> pynn.ops.zeros((2, 2)).numpy()
    array([[0., 0.],
           [0., 0.]], dtype=float32)
    """
    return _core.full(_shape(shape), 0, standardize_dtype(dtype))


def ones(shape: Shape, dtype: Any = None) -> Tensor:
    """Return ones; `dtype` defaults to `floatx()`.

    >>> pynn.ops.ones((3,), dtype="int32").numpy()
    array([1, 1, 1], dtype=int32)
    """
    return _core.full(_shape(shape), 1, standardize_dtype(dtype))


def empty(shape: Shape, dtype: Any = None) -> Tensor:
    """Return a tensor whose values are not promised; they are zeros.

    >>> pynn.ops.empty((2, 3)).shape
    (2, 3)
    """
    return zeros(shape, dtype)


@symbolic_op
def full(shape: Shape, fill_value: Any, dtype: Any = None) -> Tensor:
    """Return a tensor filled with a value; `dtype` defaults to `floatx()`.

    `fill_value` is a scalar, or a tensor that broadcasts to `shape`.

    >>> pynn.ops.full((2,), 7.0).numpy()
    array([7., 7.], dtype=float32)
    """
    dtype = standardize_dtype(dtype)
    if isinstance(fill_value, (bool, int, float)):
        return _core.full(_shape(shape), fill_value, dtype)
    return _core.broadcast_to(_core.tensor(fill_value, dtype), _shape(shape))


@symbolic_op
def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Return zeros of x's shape and, unless `dtype` is given, x's dtype.

    >>> pynn.ops.zeros_like([1, 2]).numpy()
    array([0, 0], dtype=int32)
    """
    return _filled_like(x, 0, dtype)


@symbolic_op
def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Return ones of x's shape and, unless `dtype` is given, x's dtype.

    >>> pynn.ops.ones_like([1.5, 2.5]).numpy()
    array([1., 1.], dtype=float32)
    """
    return _filled_like(x, 1, dtype)


@symbolic_op
def empty_like(x: Any, dtype: Any = None) -> Tensor:
    """Return a tensor like x whose values are not promised; they are zeros.

    >>> pynn.ops.empty_like([[1, 2]]).shape
    (1, 2)
    """
    return _filled_like(x, 0, dtype)


@symbolic_op
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """Return a tensor filled with a value, of x's shape and, unless given, x's dtype.

    >>> pynn.ops.full_like([1, 2], 7).numpy()
    array([7, 7], dtype=int32)
    """
    x = convert_to_tensor(x)
    return full(x.shape, fill_value, x.dtype if dtype is None else dtype)


def _filled_like(x: Any, value: int, dtype: Any) -> Tensor:
    x = convert_to_tensor(x)
    return _core.full(x.shape, value, x.dtype if dtype is None else standardize_dtype(dtype))


@symbolic_op
def array(x: Any, dtype: Any = None) -> Tensor:
    """Return x as a tensor: another name of `convert_to_tensor`.

    >>> pynn.ops.array([1, 2]).numpy()
    array([1, 2], dtype=int32)
    """
    return convert_to_tensor(x, dtype)


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    """Return evenly spaced numbers from `start` (0 if alone) up to, not including, `stop`.

    `dtype` follows the arguments: int32 for ints, `floatx()` for floats.

    >>> pynn.ops.arange(3).numpy()
    array([0, 1, 2], dtype=int32)
    >>> pynn.ops.arange(1, 2, 0.5).numpy()
    array([1. , 1.5], dtype=float32)
    """
    given = [v for v in (start, stop, step) if v is not None]
    dtype = result_type(*map(weak_dtype, given)) if dtype is None else standardize_dtype(dtype)
    values = [v if isinstance(v, (int, float)) else convert_to_numpy(v).item() for v in given]
    if stop is None and step is not None:
        values.insert(0, 0)
    return _core.tensor(np.arange(*values), dtype)


@symbolic_op
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Return `num` evenly spaced numbers from `start` to `stop`.

    Arrays as ends give arrays along a new axis `axis`. With `retstep`: (numbers, step).

    >>> pynn.ops.linspace(0.0, 1.0, 5).numpy()
    array([0.  , 0.25, 0.5 , 0.75, 1.  ], dtype=float32)
    """
    out_dtype = _spaced_dtype(start, stop, dtype)
    if is_static(start, stop):
        first, last = _host(start), _host(stop)
        values, step = np.linspace(first, last, num, endpoint, retstep=True, axis=axis)
        spaced = _core.tensor(values if out_dtype in FLOAT_DTYPES else np.floor(values))
    else:
        spaced, step = _linspace_of_tensors(start, stop, num, endpoint, axis)
        spaced = spaced if out_dtype in FLOAT_DTYPES else _core.floor(spaced)
    spaced = _core.cast(spaced, out_dtype)
    return (spaced, _core.cast(step, out_dtype)) if retstep else spaced


def _linspace_of_tensors(
    start: Any, stop: Any, num: int, endpoint: bool, axis: int
) -> tuple[Tensor, Tensor]:
    """Points between ends that may be traced, and the step between them."""
    start, stop = promoted_float(start, stop)
    intervals = num - 1 if endpoint else num
    width = _core.subtract(stop, start)
    shape = broadcast_shape("linspace", start.shape, stop.shape)
    place = canonical_axis("linspace", axis, len(shape) + 1)
    fractions = np.arange(num) / max(intervals, 1)
    fractions = fractions.reshape([-1 if a == place else 1 for a in range(len(shape) + 1)])
    start, spread = (
        _core.expand_dims(_core.broadcast_to(x, shape), [place]) for x in (start, width)
    )
    points = _core.add(start, _core.multiply(spread, _core.tensor(fractions, start.dtype)))
    return points, _core.divide(width, float(max(intervals, 1)))


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10,
    dtype: Any = None,
    axis: int = 0,
) -> Tensor:
    """Return `num` numbers from base**start to base**stop, evenly spaced in the exponent.

    >>> pynn.ops.logspace(0, 2, 3).numpy()
    array([  1.,  10., 100.], dtype=float32)
    """
    values = np.logspace(_host(start), _host(stop), num, endpoint, base=_host(base), axis=axis)
    return _core.tensor(values, _spaced_dtype(start, stop, dtype))


def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Tensor:
    """Return `num` numbers from `start` to `stop`, each a constant multiple of the one before.

    >>> pynn.ops.geomspace(1, 100, 3).numpy()
    array([  1.,  10., 100.], dtype=float32)
    """
    values = np.geomspace(_host(start), _host(stop), num, endpoint, axis=axis)
    return _core.tensor(values, _spaced_dtype(start, stop, dtype))


def _spaced_dtype(start: Any, stop: Any, dtype: Any) -> str:
    if dtype is not None:
        return standardize_dtype(dtype)
    return result_type(weak_dtype(start), weak_dtype(stop), float)


def _host(x: Any) -> np.ndarray:
    return np.asarray(convert_to_numpy(x) if isinstance(x, _core.Tensor) else x, np.float64)


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Return the (N, M) matrix with ones on the k-th diagonal; M defaults to N.

    >>> pynn.ops.eye(2).numpy()
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    name = standardize_dtype(dtype)
    columns = None if M is None else operator.index(M)
    return _core.from_numpy(np.eye(operator.index(N), columns, k, dtype=numpy_dtype(name)))


def identity(n: int, dtype: Any = None) -> Tensor:
    """Return the (n, n) identity matrix.

    >>> pynn.ops.identity(2).numpy()
    array([[1., 0.],
           [0., 1.]], dtype=float32)
    """
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Return the (N, M) matrix with ones on and below the k-th diagonal; M defaults to N.

    >>> pynn.ops.tri(2).numpy()
    array([[1., 0.],
           [1., 1.]], dtype=float32)
    """
    columns = None if M is None else operator.index(M)
    return _core.tensor(np.tri(operator.index(N), columns, k), standardize_dtype(dtype))


@symbolic_op
def meshgrid(*x: Any, indexing: str = "xy") -> list[Tensor]:
    """Return coordinate arrays of the grid spanned by 1-D arrays.

    With `indexing="xy"` the first two axes of the results are exchanged, as in plots.

    Raises:
        ValueError: `indexing` is not "xy" or "ij".

    >>> [grid.numpy() for grid in pynn.ops.meshgrid([1, 2], [3, 4])]
    [array([[1, 2],
           [1, 2]], dtype=int32), array([[3, 3],
           [4, 4]], dtype=int32)]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"pynn.meshgrid: expected indexing 'xy' or 'ij'; received {indexing!r}")
    vectors = [convert_to_tensor(v) for v in x]
    places = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        places[:2] = [1, 0]
    shape = [0] * len(vectors)
    for place, v in zip(places, vectors, strict=True):
        shape[place] = v.size
    return [
        _core.broadcast_to(
            _core.reshape(v, [-1 if a == p else 1 for a in range(len(shape))]), shape
        )
        for p, v in zip(places, vectors, strict=True)
    ]


def bartlett(x: Any) -> Tensor:
    """Return the Bartlett (triangular) window of `x` points.

    >>> pynn.ops.bartlett(5).numpy()
    array([0. , 0.5, 1. , 0.5, 0. ], dtype=float32)
    """
    return _window(np.bartlett, x)


def blackman(x: Any) -> Tensor:
    """Return the Blackman window of `x` points.

    >>> pynn.ops.blackman(5).numpy().round(3)
    array([-0.  ,  0.34,  1.  ,  0.34, -0.  ], dtype=float32)
    """
    return _window(np.blackman, x)


def hamming(x: Any) -> Tensor:
    """Return the Hamming window of `x` points.

    >>> pynn.ops.hamming(5).numpy().round(3)
    array([0.08, 0.54, 1.  , 0.54, 0.08], dtype=float32)
    """
    return _window(np.hamming, x)


def hanning(x: Any) -> Tensor:
    """Return the Hann window of `x` points.

    >>> pynn.ops.hanning(5).numpy()
    array([0. , 0.5, 1. , 0.5, 0. ], dtype=float32)
    """
    return _window(np.hanning, x)


def kaiser(x: Any, beta: Any) -> Tensor:
    """Return the Kaiser window of `x` points with shape parameter `beta`.

    >>> pynn.ops.kaiser(5, 2.0).numpy().round(3)
    array([0.439, 0.835, 1.   , 0.835, 0.439], dtype=float32)
    """
    return _core.tensor(np.kaiser(int(x), float(beta)), config.floatx())


def _window(function: Any, x: Any) -> Tensor:
    return _core.tensor(function(int(x)), config.floatx())


def _shape(shape: Shape) -> tuple[int, ...]:
    if isinstance(shape, (list, tuple)):
        return tuple(operator.index(n) for n in shape)
    return (operator.index(shape),)  # type: ignore[arg-type]  # what is left is an int
