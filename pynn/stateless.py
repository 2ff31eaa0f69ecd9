"""Variables with other values for a while: what the stateless forms of methods are made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def temporary_values(variables: Sequence[Any], values: Sequence[Any]) -> Iterator[None]:
    """Gives `variables` other values inside `with`, and their own ones back afterwards.

    Raises:
        ValueError: if the numbers of variables and values differ.

    >>> import pynn
    >>> v = pynn.Variable(1.0)
    >>> with temporary_values([v], [2.0]):
    ...     float(v)
    2.0
    >>> float(v)
    1.0
    """
    if len(variables) != len(values):
        raise ValueError(
            f"pynn: expected one value per variable, {len(variables)}; received {len(values)}"
        )
    own = [variable.value for variable in variables]
    try:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        yield
    finally:
        for variable, value in zip(variables, own, strict=True):
            variable.assign(value)
