"""Every case of every op of the engine; see op_case.py for what a case is."""

from elementwise_op_cases import ELEMENTWISE
from optimizer_op_cases import OPTIMIZERS
from structured_op_cases import STRUCTURED

CASES = [*ELEMENTWISE, *STRUCTURED, *OPTIMIZERS]
