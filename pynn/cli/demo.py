"""Train a small network on handwritten digits and show what it learned."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

from pynn import layers, models, utils
from pynn.datasets import mnist
from pynn.datasets.cache import cache_folder

_HOW_TO_GET_DATA = (
    "The demo needs data and found none. Either install scikit-learn, whose digits come with it "
    '(pip install "pynn[demo]"), or get MNIST (12 MB): call pynn.datasets.mnist.load_data() once '
    "while online, put its four .gz files into {cache}, or set PYNN_DATA to a folder that "
    "contains mnist/."
)
_SHOWN = 5


@dataclass
class Digits:
    """Grey images in [0, 1] and their labels."""

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `demo`."""
    parser.add_argument("--epochs", type=int, default=5, help="passes over the data (5)")
    parser.add_argument("--batch-size", type=int, default=32, help="images per step (32)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same numbers (0)")


def run(options: argparse.Namespace) -> int:
    """Train, evaluate, and show the history and a few predictions."""
    digits = _load()
    if digits is None:
        cache = cache_folder() / mnist.DATA_SET.folder
        print(_HOW_TO_GET_DATA.format(cache=cache), file=sys.stderr)
        return 1
    print(f"Data: {digits.name}; {len(digits.x_train)} images to learn from", end="")
    print(f", {len(digits.x_test)} to test on")
    utils.set_random_seed(options.seed)
    model = _model()
    history = model.fit(
        digits.x_train,
        digits.y_train,
        epochs=options.epochs,
        batch_size=options.batch_size,
        validation_split=0.1,
    )
    _print_history(history.history)
    loss, accuracy = model.evaluate(digits.x_test, digits.y_test, verbose=0)
    print(f"\nTest: loss {loss:.4f}, accuracy {accuracy:.2%}")
    _print_predictions(model, digits)
    return 0


def _model() -> Any:
    model = models.Sequential(
        [
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(128, activation="relu"),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _load() -> Digits | None:
    """MNIST if it needs no download, else scikit-learn's digits, else nothing."""
    if mnist.at_hand():
        (x, y), (x_test, y_test) = mnist.load_data()
        return Digits("MNIST", _scale(x, 255), y, _scale(x_test, 255), y_test)
    try:
        from sklearn.datasets import load_digits  # type: ignore[import-untyped]  # has no types
    except ImportError:
        return None
    images, labels = load_digits(return_X_y=True)
    images = _scale(images.reshape(-1, 8, 8), 16)
    order = np.random.default_rng(0).permutation(len(images))
    train, test = order[:-360], order[-360:]
    name = "scikit-learn's digits (MNIST is not on this machine)"
    return Digits(name, images[train], labels[train], images[test], labels[test])


def _scale(images: np.ndarray, largest: int) -> np.ndarray:
    return images.astype("float32") / np.float32(largest)


def _print_history(history: dict[str, list[float]]) -> None:
    names = list(history)
    print("\nepoch  " + "  ".join(f"{name:>12}" for name in names))
    for epoch, values in enumerate(zip(*history.values(), strict=True), start=1):
        print(f"{epoch:>5}  " + "  ".join(f"{value:>12.4f}" for value in values))


def _print_predictions(model: Any, digits: Digits) -> None:
    images, labels = digits.x_test[:_SHOWN], digits.y_test[:_SHOWN]
    for image, label, probabilities in zip(
        images, labels, model.predict(images, verbose=0), strict=True
    ):
        guess = int(probabilities.argmax())
        print(f"\nThe network reads {guess} ({probabilities[guess]:.1%} sure), it is {label}:")
        print(_sketch(image))


def _sketch(image: np.ndarray) -> str:
    """The image as text, two characters a pixel so that it looks square; empty rows left out."""
    shades = np.array([" ", "░", "▒", "▓", "█"])
    rows = shades[np.minimum((image * len(shades)).astype(int), len(shades) - 1)]
    lines = ("  " + "".join(np.repeat(row, 2)).rstrip() for row in rows)
    return "\n".join(line for line in lines if line.strip())
