"""A transport that costs less: aiohttp's connections and parser under httpx's requests.

1. What fails before a connection is there was not sent: ConnectError or ConnectTimeout. From the
   first byte on everything may have been sent: ReadTimeout, ReadError, RemoteProtocolError.
2. A request is written once. aiohttp's session isn't used: it sends an idempotent request again
   when a connection that was kept ends under it.
3. The bytes are those of the request: nothing is added, quoted or inflated, and what doesn't read
   as one request isn't written.
4. A connection is used again only after an answer that was read to its end, and only if nothing
   came over it since: an answer to nobody would be taken for the next request's.

No proxies and no HTTP/2: where a proxy applies, httpx's own transport is used.
"""

from __future__ import annotations

import re
from functools import lru_cache
from select import POLLIN, poll
from typing import TYPE_CHECKING, NoReturn
from weakref import WeakSet

import aiohttp
import httpx
from aiohttp.client_reqrep import ClientRequest
from aiohttp.http import HttpProcessingError
from yarl import URL

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import AsyncIterator

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection

__all__ = ["transport"]

SOUND, UNKNOWN = (3, 13, 5), (4,)
"""Versions of aiohttp, as in the extra: somebody else may have installed another. Before 3.12
nothing tells a body that ended from one whose connection broke."""

NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
HEAD = re.compile(
    rb"[A-Z]+ [!-~]+ HTTP/1\.1\r\n(?:[^:\x00\r\n]+: (?:[!-\xff](?:[\t -\xff]*[!-\xff])?)?\r\n)+\r\n"
)
MAX_LINE = 64 * 1024
"""Of a status or a header, in bytes; about what httpx's own transport accepts of a whole head."""
CHUNK = 64 * 1024
"""Of a body: whoever inflates one bounds what comes out a chunk at a time, and it may be a thousand
times as much."""
LOST = (aiohttp.ClientError, OSError)
UNREACHED = (*LOST, ValueError)
"""The last one: a name that no resolver takes."""
SCHEMES = frozenset({"http", "https"})
SWITCHING = 101
FINAL = 200
"""Below it an answer only says that another one follows."""


def transport(trusted: ssl.SSLContext, keepalive_s: float) -> httpx.AsyncBaseTransport | None:
    """Give a transport for one scope; None where another aiohttp is installed than is known."""
    installed = tuple(int(number) for number in re.findall(r"\d+", aiohttp.__version__))
    return SwiftTransport(trusted, keepalive_s) if SOUND <= installed < UNKNOWN else None


class SwiftTransport(httpx.AsyncBaseTransport):
    """Sends requests of one scope over connections that it keeps; bound to the loop of the first.

    It takes `connect` and `read` of the timeouts. Reading is timed from the moment of writing: a
    body of ours has a few KiB, and a peer that takes none of it in answers nothing either.
    """

    def __init__(self, trusted: ssl.SSLContext, keepalive_s: float) -> None:
        trusted.set_alpn_protocols(["http/1.1"])
        self._trusted = trusted
        self._keepalive_s = keepalive_s
        self._connector: aiohttp.TCPConnector | None = None
        self._origins: dict[tuple[str, bytes, int | None], ClientRequest] = {}
        self._used: WeakSet[ResponseHandler] = WeakSet()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Give the answer, its body still unread. Raises httpx's errors; see rule 1."""
        wire = await _wire(request)
        timeouts = request.extensions.get("timeout", {})
        connection = await self._connected(request.url, timeouts.get("connect"))
        try:
            return await _answered(connection, wire, request.method, timeouts.get("read"))
        except BaseException:
            _drop(connection)
            raise

    async def aclose(self) -> None:
        """Release all connections."""
        if self._connector is not None:
            await self._connector.close()

    async def _connected(self, url: httpx.URL, connect_s: float | None) -> Connection:
        """Give a connection over which nothing has come that nobody read."""
        timeout = aiohttp.ClientTimeout(connect=connect_s)
        try:
            while True:
                connection = await self._pool().connect(self._origin(url), [], timeout)
                if connection.protocol is None or connection.transport is None:
                    connection.close()
                    raise httpx.ConnectError("the connection ended before anything was sent")
                if connection.protocol not in self._used:
                    self._used.add(connection.protocol)
                    return connection
                if not connection.protocol.should_close and _silent(connection.transport):
                    return connection
                _drop(connection)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(f"no connection within {connect_s} s") from error
        except UNREACHED as error:
            # Its cause says what happened; its own words show the addresses of objects.
            raise httpx.ConnectError(str(error.__cause__ or error)) from error

    def _pool(self) -> aiohttp.TCPConnector:
        if self._connector is None:
            self._connector = aiohttp.TCPConnector(
                ssl=self._trusted,
                # The scope's slots bound how many there are: nobody waits for one.
                limit=0,
                keepalive_timeout=self._keepalive_s,
                # The system's, whatever else is installed.
                resolver=aiohttp.ThreadedResolver(),
            )
        return self._connector

    def _origin(self, url: httpx.URL) -> ClientRequest:
        """Give what the connector asks of a request: where it goes."""
        key = (url.scheme, url.raw_host, url.port)
        if key not in self._origins:
            if url.scheme not in SCHEMES:
                raise httpx.UnsupportedProtocol(f"`{url.scheme}` is neither http nor https")
            to = URL(f"{url.scheme}://{url.netloc.decode('ascii')}/", encoded=True)
            self._origins[key] = ClientRequest("GET", to)
        return self._origins[key]


