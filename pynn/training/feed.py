"""Where batches come from: arrays, or anything that gives batches one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from pynn import _core
from pynn.backend.run_limits import limited_steps
from pynn.random import draw_seed
from pynn.training.data import (
    Arrays,
    class_weight_to_sample_weight,
    make_arrays,
    unpack_x_y_sample_weight,
)

DEFAULT_BATCH_SIZE = 32
_END = object()  # of the data: a source may well give None, which is a mistake


class Piece(NamedTuple):
    """Some batches of one size that an executable can run without Python in between.

    Batch i takes the rows `order[begin_row + i * batch_size:][:batch_size]` of each array
    (`order` `None`: those rows themselves).
    """

    arrays: Arrays
    order: np.ndarray | None
    batch_size: int
    begin_row: int
    num_batches: int


class ArrayFeed:
    """Batches of arrays, in order or shuffled.

    Args:
        arrays: the data set.
        batch_size: rows per batch; the last one may be shorter.
        shuffle: `True` a new order of rows in every pass, "batch" a new order of batches.
        steps: batches per epoch; `None` means one pass. Fewer than a pass: the next epoch goes on
            where this one ended.
    """

    def __init__(
        self,
        arrays: Arrays,
        batch_size: int | None,
        shuffle: bool | str = False,
        steps: int | None = None,
    ) -> None:
        self.arrays = arrays
        self.batch_size = min(batch_size or DEFAULT_BATCH_SIZE, arrays.num_rows)
        self._shuffle = shuffle
        self._batches_per_pass = -(-arrays.num_rows // self.batch_size)
        self.num_batches = steps or self._batches_per_pass
        self._position = 0  # batches of the current pass that are done
        self._order: np.ndarray | None = None

    def set_steps(self, steps: int) -> None:
        """Lets every epoch have so many batches."""
        self.num_batches = steps

    def first_batch(self) -> Arrays:
        """The arrays, of which only shapes and dtypes matter."""
        return self.arrays

    def restart(self) -> None:
        """Lets the next epoch begin with the first row: every evaluation sees the same rows."""
        self._position = 0

    @property
    def is_one_pass(self) -> bool:
        """Whether an epoch is every row once, in order."""
        return self.num_batches == self._batches_per_pass and not self._shuffle

    def epoch(self) -> Iterator[Piece]:
        """Yields the pieces of one epoch."""
        wanted = self.num_batches
        while wanted > 0:
            if self._position == 0:
                self._order = None  # before there is another one: it may be as long as the data
                self._order = self._new_order()
            count = min(wanted, self._batches_per_pass - self._position)
            yield from self._pieces(self._position, count)
            self._position = (self._position + count) % self._batches_per_pass
            wanted -= count

    def _pieces(self, first: int, count: int) -> Iterator[Piece]:
        size, num_rows = self.batch_size, self.arrays.num_rows
        full = num_rows // size
        num_full = max(0, min(first + count, full) - first)
        if num_full:
            yield Piece(self.arrays, self._order, size, first * size, num_full)
        if first + count > full:
            yield Piece(self.arrays, self._order, num_rows - full * size, full * size, 1)

    def _new_order(self) -> np.ndarray | None:
        if not self._shuffle:
            return None
        first, second = draw_seed(None).numpy().tolist()
        num_rows, size = self.arrays.num_rows, self.batch_size
        if self._shuffle != "batch":
            return _core.permutation((first, second), num_rows)
        full = num_rows // size
        blocks = np.arange(full * size, dtype=np.int64).reshape(full, size)
        blocks = blocks[_core.permutation((first, second), full)]
        return np.concatenate([blocks.reshape(-1), np.arange(full * size, num_rows)])


class BatchFeed:
    """Batches from an iterable, a generator, or an object with `__len__` and `__getitem__`.

    Args:
        who: the method, for messages.
        source: gives `x`, `(x, y)` or `(x, y, sample_weight)` per batch.
        steps: batches per epoch; `None` means until the source ends.
        shuffle: a new order of batches in every pass, for a source with `__getitem__`.
        class_weight: weights of classes, by class number.
    """

    def __init__(
        self,
        who: str,
        source: Any,
        steps: int | None = None,
        shuffle: bool | str = False,
        class_weight: dict[int, float] | None = None,
    ) -> None:
        self._who = who
        self._source = source
        self._shuffle = shuffle
        self._class_weight = class_weight
        self._indexed = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        length = len(source) if hasattr(source, "__len__") else None
        self.num_batches = steps or length
        self._steps = steps
        self._iterator: Iterator[Any] | None = None
        self._waiting: list[Arrays] = []
        self._started = False

    @property
    def batch_size(self) -> int:
        """Rows of the first batch; others may differ."""
        return self.first_batch().num_rows

    def set_steps(self, steps: int) -> None:
        """Lets every epoch have so many batches."""
        self.num_batches = self._steps = steps

    def first_batch(self) -> Arrays:
        """Looks at the first batch without using it up."""
        if not self._waiting:
            self._waiting.append(self._next(needed=True))
        return self._waiting[0]

    def restart(self) -> None:
        """Lets the next epoch begin with the first batch, if the source can start again."""
        if self._can_restart() and self._started:
            self._waiting.clear()
            self._end_pass()

    def epoch(self) -> Iterator[Piece]:
        """Yields one piece per batch.

        Raises:
            ValueError: if the source ends before the epoch does.
        """
        seen, self._started = 0, True
        while self._steps is None or seen < self._steps:
            batch = self._waiting.pop() if self._waiting else self._next(needed=seen == 0)
            if batch is None:
                break
            yield Piece(batch, None, batch.num_rows, 0, 1)
            seen += 1
        else:
            return
        if self._steps is not None:
            raise ValueError(
                f"{self._who}: expected {self._steps} batches per epoch; "
                f"received {seen} before the data ended"
            )
        self._end_pass()

    def _end_pass(self) -> None:
        self._iterator, self._started = None, False
        if hasattr(self._source, "on_epoch_end"):
            self._source.on_epoch_end()

    def _next(self, needed: bool) -> Any:
        """Returns the next batch, or `None` at the end; starts again where that is possible."""
        if self._iterator is None:
            self._iterator = self._start()
        batch = next(self._iterator, _END)
        if batch is _END and self._steps is not None and self._can_restart():
            self._end_pass()
            self._iterator = self._start()
            batch = next(self._iterator, _END)
        if batch is _END and needed:
            raise ValueError(
                f"{self._who}: expected batches; received none from {type(self._source).__name__}. "
                "A generator can be gone through only once: pass steps_per_epoch, or something "
                "that can be iterated again"
            )
        return None if batch is _END else self._as_arrays(batch)

    def _can_restart(self) -> bool:
        return self._indexed or not hasattr(self._source, "__next__")

    def _start(self) -> Iterator[Any]:
        if not self._indexed:
            return iter(self._source)
        order = range(len(self._source))
        if self._shuffle:
            first, second = draw_seed(None).numpy().tolist()
            order = _core.permutation((first, second), len(order)).tolist()
        return (self._source[i] for i in order)

    def _as_arrays(self, batch: Any) -> Arrays:
        if batch is None:
            raise ValueError(
                f"{self._who}: expected batches x, (x, y) or (x, y, sample_weight); "
                f"received None from {type(self._source).__name__}"
            )
        x, y, sample_weight = unpack_x_y_sample_weight(batch)
        if self._class_weight is not None and sample_weight is None:
            sample_weight = class_weight_to_sample_weight(self._who, y, self._class_weight)
        return make_arrays(self._who, x, y, sample_weight)


Feed = ArrayFeed | BatchFeed


def make_feed(
    who: str,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    shuffle: bool | str = False,
    steps: int | None = None,
    class_weight: dict[int, float] | None = None,
) -> Feed:
    """Returns the feed for what a user passed to `fit`, `evaluate` or `predict`.

    Raises:
        ValueError: for bad settings or data; see `make_arrays`.
    """
    for name, value in (("batch_size", batch_size), ("steps", steps)):
        is_int = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if value is not None and (not is_int or value < 1):
            raise ValueError(f"{who}: expected {name} to be a positive int; received {value!r}")
    if class_weight is not None and sample_weight is not None:
        raise ValueError(
            f"{who}: expected class_weight or sample_weight; received both. "
            "Multiply the weights of the classes into sample_weight"
        )
    if gives_batches(x):
        if y is not None or sample_weight is not None:
            raise ValueError(
                f"{who}: expected targets and weights inside the batches of "
                f"{type(x).__name__}; received y or sample_weight as well"
            )
        return _limited(BatchFeed(who, x, steps, shuffle, class_weight))
    if class_weight is not None:
        sample_weight = class_weight_to_sample_weight(who, y, class_weight)
    return _limited(ArrayFeed(make_arrays(who, x, y, sample_weight), batch_size, shuffle, steps))


def _limited(feed: Feed) -> Feed:
    """Lets an epoch have no more steps than `pynn.config.set_max_steps_per_epoch` allows."""
    steps = limited_steps(feed.num_batches)
    if steps is not None and steps != feed.num_batches:
        feed.set_steps(steps)
    return feed


def gives_batches(x: Any) -> bool:
    """Whether `x` is a source of batches, as opposed to arrays."""
    if isinstance(x, np.ndarray | dict | list | tuple | str | bytes):
        return False
    if hasattr(x, "shape") or hasattr(x, "__array__") or hasattr(x, "__dlpack__"):
        return False
    return hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))
