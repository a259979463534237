"""A server of raw bytes on loopback, and the real provider in front of it."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import httpx

from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb
from reconciler.providers.http import HttpProvider, open_line
from reconciler.providers.huawei_auth import proof_of
from reconciler.providers.huawei_ecs.conversations import HuaweiEcs
from reconciler.providers.huawei_ecs.errors import FAULTS
from reconciler.providers.huawei_ecs.site import Site
from reconciler.providers.spec import Opening, Secret

from .edge import NOW, RecordingPace

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

PROJECT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
DETACH = Call(verb=Verb.DETACH, keys=(AttachmentKey("prod", "s1", "v1"),))
KEYS = {"accessKey": "TESTACCESSKEY0000001", "secretKey": "TestSecretKeyNotReal/0123456789+abc="}
IN_ORDER = b'{"job_id": "j-1", "count": 0, "volumes": [], "servers": []}'
"""What satisfies a read of either view and a change alike."""


@dataclass
class Heard:
    """What a server was asked."""

    address: str = ""
    connections: int = 0
    heads: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def listening(
    play: Play, *, before: Play | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Heard]:
    """Read each request and let `play` answer it; `before` acts before anything is read."""
    heard = Heard()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.connections += 1
        try:
            if before is not None:
                await before(reader, writer)
            while not writer.is_closing():
                heard.heads.append(await _request(reader))
                await play(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # The client had enough.
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    heard.address = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
    async with server:
        yield heard


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((line[15:] for line in lines if line.startswith(b"content-length:")), b"0")
    return head + await reader.readexactly(int(length))


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Write an answer with its length, and the request id under which the vendor finds it."""
    told = {"X-Request-Id": "req-7", "Content-Length": str(len(body))}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status} Whatever\r\n{lines}\r\n".encode() + body


def says(*parts: bytes, then: Play | None = None) -> Play:
    """Answer with these bytes; then close, unless `then` does something else."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        await (then or closes)(reader, writer)

    return play


def in_turn(*plays: Play) -> Play:
    """Answer each request as its turn says, over whichever connection it comes."""
    left = iter(plays)

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(left)(reader, writer)

    return play


async def closes(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End the connection politely."""
    writer.close()


async def stays(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Leave the connection open for the next request."""


async def resets(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End the connection with a reset."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def stalls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the client goes away."""
    await reader.read()
    writer.close()


def opening(address: str, secrets: dict[str, str] | None = None) -> Opening:
    """Give an opening in which every API is at one address."""
    return Opening(
        scope="prod",
        region="r1",
        project_id=PROJECT,
        pace=RecordingPace(),
        utc_now=lambda: NOW,
        endpoints=dict.fromkeys(("ecs", "evs", "iam"), address),
        secrets={key: Secret(value) for key, value in (secrets or KEYS).items()},
        max_concurrency=4,
    )


@asynccontextmanager
async def provider(
    opened: Opening, *, patience_s: float = 5.0, deadline_s: float = 5.0
) -> AsyncIterator[HttpProvider]:
    """Give the real provider over real sockets, with less patience."""
    line = open_line(opened, proof_of(opened, PROJECT, FAULTS), FAULTS.throttled)
    line.ways.timeout = httpx.Timeout(patience_s, pool=None)
    line = replace(line, deadline_s=deadline_s)
    ecs, evs = opened.endpoints["ecs"], opened.endpoints["evs"]
    asks = HttpProvider(HuaweiEcs(Site(scope="prod", ecs=ecs, evs=evs, project=PROJECT)), line)
    try:
        yield asks
    finally:
        await asks.aclose()
