"""clone_model: a model with the same layers and fresh weights."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from pynn import tree
from pynn.keras_tensor import KerasTensor
from pynn.layers.input_layer import InputLayer
from pynn.layers.layer import Layer
from pynn.models.functional import Functional, clone_graph
from pynn.models.model import Model
from pynn.models.sequential import Sequential
from pynn.operation import OpCall, Operation


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Model:
    """Return a model with the same architecture and newly initialized weights.

    Args:
        model: a functional or Sequential model; any other model without the options below.
        input_tensors: Inputs for the new model, in the structure of the old one's.
        clone_function: makes the new layer from the old one; `from_config(get_config())` by
            default. A layer that it returns as it is is shared with the old model.
        call_function: called as `call_function(new_layer, *args, **kwargs)` in place of the layer,
            to apply it in another way. Functional models only.
        recursive: whether the layers of models inside the model go through `clone_function` too.
        **kwargs: none; others are refused.

    Raises:
        ValueError: an option for a model that is neither functional nor Sequential.

    >>> model = pynn.Sequential([pynn.Input((3,)), pynn.layers.Dense(2)])
    >>> pynn.models.clone_model(model).count_params()
    8
    """
    if kwargs:
        raise TypeError(f"pynn.models.clone_model: unknown arguments {sorted(kwargs)}")
    clone = _Cloner(clone_function, call_function, recursive)
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError(
                "pynn.models.clone_model: expected call_function with a functional model; received "
                "it with a Sequential"
            )
        return clone.sequential(model, input_tensors)
    if isinstance(model, Functional):
        return clone.functional(model, input_tensors)
    if input_tensors is not None or clone_function or call_function or recursive:
        raise ValueError(
            "pynn.models.clone_model: expected a functional or Sequential model with these "
            f"options; received {type(model).__name__}"
        )
    return type(model).from_config(model.get_config())


class _Cloner:
    """The options of one `clone_model`, and the layers cloned so far."""

    def __init__(
        self,
        clone_function: Callable[[Layer], Layer] | None,
        call_function: Callable[..., Any] | None,
        recursive: bool,
    ):
        self._clone_function = clone_function or _copy
        self._call_function = call_function
        self._recursive = recursive
        self._clones: dict[int, Operation] = {}

    def sequential(self, model: Sequential, input_tensors: Any) -> Sequential:
        layers: list[Any] = [self._clone(layer) for layer in model.layers]
        if input_tensors is not None:
            layers = [*tree.flatten(input_tensors), *layers]
        elif model._input is not None:
            layers.insert(0, _copy(model._input._keras_history.operation))
        return Sequential(layers, trainable=model.trainable, name=model.name)

    def functional(self, model: Functional, input_tensors: Any) -> Functional:
        if input_tensors is None:
            inputs, outputs = clone_graph(model._inputs_struct, model._outputs_struct, self._apply)
        else:
            inputs = tree.pack_sequence_as(model._inputs_struct, tree.flatten(input_tensors))
            for x in tree.flatten(inputs):
                if not isinstance(x, KerasTensor):
                    raise ValueError(
                        "pynn.models.clone_model: expected input_tensors that are KerasTensors; "
                        f"received {x!r}"
                    )
            outputs = model._run(tree.flatten(inputs), self._apply)
        clone = Functional(inputs, outputs, name=model.name)
        clone._trainable = model.trainable
        return clone

    def _apply(self, operation: Operation) -> Callable[..., Any]:
        clone = self._clone(operation)
        if self._call_function is None or not isinstance(clone, Layer):
            return clone
        return functools.partial(self._call_function, clone)

    def _clone(self, operation: Any) -> Any:
        """The clone of a layer, the same one however often the layer is used."""
        if id(operation) not in self._clones:
            self._clones[id(operation)] = self._make_clone(operation)
        return self._clones[id(operation)]

    def _make_clone(self, operation: Any) -> Any:
        if isinstance(operation, OpCall):
            return OpCall(operation.fn, operation.constants, operation.name)
        if self._recursive and isinstance(operation, Sequential):
            return self.sequential(operation, None)
        if self._recursive and isinstance(operation, Functional):
            return self.functional(operation, None)
        if isinstance(operation, InputLayer):
            return _copy(operation)
        return self._clone_function(operation)


def _copy(operation: Operation) -> Any:
    return type(operation).from_config(operation.get_config())
