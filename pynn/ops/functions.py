"""Functions with gradients of their own, and functions that run in Python inside a step."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from pynn import _core, tree
from pynn._core import Tensor
from pynn.backend.dtypes import standardize_dtype
from pynn.ops.structures import Layout, flatten_tensors, spec, trace_function
from pynn.ops.symbolic import symbolic_op
from pynn.tracing import give_to_owner

__all__ = ["custom_gradient", "py_function"]


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of `f`, which returns its output and the gradient to use for it.

    `f(*args)` returns `(output, grad_fn)`. `grad_fn(upstream)` gets the gradient of the output,
    in the output's structure, and returns one gradient per tensor in `args`: a tuple, or a
    tensor alone if there is one argument. A `grad_fn(*args, upstream)` whose `upstream` goes by
    name only is called that way. Gradients flow to `args` alone, not to what `f` takes from
    outside.

    Raises:
        TypeError: `f` returns no such pair, or something in it is not a tensor.
        ValueError: `grad_fn` returns another number of gradients, or of other shapes.

    >>> @pynn.ops.custom_gradient
    ... def log1pexp(x):
    ...     e = pynn.ops.exp(x)
    ...     return pynn.ops.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))
    >>> x = pynn.Variable(100.0)
    >>> with pynn.GradientTape() as tape:
    ...     y = log1pexp(x)
    >>> float(tape.gradient(y, x))
    1.0
    """

    @symbolic_op
    @functools.wraps(f)
    def with_gradient(*args: Any, **kwargs: Any) -> Any:
        arguments, layout = flatten_tensors("custom_gradient", "arguments", list(args))
        args = tuple(layout.pack(arguments))
        result = f(*args, **kwargs)
        if not isinstance(result, tuple) or len(result) != 2 or not callable(result[1]):
            raise TypeError(
                "pynn.custom_gradient: expected a function that returns (output, grad_fn); "
                f"received {result!r}"
            )
        outputs, output_layout = flatten_tensors("custom_gradient", "the output", result[0])
        rule = _Rule(result[1], args, arguments, output_layout)
        if not _core.in_trace():
            return output_layout.pack(_core.with_gradient(outputs, arguments, rule))
        traced = trace_function(rule, outputs)
        return output_layout.pack(_core.with_gradient(outputs, arguments, traced))

    return with_gradient


