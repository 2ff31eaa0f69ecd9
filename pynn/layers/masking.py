"""Masking: marks the steps of sequences that are only padding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pynn import ops
from pynn.layers.arguments import set_mask
from pynn.layers.reshaping import SameDType
from pynn.saving import deserialize_keras_object


class Masking(SameDType):
    """Masks the steps at which all features equal a value, and sets them to 0.

    The mask, True at the steps that count, travels with the output through all layers that
    support masking, to those that use it and to the loss.

    Args:
        mask_value: the value, a number (or an array that broadcasts to a step).
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, steps, features)`; output the same, with a mask `(batch, steps)`.

    >>> y = pynn.layers.Masking(mask_value=-1.0)(pynn.ops.array([[[3.0, -1.0], [-1.0, -1.0]]]))
    >>> y.numpy()
    array([[[ 3., -1.],
            [ 0.,  0.]]], dtype=float32)
    >>> y._keras_mask.numpy()
    array([[ True, False]])
    """

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        # An array comes back from a config as a dict.
        is_config = isinstance(mask_value, Mapping)
        self.mask_value = deserialize_keras_object(mask_value) if is_config else mask_value
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Compute the output, and its mask."""
        mask = self.compute_mask(inputs)
        outputs = ops.where(ops.expand_dims(mask, -1), inputs, 0)
        set_mask(outputs, mask)
        return outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """A step is valid if any of its features differs from the value."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape for an input shape."""
        return input_shape
