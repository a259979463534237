"""The one place where a conversation becomes traffic.

1. A request is one attempt: no retries, no redirects, no waiting except for the scope's pace.
2. Every request is signed when it leaves; a signature holds its time and isn't used twice.
3. Foreign exceptions end here: a failed read raises ProviderError, a failed write is a Receipt.
4. A failure of a write is one of three. Not sent: it certainly never left, and is BUSY
   (`not-sent`, `lease-lost`), or DENIED where its credentials were denied before. Refused: the
   cloud's answer says so. Ambiguous: everything else is UNKNOWN.
5. Secrets are taken out of headers and bodies before anybody else sees them, and out of what is
   said of them in the end. The libraries below would log headers, so they don't log.
6. Proxies and private CAs are those of the environment; loopback is never asked through a proxy.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

import httpx

from reconciler.errors import ProviderError
from reconciler.model.outcome import Answer, Progress, Receipt
from reconciler.providers.answers import Heard, Whole, bounded_body, retry_after_s
from reconciler.providers.clients import Ways, ways_of
from reconciler.providers.failures import DeniedError, NotSentError
from reconciler.providers.machine import proxy_secrets, untrusted
from reconciler.providers.redaction import Redaction
from reconciler.providers.requests import HEADERS, USER_AGENT
from reconciler.providers.talk import Ask, Conversation, Reply, clean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.call import Call
    from reconciler.model.live import Live, Words
    from reconciler.ports import Pace, Traffic
    from reconciler.providers.proof import Proof
    from reconciler.providers.spec import Opening

__all__ = [
    "AskingConversations",
    "AskingProvider",
    "Conversation",
    "Conversations",
    "HttpProvider",
    "Line",
    "open_line",
]

T = TypeVar("T")

logger = logging.getLogger(__name__)

DEADLINE_S = 120.0
"""A body that drips a byte a minute passes every read timeout; this ends it."""
MAX_HOLD_S = 300.0
"""A scope that is told to wait longer is better off failing than silent."""
NAMES = frozenset({"user", "domain"})
"""Credentials that aren't secret: without them nobody could tell who was denied."""
CHANGES = "changes"
"""The extension of a request that changes something."""
PROVING = (b"authorization", b"signature")
"""How the headers end that prove who asks."""
GIVEN = b"x-subject-token"
"""The header in which a cloud gives a token; from then on the token is a secret of the line."""
REQUEST_ID = b"x-request-id"
GONE_HEADERS = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
THROTTLED = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE})
UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    # A proxy that refuses to connect has nothing to pass on yet.
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
BROKEN = (httpx.HTTPError, httpx.StreamError, OSError)
LOUD = ("httpcore", "httpx")
"""Loggers that write headers, tokens among them, at the level of debugging."""


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


