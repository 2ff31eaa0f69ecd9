"""What the engine makes of a step, for people."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


def show(executable: Any, print_fn: Callable[[str], Any]) -> None:
    """Prints the graph as it was traced, and after each pass that changed it."""
    for name, dump in executable.dump_passes():
        title = "as traced" if name == "trace" else f"after: {name}"
        print_fn(f"# {title}\n{dump}")


def draw(who: str, executable: Any, to_file: str | os.PathLike[str]) -> None:
    """Writes the graph after all passes as a picture, or as Graphviz's text for `.dot`.

    Raises:
        ValueError: the file name has no ending that says what to write.
        ImportError: pydot or Graphviz is missing.
    """
    path = os.fspath(to_file)
    kind = os.path.splitext(path)[1][1:].lower()
    if not kind:
        raise ValueError(
            f"{who}: expected to_file with an ending such as .svg, .png or .dot; received {path!r}"
        )
    text = executable.dot()
    if kind == "dot":
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return
    try:
        import pydot

        graphs = pydot.graph_from_dot_data(text) or []
        graphs[0].write(path, format=kind)
    except (ImportError, FileNotFoundError) as error:
        raise ImportError(
            f"{who}: expected pydot (`pip install 'pynn[plot]'`) and Graphviz "
            f"(https://graphviz.org/download) to draw {path!r}; received {error}. "
            "A name that ends in .dot needs neither"
        ) from error
