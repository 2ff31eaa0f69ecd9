"""The learning rate of an optimizer: a number, a schedule, or a function."""

from __future__ import annotations

import numbers
from typing import Any

from pynn import _core, backend
from pynn.optimizers.schedules import LearningRateSchedule
from pynn.optimizers.state import OptimizerState
from pynn.variables import Variable


class LearningRate(OptimizerState):
    """Mixin of `Optimizer`: what steps are multiplied by, in each of the forms it may have."""

    _learning_rate: Any
    _called_rate: Variable

    @property
    def learning_rate(self) -> Any:
        """The current learning rate: a variable, or what schedule or function give now."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return rate(self._iterations.value)
        if not self.has_callable_rate:
            return rate
        if not _core.in_trace():
            self.call_rate()
        return self._called_rate.value

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        is_number = not isinstance(learning_rate, LearningRateSchedule) and not _is_function(
            learning_rate
        )
        if is_number and isinstance(self._learning_rate, LearningRateSchedule):
            raise TypeError(
                f"pynn.optimizers.{type(self).__name__}: expected a schedule in place of the "
                f"schedule that it was made with; received learning_rate={learning_rate!r}"
            )
        if is_number and isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(learning_rate)
            return
        if isinstance(self._learning_rate, Variable):
            self._variables = [v for v in self._variables if v is not self._learning_rate]
        self._learning_rate = self._as_learning_rate(learning_rate)

    @property
    def has_callable_rate(self) -> bool:
        """Whether the learning rate comes from a function without arguments."""
        return _is_function(self._learning_rate)

    def call_rate(self) -> None:
        """Calls the function that the learning rate comes from; compiled steps use its result.

        For training loops of your own that compile steps: call it before each of them.
        """
        self._called_rate.assign(self._learning_rate())

    def _as_learning_rate(self, learning_rate: Any) -> Any:
        if isinstance(learning_rate, LearningRateSchedule):
            return learning_rate
        if _is_function(learning_rate):
            # Not among `variables`: every step gets a new one, so there is nothing to save.
            self._called_rate = Variable(0.0, dtype=backend.floatx(), trainable=False)
            return learning_rate
        if isinstance(learning_rate, bool) or not isinstance(
            learning_rate, numbers.Real | Variable | _core.Tensor
        ):
            raise ValueError(
                f"pynn.optimizers.{type(self).__name__}: expected learning_rate to be a float, a "
                f"LearningRateSchedule or a function; received learning_rate={learning_rate!r}"
            )
        variable = self.add_variable((), dtype=backend.floatx(), name="learning_rate")
        variable.assign(learning_rate)
        return variable


def _is_function(learning_rate: Any) -> bool:
    return callable(learning_rate) and not isinstance(
        learning_rate, LearningRateSchedule | _core.Variable | _core.Tensor
    )
