"""Optimizers: update rules against float64, clipping, decay, accumulation, averages, state."""

import copy

import numpy as np
import pytest
from optimizer_op_cases import RULES, Step, adafactor_matrix

import pynn
from pynn import ops, optimizers

STEPS = 20
TOLERANCE = {
    "float32": {"rtol": 2e-4, "atol": 2e-5},
    "float64": {"rtol": 1e-10, "atol": 1e-12},
}


def gradients(seed=0, shape=(3, 4)):
    return np.random.default_rng(seed).normal(size=(STEPS, *shape))


def run(optimizer, grads, start=1.0, dtype="float32"):
    weight = pynn.Variable(np.full(grads.shape[1:], start), dtype=dtype, name="w")
    for gradient in grads:
        optimizer.apply([ops.array(gradient, dtype=dtype)], [weight])
    return weight.numpy()


# The rules of optimizer_op_cases.py, which are written from the papers: name, class, settings that
# match the constants there, and what the states start with.
MOMENTS = {"beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-3}
RMSPROP = {"rho": 0.8, "epsilon": 1e-3}
FTRL = {
    "learning_rate_power": -0.5,
    "l1_regularization_strength": 0.3,
    "l2_regularization_strength": 0.1,
    "l2_shrinkage_regularization_strength": 0.02,
    "beta": 0.4,
}
ADAFACTOR = {"epsilon_1": 1e-3, "epsilon_2": 1e-2, "clip_threshold": 0.5}
CASES = [
    ("sgd", optimizers.SGD, {}, []),
    ("momentum", optimizers.SGD, {"momentum": 0.9}, [0]),
    ("nesterov", optimizers.SGD, {"momentum": 0.9, "nesterov": True}, [0]),
    ("rmsprop", optimizers.RMSprop, RMSPROP, [0]),
    ("rmsprop_momentum", optimizers.RMSprop, {**RMSPROP, "momentum": 0.5}, [0, 0]),
    ("rmsprop_centered", optimizers.RMSprop, {**RMSPROP, "centered": True}, [0, 0]),
    (
        "rmsprop_centered_momentum",
        optimizers.RMSprop,
        {**RMSPROP, "momentum": 0.5, "centered": True},
        [0, 0, 0],
    ),
    ("adam", optimizers.Adam, MOMENTS, [0, 0]),
    ("amsgrad", optimizers.Adam, {**MOMENTS, "amsgrad": True}, [0, 0, 0]),
    ("adagrad", optimizers.Adagrad, {"epsilon": 1e-3}, [0.1]),
    ("adadelta", optimizers.Adadelta, {"rho": 0.8, "epsilon": 1e-3}, [0, 0]),
    ("adamax", optimizers.Adamax, MOMENTS, [0, 0]),
    ("nadam", optimizers.Nadam, MOMENTS, [0, 0]),
    ("ftrl", optimizers.Ftrl, FTRL, [0.1, 0]),
    ("lion", optimizers.Lion, {"beta_1": 0.9, "beta_2": 0.99}, [0]),
    ("lamb", optimizers.Lamb, MOMENTS, [0, 0]),
    ("adafactor", optimizers.Adafactor, ADAFACTOR, [0]),
    ("adafactor_matrix", optimizers.Adafactor, ADAFACTOR, [0, 0, 0]),
]
# The first of the rules of one name is the usual one.
PAPERS = {name: rule for name, rule, _, _ in reversed(RULES)} | {
    "adafactor_matrix": adafactor_matrix
}
ALL = [
    cls
    for name, cls in vars(optimizers).items()
    if name in optimizers.__all__ and name[0].isupper()
]
# What holds others has no rule of its own: test_loss_scale.py, test_multi_optimizer.py.
WITHOUT_RULE = ("Optimizer", "OptimizerMap", "LossScaleOptimizer", "MultiOptimizer")
ALL = [c for c in ALL if c.__name__ not in WITHOUT_RULE]
EACH = pytest.mark.parametrize("cls", ALL)


def start_of(name, start, shape):
    """States as they start; the row and column means of Adafactor lack an axis."""
    shapes = [shape] * len(start)
    if name == "adafactor_matrix":
        shapes[:2] = shape[:-1], (*shape[:-2], shape[-1])
    return [np.full(s, float(value)) for s, value in zip(shapes, start, strict=True)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "cls", "settings", "start"), CASES)
