"""Layer: the base class of everything with weights that maps tensors to tensors."""

from __future__ import annotations

import functools
import inspect
import warnings
from typing import Any

from pynn import _core, naming, regularizers, shape_inference, tree
from pynn.keras_tensor import any_symbolic_tensors
from pynn.layers import arguments
from pynn.layers.arguments import CallSpec, get_mask, set_mask
from pynn.layers.call_context import CallContext, current
from pynn.layers.config import LayerConfig, argument_names
from pynn.layers.input_spec import assert_input_compatibility
from pynn.operation import Operation
from pynn.variables import AutocastScope

Tensor = _core.Tensor


class Layer(LayerConfig):
    """A callable with weights.

    A subclass makes weights in `__init__` or, once input shapes are known, in `build`, and computes
    in `call`. Parts assigned to attributes (layers, variables, lists and dicts of them) are found.
    `call` may have the arguments `training` and `mask`, which are filled in when the caller leaves
    them out: `training` from the layer or model that is being called, `mask` from the input.

    Args:
        activity_regularizer: penalty on the outputs, divided by the batch size.
        trainable: whether the optimizer updates the weights.
        dtype: a dtype or policy for computations and weights; `pynn.config.dtype_policy()` by
            default.
        autocast: whether floating-point inputs are cast to the compute dtype.
        name: a unique name.
        kwargs: `regularizer`, not in Keras: a penalty on several weights at once, a function whose
            argument names choose them, such as `lambda kernel, bias: ...`; `input_shape` or
            `input_dim`, for the first layer of a Sequential: prefer `pynn.Input`.

    Raises:
        ValueError: an unknown keyword argument.

    >>> class Scale(pynn.Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> Scale()(pynn.ops.ones((1, 2))).numpy()
    array([[1., 1.]], dtype=float32)
    """

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            wrapped = _finish_build(cls.__dict__["build"])
            cls.build = wrapped  # type: ignore[method-assign]  # wrapping it is the point

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        self._start_tracking(lambda value: isinstance(value, Layer))
        self._fast_dtype: str | None = None  # set when calls may take the fast path of __call__
        self._checked_shape: Any = None  # of the last input that was a single tensor
        Operation.__init__(self, name=name)
        if not isinstance(trainable, bool):
            raise ValueError(
                f"pynn.{type(self).__name__}: expected trainable, a bool; received {trainable!r}"
            )
        regularizer = kwargs.pop("regularizer", None)
        input_dim, input_shape = kwargs.pop("input_dim", None), kwargs.pop("input_shape", None)
        if kwargs:
            raise ValueError(
                f"pynn.{type(self).__name__}: expected the arguments "
                f"{argument_names(type(self))}; received also {sorted(kwargs)}"
            )
        self._set_dtype_policy(dtype)
        self._activity_regularizer = regularizers.get(activity_regularizer)
        self._regularizer = regularizers.get(regularizer)
        self._trainable = trainable
        self._input_shape_arg = (input_dim,) if input_dim is not None else input_shape
        self._input_spec: Any = None
        self._building = False
        self._build_shapes: dict[str, Any] | None = None
        self._path: str | None = None
        self.autocast = autocast
        self.built = False
        self._call_signature = arguments.signature_of(type(self).call)
        self._call_takes_one = arguments.takes_one_argument(self._call_signature)
        self._call_has_training_arg = "training" in self._call_signature.parameters
        self._convert_input_args = True
        self._allow_non_tensor_positional_args = False
        self._supports_masking = type(self).compute_mask is not Layer.compute_mask
        if self._input_shape_arg is not None:
            warnings.warn(
                f"pynn.{type(self).__name__}: input_shape and input_dim are old; start the model "
                "with pynn.Input(shape) instead",
                stacklevel=3,
            )

    @property
    def path(self) -> str:
        """The names of the enclosing layers and of this one; known once the layer is built."""
        return self._path or self.name

    @property
    def input_spec(self) -> Any:
        """An InputSpec, or a list of them, that inputs are checked against; or None."""
        return self._input_spec

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self._input_spec = value

    @property
    def activity_regularizer(self) -> Any:
        """Penalty on the outputs of the layer, divided by the batch size; or None."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, value: Any) -> None:
        self._activity_regularizer = regularizers.get(value)

    @property
    def regularizer(self) -> Any:
        """Penalty on several weights at once: a function whose argument names choose them; or None.

        >>> layer = pynn.layers.Dense(1, kernel_initializer="ones", bias_initializer="ones")
        >>> layer.regularizer = lambda kernel, bias: 0.1 * pynn.ops.max(kernel) * pynn.ops.sum(bias)
        >>> layer.build((None, 3))
        >>> [round(float(loss), 2) for loss in layer.losses]
        [0.1]
        """
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value: Any) -> None:
        self._regularizer = regularizers.get(value)

    @property
    def supports_masking(self) -> bool:
        """Whether a mask on the input is handed on to the output."""
        return self._supports_masking

    @supports_masking.setter
    def supports_masking(self, value: bool) -> None:
        self._supports_masking = value

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return the mask of the output; the mask of the input by default."""
        return previous_mask

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs from the inputs."""
        raise NotImplementedError(
            f"pynn.{type(self).__name__}: expected a call() method; found none"
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Convert and check the inputs, build the layer if need be, and compute the outputs."""
        # A leaf layer called again with a tensor like the last one: everything that the general
        # path would check has been checked, and there is nothing around call() to be done.
        if len(args) == 1 and not kwargs:
            x = args[0]
            if (
                type(x) is Tensor
                and x.dtype == self._fast_dtype
                and x.shape == self._checked_shape
                and getattr(x, "_keras_mask", None) is None
            ):
                context = current.context
                if not self._call_has_training_arg or context is None or context.training is None:
                    return self.call(x)
                return self.call(x, training=context.training)
        return self._call_checked(args, kwargs)

    def _call_checked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._check_super_called()
        explicit_training = kwargs.pop("training", None)
        single = len(args) == 1 and not kwargs and type(args[0]) is Tensor
        if not single or args[0].dtype != self.input_dtype:
            args, kwargs = self._convert_arguments(args, kwargs)
        if explicit_training is not None and self._call_has_training_arg:
            kwargs["training"] = explicit_training
        spec = CallSpec(self, args, kwargs)
        training = spec.arguments.get("training", explicit_training)
        outer = current.context
        if outer is None:
            self._clear_losses()
            current.context = CallContext(self, self._default_training(training))
        elif training is not None and training is not outer.training:
            current.context = CallContext(outer.entry_layer, training)
        try:
            return self._call_in_context(spec, args, kwargs)
        finally:
            current.context = outer

    def _default_training(self, training: Any) -> Any:
        if training is None and self._call_has_training_arg:
            default = self._call_signature.parameters["training"].default
            return None if default is inspect.Parameter.empty else default
        return training

    def _call_in_context(
        self, spec: CallSpec, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if self._input_spec is not None and not self._was_checked(spec.first):
            assert_input_compatibility(self._input_spec, spec.first, self)
        if not self.built:
            self._build_for(spec)
        given = {**kwargs, **arguments.masks_for(spec)}
        training = current.context.training  # type: ignore[union-attr]  # set by the caller
        takes_training = self._call_has_training_arg and "training" not in spec.arguments
        if takes_training and training is not None:
            given["training"] = training
        naming.push_scope(self.name, self)
        try:
            if any_symbolic_tensors(args, kwargs):
                # What the context supplies is not part of the node: the model that will run the
                # node has a context of its own.
                outputs = self.symbolic_call(*args, **kwargs)
            elif self._mixed_dtype is not None:
                with AutocastScope(self._mixed_dtype):
                    outputs = self.call(*args, **given)
            else:
                outputs = self.call(*args, **given)
            if self._activity_regularizer is not None:
                self._penalize_activity(outputs)
        finally:
            naming.pop_scope()
        self._hand_on_masks(spec, outputs)
        self._prepare_fast_path(args, kwargs)
        return outputs

    def _was_checked(self, x: Any) -> bool:
        return type(x) is Tensor and self._checked_shape == x.shape

    def _prepare_fast_path(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Let the next call with a tensor of this shape and dtype skip the checks, if it may."""
        if len(args) != 1 or kwargs or type(args[0]) is not Tensor:
            return
        if self._checked_shape == args[0].shape:
            return
        object.__setattr__(self, "_checked_shape", args[0].shape)
        plain = (
            not self._layers
            and not self._losses
            and self._activity_regularizer is None
            and type(self).compute_mask is Layer.compute_mask
            and self._mixed_dtype is None
            and "mask" not in self._call_signature.parameters
        )
        if plain:
            object.__setattr__(self, "_fast_dtype", args[0].dtype)

    def _convert_arguments(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if self._convert_input_args:
            autocast, dtype = self.autocast, self.input_dtype

            def convert(x: Any) -> Any:
                return arguments.convert_leaf(x, autocast, dtype)

            args = tuple(tree.map_structure(convert, x) for x in args)
            kwargs = {key: tree.map_structure(convert, x) for key, x in kwargs.items()}
        if not self._allow_non_tensor_positional_args:
            for x in tree.flatten(args):
                if x is not None and not arguments.is_tensor(x):
                    raise ValueError(
                        f"pynn.{type(self).__name__}: expected tensors as positional arguments, "
                        f"received {x!r} of type {type(x).__name__}. Pass it by keyword, or turn a "
                        "list of numbers into an array"
                    )
        return args, kwargs

    def _build_for(self, spec: CallSpec) -> None:
        shapes = spec.shapes()
        method = type(self).build
        if method is Layer.build:
            self.build(next(iter(shapes.values()), None))
        else:
            self.build(**arguments.shapes_for(self, method, spec, shapes))

    def _mark_built(self, shapes: dict[str, Any]) -> None:
        """Note, inside the layer's name scope, that it was built for these shapes."""
        self._path = naming.current_path()
        self._build_shapes = shapes
        self.built = True
        if not self._trainable:  # weights made just now belong to a frozen layer
            self.trainable = False

    def _penalize_activity(self, outputs: Any) -> None:
        for x in tree.flatten(outputs):
            if isinstance(x, Tensor):
                batch_size = x.shape[0] if x.shape else 1
                self.add_loss(self._activity_regularizer(x) / batch_size)

    def _hand_on_masks(self, spec: CallSpec, outputs: Any) -> None:
        if type(spec.first) is Tensor:
            previous = get_mask(spec.first)
            has_mask = previous is not None
        else:
            previous = tree.map_structure(get_mask, spec.first)
            has_mask = any(m is not None for m in tree.flatten(previous))
        if not self._supports_masking:
            if has_mask:
                warnings.warn(
                    f"pynn.{type(self).__name__} {self.name!r}: the mask of the input ends here, "
                    "because the layer does not support masking",
                    stacklevel=4,
                )
            return
        if not has_mask and type(self).compute_mask is Layer.compute_mask:
            return
        flat_outputs = tree.flatten(outputs)
        if all(get_mask(x) is not None for x in flat_outputs):
            return
        masks = self.compute_mask(spec.first, previous)
        for x, mask in zip(flat_outputs, tree.flatten(masks), strict=False):
            if mask is not None and arguments.is_tensor(x) and get_mask(x) is None:
                set_mask(x, mask)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """Return the output shape for an input shape; found by running the layer symbolically.

        A layer that is not built yet is built for this shape.
        """
        args = arguments.tensors_of_shape(args, self.compute_dtype)
        kwargs = {
            key.removesuffix("_shape"): arguments.tensors_of_shape(shape, self.compute_dtype)
            for key, shape in kwargs.items()
        }
        outputs = shape_inference.compute_output_spec(self.__call__, *args, **kwargs)
        return tree.map_structure(lambda x: x.shape, outputs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return the outputs for symbolic inputs as KerasTensors."""
        if type(self).compute_output_shape is Layer.compute_output_shape:
            with AutocastScope(self._mixed_dtype):
                return super().compute_output_spec(*args, **kwargs)
        spec = CallSpec(self, args, kwargs)
        shapes = arguments.shapes_for(self, type(self).compute_output_shape, spec, spec.shapes())
        return arguments.tensors_of_shape(self.compute_output_shape(**shapes), self.compute_dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _finish_build(build: Any) -> Any:
    """Wrap a class's `build` with what is done around every build."""

    @functools.wraps(build)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> None:
        if self._building:  # super().build() inside the build of a subclass
            build(self, *args, **kwargs)
            return
        bound = inspect.signature(build).bind(self, *args, **kwargs)
        # The scope suspends a step that is being traced: building is not part of it.
        with naming.name_scope(self.name, caller=self), _core.EagerScope():
            self._building = True
            try:
                build(self, *args, **kwargs)
            finally:
                self._building = False
            self._mark_built(dict(list(bound.arguments.items())[1:]))
        self._tracker.locked = True

    return wrapper


Layer.build = _finish_build(LayerConfig.build)  # type: ignore[method-assign]  # wrapped, as above
