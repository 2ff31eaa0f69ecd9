"""InputSpec: what a layer expects of the shape and dtype of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pynn import tree
from pynn.keras_tensor import standardize_shape


class InputSpec:
    """Expected rank, sizes and dtype of one input of a layer.

    Args:
        dtype: expected dtype; None: any.
        shape: expected shape; None entries match any size.
        ndim, max_ndim, min_ndim: exact, largest and smallest number of axes.
        axes: sizes of some axes, by index: `{-1: 784}`.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing or extra.
        name: key of the input in a dict of inputs.
        optional: whether the input may be None.

    >>> layer = pynn.layers.Dense(2)
    >>> layer.input_spec = pynn.layers.InputSpec(min_ndim=2, axes={-1: 3})
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ):
        self.dtype = dtype
        self.shape = None if shape is None else standardize_shape(shape)
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = {int(k): v for k, v in (axes or {}).items()}
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional
        rank = self.ndim if self.ndim is not None else max_ndim
        if self.axes and rank is not None and max(self.axes) >= rank:
            raise ValueError(
                f"pynn.InputSpec: expected axes below {rank}; received axes={self.axes}"
            )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, shape and axes included."""
        return {
            "dtype": self.dtype,
            "shape": self.shape,
            "ndim": self.ndim,
            "max_ndim": self.max_ndim,
            "min_ndim": self.min_ndim,
            "axes": self.axes,
            "optional": self.optional,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> InputSpec:
        """Make a spec from `get_config()`."""
        return cls(**config)

    def __repr__(self) -> str:
        given = {k: v for k, v in self.get_config().items() if v not in (None, {}, False)}
        return f"InputSpec({', '.join(f'{k}={v}' for k, v in given.items())})"


def assert_input_compatibility(input_spec: Any, inputs: Any, layer: Any) -> None:
    """Check the inputs of a layer against its spec.

    Args:
        input_spec: an InputSpec or a structure of them.
        inputs: the first argument of the call.
        layer: the layer, for the error message.

    Raises:
        ValueError: the inputs do not fit.
    """
    if not input_spec:
        return
    specs = tree.flatten(input_spec)
    inputs = _by_name(specs, inputs, layer)
    if len(inputs) != len(specs):
        raise ValueError(
            f"{who(layer)}: expected {len(specs)} input(s), received {len(inputs)}{_named(layer)}"
        )
    for spec, x in zip(specs, inputs, strict=True):
        if x is None:
            if spec.optional:
                continue
            raise ValueError(f"{who(layer)}: expected a tensor, received None{_named(layer)}")
        if spec is not None:
            _check(spec, x, layer)


def who(layer: Any) -> str:
    """How error messages name a layer: `pynn.Dense`."""
    return f"pynn.{type(layer).__name__}"


def _named(layer: Any) -> str:
    return f" (layer {layer.name!r})"


def _by_name(specs: Sequence[Any], inputs: Any, layer: Any) -> list[Any]:
    names = [spec.name for spec in specs if spec is not None]
    if not isinstance(inputs, dict) or not names or None in names:
        return tree.flatten(inputs)
    missing = [name for name in names if name not in inputs]
    if missing:
        raise ValueError(
            f"{who(layer)}: expected inputs named {names}, received {sorted(inputs)}{_named(layer)}"
        )
    return [inputs[name] for name in names]


def _check(spec: InputSpec, x: Any, layer: Any) -> None:
    shape = getattr(x, "shape", None)
    if shape is None:
        raise ValueError(
            f"{who(layer)}: expected a tensor, received {x!r} of type {type(x).__name__}"
            f"{_named(layer)}"
        )
    shape = tuple(shape)
    complaint = _complaint(spec, shape, x)
    if complaint:
        raise ValueError(
            f"{who(layer)}: expected input with {complaint}, received shape={shape}{_named(layer)}"
        )


def _complaint(spec: InputSpec, shape: tuple[Any, ...], x: Any) -> str | None:
    """What `shape` should have had; None if it fits."""
    ndim = len(shape)
    if spec.ndim is not None and ndim != spec.ndim and not _squeezable(spec, shape):
        return f"{spec.ndim} axes"
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        return f"at most {spec.max_ndim} axes"
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        return f"at least {spec.min_ndim} axes"
    if spec.dtype is not None and str(x.dtype) != spec.dtype:
        return f"dtype {spec.dtype} instead of {x.dtype}"
    for axis, size in spec.axes.items():
        if size is not None and shape[axis] not in (size, None):
            return f"last axis {size}" if axis == -1 else f"axis {axis} of size {size}"
    if spec.shape is not None and not _shapes_match(spec, shape):
        return f"shape {spec.shape}"
    return None


def _squeezable(spec: InputSpec, shape: tuple[Any, ...]) -> bool:
    if not spec.allow_last_axis_squeeze or spec.shape is None:
        return False
    expected = spec.shape
    if len(shape) == len(expected) + 1:
        return shape[-1] == 1
    return len(shape) == len(expected) - 1 and expected[-1] == 1


def _shapes_match(spec: InputSpec, shape: tuple[Any, ...]) -> bool:
    expected: Any = spec.shape
    if spec.allow_last_axis_squeeze:
        expected = expected[:-1] if expected and expected[-1] == 1 else expected
        shape = shape[:-1] if shape and shape[-1] == 1 else shape
    if len(expected) != len(shape):
        return False
    return all(e is None or s is None or e == s for e, s in zip(expected, shape, strict=True))