def test_twenty_steps_of_the_paper(name, cls, settings, start, dtype):
    shape = (3, 4) if name != "adafactor" else (5,)
    grads = gradients(shape=shape)
    w, states, product = np.ones(shape), start_of(name, start, shape), 1.0
    rate = float(np.float32(0.1))  # the variable of the learning rate is float32
    for t, gradient in enumerate(grads, 1):
        product *= 0.9 * (1 - 0.5 * 0.96**t)
        w, *states = PAPERS[name](w, *states, gradient, Step(rate, t, product))
    result = run(cls(learning_rate=0.1, **settings), grads, dtype=dtype)
    np.testing.assert_allclose(result, w, **TOLERANCE[dtype])


def test_muon_makes_matrices_orthogonal():
    optimizer = optimizers.Muon(ns_steps=8, muon_a=1.875, muon_b=-1.25, muon_c=0.375)
    for shape in ((3, 8), (8, 3), (2, 4, 4)):
        gradient = np.random.default_rng(0).normal(size=shape)
        result = optimizer.zeropower_via_newtonschulz5(ops.array(gradient, "float64"), 20).numpy()
        left, _, right = np.linalg.svd(gradient, full_matrices=False)
        np.testing.assert_allclose(result, left @ right, atol=1e-6)
    with pytest.raises(ValueError, match="two axes"):
        optimizer.zeropower_via_newtonschulz5(ops.ones((3,)), 5)


def test_muon_lets_matrices_and_others_decay_by_their_own_fraction():
    weights = [
        pynn.Variable(np.ones(shape), name=name)
        for shape, name in (((2, 2), "kernel"), ((2,), "bias"), ((2, 2), "embeddings"))
    ]
    optimizer = optimizers.Muon(0.5, weight_decay=0.5, adam_weight_decay=0.25)
    optimizer.apply([ops.zeros(w.shape) for w in weights], weights)
    assert [float(w.numpy().ravel()[0]) for w in weights] == [0.75, 0.875, 0.875]


def test_muon_gives_to_adam_what_is_excluded():
    kernel, head = (pynn.Variable(np.ones((2, 2)), name=name) for name in ("kernel", "head"))
    optimizer = optimizers.Muon(exclude_layers=["hea."])
    optimizer.build([kernel, head])
    names = [v.name for v in optimizer.variables[2:]]
    assert names == ["kernel_momentum", "head_momentum", "head_velocity"]


def test_schedule_free_weights_lie_between_steps_and_their_average():
    weight = pynn.Variable([1.0])
    optimizer = optimizers.ScheduleFreeAdamW(0.1, beta_1=0.75, warmup_steps=4)
    w, z, v, steps = 1.0, 1.0, 0.0, []
    for t in range(1, 8):
        gradient = np.cos(t)
        v = 0.999 * v + 0.001 * gradient**2
        z -= 0.1 * min(t / 4, 1) * gradient / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        steps.append(z)
        w = 0.25 * z + 0.75 * np.mean(steps)
        optimizer.apply([ops.array([gradient], "float32")], [weight])
        np.testing.assert_allclose(float(weight[0]), w, rtol=1e-5)


TOGETHER = [
    {"clipnorm": 0.5, "weight_decay": 0.1, "use_ema": True, "ema_momentum": 0.8},
    {"global_clipnorm": 0.5, "use_ema": True, "ema_overwrite_frequency": 3},
    {"clipvalue": 0.5, "weight_decay": 0.1, "loss_scale_factor": 4.0},
    {"gradient_accumulation_steps": 2, "global_clipnorm": 0.5, "use_ema": True},
]


def unfused(cls):
    """The class with its rule alone in one pass, and separate operations around it."""

    class Twin(cls):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate)

    return Twin


@pytest.mark.parametrize("settings", TOGETHER)
@EACH
def test_one_pass_equals_separate_operations(cls, settings):
    results = []
    for kind in (cls, unfused(cls)):
        optimizer = kind(learning_rate=0.1, **settings)
        weights = [pynn.Variable(np.full(shape, 0.5)) for shape in ((3, 4), (7,))]
        for step in range(6):
            grads = [gradients(step, w.shape)[0] for w in weights]
            optimizer.apply([ops.array(g, dtype="float32") for g in grads], weights)
        results.append([v.numpy() for v in [*weights, *optimizer.variables]])
    for one_pass, separate in zip(*results, strict=True):
        np.testing.assert_allclose(one_pass, separate, rtol=2e-5, atol=2e-6)


SHAPES = ((300, 130), (40_000,), (3,))  # several blocks of a sum, and less than a vector
DRAWN = [np.random.default_rng(s).normal(size=80_000).astype("float32") for s in range(4)]


