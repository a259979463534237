"""An answer while it comes in: what is known of it, its bounded body, how long it says to wait."""

from __future__ import annotations

import math
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast

import httpx

from reconciler.errors import ProviderError
from reconciler.providers.machine import way_to
from reconciler.providers.talk import clean

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Sequence
    from datetime import datetime

MAX_BODY = 64 * 1024 * 1024
"""A page of 1,000 volumes has about 2 MiB."""
PLAIN = frozenset({"", "identity"})
ENCODINGS = PLAIN | {"gzip"}
NOTHING_MORE = httpx.ByteStream(b"")


@dataclass(slots=True)
class Heard:
    """What is known of an answer while it is still coming."""

    where: str
    url: httpx.URL
    status: int = 0
    request_id: str = ""

    @property
    def to(self) -> str:
        """Give who was asked, in words: only a failure is worth looking for proxies again."""
        return way_to(self.url)

    def __str__(self) -> str:
        if not self.status:
            return f"{self.where}: no answer from {self.to}"
        named = f" (request id `{self.request_id}`)" if self.request_id else ""
        return f"{self.where}{named}: HTTP {self.status} and no whole answer"


class Whole(httpx.Response):
    """An answer that was read to its end: nothing of it is still to come, or to be decoded.

    Given the body, httpx would take 8 µs more: it guesses at the encoding of the headers, adds a
    length to them, and reads the body through its decoders.
    """

    def __init__(
        self,
        status: int,
        headers: Sequence[tuple[bytes, bytes]],
        body: bytes,
        request: httpx.Request,
    ) -> None:
        super().__init__(status, headers=headers, stream=NOTHING_MORE, request=request)
        if all(name.isascii() and value.isascii() for name, value in headers):
            self.headers.encoding = "ascii"
        self._body = body

    @property
    def content(self) -> bytes:
        """Give the body."""
        return self._body


async def bounded_body(response: httpx.Response, heard: Heard) -> bytes:
    """Give the body. Raises ProviderError for one that is too long or encoded as nobody asked."""
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ENCODINGS:
        message = f"{heard}: it is encoded as `{clean(encoding)}`, which nobody asked for"
        raise ProviderError(message, code="bad-answer", request_id=heard.request_id)
    body = bytearray()
    async for chunk in _chunks(response, encoding):
        body += chunk
        if len(body) > MAX_BODY:
            # The traceback keeps this frame: what it holds must not be kept with it.
            body.clear()
            del chunk
            message = f"{heard}: it is longer than {MAX_BODY} bytes"
            raise ProviderError(message, code="answer-too-long", request_id=heard.request_id)
    return bytes(body)


def _chunks(response: httpx.Response, encoding: str) -> AsyncIterable[bytes]:
    """Give a body as it comes; what needs no decoding skips httpx's layers for it."""
    plain = encoding in PLAIN and isinstance(response.stream, httpx.AsyncByteStream)
    return cast("httpx.AsyncByteStream", response.stream) if plain else response.aiter_bytes()


def retry_after_s(told: str | None, utc_now: Callable[[], datetime]) -> float | None:
    """Give the seconds of a `Retry-After`, which may be a date; None where it says nothing."""
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
