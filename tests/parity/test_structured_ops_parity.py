"""Segments, Fourier transforms, attention and rearrangements against Keras."""

import numpy as np
import pytest
from test_ops_parity import assert_same, assert_same_gradient, evaluate

from pynn import ops

rng = np.random.default_rng(8)
ARGUMENTS = {
    "m": rng.normal(size=(5, 3)).astype("float32"),
    "t": rng.normal(size=(2, 4, 4, 8)).astype("float32"),
    "s3": rng.normal(size=(2, 12)).astype("float32"),
    "c": rng.normal(size=(2, 12)).astype("float32"),
    "a": rng.normal(size=(2, 5, 4, 3)).astype("float32"),
    "k": rng.normal(size=(2, 6, 4, 3)).astype("float32"),
    "g": rng.normal(size=(2, 6, 2, 3)).astype("float32"),
    "h": rng.normal(size=(2, 5, 4, 3)).astype("float16"),
    "bias": rng.normal(size=(2, 4, 5, 6)).astype("float32"),
    "mask": rng.uniform(size=(2, 1, 5, 6)) > 0.4,
    "ids": np.array([2, 0, 2, 2, 0], "int32"),
    "i": np.array([3, 5, -2, 7, 1], "int32"),
    "z": np.array([2.0, 0.0, 0.0, 3.0, 4.0], "float32"),
    "np": np,
}
CALLS = """
    segment_max(m, ids, 4)
    segment_max(i, ids, 4)
    segment_min(m, ids, 4)
    segment_min(i, ids, 4)
    segment_prod(m, ids, 4)
    segment_prod(i, ids, 4)
    segment_prod(z, ids, 3)
    fft((s3, c))
    fft2((s3, c))
    ifft2((s3, c))
    rfft(s3)
    rfft(s3, 7)
    rfft(s3, 16)
    irfft((s3, c))
    irfft((s3, c), 21)
    irfft((s3, c), 10)
    irfft((s3, c), 30)
    stft(s3, 4, 2, 4)
    stft(s3, 4, 2, 6)
    stft(s3, 4, 1, 8, 'hamming')
    stft(s3, 4, 2, 4, None, False)
    stft(s3, 4, 3, 5, np.array([1.0, 2, 2, 1], 'float32'))
    istft(ops.stft(s3, 4, 2, 4), 4, 2, 4)
    istft(ops.stft(s3, 4, 1, 6), 4, 1, 6)
    istft(ops.stft(s3, 4, 1, 6), 4, 1, 6, length=9)
    istft(ops.stft(s3, 4, 2, 8, 'hamming'), 4, 2, 8, window='hamming')
    stft(s3, 4, 2, 6, None)
    dot_product_attention(a, k, k)
    dot_product_attention(a, k, k + 1.0, bias=bias)
    dot_product_attention(a, k, k, mask=mask)
    dot_product_attention(a, k, k, bias, mask, 0.3)
    dot_product_attention(a, a, a, is_causal=True)
    dot_product_attention(a, g, g)
    dot_product_attention(h, h, h)
    rearrange(t, 'b h w c -> b c h w')
    rearrange(t, 'b h w c -> b (h w) c')
    rearrange(t, 'b (x h) w c -> (b x) h w c', x=2)
    rearrange(t, 'b h w (x y) -> (b y) h (w x)', y=4)
    depth_to_space(t, 2)
    space_to_depth(t, 2)
    depth_to_space(np.concatenate([t, t + 1], 1), 2, 'channels_first')
    space_to_depth(t, 2, 'channels_first')
    vectorize(lambda x, y: x * y + 1)(m, m[0])
    vectorize(lambda x: ops.sum(x), signature='(n)->()')(m)
    vectorize(lambda x, y: ops.matmul(x, y), signature='(n),(n,k)->(k)')(m, t[0, 0, :3])
    vectorize(lambda x, n: x * n, excluded={1})(m, 3)
""".strip().splitlines()
GRADIENTS = """
    fft((s3, c))[0]
    fft((s3, c))[1]
    fft2((s3, c))[1]
    ifft2((s3, c))[0]
    rfft(s3, 7)[1]
    irfft((s3, c))
    irfft((s3, c), 21)
    stft(s3, 4, 2, 4)[0]
    dot_product_attention(a, k, k)
    dot_product_attention(k, a, a)
    dot_product_attention(a, a, a, is_causal=True)
    dot_product_attention(a, k, k, mask=mask)
    rearrange(t, 'b (x h) w c -> (b x) h w c', x=2)
    depth_to_space(t, 2)
    space_to_depth(t, 2)
    vectorize(lambda x, y: x * y + 1)(m, m[0])
""".strip().splitlines()


@pytest.mark.parametrize("call", [c.strip() for c in CALLS])
def test_call(keras, call):
    theirs, ours = (evaluate(space, call, ARGUMENTS) for space in (keras.ops, ops))
    for result in (theirs, ours):
        if isinstance(result, Exception):
            raise result
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert_same(a, b)


@pytest.mark.parametrize("call", [c.strip() for c in GRADIENTS])
def test_gradient(keras, call):
    assert_same_gradient(keras, call, ARGUMENTS)
