"""Merging layers: values, broadcasting, masks and mistakes."""

import numpy as np
import pytest

import pynn
from pynn import layers, ops

RNG = np.random.default_rng(0)
X, Y, Z = RNG.standard_normal((3, 2, 3, 4)).astype("float32")
FUNCTIONS = {
    "Add": lambda *xs: sum(xs),
    "Multiply": lambda *xs: np.prod(xs, axis=0),
    "Average": lambda *xs: np.mean(xs, axis=0),
    "Maximum": lambda *xs: np.max(xs, axis=0),
    "Minimum": lambda *xs: np.min(xs, axis=0),
}
ELEMENTWISE = [*FUNCTIONS, "Subtract"]


def masked(x, *steps):
    """X with a mask that excludes the given steps."""
    x = ops.array(x)
    mask = np.ones(x.shape[:2], bool)
    mask[:, list(steps)] = False
    x._keras_mask = ops.array(mask)
    return x


def mask_of(x):
    mask = getattr(x, "_keras_mask", None)
    return None if mask is None else mask.numpy()[0].tolist()


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("inputs", [(X,), (X, Y), (X, Y, Z)], ids=len)
def test_values(name, inputs):
    expected = FUNCTIONS[name](*inputs)
    result = getattr(layers, name)()(list(inputs)).numpy()
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-7)
    function = getattr(layers, name.lower())
    np.testing.assert_array_equal(function(list(inputs), name="named").numpy(), result)


def test_subtract():
    np.testing.assert_array_equal(layers.Subtract()([X, Y]).numpy(), X - Y)
    np.testing.assert_array_equal(layers.subtract((X, Y)).numpy(), X - Y)
    for inputs in ([X], [X, Y, Z]):
        with pytest.raises(ValueError, match=r"pynn.Subtract: expected a list of 2 tensors"):
            layers.Subtract()(inputs)
    layer = layers.Subtract()
    layer([X, Y])
    with pytest.raises(
        ValueError, match=r"pynn.Subtract: expected a list of 2 tensors, received 3"
    ):
        layer([X, Y, Z])


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_unequal_ranks_meet_behind_the_batch_axis(name):
    layer = getattr(layers, name)()
    row = Y[:, 0]
    expected = getattr(layers, name)()([X, np.broadcast_to(row[:, None], X.shape)]).numpy()
    np.testing.assert_array_equal(layer([X, row]).numpy(), expected)
    symbolic = getattr(layers, name)()([pynn.Input((None, 4)), pynn.Input((4,))])
    assert symbolic.shape == (None, None, 4)


def test_integers_stay_integers():
    x = np.array([[3, 4]], "int32")
    assert layers.Add()([x, x]).dtype == "int32"
    assert layers.Average()([x, x + 1]).numpy().tolist() == [[3.5, 4.5]]


# ---- masks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_step_is_valid_where_some_input_is(name):
    layer = getattr(layers, name)()
    assert mask_of(layer([masked(X, 0, 1), masked(Y, 1, 2)])) == [True, False, True]
    assert mask_of(layer([masked(X, 0), ops.array(Y)])) is None
    assert mask_of(layer([X, Y])) is None


def test_masked_entries_leave_a_product_as_it_is():
    product = layers.Multiply()([masked(X, 0, 1), masked(Y, 1, 2)]).numpy()
    np.testing.assert_array_equal(product[:, 0], Y[:, 0])
    np.testing.assert_array_equal(product[:, 1], 0)
    np.testing.assert_array_equal(product[:, 2], X[:, 2])
    product = layers.Multiply()([masked(X, 0), ops.array(Y)]).numpy()
    np.testing.assert_array_equal(product[:, 0], Y[:, 0])
    np.testing.assert_array_equal(product[:, 1:], X[:, 1:] * Y[:, 1:])


@pytest.mark.parametrize(("name", "choose"), [("Maximum", np.maximum), ("Minimum", np.minimum)])
def test_masked_entries_are_no_extremes(name, choose):
    layer = getattr(layers, name)()
    result = layer([masked(X, 0), masked(Y, 2), masked(Z, 0, 1, 2)]).numpy()
    np.testing.assert_array_equal(result[:, 0], Y[:, 0])
    np.testing.assert_array_equal(result[:, 1], choose(X, Y)[:, 1])
    np.testing.assert_array_equal(result[:, 2], X[:, 2])


