"""A cloud that lies: the simulator behind an application that changes chosen answers.

A lie is told after the simulator decided: a change that it accepted has happened, whatever the
answer says.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

from reconciler.sim.app import build
from reconciler.sim.clock import WallClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.serving import serving
from reconciler.sim.world import read_worlds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Json: TypeAlias = Any
Tell: TypeAlias = "Callable[[Said], Said]"

MIB = 1024 * 1024


@dataclass
class Said:
    """An answer that may be lied about; `stream` takes the place of the body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    path: str
    query: str
    stream: AsyncIterator[bytes] | None = None

    def json(self) -> Json:
        """Give the body, read."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Lie:
    """Which answers are changed (`METHOD glob`, from the `first` to the `last` match), and how."""

    match: str
    tell: Tell
    first: int = 1
    last: int = 1_000_000


@dataclass
class Liar:
    """The application: notes every request and tells the lies."""

    inside: ASGIApp
    lies: tuple[Lie, ...]
    rows: list[dict[str, object]] = field(default_factory=list)
    met: dict[int, int] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        method, path = scope["method"], unquote(scope["path"])
        self.rows.append({"method": method, "path": path, "changing": method != "GET"})
        said = await _heard(self.inside, scope, receive)
        for number, lie in enumerate(self.lies):
            if fnmatchcase(f"{method} {path}", lie.match):
                self.met[number] = self.met.get(number, 0) + 1
                if lie.first <= self.met[number] <= lie.last:
                    said = lie.tell(said)
        await _answer(said, receive, send)


async def _heard(inside: ASGIApp, scope: Scope, receive: Receive) -> Said:
    said = Said(200, [], b"", scope["path"], scope["query_string"].decode())

    async def hear(message: Message) -> None:
        await asyncio.sleep(0)
        if message["type"] == "http.response.start":
            said.status, said.headers = message["status"], list(message["headers"])
        else:
            said.body += message.get("body", b"")

    await inside(scope, receive, hear)
    return said


async def _answer(said: Said, receive: Receive, send: Send) -> None:
    headers = [pair for pair in said.headers if pair[0].lower() != b"content-length"]
    if said.stream is None:
        headers.append((b"content-length", str(len(said.body)).encode()))
    await send({"type": "http.response.start", "status": said.status, "headers": headers})
    if said.stream is None:
        await send({"type": "http.response.body", "body": said.body})
        return
    # To send to a listener who left is no error: without asking, this would never end.
    gone = asyncio.ensure_future(_gone(receive))
    async for chunk in said.stream:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await asyncio.sleep(0)
        if gone.done():
            break
    gone.cancel()
    await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@contextmanager
def lying(world: str, lies: tuple[Lie, ...]) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Serve a world through its lies; give the address and the requests as they come in."""
    (read,) = read_worlds(world, "lab.world.yaml")
    liar = Liar(build([Cloud(read, WallClock())]), lies)
    with serving(liar) as address:
        yield address, liar.rows


def body(text: str | bytes, *, status: int = 200, kind: str = "application/json") -> Tell:
    """Answer this instead."""

    def tell(said: Said) -> Said:
        said.status, said.headers = status, [(b"content-type", kind.encode())]
        said.body = text.encode() if isinstance(text, str) else text
        return said

    return tell


def replaced(old: str, new: str) -> Tell:
    """Replace a text in the answer; whether it stood there isn't asked."""

    def tell(said: Said) -> Said:
        said.body = said.body.replace(old.encode(), new.encode())
        return said

    return tell


def changed(change: Callable[[Json], object]) -> Tell:
    """Change what the JSON says, in place."""

    def tell(said: Said) -> Said:
        told = said.json()
        change(told)
        said.body = json.dumps(told).encode()
        return said

    return tell


def paged(change: Callable[[Json], object], query: str) -> Tell:
    """Change what the JSON of one page says, known by a part of its query."""

    def tell(said: Said) -> Said:
        return changed(change)(said) if query in said.query else said

    return tell


def halved(said: Said) -> Said:
    """Answer only the first half, as if it were all."""
    said.body = said.body[: len(said.body) // 2]
    return said


def dripping(said: Said) -> Said:
    """Answer a byte now and then, for ever: no read ever times out."""

    async def drips() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    said.stream = drips()
    return said


def silent(said: Said) -> Said:
    """Answer the beginning, then nothing."""

    async def silence() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)

    said.stream = silence()
    return said


def endless(said: Said) -> Said:
    """Answer rows for ever, as fast as they are taken."""

    async def rows() -> AsyncIterator[bytes]:
        yield b'{"count": 1, "volumes": ['
        block = b'{"id": "v-1"},' * 10_000
        while True:
            yield block

    said.stream = rows()
    return said


def inflating(gib: int) -> Tell:
    """Answer that many GiB of zeros, as 1 MB of gzip each."""

    def tell(said: Said) -> Said:
        async def blocks() -> AsyncIterator[bytes]:
            packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
            block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
            yield gzip.compress(b"")[:10]
            for _ in range(gib * 1024):
                # After a full flush each block stands for itself: one is sent again and again.
                yield block

        said.headers.append((b"content-encoding", b"gzip"))
        said.stream = blocks()
        return said

    return tell
