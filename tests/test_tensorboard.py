"""TensorBoard: what its own reader finds in the files."""

import importlib
import io
import json
import subprocess
import sys

import numpy as np
import pytest

import pynn
from pynn import layers
from pynn.callbacks import TensorBoard
from pynn.callbacks.callback import listens_to_batches
from pynn.callbacks.event_files import _as_png

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X[:, :1]


@pytest.fixture
def reader():
    """The module that reads event files."""
    name = "tensorboard.backend.event_processing.event_accumulator"
    return pytest.importorskip(name, reason='not installed: pip install "pynn[tensorboard]"')


def make_model(**settings):
    pynn.utils.set_random_seed(0)
    model = pynn.Sequential([pynn.Input((3,)), layers.Dense(2, name="hidden"), layers.Dense(1)])
    model.compile("sgd", "mse", **settings)
    return model


def fit(callback, model=None, **settings):
    settings = {"epochs": 2, "batch_size": 5, "verbose": 0, "validation_data": (X, Y), **settings}
    return (model or make_model()).fit(X, Y, callbacks=[callback], **settings).history


def read(reader, folder):
    """Returns {tag: {step: value}} of a folder."""
    guidance = {reader.TENSORS: 0}
    accumulator = reader.EventAccumulator(str(folder), size_guidance=guidance).Reload()
    make = importlib.import_module("tensorboard.util.tensor_util").make_ndarray
    return {
        tag: {event.step: make(event.tensor_proto) for event in accumulator.Tensors(tag)}
        for tag in accumulator.Tags()["tensors"]
    }


def test_metrics_by_epoch(reader, tmp_path):
    history = fit(TensorBoard(tmp_path))
    train, validation = read(reader, tmp_path / "train"), read(reader, tmp_path / "validation")
    assert set(train) == {"keras", "epoch_loss", "epoch_learning_rate"}
    assert set(validation) == {"epoch_loss", "evaluation_loss_vs_iterations"}
    for epoch in range(2):
        assert train["epoch_loss"][epoch] == np.float32(history["loss"][epoch])
        assert validation["epoch_loss"][epoch] == np.float32(history["val_loss"][epoch])
    assert train["epoch_learning_rate"][1] == np.float32(0.01)
    assert list(validation["evaluation_loss_vs_iterations"]) == [4, 8]


@pytest.mark.parametrize(("freq", "steps"), [("batch", [1, 2, 3, 4, 5, 6, 7, 8]), (3, [3, 6])])
def test_metrics_by_batch(reader, tmp_path, freq, steps):
    fit(TensorBoard(tmp_path, update_freq=freq, write_steps_per_second=True))
    train = read(reader, tmp_path / "train")
    assert list(train["batch_loss"]) == steps
    assert list(train["batch_steps_per_second"]) == steps
    assert all(float(value) > 0 for value in train["epoch_steps_per_second"].values())


def test_config_of_the_model(reader, tmp_path):
    model = make_model()
    fit(TensorBoard(tmp_path), model)
    stored = read(reader, tmp_path / "train")["keras"][0].item()
    assert json.loads(stored) == json.loads(model.to_json())
    fit(TensorBoard(tmp_path / "none", write_graph=False))
    assert "keras" not in read(reader, tmp_path / "none" / "train")


def test_weights(reader, tmp_path):
    model = make_model()
    fit(TensorBoard(tmp_path, histogram_freq=2, write_images=True), model, epochs=3)
    train = read(reader, tmp_path / "train")
    kernel = model.layers[0].kernel
    histogram = train[f"{kernel.path}/histogram"]
    assert list(histogram) == [0, 2]
    values = kernel.numpy()  # of the last epoch
    left, right, count = histogram[2].T
    assert (count.sum(), left[0], right[-1]) == (6, values.min(), values.max())
    width, height, picture = train[f"{kernel.path}/image"][2]
    assert (width, height) == (b"3", b"2")
    assert picture == _as_png(values.T)


def test_pictures_are_png():
    image = pytest.importorskip("PIL.Image")
    values = np.array([[0.0, 0.5, 1.0], [-1.0, 2.0, 0.25]])
    decoded = np.asarray(image.open(io.BytesIO(_as_png(values))))
    np.testing.assert_array_equal(decoded, [[0, 128, 255], [0, 255, 64]])


class Table(layers.Layer):
    """Has embeddings."""

    def build(self, input_shape):
        self.embeddings = self.add_weight((4, 2), "normal", name="embeddings")

    def call(self, x):
        return pynn.ops.matmul(x, self.embeddings[:3])


def test_embeddings(reader, tmp_path):
    def model_with_table():
        model = pynn.Sequential([pynn.Input((3,)), Table(name="words"), layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    model = model_with_table()
    fit(TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"words": "w.tsv"}), model)
    config = (tmp_path / "projector_config.pbtxt").read_text()
    expected = ['tensor_name: "words"', 'tensor_path: "words-1.tsv"', 'metadata_path: "w.tsv"']
    assert [line.strip() for line in config.splitlines()[1:-1]] == expected
    table = np.loadtxt(tmp_path / "words-1.tsv", delimiter="\t")
    np.testing.assert_allclose(table, model.layers[0].embeddings.numpy(), rtol=1e-6)
    with pytest.raises(ValueError, match=r"among \['words'\]; received \['none'\]"):
        fit(
            TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"none": "w.tsv"}),
            model_with_table(),
        )


def test_evaluate_alone(reader, tmp_path):
    callback = TensorBoard(tmp_path)
    make_model().evaluate(X, Y, verbose=0, callbacks=[callback])
    assert list(read(reader, tmp_path / "validation")) == ["evaluation_loss_vs_iterations"]
    assert callback._files == {}


def test_batches_call_python_only_if_asked_to():
    class Own(TensorBoard):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)

    assert not listens_to_batches(TensorBoard(), "train")
    assert listens_to_batches(TensorBoard(update_freq=5), "train")
    assert listens_to_batches(Own(), "train")


@pytest.mark.parametrize("freq", [0, -1, "step", 1.5])
def test_bad_update_freq(freq):
    with pytest.raises(ValueError, match="expected update_freq to be"):
        TensorBoard(update_freq=freq)


def test_profiles_are_refused():
    with pytest.raises(ValueError, match="expected profile_batch=0"):
        TensorBoard(profile_batch=(1, 2))


def test_without_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.event_file_writer", None)
    with pytest.raises(ImportError, match="expected the package tensorboard"):
        fit(TensorBoard(tmp_path))


def test_the_package_is_imported_when_files_are_written():
    code = "import pynn, sys; pynn.callbacks.TensorBoard(); assert 'tensorboard' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
