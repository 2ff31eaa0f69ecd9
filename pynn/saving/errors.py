"""Errors for names that nobody registered."""

from __future__ import annotations

from collections.abc import Iterable

# Kinds of objects whose names are looked up, and the namespace each kind lives in.
_NAMESPACES = {
    "activation": "activations",
    "constraint": "constraints",
    "dtype policy": "dtype_policies",
    "initializer": "initializers",
    "layer": "layers",
    "loss": "losses",
    "metric": "metrics",
    "optimizer": "optimizers",
    "regularizer": "regularizers",
}


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that looks most like `name`, or None when none is near.

    Case and underscores do not count, so `GlorotUnifrom` finds `glorot_uniform`.

    >>> nearest_name("mse_", ["mae", "mse"])
    'mse'
    """
    spelled = {_fold(candidate): candidate for candidate in sorted(known)}
    import difflib  # late: only errors need it

    near = difflib.get_close_matches(_fold(name), list(spelled), n=1, cutoff=0.6)
    return spelled[near[0]] if near else None


def unknown_name_error(kind: str, name: object, known: Iterable[str]) -> ValueError:
    """Build (not raise) the error for an unknown name of a loss, layer, optimizer, ...

    Args:
        kind: what was looked up: "loss", "initializer", ..., or its namespace, "losses".
        name: what came.
        known: every accepted name, aliases included.

    Returns:
        A ValueError that names the nearest known name and lists all of them once.

    >>> print(unknown_name_error("loss", "mse_", ["mse", "mae"]))
    pynn.losses.get: unknown loss 'mse_'; did you mean 'mse'? Known: mae, mse
    """
    namespace = _NAMESPACES.get(kind, kind)
    kind = next((kind for kind, home in _NAMESPACES.items() if home == namespace), kind)
    names = list(known)
    hint = ""
    if isinstance(name, str):
        near = nearest_name(name, names)
        hint = f"; did you mean {near!r}?" if near else "."
    listed = ", ".join(_one_spelling_each(names))
    return ValueError(f"pynn.{namespace}.get: unknown {kind} {name!r}{hint} Known: {listed}")


def _fold(name: str) -> str:
    return name.lower().replace("_", "")


def _one_spelling_each(names: Iterable[str]) -> list[str]:
    """`MeanSquaredError` and `mean_squared_error` are one entry: the snake_case one."""
    spellings: dict[str, str] = {}
    for name in sorted(names):  # capitals sort first, so the snake_case spelling stays
        spellings[_fold(name)] = name
    return sorted(spellings.values())
