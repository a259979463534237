r"""Takes secrets out of what a cloud says, in the spellings in which it may quote them.

1. A secret is found plain, as JSON, as part of a URL, as HTML, and with any of its characters
   escaped as JSON allows (`\u003d`, `\\/`).
2. A body that quotes no secret stays as it is, byte for byte.
3. The pair of the embedded simulator is no secret: a disk may be called `simulator-1`.
"""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_SECRET = 6
"""Shorter ones are no real keys, and taking them out would tear ordinary words apart.

Source: IAM, "Password Policy": at least 6 characters."""
PUBLIC = frozenset({"simulator", "simulator-secret"})
"""The access key and the secret key that every simulated world takes."""
HIDDEN = b"***"
ESCAPE = re.compile(rb"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)


class Redaction:
    """The secrets of one line, those that it was opened with and those that it was given."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._needles: tuple[bytes, ...] = ()
        self._least: tuple[bytes, ...] = ()
        """Those that hold no other one: where none of them is, no secret is."""
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Hide more secrets from now on."""
        found = {*self._needles, *(each for one in secrets for each in spellings(one))}
        # Longest first: a secret that begins with another one leaves no rest behind.
        self._needles = tuple(sorted(found, key=lambda each: (-len(each), each)))
        self._least = _least(found)

    def hidden(self, body: bytes, *further: str) -> bytes:
        """Give a body without its secrets; `further` ones belong to this exchange alone."""
        escaped = b"\\" in body
        if not escaped:
            # A signature is a word that is spelt in one way, and its header holds it.
            words = [one for one in further if one.isalnum() and one.isascii()]
            absent_words = [one for one in words if one.encode() not in body]
            further = tuple(one for one in further if not any(w in one for w in absent_words))
        own = [each for one in further for each in spellings(one)]
        if escaped:
            plain = ESCAPE.sub(_unescaped, body)
            body = plain if any(each in plain for each in (*own, *self._least)) else body
        # Each look takes a page of 1.3 MB another millisecond.
        if not any(map(body.__contains__, (*_least(own), *self._least))):
            return body
        for needle in (*sorted(own, key=len, reverse=True), *self._needles):
            body = body.replace(needle, HIDDEN)
        return body

    def hidden_text(self, text: str, *further: str) -> str:
        """Give a text without its secrets."""
        return self.hidden(text.encode("utf-8", "replace"), *further).decode()


def _least(needles: Iterable[bytes]) -> tuple[bytes, ...]:
    least: list[bytes] = []
    for needle in sorted(needles, key=len):
        if not any(one in needle for one in least):
            least.append(needle)
    return tuple(least)


def spellings(secret: str) -> frozenset[bytes]:
    """Give how a cloud may spell a secret; nothing for what is too short to be one, or public."""
    if len(secret) < MIN_SECRET or secret in PUBLIC:
        return frozenset()
    in_url = {quote(secret, safe=""), quote(secret)}
    spelt = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        *in_url,
        *(re.sub("%..", lambda code: code[0].lower(), each) for each in in_url),
    }
    return frozenset(each.encode("utf-8", "replace") for each in spelt)


def _unescaped(escape: re.Match[bytes]) -> bytes:
    """Give the shortest spelling that JSON has for an escaped character."""
    code, one = escape.groups()
    if code is None:
        return b"/" if one == b"/" else escape[0]
    mark = chr(int(code, 16))
    if mark < " " or "\ud800" <= mark <= "\udfff":
        return escape[0]
    return json.dumps(mark, ensure_ascii=False)[1:-1].encode()
