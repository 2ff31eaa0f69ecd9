"""The state of a layer: weights, seeds, losses, and the parts it is made of."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from pynn import backend, constraints, initializers, naming, regularizers, tree
from pynn.keras_tensor import standardize_shape
from pynn.layers.call_context import current
from pynn.layers.dtypes import LayerDTypes
from pynn.layers.penalties import Penalty, check_penalty, joint_penalty
from pynn.layers.tracking import TrackedDict, TrackedList, TrackedSet, Tracker
from pynn.variables import Variable

# The layers with losses of a call to be cleared before the next: usually none, which spares every
# forward pass a walk over its layers.
_holding_losses: weakref.WeakSet[LayerState] = weakref.WeakSet()

_change_counter = itertools.count(1)
_last_change = 0


def change_stamp() -> int:
    """Return a number that grows whenever an attribute of some layer is set outside its call.

    A compiled step holds the attributes as they were when it was traced (rates, regularizers,
    `trainable`); a step traced under another stamp may have to be traced again.
    """
    return _last_change


def note_change() -> None:
    """Make steps that were traced before this moment outdated."""
    global _last_change
    _last_change = next(_change_counter)


class LayerState(LayerDTypes):
    """Base of `Layer`: tracking of parts, weights and losses."""

    built: bool
    _tracker: Tracker
    _losses: list[Any]
    _added_penalties: tuple[Penalty, ...]
    _regularizer: Any
    _trainable: bool

    # Attributes that say how a model is being run, not what its layers compute.
    _untraced_attributes: frozenset[str] = frozenset()

    def _start_tracking(self, is_layer: Callable[[Any], bool]) -> None:
        object.__setattr__(self, "_tracking_enabled", True)
        object.__setattr__(self, "_tracker", Tracker(self, is_layer))
        object.__setattr__(self, "_losses", [])
        object.__setattr__(self, "_added_penalties", ())

    def __setattr__(self, name: str, value: Any) -> None:
        state = self.__dict__
        tracker = state.get("_tracker")
        if tracker is None:
            self._check_tracks_nothing(value)
            object.__setattr__(self, name, value)
            return
        if state["_tracking_enabled"]:
            old = state.get(name)
            value = tracker.track(value)
            if old is not None and old is not value:
                self._release(name, old)
        if current.context is None and name not in self._untraced_attributes:
            note_change()
        object.__setattr__(self, name, value)
        object.__setattr__(self, "_fast_dtype", None)  # see Layer.__call__
        object.__setattr__(self, "_checked_shape", None)
        if name.endswith(("_regularizer", "_constraint")):
            self._update_weight_attribute(name)

    def __delattr__(self, name: str) -> None:
        value = self.__dict__.get(name)
        object.__delattr__(self, name)
        tracker = self.__dict__.get("_tracker")
        if tracker is not None and value is not None:
            self._release(name, value)
            note_change()

    def _check_super_called(self) -> None:
        if "_tracker" not in self.__dict__:
            raise RuntimeError(
                f"pynn.{type(self).__name__}: expected super().__init__() in __init__(), before "
                "anything else; it was not called"
            )

    def _check_tracks_nothing(self, value: Any) -> None:
        if isinstance(value, (Variable, LayerState)):
            raise RuntimeError(
                f"pynn.{type(self).__name__}: expected super().__init__() before the first layer "
                "or variable is assigned in __init__(); it was not called yet"
            )

    def _release(self, name: str, old: Any) -> None:
        """Untrack what attribute `name` held, unless another attribute holds it too."""
        is_container = isinstance(old, (TrackedList, TrackedDict, TrackedSet))
        if not is_container and not self._tracker.holds(old):
            return
        if not any(v is old for k, v in self.__dict__.items() if k != name):
            self._tracker.untrack(old)

    def _update_weight_attribute(self, name: str) -> None:
        """`layer.kernel_regularizer = r` reaches the weight `kernel` that is there already."""
        weight_name, _, kind = name.rpartition("_")
        weight = self.__dict__.get(weight_name)
        if not isinstance(weight, Variable):
            return
        get = regularizers.get if kind == "regularizer" else constraints.get
        value = get(self.__dict__.get(name))
        object.__setattr__(self, name, value)
        setattr(weight, kind, value)

    def add_weight(
        self,
        *args: Any,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Make a variable that belongs to the layer.

        Args:
            args: optionally `name`, `shape` and `initializer` by position; a first argument that is
                not a string is the shape.
            shape: the shape; `()` by default.
            initializer: a name, function or value. Defaults to "glorot_uniform" for floats and
                zeros for other dtypes.
            dtype: the dtype; the layer's `variable_dtype` by default.
            trainable: whether the optimizer updates it.
            autocast: whether mixed-precision layers read it in their compute dtype.
            regularizer: its penalty is added to `layer.losses`.
            constraint: applied to it after each optimizer step.
            aggregation: kept for compatibility.
            overwrite_with_gradient: kept for compatibility.
            name: last part of its path.

        Raises:
            ValueError: the layer is built already.

        >>> layer = pynn.Layer()
        >>> layer.add_weight(shape=(2,), initializer="ones", name="scale").shape
        (2,)
        """
        self._check_super_called()
        if args and isinstance(args[0], str):
            name, args = args[0], args[1:]
        shape, initializer = (*args, *(shape, initializer)[len(args) :])
        shape = () if shape is None else standardize_shape(shape)
        dtype = self.variable_dtype if dtype is None else backend.standardize_dtype(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if backend.is_float_dtype(dtype) else "zeros"
        if isinstance(initializer, (str, dict, type)):
            initializer = initializers.get(initializer)
        with naming.name_scope(self.name, caller=self):
            variable = Variable(
                initializer,
                shape=shape,
                dtype=dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
            )
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._tracker.track(variable)
        return variable

    def add_variable(
        self,
        shape: Any,
        initializer: Any,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Make a variable that belongs to the layer; `add_weight` by another name."""
        return self.add_weight(
            shape=shape,
            initializer=initializer,
            dtype=dtype,
            trainable=trainable,
            autocast=autocast,
            regularizer=regularizer,
            constraint=constraint,
            name=name,
        )

    @property
    def _layers(self) -> list[Any]:
        return self._tracker.layers

    @property
    def _metrics(self) -> list[Any]:
        return self._tracker.metrics

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Any]:
        """This layer and its parts, each once, parts after their owner."""
        found: dict[int, Any] = {id(self): self}

        def visit(layer: Any) -> None:
            for part in layer._layers:
                if id(part) not in found:
                    found[id(part)] = part
                    if recursive:
                        visit(part)

        visit(self)
        return list(found.values())[0 if include_self else 1 :]

    def _own_variables(self) -> list[Variable]:
        return self._tracker.trainable_variables + self._tracker.non_trainable_variables

    @property
    def variables(self) -> list[Variable]:
        """All variables of the layer and its parts: weights and the states of seed generators."""
        return _unique(
            v
            for layer in self._flatten_layers()
            for v in (*layer._own_variables(), *(g.state for g in layer._tracker.seed_generators))
        )

    @property
    def weights(self) -> list[Variable]:
        """The variables without the states of seed generators; this is what is saved."""
        return _unique(v for layer in self._flatten_layers() for v in layer._own_variables())

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that an optimizer updates."""
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that an optimizer leaves alone."""
        return [v for v in self.variables if not (self.trainable and v.trainable)]

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that an optimizer updates."""
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that an optimizer leaves alone."""
        return [v for v in self.weights if not (self.trainable and v.trainable)]

    @property
    def metrics(self) -> list[Any]:
        """The metrics of the layer and its parts."""
        return list({id(m): m for layer in self._flatten_layers() for m in layer._metrics}.values())

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of the metrics."""
        return _unique(v for metric in self.metrics for v in metric.variables)

    @property
    def trainable(self) -> bool:
        """Whether the layer's trainable weights are updated; setting it reaches all parts."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value = bool(value)
        for variable in self._tracker.trainable_variables:
            variable.trainable = value
        for layer in self._layers:
            layer.trainable = value

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the weights as arrays, in the order of `weights`."""
        return [np.array(v) for v in self.weights]

    def set_weights(self, weights: Iterable[Any]) -> None:
        """Set the weights from arrays in the order of `weights`; nothing is set if one is wrong.

        Raises:
            ValueError: the number of arrays or a shape differs.
        """
        variables, arrays = self.weights, [_as_array(w) for w in weights]
        if len(variables) != len(arrays):
            hint = "" if self.built else " (it is not built yet: call it, or build(input_shape))"
            raise ValueError(
                f"pynn.{type(self).__name__}.set_weights: expected {len(variables)} arrays for "
                f"layer {self.name!r}{hint}; received {len(arrays)}"
            )
        for variable, array in zip(variables, arrays, strict=True):
            if tuple(variable.shape) != tuple(array.shape):
                raise ValueError(
                    f"pynn.{type(self).__name__}.set_weights: expected shape "
                    f"{tuple(variable.shape)} for {variable.path!r}; received {array.shape}"
                )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """Return the number of scalars in the weights.

        Raises:
            ValueError: the layer is not built yet.
        """
        if not self.built:
            raise ValueError(
                f"pynn.{type(self).__name__}.count_params: expected a built layer; {self.name!r} "
                "has no weights yet. Call it on data, or build(input_shape)"
            )
        return sum(int(np.prod(v.shape, dtype=np.int64)) for v in self.weights)

    def save_own_variables(self, store: Any) -> None:
        """Put the layer's own weights, without those of its parts, into a dict-like `store`."""
        for i, variable in enumerate(self._own_variables()):
            store[str(i)] = variable.numpy()

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Read what `save_own_variables` wrote.

        Raises:
            ValueError: the number of arrays or a shape differs.
        """
        variables = self._own_variables()
        if len(store) != len(variables):
            hint = "" if self.built else ". The layer is not built: its weights do not exist yet"
            raise ValueError(
                f"pynn.{type(self).__name__}: expected {len(variables)} saved variables for layer "
                f"{self.name!r}; received {len(store)}{hint}"
            )
        for i, variable in enumerate(variables):
            variable.assign(_as_array(store[str(i)]))

    def add_loss(self, loss: Any) -> None:
        """Add a scalar tensor, or several, to the losses of the forward pass under way.

        Raises:
            ValueError: `loss` is not a tensor.
        """
        for value in tree.flatten(loss):
            if not hasattr(value, "dtype"):
                raise ValueError(
                    f"pynn.{type(self).__name__}.add_loss: expected scalar tensors; "
                    f"received {value!r}"
                )
            self._losses.append(value)
        _holding_losses.add(self)

    @property
    def losses(self) -> list[Any]:
        """Scalars to be added to the training loss: `add_loss`, activity and weight penalties.

        Weight penalties are computed now, from the present weights and regularizers.
        """
        losses = [loss for layer in self._flatten_layers() for loss in layer._losses]
        for variable in self.trainable_weights:
            if variable.regularizer is not None:
                losses.append(variable.regularizer(variable))
        return losses + [penalty.value() for penalty in self.penalties]

    def add_penalty(
        self, function: Any, weights: Iterable[Variable], name: str | None = None
    ) -> None:
        """Add `function(*weights)` to the training loss from now on. Not in Keras.

        The weights may belong to any layers of a model, and the history has the value under `name`.

        Args:
            function: returns a scalar tensor for the present weights.
            weights: the Variables that it is called with.
            name: name in the history; the function's by default.

        Raises:
            TypeError: `function` cannot be called, or `weights` are not Variables.
            ValueError: no weights, or a penalty of this name is there already.

        >>> a, b = pynn.layers.Dense(2, name="a"), pynn.layers.Dense(2, name="b")
        >>> model = pynn.Sequential([pynn.Input((2,)), a, b])
        >>> def difference(first, second):
        ...     return pynn.ops.sum(pynn.ops.square(first - second))
        >>> model.add_penalty(difference, [a.kernel, b.kernel])
        >>> [penalty.name for penalty in model.penalties]
        ['difference']
        """
        who = f"pynn.{type(self).__name__}.add_penalty"
        added = check_penalty(who, function, weights, name)
        taken = [penalty.name for penalty in self.penalties]
        if added.name in taken:
            raise ValueError(f"{who}: expected a name other than {taken}; received {added.name!r}")
        # Not an attribute like others: the weights of other layers do not become this one's.
        object.__setattr__(self, "_added_penalties", (*self._added_penalties, added))
        note_change()

    @property
    def penalties(self) -> list[Penalty]:
        """The penalties on several weights: `regularizer` of layers, and `add_penalty`."""
        found = []
        for layer in self._flatten_layers():
            if layer._regularizer is not None and layer.trainable_weights:
                found.append(joint_penalty(layer))
            found.extend(layer._added_penalties)
        return found

    def _clear_losses(self) -> None:
        if _holding_losses:
            for layer in self._flatten_layers():
                if layer._losses:
                    layer._losses.clear()
                    _holding_losses.discard(layer)

    def add_metric(self, *args: Any, **kwargs: Any) -> None:
        """Removed in Keras 3 as well: make the metric in `__init__` and update it in `call`."""
        raise NotImplementedError(
            "pynn.Layer.add_metric: expected `self.metric = SomeMetric()` in __init__() and "
            "`self.metric.update_state(...)` in call(); add_metric is not available"
        )


def _unique(variables: Iterable[Variable]) -> list[Variable]:
    return list({id(v): v for v in variables}.values())


def _as_array(weight: Any) -> Any:
    return weight if hasattr(weight, "shape") else np.asarray(weight)
