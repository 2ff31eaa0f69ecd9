"""Callbacks: when they are called, with what, and how seldom."""

import io
import json
import re
import sys

import numpy as np
import pytest

import pynn
from pynn import layers
from pynn.callbacks import Callback, CallbackList, History, LambdaCallback, TerminateOnNaN
from pynn.callbacks.callback import listens_to_batches

X = np.random.default_rng(0).normal(size=(50, 3))
Y = X[:, :1]


def make_model(**settings):
    pynn.utils.set_random_seed(0)
    model = pynn.Sequential([pynn.Input((3,)), layers.Dense(1)])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **settings})
    return model


class Recorder(Callback):
    """Writes down every call."""

    def __init__(self):
        super().__init__()
        self.calls = []


def _recording(hook):
    def method(self, *args, **kwargs):
        logs = kwargs.get("logs", args[-1] if args else None)
        number = args[0] if len(args) + len(kwargs) > 1 else None
        self.calls.append((hook, number, sorted(logs or {})))

    return method


for _name in [name for name in vars(Callback) if name.startswith("on_")]:
    if _name not in ("on_batch_begin", "on_batch_end"):
        setattr(Recorder, _name, _recording(_name))


def test_order_of_calls_in_fit():
    recorder = Recorder()
    make_model().fit(
        X,
        Y,
        batch_size=25,
        epochs=1,
        validation_data=(X[:5], Y[:5]),
        callbacks=[recorder],
        verbose=0,
    )
    assert recorder.calls == [
        ("on_train_begin", None, []),
        ("on_epoch_begin", 0, []),
        ("on_train_batch_begin", 0, []),
        ("on_train_batch_end", 0, ["loss"]),
        ("on_train_batch_begin", 1, []),
        ("on_train_batch_end", 1, ["loss"]),
        ("on_test_begin", None, []),
        ("on_test_batch_begin", 0, []),
        ("on_test_batch_end", 0, ["loss"]),
        ("on_test_end", None, ["loss"]),
        ("on_epoch_end", 0, ["loss", "val_loss"]),
        ("on_train_end", None, ["loss", "val_loss"]),
    ]


def test_order_of_calls_in_predict():
    recorder = Recorder()
    result = make_model().predict(X, batch_size=25, callbacks=[recorder], verbose=0)
    assert [call[0] for call in recorder.calls] == [
        "on_predict_begin",
        *["on_predict_batch_begin", "on_predict_batch_end"] * 2,
        "on_predict_end",
    ]
    assert recorder.calls[2][2] == ["outputs"]
    np.testing.assert_array_equal(result, make_model().predict(X, verbose=0))


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_steps_per_execution(steps):
    recorder = Recorder()
    make_model(steps_per_execution=steps).fit(X, Y, batch_size=10, callbacks=[recorder], verbose=0)
    ends = [batch for hook, batch, _ in recorder.calls if hook == "on_train_batch_end"]
    # As in Keras, the number after a short execution is the one that a whole one would have.
    assert ends == {1: [0, 1, 2, 3, 4], 2: [1, 3, 5], 3: [2, 5]}[steps]


def test_listening_changes_nothing():
    silent, heard = make_model(), make_model()
    silent.fit(X, Y, epochs=3, shuffle=False, verbose=0)
    heard.fit(X, Y, epochs=3, shuffle=False, verbose=0, callbacks=[Recorder()])
    for a, b in zip(silent.get_weights(), heard.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_who_listens_to_batches():
    assert not listens_to_batches(Callback(), "train")
    assert not listens_to_batches(History(), "train")
    assert listens_to_batches(TerminateOnNaN(), "train")
    assert not listens_to_batches(TerminateOnNaN(), "test")
    assert listens_to_batches(LambdaCallback(on_train_batch_end=print), "train")
    assert not listens_to_batches(LambdaCallback(on_epoch_end=print), "train")


def test_stop_training():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    history = make_model().fit(X, Y, epochs=9, callbacks=[Stop()], verbose=0)
    assert history.epoch == [0, 1]


def test_stop_training_in_the_middle_of_an_epoch():
    seen = []

    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)
            self.model.stop_training = batch == 1

    make_model().fit(X, Y, batch_size=10, epochs=5, callbacks=[Stop()], verbose=0)
    assert seen == [0, 1]


