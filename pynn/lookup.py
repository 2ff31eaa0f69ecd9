"""What every `get` of a namespace shares: a name, a config, a class or an object -> an object."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pynn.naming import to_snake_case
from pynn.saving.errors import nearest_name, unknown_name_error
from pynn.saving.registry import get_registered_object
from pynn.saving.serialization import deserialize_keras_object

__all__ = ["get_from_registry", "name_table", "nearest_name", "unknown_name_error"]


def name_table(objects: Iterable[Any], **aliases: Any) -> dict[str, Any]:
    """Map each class or function to its own name, its snake_case name, and the aliases.

    >>> class MaxNorm: pass
    >>> sorted(name_table([MaxNorm], cap=MaxNorm))
    ['MaxNorm', 'cap', 'max_norm']
    """
    table = {}
    for obj in objects:
        table[obj.__name__] = obj
        table[to_snake_case(obj.__name__)] = obj
    return {**table, **aliases}


def get_from_registry(
    kind: str,
    identifier: Any,
    table: Mapping[str, Any],
    *,
    custom_objects: Mapping[str, Any] | None = None,
    accept: Callable[[Any], bool] = callable,
) -> Any:
    """Resolve what a user passed where an object of some kind is expected.

    Args:
        kind: the kind in the singular ("loss", "initializer"), for error messages.
        identifier: None (returned as it is), a name in `table` or registered by the user, a config
            dict, a class (instantiated without arguments), or a ready object.
        table: accepted names of this kind.
        custom_objects: extra names for this call.
        accept: says whether the resolved object is usable; anything callable by default.

    Raises:
        ValueError: an unknown name (with the nearest known one), or an unusable object.
        TypeError: a config whose class is unknown.

    >>> get_from_registry("activation", "relu", {"relu": max}) is max
    True
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        found = get_registered_object(identifier, custom_objects, table)
        if found is None:
            raise unknown_name_error(kind, identifier, table)
    elif isinstance(identifier, Mapping):
        found = _from_config(kind, identifier, table, custom_objects)
    else:
        found = identifier
    if inspect.isclass(found):
        found = found()
    if not accept(found):
        raise unknown_name_error(kind, identifier, table)
    return found


def _from_config(
    kind: str,
    config: Mapping[str, Any],
    table: Mapping[str, Any],
    custom_objects: Mapping[str, Any] | None,
) -> Any:
    name = config.get("class_name")
    if name is None:
        raise ValueError(
            f"pynn: expected a config of a {kind} with 'class_name' and 'config'; received {config}"
        )
    # A short config, as people write them by hand, means a name of this namespace.
    is_short = config.get("module") is None and "registered_name" not in config
    if is_short and get_registered_object(name, custom_objects, table) is None:
        raise unknown_name_error(kind, name, table)
    config = {"config": {}, **config}
    return deserialize_keras_object(config, custom_objects, module_objects=table)
