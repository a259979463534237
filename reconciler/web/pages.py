"""The pages for people: the same documents as JSON has, in templates that escape everything."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from reconciler.model.counting import counted
from reconciler.report.escape import plain
from reconciler.web.asking import page_number, run_prefix, since_s, text, when
from reconciler.web.doors import Doors

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from reconciler.web.access import Access
    from reconciler.web.reading import Reading

    Page = Callable[[Request], Awaitable[Response]]

HERE = Path(__file__).parent
SERVERS_A_PAGE = 60
SINCE = "7d"
STRIP = 96
"""Ticks in the strip of a scope: eight hours of looks every five minutes."""
DAY = "24h"


@cache
def environment() -> Environment:
    """Give the templates; whatever they show is escaped, and shows what can't be seen."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    made.filters |= {
        "quoted": lambda value: quote(str(value), safe=""),
        "lines": _lines,
        "counted": counted,
    }
    return made


def _finalized(value: object) -> object:
    """Make foreign text one visible line; markup of the templates themselves stays as it is."""
    if isinstance(value, Markup):
        return value
    return plain(value) if isinstance(value, str) else value


def _lines(value: str) -> Markup:
    """Keep the lines of a text, which `finalize` would show as one."""
    return Markup("\n").join(escape(plain(line)) for line in value.split("\n"))


class Pages:
    """Answers people; every method is a page."""

    def __init__(self, reading: Reading, access: Access, *, linked: bool = True) -> None:
        self._reading = reading
        self._access = access
        self._linked = linked
        """Whether a difference has a page of its own."""
        self._environment = environment()

    def routes(self) -> list[BaseRoute]:
        """Give the table of pages."""
        return [
            Route("/", self.known(self.overview)),
            Route("/scopes/{scope}", self.known(self.scope)),
            Route("/difference", self.known(self.difference)),
            Route("/search", self.known(self.search)),
            *self.past_routes(),
        ]

    def past_routes(self) -> list[BaseRoute]:
        """Give the pages that are made from the journal, and what every page needs."""
        return [
            Route("/runs/{run}", self.known(self.run)),
            Route("/history", self.known(self.history)),
            *Doors(self.shown, self._access).routes(),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]

    def known(self, page: Page) -> Page:
        """Note what a page is made of, before it is: what comes meanwhile is news to it."""

        async def noted(request: Request) -> Response:
            request.state.known = self._reading.board.audience.version
            return await page(request)

        return noted

    async def overview(self, request: Request) -> Response:
        """Show all scopes at a glance, and what differs."""
        return self.shown(request, "overview.html", {"watched": self._reading.watched()})

    async def scope(self, request: Request) -> Response:
        """Show one scope as a picture, and how its last looks went."""
        found = self._reading.scope(str(request.path_params["scope"]))
        ticks = await self._reading.ticks(str(found["name"]), since_s(request, DAY), STRIP)
        number = page_number(request)
        servers = found["servers"]
        assert isinstance(servers, list)
        first = (number - 1) * SERVERS_A_PAGE
        return self.shown(
            request,
            "scope.html",
            {
                "scope": found,
                "servers": servers[first : first + SERVERS_A_PAGE],
                "page": number,
                "pages": max(1, -(-len(servers) // SERVERS_A_PAGE)),
                **ticks,
            },
        )

    async def difference(self, request: Request) -> Response:
        """Show one difference, and the YAML to copy."""
        names = (text(request, name) for name in ("scope", "server", "volume"))
        return self.shown(request, "difference.html", self._reading.difference(*names))

    async def run(self, request: Request) -> Response:
        """Show one run: its timeline, calls, codes and request ids."""
        return self.shown(request, "run.html", await self._reading.run(run_prefix(request)))

    async def history(self, request: Request) -> Response:
        """Show what differed, what was corrected, and all runs."""
        scope, ago_s = text(request, "scope"), since_s(request, SINCE)
        return self.shown(
            request,
            "history.html",
            {
                "scope": scope,
                "since": request.query_params.get("since", SINCE),
                "scopes": [one.name for one in self._reading.board.now.scopes],
                **await self._reading.differences(scope, ago_s),
                **await self._reading.corrections(scope, ago_s),
                **await self._reading.runs(ago_s),
            },
        )

    async def search(self, request: Request) -> Response:
        """Show what bears a text."""
        return self.shown(request, "search.html", self._reading.search(text(request, "q")))

    def shown(
        self, request: Request, template: str, values: dict[str, object], status: int = 200
    ) -> Response:
        """Render one page."""
        around = {
            "path": request.url.path,
            "url": f"{request.url.path}?{request.url.query}".rstrip("?"),
            "known": getattr(request.state, "known", 0),
            "linked": self._linked,
            "protected": self._access.token is not None,
            "asked": request.query_params.get("q", ""),
            "now": when(self._access.utc_now().timestamp()),
        }
        page = self._environment.get_template(template).render({**around, **values})
        return HTMLResponse(page, status)
