"""pynn: a small, fast engine for neural networks on CPUs, with the Keras 3 API on top.

>>> import numpy as np
>>> import pynn as keras
>>> model = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
>>> model.compile(optimizer="adam", loss="mse")
>>> history = model.fit(np.ones((32, 4)), np.ones((32, 1)), epochs=2, verbose=0)
>>> model.predict(np.ones((3, 4)), verbose=0).shape
(3, 1)
"""

try:
    import pynn._core as _core
except ModuleNotFoundError:
    from pynn._engine import installed_folder

    __path__.append(installed_folder())
    import pynn._core as _core

from pynn._core import Tensor, TraceError

__version__: str = _core.build_info()["version"]

from pynn import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    dtype_policies,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    random,
    regularizers,
    saving,
    tree,
    utils,
)
from pynn.compiled_function import function
from pynn.config import show_config
from pynn.dtype_policies import DTypePolicy, FloatDTypePolicy
from pynn.functional_graph import Function
from pynn.gradient_tape import GradientTape
from pynn.initializers import Initializer
from pynn.keras_tensor import KerasTensor
from pynn.layers import Input, InputSpec, Layer
from pynn.losses import Loss
from pynn.metrics import Metric
from pynn.models import Model, Sequential
from pynn.operation import Operation
from pynn.optimizers import Optimizer
from pynn.regularizers import Regularizer
from pynn.variables import Variable


def version() -> str:
    """The version of pynn, as a string."""
    return __version__


__all__ = [
    "DTypePolicy", "FloatDTypePolicy", "Function", "GradientTape", "Initializer", "Input",
    "InputSpec", "KerasTensor", "Layer", "Loss", "Metric", "Model", "Operation", "Optimizer",
    "Regularizer", "Sequential", "Tensor", "TraceError", "Variable", "activations", "backend",
    "callbacks", "config", "constraints", "datasets", "dtype_policies", "function",
    "initializers", "layers", "losses", "metrics", "models", "ops", "optimizers", "random",
    "regularizers", "saving", "show_config", "tree", "utils", "version",
]  # fmt: skip
