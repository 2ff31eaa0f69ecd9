"""TimeDistributed: one layer at every step of sequences."""

from __future__ import annotations

from typing import Any

from pynn import ops
from pynn.layers.activation import LeakyReLU, ReLU
from pynn.layers.dense import Dense
from pynn.layers.identity import Identity
from pynn.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from pynn.layers.wrapper import Wrapper

# Layers that compute each row of the output from one row of the input alone, so that all steps
# may go through them at once.
_ROW_BY_ROW = (Dense, Flatten, Identity, LeakyReLU, Permute, ReLU, RepeatVector, Reshape)


class TimeDistributed(Wrapper):
    """Applies a layer to every step of sequences, with the same weights.

    Steps are computed in order, each with the batch of this step: a layer with a state (batch
    normalization, dropout) sees them one after another.

    Args:
        layer: the layer.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        input `(batch, steps, ...)`, at least 3 axes; mask `(batch, steps, ...)`, of which the
        layer gets the part `(batch, ...)` of the step if it takes a mask; output `(batch, steps,
        ...)`, with the output shape of the layer.

    Raises:
        ValueError: `layer` is not a layer; later, a mask that does not fit the input.

    >>> layer = pynn.layers.TimeDistributed(pynn.layers.Dense(3))
    >>> layer(pynn.ops.ones((2, 5, 4))).shape
    (2, 5, 3)
    """

    def __init__(self, layer: Any, **kwargs: Any):
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:  # type: ignore[override]  # needs a shape
        """Build the layer for the input of one step."""
        super().build(self._shape_of_a_step(input_shape))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Compute the output."""
        if mask is not None:
            self._check_mask(tuple(mask.shape), tuple(inputs.shape))
        kwargs = {"training": training} if self.layer._call_has_training_arg else {}
        takes_mask = mask is not None and "mask" in self.layer._call_signature.parameters
        if not takes_mask and self._is_row_by_row():
            return self._all_at_once(inputs, kwargs)
        outputs = []
        for i in range(inputs.shape[1]):
            if takes_mask:
                kwargs["mask"] = mask[:, i]
            outputs.append(self.layer.call(inputs[:, i], **kwargs))
        return ops.stack(outputs, axis=1)

    def _is_row_by_row(self) -> bool:
        # A function of the user's as activation may look at the whole batch.
        activation = getattr(self.layer, "activation", None)
        known = activation is None or activation.__module__.startswith("pynn.")
        return known and type(self.layer) in _ROW_BY_ROW

    def _all_at_once(self, inputs: Any, kwargs: dict[str, Any]) -> Any:
        batch, steps, *sample = inputs.shape
        outputs = self.layer.call(ops.reshape(inputs, (batch * steps, *sample)), **kwargs)
        return ops.reshape(outputs, (batch, steps, *outputs.shape[1:]))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape for an input shape."""
        batch, *rest = self.layer.compute_output_shape(self._shape_of_a_step(input_shape))
        return (batch, input_shape[1], *rest)

    def _shape_of_a_step(self, input_shape: Any) -> tuple[int | None, ...]:
        if not isinstance(input_shape, (tuple, list)) or len(input_shape) < 3:
            raise ValueError(
                "pynn.TimeDistributed: expected input with at least 3 axes (batch, steps, ...), "
                f"received shape={input_shape} (layer {self.name!r})"
            )
        return (input_shape[0], *input_shape[2:])

    def _check_mask(self, mask_shape: tuple[int, ...], input_shape: tuple[int, ...]) -> None:
        if mask_shape[:2] != input_shape[:2]:
            raise ValueError(
                f"pynn.TimeDistributed: expected a mask whose first axes are {input_shape[:2]}, "
                f"received shape={mask_shape} (layer {self.name!r})"
            )
