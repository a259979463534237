"""Where webhooks of the tests are received: a server on loopback."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Inbox(BaseHTTPRequestHandler):
    """Takes what a webhook is sent."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body))  # type: ignore[attr-defined]  # ours
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        del format, args


@contextmanager
def inbox() -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    """Give its address, and the path, headers and body of each message."""
    server = HTTPServer(("127.0.0.1", 0), Inbox)
    taken: list[tuple[str, dict[str, str], bytes]] = []
    server.taken = taken  # type: ignore[attr-defined]  # for the handler
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    server.shutdown()
    server.server_close()
    thread.join()
