"""Loops: Python's own on values, parts of the graph in a compiled step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pynn import _core, shape_inference
from pynn._core import Tensor
from pynn.keras_tensor import KerasTensor
from pynn.ops.carry import Carry
from pynn.ops.control_flow import integer_scalar, truth_value
from pynn.ops.joining import stack
from pynn.ops.structures import Layout, flatten_tensors, trace_function
from pynn.ops.symbolic import symbolic_op

__all__ = ["fori_loop", "map", "scan", "vectorized_map", "while_loop"]


@symbolic_op
def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: Any = None,
) -> Any:
    """Repeat `loop_vars = body(*loop_vars)` while `cond(*loop_vars)` holds; return the last ones.

    `loop_vars` is a tuple or list, whose items are given one by one, or one structure of tensors,
    which is given as it is. Shapes and dtypes must stay the same. In a compiled step, `cond` and
    `body` are traced once. The gradient runs the loop again, keeping the loop variables of each
    iteration, and goes through it backwards; there is no gradient of second order.

    Args:
        cond: a function of the loop variables that returns a scalar bool.
        body: a function of the loop variables that returns new ones, in the same structure.
        loop_vars: the first values.
        maximum_iterations: how often `body` runs at most; None: as often as `cond` holds.

    Returns:
        A tuple for a tuple or list (a named tuple for one), else the structure of `loop_vars`.

    Raises:
        ValueError: a loop variable changes its structure, shape or dtype.
        TypeError: `body` returns something that is not a tensor.

    >>> i, total = pynn.ops.while_loop(lambda i, s: i < 4, lambda i, s: (i + 1, s + i), (0, 0))
    >>> int(i), int(total)
    (4, 6)
    """
    several = isinstance(loop_vars, (tuple, list))
    carry = Carry("while_loop", "loop_vars", "body", tuple(loop_vars) if several else (loop_vars,))

    def holds(values: list[Tensor]) -> Tensor:
        return truth_value("while_loop", "cond's result", cond(*carry.pack(values)))

    def step(values: list[Tensor]) -> list[Tensor]:
        result = body(*carry.pack(values))
        if isinstance(result, (tuple, list)) and several:
            return carry.following(tuple(result))
        return carry.following((result,))

    def loop() -> list[Tensor]:
        if _core.in_trace():
            return _traced_while(carry.first(), holds, step, maximum_iterations)
        values, count = carry.first(), 0
        while (maximum_iterations is None or count < int(maximum_iterations)) and holds(values):
            values = step(values)
            count += 1
        return values

    results = carry.pack(carry.settle(loop))
    if not several:
        return results[0]
    return type(loop_vars)(*results) if hasattr(loop_vars, "_fields") else results


def _traced_while(
    first: list[Tensor],
    holds: Callable[[list[Tensor]], Tensor],
    step: Callable[[list[Tensor]], list[Tensor]],
    most: Any = None,
) -> list[Tensor]:
    if most is None:
        test = trace_function(lambda values: [holds(values)], first)
        return _core.while_loop(test, trace_function(step, first), first)
    # The number of iterations so far is one more loop variable.
    counted = _traced_while(
        [*first, _core.tensor(0)],
        lambda values: _core.logical_and(holds(values[:-1]), _core.less(values[-1], most)),
        lambda values: [*step(values[:-1]), _core.add(values[-1], 1)],
    )
    return counted[:-1]


@symbolic_op
def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """Repeat `val = body_fun(i, val)` for i in lower, ..., upper - 1; return the last `val`.

    `val` may be any structure of tensors; shapes and dtypes must stay the same. In a compiled
    step `body_fun` is traced once. With bounds that are known while tracing, gradients of any
    order exist; with computed ones, those of first order.

    Raises:
        ValueError: a bound is not an integer scalar, or `val` changes its structure, shape or
            dtype.
        TypeError: `body_fun` returns something that is not a tensor.

    >>> int(pynn.ops.fori_loop(0, 5, lambda i, total: total + i, 0))
    10
    """
    low = integer_scalar("fori_loop", "lower", lower)
    high = integer_scalar("fori_loop", "upper", upper)
    low, high = _core.cast(low, "int32"), _core.cast(high, "int32")
    carry = Carry("fori_loop", "init_val", "body_fun", init_val)

    def step(values: list[Tensor]) -> list[Tensor]:
        i, *rest = values
        return [_core.add(i, 1), *carry.following(body_fun(i, carry.pack(rest)))]

    def loop() -> list[Tensor]:
        first = [low, *carry.first()]
        if low.is_traced or high.is_traced:
            return _traced_while(first, lambda values: _core.less(values[0], high), step)
        count = max(0, int(high) - int(low))
        if _core.in_trace():
            return _core.scan(trace_function(step, first), first, [], count, False)
        for _ in range(count):
            first = step(first)
        return first

    return carry.pack(carry.settle(loop)[1:])


@symbolic_op
def scan(
    f: Callable[[Any, Any], Any],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Any, Any]:
    """Run `carry, y = f(carry, x)` over the slices x of `xs` along axis 0.

    `carry` keeps its structure, shapes and dtypes. In a compiled step `f` is traced once, unless
    `unroll` asks for one copy per iteration. Gradients of any order exist.

    Args:
        f: a function of the carry and a slice that returns the next carry and an output.
        init: the first carry: a structure of tensors.
        xs: a structure of tensors of shape (length, ...), or None.
        length: the number of iterations; needed without `xs`.
        reverse: whether to begin with the last slice; outputs stand where their slices do.
        unroll: True, or a number of at least `length`: no loop in the compiled step. Smaller
            numbers are a hint without effect.

    Returns:
        The last carry, and the outputs stacked along a new axis 0.

    Raises:
        ValueError: neither `xs` nor `length` is given, sizes along axis 0 differ, `unroll` is
            below 1, or the carry changes its structure, shape or dtype.
        TypeError: `f` returns no pair, or something that is not a tensor.

    >>> total, sums = pynn.ops.scan(lambda c, x: (c + x, c + x), 0, pynn.ops.array([1, 2, 3]))
    >>> int(total), sums.numpy()
    (6, array([1, 3, 6], dtype=int32))
    """
    if not isinstance(unroll, bool) and (not isinstance(unroll, int) or unroll < 1):
        raise ValueError(
            f"pynn.scan: expected unroll to be a bool or an int of at least 1; received {unroll!r}"
        )
    return _Scan("scan", _checked_pairs(f), init, xs, length, reverse, unroll).run()


def _checked_pairs(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def checked(carry: Any, x: Any) -> Any:
        result = f(carry, x)
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise TypeError(
                f"pynn.scan: expected f to return a pair (carry, output); received {result!r}"
            )
        return result

    return checked


@symbolic_op
def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """Return `f(x)` for the slices x of `xs` along axis 0, stacked.

    `xs` and the results may be structures of tensors. In a compiled step `f` is traced once.

    Raises:
        ValueError: sizes along axis 0 differ.
        TypeError: `f` returns something that is not a tensor.

    >>> pynn.ops.map(lambda x: x * x, pynn.ops.arange(4)).numpy()
    array([0, 1, 4, 9], dtype=int32)
    """
    return _Scan("map", lambda _, x: (None, f(x)), None, xs).run()[1]


@symbolic_op
def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """Return `function(x)` for the slices x of `elements` along axis 0, stacked.

    The same as `map`; functions that work on whole batches are faster.

    Raises:
        ValueError: sizes along axis 0 differ.
        TypeError: `function` returns something that is not a tensor.

    >>> pynn.ops.vectorized_map(lambda x: x[0] + x[1], [np.arange(3), np.arange(3)]).numpy()
    array([0, 2, 4])
    """
    return _Scan("vectorized_map", lambda _, x: (None, function(x)), None, elements).run()[1]


class _Scan:
    """One call of `scan`, or of what is made of it."""

    def __init__(
        self,
        who: str,
        f: Callable[[Any, Any], Any],
        init: Any,
        xs: Any,
        length: int | None = None,
        reverse: bool = False,
        unroll: int | bool = False,
    ) -> None:
        self._who, self._f, self._reverse = who, f, reverse
        self._slices, self._layout = flatten_tensors(who, "xs", xs)
        self._length = _common_length(who, self._slices, length)
        self._carry = Carry(who, "init", "f", init)
        self._outputs = Layout(None)
        wanted = unroll is True or (unroll is not False and unroll > 1 and unroll >= self._length)
        self._unroll = wanted or not _core.in_trace()

    def run(self) -> tuple[Any, Any]:
        """Return the last carry and the stacked outputs."""
        values, outputs = self._carry.settle(self._loop)
        return self._carry.pack(values), self._outputs.pack(outputs)

    def _loop(self) -> tuple[list[Tensor], list[Tensor]]:
        first = self._carry.first()
        size = len(first)
        if self._unroll and self._length > 0:
            return self._unrolled(first)
        if not _core.in_trace():
            return first, self._no_outputs()
        samples = [KerasTensor(t.shape[1:], t.dtype) for t in self._slices]
        body = trace_function(lambda values: self._step(values, size), [*first, *samples])
        results = _core.scan(body, first, self._slices, self._length, self._reverse)
        return results[:size], results[size:]

    def _step(self, values: list[Tensor], size: int) -> list[Tensor]:
        carry, output = self._f(self._carry.pack(values[:size]), self._layout.pack(values[size:]))
        following = self._carry.following(carry)
        outputs, self._outputs = flatten_tensors(self._who, "f's output", output)
        return following + [_core.identity(t) for t in outputs]

    def _unrolled(self, values: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        size = len(values)
        rows: list[list[Tensor]] = []
        for i in range(self._length):
            at = self._length - 1 - i if self._reverse else i
            results = self._step([*values, *(t[at] for t in self._slices)], size)
            values = results[:size]
            rows.append(results[size:])
        if self._reverse:
            rows.reverse()
        return values, [stack(column) for column in zip(*rows, strict=True)]

    def _no_outputs(self) -> list[Tensor]:
        """What is stacked of no iterations: shapes and dtypes are those of an iteration."""
        size = len(self._carry.tensors)
        samples = [
            *(KerasTensor(t.shape, t.dtype) for t in self._carry.tensors),
            *(KerasTensor(t.shape[1:], t.dtype) for t in self._slices),
        ]
        specs = shape_inference.compute_output_spec(lambda xs: self._step(xs, size), samples)
        return [_core.full((0, *spec.shape), 0, spec.dtype) for spec in specs[size:]]


def _common_length(who: str, slices: list[Tensor], length: int | None) -> int:
    sizes = [t.shape[0] if t.ndim else None for t in slices]
    sizes += [] if length is None else [int(length)]
    if None in sizes or len(set(sizes)) != 1:
        raise ValueError(
            f"pynn.{who}: expected tensors of one size along axis 0"
            f"{', or a length' if who == 'scan' else ''}; received shapes "
            f"{[tuple(t.shape) for t in slices]}, length={length}"
        )
    return sizes[0]  # type: ignore[return-value]  # not None, as was seen
