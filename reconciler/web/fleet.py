"""The pages of a fleet: workers, the queue, leases and scopes, a page of them at a time.

Workers look, each at its own scopes; what they saw is in the journal, and is read from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.web.asking import WrongQuestionError, limit, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from reconciler.ports import FleetView
    from reconciler.web.pages import Pages
    from reconciler.web.reading import Reading

SCOPES_A_PAGE = 50
DAY_S = 86400.0
WEEK_S = 7 * DAY_S
STRIP = 96
ABSENT = 404


class FleetPages:
    """Answers people and programs about a fleet."""

    def __init__(self, reading: Reading, view: FleetView, pages: Pages) -> None:
        self._reading = reading
        self._view = view
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """Give the table of what is answered."""
        return [
            Route("/", self._pages.known(self.overview)),
            Route("/search", self._pages.known(self.overview)),
            Route("/scopes/{scope}", self._pages.known(self.scope)),
            Route("/api/fleet", self.document),
        ]

    async def overview(self, request: Request) -> Response:
        """Show workers, the queue, leases, and the scopes of one page."""
        fleet = await self._asked(request)
        values: dict[str, object] = {"fleet": fleet, "after": text(request, "after")}
        return self._pages.shown(request, "fleet.html", values)

    async def scope(self, request: Request) -> Response:
        """Show one scope: where it stands, its last looks, what differs, what was corrected."""
        name = str(request.path_params["scope"])
        found = await run_in_threadpool(self._view.scope, name)
        if found is None:
            raise WrongQuestionError("there is no such scope", ABSENT)
        values = {
            "scope": found,
            **await self._reading.ticks(name, DAY_S, STRIP),
            **await self._reading.differences(name, WEEK_S),
            **await self._reading.corrections(name, WEEK_S),
        }
        return self._pages.shown(request, "fleet_scope.html", values)

    async def document(self, request: Request) -> Response:
        """Give the same as JSON."""
        return JSONResponse(dict(await self._asked(request)))

    async def _asked(self, request: Request) -> Mapping[str, object]:
        rows = limit(request, SCOPES_A_PAGE)
        asked = (text(request, "q"), text(request, "after"), rows)
        return await run_in_threadpool(self._view.overview, *asked)
