"""Where the real data sets lie: `$PYNN_DATA`, or `../shared/data` beside the checkout."""

import os
from pathlib import Path


def data_folder(name):
    """The folder that contains the data set `name`, or None."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    for folder in (os.environ.get("PYNN_DATA"), beside):
        if folder and (Path(folder) / name).is_dir():
            return str(folder)
    return None
