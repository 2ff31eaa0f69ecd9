"""Own steps, layers, losses, metrics, optimizers, ...: compiled with the bits of eager runs."""

import numpy as np
import pytest

import pynn
from pynn import layers, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 4)).astype("float32")
Y = np.tanh(X[:, :2] - X[:, 2:])
WEIGHTS = RNG.uniform(0.5, 1.5, size=48).astype("float32")


class OwnSteps(pynn.Sequential):
    """Computes loss, gradients and metrics by hand."""

    def train_step(self, data):
        x, y = data[0], data[1]
        with pynn.GradientTape() as tape:
            outputs = self(x, training=True)
            loss = ops.mean(ops.square(outputs - y)) + 0.1 * ops.mean(ops.abs(outputs))
        gradients = tape.gradient(loss, self.trainable_variables)
        gradients = [ops.clip(g, -0.1, 0.1) for g in gradients]
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        return {"mine": loss, "norm": ops.sqrt(sum(ops.sum(g * g) for g in gradients))}

    def test_step(self, data):
        return {"mine": ops.max(ops.abs(self(data[0]) - data[1]))}

    def predict_step(self, data):
        return {
            "outputs": self(data[0] if isinstance(data, tuple) else data),
            "rows": data[0][:, 0],
        }


class OwnLoss(pynn.Sequential):
    """Computes the loss of its own."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        weights = 1.0 if sample_weight is None else sample_weight[:, None]
        return ops.mean(weights * ops.log(ops.cosh(y_pred - y))) + sum(self.losses, 0.0)


class OwnLayer(layers.Layer):
    """Weights, state, a penalty, randomness, and other behaviour while training."""

    def __init__(self, units):
        super().__init__()
        self.units = units
        self.seed = pynn.random.SeedGenerator(1)

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units))
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, inputs, training=False):
        self.add_loss(0.01 * ops.sum(self.kernel**2))
        if training:
            self.seen.assign_add(ops.cast(inputs.shape[0], "float32"))
            inputs = inputs + 0.1 * pynn.random.normal(inputs.shape, seed=self.seed)
        return ops.where(inputs @ self.kernel > 0, ops.tanh(inputs @ self.kernel), 0.1)


class OwnLossClass(pynn.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred) ** 1.5, axis=-1)


class OwnMetric(pynn.metrics.Metric):
    """The largest error so far."""

    def __init__(self, name="largest"):
        super().__init__(name=name)
        self.largest = self.add_variable(shape=(), initializer="zeros", name="largest")

    def update_state(self, y_true, y_pred, sample_weight=None):
        error = ops.max(ops.abs(ops.convert_to_tensor(y_true) - y_pred))
        self.largest.assign(ops.maximum(self.largest, error))

    def result(self):
        return self.largest.value * 1.0


class OwnOptimizer(pynn.optimizers.Optimizer):
    """Signs of a moving average of the gradients."""

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.averages = [self.add_variable_from_reference(v, "average") for v in variables]

    def update_step(self, gradient, variable, learning_rate):
        average = self.averages[self._get_variable_index(variable)]
        average.assign(0.9 * average + 0.1 * gradient)
        variable.assign(variable - learning_rate * ops.sign(average))


class OwnRegularizer(pynn.regularizers.Regularizer):
    def __call__(self, x):
        return 0.01 * ops.sqrt(ops.sum(x * x) + 1e-6)


class OwnConstraint(pynn.constraints.Constraint):
    def __call__(self, w):
        return w / ops.maximum(1.0, ops.max(ops.abs(w)))


def plain(cls=pynn.Sequential, first=None, **dense):
    return cls(
        [
            pynn.Input((4,)),
            first or layers.Dense(6, activation="tanh", **dense),
            layers.Dense(2),
        ]
    )


def own_loss(y_true, y_pred):
    return ops.sum(ops.square(y_true - y_pred), axis=-1) / 3.0


CASES = {
    "steps": lambda: (plain(OwnSteps), {}),
    "compute_loss": lambda: (plain(OwnLoss, kernel_regularizer="l2"), {}),
    "layer": lambda: (plain(first=OwnLayer(6)), {}),
    "loss function": lambda: (plain(), {"loss": own_loss}),
    "loss class": lambda: (plain(), {"loss": OwnLossClass()}),
    "metric": lambda: (plain(), {"metrics": [OwnMetric()]}),
    "optimizer": lambda: (plain(), {"optimizer": OwnOptimizer(learning_rate=0.01)}),
    "regularizer": lambda: (plain(kernel_regularizer=OwnRegularizer()), {}),
    "constraint": lambda: (plain(kernel_constraint=OwnConstraint()), {}),
}


def run(name, eager):
    pynn.utils.set_random_seed(0)
    model, settings = CASES[name]()
    settings = {"optimizer": pynn.optimizers.Adam(0.01), "loss": "mse", **settings}
    model.compile(**settings, run_eagerly=eager)
    weights = None if name == "steps" else WEIGHTS
    history = model.fit(
        X, Y, sample_weight=weights, batch_size=10, epochs=3, validation_data=(X, Y), verbose=0
    ).history
    evaluated = model.evaluate(X, Y, batch_size=10, verbose=0, return_dict=True)
    predicted = model.predict(X, batch_size=10, verbose=0)
    return (
        history,
        evaluated,
        pynn.tree.map_structure(lambda a: a.tobytes(), predicted),
        [w.numpy().tobytes() for w in [*model.variables, *model.optimizer.variables]],
        model,
    )


@pytest.mark.parametrize("name", CASES)
def test_compiled_equals_eager_bit_for_bit(name):
    *compiled, model = run(name, eager=False)
    *eager, _ = run(name, eager=True)
    assert compiled == eager
    assert not model._trainer_state.eager_phases, "it was compiled"
    losses = compiled[0].get("loss", compiled[0].get("mine"))
    assert losses[-1] < losses[0]
