"""Print version, instruction set, threads, OpenMP runtime and compiler."""

from __future__ import annotations

import argparse

from pynn.config import show_config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`info` takes no arguments."""
    del parser


def run(options: argparse.Namespace) -> int:
    """Print the report."""
    del options
    show_config()
    return 0
