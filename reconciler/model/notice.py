"""What webhooks are told of. Speakers: manifest, operations, notify, journal."""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass

PLACEHOLDERS = frozenset({"text", "at", "appeared", "gone", "scopes"})
"""What may stand in braces inside the texts of a message's body."""
PLACEHOLDER = re.compile(r"\{([a-zA-Z_]+)\}")


class NoticeFormat(enum.Enum):
    """What is sent to a webhook; the value is the manifest's word."""

    JSON = "json"
    """Everything, a row each."""
    SLACK = "slack"
    """One text, escaped as Slack asks."""


class Topic(enum.Enum):
    """What is told of; the value is the word in messages."""

    DIFFERENCE = "difference"
    CANNOT_LOOK = "cannot look"
    FIGHT = "fight"
    BREAKER = "breaker"
    MANIFESTS = "manifests"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that is so for a while, and that is told once."""

    topic: Topic
    id: str
    """The same as long as it is the same one; another one when it comes again."""
    scope: str | None
    """None: the whole service."""
    words: str
    """One line for people. Foreign text; whoever writes it somewhere escapes it."""
    since_s: float


def unknown_placeholders(template: str) -> tuple[str, ...]:
    """Give the placeholders that nothing fills, sorted. Raises ValueError where it isn't JSON."""
    found: set[str] = set()

    def look(node: object) -> None:
        if isinstance(node, str):
            found.update(PLACEHOLDER.findall(node))
        elif isinstance(node, list):
            for each in node:
                look(each)
        elif isinstance(node, dict):
            for each in (*node, *node.values()):
                look(each)

    look(json.loads(template))
    return tuple(sorted(found - PLACEHOLDERS))
