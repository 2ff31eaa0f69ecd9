"""Which names may appear in a saved config, and what they stand for.

The registry is closed: a name resolves to something that pynn itself exports from a modelling
namespace, or to something that the user registered. Nothing is imported because a file says so.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, Protocol, TypeVar


class _Named(Protocol):
    @property
    def __name__(self) -> str: ...


T = TypeVar("T", bound=_Named)

# Namespaces whose classes may be named by a config, in the order in which the name to write is
# chosen: Keras writes "keras.Sequential", not "keras.models.Sequential".
_CLASS_NAMESPACES = (
    "",
    "layers",
    "optimizers",
    "optimizers.schedules",
    "losses",
    "metrics",
    "initializers",
    "regularizers",
    "constraints",
    "random",
    "models",
    "dtype_policies",
    "mixed_precision",
)
# A config names a function without its module; these are searched in this order.
_FUNCTION_NAMESPACES = ("activations", "losses", "metrics", "initializers", "regularizers")
_NOT_MODELLING = frozenset({"get", "serialize", "deserialize"})
# Keras does not export the functional model class; its files carry the private module.
_FUNCTIONAL = ("keras.src.models.functional", "Functional")

_registered_objects: dict[str, Any] = {}
_registered_names: dict[Any, str] = {}
_scopes = threading.local()


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Decorator: register a class or function so that saved configs can name it.

    Args:
        package: first part of the registered name `"package>name"`.
        name: second part; the object's own name by default.

    Raises:
        ValueError: a class without `get_config()`.

    >>> @register_keras_serializable("demo")
    ... def shout(x):
    ...     return x * 2
    >>> get_registered_name(shout)
    'demo>shout'
    """

    def decorator(obj: T) -> T:
        if isinstance(obj, type) and not hasattr(obj, "get_config"):
            raise ValueError(
                "pynn.saving.register_keras_serializable: expected a class with a get_config() "
                f"method; received {obj.__name__}"
            )
        registered = f"{package}>{name or obj.__name__}"
        _registered_objects[registered] = obj
        _registered_names[obj] = registered
        return obj

    return decorator


class CustomObjectScope:
    """Context in which the given names resolve to the given objects.

    Scopes nest: inner names win, outer names stay visible.

    >>> class Double:
    ...     pass
    >>> with CustomObjectScope({"Double": Double}):
    ...     get_registered_object("Double") is Double
    True
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None):
        self.custom_objects = dict(custom_objects or {})

    def __enter__(self) -> CustomObjectScope:
        _scope_stack().append({**_scope_objects(), **self.custom_objects})
        return self

    def __exit__(self, *exc_info: object) -> None:
        _scope_stack().pop()


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """The live dictionary of globally registered objects, by registered name.

    >>> get_custom_objects() is get_custom_objects()
    True
    """
    return _registered_objects


def get_registered_name(obj: Any) -> str:
    """The name that `obj` was registered under, else its own `__name__`.

    >>> get_registered_name(int)
    'int'
    """
    return _registered_names.get(obj, obj.__name__)


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any | None:
    """Look `name` up in the active scopes, the global registry and the given dictionaries.

    Returns:
        The class or function, or None when the name is unknown.

    >>> get_registered_object("nothing of that name") is None
    True
    """
    for table in (_scope_objects(), _registered_objects, custom_objects, module_objects):
        if table and name in table:
            return table[name]
    return None


def builtin_class(module: str, name: str) -> type | None:
    """The pynn class that a config with Keras's `module` and `class_name` means, or None."""
    if (module, name) == _FUNCTIONAL:
        return getattr(_module("models"), name, None)
    namespace = _strip_package(module)
    if namespace not in _CLASS_NAMESPACES:
        return None
    found = getattr(_module(namespace), name, None)
    return found if _is_loadable_class(found) else None


def builtin_function(name: str) -> Callable[..., Any] | None:
    """The pynn activation, loss, metric, ... function of that name, or None."""
    for namespace in _FUNCTION_NAMESPACES:
        found = getattr(_module(namespace), name, None)
        if not isinstance(found, FunctionType) or name in _NOT_MODELLING:
            continue
        # Helpers that a namespace merely imports are not part of it.
        if found.__module__.startswith(f"pynn.{namespace}"):
            return found
    return None


def public_class_name(cls: type) -> tuple[str, str] | None:
    """The (module, class_name) that Keras writes for a built-in class, None for any other."""
    if not cls.__module__.startswith("pynn."):
        return None
    if cls.__name__ == _FUNCTIONAL[1] and cls.__module__.startswith("pynn.models"):
        return _FUNCTIONAL
    for namespace in _CLASS_NAMESPACES:
        if getattr(_module(namespace), cls.__name__, None) is cls:
            return ("keras" + (f".{namespace}" if namespace else ""), cls.__name__)
    return None


def known_class_names() -> list[str]:
    """Every class name that a config may carry, for the hint in an error message."""
    names = {*_registered_objects, *_scope_objects()}
    for namespace in _CLASS_NAMESPACES:
        members = vars(_module(namespace)) if _module(namespace) else {}
        names.update(name for name, value in members.items() if _is_loadable_class(value))
    return sorted(names)


def _scope_stack() -> list[dict[str, Any]]:
    if not hasattr(_scopes, "stack"):
        _scopes.stack = []
    return _scopes.stack


def _scope_objects() -> dict[str, Any]:
    stack = _scope_stack()
    return stack[-1] if stack else {}


def _module(namespace: str) -> Any:
    # `import pynn` has loaded every namespace; only what is loaded can be found.
    return sys.modules.get(f"pynn.{namespace}" if namespace else "pynn")


def _strip_package(module: str) -> str | None:
    """'keras.layers' -> 'layers', 'keras' -> '', anything else -> None."""
    package, _, namespace = module.partition(".")
    return namespace if package in ("keras", "pynn") else None


def _is_loadable_class(obj: Any) -> bool:
    return inspect.isclass(obj) and hasattr(obj, "from_config")
