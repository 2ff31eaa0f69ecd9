"""Automatic names ("dense", "dense_1", ...) and the scopes that weight paths are made of."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_uids: dict[str, int] = {}


class _ScopeStack(threading.local):
    def __init__(self) -> None:
        self.scopes: list[tuple[str, Any]] = []


_stack = _ScopeStack()


def to_snake_case(name: str) -> str:
    """Turn a class name into the base of an automatic name.

    >>> to_snake_case("Conv2D"), to_snake_case("LeakyReLU"), to_snake_case("BatchNormalization")
    ('conv2d', 'leaky_re_lu', 'batch_normalization')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def uniquify(name: str) -> str:
    """Return `name` the first time, then `name_1`, `name_2`, ...

    >>> uniquify("naming_example"), uniquify("naming_example")
    ('naming_example', 'naming_example_1')
    """
    count = _uids.get(name, 0)
    _uids[name] = count + 1
    return f"{name}_{count}" if count else name


def auto_name(prefix: str) -> str:
    """Return a name for a new object of class `prefix` that no other has got.

    >>> auto_name("NamingDemo"), auto_name("NamingDemo")
    ('naming_demo', 'naming_demo_1')
    """
    return uniquify(to_snake_case(prefix))


def get_uid(prefix: str = "") -> int:
    """Return 1, 2, 3, ... per prefix.

    >>> get_uid("uid_example"), get_uid("uid_example")
    (1, 2)
    """
    _uids[prefix] = _uids.get(prefix, 0) + 1
    return _uids[prefix]


def reset_uids() -> None:
    """Forget all automatic names: the next `Dense` is "dense" again."""
    _uids.clear()


def clear_session(free_memory: bool = True) -> None:
    """Reset the automatic names; with `free_memory`, collect unreachable models now.

    >>> clear_session()
    """
    reset_uids()
    if free_memory:
        import gc

        gc.collect()


@contextmanager
def name_scope(name: str, caller: Any = None) -> Iterator[None]:
    """Put `name/` in front of the paths of the variables that are made inside.

    A scope that is entered again by its own `caller` adds nothing, so a layer may open its scope
    both in `build` and in `add_weight`.

    >>> with name_scope("block"):
    ...     current_path()
    'block'
    """
    scopes = _stack.scopes
    if caller is not None and scopes and scopes[-1][1] is caller:
        yield
        return
    scopes.append((name, caller))
    try:
        yield
    finally:
        scopes.pop()


def push_scope(name: str, caller: Any) -> None:
    """Open a scope without a context manager (for the call path of layers); see `pop_scope`."""
    _stack.scopes.append((name, caller))


def pop_scope() -> None:
    """Close the scope that `push_scope` opened."""
    _stack.scopes.pop()


def current_path() -> str:
    """Return the names of the open scopes, joined by slashes.

    >>> current_path()
    ''
    """
    return "/".join(name for name, _ in _stack.scopes)
