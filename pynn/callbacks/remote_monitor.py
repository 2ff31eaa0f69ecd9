"""Sends the metrics of every epoch to a server."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from pynn.callbacks.callback import Callback

if TYPE_CHECKING:
    from urllib.request import Request

# A server that does not answer must not hold up training for longer.
_TIMEOUT_SECONDS = 10.0


class RemoteMonitor(Callback):
    """Sends `epoch` and the metrics, as JSON, to `root + path` after every epoch (HTTP POST).

    A server that cannot be reached is a warning; training goes on.

    Args:
        root: address of the server.
        path: where on the server.
        field: name of the form's field that holds the JSON.
        headers: further HTTP headers.
        send_as_json: send the JSON itself (`application/json`) instead of a form.

    >>> import pynn
    >>> pynn.callbacks.RemoteMonitor(root="http://localhost:9000", send_as_json=True).path
    '/publish/epoch/end/'
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Sends the metrics."""
        # The network's modules take longer to import than most of pynn: not before they are needed.
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import urlopen

        event = {"epoch": epoch, **{name: _plain(value) for name, value in (logs or {}).items()}}
        try:
            with urlopen(self._request(event), timeout=_TIMEOUT_SECONDS) as answer:
                answer.read()
        except HTTPError as error:
            error.close()
            self._warn(f"it answers {error.code} {error.reason}")
        except (OSError, ValueError, HTTPException) as error:
            self._warn(str(error))

    def _request(self, event: dict[str, Any]) -> Request:
        from urllib.parse import urlencode
        from urllib.request import Request

        text = json.dumps(event)
        if self.send_as_json:
            kind, body = "application/json", text
        else:
            kind = "application/x-www-form-urlencoded"
            body = urlencode({self.field: text})
        headers = {"Content-Type": kind, **(self.headers or {})}
        return Request(self.root + self.path, body.encode(), headers, method="POST")

    def _warn(self, reason: str) -> None:
        warnings.warn(
            "pynn.callbacks.RemoteMonitor: expected a server that takes the metrics; "
            f"received none at {self.root} ({reason})",
            stacklevel=3,
        )


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
