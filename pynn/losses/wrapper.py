"""A loss made of a function and its settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pynn import tree
from pynn.losses.classification import (
    categorical_generalized_cross_entropy,
    sparse_categorical_crossentropy,
)
from pynn.losses.loss import Loss, squeeze_or_expand_to_same_rank
from pynn.losses.structured import circle, ctc
from pynn.saving import deserialize_keras_object, serialize_keras_object

_BY_CLASS_NUMBER = {
    categorical_generalized_cross_entropy,
    circle,
    ctc,
    sparse_categorical_crossentropy,
}


class LossFunctionWrapper(Loss):
    """Makes a loss of a function `fn(y_true, y_pred, **kwargs)` that returns a value per row.

    Args:
        fn: the function.
        reduction, name, dtype: see `Loss`.
        kwargs: passed to `fn` at every call.

    >>> import pynn
    >>> from pynn import ops
    >>> from pynn.losses import LossFunctionWrapper
    >>> loss = LossFunctionWrapper(lambda y_true, y_pred: ops.abs(y_true - y_pred))
    >>> float(loss([1.0, 2.0], [1.0, 4.0]))
    1.0
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.fn = fn
        self._fn_kwargs = kwargs
        self._converts_targets = fn not in _BY_CLASS_NUMBER

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns `fn` of the two, after aligning (batch,) with (batch, 1)."""
        if self._converts_targets:
            y_true, y_pred = _align_structures(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._fn_kwargs)

    def get_config(self) -> dict[str, Any]:
        """Returns the settings; the function itself only where it is not the class's own."""
        config = super().get_config()
        if type(self) is LossFunctionWrapper:
            config["fn"] = serialize_keras_object(self.fn)
            config.update(serialize_keras_object(self._fn_kwargs))
        else:
            config.update(self._fn_kwargs)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """Makes the loss that `get_config` described."""
        if "fn" in config:
            config = deserialize_keras_object(config)
        return cls(**config)

    def __getattr__(self, name: str) -> Any:
        # `loss.from_logits`, `loss.delta`, ... read the settings of the function.
        kwargs = self.__dict__.get("_fn_kwargs", {})
        if name in kwargs:
            return kwargs[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}({self.fn}, kwargs={self._fn_kwargs})>"


def _align_structures(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    if not tree.is_nested(y_true) and not tree.is_nested(y_pred):
        return squeeze_or_expand_to_same_rank(y_true, y_pred)
    pairs = tree.map_structure(squeeze_or_expand_to_same_rank, y_true, y_pred)
    flat = tree.flatten(pairs)
    return (
        tree.pack_sequence_as(y_true, flat[0::2]),
        tree.pack_sequence_as(y_pred, flat[1::2]),
    )
