"""Fourier transforms of pairs (real part, imaginary part).

NumPy computes them in double precision. The transform is linear and its matrix symmetric, so that
its gradient is the transform of the conjugate gradient, conjugated.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.backend.tensors import convert_to_tensor
from pynn.ops.common import as_float, promoted_float
from pynn.ops.functions import custom_gradient
from pynn.ops.host import on_host
from pynn.ops.joining import pad
from pynn.ops.math import extract_sequences
from pynn.ops.symbolic import symbolic_op

__all__ = ["fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft"]

Pair = tuple[Tensor, Tensor]


@symbolic_op
def fft(x: Any) -> Pair:
    """Return the discrete Fourier transform along the last axis of x, a pair of equal shapes.

    Raises:
        ValueError: x is no pair of tensors of one shape.

    >>> real, imag = pynn.ops.fft(([1.0, 0.0], [0.0, 0.0]))
    >>> real.numpy(), imag.numpy()
    (array([1., 1.], dtype=float32), array([0., 0.], dtype=float32))
    """
    return _transformed(np.fft.fft, _pair("fft", x, 1))


@symbolic_op
def fft2(x: Any) -> Pair:
    """Return the discrete Fourier transform along the last two axes of x, a pair.

    Raises:
        ValueError: x is no pair of tensors of one shape with at least 2 axes.

    >>> real, imag = pynn.ops.fft2((np.ones((2, 2)), np.zeros((2, 2))))
    >>> real.numpy()
    array([[4., 0.],
           [0., 0.]])
    """
    return _transformed(np.fft.fft2, _pair("fft2", x, 2))


@symbolic_op
def ifft2(x: Any) -> Pair:
    """Return the inverse of `fft2`.

    Raises:
        ValueError: x is no pair of tensors of one shape with at least 2 axes.

    >>> real, imag = pynn.ops.ifft2(([[4.0, 0.0], [0.0, 0.0]], np.zeros((2, 2), "float32")))
    >>> real.numpy()
    array([[1., 1.],
           [1., 1.]], dtype=float32)
    """
    real, imag = _pair("ifft2", x, 2)
    count = float(real.shape[-1] * real.shape[-2])
    real, imag = _transformed(np.fft.fft2, (real, _core.negative(imag)))
    return _core.divide(real, count), _core.divide(imag, -count)


@symbolic_op
def rfft(x: Any, fft_length: int | None = None) -> Pair:
    """Return the first half, L // 2 + 1 numbers, of the Fourier transform of a real x.

    Along the last axis, cut or filled up with zeros to L = `fft_length` (by default its own size).

    >>> real, imag = pynn.ops.rfft([1.0, 2.0, 3.0, 4.0])
    >>> real.numpy(), imag.numpy()
    (array([10., -2., -2.], dtype=float32), array([0., 2., 0.], dtype=float32))
    """
    x = as_float(x)
    length = x.shape[-1] if fft_length is None else fft_length
    x = _resized(x, length)
    real, imag = _transformed(np.fft.fft, (x, _core.full(x.shape, 0, x.dtype)))
    return real[..., : length // 2 + 1], imag[..., : length // 2 + 1]


@symbolic_op
def irfft(x: Any, fft_length: int | None = None) -> Tensor:
    """Return the inverse of `rfft`: `fft_length` real numbers, by default 2 (size - 1).

    Raises:
        ValueError: x is no pair of tensors of one shape.

    >>> pynn.ops.irfft(([10.0, -2.0, -2.0], [0.0, 2.0, 0.0])).numpy()
    array([1., 2., 3., 4.], dtype=float32)
    """
    real, imag = _pair("irfft", x, 1)
    length = 2 * (real.shape[-1] - 1) if fft_length is None else fft_length
    half = length // 2 + 1
    real, imag = _resized(real, half), _resized(imag, half)
    # The other half is the conjugate, backwards. A transform of the conjugate is the inverse one.
    mirrored = slice(length - half, 0, -1)
    real = _core.concatenate([real, real[..., mirrored]], real.ndim - 1)
    imag = _core.concatenate([_core.negative(imag), imag[..., mirrored]], imag.ndim - 1)
    return _core.divide(_transformed(np.fft.fft, (real, imag))[0], float(length))


@symbolic_op
def stft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: Any = "hann",
    center: bool = True,
) -> Pair:
    """Return the short-time Fourier transform along the last axis: (..., frames, L // 2 + 1).

    Args:
        x: the signal.
        sequence_length: size of the window.
        sequence_stride: distance of two frames.
        fft_length: L, the size of a frame, at least `sequence_length`.
        window: "hann", "hamming", an array of `sequence_length`, or None: ones all over.
        center: whether frame i is centered at i * sequence_stride; the ends are reflected.

    Raises:
        ValueError: `fft_length` is too small, or the window another one.

    >>> real, imag = pynn.ops.stft(np.ones(8, "float32"), 4, 2, 4, window=None, center=False)
    >>> real.numpy()
    array([[4., 0., 0.],
           [4., 0., 0.],
           [4., 0., 0.]], dtype=float32)
    """
    x = as_float(x)
    shape = _window("stft", window, sequence_length, fft_length)
    if center:
        widths = [(0, 0)] * (x.ndim - 1) + [(fft_length // 2, fft_length // 2)]
        x = pad(x, widths, mode="reflect")
    frames = extract_sequences(x, fft_length, sequence_stride)
    return rfft(_core.multiply(frames, _core.tensor(shape, x.dtype)), fft_length)


@symbolic_op
def istft(
    x: Any,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: Any = "hann",
    center: bool = True,
) -> Tensor:
    """Return the signal (..., length) of a short-time Fourier transform (..., frames, F), a pair.

    Overlapping frames are added up and divided by the sum of the squared windows (Griffin and Lim,
    "Signal estimation from modified short-time Fourier transform", 1984), which
    makes this the inverse of `stft` without a window as well (Keras's is larger by fft_length /
    sequence_stride there). The other arguments are those of `stft`.

    Raises:
        ValueError: x is no pair, `fft_length` is too small, or the window another one.

    >>> signal = np.arange(8, dtype="float32")
    >>> spectrum = pynn.ops.stft(signal, 4, 2, 4)
    >>> pynn.ops.istft(spectrum, 4, 2, 4).numpy().round(4)
    array([0., 1., 2., 3., 4., 5., 6., 7.], dtype=float32)
    """
    pair = _pair("istft", x, 2)
    shape = _window("istft", window, sequence_length, fft_length)
    frames = irfft(pair, fft_length)
    count = frames.shape[-2]
    size = fft_length + (count - 1) * sequence_stride
    places = np.arange(count)[:, None] * sequence_stride + np.arange(fft_length)
    weights = np.zeros(size)
    np.add.at(weights, places, np.broadcast_to(shape**2, places.shape))
    weights = np.where(weights > 1e-10, weights, 1.0)

    windowed = _core.multiply(frames, _core.tensor(shape, frames.dtype))
    leading = tuple(frames.shape[:-2])
    rows = _core.reshape(windowed, (int(np.prod(leading)), count * fft_length))
    zeros = _core.full((size, rows.shape[0]), 0, rows.dtype)
    ids = places.reshape(-1).astype(np.int32)
    added = _core.scatter_add(zeros, ids, _core.transpose(rows, [1, 0]), 0)
    signal = _core.reshape(_core.transpose(added, [1, 0]), (*leading, size))
    signal = _core.divide(signal, _core.tensor(weights, frames.dtype))
    start = fft_length // 2 if center else 0
    end = start + length if length is not None else size - start
    return signal[..., start:end]


def _window(who: str, window: Any, length: int, fft_length: int) -> np.ndarray:
    """The window's values, in the middle of a frame of zeros."""
    if fft_length < length:
        raise ValueError(
            f"pynn.{who}: expected fft_length >= sequence_length; received {fft_length} and "
            f"{length}"
        )
    if window is None:
        return np.ones(fft_length)
    if isinstance(window, str):
        if window not in _WINDOWS:
            raise ValueError(
                f"pynn.{who}: expected window in {sorted(_WINDOWS)}, an array or None; "
                f"received {window!r}"
            )
        values = _WINDOWS[window](length + 1)[:-1]  # periodic: the last point is the first
    else:
        values = np.asarray(convert_to_tensor(window).numpy(), np.float64)
        if values.shape != (length,):
            raise ValueError(
                f"pynn.{who}: expected a window of shape ({length},); received {values.shape}"
            )
    before = (fft_length - length) // 2
    return np.pad(values, (before, fft_length - length - before))


_WINDOWS: dict[str, Callable[[int], np.ndarray]] = {"hann": np.hanning, "hamming": np.hamming}


def _pair(who: str, x: Any, rank: int) -> Pair:
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"pynn.{who}: expected a pair (real, imaginary); received {x!r}")
    real, imag = promoted_float(*x)
    if real.shape != imag.shape or real.ndim < rank:
        raise ValueError(
            f"pynn.{who}: expected parts of one shape with at least {rank} axes; received "
            f"{tuple(real.shape)} and {tuple(imag.shape)}"
        )
    return real, imag


def _resized(x: Tensor, size: int) -> Tensor:
    """The last axis cut, or filled up with zeros, to `size`."""
    if x.shape[-1] >= size:
        return x[..., :size]
    before = [0] * x.ndim
    return _core.pad(x, before, [*before[1:], size - x.shape[-1]], 0)


def _transformed(transform: Callable[..., Any], pair: Pair) -> Pair:
    def parts(real: np.ndarray, imag: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        result = transform(real.astype(np.float64) + 1j * imag.astype(np.float64))
        return result.real, result.imag

    spec = (pair[0].shape, pair[0].dtype)

    def gradient(upstream: Pair) -> Pair:
        real, imag = on_host(parts, [upstream[0], _core.negative(upstream[1])], spec, spec)
        return real, _core.negative(imag)

    differentiable = custom_gradient(lambda *xs: (on_host(parts, xs, spec, spec), gradient))
    return differentiable(*pair)
