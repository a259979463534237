"""Requests as they will be signed, and JSON in which everybody reads the same; pure."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, NoReturn

import httpx
import msgspec

from reconciler.signing.sdk_hmac_sha256 import canonical_query

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN_TYPE = "application/json"
BODY_TYPE = "application/json;charset=UTF-8"
"""Source: huaweicloudsdkcore 3.1.219; the two differ, and both are signed."""
USER_AGENT = "User-Agent"
HEADERS = {
    USER_AGENT: "attachment-reconciler",
    "Accept": "application/json",
    # One encoding, inflated a chunk at a time: the bound on the body holds for what comes out.
    "Accept-Encoding": "gzip",
}
"""Of every request; not signed."""
COLON = b":"
COLON_BY_NUMBER = b"\\u003"
"""How an escaped one begins."""


def get(url: str, **query: str) -> httpx.Request:
    """Give the request of a read; its query is written as it will be signed."""
    wire = canonical_query(query.items())
    return _request("GET", f"{url}?{wire}" if wire else url, PLAIN_TYPE, b"")


def delete(url: str, **query: str) -> httpx.Request:
    """Give the request of a change that has no body; its query is written as it will be signed."""
    wire = canonical_query(query.items())
    return _request("DELETE", f"{url}?{wire}" if wire else url, PLAIN_TYPE, b"")


def change(method: str, url: str, body: Mapping[str, object]) -> httpx.Request:
    """Give the request of a change; its body is written once, because its bytes are signed."""
    wire = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return _request(method, url, BODY_TYPE, wire)


def strict_json(body: bytes) -> object:
    """Give what the JSON says, where everybody reads the same in it; else raises ValueError.

    A member twice, `NaN`, an infinite number and bytes that aren't UTF-8 are no JSON to us: each
    reader takes another value for them. Nesting that is too deep raises RecursionError.
    """
    try:
        told: object = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError):
        return _carefully(body)  # It has the words for what is wrong, and the last one.
    # Of a member that stands twice one was read. Written again, what was read is then short of
    # its colon; blanks and texts change nothing about that, only colons that are escaped do.
    plain = b"\\" not in body or COLON_BY_NUMBER not in body
    once = plain and body.count(COLON) == msgspec.json.encode(told).count(COLON)
    return told if once else _carefully(body)


def _carefully(body: bytes) -> object:
    told: object = json.loads(
        body.decode(),
        object_pairs_hook=_members,
        parse_constant=_no_number,
        parse_float=_finite,
    )
    return told


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice in one object")
    return members


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits)


def _request(method: str, url: str, content_type: str, body: bytes) -> httpx.Request:
    # English words: people search the vendor's pages for them.
    headers = {**HEADERS, "Content-Type": content_type, "X-Language": "en-us"}
    return httpx.Request(method, url, headers=headers, content=body)
