"""Activation functions. Names, arguments and configs as in `keras.activations`.

Every function takes a tensor or array of any shape and returns a tensor of the same shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pynn import ops
from pynn.lookup import get_from_registry, name_table
from pynn.saving import serialize_keras_object


def linear(x: Any) -> Any:
    """The input itself.

    >>> linear(3.0)
    3.0
    """
    return x


def relu(
    x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Any:
    """`max(x, 0)`, with an optional slope below `threshold` and cap at `max_value`.

    x for threshold < x < max_value, `negative_slope * (x - threshold)` below the threshold.

    >>> relu([-10.0, 0.0, 10.0]).numpy()
    array([ 0.,  0., 10.], dtype=float32)
    >>> relu([-10.0, 4.0, 10.0], negative_slope=0.5, max_value=6.0).numpy()
    array([-5.,  4.,  6.], dtype=float32)
    """
    if threshold == 0 and max_value is None:
        return ops.leaky_relu(x, negative_slope) if negative_slope else ops.relu(x)
    x = _as_tensor(x)
    above = ops.where(x > threshold, x, ops.zeros_like(x)) if threshold else ops.relu(x)
    if max_value is not None:
        above = ops.clip(above, 0.0, max_value)
    return above - negative_slope * ops.relu(threshold - x) if negative_slope else above


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """`x` where positive, `negative_slope * x` elsewhere (Maas et al. 2013).

    >>> leaky_relu([-1.0, 2.0]).numpy()
    array([-0.2,  2. ], dtype=float32)
    """
    return ops.leaky_relu(x, negative_slope=negative_slope)


def relu6(x: Any) -> Any:
    """ReLU cut off at 6 (Krizhevsky 2010).

    >>> relu6([-1.0, 3.0, 9.0]).numpy()
    array([0., 3., 6.], dtype=float32)
    """
    return ops.relu6(x)


def softmax(x: Any, axis: int = -1) -> Any:
    """`exp(x) / sum(exp(x))` along `axis`.

    The result remembers `x`, so that a cross-entropy loss can be computed from the logits exactly.

    >>> softmax([0.0, 0.0]).numpy()
    array([0.5, 0.5], dtype=float32)
    """
    output = ops.softmax(x, axis=axis)
    if axis in (-1, len(output.shape) - 1):  # losses take the classes from the last axis
        output._softmax_logits = x
    return output


def log_softmax(x: Any, axis: int = -1) -> Any:
    """Logarithm of the softmax, without overflow.

    >>> log_softmax([0.0, 0.0]).numpy().round(4)
    array([-0.6931, -0.6931], dtype=float32)
    """
    return ops.log_softmax(x, axis=axis)


def sparsemax(x: Any, axis: int = -1) -> Any:
    """Euclidean projection onto the probability simplex: sparse probabilities.

    Source: Martins and Astudillo 2016.

    >>> sparsemax([0.0, 2.0]).numpy()
    array([0., 1.], dtype=float32)
    """
    return ops.sparsemax(x, axis)


def celu(x: Any, alpha: float = 1.0) -> Any:
    """`x` where positive, `alpha * (exp(x / alpha) - 1)` elsewhere (Barron 2017).

    >>> celu([-1.0, 2.0]).numpy().round(4)
    array([-0.6321,  2.    ], dtype=float32)
    """
    return ops.celu(x, alpha=alpha)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """`x` where positive, `alpha * (exp(x) - 1)` elsewhere (Clevert et al. 2015).

    >>> elu([-1.0, 2.0]).numpy().round(4)
    array([-0.6321,  2.    ], dtype=float32)
    """
    return ops.elu(x, alpha=alpha)


def selu(x: Any) -> Any:
    """ELU scaled so that activations keep mean 0 and variance 1 (Klambauer et al. 2017).

    >>> selu([0.0, 1.0]).numpy().round(4)
    array([0.    , 1.0507], dtype=float32)
    """
    return ops.selu(x)


def softplus(x: Any) -> Any:
    """`log(1 + exp(x))`, without overflow.

    >>> softplus([0.0, 100.0]).numpy().round(4)
    array([  0.6931, 100.    ], dtype=float32)
    """
    return ops.softplus(x)


def softsign(x: Any) -> Any:
    """`x / (1 + |x|)`.

    >>> softsign([-1.0, 1.0]).numpy()
    array([-0.5,  0.5], dtype=float32)
    """
    return ops.softsign(x)


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Move x towards 0 by `threshold`; 0 in between.

    >>> soft_shrink([-1.0, 0.2, 1.0]).numpy()
    array([-0.5,  0. ,  0.5], dtype=float32)
    """
    return ops.soft_shrink(x, threshold=threshold)


def sparse_plus(x: Any) -> Any:
    """0 up to -1, `(x + 1)**2 / 4` up to 1, x beyond.

    >>> sparse_plus([-2.0, 0.0, 2.0]).numpy()
    array([0.  , 0.25, 2.  ], dtype=float32)
    """
    return ops.sparse_plus(x)


def silu(x: Any) -> Any:
    """`x * sigmoid(x)`, also called swish (Ramachandran et al. 2017).

    >>> silu([0.0, 1.0]).numpy().round(4)
    array([0.    , 0.7311], dtype=float32)
    """
    return ops.silu(x)


def squareplus(x: Any, b: float = 4) -> Any:
    """`(x + sqrt(x**2 + b)) / 2` (Barron 2021).

    >>> squareplus([0.0]).numpy()
    array([1.], dtype=float32)
    """
    return ops.squareplus(x, b=b)


