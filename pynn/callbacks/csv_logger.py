"""Writes the metrics of every epoch into a file of comma-separated values."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Iterable
from typing import IO, Any

import numpy as np

from pynn.callbacks.callback import Callback


class CSVLogger(Callback):
    """Writes a line per epoch: its number (counted from 0), then the metrics in order of names.

    The first epoch says which columns there are. If it had no validation, a later one may have:
    every metric gets a column for its validation as well. What an epoch lacks is written as `NA`,
    a metric of several values as `"[a, b]"`.

    Args:
        filename: path of the file.
        separator: the character between values.
        append: continue a file that is there, instead of writing it anew.

    Raises:
        TypeError: for a separator that is not one character.
        OSError: when training begins, if the file cannot be written.

    >>> import pynn
    >>> model = pynn.Sequential([pynn.Input((2,)), pynn.layers.Dense(1, "linear", False, "zeros")])
    >>> model.compile(pynn.optimizers.SGD(0.0), "mse")
    >>> log = pynn.callbacks.CSVLogger("log.csv")
    >>> _ = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, callbacks=[log], verbose=0)
    >>> with open("log.csv") as file:
    ...     file.read().splitlines()
    ['epoch,loss,val_loss', '0,1.0,NA', '1,1.0,NA']
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        if not isinstance(separator, str) or len(separator) != 1:
            raise TypeError(
                "pynn.callbacks.CSVLogger: expected separator to be one character; "
                f"received {separator!r}"
            )
        self.sep = separator
        self.filename = os.fspath(filename)
        self.append = append
        self.append_header = True
        self.keys: list[str] | None = None
        self.writer: csv.DictWriter[str] | None = None
        self.csv_file: IO[str] | None = None
        self._columns_there: list[str] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Opens the file."""
        self._close()
        self._columns_there = self._read_columns() if self.append else []
        self.append_header = not self._columns_there
        mode = "a" if self.append else "w"
        self.csv_file = open(self.filename, mode, newline="", encoding="utf-8")  # noqa: SIM115
        self.keys = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes a line."""
        logs = logs or {}
        assert self.csv_file is not None
        if self.keys is None or self.writer is None:
            self.keys = _columns(logs)
            self.writer = self._start_table(["epoch", *self.keys])
        values = {key: _as_text(logs.get(key, "NA")) for key in self.keys}
        self.writer.writerow({"epoch": epoch, **values})
        self.csv_file.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the file."""
        self._close()

    def _start_table(self, columns: list[str]) -> csv.DictWriter[str]:
        assert self.csv_file is not None
        writer = csv.DictWriter(self.csv_file, columns, delimiter=self.sep)
        if self.append_header:
            writer.writeheader()
        elif self._columns_there != columns:
            warnings.warn(
                f"pynn.callbacks.CSVLogger: expected the columns {self._columns_there} of "
                f"{self.filename!r}; received {columns}, which are appended as they are",
                stacklevel=3,
            )
        return writer

    def _read_columns(self) -> list[str]:
        if not os.path.exists(self.filename):
            return []
        with open(self.filename, newline="", encoding="utf-8") as file:
            return next(csv.reader(file, delimiter=self.sep), [])

    def _close(self) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
        self.csv_file = None
        self.writer = None


def _columns(logs: dict[str, Any]) -> list[str]:
    names = sorted(logs)
    if any(name.startswith("val_") for name in names):
        return names
    return names + [f"val_{name}" for name in names]


def _as_text(value: Any) -> Any:
    if isinstance(value, str) or np.ndim(value) == 0 or not isinstance(value, Iterable):
        return value
    return f'"[{", ".join(map(str, value))}]"'
