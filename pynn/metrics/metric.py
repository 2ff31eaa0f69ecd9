"""The base class of metrics: named variables that batches update and epochs reset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pynn import _core, backend, dtype_policies, initializers
from pynn.naming import auto_name, name_scope
from pynn.stateless import temporary_values
from pynn.variables import Variable


class Metric:
    """A number about a stream of batches, kept in variables.

    Subclasses make their variables in `__init__` with `add_variable`, change them in
    `update_state`, and compute the number in `result`. All three may be traced: they see
    tensors, not values.

    Args:
        dtype: dtype or policy of the computation; `None` means `backend.floatx()`.
        name: name of the metric; made from the class name if `None`.

    >>> import pynn
    >>> from pynn import ops
    >>> class Largest(pynn.metrics.Metric):
    ...     def __init__(self, name="largest"):
    ...         super().__init__(name=name)
    ...         self.largest = self.add_variable((), "zeros", name="largest")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.largest.assign(ops.maximum(self.largest, ops.max(y_pred)))
    ...     def result(self):
    ...         return self.largest.value
    >>> float(Largest()([0.0], [3.0]))
    3.0
    """

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or auto_name(self.__class__.__name__)
        self._dtype_policy = dtype_policies.get(dtype or backend.floatx())
        self._dtype = self._dtype_policy.compute_dtype
        self._variables: list[Variable] = []
        self._metrics: list[Metric] = []

    @property
    def dtype(self) -> str:
        """Dtype in which the metric is computed."""
        return self._dtype

    @property
    def variables(self) -> list[Variable]:
        """The metric's own variables, then those of the metrics it holds."""
        variables = list(self._variables)
        for metric in self._metrics:
            variables.extend(metric.variables)
        return variables

    def add_variable(
        self,
        shape: tuple[int, ...],
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str | None = "sum",
        name: str | None = None,
    ) -> Variable:
        """Makes a variable that belongs to this metric.

        Args:
            shape: its shape.
            initializer: name, object or function; called once.
            dtype: its dtype; `None` means `backend.floatx()`.
            aggregation: accepted as in Keras; there is one replica.
            name: its name.
        """
        self._check_super_called()
        with name_scope(self.name.replace("/", ">"), caller=self):
            variable = Variable(
                initializer=initializers.get(initializer or "zeros"),
                shape=tuple(shape),
                dtype=dtype,
                trainable=False,
                aggregation=aggregation,
                name=name,
            )
        self._variables.append(variable)
        return variable

    def add_weight(
        self,
        shape: tuple[int, ...] = (),
        initializer: Any = None,
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Makes a variable that belongs to this metric; see `add_variable`."""
        return self.add_variable(shape, initializer, dtype=dtype, name=name)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Takes one batch into account; to be written by subclasses."""
        raise NotImplementedError(
            f"pynn.{type(self).__name__}: expected a method `update_state`; "
            "received a class without one"
        )

    def result(self) -> Any:
        """Returns the number (or a dict of numbers); to be written by subclasses."""
        raise NotImplementedError(
            f"pynn.{type(self).__name__}: expected a method `result`; received a class without one"
        )

    def reset_state(self) -> None:
        """Sets all variables to zero."""
        for variable in self.variables:
            variable.assign(_core.full(variable.shape, 0, variable.dtype))

    def stateless_update_state(
        self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any
    ) -> list[Any]:
        """Returns the values of `variables` after an update from `metric_variables`."""
        with temporary_values(self.variables, metric_variables):
            self.update_state(*args, **kwargs)
            return [variable.value for variable in self.variables]

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """Returns the result for given values of `variables`."""
        with temporary_values(self.variables, metric_variables):
            return self.result()

    def stateless_reset_state(self) -> list[Any]:
        """Returns the values of `variables` after a reset."""
        with temporary_values(self.variables, [v.value for v in self.variables]):
            self.reset_state()
            return [variable.value for variable in self.variables]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Takes one batch into account and returns the number so far."""
        self._check_super_called()
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, as JSON-able values."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """Makes the metric that `get_config` described."""
        return cls(**config)

    def __setattr__(self, name: str, value: Any) -> None:
        # A metric that holds metrics resets and saves them with its own variables.
        if isinstance(value, Metric) and not name.startswith("__"):
            self.__dict__.setdefault("_metrics", []).append(value)
        super().__setattr__(name, value)

    def _check_super_called(self) -> None:
        if "_variables" not in self.__dict__:
            raise RuntimeError(
                f"pynn.{type(self).__name__}: expected `super().__init__()` as the first statement "
                "of `__init__`; received a metric without it"
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
