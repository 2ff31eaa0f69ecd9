"""Steps: Python functions of one batch, traced once per kind of batch, replayed in the engine."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pynn import _core, tree
from pynn.tracing import collected_host_functions, warn_about_values
from pynn.training.data import Arrays, traced_dtype
from pynn.training.feed import Piece
from pynn.training.logs import MetricResults
from pynn.training.progress import REFRESH_SECONDS

# Two batch sizes each for training, validation and prediction, and some to spare.
_MAX_EXECUTABLES = 16
# Traces do not nest, and a second thread would only do the same work again.
tracing_lock = threading.RLock()


class CompiledStep:
    """An executable, and how to read its outputs."""

    def __init__(self, executable: Any, result: Any, outputs: list[Any], references: Any) -> None:
        self.executable = executable
        self.output_specs = [(tuple(t.shape), t.dtype) for t in outputs]
        self.is_single = result is _SINGLE
        # The metrics' results can be had from their variables: see `MetricResults`.
        self.returns_metrics = result is None
        self._structure = result
        self._references = references

    def unpack(self, outputs: list[Any]) -> Any:
        """Returns the outputs in the structure that the Python function returned."""
        if self.is_single:
            return outputs[0]
        return tree.pack_sequence_as(self._structure, outputs)


_SINGLE = object()


def trace(function: Callable[[Any], Any], arrays: Arrays, batch_size: int, references: Any) -> Any:
    """Runs `function` once on symbolic tensors and returns it as a `CompiledStep`.

    Raises:
        _core.TraceError: if the function looks at values.
    """
    with _core.Trace() as tracer, collected_host_functions() as host_functions:
        references = (references, host_functions)
        inputs = [
            tracer.input((batch_size, *leaf.shape[1:]), traced_dtype(leaf.dtype))
            for leaf in arrays.leaves
        ]
        result = function(arrays.pack(inputs))
        if isinstance(result, MetricResults):
            return CompiledStep(tracer.finish([]), None, [], references)
        if not tree.is_nested(result):
            outputs = [_core.tensor(result)]
            return CompiledStep(tracer.finish(outputs), _SINGLE, outputs, references)
        outputs = [_core.tensor(leaf) for leaf in tree.flatten(result)]
        # Only the nesting is kept: the traced tensors mean nothing after the trace.
        shape = tree.map_structure(lambda _: None, result)
        return CompiledStep(tracer.finish(outputs), shape, outputs, references)


class StepCache:
    """The compiled steps of a model: the most recently used ones, for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._steps: OrderedDict[Any, CompiledStep] = OrderedDict()

    def get(self, key: Any) -> CompiledStep | None:
        """Returns the step for `key`, or `None`."""
        with self._lock:
            step = self._steps.get(key)
            if step is not None:
                self._steps.move_to_end(key)
            return step

    def latest(self, phase: str) -> CompiledStep | None:
        """Returns the step of a phase that was used last, or `None`."""
        with self._lock:
            found = [step for key, step in self._steps.items() if key[0] == phase]
            return found[-1] if found else None

    def put(self, key: Any, step: CompiledStep) -> None:
        """Adds a step; the one unused for longest makes room."""
        with self._lock:
            self._steps[key] = step
            while len(self._steps) > _MAX_EXECUTABLES:
                self._steps.popitem(last=False)

    def __len__(self) -> int:
        return len(self._steps)

    def __deepcopy__(self, memo: dict[int, Any]) -> StepCache:
        return StepCache()

    def __reduce__(self) -> Any:
        return StepCache, ()