def test_learning_rate_set_by_a_callback_acts_at_the_next_batch():
    class Freeze(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.optimizer.learning_rate = 0.0
            self.weights = self.model.get_weights()

    model, freeze = make_model(), Freeze()
    start = model.get_weights()
    model.fit(X, Y, batch_size=10, callbacks=[freeze], verbose=0)
    assert not np.array_equal(start[0], model.get_weights()[0])
    np.testing.assert_array_equal(freeze.weights[0], model.get_weights()[0])


def test_history_is_json():
    history = make_model(metrics=["mae"]).fit(X, Y, epochs=2, verbose=0)
    assert len(json.loads(json.dumps(history.history))["loss"]) == 2


def test_lambda_callback_takes_any_hook():
    seen = []
    callback = LambdaCallback(on_test_end=lambda logs: seen.append(sorted(logs)))
    make_model().evaluate(X, Y, callbacks=[callback], verbose=0)
    assert seen == [["loss"]]
    with pytest.raises(ValueError, match="on_tset_end"):
        LambdaCallback(on_tset_end=print)


class Batches(TerminateOnNaN):
    """Is called for every batch, because it overrides something."""

    def on_train_batch_begin(self, batch, logs=None):
        super().on_train_batch_begin(batch, logs)


class BadStep(pynn.optimizers.SGD):
    """Spoils the weights in one step."""

    def __init__(self, bad, **settings):
        super().__init__(**settings)
        self.bad = bad

    def update_step(self, gradient, variable, learning_rate):
        value = pynn.ops.where(pynn.ops.equal(self.iterations, self.bad), np.nan, 0.0)
        variable.assign(variable + value)


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("cls", [TerminateOnNaN, Batches])
@pytest.mark.parametrize(
    # 5 batches per epoch; the loss is NaN one batch after the bad step.
    ("steps", "bad", "epochs", "last"),
    [(1, 0, 1, 1), (1, 2, 1, 3), (1, 4, 2, 0), (1, 99, 3, 4), (2, 1, 1, 3), (2, 3, 1, 5)],
)
def test_terminate_on_nan(cls, eager, steps, bad, epochs, last):
    seen = []

    class Watch(cls):
        def on_batch_end(self, batch, logs=None):
            seen.append(batch)
            super().on_batch_end(batch, logs)

    def trained(callback):
        model = make_model(optimizer=BadStep(bad), steps_per_execution=steps, run_eagerly=eager)
        history = model.fit(X, Y, batch_size=10, epochs=3, callbacks=[callback], verbose=0)
        assert len(history.epoch) == epochs
        assert model.stop_training == (epochs < 3 or bad < 99)
        return int(model.optimizer.iterations)

    # Whether the engine looks at the loss or Python: the same number of steps.
    assert trained(cls()) == trained(Watch())
    assert seen[-1] == last


@pytest.mark.parametrize("verbose", [0, 1])
def test_terminate_on_nan_says_so(verbose, capsys):
    model = make_model(optimizer=BadStep(2))
    model.fit(X, Y, batch_size=10, callbacks=[TerminateOnNaN()], verbose=verbose)
    assert ("Batch 3: the loss is nan" in capsys.readouterr().out) == bool(verbose)
    with pytest.raises(RuntimeError, match="finite loss; received loss=nan at batch 3"):
        make_model(optimizer=BadStep(2)).fit(
            X, Y, batch_size=10, callbacks=[TerminateOnNaN(raise_error=True)], verbose=0
        )


def test_terminate_on_nan_with_a_step_that_returns_its_own_loss():
    class Own(pynn.Sequential):
        def train_step(self, data):
            self.optimizer.apply([pynn.ops.ones((3, 1))], self.trainable_weights[:1])
            return {"loss": pynn.ops.sum(self(data[0]))}

    model = Own([pynn.Input((3,)), layers.Dense(1)])
    model.compile(BadStep(1), "mse")
    model.fit(X, Y, batch_size=10, epochs=3, callbacks=[TerminateOnNaN()], verbose=0)
    assert int(model.optimizer.iterations) == 2


def test_a_callback_list_may_be_passed():
    model = make_model()
    callbacks = CallbackList([Recorder()], add_history=True, model=model)
    assert model.fit(X, Y, callbacks=callbacks, verbose=0) is callbacks._history


# ---- the progress line --------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_silence(capsys):
    model = make_model()
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", ["auto", 1, 2])
def test_a_pipe_gets_one_plain_line_per_epoch(capsys, verbose):
    make_model().fit(X, Y, epochs=3, validation_data=(X, Y), verbose=verbose)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for epoch, line in enumerate(lines, 1):
        pattern = rf"Epoch {epoch}/3 - 2/2 - \d+s \d+\w+/step - loss: [\d.]+ - val_loss: [\d.]+"
        assert re.fullmatch(pattern, line)


def test_evaluate_and_predict_have_a_line_too(capsys):
    model = make_model()
    model.evaluate(X, Y)
    model.predict(X)
    assert [line.split(" - ")[0] for line in capsys.readouterr().out.splitlines()] == ["2/2", "2/2"]


def test_a_terminal_gets_one_line_in_place(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    make_model().fit(X, Y, epochs=2)
    text = terminal.getvalue()
    assert text.count("\n") == 4  # a title and a line per epoch
    assert "\rEpoch" not in text
    assert "\x1b[32m" in text


def test_a_terminal_is_updated_at_most_ten_times_a_second(monkeypatch):
    from pynn.training import progress

    clock = iter(np.arange(0.0, 1e3, 0.03))
    monkeypatch.setattr(progress.time, "perf_counter", lambda: float(next(clock)))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    line = progress.ProgressLine(1, 100)
    for step in range(100):
        if line.is_due():
            line.update(step, {"loss": 0.5})
    seconds = float(next(clock))
    assert terminal.getvalue().count("\r") <= seconds * 10 + 1
