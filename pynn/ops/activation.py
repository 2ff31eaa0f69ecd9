"""Activation functions. Integers are computed in `floatx()`."""

from typing import Any

from pynn import _core
from pynn._core import Tensor
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import Axis, as_float, as_number, axes_of, canonical_axes, canonical_axis
from pynn.ops.symbolic import engine_op, symbolic_op

__all__ = [
    "celu", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish",
    "hard_tanh", "leaky_relu", "log_sigmoid", "log_softmax", "relu", "relu6", "selu", "sigmoid",
    "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid",
    "sparsemax", "squareplus", "swish", "tanh_shrink", "threshold",
]  # fmt: skip

# The fixed point of Klambauer et al., "Self-normalizing neural networks", 2017.
_SELU_ALPHA = 1.6732632423543772
_SELU_SCALE = 1.0507009873554805


@engine_op(_core.relu)
def relu(x: Any) -> Tensor:
    """Return max(x, 0).

    >>> pynn.ops.relu([-1.0, 2.0]).numpy()
    array([0., 2.], dtype=float32)
    """
    return _core.relu(as_number(x))


@symbolic_op
def relu6(x: Any) -> Tensor:
    """Return x limited to [0, 6].

    >>> pynn.ops.relu6([-1.0, 2.0, 8.0]).numpy()
    array([0., 2., 6.], dtype=float32)
    """
    return _core.clip(as_float(x), 0.0, 6.0)


@symbolic_op
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """Return x where x > 0, else negative_slope * x.

    >>> pynn.ops.leaky_relu([-1.0, 2.0]).numpy()
    array([-0.2,  2. ], dtype=float32)
    """
    return _core.leaky_relu(as_float(x), negative_slope)


@symbolic_op
def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """Return x where x > 0, else alpha * (exp(x) - 1) (Clevert et al., 2016).

    >>> pynn.ops.elu([-1.0, 2.0]).numpy().round(4)
    array([-0.6321,  2.    ], dtype=float32)
    """
    return _core.elu(as_float(x), alpha)


@symbolic_op
def selu(x: Any) -> Tensor:
    """Return 1.0507 * elu(x, 1.67326), which keeps mean and variance (Klambauer et al., 2017).

    >>> pynn.ops.selu([-1.0, 2.0]).numpy().round(4)
    array([-1.1113,  2.1014], dtype=float32)
    """
    return _core.multiply(_core.elu(as_float(x), _SELU_ALPHA), _SELU_SCALE)


@symbolic_op
def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """Return x where x > 0, else alpha * (exp(x / alpha) - 1) (Barron, 2017).

    >>> pynn.ops.celu([-1.0, 2.0], alpha=2.0).numpy().round(4)
    array([-0.7869,  2.    ], dtype=float32)
    """
    x = as_float(x)
    if alpha == 1.0:
        return _core.elu(x, 1.0)
    negative = _core.multiply(_core.elu(_core.divide(x, alpha), 1.0), alpha)
    return _core.where(_core.greater(x, 0), x, negative)


@symbolic_op
def gelu(x: Any, approximate: bool = True) -> Tensor:
    """Return x * P(X <= x) for a standard normal X (Hendrycks and Gimpel, 2016).

    `approximate` uses tanh instead of erf; the difference is below 5e-4.

    >>> pynn.ops.gelu([-1.0, 2.0]).numpy().round(4)
    array([-0.1588,  1.9546], dtype=float32)
    """
    return _core.gelu(as_float(x), bool(approximate))


@engine_op(_core.sigmoid)
def sigmoid(x: Any) -> Tensor:
    """Return 1 / (1 + exp(-x)).

    >>> pynn.ops.sigmoid([-1.0, 0.0]).numpy().round(4)
    array([0.2689, 0.5   ], dtype=float32)
    """
    return _core.sigmoid(as_float(x))


@engine_op(_core.silu)
def silu(x: Any) -> Tensor:
    """Return x * sigmoid(x) (Elfwing et al., 2017).

    >>> pynn.ops.silu([-1.0, 2.0]).numpy().round(4)
    array([-0.2689,  1.7616], dtype=float32)
    """
    return _core.silu(as_float(x))


@engine_op(_core.silu)
def swish(x: Any) -> Tensor:
    """Return x * sigmoid(x): another name of `silu` (Ramachandran et al., 2017).

    >>> pynn.ops.swish([-1.0, 2.0]).numpy().round(4)
    array([-0.2689,  1.7616], dtype=float32)
    """
    return _core.silu(as_float(x))