class _Body(httpx.AsyncByteStream):
    """The body of an answer while it comes in; its end decides what becomes of the connection."""

    def __init__(self, connection: Connection, content: aiohttp.StreamReader) -> None:
        self._connection = connection
        self._content = content
        self._ended: asyncio.Future[None] | None = None
        self._until_end = False

    def until_end(self, ended: asyncio.Future[None] | None) -> None:
        """Say that only the end of the connection ends it."""
        self._ended, self._until_end = ended, True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while chunk := await self._content.read(CHUNK):
                yield chunk
            if self._until_end:
                await self._ending()
        except LOST as error:
            _fail(error)

    async def _ending(self) -> None:
        # A connection that breaks looks like one that ends, to whoever reads the body alone.
        if self._ended is None:
            raise httpx.RemoteProtocolError("the connection was gone before its end was seen")
        await self._ended

    async def aclose(self) -> None:
        if self._content.at_eof() and self._content.exception() is None:
            self._connection.release()
        else:
            _drop(self._connection)


async def _answered(
    connection: Connection, wire: bytes, method: str, read_s: float | None
) -> httpx.Response:
    protocol, writing = connection.protocol, connection.transport
    assert protocol is not None
    assert writing is not None
    protocol.set_response_params(
        skip_payload=method == "HEAD",
        read_until_eof=True,
        auto_decompress=False,
        read_timeout=read_s,
        max_line_size=MAX_LINE,
        max_field_size=MAX_LINE,
    )
    writing.write(wire)
    protocol.start_timeout()
    try:
        told, content = await protocol.read()
        while told.code < FINAL and told.code != SWITCHING:
            protocol.start_timeout()  # Its end took the clock with it.
            told, content = await protocol.read()
    except (HttpProcessingError, aiohttp.EofStream, *LOST) as error:
        _fail(error)
    if told.version.major != 1 or told.code == SWITCHING:
        raise httpx.RemoteProtocolError("the server speaks a protocol that nobody asked for")
    body = _Body(connection, content)
    measured = told.chunked or "Content-Length" in told.headers
    if not measured and content is not aiohttp.EMPTY_PAYLOAD:
        body.until_end(protocol.closed)
    version = f"HTTP/{told.version.major}.{told.version.minor}".encode()
    return httpx.Response(
        told.code,
        headers=list(told.raw_headers),
        stream=body,
        extensions={"http_version": version},
    )


async def _wire(request: httpx.Request) -> bytes:
    """Give the bytes of a request. Raises LocalProtocolError where they would read as another."""
    headers, body = request.headers, await request.aread()
    raw = headers.raw
    fields = b"".join([b"%b: %b\r\n" % field for field in raw])
    method, target = request.method.encode("ascii"), request.url.raw_path
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, fields)
    # A line break in a value makes another field of it, a colon in a name another value.
    whole = head.count(b"\n") == len(raw) + 2 and all(_named(name) for name, _ in raw)
    if not whole or HEAD.fullmatch(head) is None:
        raise httpx.LocalProtocolError("a header or the path can't be written as it is")
    length = headers.get("Content-Length", "0")
    if length != str(len(body)) or "Transfer-Encoding" in headers or "Host" not in headers:
        raise httpx.LocalProtocolError("the headers don't say how long the body is, or where to")
    return head + body


@lru_cache(maxsize=64)
def _named(name: bytes) -> bool:
    return NAME.fullmatch(name) is not None


def _drop(connection: Connection) -> None:
    """End a connection, and with it what of a request may not have left yet."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()


def _silent(transport: asyncio.Transport) -> bool:
    """Tell whether nothing waits to be read: neither an answer to nobody nor an end."""
    looking = poll()
    looking.register(transport.get_extra_info("socket"), POLLIN)
    return not looking.poll(0)


def _fail(error: Exception) -> NoReturn:
    """Raise httpx's word for what happened to a request that may have been sent."""
    if isinstance(error, TimeoutError):
        raise httpx.ReadTimeout("no answer, or no more of it") from error
    if isinstance(error, HttpProcessingError):
        raise httpx.RemoteProtocolError(error.message.partition("\n")[0] or "no HTTP") from error
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.EofStream):
        raise httpx.RemoteProtocolError("the server disconnected") from error
    if isinstance(error, aiohttp.ClientPayloadError):
        raise httpx.RemoteProtocolError(str(error)) from error
    raise httpx.ReadError(str(error)) from error
