"""Functions on tensors: the API of `keras.ops`.

Every function takes tensors, variables, NumPy arrays, Python scalars or nested lists, and
KerasTensors of the functional API. Dtypes promote as in Keras; Python scalars follow the other
operand.
"""

from pynn.ops import (
    activation,
    arithmetic,
    associative,
    attention,
    bits,
    contraction,
    control_flow,
    core,
    creation,
    crossentropy,
    ctc,
    decompositions,
    derivatives,
    error_functions,
    fourier,
    functions,
    indexing,
    joining,
    linalg,
    linear,
    linear_systems,
    logic,
    loops,
    math,
    nn,
    normalization,
    norms,
    numpy,
    quantiles,
    rearranging,
    reduction,
    scans,
    segments,
    shaping,
    sorting,
    special,
    statistics,
    transcendental,
)
from pynn.ops.activation import *  # noqa: F403
from pynn.ops.arithmetic import *  # noqa: F403
from pynn.ops.associative import *  # noqa: F403
from pynn.ops.attention import *  # noqa: F403
from pynn.ops.bits import *  # noqa: F403
from pynn.ops.contraction import *  # noqa: F403
from pynn.ops.control_flow import *  # noqa: F403
from pynn.ops.core import *  # noqa: F403
from pynn.ops.creation import *  # noqa: F403
from pynn.ops.crossentropy import *  # noqa: F403
from pynn.ops.ctc import *  # noqa: F403
from pynn.ops.decompositions import *  # noqa: F403
from pynn.ops.derivatives import *  # noqa: F403
from pynn.ops.error_functions import *  # noqa: F403
from pynn.ops.fourier import *  # noqa: F403
from pynn.ops.functions import *  # noqa: F403
from pynn.ops.indexing import *  # noqa: F403
from pynn.ops.joining import *  # noqa: F403
from pynn.ops.linear import *  # noqa: F403
from pynn.ops.linear_systems import *  # noqa: F403
from pynn.ops.logic import *  # noqa: F403
from pynn.ops.loops import *  # noqa: F403
from pynn.ops.math import *  # noqa: F403
from pynn.ops.normalization import *  # noqa: F403
from pynn.ops.norms import *  # noqa: F403
from pynn.ops.quantiles import *  # noqa: F403
from pynn.ops.rearranging import *  # noqa: F403
from pynn.ops.reduction import *  # noqa: F403
from pynn.ops.scans import *  # noqa: F403
from pynn.ops.segments import *  # noqa: F403
from pynn.ops.shaping import *  # noqa: F403
from pynn.ops.sorting import *  # noqa: F403
from pynn.ops.special import *  # noqa: F403
from pynn.ops.statistics import *  # noqa: F403
from pynn.ops.transcendental import *  # noqa: F403

# In steps that type checkers follow.
__all__ = ["linalg", "nn", "numpy"]
__all__ += activation.__all__
__all__ += arithmetic.__all__
__all__ += associative.__all__
__all__ += attention.__all__
__all__ += bits.__all__
__all__ += contraction.__all__
__all__ += control_flow.__all__
__all__ += core.__all__
__all__ += creation.__all__
__all__ += crossentropy.__all__
__all__ += ctc.__all__
__all__ += decompositions.__all__
__all__ += derivatives.__all__
__all__ += error_functions.__all__
__all__ += fourier.__all__
__all__ += functions.__all__
__all__ += indexing.__all__
__all__ += joining.__all__
__all__ += linear.__all__
__all__ += linear_systems.__all__
__all__ += logic.__all__
__all__ += loops.__all__
__all__ += math.__all__
__all__ += normalization.__all__
__all__ += norms.__all__
__all__ += quantiles.__all__
__all__ += rearranging.__all__
__all__ += reduction.__all__
__all__ += scans.__all__
__all__ += segments.__all__
__all__ += shaping.__all__
__all__ += sorting.__all__
__all__ += special.__all__
__all__ += statistics.__all__
__all__ += transcendental.__all__
