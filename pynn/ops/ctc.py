"""Connectionist temporal classification: the likelihood of a label sequence, whenever it is said.

Graves et al., "Connectionist temporal classification: labelling unsegmented sequence data with
recurrent neural networks", 2006. A path has one class or the blank per time step; without its
repetitions and then its blanks it spells the labels. Its states are the labels with a blank
before, between and behind them.
"""

from typing import Any

import numpy as np

from pynn import _core
from pynn._core import Tensor
from pynn.ops.common import as_float
from pynn.ops.indexing import take_along_axis
from pynn.ops.loops import scan
from pynn.ops.symbolic import symbolic_op
from pynn.ops.transcendental import logaddexp

__all__ = ["ctc_loss"]

# Logarithm of the probability of what can not be: finite, so that differences are numbers.
_IMPOSSIBLE = -1e5


@symbolic_op
def ctc_loss(
    target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0
) -> Tensor:
    """Return -log of the probability of each label sequence (batch,), over all its alignments.

    Computed in float32 at least. About 1e5 where the time steps are too few for the labels.

    Args:
        target: labels, integers (batch, max_labels).
        output: logits (batch, time, classes).
        target_length: how many labels of each row count (batch,).
        output_length: how many time steps of each row count (batch,).
        mask_index: the class that is the blank.

    Raises:
        ValueError: an argument has another rank or number of rows.

    >>> logits = np.zeros((1, 3, 4), np.float32)
    >>> pynn.ops.ctc_loss([[1, 2]], logits, [2], [3]).numpy().round(4)  # 5 of 64 paths
    array([2.5494], dtype=float32)
    """
    target, output = _core.cast(target, "int32"), as_float(output)
    lengths = [_core.cast(length, "int32") for length in (target_length, output_length)]
    shapes = [tuple(x.shape) for x in (target, output, *lengths)]
    if [len(shape) for shape in shapes] != [2, 3, 1, 1] or len({s[0] for s in shapes}) != 1:
        raise ValueError(
            "pynn.ctc_loss: expected target (batch, labels), output (batch, time, classes) and two "
            f"lengths (batch,); received shapes {shapes}"
        )
    if output.dtype in ("float16", "bfloat16"):
        output = _core.cast(output, "float32")
    states = _states(target, mask_index)
    emissions = _emissions(_core.log_softmax(output, -1), states)
    may_skip = _may_skip(states, mask_index)
    impossible = _core.full((), _IMPOSSIBLE, output.dtype)

    def moved(paths: Tensor, by: int) -> Tensor:
        return _core.pad(paths, [0, by], [0, 0], _IMPOSSIBLE)[:, : paths.shape[1]]

    def step(paths: Tensor, x: tuple[Tensor, Tensor]) -> tuple[Tensor, None]:
        emission, time = x
        stay_or_next = logaddexp(paths, moved(paths, 1))
        skip = _core.where(may_skip, moved(paths, 2), impossible)
        advanced = _core.add(logaddexp(stay_or_next, skip), emission)
        counts = _core.expand_dims(_core.less(time, lengths[1]), [-1])
        return _core.where(counts, advanced, paths), None

    position = np.arange(states.shape[1], dtype=np.int32)[None, :]
    begin = _core.where(_core.equal(position, 0), _core.full((), 0.0, output.dtype), impossible)
    begin = _core.broadcast_to(begin, list(states.shape))
    paths, _ = scan(step, begin, (emissions, np.arange(output.shape[1], dtype=np.int32)))
    last = _core.expand_dims(_core.multiply(lengths[0], 2), [-1])
    is_end = _core.logical_or(
        _core.equal(position, last), _core.equal(position, _core.subtract(last, 1))
    )
    return _core.negative(_core.logsumexp(_core.where(is_end, paths, impossible), [-1], False))


def _states(target: Tensor, blank: int) -> Tensor:
    """Labels with a blank before, between and behind them: (batch, 2 * labels + 1)."""
    rows, labels = target.shape
    column = _core.expand_dims(target, [-1])
    pairs = _core.concatenate([_core.full((rows, labels, 1), blank, "int32"), column], -1)
    pairs = _core.reshape(pairs, (rows, 2 * labels))
    return _core.concatenate([pairs, _core.full((rows, 1), blank, "int32")], -1)


def _emissions(log_probabilities: Tensor, states: Tensor) -> Tensor:
    """Log-probabilities of each state's class per time step: (time, batch, states)."""
    by_state = take_along_axis(log_probabilities, _core.expand_dims(states, [1]), -1)
    return _core.transpose(by_state, [1, 0, 2])


def _may_skip(states: Tensor, blank: int) -> Tensor:
    """Whether a state can follow the one two before it: two different labels."""
    before = _core.pad(states, [0, 2], [0, 0], blank)[:, : states.shape[1]]
    return _core.logical_and(_core.not_equal(states, before), _core.not_equal(states, blank))