def several_steps(cls, settings, compiled):
    """Bits of weights and state after three steps."""
    optimizer = cls(learning_rate=0.1, **settings)
    start, *grads = [[x[: np.prod(shape)].reshape(shape) for shape in SHAPES] for x in DRAWN]
    weights = [pynn.Variable(x * 0.1) for x in start]
    optimizer.build(weights)
    if compiled:
        with pynn._core.Trace() as trace:
            optimizer.apply([trace.input(shape, "float32") for shape in SHAPES], weights)
            executable = trace.finish([])
    for step in grads:
        if compiled:
            executable.run(step)
        else:
            optimizer.apply([ops.array(g) for g in step], weights)
    return [v.numpy().tobytes() for v in [*weights, *optimizer.variables]]


@pytest.mark.parametrize("settings", [{}, TOGETHER[0], TOGETHER[3]])
@EACH
def test_same_bits_compiled_and_for_every_number_of_threads(cls, settings):
    before = pynn.config.num_threads()
    try:
        pynn.config.set_num_threads(1)
        expected = several_steps(cls, settings, compiled=False)
        for threads in (1, 2, 3, 8):
            pynn.config.set_num_threads(threads)
            assert several_steps(cls, settings, compiled=True) == expected
    finally:
        pynn.config.set_num_threads(before)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@EACH
def test_half_weights_are_updated_in_float32(cls, dtype):
    weight = pynn.Variable(np.full((2, 3), 0.5), dtype=dtype)
    optimizer = cls(learning_rate=0.125, clipnorm=1.0, weight_decay=0.1)
    optimizer.apply([ops.ones((2, 3), dtype=dtype)], [weight])
    assert weight.dtype == dtype
    assert (weight.numpy().astype("float32") < 0.5).all()


@EACH
def test_empty_weights(cls):
    weights = [pynn.Variable(np.zeros(shape)) for shape in ((0,), (0, 3), (3, 0))]
    optimizer = cls(0.1, clipnorm=1.0)
    optimizer.apply([ops.zeros(w.shape) for w in weights], weights)
    assert all(np.isfinite(v.numpy()).all() for v in [*weights, *optimizer.variables])


@pytest.mark.parametrize("settings", [{}, {"clipvalue": 1.0}, {"clipnorm": 1.0}])
@EACH
def test_nan_is_not_hidden(cls, settings):
    weight = pynn.Variable(np.ones(20))
    gradient = np.ones(20, np.float32)
    gradient[17] = np.nan
    cls(0.1, **settings).apply([ops.array(gradient)], [weight])
    assert np.isnan(weight.numpy()[17])


# Muon has two weight decays, tested below, and the first average of ScheduleFreeAdamW is its step.
OTHER_DECAY = (optimizers.Ftrl, optimizers.Muon, optimizers.ScheduleFreeAdamW)


@pytest.mark.parametrize("cls", [c for c in ALL if c not in OTHER_DECAY])
def test_weight_decay_is_decoupled(cls):
    plain = cls(learning_rate=0.1, weight_decay=0.0)
    decayed = cls(learning_rate=0.1, weight_decay=0.2)
    zeros = np.zeros((1, 3))
    np.testing.assert_allclose(run(plain, zeros), 1.0)
    np.testing.assert_allclose(run(decayed, zeros), 1.0 - 0.1 * 0.2, rtol=1e-6)


def test_weights_can_be_excluded_from_decay():
    optimizer = optimizers.SGD(0.5, weight_decay=0.5)
    first, second = pynn.Variable([1.0], name="kernel"), pynn.Variable([1.0], name="bias")
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.apply([ops.zeros((1,)), ops.zeros((1,))], [first, second])
    assert (float(first[0]), float(second[0])) == (0.75, 1.0)
    with pytest.raises(ValueError, match="not built"):
        optimizer.exclude_from_weight_decay(var_names=["kernel"])


def test_clipping():
    grads = [np.array([3.0, 4.0]), np.array([12.0])]
    cases = {
        "clipnorm": [grads[0] / 5, grads[1] / 12],
        "global_clipnorm": [grads[0] / 13, grads[1] / 13],
        "clipvalue": [np.ones(2), np.ones(1)],
    }
    for setting, expected in cases.items():
        weights = [pynn.Variable(np.zeros(g.shape, np.float32)) for g in grads]
        optimizer = optimizers.SGD(1.0, **{setting: 1.0})
        optimizer.apply([ops.array(g, dtype="float32") for g in grads], weights)
        for weight, value in zip(weights, expected, strict=True):
            np.testing.assert_allclose(weight.numpy(), -value, rtol=1e-6)


