"""User data as NumPy arrays: conversion without copies, checks, and their structure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from pynn import _core, backend, tree
from pynn.backend.dtypes import numpy_dtype
from pynn.variables import Variable

_PARTS = ("x", "y", "sample_weight")
_NUMERIC_KINDS = frozenset("biuf")


class Arrays(NamedTuple):
    """The arrays of a data set (or of one batch), with the structure that a step sees.

    Attributes:
        leaves: all arrays, in order.
        structure: `(x,)`, `(x, y)` or `(x, y, sample_weight)`, with the arrays in it.
        names: what to call each leaf in messages: "x", "y['age']", ...
        key: hashable: structure, row shapes and dtypes. Data with one key can use one executable.
    """

    leaves: list[np.ndarray]
    structure: tuple[Any, ...]
    names: list[str]
    key: Any

    @property
    def num_rows(self) -> int:
        """Length of the first axis."""
        return self.leaves[0].shape[0]

    def pack(self, leaves: list[Any]) -> tuple[Any, ...]:
        """Returns `leaves` in the structure of the data."""
        if all(isinstance(part, np.ndarray) for part in self.structure):
            return tuple(leaves)
        return tree.pack_sequence_as(self.structure, leaves)


def make_arrays(who: str, x: Any, y: Any = None, sample_weight: Any = None) -> Arrays:
    """Returns the parts that are not `None` as arrays; nothing is copied that need not be.

    Args:
        who: the method, for messages.
        x: an array or anything array-like, or nested lists, tuples and dicts of such, with the
            rows along the first axis.
        y: the same, or `None`.
        sample_weight: the same, or `None`.

    Raises:
        ValueError: for no rows, unequal lengths, or values that are not numbers.
    """
    parts = [x] if y is None else [x, y]
    if sample_weight is not None:
        parts = [x, y, sample_weight]
    if x is None:
        raise ValueError(f"{who}: expected input data; received x=None")
    structure = tuple(_convert(part, name, who) for part, name in zip(parts, _PARTS, strict=False))
    leaves: list[np.ndarray] = []
    names: list[str] = []
    for part, name in zip(structure, _PARTS, strict=False):
        _collect(part, name, leaves, names)
    _check_lengths(who, leaves, names)
    return Arrays(leaves, structure, names, _key_of(structure))


def _convert(node: Any, name: str, who: str) -> Any:
    if isinstance(node, np.ndarray):
        return _checked(node, name, who)
    if isinstance(node, dict):
        return {key: _convert(value, f"{name}[{key!r}]", who) for key, value in node.items()}
    if isinstance(node, list | tuple) and not _holds_numbers(node):
        converted = [_convert(item, f"{name}[{i}]", who) for i, item in enumerate(node)]
        return tuple(converted) if isinstance(node, tuple) else converted
    return _checked(_as_array(node, name, who), name, who)


def _holds_numbers(node: Any) -> bool:
    """Whether a list is an array written out by hand, not a list of arrays."""
    while isinstance(node, list | tuple) and node:
        node = node[0]
    return isinstance(node, int | float | bool | str | bytes | np.generic)


def _as_array(value: Any, name: str, who: str) -> np.ndarray:
    if isinstance(value, Variable | _core.Tensor):
        return value.numpy()
    if isinstance(value, list | tuple):
        try:
            return np.asarray(value)
        except ValueError as error:
            raise ValueError(f"{who}: expected {name} with rows of one length; {error}") from None
    if hasattr(value, "__array__"):
        return np.asarray(value)
    if hasattr(value, "__dlpack__"):
        return np.from_dlpack(value)
    raise ValueError(
        f"{who}: expected {name} to be an array, or lists, tuples and dicts of arrays; "
        f"received {type(value).__name__}"
    )


def _checked(array: np.ndarray, name: str, who: str) -> np.ndarray:
    # bfloat16 and its relatives from ml_dtypes are of NumPy's kind "V".
    kind = array.dtype.kind
    if kind not in _NUMERIC_KINDS and not (kind == "V" and array.dtype.name == "bfloat16"):
        raise ValueError(
            f"{who}: expected {name} of numbers; received dtype={array.dtype}. "
            "Turn words into numbers first"
        )
    if array.ndim == 0:
        raise ValueError(
            f"{who}: expected {name} with rows along its first axis; received a scalar"
        )
    if array.shape[0] == 0:
        raise ValueError(
            f"{who}: expected {name} with at least one row; received shape={array.shape}"
        )
    return array


def _collect(node: Any, name: str, leaves: list[np.ndarray], names: list[str]) -> None:
    """Appends the arrays of `node` in the order of `tree.flatten`."""
    if isinstance(node, np.ndarray):
        leaves.append(node)
        names.append(name)
        return
    keys: Iterable[Any] = sorted(node) if isinstance(node, dict) else range(len(node))
    for key in keys:
        _collect(node[key], f"{name}[{key!r}]", leaves, names)


def _check_lengths(who: str, leaves: list[np.ndarray], names: list[str]) -> None:
    if not leaves:
        raise ValueError(f"{who}: expected at least one array; received an empty structure")
    if any(leaf.shape[0] != leaves[0].shape[0] for leaf in leaves):
        lengths = ", ".join(
            f"{name}: {leaf.shape[0]}" for name, leaf in zip(names, leaves, strict=True)
        )
        raise ValueError(f"{who}: expected arrays of one length; received {lengths}")


def _key_of(node: Any) -> Any:
    if isinstance(node, np.ndarray):
        return node.shape[1:], node.dtype
    if isinstance(node, dict):
        return "dict", tuple((key, _key_of(node[key])) for key in sorted(node))
    return type(node).__name__, tuple(_key_of(item) for item in node)


def traced_dtype(dtype: np.dtype) -> str:
    """Returns the dtype in which a step sees an array: floats become `backend.floatx()`."""
    if dtype.kind in "fV":
        return backend.floatx()
    return dtype.name


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Returns x, y and sample weights of a batch; `None` for what it does not have.

    Args:
        data: `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`.

    Raises:
        ValueError: for a tuple of another length.

    >>> unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "pynn.utils.unpack_x_y_sample_weight: expected x, (x,), (x, y) or "
            f"(x, y, sample_weight); received a tuple of {len(data)}"
        )
    return (*data, None, None)[:3]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Returns the shortest batch that holds the parts that are not `None`.

    >>> pack_x_y_sample_weight(1, 2)
    (1, 2)
    """
    if y is None:
        return x if not isinstance(x, list | tuple) else (x,)
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def class_weight_to_sample_weight(who: str, y: Any, class_weight: dict[int, float]) -> np.ndarray:
    """Returns the weight of each row's class, shape (rows,); classes without one weigh 1.

    Args:
        who: the method, for messages.
        y: class numbers (rows,) or (rows, 1), or one-hot rows (rows, classes).
        class_weight: weights by class number.

    Raises:
        ValueError: if `y` is not one array of one of these shapes, or `class_weight` not a dict
            from class numbers.
    """
    if isinstance(y, dict) or (isinstance(y, list | tuple) and not _holds_numbers(y)):
        raise ValueError(
            f"{who}: expected one target array with class_weight; received a structure of several. "
            "Use sample_weight"
        )
    labels = _checked(_as_array(y, "y", who) if not isinstance(y, np.ndarray) else y, "y", who)
    if labels.ndim > 2:
        raise ValueError(
            f"{who}: expected y of shape (rows,), (rows, 1) or (rows, classes) with class_weight; "
            f"received shape={labels.shape}. Use sample_weight"
        )
    classes, values = _class_table(who, class_weight)
    weights = np.ones(labels.shape[0], dtype=values.dtype)
    # Some rows at a time: only the weights themselves grow with the data.
    for begin in range(0, len(weights) if len(classes) else 0, _ROWS_AT_A_TIME):
        rows = slice(begin, begin + _ROWS_AT_A_TIME)
        numbers = _class_numbers(labels[rows])
        at = np.minimum(np.searchsorted(classes, numbers), len(classes) - 1)
        np.copyto(weights[rows], values[at], where=classes[at] == numbers)
    return weights


