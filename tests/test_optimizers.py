"""Optimizers: update rules against float64, clipping, decay, accumulation, averages, state."""

import copy

import numpy as np
import pytest

import pynn
from pynn import ops, optimizers

STEPS = 20


def gradients(seed=0, shape=(3, 4)):
    return np.random.default_rng(seed).normal(size=(STEPS, *shape))


def run(optimizer, grads, start=1.0):
    weight = pynn.Variable(np.full(grads.shape[1:], start, np.float32), name="w")
    for gradient in grads:
        optimizer.apply([ops.array(gradient, dtype="float32")], [weight])
    return weight.numpy()


def sgd(w, g, s, t, lr=0.1, momentum=0.0, nesterov=False):
    s["m"] = momentum * s.get("m", 0.0) - lr * g
    return w + (momentum * s["m"] - lr * g if nesterov else s["m"])


def rmsprop(w, g, s, t, lr=0.1, rho=0.9, momentum=0.0, eps=1e-7, centered=False):
    s["v"] = rho * s.get("v", 0.0) + (1 - rho) * g**2
    s["a"] = rho * s.get("a", 0.0) + (1 - rho) * g
    step = lr * g / np.sqrt(s["v"] - (s["a"] ** 2 if centered else 0.0) + eps)
    s["m"] = momentum * s.get("m", 0.0) + step
    return w - (s["m"] if momentum else step)


def adam(w, g, s, t, lr=0.1, b1=0.9, b2=0.999, eps=1e-7, amsgrad=False):
    s["m"] = b1 * s.get("m", 0.0) + (1 - b1) * g
    s["v"] = b2 * s.get("v", 0.0) + (1 - b2) * g**2
    s["h"] = np.maximum(s.get("h", 0.0), s["v"])
    alpha = lr * np.sqrt(1 - b2**t) / (1 - b1**t)
    return w - alpha * s["m"] / (np.sqrt(s["h"] if amsgrad else s["v"]) + eps)


CASES = [
    (optimizers.SGD, sgd, {}, {}),
    (optimizers.SGD, sgd, {"momentum": 0.9}, {"momentum": 0.9}),
    (optimizers.SGD, sgd, {"momentum": 0.9, "nesterov": True}, {"momentum": 0.9, "nesterov": True}),
    (optimizers.RMSprop, rmsprop, {}, {}),
    (optimizers.RMSprop, rmsprop, {"momentum": 0.5}, {"momentum": 0.5}),
    (optimizers.RMSprop, rmsprop, {"centered": True}, {"centered": True}),
    (optimizers.Adam, adam, {}, {}),
    (optimizers.Adam, adam, {"amsgrad": True}, {"amsgrad": True}),
    (optimizers.Adam, adam, {"beta_1": 0.8, "beta_2": 0.9}, {"b1": 0.8, "b2": 0.9}),
]


@pytest.mark.parametrize(("cls", "rule", "settings", "reference"), CASES)
def test_twenty_steps_against_float64(cls, rule, settings, reference):
    grads = gradients()
    expected, state = np.ones(grads.shape[1:]), {}
    for t, gradient in enumerate(grads, 1):
        expected = rule(expected, gradient, state, t, **reference)
    result = run(cls(learning_rate=0.1, **settings), grads)
    np.testing.assert_allclose(result, expected, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("cls", [optimizers.SGD, optimizers.RMSprop, optimizers.Adam])
def test_weight_decay_is_decoupled(cls):
    plain = cls(learning_rate=0.1)
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


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "AdamW"])
def test_config_round_trip(name):
    optimizer = getattr(optimizers, name)(learning_rate=0.5, clipnorm=1.0, name="mine")
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
