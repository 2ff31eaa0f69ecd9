"""LossScaleOptimizer: its scale follows the gradients; what overflows leaves no trace."""

import numpy as np
import pytest

import pynn
from pynn import layers, ops, optimizers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 6)).astype("float32")
Y = X[:, :1] * 2


def make_model(policy="mixed_float16", **settings):
    pynn.utils.set_random_seed(0)
    before = pynn.config.dtype_policy()
    pynn.config.set_dtype_policy(policy)
    try:
        model = pynn.Sequential(
            [pynn.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(1)]
        )
    finally:
        pynn.config.set_dtype_policy(before)
    model.compile(**{"optimizer": pynn.optimizers.Adam(0.01), "loss": "mse", **settings})
    return model


def state(model):
    return [v.numpy().tobytes() for v in [*model.variables, *model.optimizer.variables]]


def apply(optimizer, weight, *gradients):
    """The scale after each step."""
    scales = []
    for gradient in gradients:
        scaled = optimizer.scale_loss(ops.array(gradient))
        optimizer.apply([ops.reshape(scaled, (1,))], [weight])
        scales.append(float(optimizer.dynamic_scale))
    return scales


def test_the_scale_doubles_after_finite_steps_and_halves_at_once():
    weight = pynn.Variable([1.0])
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.25), 8.0, dynamic_growth_steps=3)
    nan, inf = float("nan"), float("inf")
    scales = apply(optimizer, weight, 1.0, 1.0, inf, 1.0, 1.0, 1.0, nan, nan, 1.0)
    assert scales == [8.0, 8.0, 4.0, 4.0, 4.0, 8.0, 4.0, 2.0, 2.0]
    assert float(weight[0]) == 1.0 - 6 * 0.25  # what is left out, is left out
    assert int(optimizer.iterations) == int(optimizer.inner_optimizer.iterations) == 6
    assert int(optimizer.step_counter) == 1


def test_one_infinite_gradient_leaves_out_all_weights():
    first, second = pynn.Variable([1.0]), pynn.Variable([1.0, 1.0])
    optimizer = optimizers.LossScaleOptimizer(optimizers.Adam(0.1))
    optimizer.build([first, second])
    before = [v.numpy() for v in optimizer.inner_optimizer.variables]
    optimizer.apply([ops.ones((1,)), ops.array([1.0, float("inf")])])
    assert float(first[0]) == float(second[0]) == 1.0
    for old, variable in zip(before, optimizer.inner_optimizer.variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())


INNER = {
    "sgd": {},
    "clipped": {"global_clipnorm": 0.5, "weight_decay": 0.01},
    "averaged": {"use_ema": True, "ema_overwrite_frequency": 3},
    "accumulating": {"gradient_accumulation_steps": 2},
}


@pytest.mark.parametrize("inner", INNER)
def test_compiled_equals_eager_across_overflows(inner):
    states, scales = [], []
    for eager in (False, True):
        optimizer = optimizers.LossScaleOptimizer(
            optimizers.Adam(0.01, **INNER[inner]), 2.0**22, dynamic_growth_steps=4
        )
        model = make_model(optimizer=optimizer, run_eagerly=eager)
        model.fit(X, Y, batch_size=16, epochs=4, verbose=0)
        assert not model._trainer_state.eager_phases
        states.append(state(model))
        scales.append(float(optimizer.dynamic_scale))
    assert states[0] == states[1]
    assert scales[0] < 2.0**22, "the scale was too large for float16 at first"
    assert int(optimizer.iterations) > 0


def test_a_power_of_two_changes_no_bit():
    """Without half precision in the way, scaling and unscaling cancel."""
    plain = make_model("float32", optimizer=optimizers.SGD(0.05, momentum=0.9))
    scaled = make_model(
        "float32", optimizer=optimizers.LossScaleOptimizer(optimizers.SGD(0.05, momentum=0.9))
    )
    for model in (plain, scaled):
        model.fit(X, Y, epochs=3, shuffle=False, verbose=0)
    for a, b in zip(plain.get_weights(), scaled.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_small_gradients_survive_in_half_precision():
    def trained(**settings):
        model = make_model(optimizer=optimizers.SGD(1e7), loss=tiny, **settings)
        start = model.get_weights()
        model.train_on_batch(X, Y)
        return [np.abs(a - b).max() for a, b in zip(start, model.get_weights(), strict=True)]

    def tiny(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred)) * 1e-8

    assert not any(trained(auto_scale_loss=False)[:2]), "gradients below float16"
    assert all(trained())


# ---- compile ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "settings", "wraps"),
    [
        ("mixed_float16", {}, True),
        ("mixed_float16", {"auto_scale_loss": False}, False),
        ("mixed_bfloat16", {}, False),
        ("float16", {}, False),
        ("float32", {}, False),
    ],
)
def test_compile_wraps_the_optimizer_of_a_mixed_float16_model(policy, settings, wraps):
    inner = optimizers.Adam(0.5)
    model = make_model(policy, optimizer=inner, **settings)
    assert isinstance(model.optimizer, optimizers.LossScaleOptimizer) == wraps
    assert getattr(model.optimizer, "inner_optimizer", model.optimizer) is inner
    # What is saved is what was passed; compiling from it wraps anew.
    config = model.get_compile_config()
    assert config["optimizer"]["class_name"] == "Adam"
    other = make_model(policy)
    other.compile_from_config(config)
    assert isinstance(other.optimizer, optimizers.LossScaleOptimizer) == (policy == "mixed_float16")
    assert float(other.optimizer.learning_rate) == 0.5


