"""The transport over aiohttp: once, byte for byte, and never taken for unsent; on real sockets."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from .sockets import closes, http, in_turn, listening, resets, says, stalls, stays

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from .sockets import Play

swift = pytest.importorskip("reconciler.providers.swift", exc_type=ImportError)

METHODS = ("GET", "DELETE", "POST", "PUT")
ANSWER = http(200, b"whole")
LATER = {"connect": 5.0, "read": 5.0}
SILENT = {"connect": 5.0, "read": 0.05}
UNREACHED = {"connect": 0.05, "read": 5.0}


@asynccontextmanager
async def sending() -> AsyncIterator[httpx.AsyncBaseTransport]:
    transport = swift.transport(ssl.create_default_context(), 60.0)
    try:
        yield transport
    finally:
        await transport.aclose()


def asking(url: str, method: str = "GET", timeout: dict[str, float] | None = None) -> httpx.Request:
    body = b"" if method in ("GET", "DELETE") else b'{"a":1}'
    return httpx.Request(method, url, content=body, extensions={"timeout": timeout or LATER})


async def answer(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> bytes:
    response = await transport.handle_async_request(request)
    try:
        return await response.aread()
    finally:
        await response.aclose()


def run(story: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(story())


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/p", b""),
        ("GET", "/v1/p?", b""),
        ("GET", "/v1/p?limit=10&name=a%20b%2Bc+d&x=%e2%82%ac", b""),
        ("GET", "/v1/a%2Fb%2fc/%7Ed;e=f,g/@:!$&'()*", b""),
        ("DELETE", "/v1/p/a?delete_flag=0", b""),
        ("DELETE", "/v1/p", b'{"why": 1}'),
        ("POST", "/v1/p", b'{"name": "\xc3\xa9"}'),
        ("POST", "/v1/p", b""),
        ("PUT", "/v1/p", b""),
        ("PATCH", "/v1/p", b"x" * 300_000),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Host": "cloud.example", "X-Empty": "", "x-a": "a  b"}])
def test_the_bytes_are_those_that_httpx_sends(
    method: str, path: str, body: bytes, headers: dict[str, str]
) -> None:
    async def story() -> None:
        async with listening(says(ANSWER, then=stays)) as cloud, sending() as transport:
            for sent_by in (transport, httpx.AsyncHTTPTransport()):
                request = httpx.Request(
                    method, f"{cloud.address}{path}", headers=headers, content=body
                )
                assert await answer(sent_by, request) == b"whole"
                await sent_by.aclose()
            # Whose `Host` comes late is told it first by httpx; nothing else may differ.
            ours, theirs = (sorted(head.split(b"\r\n")) for head in cloud.heads)
            assert ours == theirs

    run(story)


def halved(*parts: bytes) -> Play:
    return says(*parts, then=closes)


BROKEN: dict[str, tuple[Play, type[httpx.TransportError]]] = {
    "it closes": (closes, httpx.RemoteProtocolError),
    "it resets": (resets, httpx.ReadError),
    "half a head": (halved(b"HTTP/1.1 200 OK\r\nContent-Le"), httpx.RemoteProtocolError),
    "half a body": (halved(ANSWER[:-2]), httpx.RemoteProtocolError),
    "half a body, then a reset": (says(ANSWER[:-2], then=resets), httpx.RemoteProtocolError),
    "a chunk short": (
        halved(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n"),
        httpx.RemoteProtocolError,
    ),
    "no length, then a reset": (says(b"HTTP/1.1 200 OK\r\n\r\nwho", then=resets), httpx.ReadError),
}


@pytest.mark.parametrize("kept", [False, True], ids=["on a new connection", "on a kept one"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", BROKEN)
def test_what_may_have_been_sent_is_sent_once_and_told_so(
    how: str, method: str, *, kept: bool
) -> None:
    play, error = BROKEN[how]

    async def story() -> None:
        before = [says(ANSWER, then=stays)] * kept
        # Whoever sends it again would be answered well.
        turns = in_turn(*before, play, says(ANSWER))
        async with listening(turns) as cloud, sending() as transport:
            for _ in before:
                await answer(transport, asking(cloud.address))
            with pytest.raises(error) as raised:
                await answer(transport, asking(cloud.address, method))
            assert not isinstance(raised.value, httpx.ConnectError)
            assert await answer(transport, asking(cloud.address)) == b"whole"
            assert (len(cloud.heads), cloud.connections) == (2 + kept, 2)

    run(story)


@pytest.mark.parametrize("method", METHODS)
def test_a_connection_that_ended_while_nobody_used_it_is_not_used(method: str) -> None:
    async def story() -> None:
        async with listening(says(ANSWER, then=closes)) as cloud, sending() as transport:
            assert await answer(transport, asking(cloud.address)) == b"whole"
            assert await answer(transport, asking(cloud.address, method)) == b"whole"
            assert (len(cloud.heads), cloud.connections) == (2, 2)

    run(story)


@pytest.mark.parametrize(
    ("extra", "apart"),
    [
        pytest.param(http(200, b"false"), False, id="with the answer"),
        pytest.param(http(200, b"false"), True, id="after the answer"),
        pytest.param(http(408), True, id="because it was idle"),
        pytest.param(b"\0", True, id="garbage"),
    ],
)
@pytest.mark.parametrize("rounds", [1, 9], ids=["still in the kernel", "parsed"])
def test_an_answer_to_nobody_is_not_the_next_requests(
    extra: bytes, rounds: int, *, apart: bool
) -> None:
    async def story() -> None:
        go = asyncio.Event()

        async def adds(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await go.wait()
            writer.write(extra)

        first = says(ANSWER, then=adds) if apart else says(ANSWER + extra, then=stays)
        turns = in_turn(first, says(http(200, b"true"), then=stays))
        async with listening(turns) as cloud, sending() as transport:
            assert await answer(transport, asking(cloud.address)) == b"whole"
            go.set()
            for _ in range(rounds):
                await asyncio.sleep(0)
            assert await answer(transport, asking(cloud.address, "POST")) == b"true"
            assert cloud.connections == 2

    run(story)


def test_a_connection_is_kept_after_a_whole_answer_and_after_no_other() -> None:
    async def story() -> None:
        waits = asyncio.Event()

        async def rest(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await waits.wait()
            writer.write(ANSWER[-2:])

        turns = in_turn(
            says(ANSWER, then=stays),
            says(http(204), then=stays),
            says(b"HTTP/1.1 100 On\r\n\r\nHTTP/1.1 103 On\r\n\r\n", ANSWER, then=stays),
            says(ANSWER[:-2], then=rest),
            says(http(200, b"last", Connection="close"), then=stays),
            says(ANSWER, then=stays),
        )
        async with listening(turns) as cloud, sending() as transport:
            bodies = [await answer(transport, asking(cloud.address)) for _ in range(3)]
            assert (bodies, cloud.connections) == ([b"whole", b"", b"whole"], 1)
            unread = await transport.handle_async_request(asking(cloud.address))
            await unread.aclose()
            waits.set()
            assert await answer(transport, asking(cloud.address)) == b"last"
            assert cloud.connections == 2
            assert await answer(transport, asking(cloud.address)) == b"whole"
            assert cloud.connections == 3

    run(story)


@pytest.mark.parametrize(
    "wire",
    [
        b"\x16\x03\x01\x00\x02\x02\x28",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 2\r\n\r\nwhole",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nwhole",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nwhole",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nwhole\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switch\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        ANSWER + b"\0",
    ],
    ids=lambda wire: repr(wire[:70]),
)
def test_what_is_no_answer_is_an_error_of_the_server(wire: bytes) -> None:
    async def story() -> None:
        async with listening(says(wire, then=stalls)) as cloud, sending() as transport:
            with pytest.raises(httpx.RemoteProtocolError) as raised:
                await answer(transport, asking(cloud.address, "POST"))
            assert "\n" not in str(raised.value)
            assert len(cloud.heads) == 1

    run(story)


def test_a_body_is_given_as_it_came_up_to_the_end_of_its_connection() -> None:
    async def story() -> None:
        head = b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\nset-cookie: a=b\r\n\r\n"
        async with listening(says(head + b"\x1f\x8b", b"raw")) as cloud, sending() as transport:
            for _ in range(2):
                response = await transport.handle_async_request(asking(cloud.address))
                assert response.headers.raw == [
                    (b"Content-Encoding", b"gzip"),
                    (b"set-cookie", b"a=b"),
                ]
                assert b"".join([part async for part in response.aiter_raw()]) == b"\x1f\x8braw"
                await response.aclose()
            assert b"cookie" not in cloud.heads[1].lower()

    run(story)


def test_a_long_body_comes_in_small_chunks_because_one_may_inflate() -> None:
    async def story() -> None:
        async with listening(says(http(200, bytes(2_000_000)))) as cloud, sending() as transport:
            response = await transport.handle_async_request(asking(cloud.address))
            parts = [len(part) async for part in response.aiter_raw()]
            await response.aclose()
            assert (sum(parts), max(parts)) == (2_000_000, 64 * 1024)

    run(story)


async def abandons(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@pytest.mark.parametrize(
    ("url", "before", "error"),
    [
        pytest.param("http://127.0.0.1:1/", None, httpx.ConnectError, id="nobody listens"),
        pytest.param("http://127.1/", None, httpx.ConnectError, id="half an address"),
        pytest.param(f"http://{'a' * 64}.test/", None, httpx.ConnectError, id="no name"),
        pytest.param("ftp://127.0.0.1/", None, httpx.UnsupportedProtocol, id="another protocol"),
        pytest.param("", says(b"HTTP/1.1 400 No\r\n\r\n"), httpx.ConnectError, id="no TLS"),
        pytest.param("", abandons, httpx.ConnectError, id="it ends in the handshake"),
        pytest.param("", stalls, httpx.ConnectTimeout, id="it says nothing"),
    ],
)
def test_what_failed_before_there_was_a_connection_was_not_sent(
    url: str, before: Play | None, error: type[httpx.TransportError]
) -> None:
    async def story() -> None:
        async with listening(says(ANSWER), before=before) as cloud, sending() as transport:
            to = url or cloud.address.replace("http:", "https:")
            patience = UNREACHED if error is httpx.ConnectTimeout else LATER
            with pytest.raises(error) as raised:
                await answer(transport, asking(to, "POST", patience))
            assert str(raised.value)
            assert cloud.heads == []

    run(story)


@pytest.mark.parametrize(
    "request_",
    [
        httpx.Request("GET", "http://127.0.0.1:1/", headers={"X": "a\r\nY: b"}),
        httpx.Request("GET", "http://127.0.0.1:1/", headers={"X": "a\nb"}),
        httpx.Request("GET", "http://127.0.0.1:1/", headers={"X: Y": "a"}),
        httpx.Request("GET", "http://127.0.0.1:1/", headers={"X": "a\0"}),
        httpx.Request("GET / HTTP/1.1\r\nX:", "http://127.0.0.1:1/"),
        httpx.Request(
            "POST", "http://127.0.0.1:1/", content=b"ab", headers={"Content-Length": "1"}
        ),
        httpx.Request("POST", "http://127.0.0.1:1/", content=b"", headers={"Content-Length": "1"}),
        httpx.Request(
            "POST",
            "http://127.0.0.1:1/",
            content=b"0\r\n\r\n",
            headers={"Transfer-Encoding": "chunked"},
        ),
    ],
    ids=lambda request: f"{request.method} {dict(request.headers)}"[:60],
)
def test_what_would_read_as_another_request_is_not_written(request_: httpx.Request) -> None:
    async def story() -> None:
        async with listening(says(ANSWER)) as cloud, sending() as transport:
            request_.url = httpx.URL(cloud.address)
            with pytest.raises(httpx.LocalProtocolError):
                await transport.handle_async_request(request_)
            assert cloud.connections == 0

    run(story)


@pytest.mark.parametrize(
    "parts",
    [(), (ANSWER[:-2],), (b"HTTP/1.1 100 On\r\n\r\n",)],
    ids=["of the head", "of the body", "after a 100"],
)
def test_a_silence_ends_in_a_timeout_and_closes_the_connection(parts: tuple[bytes, ...]) -> None:
    async def story() -> None:
        # `stalls` returns once the client has gone, and the server with it.
        async with listening(says(*parts, then=stalls)) as cloud, sending() as transport:
            with pytest.raises(httpx.ReadTimeout):
                await answer(transport, asking(cloud.address, "POST", SILENT))
            assert len(cloud.heads) <= 1

    run(story)


def test_whoever_is_cancelled_closes_the_connection() -> None:
    async def story() -> None:
        asked, gone = asyncio.Event(), asyncio.Event()

        async def waits(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
            asked.set()
            await reader.read()
            gone.set()

        async with listening(waits) as cloud, sending() as transport:
            asking_it = asyncio.ensure_future(answer(transport, asking(cloud.address, "POST")))
            await asked.wait()
            asking_it.cancel()
            await gone.wait()
            with pytest.raises(asyncio.CancelledError):
                await asking_it
            assert len(cloud.heads) == 1

    run(story)
