"""From the house to its cloud: what was sent, what came of it, and the moment of death.

1. A request that left can't be called back: it reaches the cloud though its sender is gone.
2. Whoever died neither sends nor writes nor hears anything any more; all of it in one instant.
3. Cut short, a request is handed to the simulator without httpx's client, signature and ASGI
   server; what the house makes of answers, timeouts and dropped connections is the same.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

import httpx

from reconciler.sim.faults import ConnectionDropped
from tests.campaign.asked import asked_for, is_listing
from tests.campaign.worlds import ACCESS, SECRET

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from starlette.types import Message, Receive, Scope, Send

    from tests.campaign.asked import Asked

    App = Callable[[Scope, Receive, Send], Awaitable[None]]
    Reply = tuple[int, list[tuple[bytes, bytes]], bytes]

HANGS = frozenset({"timeout", "stall"})
"""Faults that keep whoever asked waiting."""
READ_S = 60.0
"""As the house's own client waits for an answer."""
MOST_REQUESTS = 6000
"""A story that asks more often goes in circles."""
WORDS = re.compile(rb'"(error_msg|message|detail|fail_reason|error)":"(?!\{)')
"""Where an error has words; Nova's own answer inside another one is left whole."""
RUNNING = re.compile(rb'"((?:operation_)?status)":"(RUNNING|running|pending)"')


class DiedError(BaseException):
    """The process is gone: nobody catches this, and nothing more is written or sent."""


class CirclesError(BaseException):
    """The house asks and asks and comes to no end."""


@dataclass
class Life:
    """One process: how many moments it has left, and whether it lives."""

    left: int | None = None
    run: int = 0
    skew_s: float = 0.0
    """How far its clock is off."""
    dead: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    moments: int = 0

    def moment(self) -> bool:
        """Let a moment pass; tell whether it was the last one."""
        self.moments += 1
        if self.left is None or self.dead:
            return False
        self.left -= 1
        if self.left > 0:
            return False
        self.dead = True
        self.ended.set()
        return True

    def line(self) -> None:
        """Let a moment pass in which nothing can be waited for; raises DiedError."""
        if self.moment() or self.dead:
            raise DiedError

    async def gone(self) -> None:
        """Never come back, once dead."""
        if self.dead:
            await asyncio.Event().wait()


HERE: ContextVar[Life] = ContextVar("HERE")
"""The process that speaks: two of them may live at once, each in a context of its own."""


@dataclass(slots=True)
class Sent:
    """One request, as the cloud saw it and as the house heard of it."""

    run: int
    left_s: float
    method: str
    path: str
    query: str
    asked: tuple[Asked, ...]
    """What it asks to be changed."""
    listing: bool
    """Whether it lists everything there is."""
    overlaps: tuple[str, ...] = ()
    """Servers and volumes that another call of ours was under way for."""
    elsewhere: bool = False
    """Whether it would bring a volume that can't be shared, and that was on another server."""
    recorded: bool = True
    """Whether the journal had its intent when it left."""
    at_s: float | None = None
    """When the cloud decided about it; None: it never came there."""
    status: int | None = None
    """What the cloud answered; None where it said nothing."""
    rule: str = ""
    kind: str = ""
    fault: str = ""
    accepted: bool = False
    """Whether a job of it began, or an attribute was set."""
    heard: int | None = None
    """The status that the house was told; None where no whole answer came."""
    back_s: float | None = None
    after: str = ""
    """The `Retry-After` of the answer."""

    @property
    def clear(self) -> bool:
        """Tell whether the house was told plainly what became of it."""
        unclear = self.fault in {"truncate", "html", "stall", "reset", "timeout", "throttle-202"}
        return (
            self.heard is not None and self.heard < 500 and not (self.kind == "answer" and unclear)
        )


