"""Nested structures of lists, tuples, named tuples and dicts.

A *leaf* is anything else, None included. Dicts are walked in the order of their sorted keys
(`OrderedDict` in its own order), so that equal dicts give equal flat lists.
"""

import collections
from collections.abc import Callable, Iterable
from typing import Any


class MAP_TO_NONE:
    """Returned by a `traverse` function to put None in the result.

    >>> pynn.tree.traverse(lambda x: pynn.tree.MAP_TO_NONE if x == 1 else None, [1, 2])
    [None, 2]
    """


def is_nested(structure: Any) -> bool:
    """Return whether `structure` is a list, tuple or dict rather than a leaf.

    >>> pynn.tree.is_nested([1]), pynn.tree.is_nested(1)
    (True, False)
    """
    return isinstance(structure, (list, tuple, dict))


def flatten(structure: Any) -> list[Any]:
    """Return the leaves of `structure` as a flat list; a leaf gives a list of itself.

    >>> pynn.tree.flatten({"b": [2, 3], "a": 1})
    [1, 2, 3]
    """
    if not is_nested(structure):
        return [structure]
    leaves: list[Any] = []
    _collect(structure, leaves)
    return leaves


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Return `(path, leaf)` pairs; a path is the tuple of keys and indices to the leaf.

    >>> pynn.tree.flatten_with_path({"a": [1, 2]})
    [(('a', 0), 1), (('a', 1), 2)]
    """
    pairs: list[tuple[tuple[Any, ...], Any]] = []

    def visit(node: Any, path: tuple[Any, ...]) -> None:
        if not is_nested(node):
            pairs.append((path, node))
            return
        for key, child in zip(_keys(node), _children(node), strict=True):
            visit(child, (*path, key))

    visit(structure, ())
    return pairs


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """Return the structure of `func(*leaves)`, leaf by leaf.

    With `none_is_leaf=False`, None is kept and `func` is not called on it.

    Raises:
        ValueError: no structure is given, or the structures differ.

    >>> pynn.tree.map_structure(lambda x, y: x + y, {"a": 1, "b": [2]}, {"a": 10, "b": [20]})
    {'a': 11, 'b': [22]}
    """
    if not structures:
        raise ValueError("pynn.tree.map_structure: expected at least one structure; received none")
    return _map("map_structure", func, structures, none_is_leaf)


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """Map `func` over `structures`, going only as deep as `shallow_structure`.

    Raises:
        ValueError: a structure does not begin with `shallow_structure`.

    >>> pynn.tree.map_structure_up_to([0, 0], len, [[1, 2], [3]])
    [2, 1]
    """
    if not structures:
        raise ValueError(
            "pynn.tree.map_structure_up_to: expected at least one structure; received none"
        )
    if not is_nested(shallow_structure):
        return func(*structures)
    for structure in structures:
        _check_same_node("map_structure_up_to", shallow_structure, structure)
    columns = zip(_children(shallow_structure), *(_children(s) for s in structures), strict=True)
    return _rebuild(
        shallow_structure,
        [map_structure_up_to(shallow, func, *rest) for shallow, *rest in columns],
    )


def assert_same_structure(a: Any, b: Any, check_types: Any = None) -> None:
    """Raise ValueError unless `a` and `b` have the same nesting, types and keys.

    `check_types` is accepted for old callers and has no effect, as in Keras.

    >>> pynn.tree.assert_same_structure([1, (2, 3)], ["a", ("b", "c")])
    """
    del check_types
    if not is_nested(a) and not is_nested(b):
        return
    _check_same_node("assert_same_structure", a, b)
    for child_a, child_b in zip(_children(a), _children(b), strict=True):
        assert_same_structure(child_a, child_b)


def assert_same_paths(a: Any, b: Any) -> None:
    """Raise ValueError unless `a` and `b` have leaves at the same paths, whatever the types.

    >>> pynn.tree.assert_same_paths([1, 2], (3, 4))
    """
    paths_a = {path for path, _ in flatten_with_path(a)}
    paths_b = {path for path, _ in flatten_with_path(b)}
    if paths_a != paths_b:
        raise ValueError(
            "pynn.tree.assert_same_paths: expected the same paths; received "
            f"{sorted(map(str, paths_a - paths_b))} only in a and "
            f"{sorted(map(str, paths_b - paths_a))} only in b"
        )


def pack_sequence_as(structure: Any, flat_sequence: Iterable[Any]) -> Any:
    """Return `structure` with its leaves replaced, in order, by those of `flat_sequence`.

    Raises:
        ValueError: the number of leaves differs.

    >>> pynn.tree.pack_sequence_as({"a": 0, "b": [0, 0]}, [1, 2, 3])
    {'a': 1, 'b': [2, 3]}
    """
    values = list(flat_sequence)
    expected = len(flatten(structure))
    if len(values) != expected:
        raise ValueError(
            f"pynn.tree.pack_sequence_as: expected {expected} leaves; received {len(values)}"
        )
    remaining = iter(values)
    return _map("pack_sequence_as", lambda _: next(remaining), (structure,), True)


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Rebuild `structure`, letting `func` replace any node, inner nodes included.

    `func` returns None to leave a node as it is (and, top down, to go on into it), or
    `MAP_TO_NONE` to replace it by None.

    >>> pynn.tree.traverse(lambda x: x * 2 if isinstance(x, int) else None, [1, (2, "a")])
    [2, (4, 'a')]
    """
    if top_down:
        result = func(structure)
        if result is None:
            return _traverse_children(func, structure, top_down)
    else:
        rebuilt = _traverse_children(func, structure, top_down)
        result = func(rebuilt)
        if result is None:
            return rebuilt
    return None if result is MAP_TO_NONE else result


