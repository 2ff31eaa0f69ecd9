"""Clipping of gradients by norm: as factors, which cost one pass over each gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pynn import _core, ops


def norm_scales(
    gradients: Sequence[Any],
    clipnorm: float | None = None,
    global_clipnorm: float | None = None,
    unscale: float = 1.0,
) -> list[Any] | None:
    """Returns the factor that clips each of `unscale * gradients`, times `unscale`.

    A global norm that is infinite or NaN makes every gradient NaN instead of hiding the trouble.
    Pascanu et al., "On the difficulty of training recurrent neural networks", 2013.

    Args:
        gradients: the gradients, of any shapes.
        clipnorm: largest norm of each gradient.
        global_clipnorm: largest norm of all gradients together.
        unscale: factor of the gradients before they are clipped.

    Returns:
        Float64 scalars, one per gradient; `None` if nothing is to be done.

    >>> from pynn.optimizers.clipping import norm_scales
    >>> [float(s) for s in norm_scales([ops.array([3.0]), ops.array([4.0])], global_clipnorm=1.0)]
    [0.2, 0.2]
    """
    if clipnorm and clipnorm > 0:
        return [_core.clip_scale([g], clipnorm, unscale, False) for g in gradients]
    if global_clipnorm and global_clipnorm > 0:
        return [_core.clip_scale(list(gradients), global_clipnorm, unscale, True)] * len(gradients)
    if unscale != 1.0:
        return [_core.tensor(unscale, "float64")] * len(gradients)
    return None


def scaled(gradients: Sequence[Any], scales: Sequence[Any] | None) -> list[Any]:
    """Returns each gradient times its factor, in its own dtype.

    >>> from pynn.optimizers.clipping import scaled
    >>> scaled([ops.array([4.0])], [0.5])[0].numpy().tolist()
    [2.0]
    """
    if scales is None:
        return list(gradients)
    gradients = [ops.convert_to_tensor(g) for g in gradients]
    return [g * ops.cast(s, g.dtype) for g, s in zip(gradients, scales, strict=True)]
