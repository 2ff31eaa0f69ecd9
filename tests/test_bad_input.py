"""Mistakes that users make: each is an error that says what was expected and what came."""

import numpy as np
import pytest

import pynn
from pynn import _core, layers, ops

X = np.random.default_rng(0).normal(size=(20, 4))
LABELS = np.arange(20) % 3
TARGETS = X[:, :1]


def classifier(**settings):
    model = pynn.Sequential([pynn.Input((4,)), layers.Dense(3, activation="softmax")])
    model.compile(**{"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", **settings})
    return model


def raises(*parts):
    return pytest.raises(ValueError, match=".*".join(parts))


def with_nan(array, row):
    array = np.array(array, dtype=float)
    array[row] = np.nan
    return array


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_not_compiled(method):
    model = pynn.Sequential([layers.Dense(3)])
    with raises(rf"pynn.Model.{method}: expected a compiled model"):
        getattr(model, method)(X, LABELS)


def test_predict_needs_no_compile_and_builds_from_data():
    model = pynn.Sequential([layers.Dense(3)])
    assert model.predict(X, verbose=0).shape == (20, 3)


def test_no_data():
    with raises("expected input data; received x=None"):
        classifier().fit(None, LABELS)
    with raises("expected targets", "received y=None"):
        classifier().fit(X)


def test_unequal_lengths_are_both_named():
    with raises("arrays of one length", "x: 20, y: 19"):
        classifier().fit(X, LABELS[:19])
    with raises("x: 20, y: 20, sample_weight: 3"):
        classifier().fit(X, LABELS, sample_weight=np.ones(3))
    with raises(r"x\[0\]: 20, x\[1\]: 10"):
        pynn.Sequential([layers.Dense(1)]).predict([X, X[:10]])


def test_empty_arrays():
    with raises("x with at least one row", r"shape=\(0, 4\)"):
        classifier().fit(X[:0], LABELS[:0])
    with raises("at least one row"):
        classifier().predict(X[:0])
    with raises("at least one array"):
        classifier().predict([])


@pytest.mark.parametrize(
    "bad", [np.full((20, 4), "a"), np.full((20, 4), None), X.astype(complex), np.full(20, b"a")]
)
def test_values_that_are_not_numbers(bad):
    with raises("x of numbers; received dtype="):
        classifier().fit(bad, LABELS)
    with raises("y of numbers; received dtype="):
        classifier().fit(X, bad)


def test_things_that_are_not_arrays():
    with raises("expected x to be an array", "received object"):
        classifier().fit(object(), LABELS)
    with raises("x with rows along its first axis"):
        classifier().predict(np.float32(1.0))
    with raises("rows of one length"):
        classifier().predict([[1.0, 2.0], [1.0]])


def test_wrong_number_of_features():
    with raises("4", "5"):
        classifier().fit(np.ones((20, 5)), LABELS)


@pytest.mark.parametrize("bad", [3, -1])
def test_label_out_of_range(bad):
    labels = LABELS.copy()
    labels[11] = bad
    with raises(str(bad)):
        classifier().fit(X, labels, verbose=0)


