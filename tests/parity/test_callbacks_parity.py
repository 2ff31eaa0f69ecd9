"""Callbacks decide as those of Keras when both see the same logs."""

import inspect
import json
import warnings

import numpy as np
import pytest
from loopback_server import loopback_server

import pynn
from pynn.callbacks import directions

RNG = np.random.default_rng(0)
# With ties, and steps of exactly the `min_delta` below.
SEQUENCES = [RNG.integers(0, 6, 12) / 5 for _ in range(8)]
SEQUENCES += [np.linspace(1, 0, 12), np.linspace(0, 1, 12), np.full(12, 0.5)]
SEQUENCES += [np.where(np.arange(12) % 4 == 1, np.nan, SEQUENCES[0])]
PUBLIC = ["CSVLogger", "EarlyStopping", "LambdaCallback", "LearningRateScheduler"]
PUBLIC += ["ReduceLROnPlateau", "RemoteMonitor", "SwapEMAWeights", "TerminateOnNaN"]


class Model:
    """What callbacks ask a model for; its weights are the number of the epoch."""

    def __init__(self, library, metrics=()):
        self.optimizer = library.optimizers.SGD(0.1)
        self.metrics = list(metrics)
        self.stop_training = False
        self.weights = None

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def drive(library, make, logs_of_epochs, model=None):
    """Calls a callback as `fit` does; returns what it did."""
    callback, model = make(library), model or Model(library)
    epochs = len(logs_of_epochs)
    callback.set_params({"verbose": 0, "epochs": epochs, "steps": 1})
    callback.set_model(model)
    callback.on_train_begin()
    seen = []
    for epoch, logs in enumerate(logs_of_epochs):
        logs = dict(logs)
        callback.on_epoch_begin(epoch)
        model.weights = [epoch]
        callback.on_epoch_end(epoch, logs)
        rate = float(model.optimizer.learning_rate)
        seen.append((list(logs), logs.get("learning_rate"), rate, model.stop_training))
        if model.stop_training:
            break
    callback.on_train_end(logs)
    names = ("stopped_epoch", "best_epoch", "best", "wait", "cooldown_counter", "min_delta")
    state = {name: getattr(callback, name, None) for name in names}
    return seen, state, model.weights


def assert_same(keras, make, logs_of_epochs):
    ours, theirs = (drive(library, make, logs_of_epochs) for library in (pynn, keras))
    np.testing.assert_equal(ours, theirs)


@pytest.mark.parametrize("name", PUBLIC)
def test_signatures(keras, name):
    ours, theirs = (
        [
            (p.name, p.kind, p.default)
            for p in inspect.signature(getattr(library.callbacks, name)).parameters.values()
        ]
        for library in (pynn, keras)
    )
    assert ours == theirs


@pytest.mark.parametrize("mode", ["auto", "min", "max"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"patience": 2},
        {"patience": 2, "min_delta": 0.2},
        {"patience": 1, "min_delta": -0.2, "restore_best_weights": True},
        {"patience": 3, "baseline": 0.4, "restore_best_weights": True},
        {"patience": 3, "baseline": 0.4},
        {"patience": 2, "start_from_epoch": 4, "restore_best_weights": True},
        {"patience": 20, "restore_best_weights": True},
    ],
)
def test_early_stopping(keras, settings, mode):
    for sequence in SEQUENCES:
        logs = [{"loss": float(value)} for value in sequence]
        assert_same(
            keras, lambda lib: lib.callbacks.EarlyStopping("loss", mode=mode, **settings), logs
        )


@pytest.mark.parametrize("mode", ["auto", "min", "max"])
@pytest.mark.parametrize(
    "settings",
    [
        {"patience": 1},
        {"patience": 2, "factor": 0.5},
        {"patience": 1, "cooldown": 2},
        {"patience": 0, "cooldown": 1, "factor": 0.7},
        {"patience": 1, "min_delta": 0.2, "factor": 0.3},
        {"patience": 1, "min_lr": 0.03, "factor": 0.5},
        {"patience": 1, "min_lr": 0.1},
        {"patience": 1, "factor": 0.0},
    ],
)
def test_reduce_lr_on_plateau(keras, settings, mode):
    for sequence in SEQUENCES:
        logs = [{"loss": float(value)} for value in sequence]
        assert_same(
            keras, lambda lib: lib.callbacks.ReduceLROnPlateau("loss", mode=mode, **settings), logs
        )


@pytest.mark.parametrize(
    "schedule",
    [
        lambda epoch: 0.1 / (epoch + 1),
        lambda epoch, rate: rate * 0.9,
        lambda epoch, rate: np.float32(rate / 2),
        lambda epoch, rate: np.float64(rate / 3),
    ],
)
def test_learning_rate_scheduler(keras, schedule):
    make = lambda lib: lib.callbacks.LearningRateScheduler(schedule)  # noqa: E731
    assert_same(keras, make, [{"loss": 1.0}] * 5)


