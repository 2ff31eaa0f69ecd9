"""A whole training run against Keras: same weights, same batches, same loss curve."""

import numpy as np
import pytest
from real_data import data_folder

import pynn

STEPS = 200
BATCH = 128


def network(k):
    return k.Sequential(
        [
            k.Input((28, 28)),
            k.layers.Flatten(),
            k.layers.Dense(128, activation="relu"),
            k.layers.Dense(128, activation="relu"),
            k.layers.Dense(128, activation="relu"),
            k.layers.Dense(10, activation="softmax"),
        ]
    )


def loss_curve(model, x, y):
    losses = []
    for step in range(STEPS):
        rows = slice(step * BATCH, (step + 1) * BATCH)
        model.reset_metrics()  # else Keras reports the mean over all steps so far
        losses.append(float(model.train_on_batch(x[rows], y[rows], return_dict=True)["loss"]))
    return np.array(losses)


@pytest.mark.slow
@pytest.mark.skipif(data_folder("mnist") is None, reason="needs MNIST in $PYNN_DATA")
@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop"])
def test_loss_curve(keras, monkeypatch, optimizer):
    monkeypatch.setenv("PYNN_DATA", data_folder("mnist"))
    (x, y), _ = pynn.datasets.mnist.load_data()
    x = x[: STEPS * BATCH].astype("float32") / 255
    y = y[: STEPS * BATCH].astype("int32")

    theirs, ours = network(keras), network(pynn)
    ours.set_weights(theirs.get_weights())
    for model in (theirs, ours):
        model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy")
    expected, result = loss_curve(theirs, x, y), loss_curve(ours, x, y)

    assert result[0] == pytest.approx(expected[0], rel=1e-6)
    assert expected[-20:].mean() < 0.7 * expected[0]  # it did learn
    assert np.abs(result - expected).max() < 1e-3
