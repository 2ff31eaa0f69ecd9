"""Output shapes and dtypes of any function on tensors, without computing it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pynn import _core, tree
from pynn.keras_tensor import KerasTensor

# Two sizes to put in place of unknown ones. A size of the result that differs between the two runs
# depends on an unknown size. Primes, so that no reshape divides them by accident.
_FILL_SIZES = (83, 89)


def compute_output_spec(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what `fn` returns, with a KerasTensor in place of each tensor.

    `fn` runs on traced tensors: nothing is computed and no variable changes. Unknown sizes of the
    arguments become unknown sizes of the results.

    Args:
        fn: a function on tensors.
        *args: its arguments, with KerasTensors at any depth.
        **kwargs: more of them, by name.

    Returns:
        The structure that `fn` returns; leaves that are not tensors are kept.

    >>> compute_output_spec(lambda x: x[:, :2], pynn.KerasTensor((None, 3))).shape
    (None, 2)
    """
    leaves = tree.flatten([list(args), kwargs])
    shapes = [x.shape for x in leaves if isinstance(x, KerasTensor)]
    unknown = any(None in shape for shape in shapes)
    try:
        first = _run(fn, args, kwargs, _FILL_SIZES[0])
    except ValueError:
        size = _implied_size(shapes)
        if size is None:
            raise
        return tree.map_structure(_to_keras_tensor, _run(fn, args, kwargs, size))
    if not unknown:
        return tree.map_structure(_to_keras_tensor, first)
    second = _run(fn, args, kwargs, _FILL_SIZES[1])
    return tree.map_structure(_merge, first, second)


def _implied_size(shapes: list[Any]) -> int | None:
    """The one size that the unknown batch sizes can have next to a known one, if there is one.

    `(None, 3) + (8, 3)` is `(8, 3)`.
    """
    sizes = {shape[0] for shape in shapes if shape}
    known = sizes - {None, 1}
    return known.pop() if None in sizes and len(known) == 1 else None


class _Spec:
    """Shape and dtype of a result: a leaf that outlives its trace."""

    def __init__(self, tensor: Any):
        self.shape = tuple(tensor.shape)
        self.dtype = tensor.dtype


def _run(fn: Callable[..., Any], args: Any, kwargs: Any, size: int) -> Any:
    if not _core.in_trace():
        return _trace(fn, args, kwargs, size)
    # A shape asked for while a step is being traced, as by a layer that is built on first use.
    with _core.EagerScope():
        return _trace(fn, args, kwargs, size)


def _trace(fn: Callable[..., Any], args: Any, kwargs: Any, size: int) -> Any:
    with _core.Trace() as trace:

        def concrete(x: Any) -> Any:
            if not isinstance(x, KerasTensor):
                return x
            return trace.input(tuple(size if d is None else d for d in x.shape), x.dtype)

        args, kwargs = tree.map_structure(concrete, (tuple(args), dict(kwargs)))
        outputs = fn(*args, **kwargs)
        return tree.map_structure(_describe, outputs)


def _describe(x: Any) -> Any:
    return _Spec(x) if isinstance(x, (_core.Tensor, _core.Variable)) else x


def _to_keras_tensor(x: Any) -> Any:
    return KerasTensor(x.shape, x.dtype) if isinstance(x, _Spec) else x


def _merge(first: Any, second: Any) -> Any:
    if not isinstance(first, _Spec):
        return first
    if len(first.shape) != len(second.shape):
        raise ValueError(
            "pynn.compute_output_spec: expected a result whose number of axes does not depend on "
            f"unknown sizes; received shapes {first.shape} and {second.shape}"
        )
    pairs = zip(first.shape, second.shape, strict=True)
    return KerasTensor(tuple(a if a == b else None for a, b in pairs), first.dtype)
