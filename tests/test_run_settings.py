"""pynn.config: limits of training, where progress goes, switches."""

import logging
import subprocess
import sys

import numpy as np
import pytest

import pynn
from pynn import config


@pytest.fixture(autouse=True)
def settings_as_before():
    yield
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)
    config.enable_interactive_logging()


def model_and_batches():
    """A model, and the list in which it counts the batches that it is given."""
    model = pynn.Sequential([pynn.layers.Dense(1)])
    model.compile("sgd", "mse")
    seen = []
    count = pynn.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(batch),
    )
    return model, seen, count


X = np.ones((12, 2), "float32")
Y = np.ones((12, 1), "float32")


def test_epochs_are_limited():
    model, _, _ = model_and_batches()
    config.set_max_epochs(2)
    with pytest.warns(UserWarning, match="epochs limited to 2"):
        history = model.fit(X, Y, epochs=5, verbose=0)
    assert len(history.history["loss"]) == 2
    assert len(model.fit(X, Y, epochs=1, verbose=0).history["loss"]) == 1


@pytest.mark.parametrize("steps", [None, 3])
def test_steps_are_limited(steps):
    model, seen, count = model_and_batches()
    config.set_max_steps_per_epoch(2)
    with pytest.warns(UserWarning, match="steps limited to 2"):
        model.fit(X, Y, batch_size=4, epochs=2, steps_per_epoch=steps, callbacks=[count], verbose=0)
    assert seen == [0, 1] * 2
    with pytest.warns(UserWarning, match="steps limited to 2"):
        assert model.predict(X, batch_size=4, verbose=0).shape == (8, 1)


def test_steps_of_batches_are_limited():
    def batches():
        while True:
            yield X[:4], Y[:4]

    model, seen, count = model_and_batches()
    config.set_max_steps_per_epoch(2)
    with pytest.warns(UserWarning, match="steps limited to 2"):
        model.fit(batches(), epochs=2, callbacks=[count], verbose=0)
    assert seen == [0, 1] * 2


def test_a_limit_beyond_the_data_changes_nothing(recwarn):
    model, seen, count = model_and_batches()
    config.set_max_steps_per_epoch(10)
    model.fit(X, Y, batch_size=4, epochs=2, callbacks=[count], verbose=0)
    assert seen == [0, 1, 2] * 2
    assert not recwarn.list


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3"])
@pytest.mark.parametrize("name", ["max_epochs", "max_steps_per_epoch"])
def test_limits_are_positive(name, value):
    with pytest.raises(ValueError, match=f"pynn.config.set_{name}: expected a positive int"):
        getattr(config, f"set_{name}")(value)


def test_limits_from_the_environment(monkeypatch):
    monkeypatch.setenv("KERAS_MAX_EPOCHS", "7")
    monkeypatch.setenv("KERAS_MAX_STEPS_PER_EPOCH", "9")
    code = "from pynn import config as c; print(c.max_epochs(), c.max_steps_per_epoch())"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["7", "9"]


def test_progress_goes_to_the_log(capsys, caplog):
    model, _, _ = model_and_batches()
    config.disable_interactive_logging()
    assert not pynn.utils.is_interactive_logging_enabled()
    with caplog.at_level(logging.INFO, logger="pynn"):
        model.fit(X, Y, epochs=2, verbose=1)
    assert capsys.readouterr().out == ""
    assert [m.startswith(f"Epoch {i}/2") for i, m in enumerate(caplog.messages, 1)] == [True] * 2
    config.enable_interactive_logging()
    model.fit(X, Y, epochs=2, verbose=1)
    assert capsys.readouterr().out.startswith("Epoch 1/2")


def test_switches():
    for name, off in (("flash_attention", False), ("traceback_filtering", False)):
        getattr(config, f"disable_{name}")()
        assert getattr(config, f"is_{name}_enabled")() is off
        getattr(config, f"enable_{name}")()
        assert getattr(config, f"is_{name}_enabled")() is not off
    assert config.is_nnx_enabled() is False
    with pytest.warns(UserWarning, match="never runs code"):
        config.enable_unsafe_deserialization()


def test_there_is_one_backend():
    config.set_backend("pynn")
    assert config.backend() == "pynn"
    with pytest.raises(ValueError, match="expected 'pynn', the only backend; received 'jax'"):
        config.set_backend("jax")
