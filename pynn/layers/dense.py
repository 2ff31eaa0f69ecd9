"""Dense: the fully connected layer."""

from __future__ import annotations

from typing import Any

from pynn import _core, activations, constraints, initializers, regularizers
from pynn.layers.input_spec import InputSpec
from pynn.layers.layer import Layer
from pynn.variables import Variable

# What the engine computes in one pass with the product, by activation function. Sigmoid is not
# among them: its result must remember the logits for the loss, which a fused product never stores.
_FUSED = {activations.linear: "linear", activations.relu: "relu", activations.tanh: "tanh"}


class Dense(Layer):
    """`activation(inputs @ kernel + bias)` over the last axis.

    Args:
        units: size of the output's last axis.
        activation: a name or function; None: linear.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: initial values of the weights.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the outputs, divided by the batch size.
        kernel_constraint, bias_constraint: functions applied to the weights after each step.
        lora_rank, lora_alpha, quantization_config: kept for compatibility; must be None.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(..., d)`, at least 2 axes; output `(..., units)`; kernel `(d, units)`; bias
        `(units,)`.

    Raises:
        ValueError: `units` is not a positive integer; later, an input with another last axis than
            the one that the layer was built for.

    >>> layer = pynn.layers.Dense(2, activation="relu", kernel_initializer="ones")
    >>> layer(pynn.ops.ones((1, 3))).numpy()
    array([[3., 3.]], dtype=float32)
    """

    _not_in_config = ("lora_rank", "lora_alpha")

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        if not isinstance(units, int) or isinstance(units, bool) or units <= 0:
            raise ValueError(f"pynn.Dense: expected units, a positive integer; received {units!r}")
        if any(option is not None for option in (lora_rank, lora_alpha, quantization_config)):
            raise ValueError(
                "pynn.Dense: expected lora_rank, lora_alpha and quantization_config to be None; "
                "LoRA and quantization are not available"
            )
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.quantization_config = None
        self.kernel: Variable | None = None
        self.bias: Variable | None = None
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        if len(input_shape) < 2 or input_shape[-1] is None:
            raise ValueError(
                "pynn.Dense: expected input of at least 2 axes with a known last axis, received "
                f"shape={tuple(input_shape)} (layer {self.name!r})"
            )
        size = input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(size, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Compute the output."""
        fused = _FUSED.get(self.activation)
        if fused is not None:
            return _core.dense(inputs, self.kernel, self.bias, fused)
        return self.activation(_core.dense(inputs, self.kernel, self.bias, "linear"))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the output shape for an input shape."""
        return (*input_shape[:-1], self.units)
