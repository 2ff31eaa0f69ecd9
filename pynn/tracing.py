"""What all that is traced has in common: host functions, blame for code that looks at values."""

from __future__ import annotations

import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# What the engine says where the error itself came to no one's notice (csrc/graph/trace.cpp).
_CAUGHT = re.compile(r"asked for at (.*):(\d+), and the error was caught")
_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
# Settings that are constants of a trace and are compared by value.
SCALARS = (bool, int, float, str, bytes, type(None))

_local = threading.local()


def plain_settings(obj: Any) -> tuple[Any, ...]:
    """Return the numbers and strings among an object's attributes; a change outdates a trace.

    >>> import types
    >>> plain_settings(types.SimpleNamespace(rate=0.5, steps=3, weights=[1.0]))
    (0.5, 3)
    """
    settings = getattr(obj, "__dict__", {})
    return tuple(value for value in settings.values() if isinstance(value, SCALARS))


@contextmanager
def collected_host_functions() -> Iterator[list[Callable[..., Any]]]:
    """Collect the host functions that are traced inside `with`.

    Whoever owns the graph keeps the list: the graph itself holds the functions weakly, so that
    what they refer to (a model, say, that owns the graph) can be freed.
    """
    functions: list[Callable[..., Any]] = []
    outer = getattr(_local, "host_functions", None)
    _local.host_functions = functions
    try:
        yield functions
    finally:
        _local.host_functions = outer


def give_to_owner(function: Callable[..., Any]) -> bool:
    """Put a host function in the list of the graph being traced; say whether there is one."""
    functions = getattr(_local, "host_functions", None)
    if functions is not None:
        functions.append(function)
    return functions is not None


def warn_about_values(
    error: BaseException, warned: set[tuple[str, int]], subject: str, remedy: str
) -> None:
    """Warn that `subject` runs eagerly, once per place in the user's code and as if from there.

    Args:
        error: the TraceError that says so.
        warned: the places that were warned about, added to.
        subject: what cannot be compiled.
        remedy: what asks for it without a warning.
    """
    filename, line = _place(error)
    if (filename, line) in warned:
        return
    warned.add((filename, line))
    warnings.warn_explicit(
        f"pynn: {filename}:{line} looks at the value of a tensor, so {subject} cannot be compiled; "
        "it runs eagerly from now on, which is slower. Use pynn.ops.where or pynn.ops.cond, or "
        f"{remedy} if this is meant",
        UserWarning,
        filename,
        line,
    )


def _place(error: BaseException) -> tuple[str, int]:
    """File and line of the user's code that asked for a value."""
    caught = _CAUGHT.search(str(error))
    if caught:
        return caught[1], int(caught[2])
    import traceback  # late: only errors need it

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_PACKAGE)]
    frame = (own or frames)[-1]
    return frame.filename, frame.lineno or 0
