"""One call that makes a program repeatable."""

from __future__ import annotations

import operator
import random as python_random

import numpy as np

from pynn import random


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, NumPy's global generator, and pynn's.

    After this the same program gives the same bits, on any number of threads.

    Raises:
        ValueError: a seed that is not an int, or outside [0, 2**32).

    >>> import pynn
    >>> set_random_seed(1)
    >>> first = pynn.random.normal((3,)).numpy()
    >>> set_random_seed(1)
    >>> bool((first == pynn.random.normal((3,)).numpy()).all())
    True
    """
    try:
        seed = operator.index(seed)
    except TypeError:
        raise ValueError(
            f"pynn.utils.set_random_seed: expected an int; received {seed!r} of type "
            f"{type(seed).__name__}"
        ) from None
    if not 0 <= seed < 2**32:
        raise ValueError(
            f"pynn.utils.set_random_seed: expected a seed in [0, 2**32); received {seed}"
        )
    python_random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (users' own code draws from the global generator)
    random.reset_global_generator(seed)
