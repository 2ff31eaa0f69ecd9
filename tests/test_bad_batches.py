"""Batches, layers, steps and callbacks that go wrong in the middle of training.

Each is an error that says what was expected and what came, and the model stays as the last whole
step left it, ready to go on.
"""

import numpy as np
import pytest

import pynn
from pynn import layers, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("float32")
Y = X[:, :1] * 2
GOOD = (X[:8], Y[:8])
EAGER = pytest.mark.parametrize("eager", [False, True], ids=["compiled", "eager"])


def make_model(eager=False, **settings):
    pynn.utils.set_random_seed(0)
    model = pynn.Sequential([pynn.Input((4,)), layers.Dense(3, activation="tanh"), layers.Dense(1)])
    model.compile(**{"optimizer": "adam", "loss": "mse", **settings}, run_eagerly=eager)
    return model


def state(model):
    return [np.asarray(v).tobytes() for v in (*model.variables, *model.optimizer.variables)]


def steps_from(model, count, **settings):
    """The state of `model` after so many good batches, and nothing else."""
    model.fit((GOOD for _ in range(count)), verbose=0, **settings)
    return state(model)


# ---- batches ------------------------------------------------------------------------------------

BAD_BATCHES = {
    "fewer features": ((X[:8, :3], Y[:8]), r"Dense: expected input with last axis 4.*\(8, 3\)"),
    "another axis": ((X[:8, :, None], Y[:8]), r"expected input with last axis 4.*\(8, 4, 1\)"),
    "an axis less": ((X[:8, 0], Y[:8]), r"expected input with at least 2 axes.*\(8,\)"),
    "more targets": ((X[:8], np.ones((8, 2))), r"of one shape.*\(8, 2\).*\(8, 1\)"),
    "fewer targets": ((X[:8], Y[:7]), "arrays of one length; received x: 8, y: 7"),
    "no targets": ((X[:8],), "expected targets.*received y=None"),
    "two inputs": (([X[:8], X[:8]], Y[:8]), r"expected 1 input\(s\), received 2"),
    "words": (("words", Y[:8]), "expected x to be an array.*received str"),
    "no rows": ((X[:0], Y[:0]), r"x with at least one row; received shape=\(0, 4\)"),
    "nothing": (None, r"expected batches x, \(x, y\).*received None from generator"),
    "NaN": ((np.full((8, 4), np.nan), Y[:8]), "expected x without NaN; received NaN in row 0"),
    "four parts": ((X, Y, Y, Y), "a tuple of 4"),
}


@EAGER
@pytest.mark.parametrize("name", BAD_BATCHES)
def test_a_bad_batch_in_the_middle(name, eager):
    bad, message = BAD_BATCHES[name]
    model, twin = make_model(eager), make_model(eager)

    def batches():
        yield GOOD
        yield GOOD
        yield bad
        yield GOOD

    with pytest.raises(ValueError, match=message):
        model.fit(batches(), verbose=0)
    assert state(model) == steps_from(twin, 2)
    assert steps_from(model, 1) == steps_from(twin, 1), "and it goes on"


def test_the_error_says_which_batch_it_was():
    with pytest.raises(ValueError, match="last axis 4") as info:
        make_model().fit(iter([GOOD, GOOD, (X[:8, :3], Y[:8])]), verbose=0)
    assert info.value.__notes__ == ["pynn: this was batch 2 of the epoch"]


@EAGER
def test_batches_may_change_in_what_a_model_can_take(eager):
    """Rows, dtypes, and sample weights that come and go."""
    batches = [GOOD, (X[:3].astype("float64"), Y[:3]), (*GOOD, np.ones(8)), GOOD]
    one, by_one = make_model(eager), make_model(eager)
    one.fit(iter(batches), verbose=0)
    for batch in batches:
        by_one.train_on_batch(*batch)
    assert state(one) == state(by_one)


# ---- sources ------------------------------------------------------------------------------------


@EAGER
@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_data_that_ends_early(method, eager):
    model = make_model(eager)
    source = (GOOD if method != "predict" else X[:8] for _ in range(3))
    steps = {"steps_per_epoch" if method == "fit" else "steps": 5}
    message = f"pynn.Model.{method}: expected 5 batches per epoch; received 3 before the data ended"
    with pytest.raises(ValueError, match=message):
        getattr(model, method)(source, verbose=0, **steps)
    if method == "fit":
        assert state(model) == steps_from(make_model(eager), 3)


def test_data_that_ends_in_a_later_epoch_or_in_the_validation():
    with pytest.raises(ValueError, match="expected 2 batches per epoch; received 1 before"):
        make_model().fit((GOOD for _ in range(3)), epochs=2, steps_per_epoch=2, verbose=0)
    with pytest.raises(ValueError, match=r"fit\(validation_data\): expected 4 batches.*received 2"):
        make_model().fit(
            X, Y, validation_data=(GOOD for _ in range(2)), validation_steps=4, verbose=0
        )
    with pytest.raises(ValueError, match=r"fit\(validation_data\).*gone through only once"):
        make_model().fit(X, Y, epochs=2, validation_data=(GOOD for _ in range(2)), verbose=0)


