"""The variables of an optimizer: counters, learning rate, and the state kept per weight."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pynn import initializers, ops
from pynn.naming import name_scope
from pynn.variables import Variable


class OptimizerState:
    """Mixin of `Optimizer`: makes, finds, saves and loads variables."""

    # Tuples of state names; the variables of one tuple are made weight by weight, which is the
    # order in which Keras stores them.
    slot_groups: tuple[tuple[str, ...], ...] = ()
    # What states start as, by name, where that is not zero.
    slot_initializers: Mapping[str, Any] = MappingProxyType({})

    name: str
    use_ema: bool
    gradient_accumulation_steps: int | None
    built: bool
    _iterations: Any

    def _start_state(self) -> None:
        self.built = False
        self._variables: list[Variable] = []
        self._trainable_variables: list[Any] = []
        self._index: dict[int, int] = {}
        self._slots: dict[str, list[Variable]] = {}

    @property
    def variables(self) -> list[Variable]:
        """All state: iteration, learning rate (unless a schedule), then the slots."""
        return list(self._variables)

    @property
    def iterations(self) -> Any:
        """How many updates have been made, an int32 scalar."""
        if self.gradient_accumulation_steps:
            return ops.floor_divide(self._iterations, self.gradient_accumulation_steps)
        return self._iterations

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Makes a variable that belongs to this optimizer; `layout` is accepted as in Keras."""
        del layout
        with name_scope(self.name, caller=self):
            variable = Variable(
                initializer=initializers.get(initializer),
                shape=tuple(shape),
                dtype=dtype,
                trainable=False,
                aggregation=aggregation,
                name=name,
            )
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Any, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Makes a variable with the shape and dtype of `reference_variable`."""
        path = getattr(reference_variable, "path", None) or reference_variable.name
        return self.add_variable(
            reference_variable.shape,
            initializer,
            dtype=reference_variable.dtype,
            name=f"{path.replace('/', '_').replace(':', '_')}_{name or 'var'}",
        )

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Any], name: Any, initializer: Any = "zeros"
    ) -> Any:
        """Makes one variable (or, for a list of names, one per name) for each weight.

        Returns:
            A list in the order of the weights, or a tuple of such lists.

        Raises:
            ValueError: if names and initializers differ in number.
        """
        names = [name] if isinstance(name, str) else list(name)
        is_list = isinstance(initializer, list | tuple)
        starts = list(initializer) if is_list else [initializer] * len(names)
        if len(names) != len(starts):
            raise ValueError(
                "pynn.optimizers.Optimizer.add_optimizer_variables: expected one initializer per "
                f"name; received name={name!r} and initializer={initializer!r}"
            )
        made: tuple[list[Variable], ...] = tuple([] for _ in names)
        for variable in trainable_variables:
            for column, one, start in zip(made, names, starts, strict=True):
                column.append(self.add_variable_from_reference(variable, one, start))
        return made[0] if isinstance(name, str) else made

    def build(self, variables: Sequence[Any]) -> None:
        """Makes the state for `variables`; called by the first `apply` if not before."""
        if self.built:
            return
        self._add_slots(list(variables))
        self.built = True

    def extend(self, variables: Iterable[Any]) -> None:
        """Makes the state for those of `variables` that have none yet.

        For weights that become trainable after the optimizer was built: their state starts at
        zero, that of the others stays.
        """
        new = [v for v in variables if id(v) not in self._index]
        if not self.built:
            self.build(new)
        elif new and type(self).build is not OptimizerState.build:
            raise ValueError(
                f"pynn.optimizers.{type(self).__name__}.extend: expected state declared in "
                "`slot_groups`; received a class with its own `build`. Make a new optimizer instead"
            )
        elif new:
            self._add_slots(new)

    def _add_slots(self, variables: list[Any]) -> None:
        for variable in variables:
            self._index[id(variable)] = len(self._trainable_variables)
            self._trainable_variables.append(variable)
        if self.use_ema:
            self._add_slot_group(variables, ("average",))
        if self.gradient_accumulation_steps:
            self._add_slot_group(variables, ("gradient_accumulator",))
        self._add_rule_slots(variables)

    def _add_rule_slots(self, variables: list[Any]) -> None:
        for group in self.slot_groups:
            self._add_slot_group(variables, group)

    def _add_slot_group(self, variables: list[Any], names: tuple[str, ...]) -> None:
        starts = [self.slot_initializers.get(name, "zeros") for name in names]
        columns = self.add_optimizer_variables(variables, names, starts)
        for name, column in zip(names, columns, strict=True):
            self._slots.setdefault(name, []).extend(column)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        clone = type(self).__new__(type(self))
        memo[id(self)] = clone
        for name, value in self.__dict__.items():
            object.__setattr__(clone, name, copy.deepcopy(value, memo))
        # The index goes by identity, and the copies have other ones.
        clone._index = {id(v): i for i, v in enumerate(clone._trainable_variables)}
        return clone

    def _get_variable_index(self, variable: Any) -> int:
        return self._index[id(variable)]

    def slot(self, name: str, variable: Any) -> Any:
        """Returns the state called `name` of a weight.

        Raises:
            ValueError: if there is none, because a setting that needs it came too late.
        """
        if name not in self._slots:
            raise ValueError(
                f"pynn.optimizers.{type(self).__name__}: expected settings that need the state "
                f"{name!r} before the first step; received them after it. Make a new optimizer"
            )
        return self._slots[name][self._index[id(variable)]]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets all variables, in the order of `variables`.

        Raises:
            ValueError: if the optimizer is not built, or a shape differs.
        """
        if not self.built:
            raise ValueError(
                "pynn.optimizers.Optimizer.set_weights: expected an optimizer that is built; "
                "received one that is not. Call `optimizer.build(variables)` first"
            )
        for variable, weight in zip(self.variables, weights, strict=True):
            variable.assign(weight)

    def save_own_variables(self, store: Any) -> None:
        """Writes all variables into `store`, by their number."""
        for index, variable in enumerate(self.variables):
            store[str(index)] = variable.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Reads all variables from `store`; a wrong number of them is skipped with a warning."""
        if len(store.keys()) != len(self.variables):
            warnings.warn(
                f"pynn.optimizers: expected {len(self.variables)} variables for {self.name!r}; "
                f"received {len(store.keys())}. They are not loaded",
                stacklevel=2,
            )
            return
        for index, variable in enumerate(self.variables):
            variable.assign(store[str(index)])
