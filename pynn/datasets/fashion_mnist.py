"""Fashion-MNIST: 70,000 pictures of clothes in the format of MNIST (Xiao, Rasul, Vollgraf 2017)."""

from __future__ import annotations

from pynn.datasets.cache import DataFile, DataSet
from pynn.datasets.mnist import Arrays, load_idx

DATA_SET = DataSet(
    folder="fashion_mnist",
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
)
# x_train, y_train, x_test, y_test
FILES = (
    DataFile(
        "train-images-idx3-ubyte.gz",
        26_421_880,
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    ),
    DataFile(
        "train-labels-idx1-ubyte.gz",
        29_515,
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    ),
    DataFile(
        "t10k-images-idx3-ubyte.gz",
        4_422_102,
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    ),
    DataFile(
        "t10k-labels-idx1-ubyte.gz",
        5_148,
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
)


def load_data() -> Arrays:
    """Load Fashion-MNIST, downloading 31 MB into the cache when no copy is at hand.

    Classes 0 to 9: T-shirt/top, Trouser, Pullover, Dress, Coat, Sandal, Shirt, Sneaker, Bag,
    Ankle boot.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images of shape (60000, 28, 28) and
        (10000, 28, 28) with values 0 to 255, uint8 labels of shape (60000,) and (10000,).

    Raises:
        FileNotFoundError: no copy here and none to be had; says which file to put where.
        ValueError: a damaged copy in a folder of yours.

    Copyright Zalando SE, MIT license.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_train.shape, y_test.shape  # doctest: +SKIP
    ((60000, 28, 28), (10000,))
    """
    return load_idx(DATA_SET, FILES)
