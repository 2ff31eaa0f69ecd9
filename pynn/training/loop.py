"""The loops of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pynn import _core, tree
from pynn.backend.dtypes import numpy_dtype
from pynn.training.data import Arrays, traced_dtype, unpack_x_y_sample_weight
from pynn.training.feed import ArrayFeed, BatchFeed, Feed, Piece
from pynn.training.logs import pythonify_logs
from pynn.training.steps import Step, run_once, tracing_lock


def prepare(model: Any, arrays: Arrays, batch_size: int, phase: str) -> None:
    """Makes what a step needs before it can be traced: weights, losses and metrics.

    Args:
        model: the model.
        arrays: data of the kind that will come.
        batch_size: rows per batch.
        phase: "train", "test" or "predict".
    """
    if not _is_prepared(model, phase):
        with tracing_lock:  # of several threads that come at once, one makes everything
            if not _is_prepared(model, phase):
                if phase != "predict" or not all(la.built for la in model._flatten_layers()):
                    _build(model, arrays, batch_size, phase)
                model._trainer_state.layers_are_built = True


def _is_prepared(model: Any, phase: str) -> bool:
    state = model._trainer_state
    has_layers = model.built and state.layers_are_built
    return has_layers and (phase == "predict" or state.has_built_metrics())


def _build(model: Any, arrays: Arrays, batch_size: int, phase: str) -> None:
    """Runs one batch symbolically and drops it; variables that it makes stay."""
    try:
        with _core.Trace() as tracer:
            _build_with(
                model,
                arrays.pack(
                    [
                        tracer.input((batch_size, *leaf.shape[1:]), traced_dtype(leaf.dtype))
                        for leaf in arrays.leaves
                    ]
                ),
                phase,
            )
    except _core.TraceError:
        # The model looks at values: give it some. What this batch does to the metrics is undone.
        tensors = [
            _core.tensor(leaf[:batch_size], traced_dtype(leaf.dtype)) for leaf in arrays.leaves
        ]
        _build_with(model, arrays.pack(tensors), phase)
        model.reset_metrics()
    finally:
        model._clear_losses()
        model._trainer_state.layers.forget()


def _build_with(model: Any, data: tuple[Any, ...], phase: str) -> None:
    x, y, _ = unpack_x_y_sample_weight(data)
    y_pred = model._forward(x, training=False)
    state = model._trainer_state
    if phase == "predict" or y is None:
        return
    if state.metrics is not None and not state.metrics.built:
        state.metrics.build(y, y_pred)
    if state.loss is not None and not state.loss.built:
        state.loss.build(y, y_pred)


def run_batch(model: Any, phase: str, arrays: Arrays) -> Any:
    """Runs one batch by itself and returns its logs or outputs."""
    step = Step(model, phase)
    if phase == "predict":
        return run_once(step, arrays)
    step.run(Piece(arrays, None, arrays.num_rows, 0, 1), 0, 1)
    return step.logs()


class _Executions:
    """The batch methods of callbacks, called around every `stride` batches.

    Args:
        step: what is done with a batch.
        callbacks: those that listen to batches are called.
        stride: batches between two calls; `None` if nobody listens.
        logs: what the callbacks get; the metrics so far by default.

    Attributes:
        seen: batches of the epoch that are done.
    """

    def __init__(
        self, step: Step, callbacks: Any, stride: int | None, logs: Callable[[], Any] | None = None
    ) -> None:
        self._step = step
        self._listeners = callbacks.batch_callbacks(step.phase)
        self._only_want_bad_losses = callbacks.only_want_bad_losses(step.phase)
        self._progress = callbacks.progress
        self._begin_hook = f"on_{step.phase}_batch_begin"
        self._end_hook = f"on_{step.phase}_batch_end"
        self._stride = stride
        self._logs = logs or step.logs
        self.seen = 0

    def limit(self, available: int) -> int:
        """How many of the next `available` batches may run before a call is due."""
        if self._stride is None or self._is_quiet():
            return available
        return min(available, self._stride - self.seen % self._stride)

    def _is_quiet(self) -> bool:
        """Whether no call is due as long as the loss is finite, which the engine looks at."""
        watched = self._step.watched
        return watched is not None and bool(np.isfinite(watched.numpy()))

    def begin(self) -> None:
        """To be called before batches run."""
        if self._stride is not None and self.seen % self._stride == 0:
            for callback in self._listeners:
                getattr(callback, self._begin_hook)(self.seen, logs={})

    def ran(self, count: int) -> bool:
        """Counts batches that have run; says whether it is a moment to stop at."""
        self.seen += count
        if self._progress is not None:
            hook = getattr(self._progress, self._end_hook)
            hook(self.seen - 1, lambda: pythonify_logs(self._logs()))
        if self._only_want_bad_losses:
            self._step.watched = self._step.loss_variable()
        if self._stride is None or self._is_quiet():
            return True
        if self.seen % self._stride:
            return False
        self._call_end_hooks(self.seen - 1)
        return True

    def end(self) -> None:
        """Ends the last execution, which may be a short one.

        The number of its last batch is that of a whole execution, as in Keras.
        """
        if self._stride is not None and self.seen % self._stride and not self._is_quiet():
            self._call_end_hooks(-(-self.seen // self._stride) * self._stride - 1)

    def _call_end_hooks(self, batch: int) -> None:
        logs = pythonify_logs(self._logs())
        for callback in self._listeners:
            getattr(callback, self._end_hook)(batch, logs=logs)


def _run_epoch(
    step: Step,
    feed: Feed,
    executions: _Executions,
    stopped: Callable[[], bool],
    collect: list[np.ndarray] | None = None,
    keep: Callable[[Any], None] | None = None,
) -> None:
    """Runs an epoch.

    Args:
        step: what to do with a batch.
        feed: where the batches come from.
        executions: calls the callbacks.
        stopped: asked after executions, or whenever Python is entered if nobody listens to
            batches; `True` ends the epoch.
        collect: arrays that the engine writes outputs into.
        keep: called with the result of every batch.
    """
    for piece in feed.epoch():
        done = 0
        while done < piece.num_batches:
            limit = executions.limit(piece.num_batches - done)
            executions.begin()
            try:
                count = step.run(piece, done, 1 if keep else limit, collect)
            except (TypeError, ValueError) as error:
                if isinstance(feed, BatchFeed):
                    error.add_note(f"pynn: this was batch {executions.seen} of the epoch")
                raise
            if keep is not None:
                keep(step.result)
            done += count
            if executions.ran(count) and stopped():
                return
    executions.end()


def _stride(model: Any, callbacks: Any, phase: str) -> int | None:
    """How often callbacks that listen to batches are called; `None` if there are none."""
    return model.steps_per_execution if callbacks.batch_callbacks(phase) else None


def fit(
    model: Any,
    feed: Feed,
    validation: Feed | None,
    callbacks: Any,
    epochs: range,
    validation_freq: Any,
) -> Any:
    """Trains for `epochs`; returns the history."""
    step = Step(model, "train")
    model.stop_training = False
    logs: dict[str, Any] = {}
    callbacks.on_train_begin()
    try:
        for epoch in epochs:
            model.reset_metrics()
            callbacks.on_epoch_begin(epoch)
            executions = _Executions(step, callbacks, _stride(model, callbacks, "train"))
            _run_epoch(step, feed, executions, lambda: model.stop_training)
            logs = _epoch_logs(model, step)
            if validation is not None and _validates(epoch, validation_freq):
                results = evaluate(model, validation, callbacks)
                logs.update({f"val_{name}": value for name, value in results.items()})
            callbacks.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
    finally:
        if len(epochs) and model.optimizer is not None:
            model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.on_train_end(logs)
    return model.history


def _epoch_logs(model: Any, step: Step) -> dict[str, Any]:
    """The metrics of the epoch; a step that returns other things has the last word on those."""
    logs = step.logs() or {}
    if not step.returns_metrics:
        results = model.get_metrics_result()
        if set(logs) == set(results):
            logs = results
    return pythonify_logs(logs)


def _validates(epoch: int, validation_freq: Any) -> bool:
    if isinstance(validation_freq, int):
        return (epoch + 1) % validation_freq == 0
    if isinstance(validation_freq, list | tuple | set | range):
        return epoch + 1 in validation_freq
    raise ValueError(
        "pynn.Model.fit: expected validation_freq to be an int or a list of epochs; "
        f"received {validation_freq!r}"
    )


def evaluate(model: Any, feed: Feed, callbacks: Any) -> dict[str, Any]:
    """Returns the metrics over one epoch of `feed`."""
    feed.restart()
    prepare(model, feed.first_batch(), feed.batch_size, "test")
    step = Step(model, "test")
    model.stop_evaluating = False
    callbacks.on_test_begin()
    model.reset_metrics()
    executions = _Executions(step, callbacks, _stride(model, callbacks, "test"))
    _run_epoch(step, feed, executions, lambda: model.stop_evaluating)
    logs = _epoch_logs(model, step)
    callbacks.on_test_end(logs)
    return logs


def predict(model: Any, feed: Feed, callbacks: Any) -> Any:
    """Returns the outputs over one epoch of `feed`, as arrays."""
    step = Step(model, "predict")
    model.stop_predicting = False
    callbacks.on_predict_begin()
    outputs = None
    if not callbacks.batch_callbacks("predict"):
        outputs = _predict_in_place(step, feed, callbacks)
    if outputs is None:
        outputs = _predict_by_batch(model, step, feed, callbacks)
    callbacks.on_predict_end()
    return outputs


def predict_one_batch(model: Any, feed: Feed) -> Any:
    """Returns the outputs of a feed of one batch; `None` for a feed of another kind."""
    if not isinstance(feed, ArrayFeed) or feed.batch_size != feed.arrays.num_rows:
        return None
    outputs = run_once(Step(model, "predict"), feed.arrays)
    if isinstance(outputs, _core.Tensor):
        return np.array(outputs.numpy())
    return tree.map_structure(lambda output: np.array(output), outputs)


def _predict_in_place(step: Step, feed: Feed, callbacks: Any) -> Any:
    """Lets the engine write outputs straight into the result, where each row has its own."""
    if not isinstance(feed, ArrayFeed) or not feed.is_one_pass:
        return None
    compiled = step.compiled(feed.arrays, feed.batch_size)
    if compiled is None:
        return None
    num_rows, size = feed.arrays.num_rows, feed.batch_size
    if any(not shape or shape[0] != size for shape, _ in compiled.output_specs):
        return None
    collected = [
        np.empty((num_rows, *shape[1:]), dtype=numpy_dtype(dtype))
        for shape, dtype in compiled.output_specs
    ]
    executions = _Executions(step, callbacks, None, dict)
    _run_epoch(step, feed, executions, lambda: False, collect=collected)
    return compiled.unpack(collected)


def _predict_by_batch(model: Any, step: Step, feed: Feed, callbacks: Any) -> Any:
    """Keeps the outputs of every batch and joins them at the end."""
    parts: list[Any] = []
    shown = 0  # parts that callbacks have got

    def keep(result: Any) -> None:
        parts.append(tree.map_structure(lambda output: np.array(output), result))

    def logs() -> dict[str, Any]:
        nonlocal shown
        new, shown = parts[shown:], len(parts)
        return {"outputs": _joined(new)}

    executions = _Executions(step, callbacks, _stride(model, callbacks, "predict"), logs)
    _run_epoch(step, feed, executions, lambda: model.stop_predicting, keep=keep)
    return _joined(parts)


def _joined(parts: list[Any]) -> Any:
    if len(parts) == 1:
        return parts[0]
    return tree.map_structure(lambda *arrays: np.concatenate(np.atleast_1d(*arrays)), *parts)
