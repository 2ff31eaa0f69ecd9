"""Model: a layer that can be compiled, trained and summarized."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pynn import naming, shape_inference
from pynn.layers import arguments
from pynn.layers.arguments import CallSpec
from pynn.layers.layer import Layer
from pynn.lookup import nearest_name
from pynn.trainer import Trainer


class Model(Trainer, Layer):
    """A layer with `compile`, `fit`, `evaluate` and `predict`.

    Three ways to make one:

    - `Model(inputs, outputs)`: the functional API; a graph of layers, with any number of inputs and
      outputs, as single tensors, lists or dicts.
    - A subclass that makes its layers in `__init__` and uses them in `call`.
    - `pynn.Sequential([...])`: a stack of layers.

    Args:
        inputs: symbolic inputs, from `pynn.Input`.
        outputs: symbolic outputs computed from them.
        name: a name.
        kwargs: `trainable`, `dtype`.

    >>> x = pynn.Input((4,))
    >>> y = pynn.layers.Dense(2)(pynn.layers.Dense(8, activation="relu")(x))
    >>> model = pynn.Model(inputs=x, outputs=y)
    >>> model.count_params()
    58

    >>> class Classifier(pynn.Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.dense = pynn.layers.Dense(3, activation="softmax")
    ...     def call(self, inputs):
    ...         return self.dense(inputs)
    >>> Classifier()(pynn.ops.ones((2, 5))).shape
    (2, 3)
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make a Functional of `Model(inputs, outputs)`."""
        if cls is Model and _is_functional_call(args, kwargs):
            from pynn.models.functional import Functional

            return Functional.__new__(Functional, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any):
        from pynn.models.functional import Functional

        if _is_functional_call(args, kwargs) and not isinstance(self, Functional):
            # A subclass that calls super().__init__(inputs, outputs): it becomes functional. The
            # class itself is changed, because saving knows classes by identity.
            _insert_base(type(self), Functional)
            Functional.__init__(self, *args, **kwargs)  # type: ignore[arg-type]  # it is one now
            return
        if args:
            raise TypeError(
                f"pynn.{type(self).__name__}: expected keyword arguments, or inputs and outputs; "
                f"received {args}"
            )
        Layer.__init__(self, **kwargs)
        Trainer.__init__(self)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs from the inputs; written by subclasses."""
        raise NotImplementedError(
            f"pynn.{type(self).__name__}: expected a call() method, or inputs and outputs given to "
            "the constructor; found neither"
        )

    def build(self, input_shape: Any) -> None:
        """Build all layers for an input shape (or structure of shapes) by a symbolic forward pass.

        >>> model = pynn.Sequential([pynn.layers.Dense(2)])
        >>> model.build((None, 3))
        >>> model.count_params()
        8
        """
        if input_shape is None:
            return
        inputs = arguments.tensors_of_shape(input_shape, self.compute_dtype)
        shape_inference.compute_output_spec(self.call, inputs)

    def _build_for(self, spec: CallSpec) -> None:
        if type(self).build is not Model.build:
            super()._build_for(spec)
            return
        # The call that is about to happen builds the layers; a symbolic one in front is not needed.
        with naming.name_scope(self.name, caller=self):
            self._mark_built(spec.shapes())

    @property
    def layers(self) -> list[Layer]:
        """The layers that the model is made of, without those inside of them."""
        return list(self._layers)

    @layers.setter
    def layers(self, value: Any) -> None:
        raise AttributeError(
            "pynn.Model.layers: expected not to be set; assign layers to attributes"
        )

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return the layer of a name or at an index of `layers`.

        Raises:
            ValueError: there is no such layer, or both or neither are given.

        >>> model = pynn.Sequential([pynn.layers.Dense(2, name="out")])
        >>> model.get_layer("out").units
        2
        """
        if (name is None) == (index is None):
            raise ValueError(
                f"pynn.Model.get_layer: expected a name or an index; received name={name!r}, "
                f"index={index!r}"
            )
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"pynn.Model.get_layer: expected an index below {len(layers)}, the number of "
                    f"layers of {self.name!r}; received {index}"
                )
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in layers]
        near = nearest_name(str(name), names)
        hint = f"; did you mean {near!r}?" if near else "."
        raise ValueError(
            f"pynn.Model.get_layer: no layer {name!r} in {self.name!r}{hint} Known: "
            + ", ".join(names)
        )

    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Callable[..., Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: list[str] | tuple[str, str] | None = None,
    ) -> None:
        """Print a table of the layers, their output shapes and their numbers of weights.

        Args:
            line_length: width in columns; the terminal's by default.
            positions: where columns end, as parts of the width.
            print_fn: takes the text instead of the screen.
            expand_nested: whether the layers of models inside the model are listed too.
            show_trainable: whether a column says which layers are trainable.
            layer_range: names (regular expressions) of the first and last layer to show.

        Raises:
            ValueError: `layer_range` matches no layer.
        """
        from pynn.models.summary import print_summary

        print_summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    def to_json(self, **kwargs: Any) -> str:
        """Return the architecture, without weights, as a JSON string; see `model_from_json`.

        Args:
            kwargs: passed on to `json.dumps`.
        """
        import json

        from pynn.saving import serialize_keras_object

        return json.dumps(serialize_keras_object(self), **kwargs)

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Build the model for the shapes of `get_build_config()`."""
        if config and not self.built and config.get("input_shape") is not None:
            super().build_from_config(config)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> Any:
        """Make a model from what `get_config()` returned.

        Args:
            config: the dict.
            custom_objects: classes by name, for classes that are neither pynn's nor registered.

        Raises:
            TypeError: the constructor of a subclass does not take the config's entries.
        """
        from pynn.models.functional import Functional, functional_from_config

        is_graph = {"layers", "input_layers", "output_layers"} <= set(config)
        if is_graph and (cls is Model or issubclass(cls, Functional)):
            return functional_from_config(cls, config, custom_objects)
        return super().from_config(config)


def _is_functional_call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether a constructor is called as `Model(inputs, outputs)`."""
    if len(args) >= 2 or (len(args) == 1 and "outputs" in kwargs):
        return True
    return "inputs" in kwargs and "outputs" in kwargs


def _insert_base(cls: type, functional: type) -> None:
    """Put `functional` in place of Model among the bases of a user's class, however deep."""
    if Model in cls.__bases__:
        cls.__bases__ = tuple(functional if base is Model else base for base in cls.__bases__)
        return
    for base in cls.__bases__:
        if issubclass(base, Model):
            _insert_base(base, functional)


def model_from_json(json_string: str, custom_objects: Any = None) -> Model:
    """Return a new model, with fresh weights, from what `Model.to_json` returned.

    Args:
        json_string: the JSON text.
        custom_objects: classes by name, for classes that are neither pynn's nor registered.

    >>> model = pynn.Sequential([pynn.Input((3,)), pynn.layers.Dense(2)])
    >>> pynn.models.model_from_json(model.to_json()).output_shape
    (None, 2)
    """
    import json

    from pynn.saving import deserialize_keras_object

    return deserialize_keras_object(json.loads(json_string), custom_objects=custom_objects)
