"""The idx format of MNIST: two zero bytes, a type byte, the rank, big-endian sizes, the data.

Source: "THE MNIST DATABASE of handwritten digits", section "file formats".
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import gzip

_UINT8 = 8


def read_idx(path: Path) -> np.ndarray:
    """Read a gzip-compressed idx file of bytes.

    Returns:
        A writable uint8 array of the shape that the file states.

    Raises:
        ValueError: a file that is not idx, of another type, or shorter or longer than it states.
    """
    import gzip  # late: `import pynn` does not need it

    try:
        with gzip.open(path) as stream:
            zero, kind, rank = int.from_bytes(stream.read(2), "big"), *stream.read(2)
            if zero != 0 or kind != _UINT8:
                raise ValueError(f"unknown header {zero:04x} {kind:02x}")
            shape = tuple(int(n) for n in np.frombuffer(stream.read(4 * rank), ">u4", rank))
            return _read_bytes(stream, shape)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(
            f"pynn.datasets: expected an idx file of bytes; received {path}: {error}"
        ) from error


def _read_bytes(stream: gzip.GzipFile, shape: tuple[int, ...]) -> np.ndarray:
    # The sizes come from the file: the data must be there before memory is set aside for them.
    data = bytearray(stream.read(math.prod(shape) + 1))
    if len(data) != math.prod(shape):
        raise ValueError(f"expected {math.prod(shape)} bytes of data for shape {shape}")
    return np.frombuffer(data, np.uint8).reshape(shape)
