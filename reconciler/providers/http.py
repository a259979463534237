"""The one place where a conversation becomes traffic.

1. A request is one attempt: no retries, no redirects, no waiting except for the scope's pace.
2. Every request is signed when it leaves; a signature holds its time and isn't used twice.
3. Foreign exceptions end here: a failed read raises ProviderError, a failed write is a Receipt.
4. Only a request that certainly never left is BUSY (`not-sent`); every other failure of a write
   is UNKNOWN.
5. Secrets are taken out of a body before anybody else sees it.
"""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeVar

import httpx

from reconciler.errors import ProviderError
from reconciler.model.outcome import Answer, Receipt
from reconciler.providers.talk import Ask, Conversation, Reply, clean

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.call import Call
    from reconciler.model.live import Live
    from reconciler.model.outcome import Progress
    from reconciler.ports import Pace
    from reconciler.providers.spec import Opening

__all__ = [
    "Conversation",
    "Conversations",
    "HttpProvider",
    "Line",
    "SlotConversations",
    "SlotCountingProvider",
    "open_line",
]

T = TypeVar("T")

TIMEOUT = httpx.Timeout(connect=10.0, read=60.0, write=30.0, pool=None)
"""A pool never times out: the scope's own slots bound who may ask for a connection."""
DEADLINE_S = 120.0
"""A body that drips a byte a minute passes every read timeout; this ends it."""
KEEPALIVE_S = 60.0
MAX_BODY = 64 * 1024 * 1024
"""A page of 1,000 volumes has about 2 MiB."""
MAX_HOLD_S = 300.0
"""A scope that is told to wait longer is better off failing than silent."""
MIN_SECRET = 8
"""Shorter ones are no real keys, and taking them out would tear ordinary words apart."""
HEADERS = {
    "User-Agent": "attachment-reconciler",
    "Accept": "application/json",
    # One encoding, inflated a chunk at a time: the bound on the body holds for what comes out.
    "Accept-Encoding": "gzip",
}
ENCODINGS = frozenset({"", "identity", "gzip"})
GONE_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})
THROTTLED = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE})


class Conversations(Protocol):
    """What a provider knows how to say; each method is one conversation."""

    def list_live(self) -> Conversation[Live]:
        """Give everything in the scope."""
        ...

    def observe(self, keys: Sequence[AttachmentKey]) -> Conversation[Live]:
        """Give what every view says of some attachments; the keys are sorted."""
        ...

    def submit(self, call: Call) -> Conversation[Receipt]:
        """Ask for a change, with exactly one request: a second one would blur what is known."""
        ...

    def track(self, handle: str) -> Conversation[Progress]:
        """Ask how a job is doing."""
        ...


class SlotConversations(Conversations, Protocol):
    """Conversations of a cloud that can count free slots."""

    def free_slots(
        self, server_ids: Sequence[str]
    ) -> Conversation[Mapping[str, Mapping[str, int]]]:
        """Give free slots by server id and bus; unknown ids are absent."""
        ...


class NotSentError(ProviderError):
    """The request certainly never left; raised and caught in this module only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One scope's line to its cloud: what every conversation goes through."""

    client: httpx.AsyncClient
    auth: httpx.Auth
    pace: Pace
    utc_now: Callable[[], datetime]
    throttled: Callable[[httpx.Response], bool]
    """Whether a cloud asks the whole scope to slow down, beyond a plain 429 or 503."""
    slots: asyncio.Semaphore
    secrets: tuple[bytes, ...] = field(repr=False)

    async def hold(self, talk: Conversation[T]) -> T:
        """Hold a conversation to its end. Raises ProviderError when no answer came."""
        try:
            asked = next(talk)
            while True:
                asked = talk.send(await self._reply(asked))
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def _reply(self, asked: Ask) -> Reply:
        if isinstance(asked, httpx.Request):
            return await self._exchange(asked)
        try:
            async with asyncio.TaskGroup() as group:
                asking = [group.create_task(self._exchange(request)) for request in asked]
        except BaseExceptionGroup as failed:
            first = _first(failed)
            raise first from first.__cause__
        return tuple(one.result() for one in asking)

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        for name, value in HEADERS.items():
            request.headers.setdefault(name, value)
        async with self.slots:
            await self.pace.turn()
            response = await self._attempt(request)
        after_s = _retry_after_s(response.headers.get("Retry-After"), self.utc_now)
        if after_s is None:
            response.headers.pop("Retry-After", None)
            return response
        # A conversation has no clock: it is told seconds, whatever the cloud wrote.
        response.headers["Retry-After"] = str(after_s)
        if response.status_code in THROTTLED or self.throttled(response):
            self.pace.hold(min(after_s, MAX_HOLD_S))
        return response

    async def _attempt(self, request: httpx.Request) -> httpx.Response:
        where = f"{request.method} {request.url.path}"
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await self._send(request, where)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            message = f"{where}: the request was not sent: {self._words(error)}"
            raise NotSentError(message, code="not-sent", retryable=True) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            message = f"{where}: no answer: {self._words(error)}"
            raise ProviderError(message, code="no-answer", retryable=True) from error

    async def _send(self, request: httpx.Request, where: str) -> httpx.Response:
        response = await self.client.send(
            request, auth=self.auth, stream=True, follow_redirects=False
        )
        try:
            body = self._redacted(await _bounded_body(response, where))
        finally:
            await response.aclose()
        headers = [(k, v) for k, v in response.headers.multi_items() if k not in GONE_HEADERS]
        return httpx.Response(
            response.status_code, headers=headers, content=body, request=response.request
        )

    def _words(self, error: Exception) -> str:
        said = self._redacted(str(error).encode()).decode()
        return clean(f"{type(error).__name__} {said}")

    def _redacted(self, body: bytes) -> bytes:
        for secret in self.secrets:
            body = body.replace(secret, b"***")
        return body


