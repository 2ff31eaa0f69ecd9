"""Callbacks that watch a metric or set the learning rate: when they act, and on what."""

import io
import math
import sys

import numpy as np
import pytest

import pynn
from pynn import layers, metrics
from pynn.callbacks import Callback, EarlyStopping, LearningRateScheduler, ReduceLROnPlateau
from pynn.callbacks.directions import _DOWN, _UP, direction

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X[:, :1]


def make_model(optimizer=None, **settings):
    pynn.utils.set_random_seed(0)
    model = pynn.Sequential([pynn.Input((3,)), layers.Dense(1)])
    model.compile(optimizer or pynn.optimizers.SGD(0.1), "mse", **settings)
    return model


class Script(Callback):
    """Puts chosen values into the logs, and remembers the weights and rates of every epoch."""

    def __init__(self, **columns):
        super().__init__()
        self.columns = columns
        self.weights = []
        self.rates = []

    def on_epoch_begin(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())
        logs.update({name: values[epoch] for name, values in self.columns.items()})


def run(callback, values, name="loss", model=None, **settings):
    """Trains while `name` takes the given values."""
    script = Script(**{name: values})
    model = model or make_model()
    settings = {"epochs": len(values), "verbose": 0, **settings}
    history = model.fit(X, Y, callbacks=[script, callback], **settings)
    return history, script, model


# ---- EarlyStopping ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "values", "epochs"),
    [
        ({}, [1, 2, 3], 2),
        ({}, [3, 2, 1], 3),
        ({"patience": 2}, [2, 3, 3, 1], 3),
        ({"patience": 2}, [2, 3, 1, 1, 1, 1], 5),
        ({"patience": 1, "min_delta": 0.5}, [2, 1.6, 1], 2),
        ({"patience": 1, "min_delta": -0.5}, [2, 1.4, 1.2], 3),
        ({"patience": 1, "mode": "max"}, [2, 3, 1], 3),
        ({"patience": 1, "mode": "max"}, [2, 1, 3], 2),
        ({"patience": 2, "baseline": 1.0}, [3, 2, 1.5, 1.4, 1.4], 5),
        ({"patience": 2, "baseline": 1.0}, [3, 2, 2, 1], 3),
        ({"patience": 2, "baseline": 1.0}, [0.5, 0.7, 0.6, 0.1], 3),
        ({"patience": 1, "start_from_epoch": 3}, [1, 2, 3, 4, 5, 6], 5),
        ({"patience": 1}, [1, float("nan"), 0], 2),
    ],
)
def test_early_stopping(settings, values, epochs):
    stop = EarlyStopping("loss", **settings)
    history, _, _ = run(stop, values)
    assert len(history.epoch) == epochs
    assert stop.stopped_epoch in (0, epochs - 1)


def test_differences_are_compared_as_metrics_are_computed():
    """In float64, 0.7 + 0.1 is smaller than 0.8."""
    history, _, _ = run(EarlyStopping("loss", min_delta=0.1), [0.8, 0.7, 0.1])
    assert len(history.epoch) == 2


@pytest.mark.parametrize(
    ("settings", "values", "best"),
    [
        ({"patience": 2}, [3, 1, 2, 2], 1),
        ({"patience": 9}, [3, 1, 2, 2], 1),  # also where training is not stopped
        ({"patience": 2, "baseline": 0.5}, [3, 2, 2, 2], 1),
        ({"patience": 2, "start_from_epoch": 2}, [0, 0, 5, 4, 6, 6], 3),
        ({"patience": 1}, [float("nan"), float("nan"), 0], 0),
    ],
)
def test_best_weights_come_back(settings, values, best):
    stop = EarlyStopping("loss", restore_best_weights=True, **settings)
    _, script, model = run(stop, values)
    assert stop.best_epoch == best
    for mine, theirs in zip(model.get_weights(), script.weights[best], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert not np.array_equal(script.weights[best][0], script.weights[best - 1][0])


def test_without_restoring_the_last_weights_stay():
    _, script, model = run(EarlyStopping("loss", patience=2), [3, 1, 2, 2])
    np.testing.assert_array_equal(model.get_weights()[0], script.weights[-1][0])


def test_early_stopping_can_be_used_again():
    stop = EarlyStopping("loss", patience=1)
    for _ in range(2):
        assert len(run(stop, [2, 3, 3])[0].epoch) == 2
    assert len(run(stop, [9, 8, 7])[0].epoch) == 3
    assert stop.stopped_epoch == 0


def test_early_stopping_says_what_it_does(capsys):
    run(EarlyStopping("loss", patience=1, verbose=1, restore_best_weights=True), [1, 2, 3])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 2: training stops, loss has not improved for 1 epochs",
        "The weights of epoch 1, the best one, are restored",
    ]


# ---- which metric, and which way ----------------------------------------------------------------


