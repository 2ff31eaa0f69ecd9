"""What happens around a step, as in Keras: accumulation, averages, scales, executions of several.

The same weights and data in both libraries; weights, state of the optimizer and histories out.
"""

import numpy as np
import pytest

import pynn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 6)).astype(np.float32)  # with batches of 16: the last one has 6 rows
Y = np.tanh(X @ RNG.normal(size=(6, 1))).astype(np.float32)
QUIET = {"verbose": 0, "shuffle": False, "batch_size": 16}


def model_of(library, policy=None):
    return library.Sequential(
        [
            library.Input((6,)),
            library.layers.Dense(8, activation="tanh", dtype=policy),
            library.layers.Dense(1, dtype=policy, kernel_constraint="max_norm"),
        ]
    )


def pair(keras, make=model_of):
    ours, theirs = make(pynn), make(keras)
    rng = np.random.default_rng(1)
    start = [rng.normal(size=w.shape).astype(np.float32) * 0.3 for w in theirs.get_weights()]
    ours.set_weights(start)
    theirs.set_weights(start)
    return ours, theirs


def assert_close(ours, theirs, rtol=1e-3, atol=3e-5):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=rtol, atol=atol)


def compare(keras, make_optimizer, epochs=2, **compile_settings):
    """Trains twice, so that what the first `fit` leaves behind (half a sum of gradients) counts."""
    models = pair(keras)
    for library, model in zip((pynn, keras), models, strict=True):
        model.compile(make_optimizer(library.optimizers), "mse", **compile_settings)
    ours, theirs = models
    # Keras on JAX cannot train again after `fit` has set weights to their averages: variables then
    # share buffers that its step donates.
    inner = getattr(ours.optimizer, "inner_optimizer", ours.optimizer)
    for _ in range(1 if inner.use_ema else 2):
        histories = [model.fit(X, Y, epochs=epochs, **QUIET).history for model in models]
        assert list(histories[0]) == list(histories[1])
        for name in histories[0]:
            assert_close([histories[0][name]], [histories[1][name]])
        assert_close(ours.get_weights(), theirs.get_weights())
        assert_close(ours.optimizer.variables, theirs.optimizer.variables)
        assert int(ours.optimizer.iterations) == int(theirs.optimizer.iterations)


