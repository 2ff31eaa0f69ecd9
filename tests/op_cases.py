"""Every case of every op of the engine; see op_case.py for what a case is."""

from elementwise_op_cases import ELEMENTWISE
from normalization_op_cases import NORMALIZATION
from optimizer_op_cases import OPTIMIZERS
from structured_op_cases import STRUCTURED

CASES = [*ELEMENTWISE, *STRUCTURED, *NORMALIZATION, *OPTIMIZERS]
