"""Axes rearranged by a pattern, pixels moved to channels and back, functions made elementwise."""

import math
import re
from collections.abc import Callable
from typing import Any

from pynn import _core, backend
from pynn._core import Tensor
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import broadcast_shape
from pynn.ops.loops import vectorized_map
from pynn.ops.symbolic import symbolic_op

__all__ = ["depth_to_space", "rearrange", "space_to_depth", "vectorize"]


@symbolic_op
def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Tensor:
    """Return a tensor with its axes reordered, split and merged as `pattern` says.

    `"b (h w) c -> b c h w"` splits the second axis into h and w, and reorders. Sizes that the
    tensor does not tell are given by name: `h=4`. The notation is that of einops (Rogozhnikov,
    "Einops: clear and reliable tensor manipulations with Einstein-like notation", 2022).

    Raises:
        ValueError: the pattern does not fit the tensor.

    >>> pynn.ops.rearrange(np.ones((2, 6, 3)), "b (h w) c -> b c h w", h=2).shape
    (2, 3, 2, 3)
    """
    x = convert_to_tensor(tensor)
    left, arrow, right = pattern.partition("->")
    before, after = _groups(left), _groups(right)
    names = [name for group in before for name in group]
    wanted = [name for group in after for name in group]
    if (
        not arrow
        or len(before) != x.ndim
        or len(set(names)) != len(names)
        or sorted(names) != sorted(wanted)
    ):
        raise ValueError(
            f"pynn.rearrange: expected a pattern 'axes -> axes' with the same names on both sides, "
            f"{x.ndim} axes on the left; received {pattern!r} for shape={tuple(x.shape)}"
        )
    sizes = dict(axes_lengths)
    for group, size in zip(before, x.shape, strict=True):
        _settle_sizes(pattern, group, size, sizes)
    x = _core.reshape(x, [sizes[name] for name in names])
    x = _core.transpose(x, [names.index(name) for name in wanted])
    return _core.reshape(x, [math.prod(sizes[name] for name in group) for group in after])


def _groups(side: str) -> list[list[str]]:
    """Axes of one side of a pattern, each a list of names; "1" is an axis without any."""
    found = re.findall(r"\(([^()]*)\)|([^\s()]+)", side)
    return [[n for n in (many or one).split() if n != "1"] for many, one in found]


def _settle_sizes(pattern: str, group: list[str], size: int, sizes: dict[str, int]) -> None:
    """Put the sizes of a group of axes, of `size` elements together, into `sizes`."""
    unknown = [name for name in group if name not in sizes]
    known = math.prod(sizes[name] for name in group if name in sizes)
    if len(unknown) == 1 and known and size % known == 0:
        sizes[unknown[0]] = size // known
    elif unknown or known != size:
        raise ValueError(
            f"pynn.rearrange: expected sizes of ({' '.join(group)}) that make {size}; received "
            f"{ {n: sizes[n] for n in group if n in sizes} } for {pattern!r}"
        )


