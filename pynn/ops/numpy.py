"""The namespace `pynn.ops.numpy`: ops that are also functions of NumPy."""

from pynn.ops import (
    arithmetic,
    bits,
    contraction,
    creation,
    indexing,
    joining,
    linear,
    logic,
    quantiles,
    reduction,
    scans,
    shaping,
    special,
    statistics,
    transcendental,
)
from pynn.ops.arithmetic import *  # noqa: F403
from pynn.ops.bits import *  # noqa: F403
from pynn.ops.contraction import *  # noqa: F403
from pynn.ops.core import ndim, size
from pynn.ops.creation import *  # noqa: F403
from pynn.ops.indexing import *  # noqa: F403
from pynn.ops.joining import *  # noqa: F403
from pynn.ops.linear import *  # noqa: F403
from pynn.ops.linear_systems import slogdet
from pynn.ops.logic import *  # noqa: F403
from pynn.ops.quantiles import *  # noqa: F403
from pynn.ops.rearranging import vectorize
from pynn.ops.reduction import *  # noqa: F403
from pynn.ops.scans import *  # noqa: F403
from pynn.ops.shaping import *  # noqa: F403
from pynn.ops.sorting import argpartition, argsort, digitize, searchsorted, sort
from pynn.ops.special import *  # noqa: F403
from pynn.ops.statistics import *  # noqa: F403
from pynn.ops.transcendental import *  # noqa: F403

# In steps that type checkers follow.
__all__ = [
    "argpartition", "argsort", "digitize", "ndim", "searchsorted", "size", "slogdet", "sort",
    "vectorize",
]  # fmt: skip
__all__ += arithmetic.__all__
__all__ += bits.__all__
__all__ += contraction.__all__
__all__ += creation.__all__
__all__ += indexing.__all__
__all__ += joining.__all__
__all__ += linear.__all__
__all__ += logic.__all__
__all__ += quantiles.__all__
__all__ += reduction.__all__
__all__ += scans.__all__
__all__ += shaping.__all__
__all__ += special.__all__
__all__ += statistics.__all__
__all__ += transcendental.__all__
