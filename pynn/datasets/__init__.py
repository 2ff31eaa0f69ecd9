"""Classic small data sets, read from disk where they are at hand and downloaded once where not.

Searched in this order: the cache (`$PYNN_HOME/datasets`, by default `~/.pynn/datasets`), the folder
`$PYNN_DATA`, and `../shared/data` beside a source checkout. Every file is checked by its SHA-256.
"""

from pynn.datasets import fashion_mnist, mnist

__all__ = ["fashion_mnist", "mnist"]
