"""A progress bar for loops of one's own."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from pynn.backend.console import is_terminal, tell

_BOLD, _GREEN, _GREY, _RESET = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"


class Progbar:
    """Shows how far a loop is, how long it takes, and values.

    On a terminal one line is rewritten in place; elsewhere one line is written at the end.

    Args:
        target: how many steps there will be; `None` if that is unknown.
        width: length of the bar.
        verbose: 0 nothing, 1 the bar, 2 one plain line at the end.
        interval: seconds between two writes, at least.
        stateful_metrics: names of values that are shown as they are; all others are averaged over
            the steps.
        stateless_metrics: or the other way round: names of values that are averaged.
        unit_name: what a step is called.

    Raises:
        ValueError: for both lists of names.

    >>> bar = Progbar(2, verbose=0)
    >>> bar.update(1, [("loss", 0.5)])
    >>> bar.add(1, [("loss", 0.25)])
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "pynn.utils.Progbar: expected stateful_metrics or stateless_metrics; received both"
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self.stateful_metrics = set(stateful_metrics or ()) if stateless_metrics is None else None
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self._sums: dict[str, tuple[Any, int]] = {}  # sum and number of steps
        self._seen = 0
        self._start = time.perf_counter()
        self._after_first: float | None = None
        self._last_shown = -float("inf")
        self._shown_width = 0

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: Any = None
    ) -> None:
        """Says that `current` steps are done.

        Args:
            current: number of steps that are done.
            values: (name, value) pairs of the last step.
            finalize: whether this is the end; by default when `target` is reached.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            self._gather(name, value, max(current - self._seen, 1), finalize)
        self._seen = current
        now = time.perf_counter()
        is_due = self.verbose == 1 and is_terminal() and now - self._last_shown >= self.interval
        if self.verbose and (is_due or finalize):
            self._show(current, now, finalize)
            self._last_shown = now
        if current == 1:
            self._after_first = now

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Says that `n` more steps are done; see `update`."""
        self.update(self._seen + n, values)

    def _gather(self, name: str, value: Any, steps: int, finalize: bool) -> None:
        if self.stateless_metrics is not None:
            is_averaged = name in self.stateless_metrics
        else:
            is_averaged = name not in (self.stateful_metrics or ())
        if not is_averaged or finalize:
            self._sums[name] = value, 1
        else:
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = total + value * steps, count + steps

    def _show(self, current: int, now: float, finalize: bool) -> None:
        per_step = self._seconds_per_step(current, now)
        left = None if finalize or not self.target else per_step * (self.target - current)
        clock = _clock(now - self._start if left is None else left)
        tail = f" {_short(per_step)}/{self.unit_name}{self._metrics()}"
        count = f"{current:>{len(str(self.target))}}/{self.target}" if self.target else str(current)
        if self.verbose != 1 or not is_terminal():
            tell(f"{count} - {clock}{tail}\n")
            return
        text = f"{_BOLD}{count}{_RESET} {self._bar(current)}{clock}{tail}"
        # Blanks cover what an earlier, longer text left behind.
        tell(f"\r{text}{' ' * (self._shown_width - len(text))}" + ("\n" if finalize else ""))
        self._shown_width = len(text)

    def _bar(self, current: int) -> str:
        if not self.target:
            return ""
        filled = min(self.width, self.width * current // self.target)
        return f"{_GREEN}{'━' * filled}{_GREY}{'━' * (self.width - filled)}{_RESET} "

    def _seconds_per_step(self, current: int, now: float) -> float:
        # The first step is not like the others: it compiles.
        if self._after_first is not None and current > 1:
            return (now - self._after_first) / (current - 1)
        return (now - self._start) / max(current, 1)

    def _metrics(self) -> str:
        text = ""
        for name, (total, count) in self._sums.items():
            mean = float(np.mean(total)) / count
            text += f" - {name}: {mean:.4f}" if abs(mean) > 1e-3 else f" - {name}: {mean:.4e}"
        return text


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest}s"


def _short(seconds: float) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    return f"{seconds * 1e3:.0f}ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us"
