"""The clients of one scope: proxies, certificates, timeouts, and few connections in each."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx

from reconciler.errors import ProviderError
from reconciler.providers.machine import trusted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from reconciler.providers.spec import Opening

TIMEOUT = httpx.Timeout(connect=10.0, read=60.0, write=30.0, pool=None)
"""A pool never times out: the scope's own slots bound who may ask for a connection."""
KEEPALIVE_S = 60.0
CONNECTIONS = 4
"""Of one client; see `Clients`."""
LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")


class Clients:
    """As many clients of a few connections each as requests are under way.

    A pool walks over all its connections at each request and at the end of each: with 32 in one
    pool that takes longer than everything else about a request.
    """

    def __init__(self, make: Callable[[], httpx.AsyncClient]) -> None:
        self._make = make
        self.clients = [make()]
        self._busy = [0]

    @asynccontextmanager
    async def sent(self, request: httpx.Request, auth: httpx.Auth) -> AsyncIterator[httpx.Response]:
        """Send a request; give its response until the block ends, its body still unread."""
        least = min(range(len(self._busy)), key=self._busy.__getitem__)
        if self._busy[least] >= CONNECTIONS:
            self.clients.append(self._make())
            self._busy.append(0)
            least = len(self._busy) - 1
        self._busy[least] += 1
        try:
            response = await self.clients[least].send(
                request, auth=auth, stream=True, follow_redirects=False
            )
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            self._busy[least] -= 1

    async def aclose(self) -> None:
        """Release all connections."""
        for client in self.clients:
            await client.aclose()


def client_of(opening: Opening) -> httpx.AsyncClient:
    """Give a client as the environment wants it. Raises ProviderError for a proxy that can't be."""
    limits = httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=KEEPALIVE_S)
    real = opening.transport is None
    try:
        return httpx.AsyncClient(
            verify=trusted() if real else True,
            transport=opening.transport,
            timeout=TIMEOUT,
            limits=limits,
            follow_redirects=False,
            mounts=dict.fromkeys(LOOPBACK) if real else None,
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        # Its own words may hold the password of the proxy.
        raise ProviderError(
            "the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY can't be used: write "
            "`http://HOST:PORT`",
            code="bad-proxy",
        ) from error
