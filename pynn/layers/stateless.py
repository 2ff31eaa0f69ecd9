"""Calls of a layer with values of its variables that are given for the call only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pynn.layers.state import LayerState
from pynn.stateless import temporary_values
from pynn.variables import Variable


class StatelessCall(LayerState):
    """Base of `Layer`: `stateless_call`."""

    def stateless_call(
        self,
        trainable_variables: Sequence[Any],
        non_trainable_variables: Sequence[Any],
        *args: Any,
        return_losses: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Call the layer with other values of its variables, and leave the variables as they were.

        Args:
            trainable_variables: values in the order of `layer.trainable_variables`.
            non_trainable_variables: values in the order of `layer.non_trainable_variables`.
            *args: arguments of the call.
            return_losses: whether the losses of the call are returned too.
            **kwargs: more arguments of the call.

        Returns:
            `(outputs, non_trainable_variables)`, the latter as the call left them; with
            `return_losses`, `(outputs, non_trainable_variables, losses)`.

        Raises:
            ValueError: the number of values or a shape differs, or the layer is not built.

        >>> layer = pynn.layers.Dense(1)
        >>> layer.build((None, 2))
        >>> outputs, _ = layer.stateless_call([[[1.0], [2.0]], [3.0]], [], pynn.ops.ones((1, 2)))
        >>> outputs.numpy()
        array([[6.]], dtype=float32)
        """
        if not self.built:
            raise ValueError(
                f"pynn.{type(self).__name__}.stateless_call: expected a built layer; "
                f"{self.name!r} has no variables yet"
            )
        changing = self.non_trainable_variables
        with (
            _values(self, "trainable_variables", self.trainable_variables, trainable_variables),
            _values(self, "non_trainable_variables", changing, non_trainable_variables),
        ):
            outputs = self(*args, **kwargs)
            left = [variable.value for variable in changing]
            return (outputs, left, self.losses) if return_losses else (outputs, left)


@contextmanager
def _values(
    layer: Any, what: str, variables: Sequence[Variable], values: Sequence[Any]
) -> Iterator[None]:
    """Give the variables other values inside the context."""
    if len(values) != len(variables):
        raise ValueError(
            f"pynn.{type(layer).__name__}.stateless_call: expected {len(variables)} values for "
            f"{what} of {layer.name!r}; received {len(values)}"
        )
    with temporary_values(variables, values):
        yield
