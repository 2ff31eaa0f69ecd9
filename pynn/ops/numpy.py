"""The namespace `pynn.ops.numpy`: ops that are also functions of NumPy."""

from pynn.ops import (
    arithmetic,
    contraction,
    creation,
    indexing,
    joining,
    linear,
    logic,
    reduction,
    shaping,
    transcendental,
)
from pynn.ops.arithmetic import *  # noqa: F403
from pynn.ops.contraction import *  # noqa: F403
from pynn.ops.core import ndim, size
from pynn.ops.creation import *  # noqa: F403
from pynn.ops.indexing import *  # noqa: F403
from pynn.ops.joining import *  # noqa: F403
from pynn.ops.linear import *  # noqa: F403
from pynn.ops.logic import *  # noqa: F403
from pynn.ops.reduction import *  # noqa: F403
from pynn.ops.shaping import *  # noqa: F403
from pynn.ops.transcendental import *  # noqa: F403

# In steps that type checkers follow.
__all__ = ["ndim", "size"]
__all__ += arithmetic.__all__
__all__ += contraction.__all__
__all__ += creation.__all__
__all__ += indexing.__all__
__all__ += joining.__all__
__all__ += linear.__all__
__all__ += logic.__all__
__all__ += reduction.__all__
__all__ += shaping.__all__
__all__ += transcendental.__all__
