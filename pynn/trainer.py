"""Training, evaluation and prediction of models."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from pynn import _core, tree
from pynn.backend.run_limits import limited_epochs
from pynn.callbacks import CallbackList
from pynn.training import loop, step_graph
from pynn.training.compilation import Compilation
from pynn.training.data import (
    class_weight_to_sample_weight,
    make_arrays,
    split_rows,
    unpack_x_y_sample_weight,
)
from pynn.training.feed import gives_batches, make_feed
from pynn.training.logs import pythonify_logs

_fit_guard = threading.Lock()


class Trainer(Compilation):
    """The part of a model that trains, evaluates and predicts.

    Steps (`train_step`, `test_step`, `predict_step`) are ordinary Python functions of one batch.
    Each is run once per kind of batch on symbolic tensors, and replayed by the engine from then
    on. A step that looks at values cannot be replayed: it runs eagerly, with one warning.
    """

    # ---- steps -----------------------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, Any]:
        """Trains on one batch and returns logs; override it for another way of training.

        Args:
            data: `(x,)`, `(x, y)` or `(x, y, sample_weight)`.
        """
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        with _core.Tape() as tape:
            y_pred = self._forward(x, training=True)
            loss = self._call_compute_loss(x, y, y_pred, sample_weight, training=True)
            scaled = loss if self.optimizer is None else self.optimizer.scale_loss(loss)
        self._track_loss(x, loss)
        weights = self.trainable_weights
        if weights and self.optimizer is not None:
            self.optimizer.apply(tape.gradient(scaled, weights), weights)
        elif not weights:
            warnings.warn("pynn.Model: no weight of the model is trainable", stacklevel=2)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluates one batch and returns logs; override it for another way of evaluating."""
        x, y, sample_weight = unpack_x_y_sample_weight(data)
        y_pred = self._forward(x, training=False)
        loss = self._call_compute_loss(x, y, y_pred, sample_weight, training=False)
        self._track_loss(x, loss)
        return self.compute_metrics(x, y, y_pred, sample_weight)

    def predict_step(self, data: Any) -> Any:
        """Returns the outputs for one batch."""
        x, _, _ = unpack_x_y_sample_weight(data)
        return self._forward(x, training=False)

    def _forward(self, x: Any, training: bool) -> Any:
        settings = {"training": training} if self._call_has_training_arg else {}
        outputs = self(x, **settings)
        for output in tree.flatten(outputs) or [outputs]:
            if not hasattr(output, "shape"):
                raise TypeError(
                    f"pynn.Model: expected model {self.name!r} to return tensors; "
                    f"received {output!r} of type {type(output).__name__}"
                )
        return outputs

    def _track_loss(self, x: Any, loss: Any) -> None:
        if self._loss_tracker is not None:
            batch_size = next(leaf for leaf in tree.flatten(x) if leaf is not None).shape[0]
            self._loss_tracker.update_state(loss, sample_weight=batch_size)
            self._track_penalties(batch_size)

    # ---- many batches ----------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> Any:
        """Trains the model.

        Args:
            x: inputs, shape (rows, ...): an array, lists, tuples or dicts of arrays, or something
                that gives batches `(x, y)` or `(x, y, sample_weight)`.
            y: targets, the same; not with batches.
            batch_size: rows per step; 32 by default.
            epochs: number of the last epoch.
            verbose: 0 nothing, 1 or "auto" a progress line, 2 one plain line per epoch.
            callbacks: list of `Callback`s.
            validation_split: fraction of the last rows that is only evaluated.
            validation_data: `(x, y)`, `(x, y, sample_weight)` or batches, evaluated after epochs.
            shuffle: a new order of rows in each epoch ("batch": of batches).
            class_weight: weights of the classes in the loss, by class number.
            sample_weight: weights of the rows in the loss, shape (rows,).
            initial_epoch: number of epochs that are done already.
            steps_per_epoch: steps per epoch; `None` means one pass over the data.
            validation_steps: the same for the validation.
            validation_batch_size: rows per step of the validation; `batch_size` by default.
            validation_freq: evaluate after every so many epochs, or after the listed ones.

        Returns:
            A `History`; `history.history` has the metrics of each epoch.

        Raises:
            ValueError: for data or settings that do not fit, NaN in the data, or a model that is
                not compiled.
            RuntimeError: if this model is being fitted already.

        >>> import numpy as np, pynn
        >>> model = pynn.Sequential([pynn.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x = np.arange(8.0).reshape(8, 1) / 8
        >>> history = model.fit(x, 2 * x, epochs=3, verbose=0)
        >>> len(history.history["loss"])
        3
        """
        who = "pynn.Model.fit"
        self._assert_compiled("fit")
        epochs = limited_epochs(epochs)
        if validation_split and validation_data is None:
            if gives_batches(x):
                raise ValueError(
                    f"{who}: expected arrays with validation_split; received {type(x).__name__}"
                )
            train, validation_data = split_rows(who, (x, y, sample_weight), validation_split)
            x, y, sample_weight = train
        feed = make_feed(
            who, x, y, sample_weight, batch_size, shuffle, steps_per_epoch, class_weight
        )
        validation = None
        if validation_data is not None:
            validation = make_feed(
                f"{who}(validation_data)",
                *_unpack_validation(validation_data),
                batch_size=validation_batch_size or batch_size,
                steps=validation_steps,
            )
        with self._exclusive_fit():
            loop.prepare(self, feed.first_batch(), feed.batch_size, "train")
            if not isinstance(callbacks, CallbackList):
                callbacks = CallbackList(
                    callbacks,
                    add_history=True,
                    add_progbar=verbose != 0,
                    model=self,
                    verbose=verbose,
                    epochs=epochs,
                    steps=feed.num_batches,
                )
            return loop.fit(
                self, feed, validation, callbacks, range(initial_epoch, epochs), validation_freq
            )

    @contextmanager
    def _exclusive_fit(self) -> Iterator[None]:
        state = self._trainer_state
        with _fit_guard:
            if state.is_fitting:
                raise RuntimeError(
                    f"pynn.Model.fit: expected one fit of model {self.name!r} at a time; "
                    "received a second one while the first is running"
                )
            state.is_fitting = True
        try:
            yield
        finally:
            state.is_fitting = False

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Returns the loss and the metrics on some data.

        Args:
            x: inputs, or batches; see `fit`.
            y: targets.
            batch_size: rows per step; 32 by default.
            verbose: see `fit`.
            sample_weight: weights of the rows.
            steps: number of batches; `None` means one pass over the data.
            callbacks: list of `Callback`s.
            return_dict: return a dict by name.

        Returns:
            The loss; a list of loss and metrics if there are metrics; or the dict.

        Raises:
            ValueError: for data or settings that do not fit, or a model that is not compiled.

        >>> import numpy as np, pynn
        >>> model = pynn.Sequential([pynn.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> model.evaluate(np.ones((4, 2)), np.ones((4, 1)), verbose=0)
        1.0
        """
        self._assert_compiled("evaluate")
        feed = make_feed("pynn.Model.evaluate", x, y, sample_weight, batch_size, steps=steps)
        loop.prepare(self, feed.first_batch(), feed.batch_size, "test")
        callbacks = self._callbacks_for_one_pass(callbacks, verbose, feed.num_batches)
        logs = loop.evaluate(self, feed, callbacks)
        return logs if return_dict else self._in_metric_order(logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Returns the outputs for some inputs, as arrays.

        May be called from several threads at once.

        Args:
            x: inputs, or batches; see `fit`.
            batch_size: rows per step; 32 by default.
            verbose: see `fit`.
            steps: number of batches; `None` means one pass over the data.
            callbacks: list of `Callback`s.

        Returns:
            An array (rows, ...), or arrays in the structure of the outputs.

        Raises:
            ValueError: for data or settings that do not fit.

        >>> import numpy as np, pynn
        >>> model = pynn.Sequential([pynn.layers.Dense(1, kernel_initializer="ones")])
        >>> model.predict(np.ones((2, 3)), verbose=0).tolist()
        [[3.0], [3.0]]
        """
        feed = make_feed("pynn.Model.predict", x, batch_size=batch_size, steps=steps)
        loop.prepare(self, feed.first_batch(), feed.batch_size, "predict")
        if verbose == 0 and callbacks is None and feed.num_batches == 1:
            outputs = loop.predict_one_batch(self, feed)
            if outputs is not None:
                return outputs
        callbacks = self._callbacks_for_one_pass(callbacks, verbose, feed.num_batches)
        return loop.predict(self, feed, callbacks)

    def _callbacks_for_one_pass(self, callbacks: Any, verbose: Any, steps: int | None) -> Any:
        if isinstance(callbacks, CallbackList):
            return callbacks
        return CallbackList(
            callbacks, add_progbar=verbose != 0, model=self, verbose=verbose, epochs=1, steps=steps
        )

    # ---- one batch -------------------------------------------------------------------------

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: dict[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Takes one training step on one batch; see `fit` for the arguments.

        Returns:
            The loss; a list of loss and metrics if there are metrics; or a dict by name.

        Raises:
            ValueError: as `fit`.

        >>> import numpy as np, pynn
        >>> model = pynn.Sequential([pynn.layers.Dense(1, kernel_initializer="zeros")])
        >>> model.compile("sgd", "mse")
        >>> model.train_on_batch(np.ones((4, 2)), np.ones((4, 1)))
        1.0
        """
        who = "pynn.Model.train_on_batch"
        self._assert_compiled("train_on_batch")
        if class_weight is not None:
            if sample_weight is not None:
                raise ValueError(f"{who}: expected class_weight or sample_weight; received both")
            sample_weight = class_weight_to_sample_weight(who, y, class_weight)
        return self._one_batch("train", make_arrays(who, x, y, sample_weight), return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Evaluates one batch; see `evaluate` for the arguments and the result."""
        self._assert_compiled("test_on_batch")
        arrays = make_arrays("pynn.Model.test_on_batch", x, y, sample_weight)
        return self._one_batch("test", arrays, return_dict)

    def _one_batch(self, phase: str, arrays: Any, return_dict: bool) -> Any:
        loop.prepare(self, arrays, arrays.num_rows, phase)
        self.reset_metrics()
        logs = pythonify_logs(loop.run_batch(self, phase, arrays))
        return logs if return_dict else self._in_metric_order(logs)

    def train_graph(
        self,
        to_file: str | os.PathLike[str] | None = None,
        print_fn: Callable[[str], Any] = print,
    ) -> None:
        """Prints the graph that one training step runs: as traced, and after each pass.

        One line per call, `%result: dtype(shape) = op(inputs)`; `'name' <- %result` is what a
        variable gets at the end. Shown is the step that was used last.

        Args:
            to_file: where to draw the final graph, too: a file name that ends in .svg, .png or
                another format of Graphviz (with pydot and Graphviz), or in .dot.
            print_fn: called with the text of each stage.

        Raises:
            ValueError: no training step has been compiled yet.
            ImportError: pydot or Graphviz is missing.

        >>> import numpy as np, pynn
        >>> model = pynn.Sequential([pynn.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> _ = model.train_on_batch(np.ones((4, 2)), np.ones((4, 1)))
        >>> stages = []
        >>> model.train_graph(print_fn=stages.append)
        >>> stages[0].splitlines()[1]
        "%4: float32(4, 1) = dense(input0, 'kernel', 'bias')"
        """
        who = "pynn.Model.train_graph"
        step = self._trainer_state.steps.latest("train")
        if step is None:
            raise ValueError(
                f"{who}: expected a model with a compiled training step; received one that has "
                "none. Call `fit` or `train_on_batch` first, without run_eagerly"
            )
        step_graph.show(step.executable, print_fn)
        if to_file is not None:
            step_graph.draw(who, step.executable, to_file)

    def predict_on_batch(self, x: Any) -> Any:
        """Returns the outputs for one batch, as arrays; see `predict`."""
        arrays = make_arrays("pynn.Model.predict_on_batch", x)
        loop.prepare(self, arrays, arrays.num_rows, "predict")
        outputs = loop.run_batch(self, "predict", arrays)
        return tree.map_structure(lambda output: np.array(output), outputs)


def _unpack_validation(data: Any) -> tuple[Any, Any, Any]:
    return (data, None, None) if gives_batches(data) else unpack_x_y_sample_weight(data)
