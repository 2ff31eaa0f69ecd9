"""What a model remembers between calls of `fit`, `evaluate` and `predict`."""

from __future__ import annotations

from typing import Any

from pynn import backend
from pynn.metrics import Mean
from pynn.training.signature import LayerSignature
from pynn.training.steps import StepCache


class TrainerState:
    """One object that holds it all, so that a layer's bookkeeping of attributes stays out of it."""

    def __init__(self) -> None:
        self.steps = StepCache()
        self.layers = LayerSignature()
        self.loss: Any = None  # CompileLoss
        self.metrics: Any = None  # CompileMetrics
        self.loss_tracker: Any = None
        self.penalty_trackers: dict[str, Any] = {}
        self.config: dict[str, Any] = {}  # the arguments of compile
        self.eager_phases: set[str] = set()
        self.warned_places: set[tuple[str, int]] = set()
        self.is_fitting = False
        self.layers_are_built = False
        self._compilations = 0
        self._optimizer: Any = None

    def start_over(self) -> None:
        """Forgets everything that depends on the arguments of `compile`."""
        self._compilations += 1
        self.steps = StepCache()
        self.eager_phases = set()
        self.warned_places = set()

    def penalty_tracker(self, name: str) -> Any:
        """Returns the metric that follows a penalty on several weights."""
        if name not in self.penalty_trackers:
            self.penalty_trackers[name] = Mean(name=name)
        return self.penalty_trackers[name]

    def has_built_metrics(self) -> bool:
        """Whether losses and metrics have met the outputs they are for."""
        return all(part is None or part.built for part in (self.loss, self.metrics))

    def signature(self, model: Any, phase: str) -> Any:
        """Returns a hashable that differs where a step must be traced again."""
        layers = self.layers.number(model)
        if phase == "predict":
            return layers, backend.floatx()
        optimizer = model.optimizer if phase == "train" else None
        self._optimizer = optimizer
        return (
            layers,
            self.layers.variables_key(),
            self._compilations,
            id(optimizer),
            None if optimizer is None else optimizer.settings_version,
            backend.floatx(),
        )

    def references(self) -> Any:
        """Objects that the signature names by their ids; held by the steps made under it."""
        return self._optimizer, [(v.regularizer, v.constraint) for v in self.layers.weights()]

    def __deepcopy__(self, memo: dict[int, Any]) -> TrainerState:
        import copy

        clone = TrainerState()
        for name in ("loss", "metrics", "loss_tracker", "penalty_trackers", "config"):
            setattr(clone, name, copy.deepcopy(getattr(self, name), memo))
        return clone