@pytest.mark.parametrize("cls", [EarlyStopping, ReduceLROnPlateau])
def test_a_metric_that_is_not_there_is_named_with_those_that_are(cls):
    model = make_model(metrics=["mae"])
    with pytest.warns(UserWarning, match=r"'val_mae', which is .* are: loss, mae.*mean 'mae'"):
        history, _, _ = run(cls("val_mae"), [1, 1], model=model)
    assert len(history.epoch) == 2


@pytest.mark.parametrize("cls", [EarlyStopping, ReduceLROnPlateau])
def test_a_metric_of_unknown_direction(cls):
    with pytest.raises(ValueError, match=r"mode='max'.*monitor='val_acc'.*are: loss"):
        run(cls("val_acc"), [1, 2])
    history, _, _ = run(cls("gain", mode="max"), [1, 2, 3], name="gain")
    assert len(history.epoch) == 3
    with pytest.raises(ValueError, match="monitor='gain' with mode='auto'"):
        run(cls("gain"), [1, 2], name="gain")


def test_an_unknown_mode_is_auto():
    with pytest.warns(UserWarning, match="received mode='least'"):
        assert EarlyStopping(mode="least").mode == "auto"


def test_a_metric_of_several_values():
    with pytest.raises(ValueError, match="expected a metric with a single value"):
        run(EarlyStopping("loss"), [np.ones(2), np.ones(2)])


class Gain(metrics.Mean):
    """A metric that says which way it goes."""

    _direction = "up"


def gain(y_true, y_pred):
    return y_true - y_pred


@pytest.mark.parametrize(
    ("given", "name", "goes"),
    [
        ("accuracy", "accuracy", "up"),
        ("mae", "val_mae", "down"),
        (metrics.CosineSimilarity(name="angle"), "val_angle", "up"),
        (pynn.losses.mean_squared_error, "mean_squared_error", "down"),
        (pynn.losses.MeanSquaredError(), "mean_squared_error", "down"),
        (gain, "gain", None),
    ],
)
def test_direction_goes_by_the_metric(given, name, goes):
    model = make_model(metrics=[given])
    stop = EarlyStopping(name)
    if goes is None:
        with pytest.raises(ValueError, match="what is better"):
            run(stop, [1, 2], model=model)
        return
    values = [1, 2, 3, 4] if goes == "up" else [4, 3, 2, 1]
    for sequence, epochs in ((values, 4), (values[::-1], 2)):
        stop = EarlyStopping(name)
        history, _, _ = run(stop, sequence, name=name, model=make_model(metrics=[given]))
        assert len(history.epoch) == epochs


def test_direction_of_a_metric_of_ones_own():
    assert direction(Gain()) == "up"
    assert direction(metrics.Mean()) is None
    assert direction(metrics.MeanMetricWrapper(gain)) is None


def test_directions_are_of_one_kind():
    assert not _UP & _DOWN


def test_metrics_of_several_outputs():
    inputs = pynn.Input((3,))
    outputs = [layers.Dense(1, name=name)(inputs) for name in ("left", "right")]
    model = pynn.Model(inputs, outputs)
    model.compile("sgd", "mse", metrics={"right": ["accuracy"]})
    for name, values in (("right_accuracy", [1, 2, 1]), ("val_left_loss", [2, 1, 2])):
        stop = EarlyStopping(name)
        script = Script(**{name: values})
        model.fit(X, [Y, Y], epochs=3, verbose=0, callbacks=[script, stop])
        assert stop.stopped_epoch == 2


# ---- ReduceLROnPlateau --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "values", "rates"),
    [
        ({"patience": 1}, [2, 2, 2], [0.1, 0.1, 0.05]),
        ({"patience": 2}, [2, 2, 2, 2], [0.1, 0.1, 0.1, 0.05]),
        ({"patience": 1}, [2, 1, 0], [0.1, 0.1, 0.1]),
        ({"patience": 1, "min_delta": 2}, [2, 1, 0], [0.1, 0.1, 0.05]),
        ({"patience": 1, "mode": "max"}, [2, 1, 0], [0.1, 0.1, 0.05]),
        ({"patience": 1, "min_lr": 0.08}, [2, 2, 2, 2], [0.1, 0.1, 0.08, 0.08]),
        ({"patience": 1, "cooldown": 2}, [2] * 6, [0.1, 0.1, 0.05, 0.05, 0.025, 0.025]),
        ({"patience": 1, "cooldown": 0}, [2] * 4, [0.1, 0.1, 0.05, 0.025]),
    ],
)
def test_reduce_lr_on_plateau(settings, values, rates):
    history, script, _ = run(ReduceLROnPlateau("loss", factor=0.5, **settings), values)
    np.testing.assert_allclose(script.rates, rates, rtol=1e-6)
    np.testing.assert_allclose(history.history["learning_rate"], rates, rtol=1e-6)