def lists_to_tuples(structure: Any) -> Any:
    """Return `structure` with every list turned into a tuple.

    >>> pynn.tree.lists_to_tuples({"a": [1, [2]]})
    {'a': (1, (2,))}
    """
    return traverse(lambda x: tuple(x) if isinstance(x, list) else None, structure, top_down=False)


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """Map `func` over a structure whose leaves are shapes (tuples of int or None).

    >>> pynn.tree.map_shape_structure(lambda shape: shape[0], {"x": (None, 3), "y": (2, 4)})
    {'x': None, 'y': 2}
    """
    if not is_nested(structure) or _is_shape(structure):
        return func(structure)
    return _rebuild(structure, [map_shape_structure(func, c) for c in _children(structure)])


def _collect(structure: Any, leaves: list[Any]) -> None:
    for child in _children(structure):
        if is_nested(child):
            _collect(child, leaves)
        else:
            leaves.append(child)


def _map(
    who: str, func: Callable[..., Any], structures: tuple[Any, ...], none_is_leaf: bool
) -> Any:
    first = structures[0]
    if not is_nested(first):
        if any(is_nested(s) for s in structures[1:]):
            raise ValueError(_mismatch(who, first, structures[1]))
        if first is None and not none_is_leaf:
            return None
        return func(*structures)
    for other in structures[1:]:
        _check_same_node(who, first, other)
    columns = zip(*(_children(s) for s in structures), strict=True)
    return _rebuild(first, [_map(who, func, column, none_is_leaf) for column in columns])


def _traverse_children(func: Callable[[Any], Any], structure: Any, top_down: bool) -> Any:
    if not is_nested(structure):
        return structure
    return _rebuild(structure, [traverse(func, c, top_down) for c in _children(structure)])


def _keys(node: Any) -> list[Any]:
    """Keys of a dict in walking order, field names of a named tuple, else indices."""
    if isinstance(node, dict):
        if isinstance(node, collections.OrderedDict):
            return list(node)
        try:
            return sorted(node)
        except TypeError:  # keys of several types: by type first
            return sorted(node, key=lambda key: (type(key).__qualname__, key))
    return list(range(len(node)))


def _children(node: Any) -> Iterable[Any]:
    return [node[key] for key in _keys(node)] if isinstance(node, dict) else node


def _rebuild(node: Any, children: list[Any]) -> Any:
    """A container like `node` with other children."""
    if isinstance(node, dict):
        values = dict(zip(_keys(node), children, strict=True))
        ordered = ((key, values[key]) for key in node)  # the user's order, not the sorted one
        if isinstance(node, collections.defaultdict):
            return type(node)(node.default_factory, ordered)
        return type(node)(ordered)
    if isinstance(node, tuple) and hasattr(node, "_fields"):
        return type(node)(*children)
    return type(node)(children)


def _is_shape(node: Any) -> bool:
    return isinstance(node, (list, tuple)) and all(d is None or isinstance(d, int) for d in node)


def _check_same_node(who: str, a: Any, b: Any) -> None:
    if type(a) is not type(b) or len(a) != len(b) or (isinstance(a, dict) and a.keys() != b.keys()):
        raise ValueError(_mismatch(who, a, b))


def _mismatch(who: str, a: Any, b: Any) -> str:
    return f"pynn.tree.{who}: expected structures of the same nesting; received {a!r} and {b!r}"
