"""pynn.function: any function of tensors, compiled once per kind of arguments."""

from __future__ import annotations

import copy
import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, overload

import numpy as np

from pynn import _core, tree
from pynn._core import Tensor
from pynn.keras_tensor import any_symbolic_tensors
from pynn.tracing import collected_host_functions, warn_about_values

_SCALARS = (bool, int, float, complex, str, bytes, type(None))
_tracing = threading.RLock()


@overload
def function(fn: Callable[..., Any], *, max_signatures: int = ...) -> CompiledFunction: ...
@overload
def function(
    fn: None = ..., *, max_signatures: int = ...
) -> Callable[[Callable[..., Any]], CompiledFunction]: ...
def function(fn: Any = None, *, max_signatures: int = 16) -> Any:
    """Compile a function of tensors; usable as a decorator, on methods too.

    The first call with a new signature runs `fn` once on symbolic tensors; from then on such
    calls run in C++, without Python. A signature is the structure of the arguments, the shapes
    and dtypes of tensors and arrays, and all other arguments themselves: Python numbers are
    constants. Results are those of `fn`, bit for bit; so are gradients with a `GradientTape`.
    Variables are read and assigned as in `fn`. What else `fn` reads from outside is read while
    tracing: docs/tracing.md says what that means. Inside another traced function the call is
    inlined. If `fn` looks at the values of tensors, it runs eagerly, with one warning.

    Args:
        fn: a function of tensors, arrays, Python values, and structures of them.
        max_signatures: how many signatures are kept; the one unused for longest goes.

    Raises:
        ValueError: `max_signatures` is below 1.

    >>> @pynn.function
    ... def norm(x):
    ...     return pynn.ops.sqrt(pynn.ops.sum(x * x))
    >>> float(norm(np.array([3.0, 4.0], "float32")))
    5.0
    """
    if not isinstance(max_signatures, int) or max_signatures < 1:
        raise ValueError(
            f"pynn.function: expected max_signatures of at least 1; received {max_signatures!r}"
        )
    if fn is None:
        return lambda f: CompiledFunction(f, max_signatures)
    return CompiledFunction(fn, max_signatures)