class AskingConversations(Conversations, Protocol):
    """Conversations of a cloud whose servers and volumes can be asked for their own word."""

    def ask(self, server_ids: Sequence[str], volume_ids: Sequence[str]) -> Conversation[Words]:
        """Give what each of them says of itself."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One scope's line to its cloud: what every conversation goes through."""

    ways: Ways
    proof: Proof
    pace: Pace
    utc_now: Callable[[], datetime]
    throttled: Callable[[httpx.Response], bool]
    """Whether a cloud asks the whole scope to slow down, beyond a plain 429 or 503."""
    slots: asyncio.Semaphore
    redaction: Redaction = field(repr=False)
    deadline_s: float = DEADLINE_S
    scope: str = ""
    traffic: Traffic | None = None
    leaves: Callable[[], bool] = lambda: True
    """Tells whether a change may still leave."""

    async def hold(self, talk: Conversation[T], *, changes: bool = False) -> T:
        """Hold a conversation to its end. Raises ProviderError when no answer came."""
        try:
            asked = next(talk)
            while True:
                if changes and isinstance(asked, httpx.Request):
                    asked.extensions[CHANGES] = True
                asked = talk.send(await self._reply(asked))
        except StopIteration as stop:
            result: T = stop.value
            return self._quiet(result)
        except ProviderError as error:
            # Words within words are escaped twice: only whoever reads them sees what they quote.
            error.args = (self._hidden(str(error)),)
            error.code = self._hidden(error.code)
            error.request_id = self._hidden(error.request_id)
            raise

    async def _reply(self, asked: Ask) -> Reply:
        if isinstance(asked, httpx.Request):
            return await self._exchange(asked)
        # No TaskGroup: one whose member fails leaves a cancellation of the waiting task behind
        # (Python 3.11), and the deadline of whoever reads is then taken for a person's Ctrl-C.
        asking = [asyncio.ensure_future(self._exchange(request)) for request in asked]
        try:
            await asyncio.wait(asking, return_when=asyncio.FIRST_EXCEPTION)
            failed = [error for one in asking if one.done() and (error := one.exception())]
        finally:
            left = [one for one in asking if one.cancel()]
            if left:
                await asyncio.wait(left)
        if failed:
            raise failed[0]
        return tuple(one.result() for one in asking)

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        return await self.proof.through(request, self._sent)

    async def _sent(
        self, request: httpx.Request, auth: httpx.Auth, stands: Callable[[], bool]
    ) -> httpx.Response | None:
        if USER_AGENT not in request.headers:  # A provider of another distribution made it.
            for name, value in HEADERS.items():
                request.headers.setdefault(name, value)
        async with self.slots:
            await self.pace.turn()
            # What proves who asks may have ended while this waited for its turn.
            if not stands():
                return None
            if CHANGES in request.extensions and not self.leaves():
                said = "the lease may be another run's by now: the request was not sent"
                raise NotSentError(said, code="lease-lost", retryable=True)
            response = await self._counted(request, auth)
        slow = response.status_code in THROTTLED or self.throttled(response)
        if slow and self.traffic is not None:
            self.traffic.throttled(self.scope)
        told = response.headers.get("Retry-After")
        if told is None:
            return response
        after_s = retry_after_s(told, self.utc_now)
        if after_s is None:
            del response.headers["Retry-After"]
            return response
        # A conversation has no clock: it is told seconds, whatever the cloud wrote.
        response.headers["Retry-After"] = str(after_s)
        if slow:
            self.pace.hold(min(after_s, MAX_HOLD_S))
        return response

    async def _counted(self, request: httpx.Request, auth: httpx.Auth) -> httpx.Response:
        if self.traffic is None:
            return await self._attempt(request, auth)
        told = (self.scope, request.method, request.url.path)
        try:
            response = await self._attempt(request, auth)
        except ProviderError as error:
            self.traffic.broke(*told, error.code)
            raise
        self.traffic.answered(*told, response.status_code)
        return response

    async def _attempt(self, request: httpx.Request, auth: httpx.Auth) -> httpx.Response:
        heard = Heard(f"{request.method} {request.url.path}", request.url)
        try:
            async with asyncio.timeout(self.deadline_s):
                return await self._send(request, auth, heard)
        except UNSENT as error:
            said = self._words(error, request)
            message = f"{heard.where}: the request to {heard.to} was not sent: {said}"
            if untrusted(error):
                message += "; set SSL_CERT_FILE to the certificate of a private CA"
            retryable = not untrusted(error)
            raise NotSentError(message, code="not-sent", retryable=retryable) from error
        except BROKEN as error:
            raise ProviderError(
                f"{heard}: {self._words(error, request)}",
                code="no-answer",
                request_id=heard.request_id,
                retryable=True,
            ) from error

    async def _send(self, request: httpx.Request, auth: httpx.Auth, heard: Heard) -> httpx.Response:
        request = signed(request, auth)
        async with self.ways.to(request).sent(request) as response:
            proofs = _proofs(request)
            headers = self._headers(response, proofs)
            heard.status = response.status_code
            heard.request_id = clean(dict(headers).get(REQUEST_ID, b"").decode(errors="replace"))
            body = self.redaction.hidden(await bounded_body(response, heard), *proofs)
        logger.debug("%s: HTTP %s, request id %s", heard.where, heard.status, heard.request_id)
        return Whole(response.status_code, headers, body, request)

    def _headers(
        self, response: httpx.Response, proofs: tuple[str, ...]
    ) -> list[tuple[bytes, bytes]]:
        """Give the headers that are passed on, by their lower-case names, without secrets.

        In bytes, as they came: nothing says how a proxy on the way spells what isn't ASCII.
        """
        told = [(name.lower(), value) for name, value in response.headers.raw]
        for name, value in told:
            if name == GIVEN:
                self.redaction.add(value.decode(errors="replace"))
        kept = [(name, value) for name, value in told if name not in GONE_HEADERS]
        whole = b"\n".join(value for name, value in kept if name != GIVEN)
        if self.redaction.hidden(whole, *proofs) != whole:
            hidden = self.redaction.hidden
            kept = [(n, v if n == GIVEN else hidden(v, *proofs)) for n, v in kept]
        return kept

    def _words(self, error: Exception, request: httpx.Request) -> str:
        said = self.redaction.hidden_text(str(error), *_proofs(request))
        return clean(f"{type(error).__name__} {said}")

    def _hidden(self, text: str) -> str:
        return self.redaction.hidden_text(text)

    def _quiet(self, result: T) -> T:
        if not isinstance(result, Receipt | Progress):
            return result
        told = (result.code, result.message, result.request_id)
        code, message, request_id = map(self._hidden, told)
        if (code, message, request_id) == told:
            return result
        return replace(result, code=code, message=message, request_id=request_id)