_ROWS_AT_A_TIME = 1 << 16


def _class_numbers(labels: np.ndarray) -> np.ndarray:
    if labels.ndim == 2:
        labels = np.argmax(labels, axis=-1) if labels.shape[1] > 1 else labels[:, 0]
    if labels.dtype.kind in "fV":
        labels = np.round(labels.astype(np.float64))
    with np.errstate(invalid="ignore"):  # NaN is reported with its row when training comes to it
        return labels.astype(np.int64, copy=False)


def _class_table(who: str, class_weight: Any) -> tuple[np.ndarray, np.ndarray]:
    """The classes in ascending order, and the weight of each."""
    is_number = isinstance(class_weight, dict) and all(
        isinstance(key, int | float | np.number) and int(key) == key for key in class_weight
    )
    if not is_number:
        raise ValueError(
            f"{who}: expected class_weight to be a dict from class numbers to weights; "
            f"received {class_weight!r}"
        )
    classes = sorted(class_weight)
    values = [class_weight[key] for key in classes]
    return np.array(classes, dtype=np.int64), np.array(values, numpy_dtype(backend.floatx()))


def split_rows(
    who: str, parts: tuple[Any, Any, Any], validation_split: float
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Splits off the last rows: `((x, y, w), (x, y, w) of the validation)`, as views.

    Raises:
        ValueError: for a fraction outside (0, 1), or if one side would be empty.
    """
    if not 0 < validation_split < 1:
        raise ValueError(f"{who}: expected validation_split in [0, 1); received {validation_split}")
    converted = [
        None if part is None else _convert(part, name, who)
        for part, name in zip(parts, _PARTS, strict=True)
    ]
    leaves = [leaf for part in converted if part is not None for leaf in tree.flatten(part)]
    num_rows = leaves[0].shape[0]
    border = int(np.floor(num_rows * (1.0 - validation_split)))
    if border == 0 or border == num_rows:
        raise ValueError(
            f"{who}: expected enough rows to split; received {num_rows} rows and "
            f"validation_split={validation_split}"
        )

    def part_rows(rows: slice) -> tuple[Any, ...]:
        return tuple(
            None if part is None else tree.map_structure(lambda leaf: leaf[rows], part)
            for part in converted
        )

    return part_rows(slice(0, border)), part_rows(slice(border, None))
