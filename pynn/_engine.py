"""Where the engine `pynn._core` is, when the package runs from a checkout."""

import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def installed_folder() -> str:
    """Returns the folder of the installed package that holds the compiled engine.

    In a checkout the folder `pynn` comes first on the path (`python -m pynn` puts it there) and
    hides the installed package, which alone has the compiled engine.

    Raises:
        ImportError: if no installed package has one.
    """
    for entry in sys.path:
        folder = Path(entry or ".").resolve() / "pynn"
        if folder != _HERE and any((folder / f"_core{end}").exists() for end in EXTENSION_SUFFIXES):
            return str(folder)
    raise ImportError(
        f"pynn: expected the compiled engine pynn._core; found none, neither in {_HERE} nor in an "
        "installed package for this Python. Build and install it: pip install . (in the checkout)"
    )
