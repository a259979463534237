"""The page over a socket, in a thread of its own: a tick that computes holds no reader up."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import uvicorn

from reconciler.model.finding import Finding, FindingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp

START_LIMIT_S = 10.0
STOP_LIMIT_S = 5.0
LARGEST_HEAD = 16 * 1024
MOST_AT_ONCE = 500
"""Connections; what comes beyond is told 503 at once."""
TICK_S = 0.05
TICKS = 1000
"""Any multiple of ten: at each tenth tick the server renews the date of its answers."""


class _Server(uvicorn.Server):
    """A server that leaves signals to the program it is embedded in."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def main_loop(self) -> None:
        """Notice soon that it shall end: the program waits for that at its own end."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks = (ticks + 1) % TICKS
            await asyncio.sleep(TICK_S)


@contextmanager
def serving(app: ASGIApp, host: str, port: int, close: Callable[[], None]) -> Iterator[int]:
    """Give the port on which the app answers inside the block; port 0 takes a free one.

    `close` is called before the server ends, so that open streams let go. Raises FindingsError
    where nobody can listen.
    """
    server = _Server(_config(app))
    with ExitStack() as stack:
        listener = stack.enter_context(_listener(host, port))
        thread = threading.Thread(target=server.run, args=([listener],), name="page", daemon=True)
        thread.start()
        try:
            _await_start(server, thread)
            yield listener.getsockname()[1]
        finally:
            close()
            server.should_exit = True
            thread.join(STOP_LIMIT_S)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        # Nobody's word for where a request came from is believed, and nothing here asks.
        proxy_headers=False,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        limit_concurrency=MOST_AT_ONCE,
        timeout_graceful_shutdown=1,
    )


def _listener(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, kind, protocol, _, address = found[0]
        # With the protocol named, asyncio switches Nagle's algorithm off for each connection.
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise _deaf(host, port, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise _deaf(host, port, error) from error
    return listener


def _deaf(host: str, port: int, error: Exception) -> FindingsError:
    return FindingsError(
        Finding(
            code="listen",
            summary=f"`{host}:{port}` can't be listened on: {error}",
            hint="choose another address or port",
        )
    )


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the page did not start")
        time.sleep(0.005)
