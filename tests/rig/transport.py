"""The simulator's application as a transport: in process, with read timeouts, in virtual time.

1. A request that left can't be called back: it reaches the cloud though its sender was cancelled.
2. A cloud that drops the connection, or is silent for too long, is an error of httpx.
3. Once `dead` no request leaves any more: that is what a crash means.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NoReturn

import httpx

from reconciler.sim.faults import ConnectionDropped

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp


class Died(BaseException):
    """The process is gone: nobody catches this, and nothing more is written or sent."""


class InProcess(httpx.AsyncBaseTransport):
    """Carries requests to an application; `watchers` see each one before it leaves."""

    def __init__(self, app: ASGIApp) -> None:
        self._inside = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
        self.watchers: list[Callable[[httpx.Request], None]] = []
        self.dead = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Give the answer, or raise what a socket would."""
        if self.dead:
            raise Died
        for watch in self.watchers:
            watch(request)
        left = asyncio.ensure_future(self._inside.handle_async_request(request))
        left.add_done_callback(_seen)
        try:
            async with asyncio.timeout(request.extensions["timeout"]["read"]):
                return await asyncio.shield(left)
        except TimeoutError as error:
            left.cancel()
            raise httpx.ReadTimeout("no answer in time", request=request) from error
        except ConnectionDropped as error:
            _dropped(request, error)

    async def aclose(self) -> None:
        """Stay open: several runs share one cloud."""


def _dropped(request: httpx.Request, error: ConnectionDropped) -> NoReturn:
    raise httpx.RemoteProtocolError("connection dropped without an answer", request=request) from (
        error
    )


def _seen(left: asyncio.Future[httpx.Response]) -> None:
    if not left.cancelled():
        left.exception()
