"""Logging in with the token and out again: the only thing that anybody may send."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from reconciler.web.access import SESSION_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from reconciler.web.access import Access

    Show = Callable[[Request, str, dict[str, object], int], Response]

LONGEST_FORM = 8192
OK = 200
FORBIDDEN = 403


class Doors:
    """The form for the token, and what it gives."""

    def __init__(self, show: Show, access: Access) -> None:
        self._shown = show
        self._access = access

    def routes(self) -> list[BaseRoute]:
        """Give the table of what is answered."""
        return [
            Route("/login", self.login),
            Route("/login", self.log_in, methods=["POST"]),
            Route("/logout", self.log_out, methods=["POST"]),
        ]

    async def login(self, request: Request) -> Response:
        """Show the form for the token."""
        return self._shown(request, "login.html", {"wrong": False}, OK)

    async def log_in(self, request: Request) -> Response:
        """Give a session for the token; the form's own page must have sent it."""
        token = self._access.token
        # Where a browser says who asks, only this very site may: nobody is logged in by others.
        asked_by = request.headers.get("sec-fetch-site", "same-origin")
        if token is None or asked_by not in {"same-origin", "none"}:
            return self._shown(request, "login.html", {"wrong": True}, FORBIDDEN)
        shown = dict(parse_qsl(await _form(request))).get("token", "")
        if not token.matches(shown.strip().encode("utf-8", "replace")):
            return self._shown(request, "login.html", {"wrong": True}, FORBIDDEN)
        response = RedirectResponse("/", 303)
        response.set_cookie(
            self._access.cookie,
            token.session(self._access.utc_now().timestamp()),
            max_age=SESSION_S,
            secure=self._access.over_tls,
            httponly=True,
            samesite="strict",
        )
        return response

    async def log_out(self, _request: Request) -> Response:
        """Forget the session in this browser."""
        response = RedirectResponse("/login", 303)
        response.delete_cookie(
            self._access.cookie, secure=self._access.over_tls, httponly=True, samesite="strict"
        )
        return response


async def _form(request: Request) -> str:
    """Give the body of a form, of bounded length."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM:
            return ""
    return body.decode("ascii", "replace")
