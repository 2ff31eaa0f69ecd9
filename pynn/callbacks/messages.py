"""What callbacks say while a model trains."""

from __future__ import annotations

import sys


def tell(text: str, *, below_progress: bool = False) -> None:
    """Writes a line to the standard output.

    Args:
        text: the line.
        below_progress: whether a progress line may be under way; on a terminal, where it is being
            rewritten in place, the text then starts on a line of its own.

    >>> tell("Epoch 3: done")
    Epoch 3: done
    """
    out = sys.stdout
    is_terminal = bool(getattr(out, "isatty", lambda: False)())
    start = "\n" if below_progress and is_terminal else ""
    out.write(f"{start}{text}\n")
    out.flush()
