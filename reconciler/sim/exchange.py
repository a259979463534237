"""One request and its answer, as the simulated APIs see them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON_TYPE = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One request as it came over the wire; header names are lower case."""

    method: str
    raw_path: bytes
    path: str
    query_string: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Give the value of a header as text; several of one name are joined with a comma."""
        wanted = name.encode()
        values = [value for key, value in self.headers if key == wanted]
        return b",".join(values).decode("utf-8", "replace").strip() if values else None

    def query(self) -> dict[str, str]:
        """Give the query's parameters, decoded; the last of a repeated one counts."""
        pairs = (part.partition(b"=") for part in self.query_string.split(b"&") if part)
        return {
            unquote_to_bytes(key).decode("utf-8", "replace"): unquote_to_bytes(value).decode(
                "utf-8", "replace"
            )
            for key, _, value in pairs
        }

    def document(self) -> dict[str, object]:
        """Give the body as a JSON mapping; empty when it is anything else."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer: status, body bytes, and headers beside content type and length."""

    status: int
    body: bytes = b""
    media: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(status: int, document: object, headers: Mapping[str, str] | None = None) -> Answer:
    """Give an answer whose body is the document as JSON."""
    return Answer(status=status, body=_written(document), headers=headers or {})


def _written(document: object) -> bytes:
    try:
        return msgspec.json.encode(document)
    except (UnicodeEncodeError, OverflowError):
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    # Half of a surrogate pair, echoed from a request, has no bytes in UTF-8. Python's escape
    # of it is JSON's.
    return text.encode(errors="backslashreplace")


class RefusalError(Exception):
    """Raised by a check of an API; carries the answer that refuses."""

    def __init__(self, reply: Answer) -> None:
        super().__init__(reply.status)
        self.reply = reply
