"""Optimizers follow those of Keras to rounding over many steps, state included."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest

import pynn
from pynn import ops, optimizers

RULES = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.5}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("Adagrad", {}),
    ("Adadelta", {}),
    ("Adamax", {}),
    ("Nadam", {}),
    ("Ftrl", {}),
    (
        "Ftrl",
        {
            "learning_rate_power": -0.7,
            "l1_regularization_strength": 0.05,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.02,
            "beta": 0.3,
        },
    ),
    ("Lion", {}),
    ("Lamb", {}),
    ("Adafactor", {}),
    ("Adafactor", {"clip_threshold": 0.5, "relative_step": False}),
    ("Muon", {}),
    ("Muon", {"exclude_layers": ["w0"], "adam_lr_ratio": 0.5}),
    ("Muon", {"nesterov": False, "rms_rate": None, "ns_steps": 3, "weight_decay": None}),
    ("ScheduleFreeAdamW", {}),
    ("ScheduleFreeAdamW", {"warmup_steps": 5, "beta_1": 0.8}),
]
# What surrounds the rules: one by one for one rule, together for all of them.
OPTIONS = [
    {"clipnorm": 0.5},
    {"global_clipnorm": 0.5},
    {"clipvalue": 0.5},
    {"weight_decay": 0.1},
    {"use_ema": True, "ema_momentum": 0.9},
    {"use_ema": True, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3},
    {"loss_scale_factor": 4.0},
]
TOGETHER = [
    {"clipnorm": 1.0, "weight_decay": 0.1, "use_ema": True, "loss_scale_factor": 3.0},
    {"clipvalue": 0.5, "use_ema": True, "ema_overwrite_frequency": 3},
    {
        "gradient_accumulation_steps": 3,
        "global_clipnorm": 1.0,
        "weight_decay": 0.1,
        "use_ema": True,
    },
]
CLASSES = sorted({name for name, _ in RULES})
CASES = [
    *RULES,
    *(("Adam", options) for options in OPTIONS),
    *((name, options) for name in CLASSES for options in TOGETHER),
]
MANIFEST = Path(__file__).resolve().parents[3] / "shared" / "keras-api.json"


def case_id(value):
    return value if isinstance(value, str) else ",".join(f"{k}={v}" for k, v in value.items())


EACH = pytest.mark.parametrize(("name", "settings"), CASES, ids=case_id)


def train(keras, name, settings, dtype, steps):
    """The same steps here and there, on a matrix, a vector and a stack of matrices."""
    import jax

    rng = np.random.default_rng(0)
    starts = [rng.normal(size=shape).astype(dtype) for shape in ((3, 4), (5,), (2, 3, 2))]
    ours = getattr(optimizers, name)(learning_rate=0.05, **settings)
    theirs = getattr(keras.optimizers, name)(learning_rate=0.05, **settings)
    our_weights = [pynn.Variable(start, name=f"w{i}") for i, start in enumerate(starts)]
    their_weights = [keras.Variable(start, name=f"w{i}") for i, start in enumerate(starts)]
    theirs.build(their_weights)
    apply = jax.jit(theirs.stateless_apply)
    values, state = [v.value for v in their_weights], [v.value for v in theirs.variables]
    for _ in range(steps):
        grads = [rng.normal(size=start.shape).astype(dtype) for start in starts]
        ours.apply([ops.array(g) for g in grads], our_weights)
        values, state = apply(state, grads, values)
    for variable, value in zip(their_weights + theirs.variables, values + state, strict=True):
        variable.assign(value)
    ours.finalize_variable_values(our_weights)
    theirs.finalize_variable_values(their_weights)
    return our_weights + ours.variables, their_weights + theirs.variables


@EACH
def test_twenty_steps(keras, name, settings):
    ours, theirs = train(keras, name, settings, np.float32, 20)
    # Keras divides by 1 - beta_2^t in float32, where most digits cancel in the first steps.
    scale = 10 if name == "ScheduleFreeAdamW" else 1
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        # Keras leaves the name of Nadam's product to chance.
        assert a.name == b.name or a.name == "u_product"
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=scale * 1e-5, atol=scale * 1e-6)


@pytest.mark.parametrize(("name", "settings"), RULES, ids=case_id)
def test_ten_steps_in_float64(keras, name, settings):
    import jax

    with jax.enable_x64(True):
        ours, theirs = train(keras, name, settings, np.float64, 10)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=1e-6, atol=1e-8)


@EACH
def test_configs_travel_both_ways(keras, name, settings):
    ours = getattr(optimizers, name)(name="mine", **settings)
    theirs = getattr(keras.optimizers, name)(name="mine", **settings)
    assert ours.get_config() == theirs.get_config()
    # Not `keras.optimizers.deserialize`, which does not find Lamb in Keras 3.15.1.
    loaded = keras.saving.deserialize_keras_object(optimizers.serialize(ours))
    assert type(loaded).__name__ == name
    assert type(optimizers.deserialize(keras.optimizers.serialize(theirs))).__name__ == name


@pytest.mark.parametrize("name", [*CLASSES, "LossScaleOptimizer", "MultiOptimizer"])
def test_signatures(name):
    if not MANIFEST.exists():
        pytest.skip("no manifest of the Keras API (keras-api.json) beside the checkout")
    entry = json.loads(MANIFEST.read_text())["namespaces"]["optimizers"][name]
    expected = [(p["name"], p["kind"], p.get("default", "")) for p in entry["signature"]]
    parameters = inspect.signature(getattr(optimizers, name)).parameters.values()
    assert [
        (p.name, p.kind.name, "" if p.default is p.empty else repr(p.default)) for p in parameters
    ] == expected


def test_a_schedule(keras):
    class Ours(optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1 / (1.0 + ops.cast(step, "float32"))

    class Theirs(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.1 / (1.0 + keras.ops.cast(step, "float32"))

    ours, theirs = optimizers.Adam(Ours()), keras.optimizers.Adam(Theirs())
    a, b = pynn.Variable([1.0, 2.0]), keras.Variable([1.0, 2.0])
    for step in range(20):
        gradient = np.array([np.sin(step), np.cos(step)], np.float32)
        ours.apply([ops.array(gradient)], [a])
        theirs.apply([keras.ops.array(gradient)], [b])
    np.testing.assert_allclose(a.numpy(), np.asarray(b), rtol=1e-6)


def two_optimizers(package):
    chosen = {".*bias": package.Adam(0.1, name="a"), ".*2/kernel": package.SGD(0.2, 0.9, name="s")}
    chosen = package.OptimizerMap(package.RMSprop(0.05, name="r"), chosen)
    return package.MultiOptimizer(chosen, name="mine")


def test_several_optimizers(keras):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 3)).astype("float32"), rng.normal(size=(12, 2)).astype("float32")
    start = [rng.normal(size=shape) for shape in ((3, 4), (4,), (4, 2), (2,))]
    ends = []
    for package in (pynn, keras):
        dense = [package.layers.Dense(4, name="d1"), package.layers.Dense(2, name="d2")]
        model = package.Sequential([package.Input((3,)), *dense])
        model.set_weights(start)
        model.compile(two_optimizers(package.optimizers), loss="mse")
        model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
        ends.append([*model.get_weights(), *(np.asarray(v) for v in model.optimizer.variables)])
    assert len(ends[0]) == len(ends[1])
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_config_of_several_optimizers_travels_both_ways(keras):
    ours, theirs = two_optimizers(optimizers), two_optimizers(keras.optimizers)
    written = optimizers.serialize(ours)
    assert written == keras.optimizers.serialize(theirs)
    assert keras.saving.deserialize_keras_object(written).get_config() == theirs.get_config()
    assert optimizers.deserialize(written).get_config() == ours.get_config()


def heavy_ball(package):
    """A custom optimizer as Keras's users write it."""

    class HeavyBall(package.Optimizer):
        def __init__(self, learning_rate=0.05, friction=0.5, **kwargs):
            super().__init__(learning_rate=learning_rate, **kwargs)
            self.friction = friction

        def build(self, variables):
            if self.built:
                return
            super().build(variables)
            self.speeds = [
                self.add_variable_from_reference(reference_variable=v, name="speed")
                for v in variables
            ]
            self.distance = self.add_variable(shape=(), name="distance")

        def update_step(self, gradient, variable, learning_rate):
            speed = self.speeds[self._get_variable_index(variable)]
            self.assign(speed, self.friction * speed - learning_rate * gradient)
            self.assign_add(variable, speed)
            self.assign_add(self.distance, 1.0)

        def get_config(self):
            return {**super().get_config(), "friction": self.friction}

    return HeavyBall


@pytest.mark.parametrize("settings", [{}, {"clipnorm": 0.1, "use_ema": True}])
def test_a_custom_optimizer(keras, settings):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 3)).astype("float32"), rng.normal(size=(12, 2)).astype("float32")
    start, ends, configs = [rng.normal(size=(3, 2)), np.ones(2)], [], []
    for package in (pynn, keras):
        model = package.Sequential([package.Input((3,)), package.layers.Dense(2, name="d")])
        model.set_weights(start)
        kind = heavy_ball(package.optimizers)
        optimizer = kind(weight_decay=0.2, name="mine", **settings)
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        model.compile(optimizer, loss="mse")
        model.fit(x, y, batch_size=4, shuffle=False, verbose=0)
        ends.append([*model.get_weights(), *(np.asarray(v) for v in optimizer.variables)])
        configs.append(kind.from_config(optimizer.get_config()).get_config())
        assert int(optimizer.iterations) == 3
    assert len(ends[0]) == len(ends[1])
    for a, b in zip(*ends, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert configs[0] == configs[1]