@symbolic_op
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Return x (N, H, W, C) with blocks of channels laid out in space: (N, H b, W b, C / b**2).

    The channels of a block are in the order (row, column, channel); with "channels_first", where
    the channels are axis 1, in the order (channel, row, column).

    Raises:
        ValueError: the channels do not divide by `block_size` squared.

    >>> pynn.ops.depth_to_space(np.ones((1, 2, 2, 4)), 2).shape
    (1, 4, 4, 1)
    """
    x, first = _image("depth_to_space", x, data_format)
    n, h, w, c = _sizes(x, first)
    b = block_size
    if c % (b * b):
        raise ValueError(
            f"pynn.depth_to_space: expected channels that divide by {b * b}; received {c}"
        )
    if first:
        x = _core.transpose(_core.reshape(x, (n, c // b // b, b, b, h, w)), [0, 1, 4, 2, 5, 3])
        return _core.reshape(x, (n, c // b // b, h * b, w * b))
    x = _core.transpose(_core.reshape(x, (n, h, w, b, b, c // b // b)), [0, 1, 3, 2, 4, 5])
    return _core.reshape(x, (n, h * b, w * b, c // b // b))


@symbolic_op
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Return x (N, H, W, C) with blocks of pixels as channels: (N, H / b, W / b, C b**2).

    With "channels_first" the channels are axis 1. The inverse of `depth_to_space`, whose order of
    channels it has.

    Raises:
        ValueError: height or width does not divide by `block_size`.

    >>> pynn.ops.space_to_depth(np.ones((1, 4, 4, 1)), 2).shape
    (1, 2, 2, 4)
    """
    x, first = _image("space_to_depth", x, data_format)
    n, h, w, c = _sizes(x, first)
    b = block_size
    if h % b or w % b:
        raise ValueError(
            f"pynn.space_to_depth: expected height and width that divide by {b}; received {h}, {w}"
        )
    if first:
        x = _core.transpose(_core.reshape(x, (n, c, h // b, b, w // b, b)), [0, 1, 3, 5, 2, 4])
        return _core.reshape(x, (n, c * b * b, h // b, w // b))
    x = _core.transpose(_core.reshape(x, (n, h // b, b, w // b, b, c)), [0, 1, 3, 2, 4, 5])
    return _core.reshape(x, (n, h // b, w // b, c * b * b))


def _image(who: str, x: Any, data_format: str | None) -> tuple[Tensor, bool]:
    """X with its 4 axes checked, and whether channels come first."""
    x = convert_to_tensor(x)
    if x.ndim != 4:
        raise ValueError(f"pynn.{who}: expected 4 axes; received shape={tuple(x.shape)}")
    return x, backend.standardize_data_format(data_format) == "channels_first"


def _sizes(x: Tensor, channels_first: bool) -> tuple[int, int, int, int]:
    n, a, b, c = x.shape
    return (n, b, c, a) if channels_first else (n, a, b, c)


def vectorize(
    pyfunc: Callable[..., Any], *, excluded: Any = None, signature: str | None = None
) -> Callable[..., Any]:
    """Return `pyfunc`, a function of scalar tensors, as one of tensors that broadcast.

    With a `signature` such as "(n),(n)->()" it is a function of arrays: the named axes, the last
    ones, are given whole, and the others broadcast.

    Args:
        pyfunc: the function; it returns a tensor, or a tuple of them.
        excluded: positions of arguments that are handed on as they are.
        signature: the axes of its arguments.

    Raises:
        ValueError: the signature names another number of arguments or more axes than there are.

    >>> clipped = pynn.ops.vectorize(lambda x, y: pynn.ops.where(x > y, y, x))
    >>> clipped([1.0, 5.0], 3.0).numpy()
    array([1., 3.], dtype=float32)
    """
    held = frozenset(excluded or ())

    def vectorized(*args: Any) -> Any:
        places = [i for i in range(len(args)) if i not in held]
        tensors = [convert_to_tensor(args[i]) for i in places]
        ranks = _core_ranks(signature, tensors)
        cuts = [t.ndim - rank for t, rank in zip(tensors, ranks, strict=True)]
        loop = broadcast_shape(
            "vectorize", *(t.shape[:cut] for t, cut in zip(tensors, cuts, strict=True))
        )
        rows = [
            _core.reshape(
                _core.broadcast_to(t, (*loop, *t.shape[cut:])), (math.prod(loop), *t.shape[cut:])
            )
            for t, cut in zip(tensors, cuts, strict=True)
        ]

        def call(slices: Any) -> Any:
            given = dict(zip(places, slices, strict=True))
            return pyfunc(*(given.get(i, arg) for i, arg in enumerate(args)))

        result = vectorized_map(call, tuple(rows))
        many = isinstance(result, (tuple, list))
        shaped = [_core.reshape(r, (*loop, *r.shape[1:])) for r in (result if many else [result])]
        return tuple(shaped) if many else shaped[0]

    return symbolic_op(_named(vectorized, pyfunc))


def _named(function: Callable[..., Any], like: Callable[..., Any]) -> Callable[..., Any]:
    function.__name__ = getattr(like, "__name__", "vectorized").strip("<>")
    function.__doc__ = like.__doc__
    return function


def _core_ranks(signature: str | None, tensors: list[Tensor]) -> list[int]:
    """How many of the last axes of each argument the function gets whole."""
    if signature is None:
        return [0] * len(tensors)
    groups = re.findall(r"\(([^()]*)\)", signature.partition("->")[0])
    ranks = [len([n for n in group.split(",") if n.strip()]) for group in groups]
    if len(ranks) != len(tensors) or any(
        t.ndim < rank for t, rank in zip(tensors, ranks, strict=True)
    ):
        raise ValueError(
            f"pynn.vectorize: expected arguments like {signature!r}; received shapes "
            f"{[tuple(t.shape) for t in tensors]}"
        )
    return ranks
