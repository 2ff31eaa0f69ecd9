"""ActivityRegularization: a penalty on what passes through."""

from __future__ import annotations

from typing import Any

from pynn import regularizers
from pynn.layers.layer import Layer


class ActivityRegularization(Layer):
    """Returns its input and adds `l1 * sum(|x|) + l2 * sum(x^2)`, per sample, to the loss.

    Args:
        l1, l2: factors of the penalty, not negative.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: a factor that is not a number >= 0.

    >>> layer = pynn.layers.ActivityRegularization(l1=0.5)
    >>> x = layer(pynn.ops.array([[1.0, -3.0], [0.0, 0.0]]))
    >>> float(layer.losses[0])
    1.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1 = l1
        self.l2 = l2
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the input."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape for an input shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serialized."""
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return config