def open_line(
    opening: Opening, auth: httpx.Auth, throttled: Callable[[httpx.Response], bool]
) -> Line:
    """Give an open line to the cloud; costs no request. Whoever opens it closes its client."""
    limits = httpx.Limits(max_connections=opening.max_concurrency, keepalive_expiry=KEEPALIVE_S)
    client = httpx.AsyncClient(
        verify=_tls() if opening.transport is None else True,
        transport=opening.transport,
        timeout=TIMEOUT,
        limits=limits,
        follow_redirects=False,
    )
    return Line(
        client=client,
        auth=auth,
        pace=opening.pace,
        utc_now=opening.utc_now,
        throttled=throttled,
        slots=asyncio.Semaphore(opening.max_concurrency),
        secrets=_needles(secret.value for secret in opening.secrets.values()),
    )


class HttpProvider:
    """A Provider over HTTP: reads raise, writes return."""

    def __init__(self, says: Conversations, line: Line) -> None:
        self._says = says
        self._line = line

    async def list_live(self) -> Live:
        """Give everything attached in the scope, owned or not."""
        return await self._line.hold(self._says.list_live())

    async def observe(self, keys: Collection[AttachmentKey]) -> Live:
        """Give what every view says now of these attachments, their volumes and servers."""
        return await self._line.hold(self._says.observe(sorted(keys)))

    async def submit(self, call: Call) -> Receipt:
        """Ask for a change; what broke after the request left is UNKNOWN."""
        try:
            return await self._line.hold(self._says.submit(call))
        except NotSentError as error:
            return Receipt(answer=Answer.BUSY, code=error.code, message=str(error))
        except ProviderError as error:
            return Receipt(
                answer=Answer.UNKNOWN,
                code=error.code,
                message=str(error),
                request_id=error.request_id,
            )

    async def track(self, handle: str) -> Progress:
        """Ask how a job is doing."""
        return await self._line.hold(self._says.track(handle))

    async def aclose(self) -> None:
        """Release connections."""
        await self._line.client.aclose()


class SlotCountingProvider(HttpProvider):
    """An HttpProvider of a cloud that can count free slots.

    It inherits, against the habit: the method must be absent where the cloud can't count, and
    five delegations written twice would say less.
    """

    def __init__(self, says: SlotConversations, line: Line) -> None:
        super().__init__(says, line)
        self._counts = says

    async def free_slots(self, server_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """Give free slots by server id and bus, with one request a server."""
        return await self._line.hold(self._counts.free_slots(server_ids))


@cache
def _tls() -> ssl.SSLContext:
    # Loading the certificates takes about 20 ms: once for all the scopes of a fleet.
    return httpx.create_ssl_context()


def _needles(secrets: Iterable[str]) -> tuple[bytes, ...]:
    found: set[str] = set()
    for secret in secrets:
        if len(secret) >= MIN_SECRET:
            # As a body may quote it: plain, as JSON, with escaped slashes, as Java's Gson does.
            quoted = json.dumps(secret)[1:-1]
            found |= {secret, quoted, quoted.replace("/", "\\/"), quoted.replace("=", "\\u003d")}
    # Longest first: a secret that begins with another one leaves no rest behind.
    return tuple(each.encode() for each in sorted(found, key=lambda each: (-len(each), each)))


async def _bounded_body(response: httpx.Response, where: str) -> bytes:
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ENCODINGS:
        message = f"{where}: the answer is encoded as `{clean(encoding)}`, which nobody asked for"
        raise ProviderError(message, code="bad-answer")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BODY:
            message = f"{where}: the answer is longer than {MAX_BODY} bytes"
            raise ProviderError(message, code="answer-too-long")
    return bytes(body)


def _retry_after_s(told: str | None, utc_now: Callable[[], datetime]) -> float | None:
    if told is None:
        return None
    try:
        seconds = float(told)
    except ValueError:
        seconds = _seconds_until(told, utc_now)
    # Not bounded here: whoever asks again has to see that the cloud wants a day of silence.
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _seconds_until(date: str, utc_now: Callable[[], datetime]) -> float:
    try:
        return (parsedate_to_datetime(date) - utc_now()).total_seconds()
    except (ValueError, TypeError, OverflowError):  # a date without a zone can't be compared
        return math.nan


def _first(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    # Requests that go out at once fail one at a time: the first failure cancels the others.
    first = failed.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
