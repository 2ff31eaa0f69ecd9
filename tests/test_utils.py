"""pynn.utils: one-hot rows, norms, seeds."""

import copy
import io
import random as python_random

import numpy as np
import pytest

import pynn
from pynn import utils


@pytest.mark.parametrize(
    ("labels", "shape"),
    [([0, 2, 1], (3, 3)), ([[0], [2]], (2, 3)), ([[0, 2], [1, 1]], (2, 2, 3)), (2, (3,))],
)
def test_to_categorical(labels, shape):
    rows = utils.to_categorical(labels)
    assert rows.shape == shape
    assert rows.dtype == np.float64
    np.testing.assert_array_equal(rows.argmax(-1).ravel(), np.ravel(labels))
    np.testing.assert_array_equal(rows.sum(-1), np.ones(shape[:-1]))


def test_to_categorical_with_a_number_of_classes():
    assert utils.to_categorical([0, 1], num_classes=5).shape == (2, 5)
    assert utils.to_categorical([], num_classes=5).shape == (0, 5)
    assert utils.to_categorical([]).shape == (0, 0)


def test_to_categorical_of_a_tensor_is_a_tensor():
    rows = utils.to_categorical(pynn.ops.convert_to_tensor([0, 2]))
    assert isinstance(rows, pynn.Tensor)
    np.testing.assert_array_equal(rows.numpy(), [[1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize(("labels", "bad"), [([0, 3], "3"), ([-1, 0], "-1")])
def test_to_categorical_checks_the_labels(labels, bad):
    with pytest.raises(ValueError, match=rf"class indices in \[0, 3\); received {bad}"):
        utils.to_categorical(labels, num_classes=3)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("order", [1, 2])
def test_normalize(axis, order):
    x = np.random.default_rng(0).normal(size=(4, 3))
    expected = x / np.linalg.norm(x, order, axis, keepdims=True)
    np.testing.assert_allclose(utils.normalize(x, axis, order), expected)
    tensor = utils.normalize(pynn.ops.convert_to_tensor(x), axis, order)
    assert isinstance(tensor, pynn.Tensor)
    np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-12)


def test_normalize_keeps_zero_vectors():
    np.testing.assert_array_equal(utils.normalize(np.zeros((2, 3))), np.zeros((2, 3)))


def test_set_random_seed_seeds_all_three():
    draws = []
    for _ in range(2):
        utils.set_random_seed(11)
        draws.append(
            (
                python_random.random(),
                np.random.random(),  # noqa: NPY002 (the generator that is seeded)
                pynn.random.normal((2,)).numpy().tolist(),
                pynn.initializers.GlorotUniform()((2, 2)).numpy().tolist(),
            )
        )
    assert draws[0] == draws[1]


def test_set_random_seed_leaves_created_generators_alone():
    generator = pynn.random.SeedGenerator(5)
    first = generator.next().numpy().tolist()
    utils.set_random_seed(1)
    assert generator.next().numpy().tolist() == [first[0], first[1] + 1]


def test_settings_that_keras_keeps_in_config():
    assert pynn.config.floatx() == "float32"
    assert pynn.config.epsilon() == 1e-7
    assert pynn.config.backend() == "pynn"
    assert pynn.config.image_data_format() == "channels_last"
    assert pynn.config.dtype_policy().name == "float32"


def test_pack_and_unpack():
    assert utils.pack_x_y_sample_weight(1) == 1
    assert utils.pack_x_y_sample_weight([1, 2]) == ([1, 2],)
    for parts in ((1, 2), (1, 2, 3)):
        assert utils.pack_x_y_sample_weight(*parts) == parts
        assert utils.unpack_x_y_sample_weight(parts) == (*parts, None)[:3]
    assert utils.unpack_x_y_sample_weight([1]) == (1, None, None)
    with pytest.raises(ValueError, match="a tuple of 4"):
        utils.unpack_x_y_sample_weight((1, 2, 3, 4))


def test_pad_sequences():
    rows = [[1], [2, 3], [4, 5, 6], []]
    assert utils.pad_sequences(rows).tolist() == [[0, 0, 1], [0, 2, 3], [4, 5, 6], [0, 0, 0]]
    assert utils.pad_sequences(rows, 2, "float32", "post", "post", -1.0).tolist() == [
        [1, -1],
        [2, 3],
        [4, 5],
        [-1, -1],
    ]
    vectors = [np.ones((1, 2)), np.ones((3, 2))]
    assert utils.pad_sequences(vectors).shape == (2, 3, 2)
    words = utils.pad_sequences([["a"], ["b", "c"]], dtype=object, value="pad")
    assert words.tolist() == [["pad", "a"], ["b", "c"]]
    assert utils.pad_sequences([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("sequences", "settings", "words"),
    [
        (3, {}, "list of sequences"),
        ([1, 2], {}, "list of sequences"),
        ([[1]], {"padding": "left"}, "padding to be 'pre' or 'post'"),
        ([[1]], {"truncating": "left"}, "truncating to be 'pre' or 'post'"),
        ([[1]], {"value": "pad"}, "dtype=object"),
        ([np.ones((1, 2)), np.ones((1, 3))], {}, "shape \\(2,\\)"),
    ],
)
def test_what_pad_sequences_refuses(sequences, settings, words):
    with pytest.raises(ValueError, match=words):
        utils.pad_sequences(sequences, **settings)


def test_config_is_a_dict_with_attributes():
    config = utils.Config(rate=0.1)
    config.seed = 3
    config["name"] = "x"
    assert (config["seed"], config.name, "rate" in config, len(config)) == (3, "x", True, 3)
    assert list(config) == ["name", "rate", "seed"]
    assert config.as_dict() == dict(config.items()) == {"rate": 0.1, "seed": 3, "name": "x"}
    assert config.get("no", 1) == 1
    assert config.pop("seed") == 3
    config.update(rate=0.2)
    assert copy.deepcopy(config).as_dict() == {"rate": 0.2, "name": "x"}
    with pytest.raises(AttributeError, match="did you mean 'rate'"):
        _ = config.rat


def test_a_frozen_config_does_not_change():
    config = utils.Config(rate=0.1)
    config.freeze()
    for change in (
        lambda: setattr(config, "rate", 1),
        lambda: config.__setitem__("rate", 1),
        lambda: config.__delitem__("rate"),
        lambda: config.update(rate=1),
        lambda: config.pop("rate"),
    ):
        with pytest.raises(ValueError, match="not frozen"):
            change()
    assert config.frozen
    config.unfreeze()
    config.rate = 1
    assert config.rate == 1


def test_source_inputs():
    x, y, z = (pynn.Input((2,)) for _ in range(3))
    deep = pynn.layers.Dense(2)(pynn.layers.Add()([x, y]))
    assert [id(s) for s in utils.get_source_inputs(deep + y)] == [id(x), id(y)]
    assert [id(s) for s in utils.get_source_inputs(z)] == [id(z)]
    assert utils.get_source_inputs(3) == 3


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progbar_in_place(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    bar = utils.Progbar(4, width=8, interval=0.0, stateful_metrics=["rate"], unit_name="file")
    bar.update(1, [("loss", 1.0), ("rate", 5.0)])
    bar.add(1, [("loss", 3.0), ("rate", 7.0)])
    assert screen.getvalue().count("\n") == 0
    last = screen.getvalue().split("\r")[-1]
    assert "2/4" in last
    assert last.count("━") == 8
    assert "/file" in last
    assert "loss: 2.0000 - rate: 7.0000" in last
    bar.update(4, [("loss", 0.5)])
    assert screen.getvalue().endswith("\n")
    assert "loss: 0.5000" in screen.getvalue().split("\r")[-1]


@pytest.mark.parametrize(("verbose", "lines"), [(0, 0), (1, 1), (2, 1)])
def test_progbar_into_a_pipe(capsys, verbose, lines):
    bar = utils.Progbar(12, verbose=verbose, stateless_metrics=["loss"])
    for step in range(1, 13):
        bar.update(step, [("loss", 1e-5 * step), ("seen", step)])
    out = capsys.readouterr().out
    assert out.count("\n") == lines
    if lines:
        assert out.startswith("12/12 - ")
        assert out.endswith(" - loss: 1.2000e-04 - seen: 12.0000\n")


def test_progbar_without_a_target(capsys):
    bar = utils.Progbar(None)
    bar.update(3)
    assert capsys.readouterr().out == ""
    bar.update(5, finalize=True)
    assert capsys.readouterr().out.startswith("5 - 0s ")
    with pytest.raises(ValueError, match="received both"):
        utils.Progbar(1, stateful_metrics=[], stateless_metrics=[])
