"""Input: where a functional model begins."""

from __future__ import annotations

from typing import Any

from pynn import backend
from pynn.keras_tensor import KerasTensor, standardize_shape
from pynn.layers.layer import Layer
from pynn.node import Node


class InputLayer(Layer):
    """The first node of a functional model; `pynn.Input` makes one and returns its output.

    Args:
        shape: shape of one sample, without the batch axis.
        batch_size: the batch size, if it is fixed.
        dtype: dtype of the data; `floatx()` by default.
        sparse, ragged: kept for compatibility; must be false.
        batch_shape: the shape with the batch axis, instead of `shape` and `batch_size`.
        input_tensor: a KerasTensor to begin from.
        optional: whether the model accepts None for this input.
        name: a unique name.

    Raises:
        ValueError: neither or both of `shape` and `batch_shape`, or a sparse or ragged input.

    >>> pynn.layers.InputLayer((3,)).output.shape
    (None, 3)
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if sparse or ragged:
            raise ValueError("pynn.Input: expected dense data; received sparse=True or ragged=True")
        if input_tensor is not None:
            _check_input_tensor(input_tensor)
            batch_shape, dtype = input_tensor.shape, input_tensor.dtype
        elif batch_shape is None:
            if shape is None:
                raise ValueError("pynn.Input: expected a shape or a batch_shape; received neither")
            batch_shape = (batch_size, *standardize_shape(shape))
        elif shape is not None or batch_size is not None:
            raise ValueError(
                "pynn.Input: expected either batch_shape, or shape and batch_size; received "
                f"batch_shape={batch_shape}, shape={shape}, batch_size={batch_size}"
            )
        self._batch_shape = standardize_shape(batch_shape)
        self._input_dtype = backend.standardize_dtype(dtype)
        self.optional = optional
        if input_tensor is None:
            input_tensor = KerasTensor(self._batch_shape, self._input_dtype, name=name)
        Node(self, (), {}, input_tensor)
        self.built = True

    @property
    def batch_shape(self) -> tuple[int | None, ...]:
        """The shape of a batch; unknown sizes are None."""
        return self._batch_shape

    @property
    def dtype(self) -> str:
        """The dtype of the data."""
        return self._input_dtype

    def call(self) -> None:
        """Not to be called: the layer is the start of a model."""
        raise RuntimeError("pynn.InputLayer: expected to be the start of a model; it was called")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serialized."""
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: KerasTensor | None = None,
    optional: bool = False,
) -> KerasTensor:
    """Return a symbolic tensor to begin a functional model with.

    Args:
        shape: shape of one sample, without the batch axis; None entries are unknown sizes.
        batch_size: the batch size, if it is fixed.
        dtype: dtype of the data; `floatx()` by default.
        sparse: kept for compatibility; must be false.
        ragged: kept for compatibility; must be false.
        batch_shape: the shape with the batch axis, instead of `shape` and `batch_size`.
        name: name of the input, the key by which a dict of data is matched.
        tensor: a KerasTensor to begin from.
        optional: whether the model accepts None for this input.

    Raises:
        ValueError: neither or both of `shape` and `batch_shape`, or a sparse or ragged input.

    >>> x = pynn.Input((784,))
    >>> y = pynn.layers.Dense(10)(x)
    >>> pynn.Model(x, y).output_shape
    (None, 10)
    """
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        input_tensor=tensor,
        optional=optional,
        name=name,
    )
    return layer.output


def _check_input_tensor(tensor: Any) -> None:
    if not isinstance(tensor, KerasTensor):
        raise ValueError(f"pynn.Input: expected tensor, a KerasTensor; received {tensor!r}")
