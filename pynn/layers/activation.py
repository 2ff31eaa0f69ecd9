"""Activations as layers: Activation, ReLU, LeakyReLU, Softmax."""

from __future__ import annotations

from typing import Any

from pynn import activations, ops
from pynn.layers.layer import Layer


class _ShapePreserving(Layer):
    """Base of layers whose output has the shape of the input and that keep masks."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape for an input shape."""
        return input_shape


class Activation(_ShapePreserving):
    """An activation function as a layer.

    Args:
        activation: a name ("relu", "gelu", ...) or a function.
        kwargs: `name`, `trainable`, `dtype`.

    >>> pynn.layers.Activation("relu")(pynn.ops.array([-1.0, 2.0])).numpy()
    array([0., 2.], dtype=float32)
    """

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return self.activation(inputs)


class ReLU(_ShapePreserving):
    """`max(x, 0)`, optionally leaky, capped and with another threshold.

    `max_value` for `x >= max_value`, `x` for `threshold <= x < max_value`, else
    `negative_slope * (x - threshold)`.

    Args:
        max_value: upper bound; None: none.
        negative_slope: slope below the threshold.
        threshold: where the identity begins.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: an argument is negative.

    >>> pynn.layers.ReLU(max_value=1.0)(pynn.ops.array([-1.0, 0.5, 2.0])).numpy()
    array([0. , 0.5, 1. ], dtype=float32)
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if max_value is not None and max_value < 0:
            raise ValueError(f"pynn.ReLU: expected max_value >= 0 or None; received {max_value!r}")
        for name, value in (("negative_slope", negative_slope), ("threshold", threshold)):
            if value is None or value < 0:
                raise ValueError(f"pynn.ReLU: expected {name} >= 0; received {value!r}")
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return activations.relu(
            inputs,
            negative_slope=self.negative_slope,
            max_value=self.max_value,
            threshold=self.threshold,
        )


class LeakyReLU(_ShapePreserving):
    """`x` for `x >= 0`, else `negative_slope * x`.

    Args:
        negative_slope: slope for negative inputs.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: `negative_slope` is None.

    >>> pynn.layers.LeakyReLU(0.5)(pynn.ops.array([-2.0, 2.0])).numpy()
    array([-1.,  2.], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
        super().__init__(**kwargs)
        if negative_slope is None:
            raise ValueError("pynn.LeakyReLU: expected negative_slope, a number; received None")
        self.negative_slope = negative_slope

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)


class Softmax(_ShapePreserving):
    """`exp(x) / sum(exp(x))` along an axis; masked entries come out as 0.

    Args:
        axis: an axis, or a tuple of axes to normalize over together.
        kwargs: `name`, `trainable`, `dtype`.

    >>> pynn.layers.Softmax()(pynn.ops.array([[1.0, 1.0]])).numpy()
    array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Compute the output."""
        if mask is not None:
            # Finite, so that a row without any valid entry gives no NaN.
            lowest = -3e4 if inputs.dtype == "float16" else -1e9
            inputs = inputs + (1.0 - ops.cast(mask, inputs.dtype)) * lowest
        axes = self.axis
        if not isinstance(axes, (tuple, list)) or len(axes) == 1:
            return activations.softmax(inputs, axis=axes if isinstance(axes, int) else axes[0])
        return ops.exp(inputs - ops.logsumexp(inputs, axis=tuple(axes), keepdims=True))
