"""Normalizations of each sample by itself: Layer-, Group-, RMS- and UnitNormalization."""

from __future__ import annotations

import warnings
from typing import Any

from pynn import constraints, initializers, ops, regularizers
from pynn.backend import is_float_dtype
from pynn.layers.input_spec import InputSpec
from pynn.layers.layer import Layer
from pynn.variables import Variable


def check_axes(layer: Layer, axes: Any, input_shape: Any) -> list[int]:
    """Return `axes` (one or several) as non-negative ints; they must exist in `input_shape`."""
    rank = len(input_shape)
    axes = list(axes) if isinstance(axes, (list, tuple)) else [axes]
    if any(not -rank <= axis < rank for axis in axes):
        raise ValueError(
            f"pynn.{type(layer).__name__}: expected axis in [{-rank}, {rank}) for input of shape "
            f"{tuple(input_shape)}; received {axes if len(axes) > 1 else axes[0]}"
        )
    return [axis % rank for axis in axes]


def check_epsilon(layer: Layer, epsilon: Any) -> float:
    """Return epsilon as a float; it must be a number >= 0."""
    is_number = isinstance(epsilon, (int, float)) and not isinstance(epsilon, bool)
    if not is_number or not epsilon >= 0:
        raise ValueError(
            f"pynn.{type(layer).__name__}: expected epsilon, a number >= 0; received {epsilon!r}"
        )
    return float(epsilon)


def _standard_axis(layer: Layer, axis: Any) -> int | list[int]:
    if isinstance(axis, (list, tuple)) and all(isinstance(a, int) for a in axis):
        return list(axis)
    if isinstance(axis, int):
        return axis
    raise TypeError(
        f"pynn.{type(layer).__name__}: expected axis, an int or a list of ints; received {axis!r}"
    )


def at_least_float32(x: Any) -> Any:
    """X in float32, or as it is if that is wider: statistics of 16-bit floats overflow."""
    is_wide = x.dtype in ("float32", "float64")
    return x if is_wide else ops.cast(x, "float32")


