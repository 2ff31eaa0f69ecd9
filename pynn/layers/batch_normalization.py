"""BatchNormalization: normalization by the moments of the batch."""

from __future__ import annotations

import operator
from typing import Any

from pynn import backend, initializers, ops
from pynn.layers.input_spec import InputSpec
from pynn.layers.normalization import (
    AffineNormalization,
    at_least_float32,
    check_axes,
    check_epsilon,
)
from pynn.variables import Variable


class BatchNormalization(AffineNormalization):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, the moments being of the batch.

    In training each channel is normalized by its moments over the batch (and over all axes but
    `axis`), and moving averages of them are kept: `moving = moving * momentum + batch *
    (1 - momentum)`. At inference, and in a layer with `trainable=False` also in training, the
    moving averages take the place of the moments and do not change. Where the input has a mask,
    only what it keeps counts.

    Args:
        axis: the axis of the channels.
        momentum: of the moving averages, in [0, 1].
        epsilon: added to the variance.
        center, scale: whether there is an offset `beta`, a scale `gamma`, per channel.
        beta_initializer, gamma_initializer: their initial values.
        moving_mean_initializer, moving_variance_initializer: initial values of the averages.
        beta_regularizer, gamma_regularizer: penalties on beta and gamma.
        beta_constraint, gamma_constraint: functions applied to them after each step.
        renorm: whether to correct for the difference between the moments of the batch and moving
            averages of them (batch renormalization), so that training resembles inference.
        renorm_clipping: bounds `rmin`, `rmax`, `dmax` of the correction `x * r + d`; what is
            missing is unbounded.
        renorm_momentum: of the averages that the correction refers to.
        synchronized: accepted; there is one replica, which is synchronous with itself.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        output as input; every weight is a vector over the channels. A mask has one axis less than
        the input.

    Raises:
        TypeError: `axis` is not an int.
        ValueError: a number or a bound out of range; later, an axis that the input does not have,
            or a mask of another rank.

    Sources: Ioffe and Szegedy, 2015, https://arxiv.org/abs/1502.03167; Ioffe, 2017,
    https://arxiv.org/abs/1702.03275 (renorm)

    >>> layer = pynn.layers.BatchNormalization(momentum=0.5, epsilon=0.0)
    >>> layer(pynn.ops.array([[1.0], [3.0]]), training=True).numpy().ravel()
    array([-1.,  1.], dtype=float32)
    >>> layer.moving_mean.numpy(), layer.moving_variance.numpy()
    (array([1.], dtype=float32), array([1.], dtype=float32))
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        try:
            self.axis = operator.index(axis)
        except TypeError:
            raise TypeError(
                f"pynn.BatchNormalization: expected axis, an int; received {axis!r}"
            ) from None
        self.momentum = _momentum("momentum", momentum)
        self.epsilon = check_epsilon(self, epsilon)
        self._set_affine(
            center,
            scale,
            (beta_initializer, gamma_initializer),
            (beta_regularizer, gamma_regularizer),
            (beta_constraint, gamma_constraint),
        )
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = renorm
        self.renorm_clipping = _clipping(renorm_clipping) if renorm else renorm_clipping
        self.renorm_momentum = _momentum("renorm_momentum", renorm_momentum)
        self.synchronized = synchronized
        self.moving_mean: Variable | None = None
        self.moving_variance: Variable | None = None

    def build(self, input_shape: Any) -> None:
        """Make gamma, beta and the moving averages."""
        axes = check_axes(self, self.axis, input_shape)
        shape = self._known_sizes(axes, input_shape)
        self._add_affine(shape, self.center, self.scale)
        self.moving_mean = self._add_average("moving_mean", shape, self.moving_mean_initializer)
        self.moving_variance = self._add_average(
            "moving_variance", shape, self.moving_variance_initializer
        )
        if self.renorm:

            def stddev(shape: Any, dtype: Any = None) -> Any:
                return ops.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

            self.moving_stddev = self._add_average("moving_stddev", shape, stddev)
            self.renorm_mean = self._add_average("renorm_mean", shape, self.moving_mean_initializer)
            self.renorm_stddev = self._add_average("renorm_stddev", shape, stddev)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: shape[0]})

    def _add_average(self, name: str, shape: tuple[int, ...], initializer: Any) -> Variable:
        return self.add_weight(
            name=name, shape=shape, initializer=initializer, trainable=False, autocast=False
        )

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Compute the output."""
        if mask is not None and len(mask.shape) != len(inputs.shape) - 1:
            raise ValueError(
                "pynn.BatchNormalization: expected a mask with one axis less than the input of "
                f"shape {tuple(inputs.shape)}; received mask of shape {tuple(mask.shape)}"
            )
        x = at_least_float32(inputs)
        gamma, beta = _cast_to(x, self.gamma), _cast_to(x, self.beta)
        if training and self.trainable:
            mean, variance = self._moments(x, mask)
            if self.renorm:
                gamma, beta = self._corrected(mean, variance, gamma, beta)
                self._update_renorm_averages(mean, variance)
            else:
                _average(self.moving_mean, mean, self.momentum)
                _average(self.moving_variance, variance, self.momentum)
        else:
            mean, variance = _cast_to(x, self.moving_mean), _cast_to(x, self.moving_variance)
        outputs = ops.batch_normalization(
            x, mean, variance, axis=self.axis, offset=beta, scale=gamma, epsilon=self.epsilon
        )
        return ops.cast(outputs, self.compute_dtype)

    def _moments(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Mean and variance per channel of what the mask keeps."""
        channel = self.axis % len(x.shape)
        axes = [a for a in range(len(x.shape)) if a != channel]
        if mask is None:
            return ops.moments(x, axes)
        # Chosen, not multiplied by 0: NaN and infinity in what is masked must not get through.
        kept = ops.broadcast_to(ops.expand_dims(ops.cast(mask, "bool"), -1), x.shape)
        count = ops.sum(ops.cast(kept, x.dtype), axes, keepdims=True) + backend.epsilon()
        mean = ops.sum(ops.where(kept, x, 0.0), axes, keepdims=True) / count
        squares = ops.square(ops.where(kept, x - mean, 0.0))
        variance = ops.sum(squares, axes, keepdims=True) / count
        return ops.reshape(mean, (-1,)), ops.reshape(variance, (-1,))

    def _corrected(self, mean: Any, variance: Any, gamma: Any, beta: Any) -> tuple[Any, Any]:
        """Scale and offset that turn normalization by the batch into one by the averages.

        With `r = stddev / renorm_stddev` and `d = (mean - renorm_mean) / renorm_stddev`, both
        constants to the gradient: `(normalized * r + d) * gamma + beta`.
        """
        stddev = ops.sqrt(variance + self.epsilon)
        reference = ops.maximum(_cast_to(mean, self.renorm_stddev), self.epsilon**0.5)
        r = stddev / reference
        d = (mean - _cast_to(mean, self.renorm_mean)) / reference
        bounds = self.renorm_clipping or {}
        if bounds.get("rmin") is not None:
            r = ops.maximum(r, bounds["rmin"])
        if bounds.get("rmax") is not None:
            r = ops.minimum(r, bounds["rmax"])
        if bounds.get("dmax") is not None:
            d = ops.clip(d, -bounds["dmax"], bounds["dmax"])
        r, d = ops.stop_gradient(r), ops.stop_gradient(d)
        if gamma is not None:
            r, d = r * gamma, d * gamma
        return r, d if beta is None else d + beta

    def _update_renorm_averages(self, mean: Any, variance: Any) -> None:
        stddev = ops.sqrt(variance + self.epsilon)
        _average(self.renorm_mean, mean, self.renorm_momentum)
        _average(self.renorm_stddev, stddev, self.renorm_momentum)
        _average(self.moving_mean, mean, self.momentum)
        moving = _average(self.moving_stddev, stddev, self.momentum)
        # Averaged as a standard deviation; inference takes the variance that belongs to it.
        variance = ops.relu(ops.square(moving) - self.epsilon)
        self.moving_variance.assign(variance)  # type: ignore[union-attr]  # made by build()