class CompiledFunction:
    """What `pynn.function` makes of a function.

    Args:
        fn: the function.
        max_signatures: how many signatures are kept.

    Raises:
        TypeError: `fn` is not callable.
    """

    def __init__(self, fn: Callable[..., Any], max_signatures: int) -> None:
        if not callable(fn):
            raise TypeError(f"pynn.function: expected a function; received {fn!r}")
        functools.update_wrapper(self, fn)
        self.__name__: str = getattr(fn, "__name__", type(fn).__name__)
        self.__qualname__: str = getattr(fn, "__qualname__", self.__name__)
        self._function = fn
        self._max_signatures = max_signatures
        self._lock = threading.Lock()
        self._compiled: OrderedDict[Any, _Signature] = OrderedDict()
        self._warned: set[tuple[str, int]] = set()
        self._runs_eagerly = False
        self._bound_name = f"_fast_{id(self)}"  # layers do not take such attributes for settings
        self._local = threading.local()

    def __get__(self, instance: Any, owner: type | None = None) -> CompiledFunction:
        """Return the method of an instance, which has signatures of its own."""
        if instance is None:
            return self
        bound = instance.__dict__.get(self._bound_name)
        if bound is None:
            bound = CompiledFunction(self._function.__get__(instance), self._max_signatures)
            instance.__dict__[self._bound_name] = bound
        return bound

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        if not kwargs and not self._runs_eagerly and not _core.in_trace():
            # The usual call, of tensors alone, is found at once.
            tensors = [a for a in args if type(a) is Tensor]
            if len(tensors) == len(args):
                compiled = self._get(tuple([(t.shape, t.dtype) for t in tensors]))
                if compiled is not None:
                    return compiled(tensors)
        if any_symbolic_tensors(args, kwargs):
            return self._function(*args, **kwargs)
        if self._runs_eagerly:
            return self._eagerly(args, kwargs)
        if getattr(self._local, "tracing", False):
            raise RecursionError(
                f"pynn.function: expected a function that does not call itself; {self!r} does. "
                "Use pynn.ops.while_loop, or leave the inner function uncompiled"
            )
        if _core.in_trace():
            return self._trace_python(args, kwargs)
        leaves = tree.flatten((args, kwargs))
        arrays = [leaf if _is_array(leaf) else None for leaf in leaves]
        key = _signature(args, kwargs, leaves)
        compiled = self._get(key)
        if compiled is None:
            with _tracing:
                compiled = self._get(key) or self._compile(key, args, kwargs, leaves)
            if compiled is None:
                return self._eagerly(args, kwargs)
        return compiled([_core.tensor(a) for a in arrays if a is not None])

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledFunction:
        return CompiledFunction(copy.deepcopy(self._function, memo), self._max_signatures)

    def __reduce__(self) -> Any:
        """Pickle functions by their names, as Python does, and methods with their objects."""
        instance = getattr(self._function, "__self__", None)
        return self.__qualname__ if instance is None else (getattr, (instance, self.__name__))

    def __repr__(self) -> str:
        return f"<pynn.function {self.__qualname__}>"

    @property
    def num_signatures(self) -> int:
        """How many signatures are compiled and kept."""
        return len(self._compiled)

    def graph(self, *args: Any, **kwargs: Any) -> str:
        """Return the compiled calls for arguments like these, as text; compiles if need be.

        Raises:
            ValueError: the function runs eagerly, since it looks at values.
        """
        leaves = tree.flatten((args, kwargs))
        key = _signature(args, kwargs, leaves)
        with _tracing:
            compiled = self._get(key) or self._compile(key, args, kwargs, leaves)
        if compiled is None:
            raise ValueError(f"pynn.function: expected a compiled function; {self!r} runs eagerly")
        return compiled.function.dump()

    def _get(self, key: Any) -> _Signature | None:
        with self._lock:
            compiled = self._compiled.get(key)
            if compiled is not None:
                self._compiled.move_to_end(key)
            return compiled

    def _compile(self, key: Any, args: Any, kwargs: Any, leaves: list[Any]) -> _Signature | None:
        try:
            compiled = self._traced(args, kwargs, leaves)
        except _core.TraceError as error:
            self._runs_eagerly = True
            warn_about_values(
                error, self._warned, repr(self), "leave out the decorator pynn.function"
            )
            return None
        with self._lock:
            self._compiled[key] = compiled
            while len(self._compiled) > self._max_signatures:
                self._compiled.popitem(last=False)
        return compiled

    def _traced(self, args: Any, kwargs: Any, leaves: list[Any]) -> _Signature:
        # Nested, so that no tape listens: what the tapes hear is the call as a whole.
        with _core.Trace(nested=True) as trace, collected_host_functions() as host_functions:

            def symbol(leaf: Any) -> Any:
                if not _is_array(leaf):
                    return leaf
                concrete = _core.tensor(leaf)
                return trace.input(concrete.shape, concrete.dtype)

            traced_args, traced_kwargs = tree.map_structure(symbol, (args, kwargs))
            result = self._trace_python(traced_args, traced_kwargs)
            results = tree.flatten(result)
            tensors = [leaf for leaf in results if isinstance(leaf, Tensor)]
            compiled = trace.finish_function([_core.identity(t) for t in tensors])
        # Only the nesting is kept: traced tensors mean nothing after the trace.
        structure = tree.map_structure(lambda x: _TENSOR if isinstance(x, Tensor) else x, result)
        references = [*(leaf for leaf in leaves if not _is_array(leaf)), *host_functions]
        return _Signature(compiled, structure, references)

    def _eagerly(self, args: Any, kwargs: Any) -> Any:
        args, kwargs = tree.map_structure(
            lambda leaf: _core.tensor(leaf) if _is_array(leaf) else leaf, (args, kwargs)
        )
        return self._function(*args, **kwargs)

    def _trace_python(self, args: Any, kwargs: Any) -> Any:
        self._local.tracing = True
        try:
            return self._function(*args, **kwargs)
        finally:
            self._local.tracing = False


class _Signature:
    """A compiled function of some kind of arguments, and how to read its outputs."""

    def __init__(self, compiled: Any, structure: Any, references: list[Any]) -> None:
        self.function = compiled
        self._structure = structure
        self._single = structure is _TENSOR
        # The key has the ids of constants, which no other object may get; host functions live here.
        self._references = references

    def __call__(self, tensors: list[Tensor]) -> Any:
        outputs = self.function(tensors)
        if self._single:
            return outputs[0]
        remaining = iter(outputs)
        return tree.map_structure(lambda x: next(remaining) if x is _TENSOR else x, self._structure)


_TENSOR = object()


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, (Tensor, np.ndarray, np.generic)) or (
        hasattr(leaf, "__array__") and not isinstance(leaf, _core.Variable)
    )


def _signature(args: Any, kwargs: Any, leaves: list[Any]) -> Any:
    keys = tuple([_leaf_key(leaf) for leaf in leaves])
    if not kwargs and all(map(_is_array, args)):
        return keys
    return _nesting((args, kwargs)), keys


def _nesting(structure: Any) -> Any:
    if isinstance(structure, dict):
        return type(structure), tuple((k, _nesting(v)) for k, v in structure.items())
    if isinstance(structure, (list, tuple)):
        return type(structure), tuple([_nesting(item) for item in structure])
    return None


def _leaf_key(leaf: Any) -> Any:
    if _is_array(leaf):
        return tuple(leaf.shape), str(leaf.dtype)
    if isinstance(leaf, _SCALARS):
        # 1, 1.0 and True are equal, and so are 0.0 and -0.0.
        return type(leaf), repr(leaf)
    return type(leaf), id(leaf)