class AffineNormalization(Layer):
    """Base of normalizations that end with a learned scale `gamma` and offset `beta`."""

    axis: Any
    gamma: Variable | None
    beta: Variable | None

    def _set_affine(
        self,
        center: bool,
        scale: bool,
        initializers_: tuple[Any, Any],
        regularizers_: tuple[Any, Any],
        constraints_: tuple[Any, Any],
    ) -> None:
        """Store the arguments about beta and gamma; the pairs are in this order."""
        self.center = center
        self.scale = scale
        self.beta_initializer, self.gamma_initializer = map(initializers.get, initializers_)
        self.beta_regularizer, self.gamma_regularizer = map(regularizers.get, regularizers_)
        self.beta_constraint, self.gamma_constraint = map(constraints.get, constraints_)
        self.gamma = None
        self.beta = None
        self.supports_masking = True

    def _known_sizes(self, axes: list[int], input_shape: Any) -> tuple[int, ...]:
        sizes = tuple(input_shape[axis] for axis in axes)
        if None in sizes:
            raise ValueError(
                f"pynn.{type(self).__name__}: expected input of known size along axis "
                f"{axes if len(axes) > 1 else axes[0]}; received shape={tuple(input_shape)} "
                f"(layer {self.name!r})"
            )
        return sizes

    def _add_affine(self, shape: tuple[int, ...], center: bool, scale: bool) -> None:
        """Make gamma if `scale`, and beta if `center`."""
        # They are read in the dtype in which the statistics are computed, not the compute dtype.
        for name, wanted in (("gamma", scale), ("beta", center)):
            if wanted:
                weight = self.add_weight(
                    name=name,
                    shape=shape,
                    initializer=getattr(self, f"{name}_initializer"),
                    regularizer=getattr(self, f"{name}_regularizer"),
                    constraint=getattr(self, f"{name}_constraint"),
                    autocast=False,
                )
                setattr(self, name, weight)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape for an input shape."""
        check_axes(self, self.axis, input_shape)
        return input_shape


class LayerNormalization(AffineNormalization):
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, the moments being of each sample.

    Args:
        axis: the axis, or axes, that are normalized over together.
        epsilon: added to the variance.
        center, scale: whether there is an offset `beta`, a scale `gamma`.
        beta_initializer, gamma_initializer: their initial values.
        beta_regularizer, gamma_regularizer: penalties on them.
        beta_constraint, gamma_constraint: functions applied to them after each step.
        kwargs: `name`, `trainable`, `dtype`; `rms_scaling=True` is an old form without mean and
            offset, which still divides by the standard deviation: prefer `RMSNormalization`.

    Shapes:
        output as input; `gamma` and `beta` have the sizes of the normalized axes.

    Raises:
        TypeError: `axis` is neither an int nor a list of ints.
        ValueError: `epsilon` is negative; later, an axis that the input does not have.

    Source: Ba, Kiros and Hinton, 2016, https://arxiv.org/abs/1607.06450

    >>> layer = pynn.layers.LayerNormalization(epsilon=0.0)
    >>> layer(pynn.ops.array([[1.0, 3.0]])).numpy()
    array([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        rms_scaling = kwargs.pop("rms_scaling", False)
        if rms_scaling:
            warnings.warn(
                "pynn.LayerNormalization: rms_scaling=True is old and divides by the standard "
                "deviation; use pynn.layers.RMSNormalization for the root mean square",
                stacklevel=2,
            )
        super().__init__(**kwargs)
        self.axis: Any = _standard_axis(self, axis)
        self.epsilon = check_epsilon(self, epsilon)
        self._set_affine(
            center,
            scale,
            (beta_initializer, gamma_initializer),
            (beta_regularizer, gamma_regularizer),
            (beta_constraint, gamma_constraint),
        )
        self.rms_scaling = rms_scaling
        self.autocast = False

    def build(self, input_shape: Any) -> None:
        """Make gamma and beta."""
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        shape = self._known_sizes(check_axes(self, self.axis, input_shape), input_shape)
        self._add_affine(
            shape, self.center and not self.rms_scaling, self.scale or self.rms_scaling
        )

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        outputs = ops.layer_normalization(
            inputs,
            self.gamma,
            self.beta,
            axis=self.axis if len(self.axis) > 1 else self.axis[0],
            epsilon=self.epsilon,
            rms_scaling=self.rms_scaling,
        )
        return ops.cast(outputs, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serialized."""
        return {**super().get_config(), "rms_scaling": self.rms_scaling}


