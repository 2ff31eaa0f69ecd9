"""Running combinations by an associative function, in a number of steps that grows with log n."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pynn._core import Tensor
from pynn.ops.common import canonical_axis
from pynn.ops.joining import concatenate, stack
from pynn.ops.shaping import flip, reshape
from pynn.ops.structures import flatten_tensors
from pynn.ops.symbolic import symbolic_op

__all__ = ["associative_scan"]


@symbolic_op
def associative_scan(
    f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """Return the running combinations e0, f(e0, e1), f(f(e0, e1), e2), ... along `axis`.

    `f` must be associative. It gets two structures like `elems`, of any number of elements along
    `axis`, and combines them element by element; it is called O(log n) times on whole pieces
    (Blelloch, "Prefix Sums and Their Applications", 1990).

    Args:
        f: the function.
        elems: a structure of tensors with as many elements along `axis`.
        reverse: whether to go from the last element to the first.
        axis: the axis.

    Raises:
        ValueError: the sizes along `axis` differ.
        TypeError: `f` returns something that is not a tensor.

    >>> pynn.ops.associative_scan(lambda a, b: a + b, pynn.ops.arange(5)).numpy()
    array([ 0,  1,  3,  6, 10], dtype=int32)
    """
    tensors, layout = flatten_tensors("associative_scan", "elems", elems)
    axes = [canonical_axis("associative_scan", axis, t.ndim) for t in tensors]
    sizes = {t.shape[a] for t, a in zip(tensors, axes, strict=True)}
    if len(sizes) != 1:
        raise ValueError(
            f"pynn.associative_scan: expected tensors of one size along axis {axis}; received "
            f"shapes {[tuple(t.shape) for t in tensors]}"
        )

    def combine(a: list[Tensor], b: list[Tensor]) -> list[Tensor]:
        result, result_layout = flatten_tensors(
            "associative_scan", "f's result", f(layout.pack(a), layout.pack(b))
        )
        if not result_layout.matches(layout):
            raise ValueError(
                "pynn.associative_scan: expected f to return the structure of its arguments, "
                f"{layout}; received {result_layout} (* is a tensor)"
            )
        return result

    if reverse:
        tensors = [flip(t, axis=a) for t, a in zip(tensors, axes, strict=True)]
    results = _scan(combine, tensors, axes, sizes.pop())
    if reverse:
        results = [flip(t, axis=a) for t, a in zip(results, axes, strict=True)]
    return layout.pack(results)


def _scan(
    combine: Callable[[list[Tensor], list[Tensor]], list[Tensor]],
    elems: list[Tensor],
    axes: list[int],
    size: int,
) -> list[Tensor]:
    """Combinations of pairs give those that end at odd places; one more step gives the others."""
    if size < 2:
        return elems

    def pick(tensors: list[Tensor], start: int, stop: int | None, step: int = 1) -> list[Tensor]:
        return [_piece(t, a, start, stop, step) for t, a in zip(tensors, axes, strict=True)]

    pairs = combine(pick(elems, 0, size - 1, 2), pick(elems, 1, None, 2))
    odd = _scan(combine, pairs, axes, size // 2)
    even = pick(elems, 0, 1)
    if size > 2:
        before = pick(odd, 0, (size - 1) // 2)
        rest = combine(before, pick(elems, 2, None, 2))
        even = [
            concatenate([head, tail], axis=a)
            for head, tail, a in zip(even, rest, axes, strict=True)
        ]
    return [_interleaved(e, o, a) for e, o, a in zip(even, odd, axes, strict=True)]


def _piece(t: Tensor, axis: int, start: int, stop: int | None, step: int) -> Tensor:
    before = (slice(None),) * axis
    return t[(*before, slice(start, stop, step))]


def _interleaved(even: Tensor, odd: Tensor, axis: int) -> Tensor:
    """even[0], odd[0], even[1], ...; there may be one more in `even`."""
    count = odd.shape[axis]
    pairs = stack([_piece(even, axis, 0, count, 1), odd], axis=axis + 1)
    shape = (*odd.shape[:axis], 2 * count, *odd.shape[axis + 1 :])
    both = reshape(pairs, shape)
    if even.shape[axis] == count:
        return both
    return concatenate([both, _piece(even, axis, count, None, 1)], axis=axis)
