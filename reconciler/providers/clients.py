"""The ways of one scope to its cloud: proxies, certificates, timeouts, connections.

A client of httpx isn't between: it would keep cookies, follow redirects and look for proxies at
each request, which takes as long as all the rest of ours. What it would choose is chosen here.

Where the extra `fast` is installed and no proxy applies, a scope that asks much goes on over
aiohttp. A scope that asks little would only pay for its import.
"""

from __future__ import annotations

import importlib
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import httpx

from reconciler.errors import ProviderError
from reconciler.providers.machine import proxies, proxy_for, trusted

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Iterable

    from reconciler.providers.spec import Opening

TIMEOUT = httpx.Timeout(connect=10.0, read=60.0, write=30.0, pool=None)
"""A pool never times out: the scope's own slots bound who may ask for a connection."""
KEEPALIVE_S = 60.0
ONE = httpx.Limits(max_connections=1, keepalive_expiry=KEEPALIVE_S)
MANY = 400
"""Requests after which a lighter transport pays: it saves about 0.3 ms of CPU at each, and its
import takes about 0.12 s."""


class Pools:
    """As many pools of one connection each as requests are under way.

    A pool walks over all its connections at each request and at the end of each: with 32 in one
    pool that takes longer than everything else about a request.
    """

    def __init__(self, make: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._make = make
        self._all = [make()]
        self._free = list(self._all)

    @asynccontextmanager
    async def sent(self, request: httpx.Request) -> AsyncIterator[httpx.Response]:
        """Send a request; give its response until the block ends, its body still unread."""
        if not self._free:
            self._all.append(self._make())
            self._free.append(self._all[-1])
        pool = self._free.pop()
        try:
            response = await pool.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            self._free.append(pool)

    async def aclose(self) -> None:
        """Release all connections."""
        for pool in self._all:
            await pool.aclose()


class Ways:
    """The pools of one scope: through a proxy or none, as the environment says for each host."""

    def __init__(
        self,
        proxies: Iterable[str],
        make: Callable[[str | None], httpx.AsyncBaseTransport],
        lighter: Callable[[], httpx.AsyncBaseTransport | None] = lambda: None,
    ) -> None:
        self.timeout = TIMEOUT
        self._asked = 0
        self._lighter = lighter
        self._left: list[Pools] = []
        # All at once: a proxy that can't be used is told before anything is asked.
        self._by_proxy = {proxy: Pools(partial(make, proxy)) for proxy in (None, *proxies)}
        self._by_host: dict[bytes, Pools] = {}

    def to(self, request: httpx.Request) -> Pools:
        """Give the pools through which a request leaves."""
        request.extensions["timeout"] = self.timeout.as_dict()
        url = request.url
        found = self._by_host.get(url.netloc)
        if found is None:
            proxy = proxy_for(url) if len(self._by_proxy) > 1 else None
            found = self._by_host[url.netloc] = self._by_proxy[proxy]
        if found is not self._by_proxy[None]:
            return found
        self._asked += 1
        return self._lightened(found) if self._asked == MANY else found

    def _lightened(self, heavy: Pools) -> Pools:
        lighter = self._lighter()
        if lighter is None:
            return heavy
        # What is under way ends where it began.
        self._left.append(heavy)
        self._by_host.clear()
        light = self._by_proxy[None] = Pools(lambda: lighter)
        return light

    async def aclose(self) -> None:
        """Release all connections."""
        for pools in (*self._by_proxy.values(), *self._left):
            await pools.aclose()


def ways_of(opening: Opening) -> Ways:
    """Give the ways out as the environment wants them. Raises ProviderError for bad proxies."""
    given = opening.transport
    if given is not None:
        return Ways([], lambda _: given)
    context = trusted()
    try:
        return Ways(
            proxies(),
            lambda proxy: httpx.AsyncHTTPTransport(verify=context, limits=ONE, proxy=proxy),
            partial(_lighter, context),
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        # Its own words may hold the password of the proxy.
        raise ProviderError(
            "the proxy in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY can't be used: write "
            "`http://HOST:PORT`",
            code="bad-proxy",
        ) from error


def _lighter(context: ssl.SSLContext) -> httpx.AsyncBaseTransport | None:
    """Give a transport that takes less CPU; None where the extra `fast` isn't installed."""
    try:
        swift = importlib.import_module("reconciler.providers.swift")
    except ImportError:
        return None
    transport: httpx.AsyncBaseTransport | None = swift.transport(context, KEEPALIVE_S)
    return transport
