"""Train a dense network on MNIST; fails if it learns less than it should.

Run: python examples/mnist_mlp.py
"""

import sys

import pynn as keras

TARGET = 0.973


def main() -> int:
    keras.utils.set_random_seed(1)
    (x, y), (x_test, y_test) = keras.datasets.mnist.load_data()

    model = keras.Sequential(
        [
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x / 255.0, y, epochs=5, batch_size=128, validation_split=0.1)

    _, accuracy = model.evaluate(x_test / 255.0, y_test, verbose=0)
    print(f"test accuracy {accuracy:.4f}, target {TARGET}")
    return 0 if accuracy >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
