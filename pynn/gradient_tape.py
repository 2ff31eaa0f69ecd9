"""Gradients by hand, with TensorFlow's interface."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pynn import _core, ops, tree


class GradientTape:
    """Records what is computed inside `with`, so that gradients can be asked for afterwards.

    Works the same on values and inside a compiled step. Trainable variables are watched by
    themselves, tensors after `watch`.

    Args:
        persistent: whether `gradient` may be called more than once.
        watch_accessed_variables: whether trainable variables are watched by themselves.

    >>> import pynn
    >>> x = pynn.Variable(3.0)
    >>> with pynn.GradientTape() as tape:
    ...     y = x * x
    >>> float(tape.gradient(y, x))
    6.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_accessed_variables = watch_accessed_variables
        self._tape: Any = None
        self._recording = False
        self._used = False

    def __enter__(self) -> GradientTape:
        self._start()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._stop(*exception)

    def reset(self) -> None:
        """Forgets everything that was recorded."""
        if self._recording:
            self._stop(None, None, None)
            self._start()
        else:
            self._tape = None
        self._used = False

    def _start(self) -> None:
        # Persistent inside: `gradient` asks once per target. Its own rule is kept by `_used`.
        self._tape = _core.Tape(
            persistent=True, watch_accessed_variables=self._watch_accessed_variables
        )
        self._tape.__enter__()
        self._recording = True
        self._used = False

    def _stop(self, *exception: Any) -> None:
        self._recording = False
        self._tape.__exit__(*exception)
        if self._used and not self._persistent:
            self._tape = None

    def watch(self, tensor: Any) -> None:
        """Makes gradients with respect to `tensor` (or each tensor of a structure) possible.

        Raises:
            ValueError: for a tensor that is not of a float dtype.
        """
        for leaf in tree.flatten(tensor):
            if not str(leaf.dtype).startswith(("float", "bfloat")):
                raise ValueError(
                    f"pynn.GradientTape.watch: expected a float tensor; received dtype={leaf.dtype}"
                )
            self._active_tape().watch(leaf)

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Returns a context inside which nothing is recorded."""
        tape = self._active_tape()
        tape.pause()
        try:
            yield
        finally:
            tape.resume()

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: Any = "none",
    ) -> Any:
        """Returns the gradients of the sum of all targets.

        Args:
            target: tensor, or a structure of tensors.
            sources: variable or watched tensor, or a structure of them.
            output_gradients: weights of the elements of `target`, in its structure; `None`
                means ones.
            unconnected_gradients: what a source gets on which no target depends: "none" or
                "zero".

        Returns:
            One gradient per source, in the structure of `sources`.

        Raises:
            RuntimeError: at the second call on a tape that is not persistent.
            ValueError: for an unknown `unconnected_gradients`.
        """
        tape = self._active_tape(again=self._persistent)
        as_zero = _is_zero(unconnected_gradients)
        flat_sources = tree.flatten(sources)
        total: list[Any] = [None] * len(flat_sources)
        for value, weight in _pairs(target, output_gradients):
            found = tape.gradient(value, flat_sources, output_gradient=weight)
            total = [_add(a, b) for a, b in zip(total, found, strict=True)]
        if as_zero:
            total = [
                ops.zeros(source.shape, dtype=source.dtype) if gradient is None else gradient
                for gradient, source in zip(total, flat_sources, strict=True)
            ]
        self._used = True
        if not self._persistent and not self._recording:
            self._tape = None  # lets go of the recorded values
        return tree.pack_sequence_as(sources, total) if tree.is_nested(sources) else total[0]

    def _active_tape(self, again: bool = True) -> Any:
        if self._used and not (again and self._tape is not None):
            raise RuntimeError(
                "pynn.GradientTape.gradient: expected one call on a tape that is not persistent; "
                "received a second one. Use GradientTape(persistent=True)"
            )
        if self._tape is None:
            raise RuntimeError(
                "pynn.GradientTape: expected a tape that was entered with `with`; "
                "received one that was not"
            )
        return self._tape


def _pairs(target: Any, output_gradients: Any) -> list[tuple[Any, Any]]:
    targets = tree.flatten(target)
    weights = [None] * len(targets) if output_gradients is None else tree.flatten(output_gradients)
    return [
        (ops.convert_to_tensor(value), weight)
        for value, weight in zip(targets, weights, strict=True)
    ]


def _is_zero(unconnected_gradients: Any) -> bool:
    name = str(getattr(unconnected_gradients, "value", unconnected_gradients)).lower()
    if name not in ("none", "zero"):
        raise ValueError(
            "pynn.GradientTape.gradient: expected unconnected_gradients 'none' or 'zero'; "
            f"received {unconnected_gradients!r}"
        )
    return name == "zero"


def _add(first: Any, second: Any) -> Any:
    if first is None or second is None:
        return second if first is None else first
    return first + second
