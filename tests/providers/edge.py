"""A toy cloud behind the real HTTP edge: a handler answers, the pace and the signer remember."""

from __future__ import annotations

import asyncio
import selectors
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NoReturn, TypeAlias

import httpx

from reconciler.errors import ProviderError
from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb
from reconciler.model.live import Live, Words
from reconciler.model.outcome import Answer, JobState, Progress, Receipt
from reconciler.providers.breaker import Fuse
from reconciler.providers.http import HttpProvider, open_line
from reconciler.providers.proof import Signed
from reconciler.providers.spec import Opening, Secret
from reconciler.providers.talk import ask, ask_all

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Sequence

    from reconciler.ports import Traffic
    from reconciler.providers.talk import Conversation

    Handler: TypeAlias = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
SECRET = "TestSecretKeyNotReal/0123456789+abc="
CALL = Call(verb=Verb.DETACH, keys=(AttachmentKey("prod", "s1", "v1"),))


class SkippingSelector(selectors.SelectSelector):
    """Lets time pass instead of waiting for it."""

    skipped_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.skipped_s += timeout or 0.0
        return super().select(0)


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop in which a deadline is met at once; nothing in it may wait for a socket."""

    def __init__(self) -> None:
        self._skipping = SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        return super().time() + self._skipping.skipped_s


@dataclass
class RecordingPace:
    """A pace that lets everything through and remembers what it was told."""

    turns: int = 0
    holds: list[float] = field(default_factory=list)

    async def turn(self) -> None:
        self.turns += 1

    def hold(self, seconds: float) -> None:
        self.holds.append(seconds)


class Numbered(httpx.Auth):
    """Numbers its signatures, so that one that is used twice shows."""

    def __init__(self) -> None:
        self.signed = 0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        self.signed += 1
        request.headers["Authorization"] = f"signature {self.signed}"
        yield request


@dataclass(frozen=True)
class Says:
    """Conversations of a toy cloud: `urls` at once for a listing, one request for the rest."""

    urls: tuple[str, ...] = ("https://cloud.example/a?secret=query",)

    def list_live(self) -> Conversation[Live]:
        responses = yield from ask_all(tuple(httpx.Request("GET", url) for url in self.urls))
        texts = tuple(f"{response.status_code} {response.text}" for response in responses)
        return Live(scope="prod", views=(), notices=texts)

    def observe(self, keys: Sequence[AttachmentKey]) -> Conversation[Live]:
        yield from ask(httpx.Request("GET", self.urls[0]))
        return Live(scope="prod", views=(), notices=tuple(str(key) for key in keys))

    def submit(self, call: Call) -> Conversation[Receipt]:
        response = yield from ask(httpx.Request("POST", self.urls[0], content=call.verb.value))
        if response.is_success:
            raise ProviderError("not JSON", code="bad-answer", request_id="r-1")
        after = response.headers.get("Retry-After")
        return Receipt(
            answer=Answer.REFUSED,
            message=response.text,
            retry_after_s=None if after is None else float(after),
        )

    def track(self, handle: str) -> Conversation[Progress]:
        response = yield from ask(httpx.Request("GET", self.urls[0]))
        return Progress(state=JobState.RUNNING, code=handle, message=response.text)

    def ask(self, server_ids: Sequence[str], volume_ids: Sequence[str]) -> Conversation[Words]:
        del server_ids
        yield from ask(httpx.Request("GET", self.urls[0]))
        return Words(volumes=dict.fromkeys(volume_ids, frozenset({"s1"})))


@dataclass
class Edge:
    """A provider over a handler, with everything that it may tell."""

    handler: Handler
    says: Says = field(default_factory=Says)
    pace: RecordingPace = field(default_factory=RecordingPace)
    auth: Numbered = field(default_factory=Numbered)
    max_concurrency: int = 4
    accepted: bool = True
    """Whether the key was accepted before: one that wasn't goes alone."""
    traffic: Traffic | None = None

    def provider(self) -> HttpProvider:
        opening = Opening(
            scope="prod",
            region="r1",
            pace=self.pace,
            utc_now=lambda: NOW,
            secrets={"secretKey": Secret(SECRET), "short": Secret("ab")},
            max_concurrency=self.max_concurrency,
            transport=httpx.MockTransport(self.handler),
            traffic=self.traffic,
        )
        fuse = Fuse()
        if self.accepted:
            fuse._accepted.add(SECRET)  # noqa: SLF001 - or every test began with one more request
        proof = Signed(auth=self.auth, secret=SECRET, fuse=fuse, denial=lambda _asked, _told: None)
        line = open_line(opening, proof, lambda response: response.status_code == 202)
        return HttpProvider(self.says, line)

    def list_live(self) -> Live:
        return asyncio.run(self.provider().list_live())

    def submit(self) -> Receipt:
        return asyncio.run(self.provider().submit(CALL))


def answering(status: int = 200, text: str = "", **headers: str) -> Handler:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def handler(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "cloud.example"
        return httpx.Response(status, text=text, headers=named)

    return handler


def failing(error: Exception) -> Handler:
    async def handler(_request: httpx.Request) -> NoReturn:
        raise error

    return handler
