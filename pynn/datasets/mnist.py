"""MNIST: 70,000 handwritten digits (LeCun, Cortes and Burges)."""

from __future__ import annotations

import numpy as np

from pynn.datasets.cache import DataFile, DataSet, cache_folder, fetch, find
from pynn.datasets.idx import read_idx

Arrays = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

DATA_SET = DataSet(
    folder="mnist",
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)
# x_train, y_train, x_test, y_test
FILES = (
    DataFile(
        "train-images-idx3-ubyte.gz",
        9_912_422,
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    ),
    DataFile(
        "train-labels-idx1-ubyte.gz",
        28_881,
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    ),
    DataFile(
        "t10k-images-idx3-ubyte.gz",
        1_648_877,
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    ),
    DataFile(
        "t10k-labels-idx1-ubyte.gz",
        4_542,
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
)


def load_data(path: str = "mnist.npz") -> Arrays:
    """Load MNIST, downloading 12 MB into the cache when no copy is at hand.

    Args:
        path: an .npz copy in Keras's layout, relative to the cache folder; used when it exists.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape (60000, 28, 28) and
        (10000, 28, 28) with values 0 to 255, uint8 labels 0 to 9 of shape (60000,) and (10000,).

    Raises:
        FileNotFoundError: no copy here and none to be had; says which file to put where.
        ValueError: a damaged copy in a folder of yours.

    Copyright Yann LeCun and Corinna Cortes, CC BY-SA 3.0.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_train.shape, y_test.shape  # doctest: +SKIP
    ((60000, 28, 28), (10000,))
    """
    copy = cache_folder() / path
    if copy.suffix == ".npz" and copy.is_file():
        with np.load(copy, allow_pickle=False) as arrays:
            train = arrays["x_train"], arrays["y_train"]
            return train, (arrays["x_test"], arrays["y_test"])
    return load_idx(DATA_SET, FILES)


def at_hand() -> bool:
    """Whether `load_data` would need no download.

    >>> isinstance(at_hand(), bool)
    True
    """
    if (cache_folder() / "mnist.npz").is_file():
        return True
    return all(find(DATA_SET, file) is not None for file in FILES)


def load_idx(data_set: DataSet, files: tuple[DataFile, ...]) -> Arrays:
    """Read the four idx files of a data set in MNIST's format."""
    x_train, y_train, x_test, y_test = (read_idx(fetch(data_set, file)) for file in files)
    return (x_train, y_train), (x_test, y_test)
