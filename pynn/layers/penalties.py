"""Penalties on several weights at once: what a sum of penalties on single weights cannot say."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from pynn.variables import Variable


class Penalty(NamedTuple):
    """A function of some weights that is added to the loss, under a name of its own."""

    name: str
    function: Callable[..., Any]
    weights: tuple[Variable, ...]

    def value(self) -> Any:
        """Return the penalty for the present weights, a scalar tensor."""
        return self.function(*self.weights)


def joint_penalty(layer: Any) -> Penalty:
    """Return the penalty of a layer's `regularizer`; its argument names choose the weights.

    Raises:
        ValueError: the layer has no weight of such a name.
    """
    function = layer.regularizer
    who = f"pynn.{type(layer).__name__}"
    chosen = [_weight(who, layer, name) for name in _weight_names(who, function)]
    return Penalty(f"{layer.name}_regularizer", function, tuple(chosen))


def check_penalty(who: str, function: Any, weights: Any, name: str | None) -> Penalty:
    """Return what `add_penalty` was given as a `Penalty`.

    Raises:
        TypeError: `function` cannot be called, or `weights` are not variables.
        ValueError: there are no weights.
    """
    if not callable(function):
        raise TypeError(f"{who}: expected a function of the weights; received {function!r}")
    weights = tuple(weights)
    for weight in weights:
        if not isinstance(weight, Variable):
            raise TypeError(f"{who}: expected weights, a list of Variables; received {weight!r}")
    if not weights:
        raise ValueError(f"{who}: expected at least one weight; received none")
    own = getattr(function, "__name__", type(function).__name__)
    return Penalty(name or ("penalty" if own == "<lambda>" else own), function, weights)


def _weight_names(who: str, function: Callable[..., Any]) -> list[str]:
    """The arguments without a default: all must be given, by position."""
    parameters = inspect.signature(function).parameters.values()
    named = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in named and p.default is p.empty]
    if not names:
        raise ValueError(
            f"{who}: expected a regularizer whose arguments name weights, such as "
            f"`lambda kernel, bias: ...`; received {function!r}, which has none"
        )
    return names


def _weight(who: str, layer: Any, name: str) -> Variable:
    found = getattr(layer, name, None)
    if isinstance(found, Variable):
        return found
    by_name = {variable.name: variable for variable in layer.weights}
    if name in by_name:
        return by_name[name]
    import difflib  # late: only errors need it

    near = difflib.get_close_matches(name, by_name, n=1)
    hint = f". Did you mean {near[0]!r}?" if near else ""
    raise ValueError(
        f"{who}: expected arguments of the regularizer to be among the weights "
        f"{sorted(by_name)} of layer {layer.name!r}; received {name!r}{hint}"
    )
