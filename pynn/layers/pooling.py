"""GlobalAveragePooling1D and GlobalMaxPooling1D: one vector per sequence."""

from __future__ import annotations

from typing import Any

from pynn import ops
from pynn.backend.config import standardize_data_format
from pynn.layers.input_spec import InputSpec
from pynn.layers.reshaping import SameDType


class _GlobalPooling1D(SameDType):
    """Base: reduces the steps of `(batch, steps, features)` or `(batch, features, steps)`."""

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=3)
        self.built = True

    @property
    def _steps_axis(self) -> int:
        return 1 if self.data_format == "channels_last" else 2

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the output shape for an input shape."""
        shape = list(input_shape)
        shape[self._steps_axis : self._steps_axis + 1] = [1] if self.keepdims else []
        return tuple(shape)


class GlobalAveragePooling1D(_GlobalPooling1D):
    """The mean of the steps of each sequence; steps that the mask excludes do not count.

    Args:
        data_format: "channels_last" or "channels_first": where the features are. Defaults to
            `pynn.config.image_data_format()`.
        keepdims: whether the axis of the steps stays, with size 1.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, steps, features)`, or `(batch, features, steps)` for "channels_first"; mask
        `(batch, steps)`; output `(batch, features)`. A sequence without a valid step gives NaN.

    >>> x = pynn.ops.array([[[1.0], [2.0], [9.0]]])
    >>> pynn.layers.GlobalAveragePooling1D()(x, mask=pynn.ops.array([[True, True, False]])).numpy()
    array([[1.5]], dtype=float32)
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(data_format=data_format, keepdims=keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Compute the output."""
        axis = self._steps_axis
        if mask is None:
            return ops.mean(inputs, axis=axis, keepdims=self.keepdims)
        valid = ops.expand_dims(ops.cast(mask, "bool"), 3 - axis)
        total = ops.sum(ops.where(valid, inputs, 0), axis=axis, keepdims=self.keepdims)
        return total / ops.sum(ops.cast(valid, inputs.dtype), axis=axis, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """The output has no mask: it has no steps."""


class GlobalMaxPooling1D(_GlobalPooling1D):
    """The largest value of each feature over the steps of a sequence.

    Args:
        data_format: "channels_last" or "channels_first": where the features are. Defaults to
            `pynn.config.image_data_format()`.
        keepdims: whether the axis of the steps stays, with size 1.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, steps, features)`, or `(batch, features, steps)` for "channels_first";
        output `(batch, features)`. A mask is not taken into account, as in Keras.

    >>> pynn.layers.GlobalMaxPooling1D()(pynn.ops.array([[[1.0], [9.0], [2.0]]])).numpy()
    array([[9.]], dtype=float32)
    """

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(data_format=data_format, keepdims=keepdims, **kwargs)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        return ops.max(inputs, axis=self._steps_axis, keepdims=self.keepdims)


GlobalAvgPool1D = GlobalAveragePooling1D
GlobalMaxPool1D = GlobalMaxPooling1D
