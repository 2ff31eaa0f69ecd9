"""Writes metrics and weights for TensorBoard."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from pynn.callbacks.callback import BATCH_HOOKS, Callback
from pynn.callbacks.event_files import EventFile
from pynn.callbacks.learning_rates import log_learning_rates


class TensorBoard(Callback):
    """Writes event files for TensorBoard: `tensorboard --logdir logs` shows them.

    Needs the package `tensorboard` (extra `tensorboard`). Metrics of training go to the folder
    `train`, those of the validation to `validation`: `epoch_<metric>` by epoch, `batch_<metric>`
    by batch, and `evaluation_<metric>_vs_iterations` by the steps of the optimizer.

    Args:
        log_dir: the folder.
        histogram_freq: after how many epochs the distributions of the weights are written; 0 for
            never.
        write_graph: write the config of the model (of those that are graphs).
        write_images: write the weights as pictures, too, whenever their distributions are.
        write_steps_per_second: write how fast training is.
        update_freq: "epoch"; "batch" or a number of batches writes the metrics so far as well,
            for which Python is entered after every batch.
        profile_batch: 0; profiles are not available.
        embeddings_freq: after how many epochs the tables of embedding layers (those that have
            `embeddings`) are written, for the projector.
        embeddings_metadata: path of the file with the names of the rows, or a dict of them by the
            name of the layer.

    Raises:
        ValueError: for `profile_batch`, an `update_freq` that is neither a name nor a positive
            number, or, in `fit`, metadata for a layer that is not there.
        ImportError: in `fit`, if `tensorboard` is not installed.

    >>> import pynn
    >>> pynn.callbacks.TensorBoard("logs", update_freq="batch").update_freq
    1
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: int | str = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: str | Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        if profile_batch:
            raise ValueError(
                "pynn.callbacks.TensorBoard: expected profile_batch=0, as profiles are not "
                f"available; received profile_batch={profile_batch!r}"
            )
        if update_freq not in ("epoch", "batch") and not (
            isinstance(update_freq, int) and update_freq > 0
        ):
            raise ValueError(
                "pynn.callbacks.TensorBoard: expected update_freq to be 'epoch', 'batch' or a "
                f"positive number of batches; received {update_freq!r}"
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self._files: dict[str, EventFile] = {}
        self._in_fit = False
        self._num_batches = 0
        self._batch_start = 0.0
        self._epoch_start = 0.0
        self._iterations_before = 0

    @property
    def wants_batches(self) -> bool:
        """Whether it must be called for batches."""
        own = any(getattr(type(self), h) is not getattr(TensorBoard, h) for h in BATCH_HOOKS)
        return own or self.update_freq != "epoch"

    def _file(self, name: str) -> EventFile:
        if name not in self._files:
            self._files[name] = EventFile(os.path.join(self.log_dir, name))
        return self._files[name]

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}

    # ---- training ----------------------------------------------------------------------------

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts new files."""
        self._close()
        self._in_fit = True
        self._num_batches = 0
        if self.write_graph:
            self._write_model()
        if self.embeddings_freq:
            self._check_metadata()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the files."""
        self._in_fit = False
        self._close()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the clock."""
        self._num_batches += 1
        self._batch_start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the metrics of the epoch so far, if it is time to."""
        if self.update_freq == "epoch" or self._num_batches % int(self.update_freq):
            return
        values = dict(logs or {})
        if self.write_steps_per_second:
            values["steps_per_second"] = 1.0 / (time.perf_counter() - self._batch_start)
        self._write_scalars("train", "batch_{}", values, self._num_batches)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the clock."""
        if self.write_steps_per_second:
            self._iterations_before = int(self.model.optimizer.iterations)
            self._epoch_start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes metrics and weights."""
        logs = logs or {}
        training = {name: logs[name] for name in logs if not name.startswith("val_")}
        validation = {name[4:]: logs[name] for name in logs if name.startswith("val_")}
        optimizer = self.model.optimizer
        log_learning_rates(getattr(optimizer, "inner_optimizer", optimizer), training)
        if self.write_steps_per_second:
            steps = int(optimizer.iterations) - self._iterations_before
            training["steps_per_second"] = steps / (time.perf_counter() - self._epoch_start)
        self._write_scalars("train", "epoch_{}", training, epoch)
        self._write_scalars("validation", "epoch_{}", validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings(epoch)

    # ---- evaluation --------------------------------------------------------------------------

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Writes the metrics by the steps of the optimizer."""
        if self.model.optimizer is not None:
            step = int(self.model.optimizer.iterations)
            self._write_scalars("validation", "evaluation_{}_vs_iterations", logs or {}, step)
        if not self._in_fit:
            self._close()

    # ---- what is written -----------------------------------------------------------------------

    def _write_scalars(self, file: str, tag: str, values: Mapping[str, Any], step: int) -> None:
        for name, value in values.items():
            if np.ndim(value) == 0:
                self._file(file).scalar(tag.format(name), value, step)
        if values:
            self._file(file).flush()

    def _write_model(self) -> None:
        if type(self.model).__name__ not in ("Functional", "Sequential"):
            return
        try:
            config = self.model.to_json()
        except (NotImplementedError, TypeError, ValueError) as error:
            warnings.warn(
                "pynn.callbacks.TensorBoard: expected a model with a config; received one without "
                f"({error}), whose graph is not written",
                stacklevel=2,
            )
            return
        self._file("train").model(config)

    def _write_weights(self, epoch: int) -> None:
        file = self._file("train")
        for weight in (weight for layer in self.model.layers for weight in layer.weights):
            name, values = weight.path.replace(":", "_"), np.asarray(weight.numpy(), np.float64)
            file.histogram(f"{name}/histogram", values, epoch)
            pictures = _as_pictures(values)
            if self.write_images and pictures is not None:
                file.image(f"{name}/image", pictures, epoch)
        file.flush()

    def _embeddings(self) -> list[Any]:
        return [layer for layer in self.model.layers if hasattr(layer, "embeddings")]

    def _metadata_of(self, layer: Any) -> str | None:
        given = self.embeddings_metadata
        return given.get(layer.name) if isinstance(given, Mapping) else given

    def _check_metadata(self) -> None:
        if isinstance(self.embeddings_metadata, Mapping):
            names = {layer.name for layer in self._embeddings()}
            unknown = sorted(set(self.embeddings_metadata) - names)
            if unknown:
                raise ValueError(
                    "pynn.callbacks.TensorBoard: expected embeddings_metadata for layers among "
                    f"{sorted(names)}; received {unknown}"
                )

    def _write_embeddings(self, epoch: int) -> None:
        """Writes a table per layer, and the text file that tells the projector about them."""
        os.makedirs(self.log_dir, exist_ok=True)
        entries = []
        for layer in self._embeddings():
            table = f"{layer.name}-{epoch}.tsv"
            np.savetxt(os.path.join(self.log_dir, table), layer.embeddings.numpy(), delimiter="\t")
            entry = [f'tensor_name: "{layer.name}"', f'tensor_path: "{table}"']
            metadata = self._metadata_of(layer)
            entry += [f'metadata_path: "{metadata}"'] if metadata else []
            entries.append("embeddings {\n" + "".join(f"  {line}\n" for line in entry) + "}\n")
        path = os.path.join(self.log_dir, "projector_config.pbtxt")
        with open(path, "w", encoding="utf-8") as file:
            file.write("".join(entries))


def _as_pictures(values: np.ndarray) -> np.ndarray | None:
    """Returns a weight as (count, height, width), wider than high; `None` if it is no picture."""
    values = np.squeeze(values)
    if values.ndim == 1:
        return values[None, None, :]
    if values.ndim == 2:
        return (values.T if values.shape[0] > values.shape[1] else values)[None]
    return np.transpose(values, (2, 0, 1)) if values.ndim == 3 else None