class Road(httpx.AsyncBaseTransport):
    """Carries requests to a simulator, as a transport of httpx."""

    def __init__(self, provider: str, app: App, recorded: Callable[[Sent], bool]) -> None:
        self.provider = provider
        self.latency = False
        """Whether a request is under way for a while, so that its sender may go before it comes."""
        self.hangs = False
        """Whether the cloud may leave a request without an answer, or with half of it."""
        self.sent: list[Sent] = []
        self.echoes = False
        self.lying_word: int | None = None
        self.lied = 0
        self.on_request: Callable[[int], None] = lambda _: None
        self._app = app
        self._recorded = recorded
        self._flying: list[Sent] = []
        self._of_run: Counter[int] = Counter()
        self._asked_jobs = 0

    async def aclose(self) -> None:
        """Stay open: several runs share one cloud."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Give the answer, or raise what a socket would."""
        life = HERE.get()
        life.moment()
        await life.gone()
        sent = self._noted(request)
        self._flying.append(sent)
        left = self._carried(request)
        try:
            status, headers, body = await self._answered(left)
        except TimeoutError as error:
            raise httpx.ReadTimeout("no answer in time", request=request) from error
        except ConnectionDropped as error:
            raise httpx.RemoteProtocolError("dropped", request=request) from error
        finally:
            self._flying.remove(sent)
            sent.back_s = asyncio.get_running_loop().time()
        life.moment()
        await life.gone()
        sent.heard = status
        sent.after = _after(headers)
        whole = httpx.ByteStream(self._told(sent, body))
        return httpx.Response(status, headers=headers, stream=whole, request=request)

    async def _answered(self, left: Coroutine[object, object, Reply]) -> Reply:
        reply = self._apart(left) if self.latency else left
        if not self.hangs:
            return await reply
        async with asyncio.timeout(READ_S):
            return await reply

    async def _apart(self, left: Coroutine[object, object, Reply]) -> Reply:
        flight = asyncio.ensure_future(left)
        flight.add_done_callback(_seen)
        return await asyncio.shield(flight)

    def arrived(self, row: Mapping[str, object]) -> Sent:
        """Give the request that the cloud has just decided about; equal ones are as good."""
        asked = (row["method"], row["path"], row["query"])
        return next(
            sent
            for sent in self.sent
            if sent.at_s is None and (sent.method, sent.path, sent.query) == asked
        )

    def _noted(self, request: httpx.Request) -> Sent:
        path, query = request.url.path, request.url.query.decode()
        sent = Sent(
            run=HERE.get().run,
            left_s=asyncio.get_running_loop().time(),
            method=request.method,
            path=path,
            query=query,
            asked=asked_for(request.method, path, request.content),
            listing=is_listing(request.method, path, query),
        )
        if sent.asked:
            sent.recorded = self._recorded(sent)
            names = _names(sent)
            for other in self._flying:
                sent.overlaps += tuple(sorted(names & _names(other)))
        self.sent.append(sent)
        if len(self.sent) > MOST_REQUESTS:
            raise CirclesError
        self._of_run[sent.run] += 1
        self.on_request(self._of_run[sent.run])
        return sent

    async def _carried(self, request: httpx.Request) -> Reply:
        raw_path, _, query = request.url.raw_path.partition(b"?")
        scope = {
            "type": "http",
            "method": request.method,
            "path": unquote(raw_path.decode("ascii")),
            "raw_path": raw_path,
            "query_string": query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 1),
        }
        heard = _Heard(request.content)
        await self._app(scope, heard.receive, heard.send)
        return heard.status, heard.headers, bytes(heard.body)

    def _told(self, sent: Sent, body: bytes) -> bytes:
        """Give the body as the house gets it: with more lies than the simulator tells."""
        if sent.heard is not None and sent.heard >= 400 and self.echoes:
            quoted = rf"{ACCESS} {SECRET} \\u001b[31m\\u202e".encode()
            return WORDS.sub(rb'"\1":"' + quoted + b" ", body)
        if self.lying_word is None or not RUNNING.search(body) or sent.method != "GET":
            return body
        if "job" not in sent.path and "/operation/" not in sent.path:
            return body
        self._asked_jobs += 1
        if self._asked_jobs - 1 != self.lying_word:
            return body
        self.lied += 1
        return RUNNING.sub(rb'"\1":"NEBULOUS"', body)


class _Heard:
    """Both ends of one exchange with an ASGI application."""

    def __init__(self, body: bytes) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()
        self._asked = False
        self._request = body

    async def receive(self) -> Message:
        """Give the request's body, then nothing for ever: nobody hangs up first."""
        if self._asked:
            await asyncio.Event().wait()
        self._asked = True
        return {"type": "http.request", "body": self._request, "more_body": False}

    async def send(self, message: Message) -> None:
        """Take in a part of the answer."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")


def _after(headers: list[tuple[bytes, bytes]]) -> str:
    return next((value.decode() for name, value in headers if name == b"retry-after"), "")


def _names(sent: Sent) -> set[str]:
    return {name for asked in sent.asked for name in (asked.server_id, asked.volume_id)}


def _seen(left: asyncio.Future[Reply]) -> None:
    if not left.cancelled():
        left.exception()