def test_reduced_steps_are_smaller():
    """The rate acts on the compiled step: with a factor of 0, weights no longer move."""
    _, script, _ = run(ReduceLROnPlateau("loss", factor=0.0, patience=1), [1, 1, 1, 1])
    assert not np.array_equal(script.weights[0][0], script.weights[1][0])
    np.testing.assert_array_equal(script.weights[1][0], script.weights[3][0])


def test_reduce_lr_says_what_it_does(capsys, monkeypatch):
    reduce = ReduceLROnPlateau("loss", factor=0.5, patience=1, verbose=1)
    run(reduce, [1, 1])
    expected = "Epoch 2: loss does not improve, the learning rate falls to 0.05\n"
    assert capsys.readouterr().out == expected
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdout", terminal)
    run(reduce, [1, 1], verbose=1)
    assert "\n" + expected in terminal.getvalue()  # on a line of its own


@pytest.mark.parametrize("factor", [1.0, 2.0, -0.1, float("nan")])
def test_reduce_lr_factor_out_of_range(factor):
    with pytest.raises(ValueError, match="0 <= factor < 1; received factor"):
        ReduceLROnPlateau(factor=factor)


def test_reduce_lr_with_an_unknown_argument():
    with pytest.warns(UserWarning, match=r"received \['epsilon'\]"):
        ReduceLROnPlateau(epsilon=0.1)


# ---- LearningRateScheduler ----------------------------------------------------------------------


class Falling(pynn.optimizers.schedules.LearningRateSchedule):
    """A schedule of its own, which may be counted in epochs as well."""

    def __call__(self, step):
        return 0.5 * pynn.ops.power(0.2, pynn.ops.cast(step, "float32"))


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (lambda epoch: 0.5 / (epoch + 1), [0.5, 0.25]),
        (lambda epoch, rate: rate / 2, [0.05, 0.025]),
        (lambda epoch, rate: np.float32(rate), [0.1, 0.1]),
        (lambda epoch, rate: rate * pynn.ops.exp(0.0), [0.1, 0.1]),
        (lambda epoch, rate=7.0: rate, [0.1, 0.1]),
        (Falling(), [0.5, 0.1]),
        (math.hypot, [0.1, math.hypot(1, 0.1)]),  # of C, which does not tell its arguments
    ],
)
def test_learning_rate_scheduler(schedule, rates):
    history, _, _ = run(LearningRateScheduler(schedule), [1, 1])
    np.testing.assert_allclose(history.history["learning_rate"], rates, rtol=1e-6)


def test_a_type_error_inside_a_schedule_is_shown():
    def schedule(epoch, rate):
        return rate + "wrong"

    with pytest.raises(TypeError, match="unsupported operand"):
        run(LearningRateScheduler(schedule), [1])


@pytest.mark.parametrize("rate", [1, None, "0.1", [0.1], np.float32([0.1]), True])
def test_a_schedule_that_returns_no_float(rate):
    with pytest.raises(ValueError, match="expected schedule to return a float; received"):
        run(LearningRateScheduler(lambda epoch: rate), [1])


def test_scheduler_with_an_optimizer_that_has_a_schedule():
    with pytest.raises(TypeError, match="expected a schedule in place"):
        run(
            LearningRateScheduler(lambda epoch: 0.1),
            [1],
            model=make_model(pynn.optimizers.SGD(Falling())),
        )


def test_scheduler_says_what_it_does(capsys):
    run(LearningRateScheduler(lambda epoch: 0.25, verbose=1), [1])
    assert capsys.readouterr().out == "Epoch 1: the learning rate is set to 0.25\n"


class Several:
    """Looks like an optimizer that is made of two."""

    def __init__(self):
        self.optimizers = [pynn.optimizers.SGD(rate, name=f"r{rate}") for rate in (1.0, 2.0)]


class Trained:
    """A model as callbacks see it."""

    def __init__(self):
        self.optimizer = Several()


def test_an_optimizer_made_of_several(capsys):
    """Each part has a learning rate of its own."""
    schedule = LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1)
    reduce = ReduceLROnPlateau("loss", factor=0.1, patience=0, verbose=1)
    model, logs = Trained(), {"loss": 1.0}
    for callback in (schedule, reduce):
        callback.set_model(model)
    schedule.on_epoch_begin(0)
    schedule.on_epoch_end(0, logs)
    assert logs == {"loss": 1.0, "learning_rate_r1.0": 0.5, "learning_rate_r2.0": 1.0}
    for epoch in range(2):
        reduce.on_epoch_end(epoch, logs)
    rates = [float(part.learning_rate) for part in model.optimizer.optimizers]
    np.testing.assert_allclose(rates, [0.05, 0.1], rtol=1e-6)
    assert "the learning rate of r2.0 falls to 0.1" in capsys.readouterr().out
