"""Training follows Keras: the same history, weights, names and orders from the same start."""

import numpy as np
import pytest

import pynn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 6)).astype(np.float32)
LABELS = RNG.integers(0, 3, 100)
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
TARGETS = (X @ RNG.normal(size=(6, 1))).astype(np.float32)
WEIGHTS = RNG.random(100).astype(np.float32)
QUIET = {"verbose": 0, "shuffle": False, "batch_size": 32}


def pair(keras, make):
    """The same model in both libraries, with the same weights."""
    ours, theirs = make(pynn), make(keras)
    rng = np.random.default_rng(1)
    start = [rng.normal(size=w.shape).astype(np.float32) * 0.3 for w in theirs.get_weights()]
    ours.set_weights(start)
    theirs.set_weights(start)
    return ours, theirs


def classifier(library, *, activation="softmax", outputs=3):
    layers = library.layers
    return library.Sequential(
        [
            library.Input((6,)),
            layers.Dense(8, activation="relu", kernel_regularizer="l2"),
            layers.Dense(outputs, activation=activation),
        ]
    )


def two_outputs(library):
    inputs = library.Input((6,))
    hidden = library.layers.Dense(8, activation="tanh")(inputs)
    kind = library.layers.Dense(3, activation="softmax", name="kind")(hidden)
    size = library.layers.Dense(1, name="size")(hidden)
    return library.Model(inputs, [kind, size])


def assert_same(ours, theirs, rtol=2e-4):
    assert list(ours) == list(theirs)
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=rtol, atol=1e-5, err_msg=name)


def compare_fit(models, x, y, **settings):
    histories = [model.fit(x, y, **{**QUIET, **settings}).history for model in models]
    assert_same(*histories)
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
@pytest.mark.parametrize(
    ("loss", "targets", "activation", "outputs"),
    [
        ("sparse_categorical_crossentropy", LABELS, "softmax", 3),
        ("categorical_crossentropy", ONE_HOT, "softmax", 3),
        ("binary_crossentropy", (TARGETS > 0) * 1.0, "sigmoid", 1),
        ("mse", TARGETS, None, 1),
        ("mae", TARGETS[:, 0], None, 1),
    ],
)
def test_fit(keras, optimizer, loss, targets, activation, outputs):
    models = pair(keras, lambda lib: classifier(lib, activation=activation, outputs=outputs))
    for model in models:
        model.compile(optimizer, loss, metrics=["accuracy"], weighted_metrics=["mse"])
    if loss == "sparse_categorical_crossentropy":
        for model in models:
            model.compile(optimizer, loss, metrics=["accuracy"], weighted_metrics=["accuracy"])
    settings = {"epochs": 3, "validation_split": 0.2, "sample_weight": WEIGHTS}
    compare_fit(models, X, targets, **settings)


def test_class_weight(keras):
    models = pair(keras, classifier)
    for model in models:
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
    compare_fit(models, X, LABELS, class_weight={0: 1.0, 1: 3.0}, epochs=2)


def test_steps_and_validation_settings(keras):
    models = pair(keras, classifier)
    for model in models:
        model.compile("sgd", "sparse_categorical_crossentropy")
    compare_fit(
        models,
        X,
        LABELS,
        epochs=4,
        steps_per_epoch=2,
        validation_data=(X, LABELS, WEIGHTS),
        validation_steps=2,
        validation_batch_size=10,
    )


SEVERAL = [
    {"loss": ["sparse_categorical_crossentropy", "mse"]},
    {
        "loss": {"kind": "sparse_categorical_crossentropy", "size": "mse"},
        "loss_weights": {"kind": 1.0, "size": 0.5},
        "metrics": {"kind": ["accuracy"], "size": ["mae", "mse"]},
    },
    {
        "loss": ["sparse_categorical_crossentropy", "mae"],
        "loss_weights": [0.3, 0.7],
        "metrics": [["accuracy"], ["mae"]],
        "weighted_metrics": [["accuracy"], ["mae"]],
    },
]


@pytest.mark.parametrize("settings", SEVERAL)
def test_several_outputs(keras, settings):
    models = pair(keras, two_outputs)
    for model in models:
        model.compile(optimizer="sgd", **settings)
    compare_fit(models, X, [LABELS, TARGETS], epochs=2, validation_split=0.2)
    results = [model.evaluate(X, [LABELS, TARGETS], verbose=0) for model in models]
    np.testing.assert_allclose(*results, rtol=1e-4)
    results = [
        model.evaluate(X, [LABELS, TARGETS], verbose=0, return_dict=True) for model in models
    ]
    assert_same(*results)


@pytest.mark.parametrize("method", ["train_on_batch", "test_on_batch"])
def test_one_batch(keras, method):
    models = pair(keras, classifier)
    for model in models:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    for i in range(3):
        rows = slice(30 * i, 30 * i + 30)
        results = [
            getattr(model, method)(X[rows], LABELS[rows], sample_weight=WEIGHTS[rows])
            for model in models
        ]
        np.testing.assert_allclose(*results, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        models[0].predict(X, verbose=0), models[1].predict(X, verbose=0), rtol=1e-3, atol=1e-5
    )


def test_constraints_and_averages(keras):
    def make(library):
        return library.Sequential(
            [library.Input((6,)), library.layers.Dense(1, kernel_constraint="non_neg")]
        )

    models = pair(keras, make)
    for library, model in zip((pynn, keras), models, strict=True):
        optimizer = library.optimizers.Adam(0.05, use_ema=True, ema_overwrite_frequency=2)
        model.compile(optimizer, "mse")
    compare_fit(models, X, TARGETS, epochs=2)


def test_optimizer_variables_have_the_same_paths_and_values(keras):
    models = pair(keras, classifier)
    for model in models:
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(X, LABELS, **QUIET)
    ours, theirs = (model.optimizer.variables for model in models)
    assert [v.shape for v in ours] == [v.shape for v in theirs]
    assert [v.name.split("_")[-1] for v in ours] == [v.name.split("_")[-1] for v in theirs]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=2e-3, atol=1e-6)


def test_compile_configs_have_the_same_layout(keras):
    models = pair(keras, classifier)
    for model in models:
        model.compile("adam", "mse", metrics=["mae"])
    ours, theirs = (model.get_compile_config() for model in models)
    assert set(ours) == set(theirs)
    for name in ("loss", "loss_weights", "metrics", "weighted_metrics"):
        assert ours[name] == theirs[name]
    assert ours["optimizer"]["class_name"] == theirs["optimizer"]["class_name"]
    models[1].compile_from_config(ours)
    models[0].compile_from_config(theirs)
