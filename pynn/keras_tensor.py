"""KerasTensor: a tensor of the functional API, with a shape and a dtype but no data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pynn import naming
from pynn.backend import standardize_dtype

if TYPE_CHECKING:
    from pynn.node import KerasHistory

Shape = tuple[int | None, ...]


def standardize_shape(shape: Any) -> Shape:
    """Return a shape as a tuple of ints and None (unknown).

    Raises:
        ValueError: `shape` is None, or an entry is neither None nor an int >= 0.

    >>> standardize_shape([None, 3])
    (None, 3)
    """
    if shape is None or isinstance(shape, (int, str)):
        raise ValueError(f"pynn: expected a shape, a tuple of int or None; received {shape!r}")
    dims = []
    for dim in shape:
        if dim is not None:
            try:
                dim = dim.__index__()
            except AttributeError:
                raise ValueError(
                    f"pynn: expected a shape of ints or None; received {tuple(shape)!r}"
                ) from None
            if dim < 0:
                raise ValueError(
                    f"pynn: expected a shape without negative sizes; received {shape!r}"
                )
        dims.append(dim)
    return tuple(dims)


class KerasTensor:
    """A symbolic tensor: what `pynn.Input` returns and what layers make of it.

    Args:
        shape: tuple of int or None; None is a size that is not known yet.
        dtype: name of the dtype.
        sparse, ragged: accepted for compatibility; must be False.
        record_history: whether the operations applied to this tensor are remembered, which a
            `Model(inputs, outputs)` needs.
        name: a name for error messages and for the inputs of a model.

    Raises:
        ValueError: `sparse` or `ragged` is True, or the shape is not one.

    >>> x = pynn.KerasTensor((None, 3))
    >>> (x * 2 + 1).shape
    (None, 3)
    """

    # Makes `array * keras_tensor` come here instead of to NumPy's loop over elements.
    __array_priority__ = 200

    # Set by the node that makes the tensor; a tensor that no operation made has none.
    _keras_history: KerasHistory

    def __init__(
        self,
        shape: Sequence[int | None],
        dtype: Any = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
    ):
        if sparse or ragged:
            raise ValueError("pynn.KerasTensor: expected a dense tensor; received sparse or ragged")
        self._shape = standardize_shape(shape)
        self._dtype = standardize_dtype(dtype)
        self.record_history = record_history
        self.name = name or naming.auto_name(type(self).__name__)

    @property
    def shape(self) -> Shape:
        """The shape; unknown sizes are None."""
        return self._shape

    @property
    def dtype(self) -> str:
        """The name of the dtype."""
        return self._dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self._shape)

    @property
    def sparse(self) -> bool:
        """Always False."""
        return False

    @property
    def ragged(self) -> bool:
        """Always False."""
        return False

    @property
    def T(self) -> KerasTensor:
        """The tensor with its axes reversed."""
        return _ops().transpose(self)

    def reshape(self, *newshape: Any) -> KerasTensor:
        """Return the tensor in another shape; see `pynn.ops.reshape`."""
        shape = newshape[0] if len(newshape) == 1 else newshape
        return _ops().reshape(self, shape)

    def squeeze(self, axis: Any = None) -> KerasTensor:
        """Return the tensor without axes of size 1; see `pynn.ops.squeeze`."""
        return _ops().squeeze(self, axis)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __getitem__(self, key: Any) -> KerasTensor:
        from pynn.operation import call_symbolically, get_item

        return call_symbolically(get_item, "get_item", (self, key), {})

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise self._no_value("a NumPy array")

    def __bool__(self) -> bool:
        raise self._no_value("a bool")

    def __float__(self) -> float:
        raise self._no_value("a float")

    def __int__(self) -> int:
        raise self._no_value("an int")

    def __len__(self) -> int:
        raise self._no_value("a length")

    def __iter__(self) -> Any:
        raise self._no_value("an iterator")

    def __jax_array__(self) -> Any:
        raise self._no_value("an array")

    def _no_value(self, wanted: str) -> TypeError:
        return TypeError(
            f"pynn.KerasTensor: expected a tensor with data to make {wanted} of; received the "
            f"symbolic tensor {self!r}. Use pynn.ops, or put the code into a Layer's call()"
        )


def _ops() -> Any:
    from pynn import ops  # ops are made symbolic by this class, so they import it first

    return ops


def _unary(op: str) -> Callable[[Any], Any]:
    return lambda self: getattr(_ops(), op)(self)


def _binary(op: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: getattr(_ops(), op)(self, other)


def _reflected(op: str) -> Callable[[Any, Any], Any]:
    return lambda self, other: getattr(_ops(), op)(other, self)


# Python operator -> name in pynn.ops. `==` stays identity, so that symbolic tensors can be
# dict keys and list members; `pynn.ops.equal` compares values.
BINARY_OPERATORS = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "mod",
    "pow": "power",
    "matmul": "matmul",
    "and": "logical_and",
    "or": "logical_or",
    "xor": "logical_xor",
}
COMPARISONS = {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal"}
UNARY_OPERATORS = {"neg": "negative", "abs": "absolute", "invert": "logical_not"}


def add_operators(cls: type) -> None:
    """Give `cls` the arithmetic and ordering operators of tensors, in terms of `pynn.ops`."""
    for name, op in BINARY_OPERATORS.items():
        setattr(cls, f"__{name}__", _binary(op))
        setattr(cls, f"__r{name}__", _reflected(op))
    for name, op in COMPARISONS.items():
        setattr(cls, f"__{name}__", _binary(op))
    for name, op in UNARY_OPERATORS.items():
        setattr(cls, f"__{name}__", _unary(op))


add_operators(KerasTensor)


def is_keras_tensor(x: Any) -> bool:
    """Return whether `x` is a symbolic tensor.

    >>> is_keras_tensor(pynn.Input((3,)))
    True
    """
    return isinstance(x, KerasTensor)


def any_symbolic_tensors(args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None) -> bool:
    """Return whether a KerasTensor is among the arguments, at any depth of nesting.

    >>> any_symbolic_tensors(([1, pynn.Input((3,))],))
    True
    """
    for value in args:
        if isinstance(value, KerasTensor) or (
            isinstance(value, (list, tuple)) and any_symbolic_tensors(value)
        ):
            return True
        if isinstance(value, dict) and any_symbolic_tensors(tuple(value.values())):
            return True
    return kwargs is not None and any_symbolic_tensors(tuple(kwargs.values()))
