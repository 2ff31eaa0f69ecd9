"""A server on this machine that keeps what is posted to it."""

import contextlib
import http.server
import threading
from collections.abc import Iterator
from typing import Any


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Any

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.received.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def loopback_server() -> Iterator[Any]:
    """Runs a server; `root` is its address, `received` lists (path, headers, body).

    It answers with `status`, 200 unless changed.
    """
    server: Any = http.server.HTTPServer(("127.0.0.1", 0), _Handler)
    server.received = []
    server.status = 200
    server.root = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
