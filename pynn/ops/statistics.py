"""Counts, histograms, distinct values, correlation."""

from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend.dtypes import INT_DTYPES
from pynn.backend.tensors import convert_to_numpy, convert_to_tensor
from pynn.ops.common import as_float, canonical_axis, promoted_float
from pynn.ops.host import on_host
from pynn.ops.symbolic import symbolic_op

__all__ = ["bincount", "corrcoef", "correlate", "histogram", "unique"]


@symbolic_op
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """Return how often each integer 0, 1, ... occurs in x (N,), or in each row of x (B, N).

    With `weights`, of x's shape, the sums of the weights. The number of results is the largest
    integer plus one, and `minlength` at least, so x must be known (not computed in a compiled
    step).

    Raises:
        TypeError: x has no integer dtype.
        ValueError: x has neither 1 nor 2 axes, an element is negative, or `sparse` is true.
        TraceError: called while a step is being traced.

    >>> pynn.ops.bincount([1, 2, 2, 4]).numpy()
    array([0, 1, 2, 0, 1], dtype=int32)
    """
    if sparse:
        raise ValueError("pynn.bincount: expected sparse=False; received sparse=True")
    x = convert_to_tensor(x)
    if x.dtype not in INT_DTYPES:
        raise TypeError(f"pynn.bincount: expected integers; received dtype={x.dtype}")
    values = convert_to_numpy(x).astype(np.int64)
    if values.ndim not in (1, 2) or values.min(initial=0) < 0:
        raise ValueError(
            "pynn.bincount: expected integers >= 0 of shape (N,) or (B, N); received "
            f"shape={x.shape}, smallest={values.min(initial=0)}"
        )
    length = max(int(values.max(initial=-1)) + 1, minlength)
    rows = values.reshape(-1, values.shape[-1]) if values.size else values.reshape(-1, 0)
    places = rows + np.arange(len(rows))[:, None] * length
    added = _core.full(x.shape, 1, "int32") if weights is None else convert_to_tensor(weights)
    zeros = _core.full((len(rows) * length,), 0, added.dtype)
    flat = _core.reshape(added, (added.size,))
    counts = _core.scatter_add(zeros, places.reshape(-1).astype(np.int32), flat, 0)
    return _core.reshape(counts, (*x.shape[:-1], length))


@symbolic_op
def histogram(x: Any, bins: int = 10, range: Any = None) -> tuple[Tensor, Tensor]:
    """Return how many elements of a 1-D x are in each of `bins` equal intervals, and the edges.

    The intervals span `range`, a pair, or else the smallest to the largest element. The last one
    includes its right edge.

    Raises:
        ValueError: x is not 1-D, `bins` no positive int, or `range` no ascending pair.

    >>> counts, edges = pynn.ops.histogram([1.0, 2.0, 2.5, 3.0], bins=2)
    >>> counts.numpy(), edges.numpy()
    (array([1., 3.], dtype=float32), array([1., 2., 3.], dtype=float32))
    """
    if not isinstance(bins, int) or isinstance(bins, bool) or bins <= 0:
        raise ValueError(f"pynn.histogram: expected bins to be a positive int; received {bins!r}")
    if range is not None and (len(range) != 2 or range[1] < range[0]):
        raise ValueError(f"pynn.histogram: expected range (low, high); received {range!r}")
    x = convert_to_tensor(x)
    if x.ndim != 1:
        raise ValueError(f"pynn.histogram: expected a 1-D array; received shape={x.shape}")
    dtype = as_float(x).dtype
    return on_host(
        lambda array: np.histogram(array, bins, range or None),
        [x],
        ((bins,), dtype),
        ((bins + 1,), dtype),
    )


