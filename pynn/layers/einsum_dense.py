"""EinsumDense: a dense layer whose product is an Einstein summation."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from pynn import activations, constraints, initializers, ops, regularizers
from pynn.initializers import VarianceScaling
from pynn.layers.input_spec import InputSpec
from pynn.layers.layer import Layer
from pynn.variables import Variable

Shape = tuple[int | None, ...]


class EinsumDense(Layer):
    """`activation(einsum(equation, inputs, kernel) + bias)`.

    The equation has one of the forms `ab,bc->ac` (any letters), `...ab,bc->...ac` and
    `ab...,bc->ac...`; what the ellipsis stands for passes unchanged. The first axis is the batch.

    Args:
        equation: the summation; the terms are input, kernel and output.
        output_shape: sizes of the output, without the batch axis and the ellipsis: an int or a
            tuple. None where the size is that of the input's axis of the same letter.
        activation: a name or function; None: linear.
        bias_axes: the letters of the output along which the bias varies; None: no bias.
        kernel_initializer, bias_initializer: initial values of the weights.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        kernel_constraint, bias_constraint: functions applied to the weights after each step.
        lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config: kept for
            compatibility; must be None.
        kwargs: `name`, `trainable`, `dtype`, `activity_regularizer`.

    Shapes:
        kernel as its term says; bias from the first of `bias_axes` on to the last axis of the
        output, 1 along the others. Initializers that scale with the fan count the axes that are
        summed over as inputs.

    Raises:
        ValueError: an equation of another form, or one that does not fit the shapes.

    >>> layer = pynn.layers.EinsumDense("abc,cd->abd", (None, 64), bias_axes="d")
    >>> layer(pynn.Input((32, 128))).shape
    (None, 32, 64)
    """

    _not_in_config = ("output_shape", "lora_rank", "lora_alpha", "gptq_unpacked_column_size")

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: int | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        later = (lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config)
        if any(option is not None for option in later):
            raise ValueError(
                "pynn.EinsumDense: expected lora_rank, lora_alpha, gptq_unpacked_column_size and "
                "quantization_config to be None; LoRA and quantization are not available"
            )
        self.equation = equation
        self.partial_output_shape = _checked_shape(output_shape)
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.quantization_config = None
        self.kernel: Variable | None = None
        self.bias: Variable | None = None

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias."""
        terms = _Terms.of(self.equation, len(input_shape))
        sizes = terms.sizes(tuple(input_shape), self.partial_output_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=terms.kernel_shape(sizes),
            initializer=self._fan_aware_initializer(terms),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.bias_axes is not None:
            self.bias = self.add_weight(
                name="bias",
                shape=terms.bias_shape(sizes, self.bias_axes),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(ndim=len(input_shape))

    def _fan_aware_initializer(self, terms: _Terms) -> Any:
        """The kernel's initializer, told which axes of the kernel are inputs and outputs."""
        given = self.kernel_initializer
        if not isinstance(given, VarianceScaling) or None not in (
            given.input_axes,
            given.output_axes,
        ):
            return given
        axes = {
            "input_axes": [i for i, c in enumerate(terms.kernel) if c not in terms.output],
            "output_axes": [i for i, c in enumerate(terms.kernel) if c in terms.output],
        }
        return type(given).from_config({**given.get_config(), **axes})

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Compute the output."""
        outputs = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the output shape for an input shape."""
        terms = _Terms.of(self.equation, len(input_shape))
        sizes = terms.sizes(tuple(input_shape), self.partial_output_shape)
        return tuple(sizes[c] for c in terms.output)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor, serialized."""
        config = {"activity_regularizer": None, **super().get_config()}
        return {**config, "output_shape": self.partial_output_shape}


class _Terms(NamedTuple):
    """The letters of the axes; those of the ellipsis are digits, which no equation contains."""

    equation: str
    input: str
    kernel: str
    output: str
    ellipsis: str

    @classmethod
    def of(cls, equation: str, rank: int) -> _Terms:
        """Read the equation for an input with `rank` axes.

        Raises:
            ValueError: an equation of another form, or for another rank.
        """
        match = re.fullmatch(
            r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)(\.\.\.)?",
            str(equation),
        )
        ends = match.group(1, 3, 5, 7) if match else ()
        if match is None or ends[:2] != ends[2:] or all(ends) or (ends[1] and len(match[2]) < 2):
            raise ValueError(
                "pynn.EinsumDense: expected an equation of the form 'ab,bc->ac', "
                f"'...ab,bc->...ac' or 'ab...,bc->ac...'; received {equation!r}"
            )
        extra = rank - len(match[2])
        if extra < 0 or (extra > 0 and not any(ends)):
            raise ValueError(
                f"pynn.EinsumDense: expected input of {'at least ' if any(ends) else ''}"
                f"{len(match[2])} axes for {equation!r}; received {rank}"
            )
        ellipsis = "".join(chr(ord("0") + i) for i in range(extra))
        before, after = ("", ellipsis) if ends[1] else (ellipsis, "")
        terms = cls(
            equation, before + match[2] + after, match[4], before + match[6] + after, ellipsis
        )
        terms._check_letters()
        return terms

    def _check_letters(self) -> None:
        """Every letter of the kernel and of the output must come from somewhere."""
        for name, term, known in (
            ("output", self.output, self.input + self.kernel),
            ("kernel", self.kernel, self.input + self.output),
        ):
            if unknown := sorted(set(term) - set(known)):
                raise ValueError(
                    f"pynn.EinsumDense: expected every letter of the {name} in another term of "
                    f"{self.equation!r}; received {unknown} in the {name} only"
                )

    def sizes(self, input_shape: Shape, output_shape: Shape) -> dict[str, int | None]:
        """The size of each letter's axis; None where it is not known.

        Raises:
            ValueError: the shapes contradict the equation or each other.
        """
        sizes = dict(zip(self.input, input_shape, strict=True))
        stated = [c for c in self.output[1:] if c not in self.ellipsis]
        if len(stated) != len(output_shape):
            raise ValueError(
                f"pynn.EinsumDense: expected output_shape with {len(stated)} entries for "
                f"{self.equation!r} and input of shape {input_shape}; received {output_shape}"
            )
        for letter, size in zip(stated, output_shape, strict=True):
            known = sizes.get(letter)
            if None not in (known, size) and known != size:
                raise ValueError(
                    f"pynn.EinsumDense: expected one size for the axis {letter!r} of "
                    f"{self.equation!r}; received {known} in the input's shape {input_shape} and "
                    f"{size} in output_shape={output_shape}"
                )
            sizes[letter] = known if size is None else size
        return sizes

    def kernel_shape(self, sizes: dict[str, int | None]) -> Shape:
        """The shape of the kernel.

        Raises:
            ValueError: a size is not known.
        """
        return self._known("kernel", tuple(sizes[c] for c in self.kernel))

    def bias_shape(self, sizes: dict[str, int | None], bias_axes: str) -> Shape:
        """The shape of the bias, without the axes before the first along which it varies.

        Raises:
            ValueError: a letter that is not in the output, or a size that is not known.
        """
        letters = [c for c in self.output if c not in self.ellipsis]
        if not bias_axes or not set(bias_axes) <= set(letters):
            raise ValueError(
                f"pynn.EinsumDense: expected bias_axes, letters of the output of "
                f"{self.equation!r}; received {bias_axes!r}"
            )
        first = min(self.output.index(c) for c in bias_axes)
        shape = tuple(sizes[c] if c in bias_axes else 1 for c in self.output[first:])
        return self._known("bias", shape)

    def _known(self, name: str, shape: Shape) -> Shape:
        if None in shape:
            raise ValueError(
                f"pynn.EinsumDense: expected known sizes for the {name} of {self.equation!r}; "
                f"received {shape}: state them in output_shape or give the input's shape"
            )
        return shape


def _checked_shape(output_shape: Any) -> Shape:
    if isinstance(output_shape, int):
        output_shape = (output_shape,)
    is_shape = isinstance(output_shape, (tuple, list))
    if not is_shape or not all(n is None or (isinstance(n, int) and n > 0) for n in output_shape):
        raise ValueError(
            "pynn.EinsumDense: expected output_shape, a positive int or a tuple of positive ints "
            f"and None; received {output_shape!r}"
        )
    return tuple(output_shape)