class _Rule:
    """A gradient function of the user's, on flat lists."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        flat: list[Tensor],
        output: Layout,
    ) -> None:
        self._function, self._args, self._output = function, args, output
        self._shapes = [tuple(t.shape) for t in flat]
        self._dtypes = [t.dtype for t in flat]
        self._by_name = _takes_upstream_by_name(function)

    def __call__(self, upstream: list[Tensor]) -> list[Tensor]:
        packed = self._output.pack(upstream)
        if self._by_name:
            result = self._function(*self._args, upstream=packed)
        else:
            result = self._function(packed)
        leaves = tree.flatten(result)
        if len(leaves) != len(self._shapes):
            raise ValueError(
                f"pynn.custom_gradient: expected one gradient per argument, {len(self._shapes)}; "
                f"received {len(leaves)}"
            )
        return [self._checked(i, leaf) for i, leaf in enumerate(leaves)]

    def _checked(self, i: int, leaf: Any) -> Tensor:
        if leaf is None:
            return _core.full(self._shapes[i], 0, self._dtypes[i])
        (gradient,), _ = flatten_tensors("custom_gradient", "a gradient", leaf)
        if tuple(gradient.shape) != self._shapes[i]:
            raise ValueError(
                f"pynn.custom_gradient: expected a gradient of shape {self._shapes[i]} for "
                f"argument {i}; received {spec(gradient)}"
            )
        return gradient


def _takes_upstream_by_name(function: Callable[..., Any]) -> bool:
    try:
        parameter = inspect.signature(function).parameters.get("upstream")
    except (TypeError, ValueError):
        return False
    return parameter is not None and (
        parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
    )


def py_function(fn: Callable[..., Any], inputs: Any, output_spec: Any) -> Any:
    """Return `fn(*inputs)`, computed by Python whenever the step runs.

    `fn` gets NumPy arrays, its own copies, and returns arrays, numbers or tensors; it may use
    any library. A compiled step stays compiled: it calls `fn` each time it runs, in the order
    of the code, whether the result is used or not, and needs Python's lock (GIL) for just that
    long. If `fn` raises, so does `fit`, and the weights are those of the last whole step.
    There is no gradient; `custom_gradient` can give one, `stop_gradient` says that there is none.
    Inside of a branch or loop that is differentiated, `fn` may be called again for the gradient.

    Args:
        fn: a function of arrays; it must not use variables that the running step changes.
        inputs: a list or tuple of arguments, or one argument: tensors or structures of them.
        output_spec: shapes and dtypes of the results, in their structure: `KerasTensor`s, or
            other things with `shape` and `dtype`. A size None is that of the first input at the
            same axis. None: `fn` returns nothing.

    Raises:
        ValueError: a result has another structure or shape.
        TypeError: an output spec has no shape and dtype.

    >>> spec = pynn.KerasTensor((3,), "float64")
    >>> pynn.ops.py_function(lambda x: np.sort(x), np.array([3.0, 1.0, 2.0]), spec).numpy()
    array([1., 2., 3.])
    """
    return _host_call(fn, inputs, _OutputSpec(output_spec))


class _OutputSpec:
    """What a host function returns."""

    def __init__(self, structure: Any) -> None:
        self.layout = Layout(structure)
        self._leaves = [leaf for leaf in tree.flatten(structure) if leaf is not None]

    def beside(self, inputs: list[Tensor]) -> list[tuple[tuple[int, ...], str]]:
        """Return shapes, with sizes None taken from the first input, and dtypes."""
        return [_output_spec(leaf, inputs) for leaf in self._leaves]


@symbolic_op
def _host_call(fn: Callable[..., Any], inputs: Any, expected: _OutputSpec) -> Any:
    name = getattr(fn, "__name__", type(fn).__name__)
    arguments = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
    tensors, layout = flatten_tensors("py_function", "inputs", arguments)
    specs = expected.beside(tensors)

    def call(arrays: list[np.ndarray]) -> list[np.ndarray]:
        results, received = _flatten_arrays(fn(*layout.pack(arrays)))
        if not received.matches(expected.layout):
            raise ValueError(
                f"pynn.py_function: expected {name} to return {expected.layout}; received "
                f"{received} (* is a tensor)"
            )
        return [_checked(name, x, *spec) for x, spec in zip(results, specs, strict=True)]

    weak = _core.in_trace() and give_to_owner(call)
    return expected.layout.pack(_core.py_function(call, weak, name, tensors, specs))


def _output_spec(leaf: Any, inputs: list[Tensor]) -> tuple[tuple[int, ...], str]:
    if not (hasattr(leaf, "shape") and hasattr(leaf, "dtype")):
        raise TypeError(
            f"pynn.py_function: expected an output_spec with shape and dtype; received {leaf!r}"
        )
    known = inputs[0].shape if inputs else ()
    shape = []
    for axis, size in enumerate(leaf.shape):
        if size is None and axis >= len(known):
            raise ValueError(
                f"pynn.py_function: expected sizes that are known; received {tuple(leaf.shape)}, "
                f"and the first input has no axis {axis}"
            )
        shape.append(known[axis] if size is None else int(size))
    return tuple(shape), standardize_dtype(leaf.dtype)


def _flatten_arrays(result: Any) -> tuple[list[np.ndarray], Layout]:
    # The values of tensors are asked for, which a traced one has not.
    leaves = [leaf for leaf in tree.flatten(result) if leaf is not None]
    return [np.asarray(leaf) for leaf in leaves], Layout(result)


def _checked(name: str, array: np.ndarray, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if array.shape != shape:
        raise ValueError(
            f"pynn.py_function: expected {name} to return shape {shape}; received {array.shape}"
        )
    return _core.tensor(array, dtype).numpy()
