"""MultiOptimizer: which optimizer updates what, state, settings, configs."""

import copy

import numpy as np
import pytest

import pynn
from pynn import ops, optimizers


def weights():
    return [pynn.Variable([1.0], name=name) for name in ("kernel", "bias")]


def two_rates(**settings):
    chosen = optimizers.OptimizerMap(
        optimizers.SGD(0.5, **settings), {"bia.": optimizers.Adam(0.125)}
    )
    return optimizers.MultiOptimizer(chosen)


def test_each_weight_by_its_optimizer():
    optimizer, (kernel, bias) = two_rates(), weights()
    optimizer.apply([ops.ones((1,))] * 2, [kernel, bias])
    assert float(kernel[0]) == 0.5
    np.testing.assert_allclose(bias.numpy(), [0.875], rtol=1e-5)
    assert [int(inner.iterations) for inner in (optimizer, *optimizer.optimizers)] == [1, 1, 1]


def test_a_function_chooses():
    made = []

    def choose(variable):
        made.append(optimizers.SGD(0.5 if variable.name == "bias" else 0.25))
        return made[-1]

    optimizer, variables = optimizers.MultiOptimizer(choose), weights()
    assert optimizer.optimizers == []
    for _ in range(2):
        optimizer.apply([ops.ones((1,))] * 2, variables)
    assert optimizer.optimizers == made
    assert [float(v[0]) for v in variables] == [0.5, 0.0]


def test_missing_gradients_leave_an_optimizer_alone():
    optimizer, (kernel, bias) = two_rates(), weights()
    with pytest.warns(UserWarning, match="does not depend on \\['bias'\\]"):
        optimizer.apply([ops.ones((1,)), None], [kernel, bias])
    assert (float(kernel[0]), float(bias[0])) == (0.5, 1.0)


def test_state_of_all_travels():
    first, second = two_rates(use_ema=True), two_rates(use_ema=True)
    variables = weights()
    first.apply([ops.ones((1,))] * 2, variables)
    second.build(weights())
    store = {}
    first.save_own_variables(store)
    second.load_own_variables(store)
    assert len(store) == len(first.variables) == 2 + 4 + 3
    for a, b in zip(first.variables, second.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    first.finalize_variable_values(variables)
    assert float(variables[0][0]) == 0.5


def test_weights_that_come_later_and_copies():
    optimizer, (kernel, bias) = two_rates(), weights()
    optimizer.apply([ops.ones((1,))], [kernel])
    optimizer.extend([kernel, bias])
    clone, copied = copy.deepcopy((optimizer, [kernel, bias]))
    clone.apply([ops.ones((1,))] * 2, copied)
    assert (int(optimizer.iterations), int(clone.iterations)) == (1, 2)
    assert [float(v[0]) for v in copied] == [0.0, pytest.approx(0.875, rel=1e-5)]
    assert (float(kernel[0]), float(bias[0])) == (0.5, 1.0)


def test_in_fit_with_a_function_as_rate():
    rates = iter(range(1, 100))
    inner = optimizers.SGD(lambda: next(rates))
    model = pynn.Sequential([pynn.layers.Dense(1, kernel_initializer="zeros")])
    chosen = optimizers.OptimizerMap(optimizers.SGD(1.0), {".*kernel": inner})
    model.compile(optimizers.MultiOptimizer(chosen), loss=lambda y, p: -ops.mean(p))
    model.fit(np.ones((6, 1)), np.ones((6, 1)), batch_size=2, verbose=0)
    assert [w.item() for w in model.get_weights()] == [6.0, 3.0]


def test_loss_scale_is_that_of_all():
    optimizer, variables = two_rates(loss_scale_factor=2.0), weights()
    assert [inner.loss_scale_factor for inner in optimizer.optimizers] == [None, None]
    optimizer.loss_scale_factor = 4.0
    assert float(optimizer.scale_loss(ops.array(1.0))) == 4.0
    optimizer.apply([ops.array([4.0])] * 2, variables)
    assert float(variables[0][0]) == 0.5


def test_config_round_trip():
    optimizer = two_rates()
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    assert [type(inner).__name__ for inner in again.optimizers] == ["Adam", "SGD"]


def test_weights_excluded_from_decay():
    optimizer = optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.SGD(0.5, weight_decay=0.5))
    )
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    variables = weights()
    optimizer.apply([ops.zeros((1,))] * 2, variables)
    assert [float(v[0]) for v in variables] == [0.75, 1.0]


def test_the_learning_rate_is_nowhere():
    optimizer = two_rates()
    with pytest.raises(AttributeError, match="one of its `optimizers`"):
        _ = optimizer.learning_rate
    with pytest.raises(AttributeError, match="one of its `optimizers`"):
        optimizer.learning_rate = 0.5


def test_a_map_is_a_mapping():
    sgd, adam = optimizers.SGD(), optimizers.Adam()
    chosen = optimizers.OptimizerMap(sgd, {"a/.*": adam})
    chosen["a/b"] = sgd
    assert (chosen["a/b"], chosen["a/c"], chosen["b/a/c"]) == (sgd, adam, sgd)
    assert list(chosen) == ["a/.*", "a/b"]
    del chosen["a/b"]
    assert len(chosen) == 1
    assert chosen["a/b"] is adam


MAP = optimizers.OptimizerMap(optimizers.SGD(), {"a.*": optimizers.SGD()})


@pytest.mark.parametrize(
    ("act", "error", "words"),
    [
        (lambda: optimizers.OptimizerMap("sgd"), TypeError, "default_optimizer"),
        (lambda: optimizers.OptimizerMap(optimizers.SGD(), []), TypeError, "a dict"),
        (lambda: MAP.__setitem__("a.*", optimizers.SGD()), ValueError, "new"),
        (lambda: MAP.__setitem__(1, optimizers.SGD()), ValueError, "path or pattern"),
        (lambda: MAP.__setitem__("b", "sgd"), ValueError, "an Optimizer"),
        (lambda: MAP.__setitem__("b", two_rates()), ValueError, "holds no others"),
        (lambda: optimizers.MultiOptimizer("sgd"), ValueError, "OptimizerMap or a function"),
        (
            lambda: optimizers.MultiOptimizer(lambda v: "sgd").build(weights()),
            ValueError,
            "an Optimizer",
        ),
        (
            lambda: optimizers.OptimizerMap(MAP["b"], {"a.*": MAP["b"], ".*b": MAP["b"]})["ab"],
            ValueError,
            "one key",
        ),
    ],
)
def test_what_is_refused(act, error, words):
    with pytest.raises(error, match=words):
        act()