def _average(variable: Any, value: Any, momentum: float) -> Any:
    """Move the average in `variable` towards `value`; return it in the dtype of `value`."""
    average = _cast_to(value, variable) * momentum + value * (1.0 - momentum)
    variable.assign(average)
    return average


def _cast_to(x: Any, variable: Any) -> Any:
    return None if variable is None else ops.cast(variable, x.dtype)


def _momentum(name: str, value: Any) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= 1:
        raise ValueError(
            f"pynn.BatchNormalization: expected {name}, a number in [0, 1]; received {value!r}"
        )
    return float(value)


def _clipping(bounds: dict[str, float] | None) -> dict[str, float]:
    bounds = bounds or {}
    if unknown := sorted(set(bounds) - {"rmin", "rmax", "dmax"}):
        raise ValueError(
            "pynn.BatchNormalization: expected renorm_clipping with the keys rmin, rmax and dmax; "
            f"received also {unknown}"
        )
    rmin, rmax, dmax = (bounds.get(key) for key in ("rmin", "rmax", "dmax"))
    if rmin is not None and rmax is not None and rmax < rmin:
        raise ValueError(
            f"pynn.BatchNormalization: expected renorm_clipping with rmin <= rmax; received "
            f"rmin={rmin}, rmax={rmax}"
        )
    if dmax is not None and dmax < 0:
        raise ValueError(
            f"pynn.BatchNormalization: expected renorm_clipping with dmax >= 0; received {dmax}"
        )
    return bounds