@symbolic_op
def log_sigmoid(x: Any) -> Tensor:
    """Return log(sigmoid(x)) without underflow.

    >>> pynn.ops.log_sigmoid([-1000.0, 0.0]).numpy().round(4)
    array([-1.000e+03, -6.931e-01], dtype=float32)
    """
    return _core.negative(_core.softplus(_core.negative(as_float(x))))


@engine_op(_core.softplus)
def softplus(x: Any) -> Tensor:
    """Return log(1 + exp(x)) without overflow.

    >>> pynn.ops.softplus([-1.0, 1000.0]).numpy().round(4)
    array([3.133e-01, 1.000e+03], dtype=float32)
    """
    return _core.softplus(as_float(x))


@symbolic_op
def softsign(x: Any) -> Tensor:
    """Return x / (1 + |x|).

    >>> pynn.ops.softsign([-1.0, 3.0]).numpy()
    array([-0.5 ,  0.75], dtype=float32)
    """
    x = as_float(x)
    return _core.divide(x, _core.add(_core.abs(x), 1.0))


@symbolic_op
def hard_sigmoid(x: Any) -> Tensor:
    """Return x / 6 + 1/2 limited to [0, 1].

    >>> pynn.ops.hard_sigmoid([-4.0, 0.0, 1.5]).numpy()
    array([0.  , 0.5 , 0.75], dtype=float32)
    """
    return _hard_sigmoid(as_float(x))


def _hard_sigmoid(x: Tensor) -> Tensor:
    return _core.divide(_core.clip(_core.add(x, 3.0), 0.0, 6.0), 6.0)


@symbolic_op
def hard_silu(x: Any) -> Tensor:
    """Return x * hard_sigmoid(x) (Howard et al., "MobileNetV3", 2019).

    >>> pynn.ops.hard_silu([-4.0, 0.0, 3.0]).numpy()
    array([-0.,  0.,  3.], dtype=float32)
    """
    x = as_float(x)
    return _core.multiply(x, _hard_sigmoid(x))


@symbolic_op
def hard_swish(x: Any) -> Tensor:
    """Return x * hard_sigmoid(x): another name of `hard_silu`.

    >>> pynn.ops.hard_swish([-4.0, 0.0, 3.0]).numpy()
    array([-0.,  0.,  3.], dtype=float32)
    """
    x = as_float(x)
    return _core.multiply(x, _hard_sigmoid(x))


@symbolic_op
def hard_tanh(x: Any) -> Tensor:
    """Return x limited to [-1, 1].

    >>> pynn.ops.hard_tanh([-2.0, 0.5, 2.0]).numpy()
    array([-1. ,  0.5,  1. ], dtype=float32)
    """
    return _core.clip(as_number(x), -1, 1)


@symbolic_op
def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """Return x where |x| > threshold, else 0.

    >>> pynn.ops.hard_shrink([-0.3, 0.7]).numpy()
    array([0. , 0.7], dtype=float32)
    """
    x = as_float(x)
    return _core.where(_core.greater(_core.abs(x), threshold), x, 0.0)


@symbolic_op
def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """Return x moved towards 0 by `threshold`, and 0 where |x| is smaller.

    >>> pynn.ops.soft_shrink([-1.0, 0.3, 2.0]).numpy()
    array([-0.5,  0. ,  1.5], dtype=float32)
    """
    x = as_float(x)
    below = _core.where(_core.less(x, -threshold), _core.add(x, threshold), 0.0)
    return _core.where(_core.greater(x, threshold), _core.subtract(x, threshold), below)


@symbolic_op
def tanh_shrink(x: Any) -> Tensor:
    """Return x - tanh(x).

    >>> pynn.ops.tanh_shrink([-1.0, 2.0]).numpy().round(4)
    array([-0.2384,  1.036 ], dtype=float32)
    """
    x = as_float(x)
    return _core.subtract(x, _core.tanh(x))


@symbolic_op
def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """Return x where x > threshold, else `default_value`.

    >>> pynn.ops.threshold([0.5, 2.0], 1.0, -1.0).numpy()
    array([-1.,  2.], dtype=float32)
    """
    x = convert_to_tensor(x)
    return _core.where(_core.greater(x, threshold), x, default_value)


@symbolic_op
def squareplus(x: Any, b: float = 4) -> Tensor:
    """Return (x + sqrt(x**2 + b)) / 2, a smooth relu (Barron, 2021).

    >>> pynn.ops.squareplus([-1.0, 0.0]).numpy().round(4)
    array([0.618, 1.   ], dtype=float32)
    """
    x = as_float(x)
    root = _core.sqrt(_core.add(_core.square(x), float(b)))
    return _core.multiply(_core.add(x, root), 0.5)


