"""compile, fit, evaluate, predict and their batch forms."""

import signal
import threading
import time
import tracemalloc

import numpy as np
import pytest

import pynn
from pynn import layers, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 6))
LABELS = RNG.integers(0, 3, 70).astype(np.uint8)
TARGETS = X @ RNG.normal(size=(6, 1)) + 0.1


def classifier(**compile_settings):
    pynn.utils.set_random_seed(1)
    model = pynn.Sequential(
        [
            pynn.Input((6,)),
            layers.Dense(8, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    settings = {
        "optimizer": "adam",
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
        **compile_settings,
    }
    model.compile(**settings)
    return model


def regressor(**compile_settings):
    pynn.utils.set_random_seed(1)
    model = pynn.Sequential([pynn.Input((6,)), layers.Dense(1)])
    model.compile(**{"optimizer": pynn.optimizers.SGD(0.05), "loss": "mse", **compile_settings})
    return model


def two_outputs(**compile_settings):
    pynn.utils.set_random_seed(1)
    inputs = pynn.Input((6,))
    hidden = layers.Dense(8, activation="relu")(inputs)
    outputs = [
        layers.Dense(3, activation="softmax", name="kind")(hidden),
        layers.Dense(1, name="size")(hidden),
    ]
    model = pynn.Model(inputs, outputs)
    model.compile(**compile_settings)
    return model


def weights_of(model):
    return [weight.copy() for weight in model.get_weights()]


def assert_same_weights(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_linear_model_learns():
    model = regressor()
    history = model.fit(X, TARGETS, epochs=60, verbose=0)
    assert history.history["loss"][-1] < 1e-3
    assert history.epoch == list(range(60))
    assert model.history is history


def test_loss_is_the_mean_over_rows_with_a_short_last_batch():
    model = regressor(optimizer=pynn.optimizers.SGD(0.0))
    history = model.fit(X, TARGETS, batch_size=32, verbose=0)
    expected = ((model.predict(X, verbose=0) - TARGETS) ** 2).mean()
    assert history.history["loss"][0] == pytest.approx(expected, rel=1e-5)
    assert model.evaluate(X, TARGETS, verbose=0) == pytest.approx(expected, rel=1e-5)


def test_history_names():
    model = classifier(metrics=["accuracy"], weighted_metrics=["accuracy"])
    history = model.fit(X, LABELS, validation_data=(X, LABELS), verbose=0)
    names = ["accuracy", "loss", "weighted_accuracy"]
    assert list(history.history) == sorted(names + [f"val_{name}" for name in names])
    assert all(type(value) is float for values in history.history.values() for value in values)


@pytest.mark.parametrize(
    ("outputs", "targets", "kind"),
    [
        (1, (RNG.random((70, 1)) > 0.5) * 1.0, pynn.metrics.BinaryAccuracy),
        (3, LABELS, pynn.metrics.SparseCategoricalAccuracy),
        (3, LABELS[:, None], pynn.metrics.SparseCategoricalAccuracy),
        (3, np.eye(3)[LABELS], pynn.metrics.CategoricalAccuracy),
    ],
)
def test_accuracy_and_crossentropy_are_resolved_by_shape(outputs, targets, kind):
    activation = "sigmoid" if outputs == 1 else "softmax"
    model = pynn.Sequential([layers.Dense(outputs, activation=activation)])
    model.compile("sgd", "crossentropy", metrics=["accuracy"])
    model.fit(X, targets, verbose=0)
    assert type(model._compile_metrics.metrics[0]) is kind


def test_targets_without_a_column_are_aligned_with_outputs_that_have_one():
    with_column, without = regressor(metrics=["mae"]), regressor(metrics=["mae"])
    a = with_column.fit(X, TARGETS, verbose=0, shuffle=False)
    b = without.fit(X, TARGETS[:, 0], verbose=0, shuffle=False)
    assert a.history == b.history


def test_one_batch_at_a_time_is_what_fit_does():
    fitted, stepped = classifier(), classifier()
    fitted.fit(X, LABELS, batch_size=32, shuffle=False, verbose=0)
    for begin in (0, 32, 64):
        logs = stepped.train_on_batch(X[begin : begin + 32], LABELS[begin : begin + 32])
    assert len(logs) == 2
    assert_same_weights(weights_of(fitted), weights_of(stepped))


@pytest.mark.parametrize("eager", [False, True])
def test_results_of_one_batch(eager):
    model = regressor(metrics=["mae"], run_eagerly=eager)
    expected = np.abs(model.predict(X, verbose=0) - TARGETS).mean()
    loss, mae = model.test_on_batch(X, TARGETS)
    assert mae == pytest.approx(expected, rel=1e-5)
    logs = model.train_on_batch(X, TARGETS, return_dict=True)
    assert logs == {"loss": loss, "mae": mae}
    np.testing.assert_array_equal(model.predict_on_batch(X), model.predict(X, batch_size=70))


def test_evaluate_returns_in_the_order_of_the_metrics():
    model = classifier()
    logs = model.evaluate(X, LABELS, verbose=0, return_dict=True)
    assert model.evaluate(X, LABELS, verbose=0) == [logs["loss"], logs["accuracy"]]


@pytest.mark.parametrize("rows", [1, 5, 32, 33, 70])
def test_predict_does_not_depend_on_the_batch_size(rows):
    model = classifier()
    expected = model(X[:rows].astype(np.float32)).numpy()
    result = model.predict(X[:rows], verbose=0)
    assert result.dtype == np.float32
    assert result.flags.writeable
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(model.predict(X[:rows], batch_size=7, verbose=0)[:rows], result)


def test_predict_keeps_the_structure_of_the_outputs():
    class Pair(pynn.Model):
        def call(self, inputs):
            return {"double": inputs * 2.0, "sum": ops.sum(inputs, axis=-1)}

    result = Pair().predict(X, verbose=0)
    assert sorted(result) == ["double", "sum"]
    np.testing.assert_allclose(result["double"], 2 * X, rtol=1e-6)
    assert result["sum"].shape == (70,)
    batches = Pair().predict((X[i : i + 20] for i in range(0, 70, 20)), verbose=0)
    np.testing.assert_array_equal(batches["double"], result["double"])


def test_concurrent_predictions_are_exact():
    model = classifier()
    expected = [model.predict(X[i : i + 9], verbose=0) for i in range(8)]
    wrong = []

    def work(i):
        for _ in range(50):
            if not np.array_equal(model.predict(X[i : i + 9], verbose=0), expected[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_second_fit_at_the_same_time_raises():
    model = classifier()
    refit = pynn.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: model.fit(X, LABELS, verbose=0)
    )
    with pytest.raises(RuntimeError, match="one fit"):
        model.fit(X, LABELS, verbose=0, callbacks=[refit])
    model.fit(X, LABELS, verbose=0)  # and afterwards it may be fitted again


def test_validation_split_takes_the_last_rows():
    split, explicit = classifier(), classifier()
    a = split.fit(X, LABELS, validation_split=0.2, shuffle=False, verbose=0)
    b = explicit.fit(
        X[:56], LABELS[:56], validation_data=(X[56:], LABELS[56:]), shuffle=False, verbose=0
    )
    assert a.history == b.history


def test_validation_frequency():
    model = classifier()
    seen = []
    record = pynn.callbacks.LambdaCallback(on_test_end=lambda logs: seen.append(model))
    data = {"validation_data": (X, LABELS), "verbose": 0, "callbacks": [record]}
    model.fit(X, LABELS, epochs=4, validation_freq=2, **data)
    assert len(seen) == 2
    model.fit(X, LABELS, epochs=4, validation_freq=[1, 4], **data)
    assert len(seen) == 4


def test_initial_epoch():
    history = classifier().fit(X, LABELS, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4]


@pytest.mark.parametrize("weight", [2, 3])
def test_a_sample_weight_is_repetition(weight):
    weights = np.where(LABELS == 1, weight, 1).astype(np.float32)
    rows = np.repeat(np.arange(70), weights.astype(int))
    sum_loss = pynn.losses.SparseCategoricalCrossentropy(reduction="sum")
    weighted = classifier(loss=sum_loss, optimizer=pynn.optimizers.SGD(0.01))
    weighted.train_on_batch(X, LABELS, sample_weight=weights)
    by_class = classifier(loss=sum_loss, optimizer=pynn.optimizers.SGD(0.01))
    by_class.train_on_batch(X, LABELS, class_weight={1: weight})
    repeated = classifier(loss=sum_loss, optimizer=pynn.optimizers.SGD(0.01))
    repeated.train_on_batch(X[rows], LABELS[rows])
    assert_same_weights(weights_of(weighted), weights_of(by_class))
    for a, b in zip(weights_of(weighted), weights_of(repeated), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("targets", [LABELS, LABELS[:, None], np.eye(3)[LABELS]])
def test_class_weight_is_the_same_for_every_input_path(targets):
    loss = "sparse_categorical_crossentropy"
    if targets.shape[-1] == 3:
        loss = "categorical_crossentropy"
    class_weight = {0: 1.0, 1: 4.0}
    arrays, batches = classifier(loss=loss), classifier(loss=loss)
    a = arrays.fit(X, targets, class_weight=class_weight, shuffle=False, verbose=0)
    parts = [(X[i : i + 32], targets[i : i + 32]) for i in (0, 32, 64)]
    b = batches.fit(iter(parts), class_weight=class_weight, verbose=0)
    assert a.history == b.history
    assert_same_weights(weights_of(arrays), weights_of(batches))


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "bool"])
def test_class_weights_by_row(dtype):
    from pynn.training.data import class_weight_to_sample_weight

    rows = 150_000  # several of the pieces in which rows are looked at
    labels = RNG.integers(0, 2 if dtype == "bool" else 200, rows).astype(dtype)
    class_weight = {150: 4.0, -3: 7.0, 0: 0.5, np.int64(1): 2.0, 10**12: 9.0}
    expected = np.array([class_weight.get(int(label), 1.0) for label in labels], "float32")
    for y in (labels, labels[:, None]):
        weights = class_weight_to_sample_weight("fit", y, class_weight)
        assert weights.dtype == np.float32
        np.testing.assert_array_equal(weights, expected)
    np.testing.assert_array_equal(class_weight_to_sample_weight("fit", labels, {}), 1.0)


class Batches:
    """Batches with a length, in the way of PyDataset."""

    def __len__(self):
        return 3

    def __getitem__(self, i):
        return X[32 * i : 32 * i + 32], LABELS[32 * i : 32 * i + 32]


@pytest.mark.parametrize("kind", ["generator", "indexed", "restartable"])
def test_batches_are_trained_on_like_arrays(kind):
    expected, model = classifier(), classifier()
    expected.fit(X, LABELS, epochs=2, shuffle=False, verbose=0)
    if kind == "generator":
        source = (Batches()[i % 3] for i in range(6))
        model.fit(source, epochs=2, steps_per_epoch=3, verbose=0)
    elif kind == "indexed":
        model.fit(Batches(), epochs=2, shuffle=False, verbose=0)
    else:

        class Restartable:
            def __iter__(self):
                return (Batches()[i] for i in range(3))

        model.fit(Restartable(), epochs=2, verbose=0)
    assert_same_weights(weights_of(expected), weights_of(model))


def test_data_that_ends_early_raises():
    with pytest.raises(ValueError, match="expected 5 batches per epoch; received 3"):
        classifier().fit((Batches()[i] for i in range(3)), steps_per_epoch=5, verbose=0)
    with pytest.raises(ValueError, match="gone through only once"):
        classifier().fit((Batches()[i] for i in range(3)), epochs=2, verbose=0)


def test_steps_per_epoch_goes_on_where_the_last_epoch_ended():
    whole, parts = classifier(), classifier()
    whole.fit(X, LABELS, batch_size=10, epochs=1, shuffle=False, verbose=0)
    parts.fit(X, LABELS, batch_size=10, epochs=7, steps_per_epoch=1, shuffle=False, verbose=0)
    assert_same_weights(weights_of(whole), weights_of(parts))


def test_shuffled_epochs_see_every_row_once():
    seen = []

    class Recorder(pynn.Model):
        def call(self, inputs):
            return inputs

        def train_step(self, data):
            seen.append(np.asarray(data[0]).ravel())
            return {"loss": 0.0}

    model = Recorder()
    model.compile("sgd", "mse", run_eagerly=True)
    rows = np.arange(50.0).reshape(50, 1)
    for shuffle in (True, "batch"):
        seen.clear()
        model.fit(rows, rows, batch_size=8, epochs=2, shuffle=shuffle, verbose=0)
        first, second = np.concatenate(seen[:7]), np.concatenate(seen[7:])
        np.testing.assert_array_equal(np.sort(first), rows.ravel())
        np.testing.assert_array_equal(np.sort(second), rows.ravel())
        assert not np.array_equal(first, second)
    assert all(np.all(np.diff(batch) == 1) for batch in seen)  # batches stay together


def test_losses_and_metrics_by_output():
    model = two_outputs(
        optimizer="sgd",
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.5},
        metrics={"kind": ["accuracy"], "size": "mae"},
    )
    logs = model.evaluate(X, [LABELS, TARGETS], verbose=0, return_dict=True)
    assert sorted(logs) == ["kind_accuracy", "kind_loss", "loss", "size_loss", "size_mae"]
    assert logs["loss"] == pytest.approx(logs["kind_loss"] + 0.5 * logs["size_loss"], rel=1e-5)
    by_list = two_outputs(
        optimizer="sgd",
        loss=["sparse_categorical_crossentropy", "mse"],
        loss_weights=[1.0, 0.5],
        metrics=[["accuracy"], "mae"],
    )
    assert by_list.evaluate(X, (LABELS, TARGETS), verbose=0, return_dict=True) == logs
    named = {"size": TARGETS, "kind": LABELS}
    assert by_list.evaluate(X, named, verbose=0, return_dict=True) == logs


def test_an_output_without_a_loss():
    model = two_outputs(optimizer="sgd", loss=["sparse_categorical_crossentropy", None])
    before = weights_of(model)
    with pytest.warns(UserWarning, match="does not depend on"):
        history = model.fit(X, [LABELS, TARGETS], verbose=0)
    assert list(history.history) == ["loss"]
    with pytest.warns(UserWarning, match="does not depend on"):
        model.fit(X, [LABELS], verbose=0)
    np.testing.assert_array_equal(before[-1], weights_of(model)[-1])


def test_sample_weights_by_output():
    settings = {"optimizer": "sgd", "loss": ["sparse_categorical_crossentropy", "mse"]}
    model = two_outputs(**settings)
    zero, one = np.zeros(70), np.ones(70)
    logs = model.test_on_batch(X, [LABELS, TARGETS], sample_weight=[one, zero], return_dict=True)
    assert logs["size_loss"] == 0.0
    assert logs["loss"] == pytest.approx(logs["kind_loss"])
    both = model.test_on_batch(X, [LABELS, TARGETS], sample_weight=zero, return_dict=True)
    assert both["loss"] == 0.0


def test_several_inputs():
    pynn.utils.set_random_seed(0)
    first, second = pynn.Input((4,), name="first"), pynn.Input((2,), name="second")
    outputs = layers.Dense(1)(layers.Concatenate()([first, second]))
    results = []
    for x in ([X[:, :4], X[:, 4:]], {"first": X[:, :4], "second": X[:, 4:]}):
        model = pynn.Model([first, second], outputs)
        model.compile(pynn.optimizers.SGD(0.0), "mse")
        results.append(model.fit(x, TARGETS, verbose=0, shuffle=False).history["loss"])
    assert results[0] == results[1]


def test_nested_dict_outputs():
    class Nested(pynn.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(1), layers.Dense(1)

        def call(self, inputs):
            return {"out": {"a": self.a(inputs), "b": self.b(inputs)}}

    model = Nested()
    model.compile("sgd", {"out": {"a": "mse", "b": "mae"}})
    logs = model.train_on_batch(X, {"out": {"a": TARGETS, "b": TARGETS}}, return_dict=True)
    assert sorted(logs) == ["loss", "out/a_loss", "out/b_loss"]


def test_penalties_are_part_of_the_loss():
    model = regressor(optimizer=pynn.optimizers.SGD(0.0))
    plain = model.evaluate(X, TARGETS, verbose=0)
    model.layers[0].kernel_regularizer = pynn.regularizers.L2(0.1)
    penalty = 0.1 * (model.layers[0].kernel.numpy() ** 2).sum()
    assert model.evaluate(X, TARGETS, verbose=0) == pytest.approx(plain + penalty, rel=1e-5)
    assert model.fit(X, TARGETS, verbose=0).history["loss"][0] == pytest.approx(
        plain + penalty, rel=1e-5
    )


def test_a_loss_from_add_loss_alone():
    class Penalised(pynn.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, inputs):
            outputs = self.dense(inputs)
            self.add_loss(ops.mean(ops.square(outputs)))
            return outputs

    model = Penalised()
    model.compile(pynn.optimizers.SGD(0.1))
    losses = model.fit(X, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_custom_train_step():
    class Custom(pynn.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)
            self.distance = pynn.metrics.Mean(name="distance")

        def call(self, inputs):
            return self.dense(inputs)

        def train_step(self, data):
            x, y = data
            with pynn.GradientTape() as tape:
                loss = ops.mean(ops.square(y - self(x, training=True)))
            gradients = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
            self.distance.update_state(loss)
            return {"distance": self.distance.result(), "last": loss}

        @property
        def metrics(self):
            return [self.distance]

    model = Custom()
    model.compile(pynn.optimizers.SGD(0.05))
    history = model.fit(X, TARGETS, epochs=20, verbose=0).history
    assert list(history) == ["distance", "last"]
    assert history["distance"][-1] < 0.1 * history["distance"][0]


def test_overridden_compute_loss_and_metrics():
    class Custom(pynn.Sequential):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return ops.mean(ops.abs(y - y_pred))

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            return {**super().compute_metrics(x, y, y_pred, sample_weight), "twice": 2.0}

    model = Custom([layers.Dense(1)])
    model.compile(pynn.optimizers.SGD(0.0))
    history = model.fit(X, TARGETS, verbose=0, batch_size=70).history
    expected = np.abs(model.predict(X, verbose=0) - TARGETS).mean()
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)
    assert history["twice"] == [2.0]


def test_moving_average_of_weights_is_used_at_the_end():
    model = regressor(optimizer=pynn.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5))
    model.fit(X, TARGETS, epochs=2, verbose=0)
    average = model.optimizer.slot("average", model.layers[0].kernel).numpy()
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), average)


def test_compile_config_round_trip():
    model = classifier(optimizer=pynn.optimizers.Adam(0.5), weighted_metrics=["mae"])
    config = model.get_compile_config()
    other = classifier()
    other.compile_from_config(config)
    assert float(other.optimizer.learning_rate) == 0.5
    assert other.get_compile_config() == config


def test_float16_and_integers_and_lists_as_input():
    model = regressor()
    expected = model.predict(np.ones((3, 6), np.float32), verbose=0)
    for kind in (np.float64, np.float16, np.int64, np.uint8, bool):
        result = model.predict(np.ones((3, 6), kind), verbose=0)
        np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(model.predict([[1.0] * 6] * 3, verbose=0), expected)
    np.testing.assert_array_equal(model.predict(ops.ones((3, 6)), verbose=0), expected)


def test_memory_mapped_and_strided_arrays(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    expected, from_file, strided = classifier(), classifier(), classifier()
    expected.fit(X, LABELS, shuffle=False, verbose=0)
    from_file.fit(mapped, LABELS, shuffle=False, verbose=0)
    wide = np.repeat(X, 2, axis=1)
    strided.fit(wide[:, ::2], np.repeat(LABELS, 2)[::2], shuffle=False, verbose=0)
    assert_same_weights(weights_of(expected), weights_of(from_file))
    assert_same_weights(weights_of(expected), weights_of(strided))


def test_the_data_set_is_not_copied():
    x = np.ones((20_000, 100))
    model = pynn.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x[:32], x[:32, 0], verbose=0)
    tracemalloc.start()
    try:
        model.fit(x, x[:, 0], batch_size=1000, validation_split=0.5, verbose=0)
        model.predict(x, batch_size=1000, verbose=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.05 * x.nbytes


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_an_interrupt_ends_an_epoch_and_leaves_the_model_usable():
    def interrupt(signum, frame):
        raise KeyboardInterrupt

    model = regressor()
    model.fit(X, TARGETS, verbose=0)
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    start = time.perf_counter()
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(X, TARGETS, batch_size=1, steps_per_epoch=100_000_000, verbose=0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert time.perf_counter() - start < 20.0  # not the hours that the epoch would take
    history = model.fit(X, TARGETS, verbose=0)
    assert np.isfinite(history.history["loss"][0])


def test_executables_are_bounded():
    model = classifier()
    for rows in range(1, 40):
        model.predict_on_batch(X[:rows])
    assert len(model._trainer_state.steps) <= 16


def test_every_validation_sees_the_same_rows():
    model = regressor(optimizer=pynn.optimizers.SGD(0.0))
    for data in ((X, TARGETS), [(X[:9], TARGETS[:9]), (X[9:], TARGETS[9:])]):
        source = data if isinstance(data, tuple) else Restarting(data)
        history = model.fit(
            X, TARGETS, epochs=3, validation_data=source, validation_steps=1, verbose=0
        )
        assert len(set(history.history["val_loss"])) == 1


class Restarting:
    """An iterable that starts again every time."""

    def __init__(self, batches):
        self._batches = batches

    def __iter__(self):
        return iter(self._batches)


def test_no_private_name_of_the_trainer_is_taken_by_layers():
    own = {name for name in vars(pynn.trainer.Trainer) if not name.startswith("__")}
    shared = {"_untraced_attributes", "metrics"}
    for cls in (pynn.models.Functional, pynn.Sequential, pynn.Layer):
        others = {
            name for base in cls.__mro__ if base is not pynn.trainer.Trainer for name in vars(base)
        }
        assert own & others - shared == set()
