"""Sequences of different lengths as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

_SIDES = ("pre", "post")


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Fills up and cuts off sequences so that all have the same length.

    Args:
        sequences: sequences of numbers, or of arrays of one shape.
        maxlen: the length of all; that of the longest by default.
        dtype: dtype of the result; `object` for strings.
        padding: fill "pre" (before) or "post" (after) the elements.
        truncating: cut off elements at the start ("pre") or the end ("post").
        value: what to fill with.

    Returns:
        Array of shape (sequences, maxlen, ...).

    Raises:
        ValueError: for what are no sequences, elements of different shapes, a side that is unknown,
            or a value that the dtype cannot hold.

    >>> pad_sequences([[1], [2, 3, 4]], maxlen=2)
    array([[0, 1],
           [3, 4]], dtype=int32)
    """
    who = "pynn.utils.pad_sequences"
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in _SIDES:
            raise ValueError(f"{who}: expected {name} to be 'pre' or 'post'; received {side!r}")
    if not hasattr(sequences, "__len__") or not all(hasattr(s, "__len__") for s in sequences):
        raise ValueError(f"{who}: expected a list of sequences; received {sequences!r}")
    is_text = dtype is object or np.dtype(dtype).kind in "OSU"
    if isinstance(value, str) and not is_text:
        raise ValueError(f"{who}: expected dtype=object for value={value!r}; received {dtype!r}")
    length = max(map(len, sequences), default=0) if maxlen is None else maxlen
    shape = next((np.asarray(s).shape[1:] for s in sequences if len(s)), ())
    result = np.full((len(sequences), length, *shape), value, dtype=dtype)
    for number, (row, sequence) in enumerate(zip(result, sequences, strict=True)):
        start = max(len(sequence) - length, 0) if truncating == "pre" else 0
        kept = np.asarray(sequence[start : start + length], dtype=dtype)
        if len(sequence) and kept.shape[1:] != shape:
            raise ValueError(
                f"{who}: expected elements of shape {shape}; "
                f"received {kept.shape[1:]} in sequence {number}"
            )
        if len(kept):
            first = length - len(kept) if padding == "pre" else 0
            row[first : first + len(kept)] = kept
    return result
