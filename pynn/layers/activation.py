"""Activations as layers: Activation, ReLU, LeakyReLU, ELU, PReLU, Softmax."""

from __future__ import annotations

from typing import Any

from pynn import activations, constraints, initializers, ops, regularizers
from pynn.layers.input_spec import InputSpec
from pynn.layers.layer import Layer
from pynn.variables import Variable


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


class ELU(_ShapePreserving):
    """`x` for `x > 0`, else `alpha * (exp(x) - 1)`.

    Args:
        alpha: minus the limit for large negative inputs.
        kwargs: `name`, `trainable`, `dtype`.

    Source: Clevert et al., 2016, https://arxiv.org/abs/1511.07289

    >>> pynn.layers.ELU()(pynn.ops.array([-100.0, 2.0])).numpy()
    array([-1.,  2.], dtype=float32)
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        if isinstance(alpha, bool) or not isinstance(alpha, (int, float)):
            raise ValueError(f"pynn.ELU: expected alpha, a number; received {alpha!r}")
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return activations.elu(inputs, alpha=self.alpha)


class PReLU(_ShapePreserving):
    """`x` for `x >= 0`, else `alpha * x` with a learned slope `alpha` per feature.

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: of the slopes.
        shared_axes: the axes (1 is the first after the batch axis) along which all features have
            one slope.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        output as input; `alpha` as a sample, with size 1 along the shared axes.

    Raises:
        ValueError: `shared_axes` holds what is no axis of a sample; later, an axis of unknown size
            that is not shared.

    Source: He et al., 2015, https://arxiv.org/abs/1502.01852

    >>> pynn.layers.PReLU(alpha_initializer="ones")(pynn.ops.array([[-1.0, 2.0]])).numpy()
    array([[-1.,  2.]], dtype=float32)
    """

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        if shared_axes is not None and not isinstance(shared_axes, (list, tuple)):
            shared_axes = [shared_axes]
        if any(not isinstance(axis, int) for axis in shared_axes or ()):
            raise ValueError(
                f"pynn.PReLU: expected shared_axes, ints from 1 on; received {shared_axes!r}"
            )
        self.shared_axes = None if shared_axes is None else list(shared_axes)
        self.alpha: Variable | None = None
        self.built = False

    def build(self, input_shape: Any) -> None:
        """Make the slopes."""
        rank, shared = len(input_shape), self.shared_axes or []
        if any(not 1 <= axis < rank for axis in shared):
            raise ValueError(
                f"pynn.PReLU: expected shared_axes in [1, {rank}) for input of shape "
                f"{tuple(input_shape)}; received {list(shared)}"
            )
        shape = tuple(1 if a in shared else input_shape[a] for a in range(1, rank))
        if None in shape:
            raise ValueError(
                "pynn.PReLU: expected input of known size along every axis that is not shared; "
                f"received shape={tuple(input_shape)} with shared_axes={self.shared_axes}"
            )
        self.alpha = self.add_weight(
            name="alpha",
            shape=shape,
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
        )
        axes = {a: input_shape[a] for a in range(1, rank) if shared and a not in shared}
        self.input_spec = InputSpec(ndim=rank, axes=axes)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return activations.relu(inputs) - self.alpha * activations.relu(-inputs)


class Softmax(_ShapePreserving):
    """`exp(x) / sum(exp(x))` along an axis; masked entries come out as 0.

    Args:
        axis: an axis, or a tuple of axes to normalize over together.
        kwargs: `name`, `trainable`, `dtype`.

    Call arguments:
        inputs: the logits.
        mask: true where an entry counts; it broadcasts to the inputs. Without any valid entry all
            outputs are 0. Numbers count from 0.5 on, exclusively.

    Raises:
        ValueError: a mask that does not broadcast to the inputs.

    >>> pynn.layers.Softmax()(pynn.ops.array([[1.0, 1.0]])).numpy()
    array([[0.5, 0.5]], dtype=float32)
    """

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Compute the output."""
        if mask is None:
            return self._normalized(inputs)
        _check_mask(inputs, mask)
        if mask.dtype != "bool":
            mask = ops.greater(mask, 0.5)
        # Finite, so that entries without any valid one beside them give no NaN on the way.
        lowest = -3e4 if inputs.dtype == "float16" else -1e9
        outputs = self._normalized(ops.where(mask, inputs, lowest))
        return ops.where(mask, outputs, 0.0)

    def _normalized(self, inputs: Any) -> Any:
        axes = self.axis
        if not isinstance(axes, (tuple, list)) or len(axes) == 1:
            return activations.softmax(inputs, axis=axes if isinstance(axes, int) else axes[0])
        return ops.exp(inputs - ops.logsumexp(inputs, axis=tuple(axes), keepdims=True))


def _check_mask(inputs: Any, mask: Any) -> None:
    """Raise a ValueError unless `mask` broadcasts to `inputs` without making them larger."""
    shape, of_mask = tuple(inputs.shape), tuple(mask.shape)
    pairs = zip(reversed(of_mask), reversed(shape), strict=False)
    if len(of_mask) > len(shape) or any(m not in (1, n) for m, n in pairs):
        raise ValueError(
            f"pynn.Softmax: expected a mask that broadcasts to the inputs of shape {shape}; "
            f"received mask of shape {of_mask}"
        )