def test_masks_of_inputs_with_more_axes():
    x = masked(RNG.standard_normal((2, 3, 4, 5)).astype("float32"), 0)
    y = masked(RNG.standard_normal((2, 3, 4, 5)).astype("float32"), 1)
    product = layers.Multiply()([x, y]).numpy()
    np.testing.assert_array_equal(product[:, 0], y.numpy()[:, 0])
    np.testing.assert_array_equal(product[:, 1], x.numpy()[:, 1])


@pytest.mark.parametrize("axis", [1, -1])
def test_masks_of_symbolic_concatenation(axis):
    inputs = [pynn.Input((None, 4)), pynn.Input((None, 4))]
    hidden = [layers.Masking()(inputs[0]), inputs[1]]
    joined = layers.Concatenate(axis=axis)(hidden)
    model = pynn.Model(inputs, layers.GlobalAveragePooling1D()(joined))
    x, y = X.copy(), Y.copy()
    x[:, 2] = 0
    if axis == 1:
        expected = np.concatenate([x[:, :2], y], axis=1).mean(axis=1)
    else:
        expected = np.concatenate([x, y], axis=-1).mean(axis=1)
    np.testing.assert_allclose(model([x, y]).numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [*ELEMENTWISE, "Concatenate"])
@pytest.mark.parametrize(("inputs", "mask"), [([X, Y], X), (X, [None, None]), ([X, Y], [None])])
def test_masks_that_do_not_fit(name, inputs, mask):
    with pytest.raises(ValueError, match=rf"pynn.{name}.compute_mask: expected a list of inputs"):
        getattr(layers, name)().compute_mask(inputs, mask)


# ---- Dot ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("axes", "left", "right", "formula"),
    [
        (1, (2, 3), (2, 3), "bi,bi->b"),
        ((1, 2), (2, 5, 4), (2, 3, 5), "bki,bjk->bij"),
        ((2, 1), (2, 3, 4), (2, 4), "bik,bk->bi"),
        ((1, 2), (2, 4), (2, 3, 4), "bk,bjk->bj"),
        (-1, (2, 3, 4), (2, 5, 6, 4), "bik,bjlk->bijl"),
        ((2, 3), (2, 3, 4, 5), (2, 6, 7, 4), "bikl,bmnk->bilmn"),
    ],
)
def test_dot(axes, left, right, formula):
    x, y = (RNG.standard_normal(shape).astype("float32") for shape in (left, right))
    expected = np.einsum(formula, x, y)
    if expected.ndim == 1:
        expected = expected[:, None]
    result = layers.Dot(axes)([x, y])
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(layers.dot([x, y], axes=axes).numpy(), result.numpy())
    symbolic = layers.Dot(axes)([pynn.Input(left[1:]), pynn.Input(right[1:])])
    assert symbolic.shape == (None, *expected.shape[1:])


def test_dot_of_unit_vectors_is_a_cosine():
    x, y = X[:, 0], Y[:, 0]
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    result = layers.Dot(axes=1, normalize=True)([x, y]).numpy()
    np.testing.assert_allclose(result[:, 0], (x * y).sum(axis=1) / lengths, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.Dot("1"), TypeError, "pynn.Dot: expected axes, an int or a pair"),
        (lambda: layers.Dot((1, 2, 3)), ValueError, "expected axes, an int or two ints"),
        (lambda: layers.Dot((1, 2.0)), ValueError, "expected axes, an int or two ints"),
        (lambda: layers.Dot(0)([X, Y]), ValueError, "expected axes of the samples, not axes=0"),
        (lambda: layers.Dot(3)([X, Y]), ValueError, "expected axes of the samples, not axes=3"),
        (lambda: layers.Dot((1, 2))([X, Y]), ValueError, r"equal sizes in axes=\(1, 2\)"),
        (lambda: layers.Dot(1)([X, Y[:1]]), ValueError, "inputs of one batch size"),
        (lambda: layers.Dot(1)([X, Y, Z]), ValueError, "expected 2 inputs"),
        (lambda: layers.Dot(1)([X[0, 0], Y]), ValueError, "expected 2 inputs of at least 2 axes"),
        (lambda: layers.Dot(1)(X), ValueError, "expected a list of tensors"),
        (lambda: layers.Add()([X, X[:1]]), ValueError, "expected inputs of one batch size"),
        (lambda: layers.Average()([]), ValueError, "expected a list of tensors"),
        (lambda: layers.Maximum()([X, X[:, :2]]), ValueError, "broadcast to one shape"),
        (lambda: layers.Multiply(axis=1), ValueError, r"received also \['axis'\]"),
    ],
)
def test_mistakes(make, error, message):
    with pytest.raises(error, match=message):
        make()
