"""A simulator over a socket: beside the caller, or as a program of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.sim.faults import DROP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

START_LIMIT_S = 10.0
STOP_LIMIT_S = 10.0
TICK_S = 0.02
TICKS = 1000
"""Any multiple of ten: at each tenth tick the server renews the date of its answers."""


class _DroppingProtocol(H11Protocol):
    """HTTP/1.1 that lets the application drop its connection, for the fault `reset`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it itself
        """Offer each request of this connection a way to drop it."""
        super().connection_made(transport)
        inside = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[DROP] = transport.abort
            await inside(scope, receive, send)

        self.app = app


class _Server(uvicorn.Server):
    """A server that leaves signals to the program it is embedded in."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def main_loop(self) -> None:
        """Notice soon that it shall end: a command waits for that at its own end."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks = (ticks + 1) % TICKS
            await asyncio.sleep(TICK_S)


def _config(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=_DroppingProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        # What goes wrong here is simulated: the client is told, nobody else.
        log_level="critical",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )


@contextmanager
def serving(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Give the address `http://HOST:PORT` under which the app answers inside the block.

    Port 0 takes a free one. Raises `OSError` when the port is taken. Leaving the block
    ends the server; answers that are still under way get one second.
    """
    server = _Server(_config(app, host, port))
    with _listener(host, port) as listener:
        bound = listener.getsockname()[1]
        thread = threading.Thread(
            target=server.run, args=([listener],), name="simulator", daemon=True
        )
        thread.start()
        try:
            _await_start(server, thread)
            yield f"http://{host}:{bound}"
        finally:
            server.should_exit = True
            thread.join(STOP_LIMIT_S)


def _listener(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )[0]
    # With the protocol named, asyncio switches Nagle's algorithm off for each connection;
    # a socket of `socket.create_server` names none, and every answer waits for 40 ms.
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the simulator did not start")
        time.sleep(0.002)


def run(app: ASGIApp, host: str, port: int) -> None:
    """Serve until the program is interrupted; `/_sim/*` answers loopback clients only."""
    uvicorn.Server(_config(app, host, port)).run()
