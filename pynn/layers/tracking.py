"""Which variables, layers, metrics and seed generators an object holds, in attributes at any depth.

Assigning `self.dense = Dense(3)` or `self.blocks = [Dense(3), Dense(4)]` makes the parts known to
the layer. Lists, dicts and sets are kept as subclasses that report what is added to them later.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, Concatenate, ParamSpec, TypeVar

from pynn.random import SeedGenerator
from pynn.variables import Variable

Owner = TypeVar("Owner")
P = ParamSpec("P")
R = TypeVar("R")


def no_automatic_dependency_tracking(
    method: Callable[Concatenate[Owner, P], R],
) -> Callable[Concatenate[Owner, P], R]:
    """Decorator: attributes that the method sets on `self` are not tracked.

    >>> class Owner(pynn.Layer):
    ...     @no_automatic_dependency_tracking
    ...     def borrow(self, layer):
    ...         self.other = layer
    """

    @functools.wraps(method)
    def wrapper(self: Owner, /, *args: P.args, **kwargs: P.kwargs) -> R:
        outer = self.__dict__.get("_tracking_enabled", True)
        object.__setattr__(self, "_tracking_enabled", False)
        try:
            return method(self, *args, **kwargs)
        finally:
            object.__setattr__(self, "_tracking_enabled", outer)

    return wrapper


class Tracker:
    """Lists of the parts that were found, each once, in the order of their discovery.

    Args:
        is_layer: says whether a value is a layer (the tracker cannot import the class).
    """

    def __init__(self, owner: Any, is_layer: Callable[[Any], bool]):
        self.owner_name = type(owner).__name__
        self.trainable_variables: list[Variable] = []
        self.non_trainable_variables: list[Variable] = []
        self.seed_generators: list[SeedGenerator] = []
        self.layers: list[Any] = []
        self.metrics: list[Any] = []
        self.locked = False
        self._is_layer = is_layer
        self._ids: set[int] = set()

    def track(self, value: Any) -> Any:
        """Note what `value` holds; return it, containers as tracked containers."""
        kind = self._kind(value)
        if kind is not None:
            self.add(kind, value)
        elif type(value) in _CONTAINERS:
            return _CONTAINERS[type(value)](value, self)
        elif type(value) is tuple:
            return tuple(self.track(item) for item in value)
        elif isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*(self.track(item) for item in value))
        return value

    def add(self, kind: list[Any], value: Any) -> None:
        """Put a part into one of the lists.

        Raises:
            ValueError: the layer is built already, so its parts are fixed.
        """
        if id(value) in self._ids:
            return
        if self.locked:
            raise ValueError(
                f"pynn.{self.owner_name}: expected all weights and layers to be made in __init__() "
                f"or build(); received a new {type(value).__name__} after the layer was built"
            )
        self._ids.add(id(value))
        kind.append(value)

    def untrack(self, value: Any) -> None:
        """Forget a part, and the parts inside a container."""
        if type(value) is TrackedDict:
            value = list(value.values())
        if isinstance(value, (list, tuple, set)):
            for item in value:
                self.untrack(item)
            return
        for kind in self._all():
            for i, part in enumerate(kind):
                if part is value:
                    del kind[i]
                    self._ids.discard(id(value))
                    return

    def holds(self, value: Any) -> bool:
        """Return whether `value` is one of the parts."""
        return id(value) in self._ids

    def _kind(self, value: Any) -> list[Any] | None:
        if isinstance(value, Variable):
            return self.trainable_variables if value.trainable else self.non_trainable_variables
        if self._is_layer(value):
            return self.layers
        if isinstance(value, SeedGenerator):
            return self.seed_generators
        if _is_metric(value):
            return self.metrics
        return None

    def _all(self) -> Iterable[list[Any]]:
        yield self.trainable_variables
        yield self.non_trainable_variables
        yield self.layers
        yield self.seed_generators
        yield self.metrics


def _is_metric(value: Any) -> bool:
    # By what it does: metrics are built on layers' foundations and cannot be imported here.
    cls = type(value)
    return hasattr(cls, "update_state") and hasattr(cls, "reset_state")


def _tracking(method_name: str, base: type, added: Callable[..., Iterable[Any]]) -> Any:
    """A mutating method of a container that tracks what it is about to add."""
    original = getattr(base, method_name)

    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.tracker is not None:
            # An iterator can be read once only, and two read it here.
            args = tuple(list(a) if hasattr(a, "__next__") else a for a in args)
            for value in added(*args, **kwargs):
                self.tracker.track(value)
        return original(self, *args, **kwargs)

    return method


def _untracking(method_name: str, base: type) -> Any:
    """A mutating method of a container that forgets what it has removed."""
    original = getattr(base, method_name)

    @functools.wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = _values(self)
        result = original(self, *args, **kwargs)
        kept = {id(value) for value in _values(self)}
        if self.tracker is not None:
            for value in before:
                if id(value) not in kept:
                    self.tracker.untrack(value)
        return result

    return method


def _values(container: Any) -> list[Any]:
    return list(container.values()) if isinstance(container, dict) else list(container)


class TrackedList(list[Any]):
    """A list attribute of a layer."""

    tracker: Tracker | None = None

    def __init__(self, values: Iterable[Any] = (), tracker: Tracker | None = None):
        if tracker is not None:
            values = [tracker.track(value) for value in values]
        super().__init__(values)
        self.tracker = tracker

    append = _tracking("append", list, lambda value: [value])
    insert = _tracking("insert", list, lambda index, value: [value])
    extend = _tracking("extend", list, lambda values: values)
    __iadd__ = _tracking("__iadd__", list, lambda values: values)
    pop = _untracking("pop", list)
    remove = _untracking("remove", list)
    clear = _untracking("clear", list)
    __delitem__ = _untracking("__delitem__", list)

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.tracker is not None:
            self.tracker.track(list(value) if isinstance(index, slice) else value)
        super().__setitem__(index, value)

    def __reduce__(self) -> Any:
        return (list, (list(self),))


class TrackedDict(dict[Any, Any]):
    """A dict attribute of a layer."""

    tracker: Tracker | None = None

    def __init__(self, values: Any = (), tracker: Tracker | None = None):
        if tracker is not None:
            values = {key: tracker.track(value) for key, value in dict(values).items()}
        super().__init__(values)
        self.tracker = tracker

    __setitem__ = _tracking("__setitem__", dict, lambda key, value: [value])
    setdefault = _tracking("setdefault", dict, lambda key, default=None: [default])
    update = _tracking("update", dict, lambda *args, **kwargs: dict(*args, **kwargs).values())
    pop = _untracking("pop", dict)
    popitem = _untracking("popitem", dict)
    clear = _untracking("clear", dict)
    __delitem__ = _untracking("__delitem__", dict)

    def __reduce__(self) -> Any:
        return (dict, (dict(self),))


class TrackedSet(set[Any]):
    """A set attribute of a layer."""

    tracker: Tracker | None = None

    def __init__(self, values: Iterable[Any] = (), tracker: Tracker | None = None):
        if tracker is not None:
            values = [tracker.track(value) for value in values]
        super().__init__(values)
        self.tracker = tracker

    add = _tracking("add", set, lambda value: [value])
    update = _tracking("update", set, lambda *values: [v for group in values for v in group])
    remove = _untracking("remove", set)
    discard = _untracking("discard", set)
    pop = _untracking("pop", set)
    clear = _untracking("clear", set)

    def __reduce__(self) -> Any:
        return (set, (set(self),))


_CONTAINERS: dict[type, type] = {list: TrackedList, dict: TrackedDict, set: TrackedSet}
