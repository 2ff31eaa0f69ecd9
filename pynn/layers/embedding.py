"""Embedding: a table of vectors."""

from __future__ import annotations

import warnings
from typing import Any

from pynn import constraints, initializers, ops, regularizers
from pynn.layers.layer import Layer
from pynn.variables import Variable


class Embedding(Layer):
    """Replaces each index by its row of a learned table.

    Args:
        input_dim: number of rows: the largest index plus 1.
        output_dim: size of a row.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of the table.
        mask_zero: whether index 0 is padding: the output then has a mask that is false there.
        weights: the table, or a list of it, to start from.
        lora_rank, lora_alpha, quantization_config: kept for compatibility; must be None.
        kwargs: `name`, `trainable`, `dtype`, `activity_regularizer`.

    Shapes:
        input of any shape, integers (others are cast to int32); output has one axis more, of size
        `output_dim`.

    Raises:
        ValueError: `input_dim` or `output_dim` is not a positive integer; later, an index that is
            not in [-input_dim, input_dim). Negative ones count from the end.

    >>> layer = pynn.layers.Embedding(3, 2, weights=np.array([[0, 0], [1, 2], [3, 4]]))
    >>> layer(np.array([[2, 1]])).numpy()
    array([[[3., 4.],
            [1., 2.]]], dtype=float32)
    """

    _not_in_config = ("weights", "lora_rank", "lora_alpha")

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        if kwargs.pop("input_length", None) is not None:
            warnings.warn(
                "pynn.Embedding: input_length is old and does nothing; leave it out", stacklevel=2
            )
        super().__init__(**kwargs)
        for argument, size in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not isinstance(size, int) or isinstance(size, bool) or size <= 0:
                raise ValueError(
                    f"pynn.Embedding: expected {argument}, a positive integer; received {size!r}"
                )
        if any(option is not None for option in (lora_rank, lora_alpha, quantization_config)):
            raise ValueError(
                "pynn.Embedding: expected lora_rank, lora_alpha and quantization_config to be "
                "None; LoRA and quantization are not available"
            )
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.quantization_config = None
        self.embeddings: Variable | None = None
        self.supports_masking = mask_zero
        self.autocast = False
        if weights is not None:
            self.build()
            is_list = isinstance(weights, list) and len(weights) == 1
            self.set_weights(weights if is_list else [weights])

    def build(self, input_shape: Any = None) -> None:
        """Make the table; the shape of the input does not matter."""
        # Not cast as a whole in mixed precision: only the rows that are looked up are.
        self.embeddings = self.add_weight(
            name="embeddings",
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            autocast=False,
        )

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        if inputs.dtype not in ("int32", "int64"):
            inputs = ops.cast(inputs, "int32")
        try:
            rows = ops.take(self.embeddings, inputs, axis=0)
        except ValueError as error:
            raise ValueError(
                f"pynn.Embedding: expected indices below input_dim={self.input_dim} "
                f"(layer {self.name!r}); {error}"
            ) from None
        return ops.cast(rows, self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return where the index is not 0 if `mask_zero`, else None."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the output shape for an input shape."""
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serialized."""
        return {"activity_regularizer": None, **super().get_config()}
