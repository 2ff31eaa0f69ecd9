"""SwapEMAWeights: who sees the averaged weights, and who those of training."""

import numpy as np
import pytest

import pynn
from pynn import layers
from pynn.callbacks import Callback, EarlyStopping, SwapEMAWeights

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X[:, :1]
DATA = {"batch_size": 10, "shuffle": False, "verbose": 0}


def make_model(optimizer=None):
    pynn.utils.set_random_seed(0)
    model = pynn.Sequential([pynn.Input((3,)), layers.Dense(1)])
    model.compile(optimizer or pynn.optimizers.SGD(0.2, use_ema=True, ema_momentum=0.9), "mse")
    return model


class Watch(Callback):
    """Remembers the weights at every moment."""

    def __init__(self):
        super().__init__()
        self.seen = {}


def _remember(hook):
    def method(self, *args, **kwargs):
        self.seen.setdefault(hook, []).append(self.model.get_weights()[0])

    return method


for _hook in ("on_epoch_begin", "on_epoch_end", "on_test_begin", "on_test_end", "on_train_end"):
    setattr(Watch, _hook, _remember(_hook))


def reference(epochs):
    """Weights and averages at the end of every epoch, without the callback."""
    model, watch = make_model(), Watch()
    averages = []

    class Averages(Callback):
        def on_epoch_end(self, epoch, logs=None):
            variable = self.model.trainable_variables[0]
            averages.append(self.model.optimizer.slot("average", variable).numpy().copy())

    model.fit(X, Y, epochs=epochs, callbacks=[watch, Averages()], **DATA)
    return watch.seen["on_epoch_end"], averages


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_validation_sees_the_average_and_training_does_not(swap_on_epoch):
    weights, averages = reference(3)
    model, watch = make_model(), Watch()
    history = model.fit(
        X,
        Y,
        epochs=3,
        validation_data=(X, Y),
        callbacks=[SwapEMAWeights(swap_on_epoch), watch],
        **DATA,
    )
    np.testing.assert_array_equal(watch.seen["on_test_begin"], averages)
    np.testing.assert_array_equal(watch.seen["on_test_end"], weights)
    seen = averages if swap_on_epoch else weights
    np.testing.assert_array_equal(watch.seen["on_epoch_end"], seen)
    np.testing.assert_array_equal(watch.seen["on_epoch_begin"][1:], weights[:-1])
    # `fit` leaves the average behind, with the callback and without.
    np.testing.assert_array_equal(model.get_weights()[0], averages[-1])
    expected = model.evaluate(X, Y, batch_size=10, verbose=0)
    np.testing.assert_allclose(history.history["val_loss"][-1], expected, rtol=1e-6)


def test_the_average_stays_when_training_stops_early():
    _, averages = reference(2)
    model = make_model()
    stop = EarlyStopping("loss", patience=0, mode="max")
    model.fit(X, Y, epochs=9, callbacks=[SwapEMAWeights(swap_on_epoch=True), stop], **DATA)
    assert stop.stopped_epoch == 1
    np.testing.assert_array_equal(model.get_weights()[0], averages[1])


def trained_with_other_weights():
    model = make_model()
    model.fit(X, Y, epochs=2, **DATA)
    average = model.get_weights()
    other = [weight + 1.0 for weight in average]
    model.set_weights(other)
    return model, average, other


def test_evaluate_and_predict():
    model, average, other = trained_with_other_weights()
    swap = SwapEMAWeights()
    results = [model.evaluate(X, Y, verbose=0), model.predict(X, verbose=0)]
    with_swap = [
        model.evaluate(X, Y, verbose=0, callbacks=[swap]),
        model.predict(X, verbose=0, callbacks=[swap]),
    ]
    np.testing.assert_array_equal(model.get_weights()[0], other[0])
    model.set_weights(average)
    expected = [model.evaluate(X, Y, verbose=0), model.predict(X, verbose=0)]
    for got, right, wrong in zip(with_swap, expected, results, strict=True):
        np.testing.assert_array_equal(got, right)
        assert not np.array_equal(got, wrong)


def test_with_a_loss_scale():
    inner = pynn.optimizers.SGD(0.2, use_ema=True, ema_momentum=0.9)
    model = make_model(pynn.optimizers.LossScaleOptimizer(inner))
    _, averages = reference(2)
    watch = Watch()
    model.fit(X, Y, epochs=2, validation_data=(X, Y), callbacks=[SwapEMAWeights(), watch], **DATA)
    np.testing.assert_allclose(watch.seen["on_test_begin"], averages, rtol=1e-5)


def test_an_interrupted_fit_leaves_nothing_behind():
    class Interrupt(Callback):
        def on_test_begin(self, logs=None):
            raise KeyboardInterrupt

    model, swap = make_model(), SwapEMAWeights()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, validation_data=(X, Y), callbacks=[swap, Interrupt()], **DATA)
    start = model.get_weights()[0]
    watch = Watch()
    model.fit(X, Y, epochs=1, callbacks=[swap, watch], **DATA)
    np.testing.assert_array_equal(watch.seen["on_epoch_begin"][0], start)


def test_an_optimizer_without_an_average():
    model = make_model(pynn.optimizers.SGD())
    with pytest.raises(ValueError, match=r"use_ema=True; received .* use_ema=False"):
        model.fit(X, Y, validation_data=(X, Y), callbacks=[SwapEMAWeights()], verbose=0)


def test_before_the_first_step():
    model = make_model()
    expected = model.evaluate(X, Y, verbose=0)
    with pytest.warns(UserWarning, match=r"has made a step; received .* at iteration 0"):
        assert model.evaluate(X, Y, callbacks=[SwapEMAWeights()], verbose=0) == expected
