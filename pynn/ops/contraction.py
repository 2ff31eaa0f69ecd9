"""Einstein summation by transposing, reshaping and matrix products."""

import math
from typing import Any

from pynn import _core
from pynn._core import Tensor
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import promoted
from pynn.ops.indexing import diagonal
from pynn.ops.symbolic import symbolic_op

__all__ = ["einsum"]


@symbolic_op
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Tensor:
    """Return the Einstein summation of the operands, as `numpy.einsum`.

    Operands are contracted from left to right, each pair by one batched matrix product.
    Broadcasting axes are written `...`. Products of 8-bit integers are int32.

    Raises:
        ValueError: the subscripts do not fit the operands.
        TypeError: any keyword is given.

    >>> pynn.ops.einsum("bij,jk->bik", np.ones((5, 2, 3)), np.ones((3, 4))).shape
    (5, 2, 4)
    """
    if kwargs:
        raise TypeError(f"pynn.einsum: expected no keywords; received {sorted(kwargs)}")
    if not operands:
        raise ValueError("pynn.einsum: expected at least one operand; received none")
    tensors = [convert_to_tensor(x) for x in operands]
    if all(x.dtype == "int8" for x in tensors):  # as in Keras: 8-bit sums overflow at once
        tensors = [_core.cast(x, "int32") for x in tensors]
    tensors = promoted(*tensors)
    inputs, output = _parse(subscripts, [x.ndim for x in tensors])
    sizes = _sizes(subscripts, inputs, tensors)

    term, x = _simplified(inputs[0], tensors[0], _needed(inputs[1:], output))
    for i in range(1, len(tensors)):
        needed = _needed(inputs[i + 1 :], output)
        other, y = _simplified(inputs[i], tensors[i], needed | set(term))
        term, x = _simplified(term, x, needed | set(other))
        term, x = _contracted(term, x, other, y, needed)
    x = _core.transpose(x, [term.index(label) for label in output if label in term])
    return _broadcast(x, term, output, sizes)


def _parse(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
    """Labels of each operand and of the output; `...` becomes labels of its own (digits)."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(
            f"pynn.einsum: expected {len(terms)} operands for {subscripts!r}; received {len(ranks)}"
        )
    widths = [rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)]
    for term, rank, width in zip(terms, ranks, widths, strict=True):
        if width < 0 or (width and "..." not in term):
            raise ValueError(
                f"pynn.einsum: expected an operand of rank {len(term.replace('...', ''))} for "
                f"{term!r}; received rank {rank}"
            )
    extra = [_ellipsis_labels(w) if "..." in t else "" for t, w in zip(terms, widths, strict=True)]
    inputs = [term.replace("...", e) for term, e in zip(terms, extra, strict=True)]
    longest = max(extra, key=len)
    if arrow:
        output = right.replace("...", longest)
    else:
        labels = "".join(inputs)
        output = longest + "".join(
            sorted(label for label in set(labels) - set(longest) if labels.count(label) == 1)
        )
    if len(set(output)) != len(output) or not set(output) <= set("".join(inputs)):
        raise ValueError(
            f"pynn.einsum: expected output labels that occur once, and in an operand; received "
            f"{subscripts!r}"
        )
    return inputs, output


def _ellipsis_labels(width: int) -> str:
    """Labels aligned at the right, as broadcasting is: the last axis is always chr(0x1000)."""
    return "".join(chr(0x1000 + i) for i in reversed(range(width)))


def _sizes(subscripts: str, inputs: list[str], tensors: list[Tensor]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for term, x in zip(inputs, tensors, strict=True):
        for label, size in zip(term, x.shape, strict=True):
            known = sizes.setdefault(label, size)
            if known == 1:
                sizes[label] = size
            elif size not in (known, 1):
                raise ValueError(
                    f"pynn.einsum: expected one size per label; received {known} and {size} for "
                    f"{label!r} in {subscripts!r}, shapes {[x.shape for x in tensors]}"
                )
    return sizes


def _needed(terms: list[str], output: str) -> set[str]:
    return set("".join(terms)) | set(output)


def _simplified(term: str, x: Tensor, needed: set[str]) -> tuple[str, Tensor]:
    """Diagonals of repeated labels taken, and labels that nothing needs summed out."""
    for label in sorted(set(term)):
        while term.count(label) > 1:
            first = term.index(label)
            second = term.index(label, first + 1)
            x = diagonal(x, 0, first, second)
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + label
    summed = [i for i, label in enumerate(term) if label not in needed]
    if summed:
        x = _core.sum(x, summed, False)
        term = "".join(label for label in term if label in needed)
    return term, x


def _contracted(
    term1: str, x1: Tensor, term2: str, x2: Tensor, needed: set[str]
) -> tuple[str, Tensor]:
    """Product of two operands, summed over the shared labels that nothing needs any more."""
    size1 = dict(zip(term1, x1.shape, strict=True))
    size2 = dict(zip(term2, x2.shape, strict=True))
    shared = [label for label in term1 if label in size2]
    summed = [label for label in shared if label not in needed]
    batch = [label for label in shared if label in needed]
    rows = [label for label in term1 if label not in size2]
    columns = [label for label in term2 if label not in size1]
    broadcasts = any(size1[label] != size2[label] for label in shared)
    # Without a sum, or as a batch of dot products, a matrix product would be many tiny ones.
    if broadcasts or not summed or (batch and not rows and not columns):
        return _multiplied(term1, x1, term2, x2, summed)
    batch_shape = [size1[label] for label in batch]
    inner = math.prod(size1[label] for label in summed)
    left = _core.transpose(x1, [term1.index(label) for label in batch + rows + summed])
    right = _core.transpose(x2, [term2.index(label) for label in batch + summed + columns])
    row_shape = [size1[label] for label in rows]
    column_shape = [size2[label] for label in columns]
    left = _core.reshape(left, (*batch_shape, math.prod(row_shape), inner))
    right = _core.reshape(right, (*batch_shape, inner, math.prod(column_shape)))
    product = _core.matmul(left, right)
    result = _core.reshape(product, (*batch_shape, *row_shape, *column_shape))
    return "".join(batch + rows + columns), result


def _multiplied(
    term1: str, x1: Tensor, term2: str, x2: Tensor, summed: list[str]
) -> tuple[str, Tensor]:
    """The same by an elementwise product; sizes of 1 broadcast."""
    term = term1 + "".join(label for label in term2 if label not in term1)
    product = _core.multiply(_aligned(term1, x1, term), _aligned(term2, x2, term))
    if not summed:
        return term, product
    result = _core.sum(product, [term.index(label) for label in summed], False)
    return "".join(label for label in term if label not in summed), result


def _aligned(term: str, x: Tensor, target: str) -> Tensor:
    """X with its axes in the order of `target`, and size 1 for the labels it lacks."""
    x = _core.transpose(x, [term.index(label) for label in target if label in term])
    sizes = iter(x.shape)
    return _core.reshape(x, [next(sizes) if label in term else 1 for label in target])


def _broadcast(x: Tensor, term: str, output: str, sizes: dict[str, int]) -> Tensor:
    shape = tuple(sizes[label] for label in output)
    return x if tuple(x.shape) == shape else _core.broadcast_to(x, shape)
