"""Nested structures."""

import collections

import pytest

from pynn import tree

Point = collections.namedtuple("Point", ["x", "y"])
NESTED = {"b": [1, (2, 3)], "a": Point(4, [5]), "c": None}


def test_flatten_walks_dicts_by_sorted_key():
    assert tree.flatten(NESTED) == [4, 5, 1, 2, 3, None]


def test_ordered_dict_keeps_its_order():
    ordered = collections.OrderedDict([("b", 1), ("a", 2)])
    assert tree.flatten(ordered) == [1, 2]
    assert list(tree.map_structure(str, ordered)) == ["b", "a"]


def test_keys_of_several_types_have_an_order():
    assert tree.flatten({"b": 1, 2: 2, "a": 3}) == [2, 3, 1]


@pytest.mark.parametrize("leaf", [None, 1, "abc", object(), {1, 2}])
def test_leaf_is_not_nested(leaf):
    assert not tree.is_nested(leaf)
    assert tree.flatten(leaf) == [leaf]


@pytest.mark.parametrize("empty", [[], (), {}])
def test_empty_structures_stay(empty):
    assert tree.is_nested(empty)
    assert tree.flatten(empty) == []
    assert tree.map_structure(str, empty) == empty


def test_map_keeps_types_and_key_order():
    mapped = tree.map_structure(lambda v: v, NESTED)
    assert mapped == NESTED
    assert isinstance(mapped["a"], Point)
    assert list(mapped) == ["b", "a", "c"]


def test_map_over_several_structures():
    assert tree.map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)]) == [11, (22,)]


def test_map_can_leave_none_alone():
    assert tree.map_structure(lambda v: v + 1, [1, None], none_is_leaf=False) == [2, None]


def test_default_dict_keeps_its_factory():
    mapped = tree.map_structure(str, collections.defaultdict(list, {"a": 1}))
    assert mapped["a"] == "1"
    assert mapped["new"] == []


@pytest.mark.parametrize("other", [[1, [2, 3, 4]], [1, (2, 3)], [1], 1, {"a": 1}, [1, 2]], ids=str)
def test_structures_that_differ(other):
    with pytest.raises(ValueError, match="same nesting"):
        tree.map_structure(lambda a, b: a, [1, [2, 3]], other)
    with pytest.raises(ValueError, match="same nesting"):
        tree.assert_same_structure([1, [2, 3]], other)


def test_no_structure():
    with pytest.raises(ValueError, match="at least one structure"):
        tree.map_structure(str)


def test_same_structure_ignores_leaves():
    tree.assert_same_structure(NESTED, tree.map_structure(str, NESTED))
    tree.assert_same_structure(1, "x", check_types=False)


def test_pack_is_the_inverse_of_flatten():
    assert tree.pack_sequence_as(NESTED, tree.flatten(NESTED)) == NESTED
    assert tree.pack_sequence_as(0, ["only"]) == "only"


@pytest.mark.parametrize("flat", [[], [1, 2, 3]])
def test_pack_needs_the_right_number(flat):
    with pytest.raises(ValueError, match=f"expected 2 leaves; received {len(flat)}"):
        tree.pack_sequence_as([0, 0], flat)


def test_paths():
    assert tree.flatten_with_path({"a": [1, {"b": 2}]}) == [(("a", 0), 1), (("a", 1, "b"), 2)]
    assert tree.flatten_with_path(3) == [((), 3)]
    tree.assert_same_paths([1, {"a": 2}], (1, {"a": 3}))
    with pytest.raises(ValueError, match="only in a"):
        tree.assert_same_paths([1, 2], [1])


def test_traverse_top_down_does_not_enter_what_was_replaced():
    def shorten(node):
        return len(node) if isinstance(node, tuple) else None

    assert tree.traverse(shorten, [(1, 2), [3, (4,)]]) == [2, [3, 1]]


def test_traverse_bottom_up_sees_rebuilt_children():
    def total(node):
        return sum(node) if isinstance(node, list) else None

    assert tree.traverse(total, [1, [2, [3]]], top_down=False) == 6


def test_traverse_can_give_none():
    assert tree.traverse(lambda v: tree.MAP_TO_NONE if v == 2 else None, [1, 2]) == [1, None]


def test_map_up_to():
    assert tree.map_structure_up_to({"a": 0}, sum, {"a": [1, 2]}) == {"a": 3}
    with pytest.raises(ValueError, match="same nesting"):
        tree.map_structure_up_to([0, 0], sum, [1])


def test_shapes_are_leaves():
    shapes = {"x": (None, 3), "y": [(2,), [4, 5]]}
    assert tree.map_shape_structure(len, shapes) == {"x": 2, "y": [1, 2]}


def test_lists_to_tuples():
    assert tree.lists_to_tuples([1, {"a": [2]}]) == (1, {"a": (2,)})
