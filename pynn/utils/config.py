"""A dictionary whose entries are attributes, and that can be frozen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pynn.saving.errors import nearest_name


class Config:
    """Named settings: like a dict, or by attribute, until they are frozen.

    Args:
        kwargs: the first settings.

    >>> config = Config(rate=0.1)
    >>> config.momentum = 0.9
    >>> config["momentum"], config.rate
    (0.9, 0.1)
    >>> config.to_json()
    '{"rate": 0.1, "momentum": 0.9}'
    """

    _config: dict[str, Any]
    _frozen: bool

    def __init__(self, **kwargs: Any) -> None:
        object.__setattr__(self, "_config", kwargs)
        object.__setattr__(self, "_frozen", False)

    @property
    def frozen(self) -> bool:
        """Whether changes are refused."""
        return self._frozen

    def freeze(self) -> None:
        """Refuses changes from now on, with ValueError."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """Allows changes again."""
        object.__setattr__(self, "_frozen", False)

    def as_dict(self) -> dict[str, Any]:
        """Returns a copy as a dict."""
        return dict(self._config)

    def to_json(self) -> str:
        """Returns the settings as JSON."""
        return json.dumps(self._config)

    def keys(self) -> Any:
        """Returns a view of the names."""
        return self._config.keys()

    def values(self) -> Any:
        """Returns a view of the values."""
        return self._config.values()

    def items(self) -> Any:
        """Returns a view of (name, value) pairs."""
        return self._config.items()

    def get(self, keyname: str, value: Any = None) -> Any:
        """Returns the setting of that name, or `value` if there is none."""
        return self._config.get(keyname, value)

    def pop(self, *args: Any) -> Any:
        """Takes a setting out, as `dict.pop`."""
        return self._changeable().pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Sets several settings, as `dict.update`."""
        self._changeable().update(*args, **kwargs)

    def _changeable(self) -> dict[str, Any]:
        if self._frozen:
            raise ValueError(
                "pynn.utils.Config: expected a config that is not frozen; received one that is. "
                "Call `unfreeze()` first"
            )
        return self._config

    def __getattr__(self, name: str) -> Any:
        # Copying and unpickling ask for attributes before there are any.
        config = self.__dict__.get("_config", {})
        if name in config:
            return config[name]
        near = nearest_name(name, config)
        hint = f"; did you mean {near!r}?" if near else ""
        raise AttributeError(
            f"pynn.utils.Config: expected the name of a setting; received {name!r}{hint}"
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(type(self), name) or name in self.__dict__:
            object.__setattr__(self, name, value)
        else:
            self._changeable()[name] = value

    def __getitem__(self, key: str) -> Any:
        return self._config[key]

    def __setitem__(self, key: str, item: Any) -> None:
        self._changeable()[key] = item

    def __delitem__(self, key: str) -> None:
        del self._changeable()[key]

    def __contains__(self, item: object) -> bool:
        return item in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self) -> int:
        return len(self._config)

    def __repr__(self) -> str:
        return f"<Config {self._config}>"
