"""The base class of losses, and what they share: aligning shapes and reducing weighted values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pynn import backend, dtype_policies, ops, tree
from pynn.naming import auto_name

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


class Loss:
    """What is minimised: a value per row, reduced to one number.

    Subclasses implement `call(y_true, y_pred)`, which returns one value per row (or per row and
    time step, ...). The base class converts dtypes, applies weights and masks, and reduces.

    Args:
        name: name of the loss; made from the class name if `None`.
        reduction: `"sum_over_batch_size"` or `"mean"` (sum over the number of values), `"sum"`,
            `"mean_with_sample_weight"` (sum over the sum of the weights), `"none"` or `None`.
        dtype: dtype or policy of the computation; `None` means `backend.floatx()`.

    Raises:
        ValueError: for an unknown reduction.

    >>> import pynn
    >>> from pynn import ops
    >>> class Squared(pynn.losses.Loss):
    ...     def call(self, y_true, y_pred):
    ...         return ops.mean(ops.square(y_pred - y_true), axis=-1)
    >>> float(Squared()([[0.0, 1.0]], [[1.0, 1.0]]))
    0.5
    """

    # Losses that index by class say False: float32 would lose large class numbers, and the
    # conversion to float and back would cost two passes in every step.
    _converts_targets = True

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        self.name = name or auto_name(self.__class__.__name__)
        self.reduction = standardize_reduction(reduction)
        self._dtype_policy = dtype_policies.get(dtype or backend.floatx())
        self._dtype = self._dtype_policy.compute_dtype

    @property
    def dtype(self) -> str:
        """Dtype in which the loss is computed."""
        return self._dtype

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Returns the reduced loss of `y_pred` (batch, ...) against `y_true` (batch, ...).

        Args:
            y_true: targets.
            y_pred: predictions, possibly with a `_keras_mask`.
            sample_weight: `None`, one weight per row (batch,), or per value.

        Raises:
            ValueError: if shapes do not fit together; both are named.
        """
        in_mask = getattr(y_pred, "_keras_mask", None)
        y_pred = _map_tensors(self._convert_prediction, y_pred)
        y_true = _map_tensors(self._convert_target, y_true)
        values = self.call(y_true, y_pred)
        mask = merge_masks(in_mask, getattr(values, "_keras_mask", None))
        return reduce_weighted_values(values, sample_weight, mask, self.reduction, self.dtype)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the loss per row; to be written by subclasses."""
        raise NotImplementedError(
            f"pynn.{type(self).__name__}: expected a method `call(y_true, y_pred)`; "
            "received a class without one"
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """Makes the loss that `get_config` described."""
        return cls(**config)

    def _convert_prediction(self, value: Any) -> Any:
        converted = ops.convert_to_tensor(value, dtype=self.dtype)
        if converted is not value:
            for name in ("_softmax_logits", "_sigmoid_logits"):
                logits = getattr(value, name, None)
                if logits is not None:
                    setattr(converted, name, ops.cast(logits, self.dtype))
        return converted

    def _convert_target(self, value: Any) -> Any:
        if self._converts_targets:
            return ops.convert_to_tensor(value, dtype=self.dtype)
        return ops.convert_to_tensor(value)


def _map_tensors(convert: Callable[[Any], Any], value: Any) -> Any:
    """Converts each tensor of a structure; a list of numbers is one tensor, not a structure."""
    first = value
    while isinstance(first, list | tuple) and len(first):
        first = first[0]
    if isinstance(first, int | float | bool):
        return convert(value)
    return tree.map_structure(convert, value) if tree.is_nested(value) else convert(value)


def standardize_reduction(reduction: str | None) -> str | None:
    """Returns `reduction` if it is one of `REDUCTIONS`; raises ValueError otherwise."""
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"pynn.losses: expected reduction to be one of {REDUCTIONS}; "
            f"received reduction={reduction!r}"
        )
    return reduction


def merge_masks(first: Any, second: Any) -> Any:
    """Returns the logical and of two masks, either of which may be `None`."""
    if first is None or second is None:
        return second if first is None else first
    return ops.logical_and(first, second)


def squeeze_or_expand_to_same_rank(x1: Any, x2: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """Drops or adds a last axis of length 1 if the ranks differ by exactly one.

    This is what makes targets (batch,) fit outputs (batch, 1) instead of broadcasting to
    (batch, batch).
    """
    rank1, rank2 = len(x1.shape), len(x2.shape)
    if rank1 == rank2 + 1 and x1.shape[-1] == 1:
        if rank2 == 1 and expand_rank_1:
            return x1, ops.expand_dims(x2, -1)
        return ops.squeeze(x1, -1), x2
    if rank2 == rank1 + 1 and x2.shape[-1] == 1:
        if rank1 == 1 and expand_rank_1:
            return ops.expand_dims(x1, -1), x2
        return x1, ops.squeeze(x2, -1)
    return x1, x2


def same_shape(first: tuple, second: tuple) -> bool:
    """Whether two shapes are equal, where `None` equals any length."""
    return len(first) == len(second) and all(
        a == b or a is None or b is None for a, b in zip(first, second, strict=True)
    )


def shape_error(who: str, y_true: Any, y_pred: Any, expected: str = "") -> ValueError:
    """The error for targets that do not fit the predictions."""
    return ValueError(
        f"{who}: expected y_true and y_pred of {expected or 'one shape'}; "
        f"received y_true.shape={tuple(y_true.shape)} and y_pred.shape={tuple(y_pred.shape)}"
    )


def align(y_true: Any, y_pred: Any, who: str) -> tuple[Any, Any]:
    """Returns the two as tensors of one dtype (that of `y_pred`) and one shape, or raises."""
    y_pred = ops.convert_to_tensor(y_pred)
    y_true = ops.convert_to_tensor(y_true, dtype=y_pred.dtype)
    aligned_true, aligned_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    if not same_shape(aligned_true.shape, aligned_pred.shape):
        raise shape_error(who, y_true, y_pred)
    return aligned_true, aligned_pred


def fit_weight(weight: Any, values: Any) -> Any:
    """Returns `weight` with a shape that multiplies `values` row by row, or raises.

    A weight of shape (batch,) applies to the whole row of values (batch, time): missing axes are
    added at the end, never at the front, so a weight can not land on the wrong axis.
    """
    shape, target = tuple(weight.shape), tuple(values.shape)
    if len(shape) == len(target) + 1 and shape[-1] == 1:
        weight, shape = ops.squeeze(weight, -1), shape[:-1]
    if len(shape) > len(target) or not all(
        a == b or a == 1 or a is None or b is None for a, b in zip(shape, target, strict=False)
    ):
        raise ValueError(
            "pynn.losses: expected sample_weight with one weight per row or per value; "
            f"received sample_weight.shape={shape} for values of shape={target}"
        )
    if shape and len(shape) < len(target):
        weight = ops.expand_dims(weight, tuple(range(len(shape), len(target))))
    return weight


def apply_mask(sample_weight: Any, mask: Any, dtype: str, reduction: str | None) -> Any:
    """Returns the weights with `mask` merged in.

    For the means, valid values weigh total / valid, so that the later division by the total
    leaves the mean over the valid ones.
    """
    if mask is None:
        return sample_weight
    float_mask = ops.cast(mask, dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        total = float(math.prod(mask.shape))
        float_mask = float_mask * ops.divide_no_nan(
            ops.full_like(ops.sum(float_mask), total), ops.sum(float_mask)
        )
    if sample_weight is None:
        return float_mask
    sample_weight = ops.convert_to_tensor(sample_weight, dtype=dtype)
    if len(sample_weight.shape) > len(float_mask.shape):
        return sample_weight * fit_weight(float_mask, sample_weight)
    return fit_weight(sample_weight, float_mask) * float_mask


def reduce_values(values: Any, sample_weight: Any, reduction: str | None) -> Any:
    """Reduces values that are already multiplied by their weights."""
    if reduction in (None, "none") or len(values.shape) == 0:
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and sample_weight is not None:
        return ops.divide_no_nan(ops.sum(values), ops.sum(sample_weight))
    return ops.mean(values)


def reduce_weighted_values(
    values: Any,
    sample_weight: Any = None,
    mask: Any = None,
    reduction: str | None = "sum_over_batch_size",
    dtype: str | None = None,
) -> Any:
    """Applies weights and mask to `values` and reduces them; see `Loss` for the reductions."""
    values = ops.convert_to_tensor(values, dtype=dtype)
    weight = apply_mask(sample_weight, mask, values.dtype, reduction)
    if weight is not None:
        weight = ops.convert_to_tensor(weight, dtype=values.dtype)
        # A loss that is one number for the whole batch is that of each row.
        weight = fit_weight(weight, values) if len(values.shape) else weight
        values = values * weight
    return reduce_values(values, weight, reduction)