@symbolic_op
def sparse_plus(x: Any) -> Tensor:
    """Return 0 for x <= -1, (x + 1)**2 / 4 up to 1, and x above.

    >>> pynn.ops.sparse_plus([-2.0, 0.0, 3.0]).numpy()
    array([0.  , 0.25, 3.  ], dtype=float32)
    """
    x = as_float(x)
    curve = _core.multiply(_core.square(_core.add(x, 1.0)), 0.25)
    above = _core.where(_core.less(x, 1.0), curve, x)
    return _core.where(_core.less_equal(x, -1.0), 0.0, above)


@symbolic_op
def sparse_sigmoid(x: Any) -> Tensor:
    """Return (x + 1) / 2 limited to [0, 1].

    >>> pynn.ops.sparse_sigmoid([-2.0, 0.0, 3.0]).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """
    return _core.multiply(_core.add(_core.clip(as_float(x), -1.0, 1.0), 1.0), 0.5)


@symbolic_op
def glu(x: Any, axis: int = -1) -> Tensor:
    """Return a * sigmoid(b) for the halves a and b of x along `axis` (Dauphin et al., 2017).

    Raises:
        ValueError: the axis has an odd size.

    >>> pynn.ops.glu([1.0, 2.0, 0.0, 0.0]).numpy()
    array([0.5, 1. ], dtype=float32)
    """
    x = as_float(x)
    axis = canonical_axis("glu", axis, x.ndim)
    half, odd = divmod(x.shape[axis], 2)
    if odd:
        raise ValueError(f"pynn.glu: expected an even axis {axis}; received shape={x.shape}")
    before = (slice(None),) * axis
    gate = _core.sigmoid(x[(*before, slice(half, None))])
    return _core.multiply(x[(*before, slice(0, half))], gate)


@symbolic_op
def softmax(x: Any, axis: Axis = -1) -> Tensor:
    """Return exp(x) / sum(exp(x)) along `axis`, an int, several, or None for all.

    >>> pynn.ops.softmax([0.0, 0.0]).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    return _along(_core.softmax, "softmax", as_float(x), axis)


@symbolic_op
def log_softmax(x: Any, axis: Axis = -1) -> Tensor:
    """Return log(softmax(x)) along `axis` without underflow.

    >>> pynn.ops.log_softmax([0.0, 0.0]).numpy().round(4)
    array([-0.6931, -0.6931], dtype=float32)
    """
    return _along(_core.log_softmax, "log_softmax", as_float(x), axis)


def _along(function: Any, who: str, x: Tensor, axis: Axis) -> Tensor:
    """`function` over one axis, or over several taken together."""
    if isinstance(axis, int):
        return function(x, axis)
    axes = axes_of(axis)
    if axes is not None and len(axes) == 1:
        return function(x, axes[0])
    chosen = canonical_axes(who, axes, x.ndim)
    order = [a for a in range(x.ndim) if a not in chosen] + chosen
    moved = _core.transpose(x, order)
    kept = tuple(moved.shape[: x.ndim - len(chosen)])
    result = function(_core.reshape(moved, (*kept, -1)), -1)
    restored = sorted(range(x.ndim), key=order.__getitem__)
    return _core.transpose(_core.reshape(result, moved.shape), restored)


@symbolic_op
def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """Return the point of the probability simplex nearest to x (Martins and Astudillo, 2016).

    Takes time and memory proportional to the square of the size of `axis`.

    >>> pynn.ops.sparsemax([2.0, 1.5, -1.0]).numpy()
    array([0.75, 0.25, 0.  ], dtype=float32)
    """
    x = as_float(x)
    axis = canonical_axis("sparsemax", axis, x.ndim)
    # An element z belongs to the support when 1 + n * z > s, with n the number and s the sum of
    # the elements that are not smaller than z.
    mine, others = _core.expand_dims(x, [axis + 1]), _core.expand_dims(x, [axis])
    not_smaller = _core.greater_equal(others, mine)
    number = _core.sum(_core.cast(not_smaller, x.dtype), [axis + 1], False)
    total = _core.sum(_core.where(not_smaller, others, 0.0), [axis + 1], False)
    support = _core.greater(_core.add(_core.multiply(number, x), 1.0), total)
    size = _core.sum(_core.cast(support, x.dtype), [axis], True)
    inside = _core.sum(_core.where(support, x, 0.0), [axis], True)
    return _core.relu(_core.subtract(x, _core.divide(_core.subtract(inside, 1.0), size)))
