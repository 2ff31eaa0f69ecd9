"""Arguments of a layer's call: conversion, binding, masks, and the shapes that `build` needs."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pynn import _core, backend, tree
from pynn.keras_tensor import KerasTensor

Tensor = _core.Tensor


def convert_leaf(x: Any, autocast: bool, dtype: str) -> Any:
    """Return an array, variable or tensor as a tensor, floats in `dtype` if `autocast`.

    Anything else (None, a flag, a number) is returned as it is.
    """
    if isinstance(x, Tensor):
        if autocast and x.dtype != dtype and _both_float(x.dtype, dtype):
            return _cast(x, dtype)
        return x
    if isinstance(x, KerasTensor):
        if autocast and x.dtype != dtype and _both_float(x.dtype, dtype):
            return _cast_symbolic(x, dtype)
        return x
    if isinstance(x, _core.Variable):
        return convert_leaf(x.value, autocast, dtype)
    if hasattr(x, "__array__"):
        return convert_leaf(_core.tensor(x), autocast, dtype)
    return x


def _both_float(a: str, b: str) -> bool:
    return backend.is_float_dtype(a) and backend.is_float_dtype(b)


def _cast(x: Tensor, dtype: str) -> Tensor:
    result = x.astype(dtype)
    mask = get_mask(x)
    if mask is not None:
        set_mask(result, mask)
    return result


def _cast_symbolic(x: KerasTensor, dtype: str) -> Any:
    from pynn import ops

    result: Any = ops.cast(x, dtype)
    mask = get_mask(x)
    if mask is not None:
        set_mask(result, mask)
    return result


def get_mask(x: Any) -> Any:
    """Return the mask that travels with a tensor, or None."""
    return getattr(x, "_keras_mask", None)


def set_mask(x: Any, mask: Any) -> None:
    """Attach a mask to a tensor."""
    x._keras_mask = mask


def is_tensor(x: Any) -> bool:
    """Return whether `x` is a tensor, concrete, traced or symbolic."""
    return isinstance(x, (Tensor, KerasTensor))


@functools.cache
def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a method, without `self` and annotations. Cached: inspecting is slow."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return inspect.Signature([p.replace(annotation=inspect.Parameter.empty) for p in parameters])


def takes_one_argument(signature: inspect.Signature) -> bool:
    """Return whether a call with one positional argument needs no binding to be understood."""
    parameters = list(signature.parameters.values())
    if not parameters or parameters[0].kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
        return False
    optional = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return all(p.default is not p.empty or p.kind in optional for p in parameters[1:])


class CallSpec:
    """The arguments of one call by name, and which of them are tensors.

    Args:
        layer: the layer that is called.
        args, kwargs: what it is called with.

    Raises:
        TypeError: the arguments do not fit the signature of `call()`.
        ValueError: a structure mixes tensors with other values.
    """

    def __init__(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]):
        signature = layer._call_signature
        self.names = tuple(signature.parameters)
        if len(args) == 1 and not kwargs and is_tensor(args[0]) and layer._call_takes_one:
            self.arguments: dict[str, Any] = {self.names[0]: args[0]}
            self.tensors: dict[str, Any] = self.arguments
            self.first = args[0]
            return
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(
                f"pynn.{type(layer).__name__}: expected arguments of call{signature}; {error}"
            ) from None
        self.arguments = bound.arguments
        self.tensors = {}
        for name, value in self.arguments.items():
            if is_tensor(value) or (tree.is_nested(value) and self._holds_tensors(name, value)):
                self.tensors[name] = value
        self.first = next(iter(self.arguments.values()), None)

    @staticmethod
    def _holds_tensors(name: str, value: Any) -> bool:
        leaves = tree.flatten(value)
        tensors = sum(is_tensor(x) for x in leaves)
        if tensors and any(x is not None and not is_tensor(x) for x in leaves):
            raise ValueError(
                f"pynn: expected tensors, or no tensor at all, inside call argument {name!r}; "
                f"received a mixture: {value!r}"
            )
        return tensors > 0

    def shapes(self) -> dict[str, Any]:
        """Shapes of the tensor arguments as `{"inputs_shape": ...}`; masks are left out."""
        return {
            f"{name}_shape": shape_of(value)
            for name, value in self.tensors.items()
            if name not in ("mask", "args", "kwargs")
        }


def shape_of(value: Any) -> Any:
    """The shape of a tensor, or the structure of shapes of a structure of tensors."""
    return tree.map_structure(lambda x: None if x is None else tuple(x.shape), value)


def shapes_for(
    layer: Any, method: Callable[..., Any], spec: CallSpec, shapes: dict[str, Any]
) -> dict[str, Any]:
    """Choose the shapes that `build` or `compute_output_shape` asks for.

    A method with one parameter gets the shape of the first tensor argument, whatever its name. One
    with several gets the shapes of the call arguments that its parameters name, as `x_shape`.

    Raises:
        ValueError: a parameter names no argument of `call()`.
    """
    parameters = [
        name
        for name, p in signature_of(method).parameters.items()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    if len(parameters) == 1:
        return {parameters[0]: next(iter(shapes.values()), None)}
    for name in parameters:
        if not name.endswith("_shape") or name.removesuffix("_shape") not in spec.names:
            raise ValueError(
                f"pynn.{type(layer).__name__}.{method.__name__}: expected parameters that are "
                f"arguments of call() with `_shape` appended, such as "
                f"{[f'{n}_shape' for n in spec.names]}; received {name!r}"
            )
    return {name: shapes[name] for name in parameters if name in shapes}


def masks_for(spec: CallSpec) -> dict[str, Any]:
    """Masks that travel with the tensor arguments, under the names by which call() takes them.

    The mask of argument `x` goes to `x_mask`; the mask of the first argument also to `mask`.
    """
    masks: dict[str, Any] = {}
    if type(spec.first) is Tensor and len(spec.tensors) == 1 and get_mask(spec.first) is None:
        return masks
    for i, (name, value) in enumerate(spec.tensors.items()):
        target = f"{name}_mask"
        if target not in spec.names:
            if i > 0 or "mask" not in spec.names:
                continue
            target = "mask"
        if spec.arguments.get(target) is None:
            mask = tree.map_structure(get_mask, value)
            if any(m is not None for m in tree.flatten(mask)):
                masks[target] = mask
    return masks


def tensors_of_shape(shapes: Mapping[str, Any] | Any, dtype: str) -> Any:
    """KerasTensors for a shape or a structure of shapes."""
    return tree.map_shape_structure(lambda shape: KerasTensor(shape, dtype=dtype), shapes)
