"""Segments, Fourier transforms, attention, rearrangements: compiled, symbolic, differentiated.

Their values are compared with Keras's in parity/test_structured_ops_parity.py.
"""

import functools

import numpy as np
import pytest
from test_composed_ops import differences, slope, weighted

import pynn
from pynn import ops

X = np.random.default_rng(3).uniform(-0.9, 0.9, (4, 6))
IDS = np.array([2, 0, 2, 0], "int32")


def heads(x):
    """(1, 4, 2, 3): a batch of 4 positions with 2 heads."""
    return ops.reshape(x, (1, 4, 2, 3))


def joined(pair):
    return ops.concatenate([ops.ravel(part) for part in pair])


CALLS = {
    "depth_to_space": lambda x: ops.depth_to_space(ops.reshape(x, (1, 2, 3, 4)), 2),
    "dot_product_attention": lambda x: ops.dot_product_attention(heads(x), heads(x), heads(x)),
    "causal attention": lambda x: ops.dot_product_attention(
        heads(x), heads(x), heads(x), is_causal=True, attn_logits_soft_cap=2.0
    ),
    "grouped attention": lambda x: ops.dot_product_attention(
        heads(x), heads(x)[:, :, :1], heads(x)[:, :, :1]
    ),
    "fft": lambda x: joined(ops.fft((x, ops.flip(x)))),
    "fft2": lambda x: joined(ops.fft2((x, ops.flip(x)))),
    "ifft2": lambda x: joined(ops.ifft2((x, ops.flip(x)))),
    "irfft": lambda x: ops.irfft((x, ops.flip(x)), 9),
    "istft": lambda x: ops.istft(ops.stft(x, 4, 2, 4), 4, 2, 4),
    "rearrange": lambda x: ops.rearrange(x, "a (b c) -> c (b a)", b=2),
    "rfft": lambda x: joined(ops.rfft(x, 5)),
    "segment_max": lambda x: ops.segment_max(x, IDS, 3)[::2],
    "segment_min": lambda x: ops.segment_min(x, IDS, 3)[::2],
    "segment_prod": lambda x: ops.segment_prod(x, IDS, 4),
    "segment_prod with a zero": lambda x: ops.segment_prod(
        x * np.array([[0.0], [1], [1], [1]], "float32"), IDS, 4
    ),
    "segment_sum": lambda x: ops.segment_sum(x, IDS, 4),
    "space_to_depth": lambda x: ops.space_to_depth(ops.reshape(x, (1, 4, 6, 1)), 2),
    "stft": lambda x: joined(ops.stft(x, 4, 2, 4)),
    "vectorize": lambda x: ops.vectorize(lambda a, b: a * b)(x, x[0]),
    "vectorize rows": lambda x: ops.vectorize(ops.sum, signature="(n)->()")(x),
}


@pytest.mark.parametrize("name", CALLS)
def test_compiled_equals_eager(name):
    call, x = CALLS[name], X.astype("float32")
    eager = call(ops.convert_to_tensor(x)).numpy()
    assert pynn.function(call)(x).numpy().tobytes() == eager.tobytes()


@pytest.mark.parametrize("name", CALLS)
def test_symbolic(name):
    call, x = CALLS[name], X.astype("float32")
    result = call(pynn.Input(batch_shape=(4, 6)))
    assert (result.shape, result.dtype) == (call(x).shape, "float32")


@pytest.mark.parametrize("name", CALLS)
def test_gradient_against_differences(name):
    call = functools.partial(weighted, CALLS[name])
    expected = differences(lambda x: float(call(x)), X)
    np.testing.assert_allclose(slope(call, X).numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CALLS)
def test_compiled_gradient_equals_the_eager_one(name):
    call, x = functools.partial(weighted, CALLS[name]), X.astype("float32")
    eager = slope(call, x).numpy()
    compiled = pynn.function(lambda x: slope(call, x))(x).numpy()
    assert compiled.tobytes() == eager.tobytes()


def test_equal_maxima_share_the_gradient():
    x = np.array([1.0, 3.0, 3.0])
    gradient = slope(lambda x: ops.sum(ops.segment_max(x, [0, 0, 0], 1)), x)
    assert gradient.numpy().tolist() == [0.0, 0.5, 0.5]


def test_segments_without_rows():
    x = np.array([1.5], "float32")
    assert ops.segment_max(x, [1], 2).numpy()[0] == -np.inf
    assert ops.segment_min(x, [1], 2).numpy()[0] == np.inf
    assert ops.segment_prod(x, [1], 2).numpy()[0] == 1
    assert ops.segment_max(np.array([5], "uint8"), [1], 2).numpy().tolist() == [0, 5]


def test_istft_without_a_window_is_the_inverse():
    spectrum = ops.stft(X, 4, 2, 4, window=None)
    np.testing.assert_allclose(ops.istft(spectrum, 4, 2, 4, window=None).numpy(), X)


IMAGE = np.zeros((1, 3, 4, 5))
REFUSED = [
    (lambda: ops.segment_max(X, [0]), "pynn.segment_max: expected one segment id"),
    (lambda: ops.segment_max(X, IDS, 2), "expected segment ids below 2"),
    (lambda: ops.fft(X[0]), "pynn.fft: expected a pair"),
    (lambda: ops.fft2((X[0], X[0])), "pynn.fft2: expected parts"),
    (lambda: ops.irfft((X, X[0])), "pynn.irfft: expected parts"),
    (lambda: ops.stft(X, 4, 2, 3), "pynn.stft: expected fft_length"),
    (lambda: ops.stft(X, 4, 2, 4, "square"), "pynn.stft: expected window in"),
    (lambda: ops.stft(X, 4, 2, 4, np.ones(3)), "pynn.stft: expected a window of shape"),
    (lambda: ops.dot_product_attention(X, X, X), "pynn.dot_product_attention: expected query"),
    (lambda: ops.rearrange(X, "a b -> b c"), "pynn.rearrange: expected a pattern"),
    (lambda: ops.rearrange(X, "a (b c) -> a b c"), "pynn.rearrange: expected sizes"),
    (lambda: ops.rearrange(X, "a (b c) -> a b c", b=4), "pynn.rearrange: expected sizes"),
    (lambda: ops.depth_to_space(IMAGE, 2), "pynn.depth_to_space: expected channels"),
    (lambda: ops.space_to_depth(IMAGE, 2), "pynn.space_to_depth: expected height"),
    (lambda: ops.space_to_depth(X, 2), "pynn.space_to_depth: expected 4 axes"),
    (lambda: ops.vectorize(ops.sum, signature="(n),(n)->()")(X), "pynn.vectorize: expected"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
