"""Python is entered per epoch, not per batch: counted by a profile hook, exactly.

The engine comes back to Python when it is time to look for an interrupt. Here that time is never,
so that two runs over different numbers of batches must make the same number of calls.
"""

import gc
import inspect
import os
import sys

import numpy as np
import pytest

import pynn
from pynn import callbacks, layers
from pynn.training import steps

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3)).astype("float32")
LABELS = RNG.integers(0, 2, 60)
SHORT, LONG = 20, 60

# How to make each public callback, or why there is nothing to count.
BUILT_IN = {
    "CSVLogger": lambda: callbacks.CSVLogger(os.devnull),
    "CallbackList": "a list of callbacks",
    "Callback": "the base class",
    "EarlyStopping": lambda: callbacks.EarlyStopping(patience=9, restore_best_weights=True),
    "History": callbacks.History,
    "LambdaCallback": lambda: callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None),
    "LearningRateScheduler": lambda: callbacks.LearningRateScheduler(lambda epoch: 0.1),
    "ProgbarLogger": callbacks.ProgbarLogger,
    "ReduceLROnPlateau": lambda: callbacks.ReduceLROnPlateau(patience=9),
    "RemoteMonitor": "sends over the network, once per epoch",
    "SwapEMAWeights": callbacks.SwapEMAWeights,
    "TensorBoard": "needs a package; tests/test_tensorboard.py sees that it is not called",
    "TerminateOnNaN": callbacks.TerminateOnNaN,
}
MADE = {name: make for name, make in BUILT_IN.items() if callable(make)}


def test_every_public_callback_has_a_case():
    public = {n for n in callbacks.__all__ if inspect.isclass(getattr(callbacks, n))}
    assert public == set(BUILT_IN)


@pytest.fixture(autouse=True)
def _no_clock(monkeypatch):
    monkeypatch.setattr(steps, "REFRESH_SECONDS", 0.0)  # of the engine: it never comes back


def make_model(**settings):
    pynn.utils.set_random_seed(0)
    model = pynn.Sequential([pynn.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile(**{"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", **settings})
    return model


def averaging():
    """An optimizer for which every callback has something to do."""
    return pynn.optimizers.SGD(use_ema=True)


def calls_of(function):
    count = 0

    def profile(frame, event, arg):
        nonlocal count
        count += event in ("call", "c_call")

    gc.collect()
    gc.disable()  # a collection calls what other packages have registered, now and then
    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


def assert_same_calls(run):
    """`run(rows)` has as many calls for many batches as for few, once all is traced and cached."""
    for rows in (SHORT, LONG):
        run(rows)
    counts = [calls_of(lambda rows=rows: run(rows)) for rows in (SHORT, LONG, SHORT, LONG)]
    assert len(set(counts)) == 1


FIT = {
    "plain": ({}, {}),
    "shuffled": ({}, {"shuffle": True}),
    "metrics": ({"metrics": ["accuracy"], "weighted_metrics": ["acc"]}, {}),
    "class_weight": ({}, {"class_weight": {0: 2.0}}),
    "sample_weight": ({"weighted_metrics": ["accuracy"]}, {"sample_weight": True}),
    "validation": ({}, {"validation_split": 0.5}),
    "uint8": ({}, {"dtype": "uint8"}),
    "float64": ({}, {"dtype": "float64"}),
    "accumulating": ({"optimizer": pynn.optimizers.SGD(gradient_accumulation_steps=3)}, {}),
    "averaged": ({"optimizer": pynn.optimizers.Adam(use_ema=True)}, {}),
    "loss scale": ({"optimizer": pynn.optimizers.LossScaleOptimizer(pynn.optimizers.SGD())}, {}),
    "steps per execution": ({"steps_per_execution": 3}, {}),
}


@pytest.mark.parametrize("name", FIT)
def test_fit(name):
    compiled, settings = FIT[name]
    compiled = {**compiled}
    if "optimizer" in compiled:
        compiled["optimizer"] = pynn.optimizers.deserialize(
            pynn.optimizers.serialize(compiled["optimizer"])
        )
    settings = {"shuffle": False, **settings}
    x = X.astype(settings.pop("dtype", "float32"))
    weighted = settings.pop("sample_weight", False)
    model = make_model(**compiled)

    def run(rows):
        weights = {"sample_weight": np.ones(rows)} if weighted else {}
        model.fit(x[:rows], LABELS[:rows], batch_size=1, verbose=0, **settings, **weights)

    assert_same_calls(run)


@pytest.mark.parametrize("verbose", [0, 1, 2])
@pytest.mark.parametrize("name", MADE)
def test_fit_with_a_built_in_callback(name, verbose, capsys):
    model = make_model(optimizer=averaging())

    def run(rows):
        data = (X[:rows], LABELS[:rows])
        made = [MADE[name]()]
        model.fit(*data, batch_size=1, verbose=verbose, callbacks=made, validation_data=data)

    assert_same_calls(run)


@pytest.mark.parametrize("name", [None, *MADE])
@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_evaluate_and_predict(method, name):
    model = make_model(optimizer=averaging(), metrics=["accuracy"])
    model.train_on_batch(X, LABELS)  # before which there is no average
    made = [] if name is None else [MADE[name]()]

    def run(rows):
        data = (X[:rows], LABELS[:rows]) if method == "evaluate" else (X[:rows],)
        getattr(model, method)(*data, batch_size=1, verbose=0, callbacks=made)

    assert_same_calls(run)


def test_the_hook_counts_a_listener():
    """What is counted above is not zero because nothing is seen."""
    model = make_model()
    listener = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)

    def run(rows):
        model.fit(X[:rows], LABELS[:rows], batch_size=1, verbose=0, callbacks=[listener])

    for rows in (SHORT, LONG):
        run(rows)
    difference = calls_of(lambda: run(LONG)) - calls_of(lambda: run(SHORT))
    assert difference >= LONG - SHORT
