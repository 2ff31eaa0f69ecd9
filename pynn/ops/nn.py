"""The namespace `pynn.ops.nn`: activations, losses and normalizations."""

from pynn.ops import activation, attention, crossentropy, ctc, normalization
from pynn.ops.activation import *  # noqa: F403
from pynn.ops.attention import *  # noqa: F403
from pynn.ops.crossentropy import *  # noqa: F403
from pynn.ops.ctc import *  # noqa: F403
from pynn.ops.normalization import *  # noqa: F403
from pynn.ops.rearranging import depth_to_space, space_to_depth

# In steps that type checkers follow.
__all__ = ["depth_to_space", "space_to_depth"]
__all__ += activation.__all__
__all__ += attention.__all__
__all__ += crossentropy.__all__
__all__ += ctc.__all__
__all__ += normalization.__all__