@pytest.mark.parametrize("rate", [1, None, "0.1", [0.1], True])
def test_schedules_that_both_refuse(keras, rate):
    for library in (pynn, keras):
        with pytest.raises(ValueError, match="a float"):
            drive(library, lambda lib: lib.callbacks.LearningRateScheduler(lambda e: rate), [{}])


@pytest.mark.parametrize("name", ["EarlyStopping", "ReduceLROnPlateau"])
@pytest.mark.parametrize("monitor", ["val_loss", "accuracy", "acc", "val_accuracy", "x"])
@pytest.mark.parametrize("mode", ["auto", "min", "other"])
def test_names_that_are_not_there(keras, name, monitor, mode):
    """The same kind of error, or as many warnings."""

    def outcome(library):
        metrics = [library.metrics.BinaryAccuracy(name="accuracy")]
        model = library.Sequential([library.Input((1,)), library.layers.Dense(1)])
        model.compile("sgd", "mse", metrics=metrics)
        callback = getattr(library.callbacks, name)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                stop = callback(monitor, mode=mode)
                x = np.ones((4, 1), "float32")
                model.fit(x, x, epochs=2, verbose=0, callbacks=[stop])
            except Exception as error:
                return type(error)
        return [one.category for one in caught if "metric" in str(one.message)]

    assert outcome(pynn) == outcome(keras)


ARGUMENTS = {
    "BinaryIoU": {},
    "IoU": {"num_classes": 2, "target_class_ids": [0]},
    "MeanIoU": {"num_classes": 2},
    "MeanMetricWrapper": {"fn": abs},
    "OneHotIoU": {"num_classes": 2, "target_class_ids": [0]},
    "OneHotMeanIoU": {"num_classes": 2},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}


def test_directions(keras):
    """Of every metric class of Keras; a metric that is missing here yet has its direction ready."""
    ours, theirs = {}, {}
    for name, cls in vars(keras.metrics).items():
        if inspect.isclass(cls) and name != "Metric":
            theirs[name] = getattr(cls(**ARGUMENTS.get(name, {})), "_direction", None)
            ours[name] = "up" if name in directions._UP else None
            ours[name] = "down" if name in directions._DOWN else ours[name]
            here = getattr(pynn.metrics, name, None)
            if here is not None:
                assert directions.direction(here(**ARGUMENTS.get(name, {}))) == ours[name], name
    assert ours == theirs
    assert {"up", "down", None} == set(theirs.values())


def test_directions_of_losses_as_metrics(keras):
    for name in ("mean_squared_error", "cosine_similarity", "hinge", "kl_divergence"):
        wrapped = [
            library.metrics.MeanMetricWrapper(getattr(library.losses, name))
            for library in (pynn, keras)
        ]
        assert directions.direction(wrapped[0]) == wrapped[1]._direction == "down"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "logs_of_epochs",
    [
        [{"loss": 0.5, "accuracy": 1.0}] * 2,
        [{"loss": 0.5, "val_loss": 0.25}, {"loss": 0.1}],
        [{"loss": 0.5}, {"loss": 0.1, "val_loss": 1e-9, "new": 2.0}],
        [{"loss": 0.5, "each": np.float32([1.5, 2.5]), "zero": np.array(3.0)}],
        [{"text": 'a "word", or two', "list": [1, 2]}],
        [{}, {"loss": 1.0}],
        [],
    ],
)
def test_csv_logger(keras, logs_of_epochs, separator, tmp_path):
    for append in (False, True):
        for library in (pynn, keras):
            path = tmp_path / library.__name__
            logger = library.callbacks.CSVLogger(path, separator, append)
            for _ in range(2):
                logger.on_train_begin()
                for epoch, logs in enumerate(logs_of_epochs):
                    logger.on_epoch_end(epoch, dict(logs))
                logger.on_train_end()
        assert (tmp_path / "pynn").read_bytes() == (tmp_path / "keras").read_bytes()