def signed(request: httpx.Request, auth: httpx.Auth) -> httpx.Request:
    """Give a request with what proves who asks, as it is at this moment."""
    return next(auth.auth_flow(request))


def open_line(opening: Opening, proof: Proof, throttled: Callable[[httpx.Response], bool]) -> Line:
    """Give an open line to the cloud; costs no request. Whoever opens it closes its ways.

    Raises ProviderError when the machine's proxies or certificates can't be used.
    """
    for loud in map(logging.getLogger, LOUD):
        if loud.level < logging.WARNING:  # To set it makes all loggers there are think anew.
            loud.setLevel(logging.WARNING)
    secrets = [secret.value for key, secret in opening.secrets.items() if key not in NAMES]
    return Line(
        ways=ways_of(opening),
        proof=proof,
        pace=opening.pace,
        utc_now=opening.utc_now,
        throttled=throttled,
        slots=asyncio.Semaphore(opening.max_concurrency),
        redaction=Redaction([*secrets, *proxy_secrets()]),
        scope=opening.scope,
        traffic=opening.traffic,
        leaves=opening.leaves,
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
        return await self.written(self._says.submit(call))

    async def written(self, talk: Conversation[Receipt]) -> Receipt:
        """Hold a conversation that changes something; never raises what the cloud did to it."""
        try:
            return await self._line.hold(talk, changes=True)
        except NotSentError as error:
            return _receipt(Answer.BUSY, error)
        except DeniedError as error:
            return _receipt(Answer.DENIED, error)
        except ProviderError as error:
            return _receipt(Answer.UNKNOWN, error)

    async def track(self, handle: str) -> Progress:
        """Ask how a job is doing."""
        return await self._line.hold(self._says.track(handle))

    async def aclose(self) -> None:
        """Release connections."""
        await self._line.ways.aclose()


class AskingProvider(HttpProvider):
    """An HttpProvider of a cloud whose servers and volumes can be asked for their own word.

    It inherits, against the habit: the method must be absent where the cloud has none, and
    five delegations written twice would say less.
    """

    def __init__(self, says: AskingConversations, line: Line) -> None:
        super().__init__(says, line)
        self._asks = says

    async def ask(self, server_ids: Sequence[str], volume_ids: Sequence[str]) -> Words:
        """Give what each of them says of itself, with one request each, all at once."""
        return await self._line.hold(self._asks.ask(server_ids, volume_ids))


def _receipt(answer: Answer, error: ProviderError) -> Receipt:
    return Receipt(
        answer=answer,
        code=error.code,
        message=str(error),
        request_id=error.request_id,
        retry_after_s=error.retry_after_s,
    )


def _proofs(request: httpx.Request) -> tuple[str, ...]:
    """Give what proves who asks in this request alone: its signature, in its header and bare."""
    raw = request.headers.raw
    told = [value.decode(errors="replace") for name, value in raw if name.lower().endswith(PROVING)]
    return (*told, *(one.rpartition("Signature=")[2] for one in told if "Signature=" in one))