AROUND = {
    "plain": {},
    "clipnorm": {"clipnorm": 0.02},
    "global_clipnorm": {"global_clipnorm": 0.02},
    "clipvalue": {"clipvalue": 0.01},
    "weight_decay": {"weight_decay": 0.05},
    "ema": {"use_ema": True, "ema_momentum": 0.8},
    "ema_overwriting": {"use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3},
    "all": {
        "clipnorm": 0.05,
        "weight_decay": 0.05,
        "use_ema": True,
        "ema_momentum": 0.7,
        "ema_overwrite_frequency": 4,
    },
}


@pytest.mark.parametrize("steps", [None, 3])
@pytest.mark.parametrize(
    ("name", "around"),
    [*[("SGD", around) for around in AROUND], ("Adam", "plain"), ("Adam", "all"), ("Nadam", "all")],
)
def test_accumulation_and_averages(keras, name, around, steps):
    # Epochs have 5 steps, one of them with 6 rows: sums of gradients go on across both borders.
    settings = {"gradient_accumulation_steps": steps, **AROUND[around]}
    compare(keras, lambda lib: getattr(lib, name)(0.03, **settings))


@pytest.mark.parametrize("steps", [None, 2])
def test_a_schedule_counts_batches(keras, steps):
    def rate(step):
        return 0.1 / (1.0 + 0.1 * step)

    class Ours(pynn.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return rate(pynn.ops.cast(step, "float32"))

    class Theirs(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return rate(keras.ops.cast(step, "float32"))

    def optimizer(library):
        schedule = Ours() if library is pynn.optimizers else Theirs()
        return library.SGD(schedule, gradient_accumulation_steps=steps)

    compare(keras, optimizer)


def test_a_fixed_loss_scale(keras):
    compare(keras, lambda lib: lib.SGD(0.05, loss_scale_factor=1024.0, clipnorm=0.05))


@pytest.mark.parametrize("inner", ["plain", "clipnorm", "weight_decay", "ema", "all"])
@pytest.mark.parametrize("initial_scale", [2.0**15, 2.0**127])
def test_dynamic_loss_scale(keras, inner, initial_scale):
    """The larger scale overflows at first, and falls until gradients are finite."""

    def optimizer(library):
        return library.LossScaleOptimizer(
            library.Adam(0.02, **AROUND[inner]),
            initial_scale=initial_scale,
            dynamic_growth_steps=4,
        )

    compare(keras, optimizer)


def test_dynamic_loss_scale_around_accumulation(keras):
    def optimizer(library):
        return library.LossScaleOptimizer(
            library.SGD(0.05, gradient_accumulation_steps=2),
            initial_scale=2.0**127,
            dynamic_growth_steps=3,
        )

    compare(keras, optimizer)


def test_mixed_float16_is_scaled_by_compile(keras):
    """The policy of the model decides, as in Keras; the steps agree to half precision."""
    models = []
    for library in (pynn, keras):
        before = library.config.dtype_policy()
        library.config.set_dtype_policy("mixed_float16")
        try:
            models.append(model_of(library))
        finally:
            library.config.set_dtype_policy(before)
    rng = np.random.default_rng(1)
    start = [rng.normal(size=w.shape).astype(np.float32) * 0.3 for w in models[0].get_weights()]
    for model in models:
        model.set_weights(start)
        model.compile("sgd", "mse")
        assert type(model.optimizer).__name__ == "LossScaleOptimizer"
        assert model.get_compile_config()["optimizer"]["class_name"] == "SGD"
    losses = [model.fit(X, Y, epochs=4, **QUIET).history["loss"] for model in models]
    np.testing.assert_allclose(*losses, rtol=5e-3)
    assert_close(models[0].get_weights(), models[1].get_weights(), rtol=2e-2, atol=2e-3)
    scales = [float(np.asarray(model.optimizer.dynamic_scale)) for model in models]
    assert scales[0] == scales[1]


def test_loss_scale_configs_travel(keras):
    ours = pynn.optimizers.LossScaleOptimizer(pynn.optimizers.Adam(0.5), 4.0, 7)
    theirs = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.5), 4.0, 7)
    assert ours.get_config() == {**theirs.get_config(), "name": ours.name} | {
        "inner_optimizer": pynn.saving.serialize_keras_object(ours.inner_optimizer)
    }
    loaded = keras.optimizers.deserialize(pynn.optimizers.serialize(ours))
    assert loaded.initial_scale == 4.0
    assert type(loaded.inner_optimizer).__name__ == "Adam"
    back = pynn.optimizers.deserialize(keras.optimizers.serialize(theirs))
    assert back.dynamic_growth_steps == 7
    assert float(back.learning_rate) == 0.5


# ---- several batches per execution --------------------------------------------------------------


def batches_of(library, steps, method):
    """What a callback sees: hook, batch, names of the logs."""
    seen = []

    class Recorder(library.callbacks.Callback):
        pass

    def recording(hook):
        def record(self, batch, logs=None):
            seen.append((hook, batch, sorted(logs or {})))

        return record

    for phase in ("train", "test", "predict"):
        for end in ("begin", "end"):
            hook = f"on_{phase}_batch_{end}"
            setattr(Recorder, hook, recording(hook))
    model = model_of(library)
    model.compile("sgd", "mse", steps_per_execution=steps)
    if method == "fit":
        model.fit(X, Y, validation_data=(X[:40], Y[:40]), callbacks=[Recorder()], **QUIET)
    elif method == "evaluate":
        model.evaluate(X, Y, batch_size=16, verbose=0, callbacks=[Recorder()])
    else:
        model.predict(X, batch_size=16, verbose=0, callbacks=[Recorder()])
    return seen


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
@pytest.mark.parametrize("steps", [1, 2, 3, 5, 9])
def test_steps_per_execution_calls_callbacks_as_keras_does(keras, steps, method):
    assert batches_of(pynn, steps, method) == batches_of(keras, steps, method)


@pytest.mark.parametrize("steps", [2, 3, 9])
def test_steps_per_execution_changes_no_number(keras, steps):
    compare(keras, lambda lib: lib.Adam(0.01), steps_per_execution=steps)


# ---- settings of compile ------------------------------------------------------------------------


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("jit", ["auto", True, False])
def test_jit_compile(keras, jit, eager):
    kept = []
    for library in (pynn, keras):
        model = model_of(library)
        if jit is True and eager:
            with pytest.warns(UserWarning, match="jit_compile"):
                model.compile("sgd", "mse", jit_compile=jit, run_eagerly=eager)
        else:
            model.compile("sgd", "mse", jit_compile=jit, run_eagerly=eager)
        config = model.get_compile_config()
        kept.append((model.jit_compile, config["jit_compile"], config["run_eagerly"]))
    assert kept[0] == kept[1]


def test_compile_configs_are_equal(keras):
    configs = []
    for library in (pynn, keras):
        model = model_of(library)
        model.compile(
            library.optimizers.Adam(0.25, name="adam"),
            "mse",
            loss_weights=[0.5],
            metrics=["mae"],
            weighted_metrics=["mse"],
            steps_per_execution=3,
            jit_compile=False,
        )
        configs.append(model.get_compile_config())
    ours, theirs = configs
    # The precision in which a learning rate is read back is each library's own.
    rates = [config["optimizer"]["config"].pop("learning_rate") for config in configs]
    assert rates[0] == pytest.approx(rates[1])
    assert ours == theirs
