"""Identity: returns its input."""

from __future__ import annotations

from typing import Any

from pynn import tree
from pynn.keras_tensor import KerasTensor
from pynn.layers.layer import Layer


class Identity(Layer):
    """Returns its input, a tensor or a structure of tensors.

    Args:
        kwargs: `name`, `trainable`, `dtype`.

    >>> pynn.layers.Identity()(pynn.ops.ones((1, 2))).shape
    (1, 2)
    """

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape for an input shape."""
        return input_shape

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the output for a symbolic input."""
        return tree.map_structure(lambda x: KerasTensor(x.shape, dtype=x.dtype), inputs)
