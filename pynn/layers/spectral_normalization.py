"""SpectralNormalization: a layer whose kernel has the largest singular value 1."""

from __future__ import annotations

from typing import Any

from pynn import initializers, ops
from pynn.layers.input_spec import InputSpec
from pynn.layers.wrapper import Wrapper
from pynn.variables import Variable


class SpectralNormalization(Wrapper):
    """Divides the kernel of a layer by its largest singular value at every call in training.

    The singular value is approximated by power iteration, `v = u W^T / |u W^T|`,
    `u = v W / |v W|`, `sigma = v W u^T`, whose `u` is kept from call to call. The kernel is
    written, not only read, divided: inference uses what training has left.

    Args:
        layer: a layer with an attribute `kernel` or `embeddings`.
        power_iterations: steps of the power iteration at each call.
        kwargs: `name`, `trainable`, `dtype`.

    Shapes:
        as those of the layer; the kernel counts as a matrix of its last axis by all others.

    Raises:
        ValueError: `power_iterations` is not a positive integer; later, a layer without a kernel.

    Source: Miyato et al., 2018, https://arxiv.org/abs/1802.05957

    >>> layer = pynn.layers.SpectralNormalization(pynn.layers.Dense(2), power_iterations=20)
    >>> y = layer(pynn.ops.ones((1, 3)), training=True)
    >>> float(np.linalg.svd(layer.layer.kernel.numpy())[1].max().round(3))
    1.0
    """

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any):
        super().__init__(layer, **kwargs)
        is_int = isinstance(power_iterations, int) and not isinstance(power_iterations, bool)
        if not is_int or power_iterations <= 0:
            raise ValueError(
                "pynn.SpectralNormalization: expected power_iterations, a positive integer; "
                f"received {power_iterations!r}"
            )
        self.power_iterations = power_iterations
        self.kernel: Any = None
        self.vector_u: Any = None

    def build(self, input_shape: Any) -> None:  # type: ignore[override]  # as in Keras: needed
        """Build the layer inside, and make the vector of the power iteration."""
        super().build(input_shape)
        kernel = getattr(self.layer, "kernel", None)
        kernel = getattr(self.layer, "embeddings", None) if kernel is None else kernel
        if not isinstance(kernel, Variable):
            raise ValueError(
                "pynn.SpectralNormalization: expected a layer with a kernel or embeddings; "
                f"received {type(self.layer).__name__} {self.layer.name!r}"
            )
        self.input_spec = InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        self.kernel = kernel
        self.vector_u = self.add_weight(
            name="vector_u",
            shape=(1, kernel.shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            dtype=kernel.dtype,
            autocast=False,
        )

    def call(self, inputs: Any, training: bool | None = False) -> Any:
        """Compute the output."""
        if training:
            vector_u, kernel = self.normalized_weights()
            # The gradient is that of the divided kernel, which is what the optimizer updates.
            vector_u, kernel = ops.stop_gradient(vector_u), ops.stop_gradient(kernel)
            # A kernel of zeros has no direction: it stays, and so does the vector.
            is_zero = ops.all(ops.equal(self.kernel.value, 0))
            self.vector_u.assign(ops.where(is_zero, self.vector_u.value, vector_u))
            self.kernel.assign(ops.where(is_zero, self.kernel.value, kernel))
        return ops.cast(self.layer(inputs), inputs.dtype)

    def normalized_weights(self) -> tuple[Any, Any]:
        """Return the vector after the power iteration, and the kernel divided by its sigma."""
        kernel, vector_u = self.kernel.value, self.vector_u.value
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        for _ in range(self.power_iterations):
            vector_v = ops.normalize(ops.matmul(vector_u, ops.transpose(matrix)), epsilon=1e-7)
            vector_u = ops.normalize(ops.matmul(vector_v, matrix), epsilon=1e-7)
        sigma = ops.matmul(ops.matmul(vector_v, matrix), ops.transpose(vector_u))
        return vector_u, ops.reshape(ops.divide(matrix, sigma), kernel.shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape for an input shape."""
        return self.layer.compute_output_shape(input_shape)
