"""Branches: Python's own on values, a part of the graph in a compiled step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pynn import _core
from pynn._core import Tensor
from pynn.ops.structures import Layout, flatten_tensors, spec, trace_function
from pynn.ops.symbolic import symbolic_op

__all__ = ["cond", "switch"]


@symbolic_op
def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """Return `true_fn()` if `pred`, a scalar, is true, else `false_fn()`.

    In a compiled step whose `pred` is computed, both functions are traced and one of them runs;
    they must return tensors of the same shapes and dtypes in the same structure. A variable that
    one of them assigns keeps its value where the other is taken.

    Raises:
        ValueError: `pred` is not a scalar, or the results differ in structure, shape or dtype.
        TypeError: a function returns something that is neither a tensor nor None.

    >>> x = pynn.ops.array(3.0)
    >>> float(pynn.ops.cond(x > 0, lambda: 2 * x, lambda: -x))
    6.0
    """
    truth = truth_value("cond", "pred", pred)
    if not truth.is_traced:
        return _called("cond", true_fn if bool(truth) else false_fn, ())
    return _branch("cond", truth, {"false_fn": false_fn, "true_fn": true_fn}, ())


@symbolic_op
def switch(index: Any, branches: Sequence[Callable[..., Any]], *operands: Any) -> Any:
    """Return `branches[index](*operands)`; an index out of range is moved to the nearest end.

    In a compiled step whose `index` is computed, all branches are traced and one of them runs;
    they must return tensors of the same shapes and dtypes in the same structure.

    Raises:
        ValueError: `index` is not an integer scalar, there are no branches, or their results
            differ in structure, shape or dtype.
        TypeError: a branch returns something that is neither a tensor nor None.

    >>> branches = [lambda x, y: x + y, lambda x, y: x - y]
    >>> float(pynn.ops.switch(1, branches, 2.0, 0.5))
    1.5
    """
    number = integer_scalar("switch", "index", index)
    if not branches:
        raise ValueError("pynn.switch: expected at least one branch; received none")
    tensors, layout = flatten_tensors("switch", "operands", list(operands))
    operands = tuple(layout.pack(tensors))
    if not number.is_traced:
        return _called("switch", branches[min(max(int(number), 0), len(branches) - 1)], operands)
    named = {f"branches[{i}]": branch for i, branch in enumerate(branches)}
    return _branch("switch", number, named, operands)


def _called(who: str, function: Callable[..., Any], operands: Sequence[Any]) -> Any:
    tensors, layout = flatten_tensors(who, "a branch's result", function(*operands))
    return layout.pack([_core.identity(t) for t in tensors])


class _Branch:
    """A traced branch."""

    def __init__(
        self, who: str, name: str, function: Callable[..., Any], operands: Sequence[Any]
    ) -> None:
        self.name = name
        self.specs: list[str] = []
        self.layout = Layout(None)

        def flat(_: list[Tensor]) -> list[Tensor]:
            tensors, self.layout = flatten_tensors(who, f"{name}()", function(*operands))
            self.specs = [spec(t) for t in tensors]
            return [_core.identity(t) for t in tensors]

        self.graph = trace_function(flat)


def _branch(
    who: str, index: Tensor, functions: dict[str, Callable[..., Any]], operands: Sequence[Any]
) -> Any:
    branches = [_Branch(who, name, function, operands) for name, function in functions.items()]
    first = branches[0]
    for other in branches[1:]:
        if not other.layout.matches(first.layout):
            raise ValueError(
                f"pynn.{who}: expected branches that return the same structure; {first.name} "
                f"returns {first.layout} and {other.name} {other.layout} (* is a tensor)"
            )
        for a, b in zip(first.specs, other.specs, strict=True):
            if a != b:
                raise ValueError(
                    f"pynn.{who}: expected branches that return the same shapes and dtypes; "
                    f"{first.name} returns {a} where {other.name} returns {b}"
                )
    return first.layout.pack(_core.switch_case(index, [branch.graph for branch in branches]))


def integer_scalar(who: str, what: str, x: Any) -> Tensor:
    """`x` as a tensor; ValueError unless it is an integer scalar."""
    x = _core.tensor(x)
    if x.ndim != 0 or x.dtype.startswith(("float", "bfloat")):
        raise ValueError(f"pynn.{who}: expected {what} to be an integer scalar; received {spec(x)}")
    return x


def truth_value(who: str, what: str, x: Any) -> Tensor:
    """`x` as a bool tensor; ValueError unless it is a scalar."""
    x = _core.tensor(x)
    if x.ndim != 0:
        raise ValueError(f"pynn.{who}: expected {what} to be a scalar; received {spec(x)}")
    return _core.cast(x, "bool")
