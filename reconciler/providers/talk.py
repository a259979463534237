"""What a conversation is made of: asking once, asking at once, and words fit for a person; pure."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

import httpx

T = TypeVar("T")
Ask: TypeAlias = httpx.Request | tuple[httpx.Request, ...]
Reply: TypeAlias = httpx.Response | tuple[httpx.Response, ...]
Conversation: TypeAlias = Generator[Ask, Reply, T]
"""Yields a request and is sent its response; a yielded tuple goes out at once."""

MAX_WORDS = 300
"""Characters of a cloud's own words that reach a message: two lines, not a page of HTML."""


def ask(request: httpx.Request) -> Conversation[httpx.Response]:
    """Give the response to one request."""
    reply = yield request
    assert isinstance(reply, httpx.Response), "one request has one response"
    return reply


def ask_all(requests: tuple[httpx.Request, ...]) -> Conversation[tuple[httpx.Response, ...]]:
    """Give the responses to requests that go out at once, in the order of the requests."""
    if not requests:
        return ()
    reply = yield requests
    assert isinstance(reply, tuple), "a tuple of requests has a tuple of responses"
    assert len(reply) == len(requests), "every request has its response"
    return reply


def clean(text: str) -> str:
    """Give a cloud's words as one line of at most `MAX_WORDS` printable characters."""
    # Cut first: a body may be 64 MiB, and a control character costs no more than a printable one.
    shown = text[: 4 * MAX_WORDS]
    if not shown.isprintable():
        shown = "".join(mark if mark.isprintable() else " " for mark in shown)
    line = " ".join(shown.split())
    return line if len(line) <= MAX_WORDS else f"{line[: MAX_WORDS - 1]}…"
