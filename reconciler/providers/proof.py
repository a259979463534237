"""How a line proves who asks: a signature on every request, or a token that is renewed.

1. A token is asked for once however many requests need it, also when asking fails.
2. A token is renewed ahead of its end, and when the cloud says that it has ended. What came back
   with the old token is sent once more with the new one: a 401 means that nothing happened.
3. A request that waited for its turn while its token ended goes with the new token.
4. A token that was refused before it was ever accepted isn't renewed: the next one would fare no
   better.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, TypeAlias

import httpx

from reconciler.errors import ProviderError
from reconciler.providers.failures import DeniedError, NotSentError, denied

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from datetime import datetime

    from reconciler.providers.breaker import Denial, Fuse

    Send: TypeAlias = Callable[
        [httpx.Request, httpx.Auth, Callable[[], bool]], Awaitable[httpx.Response | None]
    ]
    """Sends a request when its turn comes; None if the last argument said no by then."""

TOKEN_HEADER = "X-Auth-Token"  # noqa: S105 - the name of a header
AHEAD = timedelta(minutes=5)
AHEAD_SHARE = 10
"""A token that lives for minutes only is renewed in the last tenth of its life."""


class Proof(Protocol):
    """Proves who asks, and decides whether and how often a request leaves."""

    async def through(self, request: httpx.Request, send: Send) -> httpx.Response:
        """Give the answer to a request. Raises ProviderError; DeniedError if it stayed here."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signature made with an access key."""

    auth: httpx.Auth = field(repr=False)
    secret: str = field(repr=False)
    """Whatever has to be right beside the access key itself."""
    fuse: Fuse
    denial: Denial

    async def through(self, request: httpx.Request, send: Send) -> httpx.Response:
        """Give the answer to a request that was sent at most once."""
        return await self.fuse.guard(
            self.secret,
            lambda: send(request, self.auth, self.fuse.whole),
            lambda response: self.denial(request, response),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token and when it ends; None: nobody said, or the clocks disagree."""

    value: str = field(repr=False)
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How a token is asked for, and what is said of it."""

    ask: Callable[[], httpx.Request]
    read: Callable[[httpx.Request, httpx.Response], Token]
    """Raises ProviderError for an answer without a token."""
    ended: Callable[[httpx.Response], bool]
    """Whether an answer says that the token has ended, and nothing else."""
    denial: Denial
    secret: str = field(repr=False)
    fuse: Fuse


class TokenProof:
    """A token for one scope, asked for when the first request needs it."""

    def __init__(self, login: Login, utc_now: Callable[[], datetime]) -> None:
        self._login = login
        self._utc_now = utc_now
        self._auth = _TokenAuth(lambda: self._value)
        self._one = asyncio.Lock()
        self._value = ""
        self._renew_at: datetime | None = None
        self._ended = True
        self._accepted = False
        self._denied: ProviderError | None = None
        self._tries = 0
        self._failed: ProviderError | None = None

    async def through(self, request: httpx.Request, send: Send) -> httpx.Response:
        """Give the answer to a request that was sent twice where its token had ended."""
        again = False
        while True:
            await self._ready(send)
            response = await send(request, self._auth, self._stands)
            if response is None:
                continue
            sent = request.headers[TOKEN_HEADER]
            if not self._login.ended(response):
                self._accepted |= sent == self._value
                return response
            self._refused(sent, request, response)
            if again or self._denied is not None:
                return response
            again = True

    def _stands(self) -> bool:
        return not self._ended and self._denied is None

    def _fresh(self) -> bool:
        if self._denied is not None:
            raise denied(self._denied) from self._denied
        return not self._ended and (self._renew_at is None or self._utc_now() < self._renew_at)

    def _refused(self, sent: str, request: httpx.Request, response: httpx.Response) -> None:
        if sent != self._value:
            return  # Somebody else has renewed it meanwhile.
        if not self._accepted:
            self._denied = self._login.denial(request, response)
        self._ended = True

    async def _ready(self, send: Send) -> None:
        """Have a token that is good for a while; N callers at once cost one request."""
        if self._fresh():
            return
        tries = self._tries
        async with self._one:
            if self._fresh():
                return
            if tries == self._tries:
                await self._renew(send)
            elif self._failed is not None:
                raise self._failed  # Asked meanwhile by somebody else, without success.

    async def _renew(self, send: Send) -> None:
        try:
            token = await self._asked(send)
        except ProviderError as error:
            self._tries += 1
            if self._ended:
                self._failed = _unheard(error)
                raise self._failed from error
            # It was too early to matter: the old one is good until the cloud says otherwise.
            self._renew_at = None
            return
        self._tries += 1
        self._failed = None
        self._value, self._ended, self._accepted = token.value, False, False
        self._renew_at = self._ahead(token)

    async def _asked(self, send: Send) -> Token:
        login, request = self._login, self._login.ask()
        response = await login.fuse.guard(
            login.secret,
            lambda: send(request, httpx.Auth(), login.fuse.whole),
            lambda answer: login.denial(request, answer),
        )
        return login.read(request, response)

    def _ahead(self, token: Token) -> datetime | None:
        left = token.ends_at - self._utc_now() if token.ends_at is not None else timedelta(0)
        if token.ends_at is None or left <= timedelta(0):
            return None  # Its end can't be known here: the cloud will tell.
        return token.ends_at - min(AHEAD, left / AHEAD_SHARE)


class _TokenAuth(httpx.Auth):
    """Sends the token that is the current one when the request leaves."""

    def __init__(self, value: Callable[[], str]) -> None:
        self._value = value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[TOKEN_HEADER] = self._value()
        yield request


def _unheard(error: ProviderError) -> ProviderError:
    """Give what a request fails with that had no effect because there was no token for it."""
    if isinstance(error, DeniedError):
        return error
    kind = NotSentError if error.retryable else DeniedError
    return kind(
        str(error),
        code=error.code,
        request_id=error.request_id,
        retryable=error.retryable,
        retry_after_s=error.retry_after_s,
    )
