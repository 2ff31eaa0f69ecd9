"""Clipping of gradients: by value, by the norm of each, by the norm of all together."""

from __future__ import annotations

from typing import Any

from pynn import ops


def clip_by_norm(gradient: Any, clipnorm: float) -> Any:
    """Scales `gradient` down so that its Euclidean norm is at most `clipnorm`.

    >>> from pynn.optimizers.clipping import clip_by_norm
    >>> clip_by_norm([3.0, 4.0], 1.0).numpy().round(2)
    array([0.6, 0.8], dtype=float32)
    """
    norm = ops.sqrt(ops.sum(ops.square(gradient)))
    return ops.multiply(gradient, clipnorm) / ops.maximum(norm, clipnorm)


def clip_by_global_norm(gradients: list[Any], clipnorm: float) -> list[Any]:
    """Scales all gradients by one factor so that their joint norm is at most `clipnorm`.

    A norm that is infinite or NaN makes every gradient NaN instead of hiding the trouble.
    Pascanu et al., "On the difficulty of training recurrent neural networks", 2013.

    >>> from pynn.optimizers.clipping import clip_by_global_norm
    >>> [float(g) for g in clip_by_global_norm([ops.array(3.0), ops.array(4.0)], 10.0)]
    [3.0, 4.0]
    """
    total = None
    for gradient in gradients:
        squares = ops.sum(ops.square(gradient))
        total = squares if total is None else total + squares
    norm = ops.sqrt(total)
    scale = clipnorm * ops.minimum(1.0 / norm, 1.0 / clipnorm) + (norm - norm)
    return [gradient * ops.cast(scale, gradient.dtype) for gradient in gradients]
