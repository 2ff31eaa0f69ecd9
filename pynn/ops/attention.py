"""Scaled dot-product attention (Vaswani et al., "Attention is all you need", 2017)."""

import math
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import promoted_float
from pynn.ops.symbolic import symbolic_op

__all__ = ["dot_product_attention"]


@symbolic_op
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """Return softmax(scale * query key^T + bias) value, per head.

    Args:
        query: (batch, T, heads, D).
        key: (batch, S, key heads, D); every key head serves heads / key heads heads in a row.
        value: of key's shape.
        bias: added to the logits, broadcasts to (batch, heads, T, S).
        mask: bool, broadcasts to (batch, heads, T, S); False keeps a query from a key.
        scale: 1 / sqrt(D) by default.
        is_causal: whether query i sees the keys up to i only.
        flash_attention: a hint, which changes nothing.
        attn_logits_soft_cap: logits are kept within this size by a tanh.

    Returns:
        (batch, T, heads, D).

    Raises:
        ValueError: shapes that do not go together.

    >>> x = np.ones((1, 2, 1, 4), "float32")
    >>> pynn.ops.dot_product_attention(x, x, x).shape
    (1, 2, 1, 4)
    """
    del flash_attention
    query, key, value = promoted_float(query, key, value)
    heads = _checked_heads(query, key, value)
    key, value = (_repeated(x, heads // x.shape[2]) for x in (key, value))
    # (batch, heads, positions, D), and keys with the last two axes exchanged.
    queries, values = (_core.transpose(x, [0, 2, 1, 3]) for x in (query, value))
    logits = _core.matmul(queries, _core.transpose(key, [0, 2, 3, 1]))
    logits = _core.multiply(logits, 1 / math.sqrt(query.shape[3]) if scale is None else scale)
    wide = "float64" if logits.dtype == "float64" else "float32"
    logits = _core.cast(logits, wide)
    if attn_logits_soft_cap is not None:
        capped = _core.tanh(_core.divide(logits, float(attn_logits_soft_cap)))
        logits = _core.multiply(capped, float(attn_logits_soft_cap))
    if bias is not None:
        logits = _core.add(logits, _core.cast(convert_to_tensor(bias), wide))
    if mask is not None:
        logits = _core.where(_core.cast(mask, "bool"), logits, _LOWEST)
    if is_causal:
        seen = np.tri(query.shape[1], key.shape[1], dtype=bool)
        logits = _core.where(seen, logits, _LOWEST)
    weights = _core.cast(_core.softmax(logits, -1), query.dtype)
    return _core.transpose(_core.matmul(weights, values), [0, 2, 1, 3])


_LOWEST = -0.7 * float(np.finfo(np.float32).max)  # finite: a row that sees no key stays finite


def _checked_heads(query: Tensor, key: Tensor, value: Tensor) -> int:
    """The number of heads."""
    shapes = [tuple(x.shape) for x in (query, key, value)]
    fits = all(len(s) == 4 for s in shapes) and shapes[1] == shapes[2]
    fits = fits and shapes[0][0] == shapes[1][0] and shapes[0][3] == shapes[1][3]
    if not fits or not shapes[1][2] or shapes[0][2] % shapes[1][2]:
        raise ValueError(
            "pynn.dot_product_attention: expected query (B, T, N, D), key and value (B, S, K, D), "
            f"K a divisor of N; received {shapes}"
        )
    return shapes[0][2]


def _repeated(x: Tensor, times: int) -> Tensor:
    """Every head `times` times in a row."""
    if times == 1:
        return x
    batch, length, heads, size = x.shape
    spread = _core.broadcast_to(_core.expand_dims(x, [3]), (batch, length, heads, times, size))
    return _core.reshape(spread, (batch, length, heads * times, size))
