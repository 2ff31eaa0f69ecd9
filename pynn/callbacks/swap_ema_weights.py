"""Evaluates a model with the moving average of its weights."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from pynn.callbacks.callback import Callback


class SwapEMAWeights(Callback):
    """Gives the model its averaged weights while it is evaluated, and takes them back afterwards.

    The average is the one that an optimizer with `use_ema=True` keeps. Polyak and Juditsky,
    "Acceleration of stochastic approximation by averaging", 1992.

    Args:
        swap_on_epoch: the model has the averaged weights from the end of an epoch to the beginning
            of the next one, too: callbacks behind this one in the list see and save them.

    Raises:
        ValueError: while training or evaluating, if the optimizer keeps no average. If it has made
            no step yet, there is a warning, and the weights are used as they are.

    >>> import pynn
    >>> model = pynn.Sequential([pynn.Input((2,)), pynn.layers.Dense(1)])
    >>> model.compile(pynn.optimizers.SGD(use_ema=True), "mse")
    >>> data = np.ones((4, 2)), np.ones(4)
    >>> swap = pynn.callbacks.SwapEMAWeights()
    >>> history = model.fit(*data, validation_data=data, callbacks=[swap], verbose=0)
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        # The weights that training goes on with, by variable, while the model has the average. They
        # are kept here and not in the optimizer, so that what it gives the model when training
        # ends, for whatever reason, is always the average.
        self._kept: list[tuple[Any, np.ndarray]] | None = None

    def _put_averages(self) -> None:
        if self._kept is not None:
            return
        optimizer = self.model.optimizer
        if not _has_average(optimizer):
            return
        variables = self.model.trainable_variables
        self._kept = [(variable, np.array(variable.numpy())) for variable in variables]
        optimizer.finalize_variable_values(variables)

    def _put_back(self) -> None:
        for variable, value in self._kept or ():
            variable.assign(value)
        self._kept = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Forgets an earlier `fit`, which may have been interrupted."""
        self._kept = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Takes the averages back, if an epoch's end has put them there."""
        self._put_back()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Gives the model the averages, with `swap_on_epoch`."""
        if self.swap_on_epoch:
            self._put_averages()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Lets the model keep the averages, which the optimizer has just given it."""
        self._kept = None

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Gives the model the averages."""
        self._put_averages()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Takes them back."""
        self._put_back()

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Gives the model the averages."""
        self._put_averages()

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """Takes them back."""
        self._put_back()


def _has_average(optimizer: Any) -> bool:
    """Whether `optimizer`, or one of those it is made of, has averaged anything yet.

    Raises:
        ValueError: if none of them ever will.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    averaging = [one for one in getattr(inner, "optimizers", [inner]) if one.use_ema]
    if not averaging:
        raise ValueError(
            "pynn.callbacks.SwapEMAWeights: expected an optimizer with use_ema=True; "
            f"received {inner.name!r} with use_ema=False"
        )
    if any(one.built and int(one._iterations) > 0 for one in averaging):
        return True
    warnings.warn(
        "pynn.callbacks.SwapEMAWeights: expected an optimizer that has made a step; received "
        f"{inner.name!r} at iteration 0, so the weights are taken as they are",
        stacklevel=4,
    )
    return False
