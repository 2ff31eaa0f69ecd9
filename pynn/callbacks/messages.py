"""What callbacks say while a model trains."""

from __future__ import annotations

from pynn.backend import console


def tell(text: str, *, below_progress: bool = False) -> None:
    """Writes a line to where progress goes: the standard output, or the log.

    Args:
        text: the line.
        below_progress: whether a progress line may be under way; on a terminal, where it is being
            rewritten in place, the text then starts on a line of its own.

    >>> tell("Epoch 3: done")
    Epoch 3: done
    """
    start = "\n" if below_progress and console.is_terminal() else ""
    console.tell(f"{start}{text}\n")
