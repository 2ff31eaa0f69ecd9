"""Event files, which TensorBoard shows, written through the `tensorboard` package."""

from __future__ import annotations

import importlib
import struct
import time
import zlib
from typing import Any

import numpy as np

_SHOWN_IMAGES = 3  # of one weight, as TensorBoard's own image summaries


class EventFile:
    """One event file in a folder.

    Args:
        folder: made if it is not there.

    Raises:
        ImportError: if the `tensorboard` package is not installed.

    >>> EventFile("logs").close()  # doctest: +SKIP
    """

    def __init__(self, folder: str) -> None:
        writer = _tensorboard("summary.writer.event_file_writer")
        self._events = _tensorboard("compat.proto.event_pb2")
        self._summaries = _tensorboard("compat.proto.summary_pb2")
        self._tensors = _tensorboard("util.tensor_util")
        self._writer = writer.EventFileWriter(folder)

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """Writes a number."""
        metadata = _tensorboard("plugins.scalar.metadata").create_summary_metadata("", "")
        self._add(tag, np.float32(value), metadata, step)

    def histogram(self, tag: str, values: np.ndarray, step: int) -> None:
        """Writes how the elements of an array are distributed."""
        summary = _tensorboard("plugins.histogram.summary_v2").histogram_pb(tag, values)
        self._write(summary, step)

    def image(self, tag: str, values: np.ndarray, step: int) -> None:
        """Writes arrays (count, height, width) as pictures: 0 is black, 1 is white."""
        metadata = _tensorboard("plugins.image.metadata").create_summary_metadata("", "")
        _, height, width = values.shape
        pictures = [_as_png(one) for one in values[:_SHOWN_IMAGES]]
        parts = [str(width).encode(), str(height).encode(), *pictures]
        self._add(tag, np.array(parts, dtype=object), metadata, step)

    def model(self, config: str) -> None:
        """Writes the config of a model, as JSON, for the page of graphs."""
        metadata = self._summaries.SummaryMetadata()
        metadata.plugin_data.plugin_name = "graph_keras_model"
        metadata.plugin_data.content = b"1"
        self._add("keras", np.array(config.encode(), dtype=object), metadata, 0)

    def flush(self) -> None:
        """Sees to it that all is in the file."""
        self._writer.flush()

    def close(self) -> None:
        """Ends the file."""
        self._writer.close()

    def _add(self, tag: str, value: Any, metadata: Any, step: int) -> None:
        summary = self._summaries.Summary()
        tensor = self._tensors.make_tensor_proto(value)
        summary.value.add(tag=tag, metadata=metadata, tensor=tensor)
        self._write(summary, step)

    def _write(self, summary: Any, step: int) -> None:
        event = self._events.Event(wall_time=time.time(), step=step, summary=summary)
        self._writer.add_event(event)


def _tensorboard(module: str) -> Any:
    try:
        return importlib.import_module(f"tensorboard.{module}")
    except ImportError as error:
        raise ImportError(
            "pynn.callbacks.TensorBoard: expected the package tensorboard; received an error when "
            'it was imported. Install it with pip install "pynn[tensorboard]"'
        ) from error


def _as_png(values: np.ndarray) -> bytes:
    """Encodes an array (height, width) in grey; the PNG specification, 3rd edition, section 11."""
    height, width = values.shape
    levels = (np.clip(values, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    rows = np.pad(levels, ((0, 0), (1, 0)))  # every row begins with its filter: none

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes()))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")
