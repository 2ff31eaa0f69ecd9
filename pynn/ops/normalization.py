"""Normalizations, moments and encodings of classes."""

import math
from typing import Any

from pynn import _core
from pynn._core import Tensor
from pynn.backend import config
from pynn.backend.dtypes import LARGEST_FLOAT, result_type, standardize_dtype
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import Axis, as_float, axes_of, canonical_axes, canonical_axis
from pynn.ops.norms import norm
from pynn.ops.symbolic import symbolic_op
from pynn.ops.transcendental import log10

__all__ = [
    "batch_normalization", "layer_normalization", "moments", "multi_hot", "normalize", "one_hot",
    "psnr", "rms_normalization",
]  # fmt: skip


@symbolic_op
def moments(
    x: Any, axes: Axis, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """Return mean and variance over `axes`. 16-bit floats are computed in float32.

    Raises:
        ValueError: `synchronized` is true: there is one replica.

    >>> [float(m) for m in pynn.ops.moments([1.0, 3.0], axes=[0])]
    [2.0, 1.0]
    """
    if synchronized:
        raise ValueError("pynn.moments: expected synchronized=False; received True")
    x = as_float(x)
    reduced = axes_of(axes)
    if x.dtype not in ("float16", "bfloat16"):
        return _core.moments(x, reduced, keepdims)
    wide, limit = _core.cast(x, "float32"), LARGEST_FLOAT[x.dtype]
    mean, variance = _core.moments(wide, reduced, keepdims)
    return (
        _core.cast(_core.clip(mean, -limit, limit), x.dtype),
        _core.cast(_core.clip(variance, -limit, limit), x.dtype),
    )


@symbolic_op
def normalize(x: Any, axis: Axis = -1, order: int = 2, epsilon: float | None = None) -> Tensor:
    """Return x / max(norm(x), epsilon), the norm of order `order` being over `axis`.

    Raises:
        ValueError: `order` is not an integer >= 1.

    >>> pynn.ops.normalize([3.0, 4.0]).numpy()
    array([0.6, 0.8], dtype=float32)
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"pynn.normalize: expected an integer order >= 1; received {order!r}")
    x = as_float(x)
    if x.ndim == 0:
        x = _core.expand_dims(x, [0])
    epsilon = config.epsilon() if epsilon is None else epsilon
    if order != 2:
        return _core.divide(x, _core.maximum(norm(x, order, axis, True), epsilon))
    # The bound goes under the root, so that the gradient at x = 0 is not NaN.
    squares = _core.sum(_core.square(x), axes_of(axis), True)
    return _core.multiply(x, _core.rsqrt(_core.maximum(squares, epsilon * epsilon)))


@symbolic_op
def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Tensor:
    """Return (x - mean) / sqrt(variance + epsilon) * scale + offset (Ioffe and Szegedy, 2015).

    `mean`, `variance`, `offset` and `scale` are 1-D of the size of `axis`.

    >>> pynn.ops.batch_normalization([[1.0, 5.0]], [0.0, 3.0], [1.0, 4.0], -1, epsilon=0.0).numpy()
    array([[1., 1.]], dtype=float32)
    """
    x = as_float(x)
    axis = canonical_axis("batch_normalization", axis, x.ndim)
    factor = _core.rsqrt(_core.add(variance, epsilon))
    if scale is not None:
        factor = _core.multiply(factor, scale)
    if axis == x.ndim - 1:
        if offset is None:
            offset = _core.cast([0.0] * x.shape[axis], factor.dtype)
        return _core.batch_norm(x, mean, factor, offset)
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    mean, factor = _core.reshape(mean, shape), _core.reshape(factor, shape)
    result = _core.multiply(_core.subtract(x, mean), factor)
    return result if offset is None else _core.add(result, _core.reshape(offset, shape))


@symbolic_op
def layer_normalization(
    x: Any,
    gamma: Any = None,
    beta: Any = None,
    axis: Axis = -1,
    epsilon: float | None = None,
    **kwargs: Any,
) -> Tensor:
    """Return (x - mean) / sqrt(variance + epsilon) * gamma + beta over `axis` (Ba et al., 2016).

    `gamma` and `beta` have the shape of the normalized axes. Computed in float32 at least.

    Raises:
        TypeError: an unknown keyword is given.

    >>> pynn.ops.layer_normalization([1.0, 3.0], epsilon=0.0).numpy()
    array([-1.,  1.], dtype=float32)
    """
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(
            f"pynn.layer_normalization: expected known keywords; received {sorted(kwargs)}"
        )
    x, dtype = _wide(x)
    last = axis == -1 and x.ndim > 0  # the usual case costs no look at axes
    axes = [x.ndim - 1] if last else canonical_axes("layer_normalization", axis, x.ndim)
    if not rms_scaling and (last or axes == list(range(x.ndim - len(axes), x.ndim))):
        result = _normalize_rows(x, len(axes), gamma, beta, _epsilon(epsilon))
        return result if x.dtype == dtype else _core.cast(result, dtype)
    shape = [n if a in axes else 1 for a, n in enumerate(x.shape)]
    variance = _core.variance(x, axes, True)
    factor = _core.rsqrt(_core.add(variance, _epsilon(epsilon)))
    if gamma is not None:
        factor = _core.multiply(factor, _core.reshape(_core.cast(gamma, x.dtype), shape))
    if rms_scaling:
        return _core.cast(_core.multiply(x, factor), dtype)
    centred = _core.multiply(_core.subtract(x, _core.mean(x, axes, True)), factor)
    if beta is not None:
        centred = _core.add(centred, _core.reshape(_core.cast(beta, x.dtype), shape))
    return _core.cast(centred, dtype)


@symbolic_op
def rms_normalization(
    x: Any, scale: Any = None, axis: Axis = -1, epsilon: float | None = None
) -> Tensor:
    """Return x / sqrt(mean(x**2) + epsilon) * scale over `axis` (Zhang and Sennrich, 2019).

    Computed in float32 at least.

    >>> pynn.ops.rms_normalization([3.0, 4.0], epsilon=0.0).numpy().round(4)
    array([0.8485, 1.1314], dtype=float32)
    """
    x, dtype = _wide(x)
    scale = None if scale is None else convert_to_tensor(scale)
    if x.ndim == 0:
        x = _core.expand_dims(x, [0])
    axes = canonical_axes("rms_normalization", axis, x.ndim)
    if list(axes) == [x.ndim - 1] and (scale is None or tuple(scale.shape) == x.shape[-1:]):
        return _core.cast(_core.rms_norm(x, scale, _epsilon(epsilon)), dtype)
    squares = _core.mean(_core.square(x), axes, True)
    result = _core.multiply(x, _core.rsqrt(_core.add(squares, _epsilon(epsilon))))
    if scale is not None:
        result = _core.multiply(result, _core.cast(scale, x.dtype))
    return _core.cast(result, dtype)


def _normalize_rows(x: Tensor, axes: int, gamma: Any, beta: Any, epsilon: float) -> Tensor:
    """Normalize over the last `axes` axes as if they were one."""
    kept = x.ndim - axes  # the size is computed: of an empty batch -1 would say nothing
    rows = _core.reshape(x, (*x.shape[:kept], math.prod(x.shape[kept:]))) if axes > 1 else x
    result = _core.layer_norm(rows, _flat(gamma), _flat(beta), epsilon)
    return _core.reshape(result, x.shape) if axes > 1 else result


def _flat(x: Any) -> Any:
    """X as a vector, or None."""
    return x if x is None or (isinstance(x, Tensor) and x.ndim == 1) else _core.reshape(x, [-1])


def _wide(x: Any) -> tuple[Tensor, str]:
    """X in float32 at least, and the dtype of the result."""
    x = convert_to_tensor(x)
    dtype = x.dtype
    if dtype in ("float32", "float64"):
        return x, dtype
    return _core.cast(x, result_type(dtype, "float32")), dtype


def _epsilon(epsilon: float | None) -> float:
    return config.epsilon() if epsilon is None else epsilon


@symbolic_op
def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Tensor:
    """Return 1 at the place of each integer class along a new axis, 0 elsewhere.

    A class that is not in [0, num_classes) gives zeros only.

    Raises:
        ValueError: `sparse` is true: tensors are dense.

    >>> pynn.ops.one_hot([0, 2], 3).numpy()
    array([[1., 0., 0.],
           [0., 0., 1.]], dtype=float32)
    """
    if sparse:
        raise ValueError("pynn.one_hot: expected sparse=False; received True")
    indices = convert_to_tensor(x)
    if "int" not in indices.dtype:
        indices = _core.cast(indices, "int32")
    encoded = _core.one_hot(indices, num_classes, standardize_dtype(dtype))
    last = indices.ndim
    axis = canonical_axis("one_hot", axis, last + 1)
    if axis == last:
        return encoded
    return _core.transpose(encoded, [*range(axis), last, *range(axis, last)])


@symbolic_op
def multi_hot(
    inputs: Any,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
    **kwargs: Any,
) -> Tensor:
    """Return 1 at every class that occurs in a row: (N, L) gives (N, num_classes).

    A 1-D input is one row. `num_tokens` is an older name of `num_classes`.

    Raises:
        ValueError: `num_classes` is missing, or `sparse` is true.
        TypeError: an unknown keyword is given.

    >>> pynn.ops.multi_hot([[0, 2], [1, 1]], 3).numpy()
    array([[1., 0., 1.],
           [0., 1., 0.]], dtype=float32)
    """
    num_classes = kwargs.pop("num_tokens", num_classes)
    if kwargs:
        raise TypeError(f"pynn.multi_hot: expected known keywords; received {sorted(kwargs)}")
    if num_classes is None:
        raise ValueError("pynn.multi_hot: expected num_classes; received None")
    inputs = convert_to_tensor(inputs)
    encoded = one_hot(inputs, num_classes, axis, dtype, sparse)
    return _core.max(encoded, [1 if inputs.ndim > 1 else 0], False)


@symbolic_op
def psnr(x1: Any, x2: Any, max_val: float) -> Tensor:
    """Return the peak signal-to-noise ratio in decibels of two signals of one shape.

    20 * log10(max_val) - 10 * log10(mean((x1 - x2)**2)); `max_val` is the largest possible value.

    Raises:
        ValueError: the shapes differ.

    >>> pynn.ops.psnr([1.0, 2.0], [1.0, 1.0], max_val=2.0).numpy().round(4)
    np.float32(9.0309)
    """
    x1, x2 = as_float(x1), as_float(x2)
    if x1.shape != x2.shape:
        raise ValueError(f"pynn.psnr: expected one shape; received {x1.shape} and {x2.shape}")
    error = _core.mean(_core.square(_core.subtract(x1, x2)), None, False)
    peak = _core.multiply(log10(_core.tensor(max_val, x2.dtype)), 20.0)
    return _core.subtract(peak, _core.multiply(log10(error), 10.0))
