"""Who may read the page: checked before anything else looks at a request.

1. The Host header is an address, `localhost`, or a name that was given: a name of somebody else's,
   made to mean this machine (DNS rebinding), is refused. On loopback only loopback's own count.
2. With a token, every request but the few in `OPEN` shows it: in the Authorization header, or by
   the cookie that the login form gives for it. It never stands in a URL.
3. Comparisons take the same time whatever is guessed.
4. Every answer carries `HEADERS`; nothing answers other origins.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from reconciler.model.finding import Finding, FindingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SHORTEST_TOKEN = 16
"""Characters: fewer could be guessed by asking."""
LONGEST_TOKEN = 4096
TOKEN = re.compile(rb"[!-~]{%d,}" % SHORTEST_TOKEN)
"""Printable ASCII without blanks: what a header carries."""
SESSION_S = 12 * 3600
"""How long a login holds: a working day; the page is read-only, a token changed ends all."""
OPEN = frozenset({"/login", "/livez", "/readyz"})
"""What answers without a token: they tell nothing but that something listens."""
STATIC = "/static/"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Token:
    """What whoever reads the page has to show; it shows itself to nobody who prints it."""

    value: bytes = field(repr=False)

    def matches(self, guess: bytes) -> bool:
        """Tell whether this is it, in a time that tells nothing."""
        # Digests first: the comparison itself would give away the length.
        return hmac.compare_digest(_digest(guess), _digest(self.value))

    def session(self, now_s: float) -> str:
        """Give the content of a cookie that stands for the token for a while."""
        claim = f"{int(now_s) + SESSION_S}.{secrets.token_hex(16)}"
        return f"{claim}.{self._seal(claim)}"

    def stands(self, session: str, now_s: float) -> bool:
        """Tell whether a cookie was given for this token, and not too long ago."""
        claim, _, seal = session.rpartition(".")
        until = claim.partition(".")[0]
        sealed = hmac.compare_digest(seal.encode(), self._seal(claim).encode())
        return sealed and until.isascii() and until.isdigit() and now_s < int(until)

    def _seal(self, claim: str) -> str:
        key = hmac.digest(self.value, b"session of the page", "sha256")
        return hmac.new(key, claim.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


def read_token(path: Path) -> Token:
    """Give the token in a file that nobody else may read. Raises FindingsError."""
    try:
        found = path.stat()
        mine = frozenset({os.getegid(), *os.getgroups()})
        if not stat.S_ISREG(found.st_mode) or not kept_quiet(found, os.geteuid(), mine):
            raise _unusable(path, "may be read by others than its owner", f"chmod 600 {path}")
        with path.open("rb") as file:
            value = file.read(LONGEST_TOKEN + 1).strip()
    except OSError as error:
        why = f"can't be read: {error.strerror}"
        raise _unusable(path, why, "name a file with the token alone") from error
    if len(value) > LONGEST_TOKEN or not TOKEN.fullmatch(value):
        hint = "write one line into it, such as that of `openssl rand -hex 32`"
        raise _unusable(path, f"holds no token of {SHORTEST_TOKEN} characters or more", hint)
    return Token(value)


def kept_quiet(found: os.stat_result, user: int, groups: Collection[int]) -> bool:
    """Tell whether a file is read by nobody but its owner; or by root, who lends it to our group.

    The second is a secret that Kubernetes mounts for `fsGroup`: root:group, 0440. No pod can make
    that 0600 of its own, and whoever is root or in the group reads our memory or our files anyway.
    """
    mode = stat.S_IMODE(found.st_mode)
    lent = found.st_uid == 0 != user and found.st_gid in groups and not mode & 0o037
    return not mode & 0o077 or lent


def _unusable(path: Path, why: str, hint: str) -> FindingsError:
    return FindingsError(
        Finding(code="token-file", summary=f"the token file `{path}` {why}", hint=hint)
    )


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def hostname(header: str) -> str | None:
    """Give the host of a Host header, in lower case, its port taken off; None: it is none."""
    if header.startswith("["):
        inside, bracket, rest = header[1:].partition("]")
        wrong = not bracket or (rest and not _is_port(rest)) or ":" not in inside
        return None if wrong else inside.lower()
    host, colon, port = header.partition(":")
    if not host or (colon and not _is_port(f":{port}")):
        return None
    return host.lower().rstrip(".") or None


def _is_port(text: str) -> bool:
    digits = text[1:]
    return text[0] == ":" and digits.isascii() and digits.isdigit() and len(digits) < len("655350")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """On what terms one listener answers."""

    utc_now: Callable[[], datetime]
    token: Token | None = None
    """None: whoever reaches the listener may read; it is loopback then."""
    loopback: bool = True
    """True where only this machine reaches the listener."""
    names: frozenset[str] = frozenset()
    """Further names under which it may be asked for, in lower case."""
    over_tls: bool = False
    """True where browsers reach it by https, through a proxy: the cookie is kept to that."""

    @property
    def cookie(self) -> str:
        """The name of the session's cookie."""
        return "__Host-reconciler" if self.over_tls else "reconciler"

    def knows(self, header: str) -> bool:
        """Tell whether a Host header may be meant."""
        host = hostname(header)
        if host is None:
            return False
        if host == "localhost" or host in self.names:
            return True
        address = _address(host)
        return address is not None and (address.is_loopback or not self.loopback)

    def admits(self, headers: Headers) -> bool:
        """Tell whether a request shows the token, by itself or by a session."""
        if self.token is None:
            return True
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.token.matches(shown.strip().encode("utf-8", "replace"))
        session = cookie_parser(headers.get("cookie", "")).get(self.cookie, "")
        return self.token.stands(session, self.utc_now().timestamp())


class Guarded:
    """An application behind an Access: ASGI, so that streams pass through untouched."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may be answered; refuse the others."""
        if scope["type"] != "http":
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope["path"], Headers(scope=scope))
        await (refusal or self._app)(scope, receive, sealed)

    def _refusal(self, path: str, headers: Headers) -> Response | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._access.knows(hosts[0]):
            return PlainTextResponse("This name is not served here.\n", 421)
        if path in OPEN or path.startswith(STATIC) or self._access.admits(headers):
            return None
        if "text/html" in headers.get("accept", "") and "hx-request" not in headers:
            return RedirectResponse("/login", 303)
        return JSONResponse(
            {"error": "a token is needed: `Authorization: Bearer ...`"},
            401,
            headers={"WWW-Authenticate": "Bearer"},
        )
