"""Same seed, same bits: run to run, eager and compiled, for every number of threads."""

import numpy as np
import pytest

import pynn
from pynn import _core, layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 20))
LABELS = RNG.integers(0, 5, 300)


def train(*, seed=7, eager=False, epochs=3, listener=False, **settings):
    pynn.utils.set_random_seed(seed)
    model = pynn.Sequential(
        [
            pynn.Input((20,)),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile(
        settings.pop("optimizer", "adam"),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        run_eagerly=eager,
    )
    callbacks = []
    if listener:
        callbacks = [pynn.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)]
    history = model.fit(
        X, LABELS, epochs=epochs, validation_split=0.1, verbose=0, callbacks=callbacks, **settings
    )
    return model.get_weights(), history.history, model.predict(X, verbose=0)


def assert_same(first, second):
    for a, b in zip(first[0], second[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert first[1] == second[1]
    np.testing.assert_array_equal(first[2], second[2])


@pytest.fixture
def threads():
    before = pynn.config.num_threads()
    yield pynn.config.set_num_threads
    pynn.config.set_num_threads(before)


def test_run_to_run():
    assert_same(train(), train())


def test_another_seed_is_another_run():
    assert train()[1] != train(seed=8)[1]


@pytest.mark.parametrize("count", [2, 3, 8])
def test_number_of_threads(threads, count):
    threads(1)
    expected = train()
    threads(count)
    assert_same(expected, train())


@pytest.mark.parametrize(
    "optimizer",
    [
        "sgd",
        "adam",
        pynn.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        pynn.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
        pynn.optimizers.Adam(0.01, amsgrad=True, global_clipnorm=0.1),
        pynn.optimizers.AdamW(0.01, use_ema=True, ema_overwrite_frequency=5),
        pynn.optimizers.Adam(0.01, gradient_accumulation_steps=3),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_eager_equals_compiled(optimizer):
    def fresh():
        if isinstance(optimizer, str):
            return optimizer
        return type(optimizer).from_config(optimizer.get_config())

    compiled = train(optimizer=fresh())
    assert_same(compiled, train(optimizer=fresh(), eager=True))


def test_a_listener_changes_nothing():
    assert_same(train(), train(listener=True))


def test_numpy_state_plays_no_part():
    expected = train()
    np.random.seed(3)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert_same(expected, train())
    pynn.utils.set_random_seed(7)
    np.random.seed(3)  # noqa: NPY002
    model = pynn.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, 0], verbose=0)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_batches_from_an_iterator_equal_arrays():
    pynn.utils.set_random_seed(1)
    first = pynn.Sequential([layers.Dense(5, activation="softmax")])
    first.build((None, 20))
    second = pynn.Sequential([layers.Dense(5, activation="softmax")])
    second.build((None, 20))
    second.set_weights(first.get_weights())
    for model in (first, second):
        model.compile("adam", "sparse_categorical_crossentropy")
    first.fit(X, LABELS, shuffle=False, epochs=2, verbose=0)
    parts = [(X[i : i + 32], LABELS[i : i + 32]) for i in range(0, 300, 32)]
    second.fit(iter(parts * 2), epochs=2, steps_per_epoch=10, verbose=0)
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_outputs_past_the_caches(threads, count):
    # Larger than half the last cache: written by other stores, with whole lines first.
    sizes = _core.cache_sizes()
    last = sizes["l3"] or sizes["l2"]
    if not 0 < last <= 64 << 20:
        pytest.skip(f"needs a last cache of a known size up to 64 MiB; this machine has {last}")
    columns = 5003  # rows do not begin at lines
    x = np.arange(-(last // 8 // columns) - 1, 1, dtype="float32")[:, None] + np.zeros(
        columns, "float32"
    )
    row = np.arange(columns, dtype="float32")
    assert x.nbytes > last // 2
    threads(count)
    np.testing.assert_array_equal(pynn.ops.add(x, row), x + row)
    np.testing.assert_array_equal(pynn.ops.relu(x + row), np.maximum(x + row, 0))
    np.testing.assert_array_equal(pynn.ops.multiply(x.T, 2.0), x.T * 2)
