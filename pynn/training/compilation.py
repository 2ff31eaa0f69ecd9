"""What `compile` sets up: optimizer, losses and metrics of a model."""

from __future__ import annotations

import inspect
import warnings
from typing import TYPE_CHECKING, Any

from pynn import backend, losses, ops, optimizers, tree
from pynn import metrics as metrics_module
from pynn.saving import deserialize_keras_object, serialize_keras_object
from pynn.training.compile_loss import CompileLoss
from pynn.training.compile_metrics import CompileMetrics
from pynn.training.logs import MetricResults
from pynn.training.state import TrainerState

if TYPE_CHECKING:
    from pynn.variables import Variable


class Compilation:
    """Mixin of `Trainer`: how a model is to be trained, and how well it does."""

    # Settings of the run, not of the layers: changing them does not outdate compiled steps.
    _untraced_attributes = frozenset(
        {
            "_trainer",
            "compiled",
            "history",
            "jit_compile",
            "loss",
            "optimizer",
            "run_eagerly",
            "steps_per_execution",
            "stop_evaluating",
            "stop_predicting",
            "stop_training",
        }
    )

    if TYPE_CHECKING:  # what the layer side of a model has
        built: bool
        dtype_policy: Any
        losses: list[Any]
        name: str
        penalties: list[Any]
        trainable_variables: list[Variable]
        trainable_weights: list[Variable]
        _call_has_training_arg: bool
        _metrics: list[Any]
        __call__: Any

    compiled = False
    optimizer: Any = None
    loss: Any = None
    run_eagerly = False
    jit_compile: Any = "auto"
    steps_per_execution = 1
    history: Any = None
    stop_training = False
    stop_evaluating = False
    stop_predicting = False

    @property
    def _trainer_state(self) -> TrainerState:
        state = self.__dict__.get("_trainer")
        if state is None:
            state = TrainerState()
            object.__setattr__(self, "_trainer", state)
        return state

    @property
    def _loss_tracker(self) -> Any:
        return self._trainer_state.loss_tracker

    @property
    def _compile_loss(self) -> Any:
        return self._trainer_state.loss

    @property
    def _compile_metrics(self) -> Any:
        return self._trainer_state.metrics

    # ---- compile ---------------------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Says how the model is trained.

        Args:
            optimizer: name, config or `Optimizer`.
            loss: name, function `fn(y_true, y_pred)`, `Loss`, or for several outputs a list, a dict
                by output name, or the structure of the outputs. A function with an argument `model`
                gets the model, too, for losses that depend on weights.
            loss_weights: numbers in the structure of `loss`.
            metrics: names, functions or `Metric`s: a list for one output, else a structure as for
                `loss`. "accuracy" means the binary, categorical or sparse one, by the shapes.
            weighted_metrics: the same, for metrics that get the sample weights.
            run_eagerly: run steps as ordinary Python, batch by batch.
            steps_per_execution: batches between two calls of the callbacks' batch methods.
            jit_compile: whether XLA compiles steps in Keras. Accepted, kept and saved as there:
                "auto" becomes `not run_eagerly`. pynn compiles steps in the same way whatever it
                says; only `run_eagerly` has them run as Python.
            auto_scale_loss: for a model with the dtype policy "mixed_float16": wrap the optimizer
                in a `LossScaleOptimizer`.

        Raises:
            ValueError: for an unknown name (with the nearest known one) or a bad setting.

        >>> import pynn
        >>> model = pynn.Sequential([pynn.layers.Dense(1)])
        >>> model.compile(optimizer="sgd", loss="mse", metrics=["mae"])
        """
        if not isinstance(steps_per_execution, int) or steps_per_execution < 1:
            raise ValueError(
                "pynn.Model.compile: expected steps_per_execution to be a positive int; "
                f"received {steps_per_execution!r}"
            )
        state = self._trainer_state
        arguments = {
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        jit_compile = _resolve_jit_compile(jit_compile, run_eagerly)
        optimizer = optimizers.get(optimizer)
        self.optimizer = optimizer
        if auto_scale_loss and self._needs_loss_scale():
            self.optimizer = optimizers.LossScaleOptimizer(optimizer, name="loss_scale_optimizer")
        names = getattr(self, "output_names", None)
        _check_names(loss, metrics, weighted_metrics)
        state.loss = None if loss is None else CompileLoss(loss, loss_weights, names)
        has_metrics = metrics is not None or weighted_metrics is not None
        state.metrics = CompileMetrics(metrics, weighted_metrics, names) if has_metrics else None
        state.loss_tracker = metrics_module.Mean(name="loss")
        state.config = {
            "optimizer": optimizer,  # not the wrapper: compiling anew makes it again
            **arguments,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }
        state.start_over()
        # Not through the layer's bookkeeping: it would replace lists by its own kind of list.
        object.__setattr__(self, "loss", loss)
        self.run_eagerly = run_eagerly
        self.jit_compile = jit_compile
        self.steps_per_execution = steps_per_execution
        self.stop_training = False
        self.compiled = True

    def _needs_loss_scale(self) -> bool:
        is_scaled = isinstance(self.optimizer, optimizers.LossScaleOptimizer)
        policy = self.dtype_policy.name
        return self.optimizer is not None and not is_scaled and policy == "mixed_float16"

    def get_compile_config(self) -> dict[str, Any]:
        """Returns the arguments of `compile`, as JSON-able values."""
        if not self.compiled:
            return {}
        return {
            name: serialize_keras_object(value)
            for name, value in self._trainer_state.config.items()
        }

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles with the arguments that `get_compile_config` returned."""
        if type(self).compile is not Compilation.compile:
            warnings.warn(
                "pynn.Model: `compile` is overridden, so the saved arguments are not applied; "
                "override `get_compile_config` and `compile_from_config` too, or call `compile`",
                stacklevel=2,
            )
            return
        self.compile(**deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def _assert_compiled(self, method: str) -> None:
        if not self.compiled:
            raise ValueError(
                f"pynn.Model.{method}: expected a compiled model; received one that is not. "
                "Call `model.compile(optimizer, loss, metrics)` first"
            )

    # ---- metrics and loss ------------------------------------------------------------------

    @property
    def metrics(self) -> list[Any]:
        """The loss tracker, the compiled metrics, those of several losses, those of layers."""
        return [*self._own_metrics(), *self._layer_metrics()]

    def _own_metrics(self) -> list[Any]:
        state = self._trainer_state
        found = [] if state.loss_tracker is None else [state.loss_tracker]
        if state.metrics is not None:
            found.append(state.metrics)
        if state.loss is not None:
            found.extend(state.loss.metrics)
        found.extend(state.penalty_tracker(name) for name in state.layers.penalties(self))
        found.extend(self._metrics)
        return found

    def _layer_metrics(self) -> list[Any]:
        return self._trainer_state.layers.metrics(self)

    @property
    def metrics_names(self) -> list[str]:
        """The names of `metrics`."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Starts all metrics again; `fit` does it at the beginning of each epoch."""
        for metric in self.metrics:
            metric.reset_state()

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """Returns the loss that is minimised, a scalar: that of `compile` and of the layers.

        Override it for another loss.

        Args:
            x: inputs.
            y: targets.
            y_pred: outputs.
            sample_weight: weights of the rows, or `None`.
            training: whether this is for training.

        Raises:
            ValueError: if there is no loss at all, or targets are missing.
        """
        del x, training
        total = None
        if self._compile_loss is not None:
            if y is None:
                raise ValueError(
                    "pynn.Model: expected targets, because the model was compiled with a loss; "
                    "received y=None"
                )
            total = self._compile_loss(y, y_pred, sample_weight, model=self)
        for loss in self.losses:
            value = ops.sum(loss) if len(loss.shape) else ops.convert_to_tensor(loss)
            if not backend.is_float_dtype(value.dtype):
                value = ops.cast(value, backend.floatx())
            total = value if total is None else total + value
        if total is None:
            raise ValueError(
                "pynn.Model: expected a loss; received none. Pass `loss` to `compile`, or add one "
                "with `add_loss`"
            )
        return total

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Updates the compiled metrics with one batch and returns all results by name."""
        del x
        if self._compile_metrics is not None:
            if y is None:
                raise ValueError(
                    "pynn.Model: expected targets, because the model was compiled with metrics; "
                    "received y=None"
                )
            self._compile_metrics.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """Returns the results of all metrics by name."""
        results = MetricResults()
        for metric in self.metrics:
            result = metric.result()
            if isinstance(result, dict):
                results.update(result)
            else:
                results[metric.name] = result
        return results

    def _call_compute_loss(self, x: Any, y: Any, y_pred: Any, weight: Any, training: bool) -> Any:
        # Overriding methods written for older versions have no argument `training`.
        if "training" in inspect.signature(self.compute_loss).parameters:
            return self.compute_loss(x, y, y_pred, weight, training=training)
        return self.compute_loss(x, y, y_pred, weight)

    def _track_penalties(self, batch_size: Any) -> None:
        """Follows the penalties on several weights, each by itself."""
        for penalty in self.penalties if self._trainer_state.layers.penalties(self) else ():
            tracker = self._trainer_state.penalty_tracker(penalty.name)
            tracker.update_state(penalty.value(), sample_weight=batch_size)

    def _in_metric_order(self, logs: dict[str, Any]) -> Any:
        """Returns the values of logs in the order of `metrics`, or the only one by itself."""
        names: list[str] = []
        for metric in self.metrics:
            if isinstance(metric, CompileMetrics):
                names.extend(part.name for part in metric.metrics)
            else:
                names.append(metric.name)
        known = [name for name in dict.fromkeys(names) if name in logs]
        ordered = [logs[name] for name in known + sorted(set(logs) - set(known))]
        return ordered[0] if len(ordered) == 1 else ordered


def _resolve_jit_compile(jit_compile: Any, run_eagerly: bool) -> bool:
    if jit_compile == "auto":
        return not run_eagerly
    if not isinstance(jit_compile, bool):
        raise ValueError(
            "pynn.Model.compile: expected jit_compile to be True, False or 'auto'; "
            f"received {jit_compile!r}"
        )
    if jit_compile and run_eagerly:
        warnings.warn(
            "pynn.Model.compile: expected jit_compile=False with run_eagerly=True; "
            "received jit_compile=True. Steps run eagerly",
            stacklevel=3,
        )
        return False
    return jit_compile


def _check_names(loss: Any, metrics_argument: Any, weighted_metrics: Any) -> None:
    """Raises for unknown names now rather than at the first batch."""
    for name in _strings(loss):
        if name.lower() not in ("crossentropy", "ce"):
            losses.get(name)
    for name in [*_strings(metrics_argument), *_strings(weighted_metrics)]:
        if name.lower() not in ("accuracy", "acc"):
            metrics_module.get(name)


def _strings(structure: Any) -> list[str]:
    return [leaf for leaf in tree.flatten(structure) if isinstance(leaf, str)]
