"""One line that says how far the work is."""

from __future__ import annotations

import time
from typing import Any

from pynn.backend.console import is_terminal, tell

# Faster than the eye can follow; the engine comes back to Python as often.
REFRESH_SECONDS = 0.1
_WIDTH = 20
_BOLD, _GREEN, _GREY, _RESET = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"


class ProgressLine:
    """A line rewritten in place on a terminal, or written once at the end.

    Args:
        verbose: 0 nothing, 1 in place where that is possible, 2 one plain line.
        target: how many steps there are; `None` if unknown.
        title: "Epoch 1/5", or nothing.

    >>> line = ProgressLine(verbose=0, target=3)
    >>> line.finish(3, {"loss": 0.5})
    """

    def __init__(self, verbose: int, target: int | None, title: str = "") -> None:
        self._target = target
        self._title = title
        self._verbose = verbose
        self._in_place = verbose == 1 and is_terminal()
        self._start = time.perf_counter()
        self._last_shown = 0.0
        self._width = 0
        if self._in_place and title:
            tell(title + "\n")

    def is_due(self) -> bool:
        """Whether `update` would show something."""
        return self._in_place and time.perf_counter() - self._last_shown >= REFRESH_SECONDS

    def update(self, seen: int, logs: dict[str, Any] | None) -> None:
        """Rewrites the line: `seen` steps are done."""
        self._last_shown = time.perf_counter()
        elapsed = self._last_shown - self._start
        per_step = elapsed / max(seen, 1)
        if self._target:
            clock = _duration(per_step * max(self._target - seen, 0))
        else:
            clock = _duration(elapsed)
        self._show(seen, clock, per_step, logs)

    def finish(self, seen: int, logs: dict[str, Any] | None) -> None:
        """Writes the line for the last time: `seen` steps were done."""
        if not self._verbose:
            return
        elapsed = time.perf_counter() - self._start
        per_step = elapsed / max(seen, 1)
        if self._in_place:
            self._show(seen, _duration(elapsed), per_step, logs)
            tell("\n")
            return
        title = f"{self._title} - " if self._title else ""
        count = f"{seen}/{self._target or seen}"
        timing = f"{_duration(elapsed)} {_step_time(per_step)}"
        tell(f"{title}{count} - {timing}{_metrics(logs)}\n")

    def _show(self, seen: int, clock: str, per_step: float, logs: dict[str, Any] | None) -> None:
        tail = f" {_step_time(per_step)}{_metrics(logs)}"
        if self._target:
            count = f"{seen:>{len(str(self._target))}}/{self._target}"
            filled = min(_WIDTH, _WIDTH * seen // self._target)
            bar = f"{_GREEN}{'━' * filled}{_GREY}{'━' * (_WIDTH - filled)}{_RESET}"
            visible = len(count) + 1 + _WIDTH + 1 + len(clock) + len(tail)
            text = f"{_BOLD}{count}{_RESET} {bar} {_BOLD}{clock}{_RESET}{tail}"
        else:
            count = f"{seen}/Unknown"
            visible = len(count) + 1 + len(clock) + len(tail)
            text = f"{_BOLD}{count}{_RESET} {_BOLD}{clock}{_RESET}{tail}"
        # Blanks cover what an earlier, longer text left behind.
        tell(f"\r{text}{' ' * (self._width - visible)}")
        self._width = visible


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest}s"


def _step_time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}/step"
    return f"{seconds * 1e6:.0f}us/step"


def _metrics(logs: dict[str, Any] | None) -> str:
    text = ""
    for name, value in (logs or {}).items():
        if isinstance(value, int | float):
            shown = f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"
        else:
            shown = str(value)
        text += f" - {name}: {shown}"
    return text