def gelu(x: Any, approximate: bool = False) -> Any:
    """`x * P(X <= x)` for a standard normal X; by tanh when `approximate` (Hendrycks 2016).

    >>> gelu([0.0, 1.0]).numpy().round(4)
    array([0.    , 0.8413], dtype=float32)
    """
    return ops.gelu(x, approximate=approximate)


def glu(x: Any, axis: int = -1) -> Any:
    """Halves `x` along `axis` into a and b, returns `a * sigmoid(b)` (Dauphin et al. 2017).

    >>> glu([4.0, 0.0]).numpy()
    array([2.], dtype=float32)
    """
    return ops.glu(x, axis=axis)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent.

    >>> tanh([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return ops.tanh(x)


def tanh_shrink(x: Any) -> Any:
    """`x - tanh(x)`.

    >>> tanh_shrink([0.0]).numpy()
    array([0.], dtype=float32)
    """
    return ops.tanh_shrink(x)


def hard_tanh(x: Any) -> Any:
    """Clip x to [-1, 1].

    >>> hard_tanh([-2.0, 0.5]).numpy()
    array([-1. ,  0.5], dtype=float32)
    """
    return ops.hard_tanh(x)


def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """`x` where |x| > threshold, 0 elsewhere.

    >>> hard_shrink([-1.0, 0.2]).numpy()
    array([-1.,  0.], dtype=float32)
    """
    return ops.hard_shrink(x, threshold=threshold)


def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """`x` where x > threshold, `default_value` elsewhere.

    >>> threshold([1.0, 3.0], 2.0, 0.0).numpy()
    array([0., 3.], dtype=float32)
    """
    return ops.threshold(x, threshold, default_value)


def sigmoid(x: Any) -> Any:
    """`1 / (1 + exp(-x))`.

    The result remembers `x`, so that a cross-entropy loss can be computed from the logits exactly.

    >>> sigmoid([0.0]).numpy()
    array([0.5], dtype=float32)
    """
    output = ops.sigmoid(x)
    output._sigmoid_logits = x
    return output


def sparse_sigmoid(x: Any) -> Any:
    """`(x + 1) / 2` clipped to [0, 1] (Blondel et al. 2019).

    >>> sparse_sigmoid([-2.0, 0.0]).numpy()
    array([0. , 0.5], dtype=float32)
    """
    return ops.sparse_sigmoid(x)


def exponential(x: Any) -> Any:
    """`exp(x)`.

    >>> exponential([0.0]).numpy()
    array([1.], dtype=float32)
    """
    return ops.exp(x)


def hard_sigmoid(x: Any) -> Any:
    """`x / 6 + 0.5` clipped to [0, 1].

    >>> hard_sigmoid([-4.0, 0.0]).numpy()
    array([0. , 0.5], dtype=float32)
    """
    return ops.hard_sigmoid(x)


def log_sigmoid(x: Any) -> Any:
    """Logarithm of the sigmoid, without overflow.

    >>> log_sigmoid([0.0]).numpy().round(4)
    array([-0.6931], dtype=float32)
    """
    return ops.log_sigmoid(x)


def hard_silu(x: Any) -> Any:
    """`x * hard_sigmoid(x)`, also called hard swish (Howard et al. 2019).

    >>> hard_silu([-4.0, 3.0]).numpy()
    array([-0.,  3.], dtype=float32)
    """
    return ops.hard_silu(x)


def mish(x: Any) -> Any:
    """`x * tanh(softplus(x))` (Misra 2019).

    >>> mish([0.0, 1.0]).numpy().round(4)
    array([0.    , 0.8651], dtype=float32)
    """
    x = _as_tensor(x)
    return x * ops.tanh(ops.softplus(x))


swish = silu
hard_swish = hard_silu

_TABLE = name_table(
    [
        celu,
        elu,
        exponential,
        gelu,
        glu,
        hard_shrink,
        hard_sigmoid,
        hard_silu,
        hard_tanh,
        leaky_relu,
        linear,
        log_sigmoid,
        log_softmax,
        mish,
        relu,
        relu6,
        selu,
        sigmoid,
        silu,
        soft_shrink,
        softmax,
        softplus,
        softsign,
        sparse_plus,
        sparse_sigmoid,
        sparsemax,
        squareplus,
        tanh,
        tanh_shrink,
        threshold,
    ],
    hard_swish=hard_silu,
    swish=silu,
)


def get(identifier: Any) -> Any:
    """Turn a name, config or callable into an activation; None means `linear`.

    Raises:
        ValueError: an unknown name, with the nearest known one.

    >>> get("relu") is relu, get(None) is linear
    (True, True)
    """
    if identifier is None:
        return linear
    return get_from_registry("activation", identifier, _TABLE)


def serialize(activation: Any) -> Any:
    """The name of a built-in activation, the config of any other.

    >>> serialize(relu)
    'relu'
    """
    name = getattr(activation, "__name__", None)
    if name is not None and _TABLE.get(name) is activation:
        return name
    return serialize_keras_object(activation)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Rebuild an activation from what `serialize` returned.

    >>> deserialize("relu") is relu
    True
    """
    return get_from_registry("activation", config, _TABLE, custom_objects=custom_objects)


def _as_tensor(x: Any) -> Any:
    """Tensors, arrays and symbolic tensors as they are, lists and numbers converted."""
    return x if hasattr(x, "dtype") else ops.convert_to_tensor(x)
