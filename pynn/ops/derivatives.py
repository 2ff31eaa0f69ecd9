"""Derivatives of functions as values."""

from collections.abc import Callable
from typing import Any

from pynn import _core
from pynn._core import Tensor
from pynn.ops.structures import flatten_tensors

__all__ = ["jvp"]


def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """Return `fun(*primals)` and its directional derivative along `tangents`.

    The derivative is that of the gradient, which is linear in what flows into it, by a second
    backward pass (Townsend, "A new trick for calculating Jacobian vector products", 2017); so the
    ops of `fun` need gradients of second order where that trick meets them.

    Args:
        fun: a function of tensors or structures of them that returns the same; with `has_aux`,
            a pair of that and anything else.
        primals: tuple or list of its arguments.
        tangents: a direction for each of them, in their structure.
        has_aux: whether `fun` returns a pair.

    Returns:
        (outputs, derivative), and with `has_aux` what else `fun` returned.

    Raises:
        ValueError: `tangents` is not like `primals`.

    >>> y, dy = pynn.ops.jvp(lambda x: x * x, (np.array([3.0]),), (np.array([1.0]),))
    >>> y.numpy(), dy.numpy()
    (array([9.]), array([6.]))
    """
    inputs, layout = flatten_tensors("jvp", "primals", primals)
    directions, other = flatten_tensors("jvp", "tangents", tangents)
    if [t.shape for t in inputs] != [t.shape for t in directions]:
        raise ValueError(
            f"pynn.jvp: expected tangents like primals, {layout}; received {other} with shapes "
            f"{[tuple(t.shape) for t in inputs]} and {[tuple(t.shape) for t in directions]}"
        )
    # Own copies: a tensor of which there are two stands for two arguments.
    inputs = [_core.identity(t) for t in inputs]
    with _core.Tape(persistent=True) as outer:
        with _core.Tape(persistent=True) as inner:
            for t in inputs:
                inner.watch(t)
            result = fun(*layout.pack(inputs))
        value, aux = result if has_aux else (result, None)
        outputs, output_layout = flatten_tensors("jvp", "fun's result", value)
        seeds = [_core.full(y.shape, 0, y.dtype) for y in outputs]
        for seed in seeds:
            outer.watch(seed)
        total = _along(inner, outputs, seeds, inputs, directions)
    slopes = outer.gradient(total, seeds, unconnected_zero=True)
    derivative = output_layout.pack(slopes)
    return (value, derivative, aux) if has_aux else (value, derivative)


def _along(
    tape: Any,
    outputs: list[Tensor],
    seeds: list[Tensor],
    inputs: list[Tensor],
    directions: list[Tensor],
) -> Tensor:
    """Gradients with `seeds` flowing into the outputs, times the directions, summed."""
    total = _core.full((), 0, outputs[0].dtype)
    for y, seed in zip(outputs, seeds, strict=True):
        gradients = tape.gradient(y, inputs, output_gradient=seed, unconnected_zero=True)
        for gradient, direction in zip(gradients, directions, strict=True):
            total = _core.add(total, _core.sum(_core.multiply(gradient, direction), None, False))
    return total
