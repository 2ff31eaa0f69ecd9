"""The namespace `pynn.ops.nn`: activations, losses and normalizations."""

from pynn.ops import activation, crossentropy, normalization
from pynn.ops.activation import *  # noqa: F403
from pynn.ops.crossentropy import *  # noqa: F403
from pynn.ops.normalization import *  # noqa: F403

# In steps that type checkers follow.
__all__: list[str] = []
__all__ += activation.__all__
__all__ += crossentropy.__all__
__all__ += normalization.__all__
