"""Names, configs, classes and objects: what every `get` accepts, and what it says otherwise."""

import pytest

import pynn
from pynn.lookup import get_from_registry, name_table, nearest_name, unknown_name_error


class Widget:
    def __init__(self, size=1):
        self.size = size

    def __call__(self):
        return self.size

    def get_config(self):
        return {"size": self.size}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def helper():
    return 0


TABLE = name_table([Widget, helper], small=Widget)


def test_name_table_has_each_spelling_and_the_aliases():
    assert set(TABLE) == {"Widget", "widget", "helper", "small"}


@pytest.mark.parametrize(
    "identifier", ["Widget", "widget", "small", Widget, {"class_name": "Widget"}]
)
def test_names_classes_and_configs_become_instances(identifier):
    assert get_from_registry("loss", identifier, TABLE).size == 1


def test_config_arguments_are_used():
    config = {"class_name": "Widget", "config": {"size": 7}}
    assert get_from_registry("loss", config, TABLE).size == 7


def test_functions_and_objects_pass_through():
    assert get_from_registry("loss", "helper", TABLE) is helper
    widget = Widget(3)
    assert get_from_registry("loss", widget, TABLE) is widget
    assert get_from_registry("loss", None, TABLE) is None


def test_custom_objects_are_found_first():
    class Other(Widget):
        pass

    found = get_from_registry("loss", "widget", TABLE, custom_objects={"widget": Other})
    assert type(found) is Other
    with pynn.saving.custom_object_scope({"mine": Other}):
        assert type(get_from_registry("loss", "mine", TABLE)) is Other


@pytest.mark.parametrize("identifier", ["widgte", {"class_name": "Widgte", "config": {}}])
def test_unknown_name_suggests_the_nearest(identifier):
    with pytest.raises(
        ValueError, match=r"pynn\.losses\.get: unknown loss 'widgte'; did you mean"
    ) as e:
        get_from_registry(
            "loss", str(identifier).lower() if isinstance(identifier, str) else "widgte", TABLE
        )
    assert "'widget'" in str(e.value)
    with pytest.raises(ValueError, match=r"did you mean '[Ww]idget'"):
        get_from_registry("loss", identifier, TABLE)


@pytest.mark.parametrize("identifier", [7, 2.5, object(), ["widget"]])
def test_what_is_no_identifier_raises(identifier):
    with pytest.raises(ValueError, match="unknown loss"):
        get_from_registry("loss", identifier, TABLE)


def test_config_without_class_name_raises():
    with pytest.raises(ValueError, match="class_name"):
        get_from_registry("loss", {"config": {}}, TABLE)


def test_message_lists_each_name_once():
    message = str(
        unknown_name_error("loss", "zzz", ["MeanSquaredError", "mean_squared_error", "mse"])
    )
    assert message == "pynn.losses.get: unknown loss 'zzz'. Known: mean_squared_error, mse"


@pytest.mark.parametrize(
    ("kind", "place"),
    [("loss", "losses"), ("losses", "losses"), ("dtype policy", "dtype_policies")],
)
def test_kind_or_namespace(kind, place):
    assert str(unknown_name_error(kind, "x", [])).startswith(f"pynn.{place}.get: unknown ")


def test_nearest_name():
    assert nearest_name("GlorotUnifrom", ["glorot_uniform", "zeros"]) == "glorot_uniform"
    assert nearest_name("qqqqq", ["zeros"]) is None


@pytest.mark.parametrize(
    ("namespace", "typo", "meant"),
    [
        ("initializers", "glorot_unifrom", "glorot_uniform"),
        ("regularizers", "l1l3", "l1l2"),
        ("constraints", "maxnrom", "max_norm"),
        ("activations", "rleu", "relu"),
        ("losses", "mean_square_error", "mean_squared_error"),
        ("metrics", "acuracy", "accuracy"),
        ("optimizers", "adm", "adam"),
    ],
)
def test_every_namespace_suggests(namespace, typo, meant):
    with pytest.raises(ValueError, match=f"pynn.{namespace}.get: unknown .*did you mean") as error:
        getattr(pynn, namespace).get(typo)
    assert meant.replace("_", "") in str(error.value).lower().replace("_", "")