@symbolic_op
def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """Return the distinct elements of x, or its distinct slices along `axis`, in ascending order.

    Then, as asked for: the index of the first occurrence of each, the place of each element of x
    among them, how often each occurs; all int32.

    Args:
        x: the tensor.
        sorted: False allows any order; it is the ascending one.
        return_index: whether to return first occurrences.
        return_inverse: whether to return places.
        return_counts: whether to return counts.
        axis: None flattens x.
        size: the number of results: more are cut off, fewer filled up. Needed where x is not
            known, in a compiled step.
        fill_value: what fills up; the smallest element by default.

    Raises:
        TraceError: there is no `size` while a step is being traced.

    >>> pynn.ops.unique([3, 1, 3, 2]).numpy()
    array([1, 2, 3], dtype=int32)
    """
    del sorted
    x = convert_to_tensor(x)
    axis = None if axis is None else canonical_axis("unique", axis, x.ndim)
    wanted = [True, return_index, return_inverse, return_counts]

    def found(array: np.ndarray) -> list[np.ndarray]:
        results = np.unique(array, True, True, True, axis=axis)
        # NumPy's versions differ in the shape of the inverse.
        inverse = results[2].reshape(array.shape if axis is None else -1)
        values, first, counts = (
            r if size is None else _resized(r, size, 0 if axis is None else a, filling)
            for r, a, filling in (
                (results[0], axis or 0, fill_value),
                (results[1], 0, results[1][:1]),
                (results[3], 0, 0),
            )
        )
        return [r for r, w in zip((values, first, inverse, counts), wanted, strict=True) if w]

    if size is None:
        dtypes = [x.dtype, *["int32"] * 3]
        arrays = found(convert_to_numpy(x))
        outputs = [_core.tensor(a, d) for a, d in zip(arrays, dtypes, strict=False)]
    else:
        shape = (size,) if axis is None else (*x.shape[:axis], size, *x.shape[axis + 1 :])
        inverse_shape = x.shape if axis is None else (x.shape[axis],)
        specs = [(shape, x.dtype), ((size,), "int32"), (inverse_shape, "int32"), ((size,), "int32")]
        chosen = [s for s, w in zip(specs, wanted, strict=True) if w]
        result = on_host(lambda a: found(a) if len(chosen) > 1 else found(a)[0], [x], *chosen)
        outputs = [result] if len(chosen) == 1 else list(result)
    return outputs[0] if len(outputs) == 1 else tuple(outputs)


def _resized(array: np.ndarray, size: int, axis: int, filling: Any) -> np.ndarray:
    """The first `size` slices along `axis`; `filling`, or the first slice, after too few."""
    array = array.take(range(min(size, array.shape[axis])), axis=axis)
    missing = size - array.shape[axis]
    if not missing:
        return array
    shape = (*array.shape[:axis], missing, *array.shape[axis + 1 :])
    extra = array.take([0], axis=axis) if filling is None else np.asarray(filling, array.dtype)
    return np.concatenate([array, np.broadcast_to(extra, shape)], axis=axis)


@symbolic_op
def corrcoef(x: Any) -> Tensor:
    """Return Pearson's correlation coefficients of the rows of x (variables, observations).

    >>> pynn.ops.corrcoef([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]).numpy().round(4)
    array([[ 1., -1.],
           [-1.,  1.]], dtype=float32)
    """
    x = as_float(x)
    rows = _core.reshape(x, (1, x.size)) if x.ndim < 2 else x
    centered = _core.subtract(rows, _core.mean(rows, [-1], True))
    products = _core.matmul(centered, _core.transpose(centered, [1, 0]))
    lengths = _core.sqrt(_core.sum(_core.square(centered), [-1], False))
    scales = _core.multiply(_core.expand_dims(lengths, [1]), lengths)
    result = _core.clip(_core.divide(products, scales), -1.0, 1.0)
    return _core.reshape(result, ()) if x.ndim < 2 else result


@symbolic_op
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Tensor:
    """Return the cross-correlation of two 1-D arrays: sums of products at every shift.

    `mode` is "valid" (whole overlaps), "same" (as long as the longer one, centered) or "full"
    (every overlap).

    Raises:
        ValueError: an array is not 1-D or is empty, or the mode is another one.

    >>> pynn.ops.correlate([1.0, 2.0, 3.0], [0.0, 1.0, 0.5]).numpy()
    array([3.5], dtype=float32)
    """
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"pynn.correlate: expected mode valid, same or full; received {mode!r}")
    x1, x2 = promoted_float(x1, x2)
    if x1.ndim != 1 or x2.ndim != 1 or not x1.size or not x2.size:
        raise ValueError(
            f"pynn.correlate: expected 1-D arrays with elements; received {x1.shape}, {x2.shape}"
        )
    swapped = x1.size < x2.size
    if swapped:  # exchanged, the shifts come in the reverse order
        x1, x2 = x2, x1
    edge = x2.size - 1
    padded = _core.pad(x1, [edge], [edge], 0)
    starts = np.arange(x1.size + edge, dtype=np.int32)
    windows = _core.take(padded, starts[:, None] + np.arange(x2.size, dtype=np.int32), 0)
    full = _core.matmul(windows, x2)
    full = full[::-1] if swapped else full
    if mode == "full":
        return full
    if mode == "valid":
        return full[edge : edge + x1.size - edge]
    start = edge // 2 if not swapped else edge - edge // 2
    return full[start : start + x1.size]
