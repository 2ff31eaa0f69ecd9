"""Print the packages of the extras named on the command line, one a line, pynn itself left out.

`pip install ".[dev]"` would build pynn a second time; this installs only what is around it.
"""

import sys
import tomllib
from pathlib import Path

pyproject = Path(__file__).resolve().parents[1] / "pyproject.toml"
project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
for extra in sys.argv[1:]:
    for package in project["optional-dependencies"][extra]:
        if not package.startswith(f"{project['name']}["):
            print(package)
