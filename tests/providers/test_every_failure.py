"""Every way in which a request can fail, driven through the real client over a real socket.

Each is one of: not sent, refused, ambiguous. `pytest -n0 -s` on this file prints the table.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

import httpx
import pytest
import trustme

from reconciler.errors import ProviderError
from reconciler.model.outcome import Answer
from reconciler.providers.http import BROKEN, UNSENT
from reconciler.providers.machine import trusted

from .sockets import (
    DETACH,
    IN_ORDER,
    http,
    listening,
    opening,
    provider,
    resets,
    says,
    stalls,
    stays,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from reconciler.model.outcome import Receipt

    from .sockets import Play

NOT_SENT, REFUSED, AMBIGUOUS, ACCEPTED = "not sent", "refused", "ambiguous", "accepted"
AGAIN, NEVER, FINE = "may pass", "won't pass", "passes"
Named = dict[str, Any]
"""Fields of a row, by name."""
PATIENCE_S = 0.15
DEADLINE_S = 0.4


@dataclass(frozen=True)
class Row:
    """One failure: what the server does, what a read and a change make of it."""

    why: str
    play: Play
    read: str
    write: str
    code: str
    words: str = ""
    """What of the cloud's own words, or of the machine's, must reach the person."""
    request_id: str = ""
    read_code: str = ""
    """Where it isn't the change's."""
    before: Play | None = None
    address: str = ""
    """Where it isn't the server's."""
    scheme: str = "http"
    tls: bool = False
    answer: Answer | None = None
    """For the change, where the class alone doesn't say it."""
    retry_after_s: float | None = None


def told(code: str, words: str = "the cloud's words") -> bytes:
    return f'{{"error_code": "{code}", "error_msg": "{words}"}}'.encode()


def silent_page(size: int) -> bytes:
    squeeze = zlib.compressobj(level=9, wbits=31)
    block = b" " * 1024 * 1024
    return b"".join(squeeze.compress(block) for _ in range(size)) + squeeze.flush()


