"""Makes sure that the compiled engine, `pynn._core`, can be imported.

In a source checkout `python -m pynn` finds the folder of sources before the installed package, and
the engine is only in the latter. Then the engine is taken from there.
"""

import os
import sys
from importlib.machinery import PathFinder

import pynn

try:
    import pynn._core
except ModuleNotFoundError as error:
    if error.name != "pynn._core":
        raise
    for folder in sys.path:
        installed = os.path.join(folder, "pynn")
        if PathFinder.find_spec("pynn._core", [installed]):
            pynn.__path__.append(installed)
            break
    else:
        raise ImportError(
            f"pynn: expected the compiled engine _core in {os.path.dirname(__file__)} or in an "
            "installed pynn; received neither. Build it: pip install . in the source checkout "
            "(needs g++; everything else comes from PyPI)"
        ) from None
