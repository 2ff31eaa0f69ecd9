"""What compiled steps notice, and what they cannot: every surprise of tracing, written down."""

import gc
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest

import pynn
from pynn import layers, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4))
Y = X[:, :1] * 2 + 1


def make_model(**settings):
    pynn.utils.set_random_seed(0)
    model = pynn.Sequential([pynn.Input((4,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
    model.compile(**{"optimizer": pynn.optimizers.SGD(0.1), "loss": "mse", **settings})
    return model


def step(model, rows=64):
    before = model.get_weights()
    model.train_on_batch(X[:rows], Y[:rows])
    return [a - b for a, b in zip(model.get_weights(), before, strict=True)]


class Looking(pynn.Model):
    """Looks at the value of its outputs."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, inputs):
        outputs = self.dense(inputs)
        if float(ops.sum(outputs)) > 1e9:
            return outputs * 0.0
        return outputs


class Counting(pynn.Sequential):
    """Counts how often its step runs as Python."""

    def train_step(self, data):
        self.runs = getattr(self, "runs", 0) + 1
        return super().train_step(data)

    _untraced_attributes = pynn.Sequential._untraced_attributes | {"runs"}


def counting():
    model = Counting([pynn.Input((4,)), layers.Dense(1)])
    model.compile(pynn.optimizers.SGD(0.1), "mse")
    return model


# ---- traced once, and again where needed ---------------------------------------------------------


def test_python_runs_once_per_kind_of_batch():
    model = counting()
    model.fit(X, Y, batch_size=10, epochs=5, verbose=0)
    assert model.runs == 2  # full batches and the short last one
    model.fit(X, Y, batch_size=10, epochs=5, verbose=0)
    assert model.runs == 2
    model.train_on_batch(X[:10], Y[:10])
    assert model.runs == 2
    model.train_on_batch(X[:11], Y[:11])
    assert model.runs == 3
    model.train_on_batch(X[:11], Y[:11], sample_weight=np.ones(11))
    assert model.runs == 4
    model.train_on_batch(X[:11].astype(int), Y[:11])
    assert model.runs == 5


def test_float_dtypes_share_a_trace():
    model = counting()
    for dtype in (np.float64, np.float32, np.float16):
        model.train_on_batch(X.astype(dtype), Y)
    assert {key[1] for key in model._trainer_state.steps._steps} == {64}


def test_flipping_between_two_states_does_not_trace_again():
    model = counting()
    frozen = layers.Dense(1)
    model.add(frozen)
    for _ in range(5):
        for trainable in (True, False):
            frozen.trainable = trainable
            model.train_on_batch(X, Y)
    assert model.runs == 2


def test_making_another_model_does_not_trace_again():
    model = counting()
    model.train_on_batch(X, Y)
    counting().train_on_batch(X, Y)
    model.train_on_batch(X, Y)
    assert model.runs == 1


# ---- changes after the first step act at the next one --------------------------------------------


@pytest.mark.parametrize("eager", [False, True])
def test_trainable(eager):
    model = make_model(run_eagerly=eager)
    step(model)
    model.layers[0].trainable = False
    deltas = step(model)
    assert [delta.any() for delta in deltas] == [False, False, True, True]
    model.layers[0].trainable = True
    assert step(model)[0].any()


def test_a_layer_that_becomes_trainable_gets_optimizer_state():
    model = make_model(optimizer="adam")
    model.layers[0].trainable = False
    step(model)
    count = len(model.optimizer.variables)
    model.layers[0].trainable = True
    assert step(model)[0].any()
    assert len(model.optimizer.variables) == count + 4


def test_a_weight_made_untrainable_by_itself():
    model = make_model()
    step(model)
    model.layers[0].kernel.trainable = False
    deltas = step(model)
    assert [delta.any() for delta in deltas] == [False, True, True, True]


@pytest.mark.parametrize("eager", [False, True])
def test_learning_rate(eager):
    model = make_model(run_eagerly=eager)
    step(model)
    model.optimizer.learning_rate = 0.0
    assert not any(delta.any() for delta in step(model))
    model.optimizer.learning_rate.assign(0.1)
    assert step(model)[0].any()


class TwoSteps(pynn.optimizers.schedules.LearningRateSchedule):
    """A rate that ends after the first steps."""

    def __init__(self, steps):
        self.steps = steps

    def __call__(self, step):
        return ops.where(step < self.steps, 0.1, 0.0)


@pytest.mark.parametrize("eager", [False, True])
def test_a_schedule_or_a_function_in_place_of_a_learning_rate(eager):
    model = make_model(run_eagerly=eager)
    step(model)
    schedule = TwoSteps(2)
    model.optimizer.learning_rate = schedule
    assert [step(model)[0].any() for _ in range(3)] == [True, False, False]
    schedule.steps = 5
    assert [step(model)[0].any() for _ in range(2)] == [True, False]
    model.optimizer.learning_rate = lambda: 0.1
    assert step(model)[0].any()


@pytest.mark.parametrize("eager", [False, True])
def test_a_setting_that_needs_state_of_its_own_comes_too_late(eager):
    for setting in ("use_ema", "gradient_accumulation_steps", "amsgrad"):
        model = make_model(optimizer="adam", run_eagerly=eager)
        step(model)
        setattr(model.optimizer, setting, 2)
        with pytest.raises(ValueError, match="before the first step; received them after it"):
            step(model)


@pytest.mark.parametrize("eager", [False, True])
def test_the_whole_model(eager):
    model = make_model(run_eagerly=eager)
    step(model)
    model.trainable = False
    with pytest.warns(UserWarning, match="no weight of the model is trainable"):
        assert not any(delta.any() for delta in step(model))
    model.trainable = True
    assert all(delta.any() for delta in step(model))


def test_optimizer_settings():
    model = make_model()
    large = step(model)
    model.optimizer.clipvalue = 1e-6
    small = step(model)
    assert abs(small[0]).max() < 1e-6 < abs(large[0]).max()


def test_another_optimizer():
    model = make_model()
    step(model)
    model.optimizer = pynn.optimizers.SGD(0.0)
    assert not any(delta.any() for delta in step(model))


def test_a_function_as_learning_rate_is_asked_in_every_step():
    rates = iter([0.0, 0.1, 0.0, 0.1])
    model = make_model(optimizer=pynn.optimizers.SGD(lambda: next(rates)))
    assert [step(model)[0].any() for _ in range(4)] == [False, True, False, True]


def test_regularizers():
    model = make_model()
    plain = model.test_on_batch(X, Y)
    kernel = model.layers[0].kernel.numpy()
    model.layers[0].kernel_regularizer = pynn.regularizers.L2(0.5)
    penalty = 0.5 * (kernel**2).sum()
    assert model.test_on_batch(X, Y) == pytest.approx(plain + penalty, rel=1e-5)
    model.layers[0].kernel_regularizer.l2 = 1.0
    assert model.test_on_batch(X, Y) == pytest.approx(plain + 2 * penalty, rel=1e-5)
    model.layers[0].kernel_regularizer = None
    assert model.test_on_batch(X, Y) == pytest.approx(plain, rel=1e-6)


@pytest.mark.parametrize("eager", [False, True])
def test_other_penalties(eager):
    model = make_model(run_eagerly=eager)
    plain = model.test_on_batch(X, Y)
    first, last = model.layers
    last.bias.assign([2.0])
    shifted = model.test_on_batch(X, Y)
    last.bias_regularizer = pynn.regularizers.L1(0.5)
    assert model.test_on_batch(X, Y) == pytest.approx(shifted + 1.0, rel=1e-5)
    last.bias_regularizer = None
    last.bias.assign([0.0])
    hidden = first(X.astype("float32")).numpy()
    first.activity_regularizer = pynn.regularizers.L2(0.25)
    penalty = 0.25 * (hidden**2).sum() / len(X)
    assert model.test_on_batch(X, Y) == pytest.approx(plain + penalty, rel=1e-5)


@pytest.mark.parametrize("eager", [False, True])
def test_compiling_again_acts_on_frozen_and_regularized_layers(eager):
    model = make_model(optimizer="adam", run_eagerly=eager)
    step(model)
    model.layers[0].trainable = False
    model.compile(pynn.optimizers.SGD(0.1), "mae", run_eagerly=eager)
    assert [delta.any() for delta in step(model)] == [False, False, True, True]
    errors = np.abs(model.predict(X, verbose=0) - Y)
    assert model.test_on_batch(X, Y) == pytest.approx(errors.mean(), rel=1e-5)


def test_constraints():
    model = make_model()
    step(model)
    model.layers[0].kernel_constraint = pynn.constraints.NonNeg()
    step(model)
    assert model.layers[0].kernel.numpy().min() >= 0.0


def test_layer_settings():
    class Train(pynn.Model):
        def __init__(self):
            super().__init__()
            self.dropout = layers.Dropout(1e-9)

        def call(self, inputs, training=None):
            return self.dropout(inputs, training=training)

        def train_step(self, data):
            outputs = self(data[0], training=True)
            return {"zeros": ops.sum(ops.cast(ops.equal(outputs, 0.0), "int32"))}

    model = Train()
    model.compile("sgd", "mse")
    assert model.train_on_batch(X, Y) == 0.0
    model.dropout.rate = 0.5
    assert model.train_on_batch(X, Y) > 0.0


def test_activation_replaced():
    model = make_model()
    before = model.predict(X, verbose=0)
    model.layers[0].activation = pynn.activations.relu
    assert not np.array_equal(before, model.predict(X, verbose=0))


def test_layers_added_and_removed():
    model = make_model()
    before = model.predict(X, verbose=0)
    model.add(layers.Dense(2, kernel_initializer="ones", use_bias=False))
    np.testing.assert_allclose(model.predict(X, verbose=0), np.repeat(before, 2, 1), rtol=1e-6)
    model.pop()
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)


def test_weights_set_by_hand():
    model = make_model()
    model.predict(X, verbose=0)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    assert not model.predict(X, verbose=0).any()


def test_run_eagerly_switched_on_and_off():
    model = counting()
    model.train_on_batch(X, Y)
    model.run_eagerly = True
    model.train_on_batch(X, Y)
    model.train_on_batch(X, Y)
    assert model.runs == 3
    model.run_eagerly = False
    model.train_on_batch(X, Y)
    assert model.runs == 3


def test_compile_again():
    model = make_model()
    mse = model.test_on_batch(X, Y)
    model.compile("sgd", "mae")
    assert model.test_on_batch(X, Y) != mse


# ---- what a trace cannot follow -----------------------------------------------------------------


def test_looking_at_values_runs_eagerly_with_one_warning():
    model = Looking()
    model.compile("sgd", "mse")
    with pytest.warns(UserWarning, match="looks at the value of a tensor") as record:
        history = model.fit(X, Y, epochs=3, validation_data=(X, Y), verbose=0)
    assert len(record) == 1
    assert f"{__file__}:" in str(record[0].message)
    assert record[0].filename == __file__
    line = Path(__file__).read_text().splitlines()[record[0].lineno - 1]
    assert "float(ops.sum(outputs))" in line
    assert history.history["loss"][-1] < history.history["loss"][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y, verbose=0)


def test_run_eagerly_asks_for_it_without_a_warning():
    model = Looking()
    model.compile("sgd", "mse", run_eagerly=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(X, Y, verbose=0)
        model.predict(X, verbose=0)


def test_an_aborted_trace_changes_nothing():
    class Late(pynn.Sequential):
        def train_step(self, data):
            logs = super().train_step(data)
            float(self.layers[0].kernel[0, 0])
            return logs

    expected, model = make_model(), None
    pynn.utils.set_random_seed(0)
    model = Late([pynn.Input((4,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
    model.compile(pynn.optimizers.SGD(0.1), "mse")
    with pytest.warns(UserWarning, match="looks at the value"):
        model.train_on_batch(X, Y)
    expected.train_on_batch(X, Y)
    for a, b in zip(expected.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_python_side_effects_happen_while_tracing_only():
    seen = []

    class Printing(pynn.Sequential):
        def call(self, inputs, **kwargs):
            seen.append(tuple(inputs.shape))
            return super().call(inputs, **kwargs)

    model = Printing([pynn.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, Y, epochs=1, verbose=0)
    count = len(seen)
    model.fit(X, Y, epochs=5, verbose=0)
    assert len(seen) == count


def test_python_numbers_are_constants_of_the_trace():
    scale = {"value": 1.0}

    class Scaled(pynn.Model):
        def call(self, inputs):
            return inputs * scale["value"]

    model = Scaled()
    first = model.predict(X, verbose=0)
    scale["value"] = 2.0
    # A number outside the model is not seen; `self.scale` or a Variable would be.
    np.testing.assert_array_equal(model.predict(X, verbose=0), first)


def test_python_attributes_of_the_model_are_seen():
    class Scaled(pynn.Model):
        def __init__(self):
            super().__init__()
            self.scale = 1.0

        def call(self, inputs):
            return inputs * self.scale

    model = Scaled()
    first = model.predict(X, verbose=0)
    model.scale = 2.0
    np.testing.assert_array_equal(model.predict(X, verbose=0), 2 * first)


def test_losses_of_a_trace_do_not_stay():
    model = make_model()
    model.layers[0].activity_regularizer = pynn.regularizers.L2(0.1)
    model.train_on_batch(X, Y)
    assert all(np.isfinite(float(loss)) for loss in model.losses)


def test_variables_made_inside_a_step_start_with_their_value():
    class Lazy(pynn.Model):
        def call(self, inputs):
            if not hasattr(self, "scale"):
                self.scale = pynn.Variable(3.0)
            return inputs * self.scale

    np.testing.assert_allclose(Lazy().predict(X, verbose=0), 3 * X, rtol=1e-6)


def test_models_are_freed():
    model = make_model()
    model.fit(X, Y, verbose=0)
    model.predict(X, verbose=0)
    reference = weakref.ref(model)
    del model
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("compiled", [False, True])
def test_gradient_tape_in_and_out_of_a_step(compiled):
    x = pynn.Variable(3.0)

    class Squares(pynn.Model):
        def call(self, inputs):
            return inputs

        def train_step(self, data):
            with pynn.GradientTape(persistent=True) as outer:
                with pynn.GradientTape() as inner:
                    y = x * x * x
                first = inner.gradient(y, x)
            constant = ops.array(2.0)
            with pynn.GradientTape() as watching:
                watching.watch(constant)
                z = {"a": constant * x, "b": constant * constant}
            return {
                "first": first,
                "second": outer.gradient(first, x),
                "both": watching.gradient(z, {"c": constant})["c"],
                "weighted": outer.gradient(y, x, output_gradients=ops.array(2.0)),
            }

    model = Squares()
    model.compile("sgd", "mse", run_eagerly=not compiled)
    logs = model.train_on_batch(X, Y, return_dict=True)
    assert logs == {"first": 27.0, "second": 18.0, "both": 7.0, "weighted": 54.0}


def test_tape_without_a_connection():
    x, other = pynn.Variable(3.0), pynn.Variable([1.0, 2.0])
    with pynn.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(x)
        y = x * ops.sum(other)
        with tape.stop_recording():
            z = x * 2.0
    assert tape.gradient(y, other) is None
    assert tape.gradient(y, other, unconnected_gradients="zero").numpy().tolist() == [0.0, 0.0]
    assert tape.gradient(z, x) is None
    assert [float(g) if g is not None else None for g in tape.gradient(y, [x, other])] == [
        3.0,
        None,
    ]


# ---- the rows of docs/tracing.md: what a trace depends on ----------------------------------------


def calls_of(function, *inputs):
    """The results of three calls of a compiled function, as floats."""
    compiled = pynn.function(function)
    return [float(compiled(*inputs)) for _ in range(3)]


ONE = np.float32(1)


def test_numbers_lists_and_arrays_outside_are_those_of_the_trace():
    number, numbers, array = [1.0], [1.0, 2.0], np.array([1.0, 2.0])
    f = pynn.function(lambda x: x * number[0] + numbers[1] + ops.sum(ops.array(array)))
    assert float(f(ONE)) == 6.0
    number[0], numbers[1], array[0] = 5.0, 5.0, 5.0
    assert float(f(ONE)) == 6.0
    value = pynn.Variable(1.0)
    g = pynn.function(lambda x: x * value)
    assert float(g(ONE)) == 1.0
    value.assign(5.0)
    assert float(g(ONE)) == 5.0


def test_an_attribute_that_a_function_reads_is_that_of_the_trace():
    class Scaled:
        scale = 2.0

        @pynn.function
        def apply(self, x):
            return x * self.scale

    scaled = Scaled()
    assert float(scaled.apply(ONE)) == 2.0
    scaled.scale = 3.0
    assert float(scaled.apply(ONE)) == 2.0


def test_a_counter_in_call_is_right_but_traces_again():
    class Counter(pynn.Sequential):
        def call(self, inputs, **kwargs):
            self.calls = getattr(self, "calls", 0) + 1
            return super().call(inputs, **kwargs)

    model = Counter([pynn.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    before = getattr(model, "calls", 0)
    for i in range(1, 4):
        model.train_on_batch(X, Y)
        assert model.calls >= before + i


def test_random_numbers_of_python_are_frozen_and_those_of_pynn_are_not():
    rng = np.random.default_rng(0)
    frozen = calls_of(lambda x: x * rng.normal(), ONE)
    assert len(set(frozen)) == 1
    generator = pynn.random.SeedGenerator(0)
    drawn = calls_of(lambda x: x * pynn.random.normal((), seed=generator), ONE)
    assert len(set(drawn)) == 3


def test_print_and_append_happen_once_per_trace(capsys):
    seen = []

    def f(x):
        print("tracing", x)
        seen.append(x)
        return x * 2

    assert calls_of(f, ONE) == [2.0, 2.0, 2.0]
    assert capsys.readouterr().out == "tracing Tensor(traced, shape=(), dtype=float32)\n"
    assert len(seen) == 1
    with pytest.raises(pynn.TraceError, match="was asked for"):
        float(seen[0])
    with pytest.raises(pynn.TraceError, match="a tensor of a finished trace was used"):
        seen[0] + 1
    with pytest.raises(pynn.TraceError, match="another trace"):
        pynn.function(lambda x: x + seen[0])._traced((ONE,), {}, [ONE])


def test_a_host_function_prints_values_in_every_step():
    seen = []
    calls_of(lambda x: ops.py_function(lambda v: seen.append(float(v)), x, None) or x, ONE)
    assert seen == [1.0, 1.0, 1.0]


# ---- values of tensors --------------------------------------------------------------------------


def early_return(x):
    if x > 0:
        return x * 2
    return x * 3


def loop_until(x):
    while ops.sum(x) < 100.0:
        x = x * 2
    return x


def checked_in_a_loop(x):
    for _ in range(2):
        x = x * 2
        assert x > 0, "positive"
    return x


def caught(x):
    try:
        scale = float(x)
    except Exception:
        scale = -1.0
    return x * scale


LOOKING = {
    "if": early_return,
    "while": loop_until,
    "assert in a loop": checked_in_a_loop,
    "and": lambda x: x * 2 if (x > 0 and x < 10) else x,
    "not": lambda x: x * 2 if not x > 0 else x,
    "in": lambda x: x * 2 if x in [2.0, 3.0] else x,
    "float": lambda x: x * float(x),
    "int": lambda x: x * int(x),
    "item": lambda x: x * x.item(),
    "numpy": lambda x: x * x.numpy(),
    "range": lambda x: sum((x for _ in range(ops.cast(x, "int32"))), ops.zeros(())),
    "NumPy function": lambda x: ops.array(np.exp(x)) * x,
    "format": lambda x: x * len(f"{float(x):.3f}"),
    "sorted": lambda x: x * sorted([x, x + 1])[0],
    "list of numbers": lambda x: x * np.asarray([x, x])[0],
    "caught": caught,
}


@pytest.mark.parametrize("name", LOOKING)
def test_what_needs_a_value_runs_eagerly_with_a_warning(name):
    f = LOOKING[name]
    x = ops.array(3.0)
    with pytest.warns(UserWarning, match="looks at the value of a tensor") as record:
        results = calls_of(f, x)
    assert len(record) == 1
    assert record[0].filename == __file__
    assert results == [float(f(x))] * 3


KNOWN = {
    "None": lambda x, none=None: x[0] if none is None else x[1],
    "shape": lambda x: ops.sum(x) if x.shape[0] > 2 else x[0],
    "len": lambda x: ops.sum(x) * len(x),
    "dtype and ndim": lambda x: ops.sum(x) * x.ndim if x.dtype == "float32" else x[0],
    "iteration": lambda x: sum(row * (i + 1) for i, row in enumerate(x)),
    "unpacking": lambda x: (lambda a, b, c: a * b + c)(*x),
    "range": lambda x: sum((x[i] * i for i in range(3)), ops.zeros(())),
    "slices": lambda x: ops.sum(x[::-1][:2]) + x[-1],
    "NumPy scalar": lambda x: ops.sum(np.float32(2) * x),
    "array": lambda x: ops.sum(np.array([1.0, 2.0, 3.0], "float32") * x),
    "comprehension": lambda x: ops.sum(ops.stack([v * v for v in x])),
    "any of a static condition": lambda x: ops.sum(x) if any(d > 2 for d in x.shape) else x[0],
}


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_known_while_tracing_works(name):
    f = KNOWN[name]
    x = ops.array([1.0, 2.0, 3.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert calls_of(f, x) == [float(f(x))] * 3


def test_an_error_that_was_caught_in_a_step_is_noticed():
    class Catching(pynn.Model):
        def call(self, inputs):
            try:
                return inputs * float(ops.sum(inputs))
            except RuntimeError:
                return inputs

    model = Catching()
    with pytest.warns(UserWarning, match="looks at the value") as record:
        result = model.predict(X, batch_size=64, verbose=0)
    assert "float(ops.sum(inputs))" in Path(__file__).read_text().splitlines()[record[0].lineno - 1]
    np.testing.assert_allclose(result, X * X.astype("float32").sum(), rtol=1e-4)


# ---- variables ----------------------------------------------------------------------------------


def test_reading_after_assigning_and_values_taken_before():
    v = pynn.Variable(1.0)

    @pynn.function
    def f(x):
        old = v.value
        v.assign(x)
        return old, v.value

    assert [[float(t) for t in f(np.float32(i))] for i in (2, 3)] == [[1.0, 2.0], [2.0, 3.0]]


def test_a_variable_made_on_first_use_and_kept():
    class Lazy:
        @pynn.function
        def add(self, x):
            if not hasattr(self, "total"):
                self.total = pynn.Variable(10.0)
            self.total.assign_add(x)
            return self.total.value

    lazy = Lazy()
    assert [float(lazy.add(ONE)) for _ in range(3)] == [11.0, 12.0, 13.0]


@pytest.mark.parametrize("where", ["function", "branch", "step"])
def test_a_variable_that_nobody_keeps_is_an_error(where):
    def total(x):
        v = pynn.Variable(10.0)
        v.assign_add(x)
        return v.value

    class Step(pynn.Model):
        def call(self, inputs):
            return inputs + total(1.0)

    calls = {
        "function": lambda: pynn.function(total)(ONE),
        "branch": lambda: pynn.function(lambda x: ops.cond(x > 0, lambda: total(x), lambda: x))(
            ONE
        ),
        "step": lambda: Step().predict(X, verbose=0),
    }
    with pytest.raises(ValueError, match="expected variables that outlive the traced function"):
        calls[where]()
    assert float(total(ONE)) == float(total(ONE)) == 11.0


def test_a_layer_that_returns_something_else():
    class Wrong(layers.Layer):
        def call(self, inputs):
            return "outputs"

    model = pynn.Sequential([Wrong(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises((TypeError, ValueError), match=r"pynn\..*'outputs'"):
        model.train_on_batch(X, Y)
