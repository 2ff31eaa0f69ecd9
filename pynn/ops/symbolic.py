"""How the public ops are called: on tensors, and on the symbolic tensors of the functional API."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from pynn import _core
from pynn.keras_tensor import KerasTensor

P = ParamSpec("P")
R = TypeVar("R")


def symbolic_op(fn: Callable[P, R]) -> Callable[P, R]:
    """Make `fn` accept KerasTensors, alone or inside lists, tuples and dicts.

    Given one, the call is recorded as a node of the functional graph and the result is symbolic;
    otherwise `fn` simply runs.
    """
    return _public(fn, None)


def engine_op(engine: Callable[..., Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """`symbolic_op` for a function that does on float tensors just what `engine` does.

    `engine` has the parameters of the function, by the same names, with the same defaults; any
    after them have defaults too. A call whose first argument is a float tensor goes straight to
    it; the function is for everything else.
    """
    return lambda fn: _public(fn, engine)


def _public(fn: Callable[P, R], engine: Callable[..., Any] | None) -> Callable[P, R]:
    op = _core.Op(fn, KerasTensor, _record, engine)
    return cast(Callable[P, R], functools.update_wrapper(op, fn))


def _record(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from pynn.operation import call_symbolically  # operation imports ops' callers: not at load

    return call_symbolically(fn, fn.__name__, args, kwargs)
