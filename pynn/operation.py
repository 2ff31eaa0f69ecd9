"""Operation: a callable that can also be applied to symbolic tensors, making a graph of nodes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pynn import naming, shape_inference, tree
from pynn.keras_tensor import KerasTensor, any_symbolic_tensors
from pynn.node import Node


class Operation:
    """Base class of layers and of op calls in a functional graph.

    Subclasses write `call()` and, where running it on traced tensors does not tell the output
    shape, `compute_output_spec()`.

    Args:
        name: a unique name; made from the class name by default.

    Raises:
        ValueError: `name` is not a string or contains a slash.

    >>> class Double(pynn.Operation):
    ...     def call(self, x):
    ...         return 2 * x
    >>> Double()(pynn.Input((3,))).shape
    (None, 3)
    """

    _init_arguments: dict[str, Any] | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an instance and remember the arguments of its constructor."""
        self = super().__new__(cls)
        # What the constructor got is the config of a class without a get_config() of its own.
        object.__setattr__(self, "_init_arguments", _bound_arguments(cls, self, args, kwargs))
        return self

    def __init__(self, name: str | None = None):
        if name is None:
            name = naming.auto_name(type(self).__name__)
        if not isinstance(name, str) or "/" in name:
            raise ValueError(
                f"pynn.{type(self).__name__}: expected a name, a string without '/'; "
                f"received name={name!r}"
            )
        self.name = name
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the operation, or apply it symbolically if an argument is symbolic."""
        if any_symbolic_tensors(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the operation on tensors."""
        raise NotImplementedError(
            f"pynn.{type(self).__name__}: expected a method call(); found none"
        )

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Apply the operation to symbolic tensors: return its outputs and record a node."""
        outputs = self.compute_output_spec(*args, **kwargs)
        Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return the outputs for these inputs as KerasTensors.

        Raises:
            Exception: whatever `call()` raises for inputs of these shapes.
        """
        return shape_inference.compute_output_spec(self.call, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal operation."""
        return {"name": self.name, **self._constructor_config()}

    def _constructor_config(self) -> dict[str, Any]:
        """Serialized constructor arguments of a class that has no get_config() of its own.

        Raises:
            NotImplementedError: an argument cannot be serialized.
        """
        from pynn.saving import serialize_keras_object

        try:
            return {k: serialize_keras_object(v) for k, v in (self._init_arguments or {}).items()}
        except TypeError as error:
            raise NotImplementedError(
                f"pynn.{type(self).__name__}: expected a method get_config(), because a constructor"
                f" argument cannot be saved as it is; found none ({error})"
            ) from error

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Make an operation from what `get_config()` returned.

        Raises:
            TypeError: the constructor does not take the config's entries.
        """
        try:
            return cls(**config)
        except TypeError as error:
            raise TypeError(
                f"pynn.{cls.__name__}.from_config: expected the constructor's arguments; received "
                f"config={dict(config)} ({error})"
            ) from error

    @property
    def input(self) -> Any:
        """The symbolic inputs of an operation that was called on symbolic tensors once."""
        node = self._only_node("input")
        return _unwrap(node.input_tensors)

    @property
    def output(self) -> Any:
        """The symbolic outputs of an operation that was called on symbolic tensors once."""
        return _unwrap(self._only_node("output").outputs)

    def _only_node(self, what: str) -> Node:
        if len(self._inbound_nodes) != 1:
            raise AttributeError(
                f"pynn.{type(self).__name__}.{what}: expected an operation that was called on "
                f"symbolic tensors exactly once; {self.name!r} was {len(self._inbound_nodes)} times"
            )
        return self._inbound_nodes[0]


def _unwrap(tensors: list[KerasTensor]) -> Any:
    return tensors[0] if len(tensors) == 1 else list(tensors)


def _bound_arguments(
    cls: type, self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any] | None:
    signature = init_signature(cls)
    try:
        bound = signature.bind(self, *args, **kwargs)
    except TypeError:
        return None  # the constructor is about to raise the same error with a better message
    bound.apply_defaults()
    arguments: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            arguments.update(value)
        elif kind is not inspect.Parameter.VAR_POSITIONAL:
            arguments[name] = value
    return arguments


@functools.cache
def init_signature(cls: type) -> inspect.Signature:
    """The signature of `cls.__init__`, `self` included."""
    return inspect.signature(cls.__init__)  # type: ignore[misc]  # of this very class


def get_item(x: Any, key: Any) -> Any:
    """`x[key]` as a function, which is how a functional graph holds it.

    >>> float(get_item(pynn.ops.array([1.0, 2.0]), 1))
    2.0
    """
    # JSON has no tuples: a key that was read from a file comes back as a list.
    if isinstance(key, list) and any(k is None or isinstance(k, (slice, type(...))) for k in key):
        key = tuple(key)
    return x[key]


# Keras's op classes take tensors in `call` and everything else in the constructor. These are the
# names of the parameters that belong to `call`, over all functions in `keras.ops`.
_TENSOR_PARAMETERS = frozenset([
    "a", "abs_", "angle", "args", "array", "beta", "bias", "bins", "branches", "condition",
    "condlist", "choicelist", "data", "default", "depthwise_kernel", "elements", "elems",
    "false_fn", "fill_value", "fun", "gamma", "index", "indices", "init", "init_val",
    "inputs", "kernel", "key", "loop_vars", "mask", "mean", "offset", "operands", "output",
    "output_length", "pointwise_kernel", "pred", "predictions", "query", "scale",
    "segment_ids", "sequence_lengths", "sorted_sequence", "start", "start_indices", "stop",
    "target", "target_length", "targets", "true_fn", "updates", "value", "values", "variable",
    "variance", "weights", "x", "x1", "x2", "xs", "y",
])  # fmt: skip


class OpCall(Operation):
    """A function of `pynn.ops` as a node of a functional graph.

    Args:
        fn: the function.
        constants: its arguments that are not tensors.
        name: a name, made from the function's name by default.
    """

    def __init__(
        self, fn: Callable[..., Any], constants: Mapping[str, Any], name: str | None = None
    ):
        super().__init__(name=name or naming.uniquify(fn.__name__))
        self.fn = fn
        self.constants = dict(constants)
        self._leading = _leading_constants(fn, self.constants)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output."""
        if not self._leading:
            return self.fn(*args, **self.constants, **kwargs)
        constants = dict(self.constants)
        leading = [constants.pop(name) for name in self._leading]
        return self.fn(*leading, *args, **constants, **kwargs)

    @property
    def class_name(self) -> str:
        """The name of Keras's class for the op: "ExpandDims" for `expand_dims`."""
        return "".join(part.capitalize() for part in self.fn.__name__.split("_"))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serialized."""
        from pynn.saving import serialize_keras_object

        return {"name": self.name, **serialize_keras_object(self.constants)}

    def __repr__(self) -> str:
        return f"<Operation name={self.name}>"


@functools.cache
def _signature(fn: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(fn)


def _leading_constants(fn: Callable[..., Any], constants: Mapping[str, Any]) -> list[str]:
    """Constants in front of `*operands` (einsum's subscripts): they can only go by position."""
    names: list[str] = []
    for name, parameter in _signature(fn).parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return [n for n in names if n in constants]
        names.append(name)
    return []


def call_symbolically(
    fn: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Apply a function of `pynn.ops` to arguments with KerasTensors, recording a node.

    Args:
        fn: the function on tensors; when it is decorated, the undecorated one will do as well.
        name: its public name.
        args: the arguments by position.
        kwargs: the arguments by name.

    Returns:
        The outputs as KerasTensors.
    """
    bound = _signature(fn).bind(*args, **kwargs)
    given = frozenset(bound.arguments)
    bound.apply_defaults()
    constants: dict[str, Any] = {}
    call_args: list[Any] = []
    call_kwargs: dict[str, Any] = {}
    by_position = True  # a tensor after a constant can only go by name
    for key, value in bound.arguments.items():
        kind = _signature(fn).parameters[key].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            call_args.extend(value)
        elif kind is inspect.Parameter.VAR_KEYWORD:
            constants.update(value)
        elif key not in _TENSOR_PARAMETERS and not any_symbolic_tensors((value,)):
            constants[key] = value
            by_position = False
        elif key in given and by_position:
            call_args.append(value)
        elif key in given:
            call_kwargs[key] = value
    operation = OpCall(fn, constants, naming.uniquify(name))
    return operation.symbolic_call(*call_args, **call_kwargs)


def serialize_op_call(operation: OpCall) -> dict[str, Any]:
    """Return an op call as Keras writes it: the class of the op, and its constants."""
    return {
        "module": f"keras.src.ops.{_keras_module(operation.fn.__name__)}",
        "class_name": operation.class_name,
        "config": operation.get_config(),
        "registered_name": operation.class_name,
    }


def is_op_config(config: Mapping[str, Any]) -> bool:
    """Return whether a config of a graph's node is that of an op rather than of a layer."""
    return str(config.get("module", "")).startswith("keras.src.ops.")


def deserialize_op_call(config: Mapping[str, Any]) -> OpCall:
    """Make the op call that `serialize_op_call`, or Keras, wrote.

    Raises:
        ValueError: pynn.ops has no such function.
    """
    from pynn import ops
    from pynn.lookup import unknown_name_error

    class_name = config["class_name"]
    fn: Any = get_item if class_name == "GetItem" else None
    if fn is None:
        known = getattr(ops, "__all__", None) or [n for n in dir(ops) if not n.startswith("_")]
        folded = class_name.lower()
        names = [n for n in known if n.replace("_", "") == folded]
        if not names:
            raise unknown_name_error("op", class_name, known)
        fn = getattr(ops, names[0])
    constants = dict(config["config"])
    name = constants.pop("name", None)
    accepted = _signature(fn).parameters
    constants = {k: _tuples(v) for k, v in constants.items() if k in accepted or v is not None}
    return OpCall(fn, constants, name)


def _tuples(value: Any) -> Any:
    return tree.lists_to_tuples(value)


def _keras_module(name: str) -> str:
    """The private module of Keras that holds the class of an op: its files name it."""
    from pynn import ops

    for namespace in ("nn", "linalg", "image"):
        if name != "get_item" and hasattr(getattr(ops, namespace, None), name):
            return namespace
    if name in _CORE_OPS:
        return "core"
    return "math" if name in _MATH_OPS else "numpy"


_CORE_OPS = frozenset([
    "associative_scan", "cast", "cond", "convert_to_tensor", "fori_loop", "map",
    "saturate_cast", "scan", "scatter", "scatter_update", "slice", "slice_update",
    "stop_gradient", "switch", "unstack", "vectorized_map", "while_loop",
])  # fmt: skip
_MATH_OPS = frozenset([
    "erf", "erfinv", "extract_sequences", "fft", "fft2", "ifft2", "in_top_k", "irfft",
    "istft", "logdet", "logsumexp", "rfft", "rsqrt", "segment_max", "segment_min",
    "segment_prod", "segment_sum", "stft", "top_k",
])  # fmt: skip
