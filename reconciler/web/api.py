"""The JSON endpoints, the probes and the stream of news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from reconciler.web.asking import limit, run_prefix, since_s, text, version
from reconciler.web.board import Waiting
from reconciler.web.openapi import document

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from reconciler.web.reading import Reading

SINCE = "24h"
TICKS = 100
QUIET_S = 15.0
"""A stream says something at least so often, so that a proxy doesn't think it dead."""
PAUSE_S = 0.5
"""News that come faster are one: a run of a thousand steps redraws its page twice a second."""
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Api:
    """Answers programs; every method is an endpoint."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    async def watched(self, _request: Request) -> Response:
        """Give the whole service."""
        return JSONResponse(self._reading.watched())

    async def scope(self, request: Request) -> Response:
        """Give one scope."""
        return JSONResponse(self._reading.scope(str(request.path_params["scope"])))

    async def difference(self, request: Request) -> Response:
        """Give one difference with its YAML."""
        names = (text(request, name) for name in ("scope", "server", "volume"))
        return JSONResponse(self._reading.difference(*names))

    async def differences(self, request: Request) -> Response:
        """Give what differs now, and what did since then."""
        found = self._reading.differences(text(request, "scope"), since_s(request, SINCE))
        return JSONResponse(await found)

    async def corrections(self, request: Request) -> Response:
        """Give what was corrected since then."""
        found = self._reading.corrections(text(request, "scope"), since_s(request, SINCE))
        return JSONResponse(await found)

    async def ticks(self, request: Request) -> Response:
        """Give ticks since then."""
        asked = (text(request, "scope"), since_s(request, SINCE), limit(request, TICKS))
        return JSONResponse(await self._reading.ticks(*asked))

    async def runs(self, request: Request) -> Response:
        """Give runs since then."""
        return JSONResponse(await self._reading.runs(since_s(request, SINCE)))

    async def run(self, request: Request) -> Response:
        """Give one run."""
        return JSONResponse(await self._reading.run(run_prefix(request)))

    async def search(self, request: Request) -> Response:
        """Give what bears a text."""
        return JSONResponse(self._reading.search(text(request, "q")))

    def routes(self) -> list[BaseRoute]:
        """Give the table of what is answered."""
        return [
            Route("/api/openapi.json", _described),
            Route("/api/watched", self.watched),
            Route("/api/scopes/{scope}", self.scope),
            Route("/api/difference", self.difference),
            Route("/api/search", self.search),
            *past_routes(self),
        ]

    async def events(self, request: Request) -> Response:
        """Give server-sent events: `news` with a number, whenever there is something new."""
        known, audience = version(request), self._reading.board.audience
        if audience.full:
            words = "too many pages are open"
            return PlainTextResponse(f"{words}\n", 503, headers={"Retry-After": "30"})

        async def stream() -> AsyncIterator[str]:
            yield "retry: 3000\n\n"
            async for told in Waiting(audience).versions(known, QUIET_S, PAUSE_S):
                yield ": quiet\n\n" if told is None else f"event: news\ndata: {told}\n\n"

        return StreamingResponse(stream(), media_type="text/event-stream")


def past_routes(api: Api) -> list[BaseRoute]:
    """Give what is answered from the journal, and the stream of news."""
    return [
        Route("/api/differences", api.differences),
        Route("/api/corrections", api.corrections),
        Route("/api/ticks", api.ticks),
        Route("/api/runs", api.runs),
        Route("/api/runs/{run}", api.run),
        Route("/events", api.events),
    ]


async def _described(_request: Request) -> Response:
    return JSONResponse(document())


def probes(ready: Callable[[], bool], metrics: Callable[[], bytes] | None) -> list[BaseRoute]:
    """Give what machines ask: `/livez`, `/readyz`, and `/metrics` where something counts."""

    async def livez(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        good = ready()
        return PlainTextResponse(
            "ok\n" if good else "not every scope was looked at yet\n", 200 if good else 503
        )

    async def counted(_request: Request) -> Response:
        assert metrics is not None, "it is mounted only then"
        return Response(metrics(), headers={"Content-Type": METRICS_TYPE})

    routes: list[BaseRoute] = [Route("/livez", livez), Route("/readyz", readyz)]
    return routes if metrics is None else [*routes, Route("/metrics", counted)]