def test_an_optimizer_that_scales_already_is_not_wrapped():
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD())
    assert make_model(optimizer=optimizer).optimizer is optimizer
    assert make_model(optimizer=None).optimizer is None


def test_changes_of_the_inner_optimizer_act_at_the_next_step():
    model = make_model()
    inner = model.optimizer.inner_optimizer

    def step():
        before = model.get_weights()
        model.train_on_batch(X, Y)
        return max(np.abs(a - b).max() for a, b in zip(model.get_weights(), before, strict=True))

    assert step() > 0
    model.optimizer.learning_rate = 0.0
    assert step() == 0
    assert float(inner.learning_rate) == 0.0
    inner.learning_rate = 0.01
    assert 0 < step() < 0.1
    inner.weight_decay = 50.0
    assert step() > 0.1


def test_a_frozen_layer_gets_its_state_when_it_is_thawed():
    model = make_model()
    model.layers[0].trainable = False
    model.train_on_batch(X, Y)
    before = model.layers[0].kernel.numpy()
    model.layers[0].trainable = True
    model.train_on_batch(X, Y)
    assert (model.layers[0].kernel.numpy() != before).any()


def test_averages_end_a_fit():
    model = make_model(optimizer=optimizers.SGD(0.05, use_ema=True, ema_momentum=0.5))
    model.fit(X, Y, epochs=2, verbose=0)
    average = model.optimizer.inner_optimizer.slot("average", model.layers[0].kernel)
    np.testing.assert_array_equal(model.layers[0].kernel.numpy(), average.numpy())


def test_a_function_as_learning_rate_of_the_inner_optimizer():
    calls = []

    def rate():
        calls.append(0.01)
        return calls[-1]

    make_model(optimizer=optimizers.SGD(rate)).fit(X, Y, batch_size=16, verbose=0)
    assert len(calls) == 5


# ---- state and config ---------------------------------------------------------------------------


def test_names_and_order_of_the_state():
    weight = pynn.Variable([1.0], name="w")
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(momentum=0.9), name="scaled")
    optimizer.build([weight])
    assert [v.path.split("/")[-1] for v in optimizer.variables] == [
        *["iteration", "learning_rate", "step_counter", "dynamic_scale"],
        *["iteration", "learning_rate", "w_momentum"],
    ]
    assert optimizer.variables[2].path == "scaled/step_counter"


def test_state_is_saved_and_loaded():
    weight = pynn.Variable([1.0])
    optimizer = optimizers.LossScaleOptimizer(optimizers.Adam(0.1), 4.0)
    apply(optimizer, weight, 1.0, float("inf"), 1.0)
    store = {}
    optimizer.save_own_variables(store)
    other = optimizers.LossScaleOptimizer(optimizers.Adam(0.1), 4.0)
    other.build([pynn.Variable([1.0])])
    other.load_own_variables(store)
    for a, b in zip(optimizer.variables, other.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_stateless_apply():
    weight = pynn.Variable([1.0])
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(1.0), 2.0)
    optimizer.build([weight])
    values = [v.numpy() for v in optimizer.variables]
    (new,), state_after = optimizer.stateless_apply(values, [ops.array([1.0])], [weight.numpy()])
    assert float(new[0]) == 0.5
    assert float(weight[0]) == 1.0
    assert [int(v) for v in state_after[2:3]] == [1]
    (same,), state_after = optimizer.stateless_apply(
        values, [ops.array([float("nan")])], [weight.numpy()]
    )
    assert float(same[0]) == 1.0
    assert float(state_after[3]) == 1.0


def test_config():
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD(0.5, momentum=0.9), 4.0, 7)
    twin = optimizers.deserialize(optimizers.serialize(optimizer))
    assert twin.get_config() == optimizer.get_config()
    assert twin.inner_optimizer.momentum == 0.9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"inner_optimizer": "sgd"}, "inner_optimizer to be an Optimizer; received 'sgd'"),
        ({"initial_scale": 0.0}, "initial_scale > 0; received 0.0"),
        ({"dynamic_growth_steps": 0}, "dynamic_growth_steps to be an int >= 1; received 0"),
        ({"dynamic": False}, "dynamic=True; received False"),
        ({"clipnorm": 1.0}, "clipnorm to be set on inner_optimizer; received clipnorm=1.0"),
        ({"use_ema": True}, "use_ema to be set on inner_optimizer"),
        ({"scale": 2.0}, "known arguments; received 'scale'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=f"LossScaleOptimizer: expected {message}"):
        optimizers.LossScaleOptimizer(**{"inner_optimizer": optimizers.SGD(), **arguments})


def test_what_old_configs_contain_is_accepted():
    optimizer = optimizers.LossScaleOptimizer(
        optimizers.SGD(loss_scale_factor=4.0), use_ema=False, clipnorm=None, dynamic=True
    )
    assert optimizer.inner_optimizer.loss_scale_factor is None


def test_no_gradient_and_no_inner_optimizer():
    optimizer = optimizers.LossScaleOptimizer(optimizers.SGD())
    with pytest.raises(ValueError, match="a gradient for at least one variable"):
        optimizer.apply([None], [pynn.Variable([1.0])])
    with pytest.raises(ValueError, match="config with inner_optimizer"):
        optimizers.get({"class_name": "LossScaleOptimizer", "config": {}})
