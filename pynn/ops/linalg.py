"""The namespace `pynn.ops.linalg`: norms, factorizations, linear systems, derivatives."""

from pynn.ops import decompositions, derivatives, norms
from pynn.ops.decompositions import *  # noqa: F403
from pynn.ops.derivatives import *  # noqa: F403
from pynn.ops.linear_systems import (
    cholesky,
    cholesky_inverse,
    det,
    inv,
    solve,
    solve_triangular,
)
from pynn.ops.norms import *  # noqa: F403

# In steps that type checkers follow.
__all__ = ["cholesky", "cholesky_inverse", "det", "inv", "solve", "solve_triangular"]
__all__ += decompositions.__all__
__all__ += derivatives.__all__
__all__ += norms.__all__
