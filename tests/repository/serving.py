"""Bare repositories over https on loopback, by git's plainest protocol: files."""

from __future__ import annotations

import ssl
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import trustme

from tests.repository.making import git

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that prints nothing; what lies under `elsewhere` is told to be moved."""

    def do_GET(self) -> None:
        """Answer one request."""
        if self.path.startswith("/elsewhere/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/elsewhere"))
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name
        """Print nothing."""


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, str]]:
    """Serve a folder until the block ends; give its address and the certificate to trust."""
    authority = trustme.CA()
    certificate = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    handler = partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"https://localhost:{server.server_port}", str(certificate)
        finally:
            server.shutdown()
            thread.join()


def published(work: Path, bare: Path) -> None:
    """Push what is committed in `work`, rewritten or not, to where it is served from."""
    if not bare.exists():
        git(work, "clone", "-q", "--bare", str(work), str(bare))
    git(work, "push", "-q", "--force", str(bare), "HEAD:refs/heads/main")
    git(bare, "update-server-info")
