"""The whole application of a listener: pages, JSON, probes, behind its Access."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from reconciler.errors import JournalError
from reconciler.web.access import Guarded
from reconciler.web.api import Api, past_routes, probes
from reconciler.web.asking import WrongQuestionError
from reconciler.web.fleet import FleetPages
from reconciler.web.pages import Pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp

    from reconciler.ports import FleetView
    from reconciler.web.access import Access
    from reconciler.web.reading import Reading

NO_JOURNAL = 503


def page(reading: Reading, access: Access, metrics: Callable[[], bytes] | None) -> ASGIApp:
    """Give everything: pages, JSON, probes and, where something counts, metrics."""
    pages = Pages(reading, access)
    ready = probes(lambda: reading.board.now.ready, metrics)
    return _guarded([*ready, *Api(reading).routes(), *pages.routes()], pages, access)


def fleet_page(
    reading: Reading, view: FleetView, access: Access, ready: Callable[[], bool]
) -> ASGIApp:
    """Give the pages of a fleet, their JSON, and probes."""
    pages = Pages(reading, access, linked=False)
    fleet = FleetPages(reading, view, pages)
    routes = [*fleet.routes(), *past_routes(Api(reading)), *pages.past_routes()]
    return _guarded([*probes(ready, None), *routes], pages, access)


def _guarded(routes: list[BaseRoute], pages: Pages, access: Access) -> ASGIApp:
    async def failed(request: Request, error: Exception) -> Response:
        status, words = _told(error)
        if request.url.path.startswith("/api/"):
            return JSONResponse({"error": words}, status, headers=_headers(error))
        answer = pages.shown(request, "error.html", {"status": status, "words": words}, status)
        answer.headers.update(_headers(error))
        return answer

    app = Starlette(
        routes=routes,
        exception_handlers={
            WrongQuestionError: failed,
            JournalError: failed,
            HTTPException: failed,
        },
    )
    return Guarded(app, access)


def probing(ready: Callable[[], bool], access: Access, metrics: Callable[[], bytes]) -> ASGIApp:
    """Give what machines ask, alone: for a listener of its own."""
    return Guarded(Starlette(routes=probes(ready, metrics)), access)


def _told(error: Exception) -> tuple[int, str]:
    if isinstance(error, WrongQuestionError):
        return error.status, str(error)
    if isinstance(error, HTTPException):
        return error.status_code, error.detail
    return NO_JOURNAL, "the journal can't be read now"


def _headers(error: Exception) -> dict[str, str]:
    headers = error.headers if isinstance(error, HTTPException) else None
    return dict(headers or {})
