"""Callbacks that hand the metrics on: to a file, to a server."""

import json
import urllib.parse

import numpy as np
import pytest
from loopback_server import loopback_server

import pynn
from pynn import layers
from pynn.callbacks import CSVLogger, RemoteMonitor
from pynn.callbacks.callback import listens_to_batches

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X[:, :1]


def fit(callback, **settings):
    pynn.utils.set_random_seed(0)
    model = pynn.Sequential([pynn.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model.fit(X, Y, verbose=0, callbacks=[callback], **{"epochs": 2, **settings}).history


# ---- CSVLogger ----------------------------------------------------------------------------------


def lines(path):
    return path.read_bytes().decode().split("\r\n")


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    history = fit(CSVLogger(path), validation_data=(X, Y))
    names = ["loss", "mae", "val_loss", "val_mae"]
    assert lines(path) == [
        ",".join(["epoch", *names]),
        *[",".join([str(e), *[str(history[name][e]) for name in names]]) for e in range(2)],
        "",
    ]


def test_csv_logger_with_values_that_come_and_go(tmp_path):
    path = tmp_path / "log.csv"
    logger = CSVLogger(str(path), separator=";")
    logger.on_train_begin()
    logger.on_epoch_end(0, {"b": 1.0, "a": 2.0})
    logger.on_epoch_end(1, {"a": 3.0, "val_a": np.float32(0.5), "new": 1.0})
    logger.on_epoch_end(2, {"a": np.array([1.0, 2.0]), "b": "text"})
    logger.on_train_end()
    assert lines(path) == [
        "epoch;a;b;val_a;val_b",
        "0;2.0;1.0;NA;NA",
        "1;3.0;NA;0.5;NA",
        '2;"""[1.0, 2.0]""";text;NA;NA',
        "",
    ]


def test_rows_are_there_at_once(tmp_path):
    path = tmp_path / "log.csv"
    logger = CSVLogger(path)
    logger.on_train_begin()
    logger.on_epoch_end(0, {"a": 1.0})
    assert "0,1.0,NA" in lines(path)
    logger.on_train_end()
    assert logger.csv_file is None


@pytest.mark.parametrize("append", [False, True])
def test_csv_logger_continues_a_file(tmp_path, append):
    path = tmp_path / "log.csv"
    for _ in range(2):  # with a new callback, and with the same one again
        logger = CSVLogger(path, append=append)
        fit(logger, epochs=1)
        fit(logger, epochs=1)
    assert [line[:1] for line in lines(path)] == ["e", *["0"] * (4 if append else 1), ""]


def test_csv_logger_warns_of_other_columns(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,accuracy,val_accuracy\r\n0,1,2\r\n")
    with pytest.warns(UserWarning, match=r"\['epoch', 'accuracy', 'val_accuracy'\].*'loss', 'mae'"):
        fit(CSVLogger(path, append=True))
    assert lines(path)[2].startswith("0,")


@pytest.mark.parametrize("separator", ["", "::", None])
def test_csv_logger_with_a_bad_separator(separator):
    with pytest.raises(TypeError, match="one character; received"):
        CSVLogger("log.csv", separator)


def test_csv_logger_in_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        fit(CSVLogger(tmp_path / "none" / "log.csv"))


# ---- RemoteMonitor ------------------------------------------------------------------------------


@pytest.fixture
def server():
    with loopback_server() as running:
        yield running


@pytest.mark.parametrize("as_json", [False, True])
def test_remote_monitor(server, as_json):
    monitor = RemoteMonitor(server.root, "/here/", "metrics", {"X-Run": "7"}, send_as_json=as_json)
    history = fit(monitor)
    for epoch, (path, headers, body) in enumerate(server.received):
        assert (path, headers["X-Run"]) == ("/here/", "7")
        kind = "json" if as_json else "x-www-form-urlencoded"
        assert headers["Content-Type"] == f"application/{kind}"
        text = body if as_json else urllib.parse.parse_qs(body)["metrics"][0]
        expected = {name: values[epoch] for name, values in history.items()}
        assert json.loads(text) == {"epoch": epoch, **expected}
    assert len(server.received) == 2


def test_remote_monitor_is_not_called_for_batches():
    assert not any(listens_to_batches(RemoteMonitor(), p) for p in ("train", "test", "predict"))


def test_remote_monitor_sends_arrays(server):
    logs = {"a": np.array([1.0, 2.0]), "b": np.float32(0.5)}
    RemoteMonitor(server.root, send_as_json=True).on_epoch_end(3, logs)
    path, _, body = server.received[0]
    assert path == "/publish/epoch/end/"
    assert json.loads(body) == {"epoch": 3, "a": [1.0, 2.0], "b": 0.5}


def test_remote_monitor_with_a_server_that_refuses(server):
    server.status = 404
    with pytest.warns(UserWarning, match="it answers 404 Not Found"):
        fit(RemoteMonitor(server.root))


def test_remote_monitor_goes_on_without_a_server():
    with loopback_server() as server:
        pass  # it is gone now, and nobody listens there
    for root in (server.root, "nothing", "unknown://there"):
        with pytest.warns(UserWarning, match=f"received none at {root}"):
            assert len(fit(RemoteMonitor(root))["loss"]) == 2