async def keeps_saying_102(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


async def drips(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


def never() -> Play:
    return says()


WHOLE = http(200, IN_ORDER)
CHUNKED = http(200).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
HEAD = b"HTTP/1.1 200 OK\r\nX-Request-Id: req-7\r\n"
HTML = b"<html><title>Sign in to the network</title></html>"


def gzipped(body: bytes) -> bytes:
    return http(200, body, Content_Encoding="gzip")


def before_an_answer() -> Iterator[Row]:
    off: Named = {"read": AGAIN, "write": NOT_SENT, "code": "not-sent"}
    yield Row("connection refused", never(), **off, words="Connect", address="closed")
    yield Row("unknown name", never(), **off, words="Name or", address="http://cloud.invalid")
    yield Row("TLS: garbage", never(), **off, words="SSL", scheme="https", before=says(b"x" * 99))
    yield Row("TLS: silence", never(), **off, words="Timeout", scheme="https", before=stalls)
    yield Row(
        "TLS: unknown CA",
        never(),
        NEVER,
        NOT_SENT,
        "not-sent",
        words="set SSL_CERT_FILE",
        tls=True,
    )
    lost: Named = {"read": AGAIN, "write": AMBIGUOUS, "code": "no-answer"}
    yield Row("reset before the request is read", never(), **lost, before=resets)
    yield Row("reset after the request is read", resets, **lost)
    yield Row("closed without an answer", says(), **lost, words="disconnected")
    yield Row("half a status line", says(b"HTTP/1.1 20"), **lost)
    yield Row("garbage", says(b"\x00\xff\x16 no HTTP\r\n\r\n"), **lost)
    yield Row("silence", stalls, **lost, words="Timeout")
    yield Row("1xx for ever", keeps_saying_102, **lost, words="Timeout")


def in_the_body() -> Iterator[Row]:
    lost: Named = {"read": AGAIN, "write": AMBIGUOUS, "code": "no-answer", "request_id": "req-7"}
    long = HEAD + b"Content-Length: 999\r\n\r\n"
    yield Row("a body that stalls", says(long + b"{", then=stalls), **lost, words="HTTP 200")
    yield Row("a body that drips", says(long + b"{", then=drips), **lost, words="TimeoutError")
    yield Row("a body that is cut", says(long + b'{"job'), **lost, words="HTTP 200")
    yield Row("a body that is reset", says(long + b"{", then=resets), **lost)
    yield Row("a chunk that is none", says(CHUNKED + b"zz\r\nabc\r\n"), **lost)
    yield Row("no last chunk", says(CHUNKED + b"5\r\nabcde\r\n"), **lost)
    yield Row("broken gzip", says(gzipped(b"\x1f\x8bnot really")), **lost, words="Decoding")
    row: Named = {"read": NEVER, "write": AMBIGUOUS, "request_id": "req-7"}
    bomb = says(gzipped(silent_page(65)))
    yield Row("a gzip bomb", bomb, **row, code="answer-too-long", words="67108864")
    brotli = says(http(200, b"x", Content_Encoding="br"))
    yield Row("an unknown encoding", brotli, **row, code="bad-answer", words="`br`")
    no_length = says(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}")
    yield Row("a length that is none", no_length, AGAIN, AMBIGUOUS, "no-answer")


def in_the_answer() -> Iterator[Row]:
    whole: Named = {"read": FINE, "write": ACCEPTED, "code": "", "request_id": "req-7"}
    yield Row("an answer in order", says(WHOLE, then=stays), **whole)
    yield Row("100, then the answer", says(b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE), **whole)
    yield Row("gzip in order", says(gzipped(gzip.compress(IN_ORDER))), **whole)
    row: Named = {"read": AGAIN, "write": AMBIGUOUS, "request_id": "req-7"}
    odd: Named = {**row, "code": "no-job", "read_code": "bad-answer"}
    short = http(200, IN_ORDER).replace(b"Length: 59", b"Length: 20")
    assert short != WHOLE
    yield Row("a length that is too short", says(short), **odd)
    yield Row("200, HTML", says(http(200, HTML, Content_Type="text/html")), **odd, words="Sign in")
    yield Row("200, half a JSON", says(http(200, b'{"job_id": "j')), **odd)
    yield Row("200, no job", says(http(200, b"{}")), **odd)
    yield Row("200, cut gzip", says(gzipped(gzip.compress(IN_ORDER)[:-20])), **odd)
    yield Row("101", says(http(101)), AGAIN, AMBIGUOUS, "no-answer")
    away = says(http(302, b"moved", Location="http://127.0.0.1:1/"))
    yield Row("a redirect", away, NEVER, AMBIGUOUS, "http-302", "moved", request_id="req-7")
    slow: Named = {"Retry_After": "3"}
    yield Row(
        "202, throttled",
        says(http(202, told("Common.0024"), **slow)),
        AGAIN,
        REFUSED,
        "Common.0024",
        "the cloud's words",
        request_id="req-7",
        answer=Answer.BUSY,
        retry_after_s=3.0,
    )


STATUSES = {
    400: ("Ecs.0005", NEVER, REFUSED, Answer.REFUSED),
    401: ("APIGW.0301", NEVER, REFUSED, Answer.DENIED),
    403: ("Ecs.0110", NEVER, REFUSED, Answer.REFUSED),
    404: ("APIGW.0101", NEVER, REFUSED, Answer.REFUSED),
    409: ("Ecs.0010", NEVER, REFUSED, Answer.REFUSED),
    413: ("APIGW.0201", NEVER, REFUSED, Answer.REFUSED),
    429: ("APIGW.0308", AGAIN, REFUSED, Answer.BUSY),
    500: ("Common.0001", AGAIN, AMBIGUOUS, Answer.UNKNOWN),
    501: ("APIGW.0401", AGAIN, AMBIGUOUS, Answer.UNKNOWN),
    502: ("APIGW.0201", AGAIN, AMBIGUOUS, Answer.UNKNOWN),
    503: ("APIGW.0613", AGAIN, AMBIGUOUS, Answer.UNKNOWN),
    504: ("APIGW.0201", AGAIN, AMBIGUOUS, Answer.UNKNOWN),
}
SPECIAL = (
    (500, "EVS.2024", NEVER, REFUSED, Answer.REFUSED, None),
    (501, "Ecs.0603", AGAIN, REFUSED, Answer.BUSY, 60.0),
    (404, "Ecs.0114", NEVER, ACCEPTED, Answer.ALREADY, None),
    (400, "APIG.0308", AGAIN, REFUSED, Answer.BUSY, None),
)


def in_the_status() -> Iterator[Row]:
    for status, (code, read, write, answer) in STATUSES.items():
        wait = {"Retry_After": "3"} if status in {429, 503} else {}
        after_s = 3.0 if wait else None
        both: Named = {"read": read, "write": write, "answer": answer, "retry_after_s": after_s}
        named = {**both, "request_id": "req-7"}
        words = "the cloud's words"
        yield Row(
            f"{status}", says(http(status, told(code), **wait)), code=code, words=words, **named
        )
        plain = says(http(status, b"plain\x1b words", Content_Type="text/plain", **wait))
        yield Row(f"{status}, text", plain, code=f"http-{status}", words="plain words", **named)
        bare = says(http(status, b"", **wait))
        yield Row(f"{status}, empty", bare, code=f"http-{status}", words=f"{status}", **named)
    for status, code, read, write, answer, after_s in SPECIAL:
        play = says(http(status, told(code)))
        yield Row(
            f"{status} {code}",
            play,
            read,
            write,
            code,
            "the cloud's words",
            request_id="req-7",
            answer=answer,
            retry_after_s=after_s,
        )


ROWS = (*before_an_answer(), *in_the_body(), *in_the_answer(), *in_the_status())


UNHEARD = {"a chunk that is none", "a length that is too short"}
"""Over aiohttp the head goes with the garbage that came in the same packet; the class stays."""


class NoNames(asyncio.SelectorEventLoop):
    """A loop in which no name is known and nobody is asked for one."""

    async def getaddrinfo(self, host: object, *_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, f"Name or service not known: {host!r}")


@cache
def stranger() -> ssl.SSLContext:
    import ssl  # noqa: PLC0415 - for one row

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


def closed_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


async def outcome(row: Row) -> tuple[Receipt, ProviderError | None, int]:
    trusted()  # Loading the certificates is no part of a request.
    async with AsyncExitStack() as stack:
        tls = stranger() if row.tls else None
        server = await stack.enter_async_context(listening(row.play, before=row.before, tls=tls))
        address = server.address.replace("http:", f"{row.scheme}:")
        address = {"closed": closed_port(), "": address}.get(row.address, row.address)
        waits: Named = {"patience_s": PATIENCE_S, "deadline_s": DEADLINE_S}
        if row.words == "67108864":
            waits = {}  # Inflating 64 MiB takes its time on a busy machine.
        changing = await stack.enter_async_context(provider(opening(address), **waits))
        receipt = await changing.submit(DETACH)
        sent = len(server.heads)
        asking = await stack.enter_async_context(provider(opening(address), **waits))
        try:
            await asking.list_live()
        except ProviderError as error:
            return receipt, error, sent
    return receipt, None, sent


def kind(receipt: Receipt) -> str:
    match receipt.answer:
        case Answer.ACCEPTED | Answer.ALREADY:
            return ACCEPTED
        case Answer.UNKNOWN:
            return AMBIGUOUS
        case _:
            return NOT_SENT if receipt.code == "not-sent" else REFUSED


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.why)
def test_a_failure_is_not_sent_or_refused_or_ambiguous(row: Row, over: str) -> None:
    if over == "aiohttp" and row.why in UNHEARD:
        row = replace(row, code="no-answer", read_code="", request_id="")
    factory = NoNames if row.address.endswith(".invalid") else asyncio.SelectorEventLoop
    with asyncio.Runner(loop_factory=factory) as runner:
        receipt, error, sent = runner.run(outcome(row))
    again = FINE if error is None else AGAIN if error.retryable else NEVER
    print(f"{row.why:34} {again:10} {kind(receipt):9} {receipt.code:16} {receipt.message[-60:]}")
    assert (again, kind(receipt)) == (row.read, row.write)
    assert receipt.code == row.code
    assert row.words in receipt.message
    assert receipt.request_id == row.request_id
    assert receipt.retry_after_s == row.retry_after_s
    assert row.answer in {None, receipt.answer}
    assert "\x1b" not in receipt.message
    assert sent <= 1, "a change is never sent twice"
    assert sent == 0 or row.write != NOT_SENT
    if error is not None:
        assert error.code == (row.read_code or row.code)
        assert row.words in str(error)
        assert error.request_id == row.request_id
        assert row.request_id in str(error)


def test_every_exception_of_the_client_has_its_class() -> None:
    def below(parent: type[Exception]) -> Iterator[type[Exception]]:
        yield parent
        for child in parent.__subclasses__():
            yield from below(child)

    known = {*below(httpx.HTTPError), *below(httpx.StreamError), httpx.InvalidURL}
    strangers = {each for each in known if not issubclass(each, (*UNSENT, *BROKEN))}
    print(f"{len(known)} exceptions, {sum(issubclass(e, UNSENT) for e in known)} of them not sent")
    assert strangers == set()


def test_every_class_is_in_the_table() -> None:
    assert {row.write for row in ROWS} == {NOT_SENT, REFUSED, AMBIGUOUS, ACCEPTED}
    assert len({row.why for row in ROWS}) == len(ROWS) > 70
