"""Helpers of pynn.utils beside those of Keras."""

import inspect

import numpy as np
import pytest

from pynn import config, utils

ROWS = [[1], [2, 3], [4, 5, 6], []]
VECTORS = [np.ones((1, 2)), np.zeros((0, 2)), np.full((3, 2), 2.0)]


@pytest.mark.parametrize("maxlen", [None, 1, 2, 5])
@pytest.mark.parametrize("padding", ["pre", "post"])
@pytest.mark.parametrize("truncating", ["pre", "post"])
@pytest.mark.parametrize("rows", [ROWS, VECTORS])
def test_pad_sequences(keras, rows, truncating, padding, maxlen):
    settings = {"maxlen": maxlen, "padding": padding, "truncating": truncating, "value": 7}
    ours = utils.pad_sequences(rows, dtype="float32", **settings)
    theirs = keras.utils.pad_sequences(rows, dtype="float32", **settings)
    np.testing.assert_array_equal(ours, theirs)
    assert ours.dtype == theirs.dtype


@pytest.mark.parametrize("data", [1, [1], (1,), (1, 2), [1, 2], (1, 2, 3), (1, 2, None)])
def test_unpack(keras, data):
    assert utils.unpack_x_y_sample_weight(data) == keras.utils.unpack_x_y_sample_weight(data)


@pytest.mark.parametrize("parts", [(1,), ([1, 2],), (1, 2), (1, 2, 3), (1, None, 3)])
def test_pack(keras, parts):
    assert utils.pack_x_y_sample_weight(*parts) == keras.utils.pack_x_y_sample_weight(*parts)


def test_config(keras):
    for package in (utils, keras.utils):
        settings = package.Config(b=1, a=[2])
        settings.c = None
        assert (list(settings), settings.to_json()) == (
            ["a", "b", "c"],
            '{"b": 1, "a": [2], "c": null}',
        )
        assert repr(settings) == "<Config {'b': 1, 'a': [2], 'c': None}>"
        settings.freeze()
        with pytest.raises(ValueError, match="frozen"):
            settings.d = 1
        with pytest.raises(AttributeError):
            _ = settings.d
        with pytest.raises(KeyError):
            _ = settings["d"]


@pytest.mark.parametrize(
    "name", ["Progbar", "pad_sequences", "pack_x_y_sample_weight", "unpack_x_y_sample_weight"]
)
def test_signatures(keras, name):
    ours = inspect.signature(getattr(utils, name)).parameters.values()
    theirs = inspect.signature(getattr(keras.utils, name)).parameters.values()
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


@pytest.mark.parametrize(
    "name",
    [
        "is_flash_attention_enabled",
        "is_interactive_logging_enabled",
        "is_nnx_enabled",
        "is_traceback_filtering_enabled",
        "max_epochs",
        "max_steps_per_epoch",
    ],
)
def test_settings_at_the_start(keras, name):
    assert getattr(config, name)() == getattr(keras.config, name)()
