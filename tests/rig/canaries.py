"""Secrets that must show nowhere, and the ways in which one may be spelt."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def spellings(secret: str) -> Iterator[tuple[str, bytes]]:
    """Give a secret raw, as JSON, in a URL, in hexadecimal, and inside a longer base64 text."""
    raw = secret.encode()
    yield "raw", raw
    yield "JSON", json.dumps(secret)[1:-1].encode()
    yield "URL", quote(secret, safe="").encode()
    yield "form", quote_plus(secret).encode()
    for digits in (raw.hex(), raw.hex().upper()):
        yield "hexadecimal", digits.encode()
    for shift in range(3):
        # Where it begins inside of three bytes decides its letters; the ends belong to neighbours.
        for letters in (base64.b64encode, base64.urlsafe_b64encode):
            whole = letters(b"\0" * shift + raw).rstrip(b"=")
            yield f"base64 at {shift}", whole[4 if shift else 0 : -1]


def shown(secrets: Iterable[str], places: Mapping[str, bytes]) -> list[tuple[str, str, str]]:
    """Give every secret that stands in a place: the place, the spelling, and the secret."""
    return sorted(
        (place, how, secret)
        for secret in set(secrets)
        for how, spelt in spellings(secret)
        for place, content in places.items()
        if spelt in content
    )