class GroupNormalization(AffineNormalization):
    """Normalizes groups of channels of each sample to mean 0 and variance 1.

    One group is layer normalization over all axes but the batch axis; as many groups as channels
    is instance normalization.

    Args:
        groups: number of groups, a divisor of the number of channels; -1: one per channel.
        axis: the axis of the channels.
        epsilon: added to the variance.
        center, scale: whether there is an offset `beta`, a scale `gamma`, per channel.
        beta_initializer, gamma_initializer: their initial values.
        beta_regularizer, gamma_regularizer: penalties on them.
        beta_constraint, gamma_constraint: functions applied to them after each step.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        ValueError: `groups` is neither a positive integer nor -1, or no divisor of the number of
            channels; `epsilon` is negative; later, an axis that the input does not have.

    Source: Wu and He, 2018, https://arxiv.org/abs/1803.08494

    >>> layer = pynn.layers.GroupNormalization(groups=2, epsilon=0.0)
    >>> layer(pynn.ops.array([[1.0, 3.0, 10.0, 30.0]])).numpy()
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not isinstance(groups, int) or isinstance(groups, bool) or groups < -1 or groups == 0:
            raise ValueError(
                "pynn.GroupNormalization: expected groups, a positive integer or -1; "
                f"received {groups!r}"
            )
        if not isinstance(axis, int):
            raise TypeError(f"pynn.GroupNormalization: expected axis, an int; received {axis!r}")
        self.groups = groups
        self.axis = axis
        self.epsilon = check_epsilon(self, epsilon)
        self._set_affine(
            center,
            scale,
            (beta_initializer, gamma_initializer),
            (beta_regularizer, gamma_regularizer),
            (beta_constraint, gamma_constraint),
        )
        self.autocast = False

    def build(self, input_shape: Any) -> None:
        """Make gamma and beta."""
        axis = check_axes(self, self.axis, input_shape)[0]
        if axis == 0:
            raise ValueError(
                "pynn.GroupNormalization: expected axis of the channels, received the batch axis "
                f"({self.axis} of {len(input_shape)} axes)"
            )
        (channels,) = self._known_sizes([axis], input_shape)
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups:
            raise ValueError(
                f"pynn.GroupNormalization: expected groups that divide the {channels} channels of "
                f"axis {self.axis}; received {self.groups}"
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        self._add_affine((channels,), self.center, self.scale)

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        x = at_least_float32(inputs)
        shape, axis = tuple(x.shape), self.axis % len(x.shape)
        channels = shape[axis]
        grouped = (*shape[:axis], self.groups, channels // self.groups, *shape[axis + 1 :])
        others = [a for a in range(1, len(grouped)) if a != axis]
        x = ops.layer_normalization(ops.reshape(x, grouped), axis=others, epsilon=self.epsilon)
        x = ops.reshape(x, shape)
        along = [channels if a == axis else 1 for a in range(len(shape))]
        if self.gamma is not None:
            x = x * ops.reshape(ops.cast(self.gamma, x.dtype), along)
        if self.beta is not None:
            x = x + ops.reshape(ops.cast(self.beta, x.dtype), along)
        return ops.cast(x, self.compute_dtype)


class RMSNormalization(Layer):
    """`x / sqrt(mean(x**2) + epsilon) * scale`: normalization without a mean.

    Args:
        axis: the axis, or axes at the end, that are normalized over together.
        epsilon: added to the mean square.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        output as input; `scale` has the sizes of the normalized axes.

    Raises:
        TypeError: `axis` is neither an int nor a list of ints.
        ValueError: `epsilon` is negative; later, an axis that the input does not have.

    Source: Zhang and Sennrich, 2019, https://arxiv.org/abs/1910.07467

    >>> layer = pynn.layers.RMSNormalization()
    >>> layer(pynn.ops.array([[3.0, 3.0]])).numpy().round(4)
    array([[1., 1.]], dtype=float32)
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis: Any = _standard_axis(self, axis)
        self.epsilon = check_epsilon(self, epsilon)
        self.scale: Variable | None = None

    def build(self, input_shape: Any) -> None:
        """Make the scale."""
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        axes = check_axes(self, self.axis, input_shape)
        shape = tuple(input_shape[axis] for axis in axes)
        if None in shape:
            raise ValueError(
                f"pynn.RMSNormalization: expected input of known size along axis {self.axis}; "
                f"received shape={tuple(input_shape)} (layer {self.name!r})"
            )
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")

    def call(self, x: Any) -> Any:
        """Compute the output."""
        rank = len(x.shape)
        axes = [axis % rank for axis in self.axis]
        along = [x.shape[a] if a in axes else 1 for a in range(min(axes), rank)]
        scale = self.scale if len(along) == len(axes) else ops.reshape(self.scale, along)
        return ops.rms_normalization(x, scale, axis=self.axis, epsilon=self.epsilon)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape for an input shape."""
        check_axes(self, self.axis, input_shape)
        return input_shape


class UnitNormalization(Layer):
    """`x / norm(x)`: every vector along an axis gets length 1; zeros stay zeros.

    Args:
        axis: the axis, or axes, of the vectors.
        kwargs: `name`, `trainable`, `dtype`.

    Raises:
        TypeError: `axis` is neither an int nor a list of ints.
        ValueError: an axis that the input does not have.

    >>> pynn.layers.UnitNormalization()(pynn.ops.array([[3.0, 4.0]])).numpy()
    array([[0.6, 0.8]], dtype=float32)
    """

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis: Any = _standard_axis(self, axis)
        self.supports_masking = True
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Compute the output."""
        check_axes(self, self.axis, inputs.shape)
        outputs = ops.normalize(at_least_float32(inputs), axis=self.axis, order=2, epsilon=1e-12)
        return ops.cast(outputs, inputs.dtype) if is_float_dtype(inputs.dtype) else outputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape for an input shape."""
        check_axes(self, self.axis, input_shape)
        return input_shape