class Step:
    """Training, evaluation or prediction of one model, batch by batch.

    Args:
        model: the model.
        phase: "train", "test" or "predict".
    """

    def __init__(self, model: Any, phase: str) -> None:
        self.phase = phase
        self._model = model
        self._function = getattr(model, f"{phase}_step")
        self.result: Any = None  # what the function returned for the last batch, if not metrics
        self.returns_metrics = False
        # A scalar variable: `run` returns after the batch that leaves it not finite.
        self.watched: Any = None

    def run(
        self,
        piece: Piece,
        done: int,
        limit: int,
        collect: list[np.ndarray] | None = None,
    ) -> int:
        """Runs up to `limit` batches of `piece` after the first `done`; returns how many.

        The engine comes back when it is time to refresh the progress line: Python then also
        looks at signals, such as Ctrl-C. A learning rate that is a function is called before
        every batch.
        """
        step = self.compiled(piece.arrays, piece.batch_size)
        if step is None:
            self._run_eagerly(piece, done)
            return 1
        if self.phase == "train" and getattr(self._model.optimizer, "has_callable_rate", False):
            self._model.optimizer.call_rate()
            limit = 1
        begin = piece.begin_row + done * piece.batch_size
        names = piece.arrays.names if self.phase == "train" else None
        count, outputs = step.executable.run_batches(
            piece.arrays.leaves,
            piece.order,
            piece.batch_size,
            begin,
            limit,
            REFRESH_SECONDS,
            collect,
            names,
            self.watched,
        )
        self.returns_metrics = step.returns_metrics
        if collect is None:
            self.result = None if step.returns_metrics else step.unpack(outputs)
        return count

    def _call(self, data: Any) -> Any:
        """Calls the Python function; logs must be a dict, and `None` stands for an empty one."""
        result = self._function(data)
        if result is None:
            return {}
        if self.phase != "predict" and not isinstance(result, dict):
            raise TypeError(
                f"pynn.Model.{self.phase}_step: expected a dict of logs to be returned; "
                f"received {result!r} of type {type(result).__name__}"
            )
        return result

    def compiled(self, arrays: Arrays, batch_size: int) -> CompiledStep | None:
        """Returns the compiled step for batches like these, or `None` if it runs eagerly."""
        state = self._model._trainer_state
        if self._runs_eagerly(state):
            return None
        key = (self.phase, batch_size, arrays.key, state.signature(self._model, self.phase))
        step = state.steps.get(key)
        if step is None:
            with tracing_lock:
                step = state.steps.get(key) or self._trace(key, arrays, batch_size)
        return step

    def _runs_eagerly(self, state: Any) -> bool:
        return self._model.run_eagerly or self.phase in state.eager_phases

    def _trace(self, key: Any, arrays: Arrays, batch_size: int) -> CompiledStep | None:
        state = self._model._trainer_state
        if self._extend_optimizer():
            key = (*key[:-1], state.signature(self._model, self.phase))
        try:
            step = trace(self._call, arrays, batch_size, state.references())
        except _core.TraceError as error:
            state.eager_phases.add(self.phase)
            warn_about_values(
                error,
                state.warned_places,
                f"the {self.phase} step of model {self._model.name!r}",
                "pass run_eagerly=True to compile()",
            )
            return None
        finally:
            # Losses added while tracing are symbolic; nobody can use them afterwards.
            self._model._clear_losses()
            # Layers may have made metrics while they were built.
            state.layers.forget()
        state.steps.put(key, step)
        return step

    def _extend_optimizer(self) -> bool:
        """Gives the optimizer state for all trainable weights; says whether that may change it."""
        if self.phase != "train" or self._model.optimizer is None:
            return False
        self._model.optimizer.extend(self._model.trainable_variables)
        return True

    def _run_eagerly(self, piece: Piece, done: int) -> None:
        begin = piece.begin_row + done * piece.batch_size
        rows: Any = slice(begin, begin + piece.batch_size)
        if piece.order is not None:
            rows = piece.order[rows]
        batch = [leaf[rows] for leaf in piece.arrays.leaves]
        if self.phase == "train":
            _check_nan(batch, piece.arrays.names, rows)
        self._extend_optimizer()
        tensors = [_core.tensor(leaf, traced_dtype(leaf.dtype)) for leaf in batch]
        with _all_or_nothing(self._model):
            result = self._call(piece.arrays.pack(tensors))
        self.returns_metrics = isinstance(result, MetricResults)
        self.result = result

    def logs(self) -> Any:
        """Returns what the last batch returned: the metrics so far, unless overridden."""
        if self.phase == "predict":
            return {"outputs": self.result}
        return self._model.get_metrics_result() if self.returns_metrics else self.result

    def loss_variable(self) -> Any:
        """Returns a variable that is not finite if the loss in `logs` is not, or `None`."""
        tracker = self._model._loss_tracker
        return tracker.total if self.returns_metrics and tracker is not None else None


def run_once(step: Step, arrays: Arrays) -> Any:
    """Runs one batch and returns its result; for `predict` of a few rows."""
    compiled = step.compiled(arrays, arrays.num_rows)
    if compiled is None:
        step.run(Piece(arrays, None, arrays.num_rows, 0, 1), 0, 1)
        return step.result
    return compiled.unpack(compiled.executable.run(arrays.leaves))


@contextlib.contextmanager
def _all_or_nothing(model: Any) -> Iterator[None]:
    """A step that ends half-way (out of memory, interrupted, an error) leaves all variables alone.

    Compiled steps have all their memory before they begin, and are not interrupted.
    """
    variables = [*model.variables, *(v for metric in model.metrics for v in metric.variables)]
    if model.optimizer is not None:
        variables += model.optimizer.variables
    before = [variable.value for variable in variables]
    try:
        yield
    except BaseException:
        for variable, value in zip(variables, before, strict=True):
            variable.assign(value)
        raise


def _check_nan(batch: list[np.ndarray], names: list[str], rows: Any) -> None:
    """The same check, with the same message, as the engine's."""
    for leaf, name in zip(batch, names, strict=True):
        if leaf.dtype.kind != "f":
            continue
        bad = np.isnan(leaf).reshape(leaf.shape[0], -1).any(axis=1)
        if bad.any():
            index = int(np.argmax(bad))
            row = rows.start + index if isinstance(rows, slice) else int(rows[index])
            raise ValueError(f"pynn.fit: expected {name} without NaN; received NaN in row {row}")