@pytest.mark.parametrize("as_json", [False, True])
def test_remote_monitor(keras, as_json):
    pytest.importorskip("requests", reason="Keras's RemoteMonitor needs requests")
    logs = {"loss": 0.5, "b c": np.float32(0.25), "d": np.array(2.0), "nested/name": 1}
    with loopback_server() as server:
        for library in (pynn, keras):
            monitor = library.callbacks.RemoteMonitor(
                server.root, "/a/b", "field", headers={"X-Run": "7"}, send_as_json=as_json
            )
            monitor.on_epoch_end(3, logs)
    ours, theirs = (
        (path, headers["Content-Type"], headers["X-Run"], json.loads(body) if as_json else body)
        for path, headers, body in server.received
    )
    assert ours == theirs


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_swap_ema_weights(keras, swap_on_epoch):
    """The weights at every hook of `fit`, and the history."""
    x = RNG.normal(size=(20, 3)).astype("float32")
    start = RNG.normal(size=(3, 1)).astype("float32")

    def outcome(library):
        seen = []

        def watch(*_):
            seen.append(model.get_weights()[0].copy())

        hooks = ("on_epoch_begin", "on_epoch_end", "on_train_end")
        watcher = library.callbacks.LambdaCallback(**dict.fromkeys(hooks, watch))
        model = library.Sequential([library.Input((3,)), library.layers.Dense(1, use_bias=False)])
        model.set_weights([start])
        model.compile(library.optimizers.SGD(0.2, use_ema=True, ema_momentum=0.8), "mse")
        history = model.fit(
            x,
            x[:, :1],
            batch_size=5,
            epochs=4,
            shuffle=False,
            verbose=0,
            validation_data=(x, x[:, :1]),
            callbacks=[library.callbacks.SwapEMAWeights(swap_on_epoch), watcher],
        ).history
        return seen, history

    (ours, our_history), (theirs, their_history) = outcome(pynn), outcome(keras)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(our_history["val_loss"], their_history["val_loss"], rtol=1e-4)


def test_an_optimizer_made_of_several(keras):
    """Every part has its learning rate in the logs, and its average."""
    x = RNG.normal(size=(20, 3)).astype("float32")

    def outcome(library):
        layers, optimizers = library.layers, library.optimizers
        model = library.Sequential(
            [library.Input((3,)), layers.Dense(2, name="a"), layers.Dense(1, name="b")]
        )
        model.set_weights([np.full(w.shape, 0.1, "float32") for w in model.get_weights()])
        settings = {"use_ema": True, "ema_momentum": 0.8}
        parts = optimizers.OptimizerMap(optimizers.SGD(0.2, name="one", **settings))
        parts[".*a/.*"] = optimizers.SGD(0.1, name="two", **settings)
        model.compile(optimizers.MultiOptimizer(parts), "mse")
        callbacks = [
            library.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5),
            library.callbacks.ReduceLROnPlateau("loss", patience=0, mode="max"),
            library.callbacks.SwapEMAWeights(),
        ]
        data = (x, x[:, :1])
        settings = {"batch_size": 5, "shuffle": False, "verbose": 0, "validation_data": data}
        return model.fit(*data, epochs=3, callbacks=callbacks, **settings).history

    ours, theirs = outcome(pynn), outcome(keras)
    assert list(ours) == list(theirs)
    assert {"learning_rate_one", "learning_rate_two"} < set(ours)
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, err_msg=name)


def test_swapping_what_is_not_there(keras):
    for library in (pynn, keras):
        model = library.Sequential([library.Input((1,)), library.layers.Dense(1)])
        model.compile("sgd", "mse")
        swap = library.callbacks.SwapEMAWeights()
        with pytest.raises(ValueError, match="use_ema"):
            model.evaluate(np.ones((2, 1)), np.ones((2, 1)), verbose=0, callbacks=[swap])


@pytest.mark.parametrize("name", ["EarlyStopping", "ReduceLROnPlateau"])
def test_whole_fits(keras, name):
    """With real logs, from the same weights: the same epochs, rates and weights in the end."""
    x = RNG.normal(size=(60, 4)).astype("float32")
    y = RNG.normal(size=(60, 1)).astype("float32")
    start = [RNG.normal(size=shape).astype("float32") for shape in ((4, 8), (8,), (8, 1), (1,))]
    settings = {
        "EarlyStopping": {"patience": 3, "restore_best_weights": True},
        "ReduceLROnPlateau": {"patience": 1, "factor": 0.5},
    }[name]

    def outcome(library):
        layers = library.layers
        model = library.Sequential([library.Input((4,)), layers.Dense(8, "tanh"), layers.Dense(1)])
        model.set_weights(start)
        model.compile(library.optimizers.SGD(0.2), "mse", metrics=["mae"])
        callback = getattr(library.callbacks, name)("val_mae", **settings)
        history = model.fit(
            x, y, epochs=30, validation_split=0.3, shuffle=False, verbose=0, callbacks=[callback]
        ).history
        return history, model.get_weights()

    (ours, our_weights), (theirs, their_weights) = outcome(pynn), outcome(keras)
    assert list(ours) == list(theirs)
    for metric in ours:
        np.testing.assert_allclose(ours[metric], theirs[metric], rtol=1e-3, err_msg=metric)
    assert len(ours["loss"]) < 30 or len(set(ours["learning_rate"])) > 1
    for a, b in zip(our_weights, their_weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-2, atol=1e-4)
