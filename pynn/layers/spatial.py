"""What layers on sequences, images and volumes share: arguments per axis, and where the axes are.

Such an input has a batch axis, one to three spatial axes, and an axis of channels, which is the
last one or, with `data_format="channels_first"`, the second.
"""

from __future__ import annotations

from typing import Any

from pynn.backend.config import standardize_data_format
from pynn.layers.input_spec import InputSpec
from pynn.layers.reshaping import SameDType

Pair = tuple[int, int]


class Spatial(SameDType):
    """Base of layers that change the sizes of the spatial axes.

    Subclasses set `_rank`, the number of spatial axes, and write `_resized`.

    Args:
        data_format: "channels_last" or "channels_first"; `pynn.config.image_data_format()` by
            default.
        kwargs: `name`, `trainable`, `dtype`.
    """

    _rank: int

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self._rank + 2)

    @property
    def _first_axis(self) -> int:
        """The first of the spatial axes."""
        return 2 if self.data_format == "channels_first" else 1

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the output shape for an input shape."""
        shape = list(input_shape)
        for i in range(self._rank):
            axis = self._first_axis + i
            if shape[axis] is not None:
                shape[axis] = self._resized(i, shape[axis], input_shape)
        return tuple(shape)

    def _resized(self, i: int, size: int, input_shape: Any) -> int:
        """The size of the i-th spatial axis of the output, where that of the input is `size`."""
        raise NotImplementedError(f"pynn.{type(self).__name__}: expected a _resized() method")


def pair(who: str, argument: str, value: Any) -> Pair:
    """An argument `(before, after)` for one axis; an int stands for both.

    Raises:
        ValueError: it is not that, or a number is negative.
    """
    numbers = (value, value) if _is_count(value) else value
    if not isinstance(numbers, (list, tuple)) or len(numbers) != 2:
        raise _wrong(who, argument, "an integer >= 0 or a pair of them", value)
    if not all(_is_count(n) for n in numbers):
        raise _wrong(who, argument, "an integer >= 0 or a pair of them", value)
    return (int(numbers[0]), int(numbers[1]))


def pairs(who: str, argument: str, value: Any, rank: int) -> tuple[Pair, ...]:
    """An argument with a pair, or an int that stands for both, per spatial axis; an int for all.

    Raises:
        ValueError: it is not that, or a number is negative.
    """
    entries = (value,) * rank if _is_count(value) else value
    if not isinstance(entries, (list, tuple)) or len(entries) != rank:
        raise _wrong(who, argument, f"an integer >= 0, or {rank} of them or of pairs", value)
    return tuple(pair(who, argument, entry) for entry in entries)


def factors(who: str, argument: str, value: Any, rank: int) -> tuple[int, ...]:
    """An argument with a positive integer per spatial axis; an int stands for all.

    Raises:
        ValueError: it is not that.
    """
    entries = (value,) * rank if _is_count(value) else value
    good = isinstance(entries, (list, tuple)) and len(entries) == rank
    if not good or not all(_is_count(n) and n > 0 for n in entries):
        raise _wrong(who, argument, f"a positive integer or {rank} of them", value)
    return tuple(int(n) for n in entries)


def _is_count(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, bool) and int(value) >= 0


def _wrong(who: str, argument: str, expected: str, value: Any) -> ValueError:
    return ValueError(f"pynn.{who}: expected {argument}, {expected}; received {value!r}")
