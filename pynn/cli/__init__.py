"""The command line: `python -m pynn demo` and `python -m pynn info`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pynn.cli import demo, info

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status.

    Args:
        arguments: the words after `python -m pynn`; those of the process when None.
    """
    parser = argparse.ArgumentParser(
        prog="python -m pynn", description="A small, fast engine for neural networks on CPUs."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for command in (demo, info):
        name = command.__name__.rpartition(".")[2]
        summary = (command.__doc__ or "").partition("\n")[0]
        subparser = commands.add_parser(name, help=summary, description=summary)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    options = parser.parse_args(arguments)
    status: int = options.run(options)
    return status
