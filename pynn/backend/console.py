"""Where progress is told: on the screen, or in the log of the program."""

from __future__ import annotations

import sys

_is_interactive = True


def enable_interactive_logging() -> None:
    """Write progress to standard output; so it is from the start.

    >>> enable_interactive_logging()
    >>> is_interactive_logging_enabled()
    True
    """
    global _is_interactive
    _is_interactive = True


def disable_interactive_logging() -> None:
    """Give progress to the logger "pynn" (level INFO) instead of standard output.

    For servers and batch jobs: one line per epoch, which the program's own logging filters.

    >>> disable_interactive_logging()
    >>> is_interactive_logging_enabled()
    False
    >>> enable_interactive_logging()
    """
    global _is_interactive
    _is_interactive = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress goes to standard output.

    >>> is_interactive_logging_enabled()
    True
    """
    return _is_interactive


def is_terminal() -> bool:
    """Whether a line on standard output can be rewritten in place.

    >>> isinstance(is_terminal(), bool)
    True
    """
    return _is_interactive and bool(getattr(sys.stdout, "isatty", lambda: False)())


def tell(text: str) -> None:
    """Writes progress to where it is wanted, at once.

    >>> tell("epoch 1")
    epoch 1
    """
    if not _is_interactive:
        import logging  # late: `import pynn` does not need it

        logging.getLogger("pynn").info("%s", text.strip())
        return
    sys.stdout.write(text)
    sys.stdout.flush()