@pytest.mark.parametrize("eager", [False, True])
@pytest.mark.parametrize("batch_size", [4, 20])
@pytest.mark.parametrize("shuffle", [False, True])
def test_nan_in_the_data_is_found(eager, batch_size, shuffle):
    model = pynn.Sequential([pynn.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=eager)
    settings = {"batch_size": batch_size, "shuffle": shuffle, "verbose": 0}
    with raises("expected x without NaN; received NaN in row 13"):
        model.fit(with_nan(X, 13), TARGETS, **settings)
    with raises("expected y without NaN; received NaN in row 7"):
        model.fit(X, with_nan(TARGETS, 7), **settings)
    with raises("expected sample_weight without NaN; received NaN in row 2"):
        model.fit(X, TARGETS, sample_weight=with_nan(np.ones(20), 2), **settings)
    with raises("expected x without NaN; received NaN in row 3"):
        model.train_on_batch(with_nan(X, 3), TARGETS)
    assert np.isfinite(model.get_weights()[0]).all()


def test_nan_may_be_predicted_on():
    result = classifier().predict(with_nan(X, 3), verbose=0)
    assert np.isnan(result[3]).all()
    assert np.isfinite(result[4]).all()


def test_targets_that_do_not_fit_outputs():
    with raises(r"\(20, 2\)", r"\(20, 3\)"):
        classifier(loss="mse").fit(X, np.ones((20, 2)), batch_size=20)
    with raises(r"\(20,\)", r"\(20, 3\)"):
        classifier(loss="mse").fit(X, np.ones(20), batch_size=20)
    with raises(r"\(20,\)", r"\(20, 3\)"):
        classifier(metrics=["mse"]).fit(X, LABELS, batch_size=20)


def test_one_unit_with_a_loss_between_classes():
    model = pynn.Sequential([layers.Dense(1, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy")
    with raises("more than one class", "binary_crossentropy"):
        model.fit(X, np.ones((20, 1)), verbose=0)


@pytest.mark.parametrize(
    ("settings", "hint"),
    [
        ({"loss": "mse_"}, "mse"),
        ({"loss": "sparse_categorical_crossentropi"}, "sparse_categorical_crossentropy"),
        ({"optimizer": "adamm"}, "adam"),
        ({"metrics": ["acuracy_"]}, "accuracy"),
        ({"weighted_metrics": ["mean_squared_eror"]}, "mean_squared_error"),
        ({"loss": {"a": "msee"}}, "mse"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(settings, hint):
    with raises("did you mean", hint):
        classifier(**settings)


def test_settings_of_the_wrong_type():
    with raises("expected metrics to be a list, tuple or dict"):
        classifier(metrics="accuracy")
    with raises("steps_per_execution"):
        classifier(steps_per_execution=0)
    for bad in (0, -3, 2.5, "32", True):
        with raises("batch_size to be a positive int"):
            classifier().fit(X, LABELS, batch_size=bad)
    with raises("steps to be a positive int"):
        classifier().fit(X, LABELS, steps_per_epoch=0)
    with raises("validation_freq"):
        classifier().fit(X, LABELS, validation_data=(X, LABELS), validation_freq="often", verbose=0)
    for bad in (1.0, -0.1, 2.0):
        with raises("validation_split in"):
            classifier().fit(X, LABELS, validation_split=bad)
    with raises("enough rows to split"):
        classifier().fit(X[:1], LABELS[:1], validation_split=0.5)


def test_weights_given_twice_or_for_nothing():
    with raises("class_weight or sample_weight; received both"):
        classifier().fit(X, LABELS, class_weight={0: 2.0}, sample_weight=np.ones(20))
    with raises("one target array with class_weight"):
        classifier().fit(X, [LABELS, LABELS], class_weight={0: 2.0})
    with raises(r"y of shape \(rows,\)", r"\(20, 2, 2\)"):
        classifier().fit(X, np.ones((20, 2, 2)), class_weight={0: 2.0})
    with raises(r"sample_weight.shape=\(20, 7\)"):
        classifier().fit(X, LABELS, sample_weight=np.ones((20, 7)), batch_size=20)


@pytest.mark.parametrize("bad", [[1.0, 2.0], {"cat": 2.0}, {0.5: 2.0}, 3.0])
def test_class_weights_that_are_none(bad):
    for data in ((X, LABELS), (iter([(X, LABELS)]),)):
        with raises("class_weight to be a dict from class numbers to weights; received"):
            classifier().fit(*data, class_weight=bad)


def two_outputs(**settings):
    inputs = pynn.Input((4,))
    model = pynn.Model(
        inputs, [layers.Dense(3, name="kind")(inputs), layers.Dense(1, name="size")(inputs)]
    )
    model.compile(**{"optimizer": "sgd", "loss": ["mse", "mse"], **settings})
    return model


@pytest.mark.parametrize("argument", ["loss", "loss_weights", "metrics"])
def test_unknown_keys_name_the_outputs(argument):
    value = 1.0 if argument == "loss_weights" else "mse"
    model = two_outputs(**{argument: {"kind": value, "sise": value}})
    with raises(rf"expected {argument} with keys among the outputs \['kind', 'size'\]", "sise"):
        model.fit(X, [np.ones((20, 3)), TARGETS], verbose=0)


def test_structures_that_do_not_fit():
    with raises("expected y in the structure of the outputs"):
        two_outputs().fit(X, TARGETS, verbose=0)
    with raises("expected y in the structure of the outputs"):
        two_outputs().fit(X, [TARGETS] * 3, verbose=0)
    with raises("expected y with keys among the outputs", "colour"):
        two_outputs().fit(X, {"kind": TARGETS, "colour": TARGETS}, verbose=0)
    with raises("expected loss in the structure of the outputs"):
        two_outputs(loss=["mse"] * 3).fit(X, [np.ones((20, 3)), TARGETS], verbose=0)
    with raises("expected metrics in the structure of the outputs"):
        two_outputs(metrics=["mae"]).fit(X, [np.ones((20, 3)), TARGETS], verbose=0)
    with raises("a target for output 'kind'"):
        two_outputs().fit(X, {"size": TARGETS}, verbose=0)


def test_batches_with_targets_beside_them():
    with raises("targets and weights inside the batches"):
        classifier().fit(iter([(X, LABELS)]), LABELS)
    with raises("expected arrays with validation_split"):
        classifier().fit(iter([(X, LABELS)]), validation_split=0.1)
    with raises("a tuple of 4"):
        classifier().fit(iter([(X, LABELS, LABELS, LABELS)]), verbose=0)


def test_a_model_without_any_loss():
    with raises("expected a loss; received none"):
        classifier(loss=None).fit(X, verbose=0)


def test_gradient_tape_mistakes():
    x = pynn.Variable(1.0)
    with pynn.GradientTape() as tape:
        y = ops.square(x)
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="persistent"):
        tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="entered"):
        pynn.GradientTape().gradient(y, x)
    with pynn.GradientTape() as tape, raises("float tensor; received dtype=int32"):
        tape.watch(ops.array([1, 2]))
    with pynn.GradientTape() as tape:
        y = ops.square(x)
    with raises("'none' or 'zero'"):
        tape.gradient(y, x, unconnected_gradients="nothing")


# ---- Products and dtypes


@pytest.mark.parametrize(
    ("call", "who", "expected", "received"),
    [
        (
            lambda x, y: ops.matmul(x, y),
            "matmul",
            "equal inner sizes",
            r"3 and 4.*\(2, 3\).*\(4, 5\)",
        ),
        (lambda x, y: x @ y, "matmul", "equal inner sizes", r"3 and 4.*\(2, 3\).*\(4, 5\)"),
        (lambda x, y: ops.dot(x, y), "matmul", "equal inner sizes", r"3 and 4"),
        (lambda x, y: _core.dense(x, y), "dense", "last axis 4", r"\(2, 3\)"),
        (lambda x, y: ops.einsum("ij,jk->ik", x, y), "einsum", "one size per label", "3 and 4"),
        (lambda x, y: ops.tensordot(x, y, axes=1), "tensordot", "", r"\(2, 3\).*\(4, 5\)"),
        (lambda x, y: ops.matmul(x, ops.sum(y)), "matmul", "at least one dimension", r"\(\)"),
        (lambda x, y: _core.dense(x[:, 0], y), "dense", "last axis 4", r"\(2,\)"),
        (
            lambda x, y: _core.dense(y, np.ones((5, 3)), np.ones(4)),
            "dense",
            r"bias.*\(3,\)",
            r"\(4,\)",
        ),
        (
            lambda x, y: ops.matmul(np.ones((2, 3, 4)), np.ones((5, 4, 6))),
            "matmul",
            "broadcast",
            r"\(2,\) and \(5,\)",
        ),
        (lambda x, y: layers.Dense(2).build((None, None)), "Dense", "", "None"),
    ],
)
def test_products_of_sizes_that_do_not_fit(call, who, expected, received):
    x, y = ops.ones((2, 3)), ops.ones((4, 5))
    with pytest.raises(
        ValueError, match=rf"pynn.*{who}.*expected.*{expected}.*received.*{received}"
    ):
        call(x, y)


@pytest.mark.parametrize("transpose", [(False, False), (True, False), (False, True), (True, True)])
def test_inner_sizes_are_those_after_transposing(transpose):
    x, y = np.ones((2, 3)), np.ones((5, 7))
    inner = (2 if transpose[0] else 3, 7 if transpose[1] else 5)
    with raises(rf"expected equal inner sizes; received {inner[0]} and {inner[1]}"):
        _core.matmul(x, y, *transpose)


@pytest.mark.parametrize(
    "bad",
    [
        np.ones((2, 2), "complex64"),
        np.array([["a", "b"], ["c", "d"]]),
        np.array([[b"a", b"b"], [b"c", b"d"]]),
        np.array([[None, 1], [2, 3]], object),
        np.array([["2020-01-01"] * 2] * 2, "datetime64[D]"),
        np.array([[1, 2], [3, 4]], "timedelta64[s]"),
        np.zeros((2, 2), [("a", "f4")]),
        np.ones((2, 2), np.longdouble),
    ],
    ids=lambda a: str(a.dtype),
)
def test_dtypes_that_no_tensor_has(bad):
    for call in (ops.matmul, ops.add, ops.maximum, _core.dense):
        for arguments in ((bad, np.ones((2, 2), "float32")), (np.ones((2, 2), "float32"), bad)):
            with pytest.raises(TypeError, match="expected an array of numbers or bools; received"):
                call(*arguments)


def test_integers_where_floats_are_needed():
    scalars = [np.float32(1), np.int32(0), np.float32(1)]  # learning rate, iterations, scale
    weights, alone = np.ones(3, "float32"), (scalars, [], (0.0, 0.0, 0.0, 0.0))
    with pytest.raises(TypeError, match=r"pynn\.sgd_update: expected .*float.*received int32"):
        _core.sgd_update([np.ones(3, "int32")], np.ones(3, "int32"), *alone)
    with pytest.raises(ValueError, match=r"pynn\.sgd_update: expected .*\(3,\).*received.*\(4,\)"):
        _core.sgd_update([weights], np.ones(4, "float32"), *alone)
    with pytest.raises(TypeError, match=r"pynn\.take: expected indices of an integer dtype"):
        _core.take(weights, np.ones(2, "float32"), 0)


@pytest.mark.parametrize("shape", [np.array([2.0]), np.array([[1, 2]]), 2.0, "ab", [1.5], None])
def test_shapes_that_are_not_integers(shape):
    with pytest.raises(TypeError):
        _core.reshape(np.ones(2), shape)


def test_shapes_may_be_arrays_of_integers():
    assert _core.reshape(np.ones(6), np.array([2, 3])).shape == (2, 3)
    assert _core.reshape(np.ones(6), np.int64(6)).shape == (6,)
    assert _core.reshape(np.ones(6), np.array(6)).shape == (6,)


@pytest.mark.parametrize("pair", [("float16", "bfloat16"), ("bool", "float32"), ("int8", "uint8")])
def test_unequal_dtypes_meet_in_one_that_holds_both(pair):
    meets = {"float16": "float32", "bool": "float32", "int8": "int16"}[pair[0]]
    x, y = (ops.cast(np.ones((2, 2)), dtype) for dtype in pair)
    assert ops.matmul(x, y).dtype == ops.add(x, y).dtype == meets
