"""What is sent: as rows, as Slack's text, or in a body of one's own with closed placeholders; pure.

1. A body is JSON, and placeholders stand inside its texts: what replaces them is escaped by being
   written as JSON, whatever it holds.
2. Foreign text has no control characters, and is of bounded length.
3. Slack's `&`, `<` and `>` are escaped: a volume called `<!channel>` calls nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.model.notice import PLACEHOLDER, NoticeFormat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.model.notice import Condition

MESSAGE_FORMAT = 1
MOST_ROWS = 20
"""Of each kind in one message; the others are counted."""
LONGEST_WORDS = 300
SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What changed since somebody was told last; not both empty."""

    appeared: Sequence[Condition]
    gone: Sequence[Condition]
    at_s: float


def body(news: News, form: NoticeFormat, template: str | None) -> bytes:
    """Give the bytes to send."""
    text = plain_text(news)
    if template is not None:
        values = {
            "text": text,
            "at": _moment(news.at_s),
            "appeared": str(len(news.appeared)),
            "gone": str(len(news.gone)),
            "scopes": ", ".join(sorted({_scope(one) for one in (*news.appeared, *news.gone)})),
        }
        return _written(filled(json.loads(template), values))
    if form is NoticeFormat.SLACK:
        return _written({"text": text.translate(SLACK)})
    return _written(
        {
            "format": MESSAGE_FORMAT,
            "at": _moment(news.at_s),
            "text": text,
            "counts": {"appeared": len(news.appeared), "gone": len(news.gone)},
            "appeared": [_row(one) for one in news.appeared[:MOST_ROWS]],
            "gone": [_row(one) for one in news.gone[:MOST_ROWS]],
        }
    )


def filled(node: object, values: Mapping[str, str]) -> object:
    """Give JSON with the placeholders of its texts replaced; what replaces them is never read."""
    if isinstance(node, str):
        return PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), node)
    if isinstance(node, list):
        return [filled(each, values) for each in node]
    if isinstance(node, dict):
        return {name: filled(each, values) for name, each in node.items()}
    return node


def plain_text(news: News) -> str:
    """Give the message for people, a line each."""
    lines = [*_told(news.appeared, ""), *_told(news.gone, "over: ")]
    return "\n".join(lines)


def signature(key: bytes, at_s: float, sent: bytes) -> Mapping[str, str]:
    """Give the headers that prove who sent it, and when: HMAC-SHA256 of `TIMESTAMP.BODY`."""
    moment = f"{at_s:.0f}"
    seal = hmac.new(key, moment.encode() + b"." + sent, hashlib.sha256).hexdigest()
    return {"X-Reconciler-Timestamp": moment, "X-Reconciler-Signature": f"sha256={seal}"}


def _told(conditions: Sequence[Condition], prefix: str) -> list[str]:
    lines = [f"{prefix}{_scope(one)}: {_clean(one.words)}" for one in conditions[:MOST_ROWS]]
    left = len(conditions) - MOST_ROWS
    return [*lines, f"{prefix}and {left} more"] if left > 0 else lines


def _row(one: Condition) -> dict[str, object]:
    return {
        "topic": one.topic.value,
        "id": _clean(one.id),
        "scope": one.scope,
        "text": _clean(one.words),
        "since": _moment(one.since_s),
    }


def _scope(one: Condition) -> str:
    return "reconciler" if one.scope is None else one.scope


def _clean(text: str) -> str:
    shown = "".join(mark if mark.isprintable() else " " for mark in text[: LONGEST_WORDS + 1])
    return shown if len(shown) <= LONGEST_WORDS else f"{shown[: LONGEST_WORDS - 1]}…"


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _written(node: object) -> bytes:
    return json.dumps(node, sort_keys=True).encode()