def test_a_zero_gradient_is_not_clipped_to_nan():
    assert not np.isnan(run(optimizers.SGD(1.0, clipnorm=1.0), np.zeros((2, 3)))).any()
    assert not np.isnan(run(optimizers.SGD(1.0, global_clipnorm=1.0), np.zeros((2, 3)))).any()


@pytest.mark.parametrize("settings", [{}, {"clipnorm": 0.5}, {"weight_decay": 0.1}])
@pytest.mark.parametrize("cls", [optimizers.SGD, optimizers.Adam])
def test_accumulating_k_gradients_is_one_step_with_their_mean(cls, settings):
    grads = gradients()
    means = grads.reshape(STEPS // 4, 4, *grads.shape[1:]).mean(1)
    accumulated = run(cls(learning_rate=0.1, gradient_accumulation_steps=4, **settings), grads)
    np.testing.assert_allclose(
        accumulated, run(cls(learning_rate=0.1, **settings), means), rtol=1e-4, atol=1e-6
    )


def test_accumulation_acts_only_at_its_end():
    weight = pynn.Variable([1.0])
    optimizer = optimizers.SGD(1.0, gradient_accumulation_steps=3)
    seen = []
    for _ in range(6):
        optimizer.apply([ops.ones((1,))], [weight])
        seen.append(float(weight[0]))
    assert seen == [1.0, 1.0, 0.0, 0.0, 0.0, -1.0]
    assert int(optimizer.iterations) == 2


def test_moving_average():
    grads = gradients()
    optimizer = optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8)
    weight = pynn.Variable(np.ones(grads.shape[1:], np.float32))
    average = None
    for gradient in grads:
        optimizer.apply([ops.array(gradient, dtype="float32")], [weight])
        value = weight.numpy()
        average = value if average is None else 0.8 * average + 0.2 * value
    optimizer.finalize_variable_values([weight])
    np.testing.assert_allclose(weight.numpy(), average, rtol=1e-4, atol=1e-6)


def test_average_overwrites_weights():
    weight = pynn.Variable([1.0])
    optimizer = optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2)
    seen = []
    for _ in range(3):
        optimizer.apply([ops.ones((1,))], [weight])
        seen.append(float(weight[0]))
    # Average 0, then 0.5 * 0 + 0.5 * -1 = -0.5, which becomes the weight.
    assert seen == [0.0, -0.5, -1.5]


def test_loss_scale_comes_off_the_gradients():
    weight = pynn.Variable([1.0])
    optimizer = optimizers.SGD(1.0, loss_scale_factor=8.0)
    assert float(optimizer.scale_loss(ops.array(2.0))) == 16.0
    optimizer.apply([ops.array([4.0])], [weight])
    assert float(weight[0]) == 0.5


def test_constraints_act_after_the_step():
    weight = pynn.Variable([1.0, -3.0])
    weight.constraint = pynn.constraints.NonNeg()
    optimizers.SGD(1.0).apply([ops.zeros((2,))], [weight])
    assert weight.numpy().tolist() == [1.0, 0.0]


def test_learning_rate_is_a_variable():
    weight = pynn.Variable([1.0])
    optimizer = optimizers.SGD(0.5)
    optimizer.learning_rate = 0.25
    optimizer.apply([ops.ones((1,))], [weight])
    assert float(weight[0]) == 0.75
    optimizer.learning_rate.assign(0.5)
    optimizer.apply([ops.ones((1,))], [weight])
    assert float(weight[0]) == 0.25
    assert optimizer.get_config()["learning_rate"] == 0.5