@EAGER
def test_a_source_that_raises(eager):
    def batches():
        yield GOOD
        raise OSError("the file is gone")

    model = make_model(eager)
    with pytest.raises(OSError, match="the file is gone"):
        model.fit(batches(), verbose=0)
    assert state(model) == steps_from(make_model(eager), 1)


# ---- layers and steps ---------------------------------------------------------------------------

NOT_TENSORS = ["words", None, 3.0, [1.0, 2.0], {"a": "b"}, object(), len, {}]


class Returning(layers.Layer):
    def __init__(self, value):
        super().__init__()
        self.value = value

    def call(self, inputs):
        return self.value


@EAGER
@pytest.mark.parametrize("value", NOT_TENSORS, ids=repr)
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_layer_that_returns_something_else(place, value, eager):
    odd = Returning(value)
    parts = [odd, layers.Dense(1)] if place == "first" else [layers.Dense(1), odd]
    model = pynn.Sequential(parts)
    model.compile("sgd", "mse", run_eagerly=eager)
    with pytest.raises(
        (TypeError, ValueError), match=r"pynn\.\w+: expected .*(tensor|input).*received"
    ):
        model.fit(*GOOD, verbose=0)


@EAGER
def test_a_model_that_returns_something_else(eager):
    class Odd(pynn.Model):
        def call(self, inputs):
            return {"outputs": inputs, "name": "odd"}

    model = Odd(name="odd_one")
    model.compile("sgd", "mse", run_eagerly=eager)
    message = "expected model 'odd_one' to return tensors; received 'odd' of type str"
    with pytest.raises(TypeError, match=message):
        model.fit(*GOOD, verbose=0)
    with pytest.raises(TypeError, match=message):
        model.predict(X, verbose=0)


@EAGER
@pytest.mark.parametrize(("step", "method"), [("train_step", "fit"), ("test_step", "evaluate")])
def test_a_step_that_returns_no_logs(step, method, eager):
    class Odd(pynn.Sequential):
        pass

    setattr(Odd, step, lambda self, data: ops.sum(data[0]))
    model = Odd([pynn.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=eager)
    with pytest.raises(TypeError, match=rf"Model\.{step}: expected a dict of logs.*of type Tensor"):
        getattr(model, method)(*GOOD, verbose=0)


@EAGER
def test_a_layer_that_raises_in_a_later_step(eager):
    class Raising(layers.Layer):
        def call(self, inputs):
            if inputs.shape[0] == 5:
                raise RuntimeError("five rows are too few")
            return inputs

    def raising():
        pynn.utils.set_random_seed(0)
        model = pynn.Sequential([pynn.Input((4,)), Raising(), layers.Dense(1)])
        model.compile("adam", "mse", run_eagerly=eager)
        return model

    model, twin = raising(), raising()
    with pytest.raises(RuntimeError, match="five rows"):
        model.fit(iter([GOOD, GOOD, (X[:5], Y[:5])]), verbose=0)
    assert state(model) == steps_from(twin, 2)
    assert not pynn._core.in_trace()
    assert steps_from(model, 1) == steps_from(twin, 1)


# ---- callbacks ----------------------------------------------------------------------------------

# Hook, and the steps that are done when it is called for the second time: 8 per epoch.
HOOKS = {
    "on_train_batch_begin": 1,
    "on_train_batch_end": 2,
    "on_epoch_begin": 8,
    "on_epoch_end": 16,
    "on_test_begin": 16,
    "on_test_batch_end": 8,
    "on_test_end": 16,
}


class Raises(pynn.callbacks.Callback):
    """Raises when its hook is called for the second time."""

    def __init__(self, hook):
        super().__init__()
        self.calls = 0
        setattr(self, hook, self._count)

    def _count(self, *args, **kwargs):
        self.calls += 1
        if self.calls == 2:
            raise LookupError("a callback went wrong")


@EAGER
@pytest.mark.parametrize("hook", HOOKS)
def test_a_callback_that_raises(hook, eager):
    model, twin = make_model(eager), make_model(eager)
    settings = {"batch_size": 8, "shuffle": False, "verbose": 0}
    with pytest.raises(LookupError, match="a callback went wrong"):
        model.fit(X, Y, epochs=9, validation_data=(X, Y), callbacks=[Raises(hook)], **settings)
    for begin in range(0, 8 * HOOKS[hook], 8):
        rows = slice(begin % 64, begin % 64 + 8)
        twin.train_on_batch(X[rows], Y[rows])
    assert state(model) == state(twin)
    histories = [m.fit(X, Y, validation_data=(X, Y), **settings).history for m in (model, twin)]
    assert histories[0] == histories[1], "and it goes on"


@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_a_callback_that_raises_changes_nothing(method):
    model = make_model()
    data = (X, Y) if method == "evaluate" else (X,)
    before, expected = state(model), getattr(model, method)(*data, verbose=0)
    hook = f"on_{'test' if method == 'evaluate' else 'predict'}_batch_end"
    with pytest.raises(LookupError, match="a callback went wrong"):
        getattr(model, method)(*data, callbacks=[Raises(hook)], batch_size=8, verbose=0)
    assert state(model) == before
    np.testing.assert_array_equal(getattr(model, method)(*data, verbose=0), expected)
