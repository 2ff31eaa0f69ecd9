"""Variable: a tensor with a value that changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pynn import _core, backend, naming
from pynn.keras_tensor import add_operators, standardize_shape

_AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")


class AutocastScope:
    """Context in which float variables with `autocast` are read in `dtype`.

    Mixed-precision layers call their `call()` in such a scope. None switches casting off.

    >>> v = pynn.Variable([1.0])
    >>> with AutocastScope("bfloat16"):
    ...     v.value.dtype
    'bfloat16'
    """

    def __init__(self, dtype: str | None):
        if dtype is not None and not backend.is_float_dtype(dtype):
            raise ValueError(
                f"pynn.AutocastScope: expected a floating-point dtype; received {dtype!r}"
            )
        self.dtype = dtype

    def __enter__(self) -> AutocastScope:
        self._outer = _core.set_autocast(self.dtype)
        return self

    def __exit__(self, *exc_info: object) -> None:
        _core.set_autocast(self._outer)


class Variable(_core.Variable):
    """A value that training and `assign` change: a weight, a counter, a seed.

    Args:
        initializer: the initial value (number, array or tensor), or a function
            `initializer(shape, dtype=...)`, which needs `shape`.
        shape: the shape; taken from the value when that is given.
        dtype: the dtype. Defaults to `floatx()` for functions and float values, to the value's own
            dtype otherwise.
        trainable: whether gradients are taken with respect to it.
        autocast: whether mixed-precision layers read it in their compute dtype.
        aggregation: kept for compatibility: None, "none", "mean", "sum" or "only_first_replica".
        synchronization: kept for compatibility.
        name: a name without slashes, for the path and error messages.

    Raises:
        ValueError: a function without `shape`, or a name with a slash.

    >>> v = pynn.Variable([1.0, 2.0])
    >>> _ = v.assign_add([1.0, 1.0])
    >>> v.numpy()
    array([2., 3.], dtype=float32)
    """

    # `numpy_array * variable` comes here instead of to NumPy's loop over elements.
    __array_priority__ = 100

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str | None = "auto",
        name: str | None = None,
        layout: Any = None,
        **kwargs: Any,
    ):
        del layout, kwargs  # placement on devices: there is one device
        name = name or naming.auto_name(type(self).__name__)
        if not isinstance(name, str) or "/" in name:
            raise ValueError(
                f"pynn.Variable: expected a name, a string without '/'; received name={name!r}"
            )
        if aggregation not in _AGGREGATIONS:
            raise ValueError(
                f"pynn.Variable: expected aggregation in {_AGGREGATIONS}; received {aggregation!r}"
            )
        with _core.EagerScope():  # inside a traced step, too, a variable begins with a known value
            value = _initial_value(initializer, shape, dtype)
        _core.Variable.__init__(self, value, trainable, name)
        scope = naming.current_path()
        self.path = f"{scope}/{name}" if scope else name
        self.aggregation = aggregation
        self.synchronization = synchronization
        self.overwrite_with_gradient = False
        self._autocast = autocast
        self._regularizer: Any = None
        self._constraint: Any = None

    @property
    def value(self) -> Any:
        """The current value as a tensor; inside a traced step, the traced value."""
        return _core.tensor(self)  # unlike the engine's property, in the dtype of an AutocastScope

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def autocast(self) -> bool:
        """Whether mixed-precision layers read the variable in their compute dtype."""
        return self._autocast

    @property
    def regularizer(self) -> Any:
        """A function from the value to a penalty, added to the losses of the layer; or None."""
        return self._regularizer

    @regularizer.setter
    def regularizer(self, regularizer: Any) -> None:
        self._regularizer = _checked_callable("regularizer", regularizer)

    @property
    def constraint(self) -> Any:
        """A function applied to the value after each optimizer step; or None."""
        return self._constraint

    @constraint.setter
    def constraint(self, constraint: Any) -> None:
        self._constraint = _checked_callable("constraint", constraint)

    def assign(self, value: Any) -> Any:
        """Set the value; the shape must match, the dtype is cast. Returns the new value.

        Raises:
            ValueError: the shape differs.
        """
        value = _core.tensor(value, self.dtype)
        if tuple(value.shape) != tuple(self.shape):
            raise ValueError(
                f"pynn.Variable {self.path!r}: expected a value of shape {tuple(self.shape)}; "
                f"received shape {tuple(value.shape)}"
            )
        _core.Variable.assign(self, value)
        return value

    def assign_add(self, value: Any) -> Any:
        """Add to the value."""
        return self.assign(_core.add(_stored(self), value))

    def assign_sub(self, value: Any) -> Any:
        """Subtract from the value."""
        return self.assign(_core.subtract(_stored(self), value))

    def numpy(self) -> np.ndarray:
        """Return the value as a read-only array that later assignments do not change."""
        return self.value.numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.value.numpy()
        if dtype is not None and array.dtype != np.dtype(dtype):
            return array.astype(dtype)
        return array.copy() if copy else array

    def __getitem__(self, key: Any) -> Any:
        return self.value[key]

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(
                "pynn.Variable: expected an axis to take the length of; received a scalar"
            )
        return self.shape[0]

    def __bool__(self) -> bool:
        return bool(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return self.value.__index__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        copy = Variable(self.value, dtype=self.dtype, trainable=self.trainable, name=self.name)
        copy.path, copy.aggregation = self.path, self.aggregation
        copy._autocast = self._autocast
        copy._regularizer, copy._constraint = self._regularizer, self._constraint
        memo[id(self)] = copy
        return copy

    def __repr__(self) -> str:
        value = _stored(self)
        shown = "(traced)" if value.is_traced else str(value.numpy())
        shape = tuple(self.shape)
        return f"<Variable path={self.path}, shape={shape}, dtype={self.dtype}, value={shown}>"


def _stored(variable: Variable) -> Any:
    """The value in the variable's own dtype, whatever AutocastScope is open."""
    return _core.Variable.value.__get__(variable)


# `==` stays identity: variables are dict keys and list members everywhere.
add_operators(Variable)


def _initial_value(initializer: Any, shape: Any, dtype: Any) -> Any:
    if callable(initializer):
        if shape is None:
            raise ValueError(
                "pynn.Variable: expected a shape together with an initializer function; "
                f"received shape=None, initializer={initializer!r}"
            )
        dtype = backend.standardize_dtype(dtype)
        value = _call_initializer(initializer, standardize_shape(shape), dtype)
        return _core.tensor(value, dtype)
    if dtype is None:
        value = _core.tensor(initializer)
        if backend.is_float_dtype(value.dtype) and not hasattr(initializer, "dtype"):
            value = _core.tensor(value, backend.floatx())
    else:
        value = _core.tensor(initializer, backend.standardize_dtype(dtype))
    if shape is not None and tuple(value.shape) != standardize_shape(shape):
        raise ValueError(
            f"pynn.Variable: expected a value of shape {tuple(shape)}; received {value.shape}"
        )
    return value


def _call_initializer(initializer: Callable[..., Any], shape: Any, dtype: str) -> Any:
    if None in shape:
        raise ValueError(f"pynn.Variable: expected a fully known shape; received {shape}")
    return initializer(shape, dtype=dtype)


def _checked_callable(what: str, fn: Any) -> Any:
    if fn is not None and not callable(fn):
        raise ValueError(f"pynn.Variable: expected a {what} that is callable; received {fn!r}")
    return fn
