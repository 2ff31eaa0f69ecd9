"""Functions on tensors: the API of `keras.ops`.

Every function takes tensors, variables, NumPy arrays, Python scalars or nested lists, and
KerasTensors of the functional API. Dtypes promote as in Keras; Python scalars follow the other
operand.
"""

from pynn.ops import core, linalg, math, nn, numpy
from pynn.ops.core import *  # noqa: F403
from pynn.ops.linalg import *  # noqa: F403
from pynn.ops.math import *  # noqa: F403
from pynn.ops.nn import *  # noqa: F403
from pynn.ops.numpy import *  # noqa: F403

__all__ = [
    "linalg",
    "nn",
    "numpy",
    *core.__all__,
    *linalg.__all__,
    *math.__all__,
    *nn.__all__,
    *(name for name in numpy.__all__ if name not in core.__all__),
]