class Halving(optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.5 ** ops.cast(step, "float32")

    def get_config(self):
        return {}


def test_schedule():
    weight = pynn.Variable([2.0])
    optimizer = optimizers.SGD(Halving())
    for _ in range(3):
        optimizer.apply([ops.ones((1,))], [weight])
    assert float(weight[0]) == 2.0 - 1.0 - 0.5 - 0.25
    assert [v.name for v in optimizer.variables] == ["iteration"]
    with pytest.raises(TypeError, match="schedule"):
        optimizer.learning_rate = 0.1


def test_function_as_learning_rate():
    rates = iter([1.0, 0.5])
    weight = pynn.Variable([2.0])
    optimizer = optimizers.SGD(lambda: next(rates))
    for _ in range(2):
        optimizer.apply([ops.ones((1,))], [weight])
    assert float(weight[0]) == 0.5


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("cls", [optimizers.SGD, unfused(optimizers.SGD)])
def test_a_function_is_called_once_per_step_of_fit(cls, eager):
    calls = []

    def rate():
        calls.append(len(calls))
        return 0.5 ** len(calls)

    model = pynn.Sequential([pynn.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    optimizer = cls(rate, weight_decay=0.1)
    # The loss has gradient -1, so that the weight adds up the rates.
    model.compile(optimizer, loss=lambda y, p: -ops.mean(p), run_eagerly=eager)
    model.fit(np.ones((6, 1)), np.ones((6, 1)), batch_size=2, epochs=2, verbose=0)
    assert len(calls) == 6
    weight = 0.0
    for step in range(1, 7):
        weight = weight * (1 - 0.1 * 0.5**step) + 0.5**step
    np.testing.assert_allclose(model.get_weights()[0], [[weight]], rtol=1e-6)


@pytest.mark.parametrize(
    ("optimizer", "names"),
    [
        (optimizers.SGD(momentum=0.9), ["momentum"]),
        (optimizers.Adam(amsgrad=True), ["momentum", "velocity", "velocity_hat"]),
        (
            optimizers.RMSprop(momentum=0.9, centered=True),
            ["velocity", "momentum", "average_gradient"],
        ),
        (
            optimizers.SGD(momentum=0.9, use_ema=True, gradient_accumulation_steps=2),
            ["average", "gradient_accumulator", "momentum"],
        ),
    ],
)
def test_names_of_the_state(optimizer, names):
    weight = pynn.Variable([1.0], name="w")
    optimizer.build([weight])
    expected = ["iteration", "learning_rate", *[f"w_{name}" for name in names]]
    assert [v.name for v in optimizer.variables] == expected
    assert optimizer.variables[2].path == f"{optimizer.name}/{expected[2]}"


def test_weights_that_come_later():
    first, second = pynn.Variable([1.0]), pynn.Variable([1.0])
    optimizer = optimizers.Adam(0.1)
    optimizer.apply([ops.ones((1,))], [first])
    with pytest.raises(ValueError, match="built with"):
        optimizer.apply([ops.ones((1,))] * 2, [first, second])
    optimizer.extend([first, second])
    optimizer.apply([ops.ones((1,))] * 2, [first, second])
    assert len(optimizer.variables) == 6


def test_missing_gradients():
    first, second = pynn.Variable([1.0], name="a"), pynn.Variable([1.0], name="b")
    optimizer = optimizers.SGD(0.5)
    with pytest.warns(UserWarning, match="does not depend on \\['b'\\]"):
        optimizer.apply([ops.ones((1,)), None], [first, second])
    assert (float(first[0]), float(second[0])) == (0.5, 1.0)
    with pytest.raises(ValueError, match="at least one"):
        optimizer.apply([None, None], [first, second])


def test_minimize():
    x = pynn.Variable(2.0)
    optimizer = optimizers.SGD(0.25)
    optimizer.minimize(lambda: ops.square(x), [x])
    assert float(x) == 1.0
    with pynn.GradientTape() as tape:
        loss = ops.square(x)
    optimizer.minimize(loss, [x], tape=tape)
    assert float(x) == 0.5
    with pytest.raises(ValueError, match="tape"):
        optimizer.minimize(ops.array(1.0), [x])


def test_custom_update_rule():
    class Signs(optimizers.Optimizer):
        def build(self, variables):
            super().build(variables)
            self.counts = self.add_optimizer_variables(variables, "count")

        def update_step(self, gradient, variable, learning_rate):
            self.assign_sub(variable, ops.sign(gradient) * learning_rate)
            self.assign_add(self.counts[self._get_variable_index(variable)], 1.0)

    optimizer = Signs(learning_rate=0.5)
    assert (run(optimizer, np.ones((2, 3)), start=2.0) == 1.0).all()
    assert (optimizer.counts[0].numpy() == 2.0).all()


@pytest.mark.parametrize(
    "settings",
    [
        {"clipnorm": 1.0, "clipvalue": 1.0},
        {"use_ema": True, "ema_momentum": 2.0},
        {"use_ema": True, "ema_overwrite_frequency": 0.5},
        {"gradient_accumulation_steps": 1},
        {"learning_rate": "fast"},
        {"decay_rate": 0.1},
        {"momentum": 2.0},
    ],
)
def test_bad_settings_raise(settings):
    with pytest.raises(ValueError, match="expected"):
        optimizers.SGD(**settings)


@EACH
def test_config_round_trip(cls):
    optimizer = cls(learning_rate=0.5, clipnorm=1.0, name="mine")
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()


def test_state_travels():
    grads = gradients()
    first, second = optimizers.Adam(0.1), optimizers.Adam(0.1)
    run(first, grads)
    second.build([pynn.Variable(np.ones(grads.shape[1:], np.float32))])
    store = {}
    first.save_own_variables(store)
    second.load_own_variables(store)
    for a, b in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    second.set_weights([v.numpy() for v in first.variables])
    with pytest.warns(UserWarning, match="not loaded"):
        optimizers.Adam().load_own_variables(store)


@pytest.mark.parametrize(
    ("cls", "settings"),
    [
        (optimizers.Lion, {"beta_1": 0.0}),
        (optimizers.Lion, {"beta_1": 1.5}),
        (optimizers.Ftrl, {"initial_accumulator_value": -1.0}),
        (optimizers.Ftrl, {"learning_rate_power": 0.5}),
        (optimizers.Ftrl, {"l1_regularization_strength": -0.1}),
        (optimizers.Ftrl, {"l2_regularization_strength": -0.1}),
        (optimizers.Ftrl, {"l2_shrinkage_regularization_strength": -0.1}),
        (optimizers.AdamW, {"weight_decay": None}),
        (optimizers.ScheduleFreeAdamW, {"beta_1": 0.0}),
    ],
)
def test_settings_that_a_rule_refuses(cls, settings):
    with pytest.raises(ValueError, match=f"pynn.optimizers.{cls.__name__}: expected"):
        cls(**settings)


def one(dtype="float32"):
    return pynn._core.tensor(1.0, dtype)


@pytest.mark.parametrize(
    ("arrays", "gradient", "scalars", "error", "words"),
    [
        ([(3,)], (4,), [one(), 0, one()], ValueError, r"a gradient.*\(3,\).*\(4,\)"),
        ([(3,)] * 3, (3,), [one(), 0, one()], ValueError, r"0 state.*3 array"),
        ([(3,), (4,)], (3,), [one(), 0, one()], ValueError, r"states.*\(3,\).*\(4,\)"),
        ([], (3,), [one(), 0, one()], ValueError, "1 to 5 arrays"),
        ([(3,)], (3,), [one(), 0], ValueError, "3 scalars"),
        ([(3,)], (3,), [one(), one(), one()], TypeError, "iterations.*int32"),
        ([(3,)], (3,), [0, 0, one()], TypeError, "learning rate.*float32"),
    ],
)
def test_updates_check_what_they_get(arrays, gradient, scalars, error, words):
    with pytest.raises(error, match=r"pynn\.sgd_update: expected.*" + words):
        pynn._core.sgd_update(
            [np.ones(shape, np.float32) for shape in arrays],
            np.ones(gradient, np.float32),
            scalars,
            [],
            [0.0] * 4,
        )


def test_get():
    assert isinstance(optimizers.get("adam"), optimizers.Adam)
    assert isinstance(optimizers.get("RMSprop"), optimizers.RMSprop)
    assert isinstance(optimizers.get("ADAMW"), optimizers.AdamW)
    with pytest.raises(ValueError, match="did you mean"):
        optimizers.get("adan")
    with pytest.raises(ValueError, match="optimizer"):
        optimizers.get(lambda x: x)


def test_stateless_apply_changes_no_variable():
    weight = pynn.Variable([1.0, 2.0])
    optimizer = optimizers.Adam(0.1)
    optimizer.build([weight])
    start = [v.value for v in optimizer.variables]
    weights, state = optimizer.stateless_apply(start, [ops.ones((2,))], [weight.value])
    assert weight.numpy().tolist() == [1.0, 2.0]
    assert int(optimizer.iterations) == 0
    optimizer.apply([ops.ones((2,))], [weight])
    np.testing.assert_array_equal(weights[0], weight.numpy())
    for a, b in zip(state, optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b.numpy())


def test_deep_copies_are_independent():
    weight = pynn.Variable([1.0])
    optimizer = optimizers.Adam(0.1)
    optimizer.apply([ops.ones((1,))], [weight])
    clone, copied = copy.deepcopy((optimizer, weight))
    clone.apply([ops.ones((1,))], [copied])
    assert (int(optimizer.iterations), int(clone.iterations)) == (1, 2)
    assert float(weight[0]) != float(copied[0])
