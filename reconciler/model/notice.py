"""Who is told what a service sees. Speakers: manifest, operations, notify, journal."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.declared import SecretRef


class NoticeFormat(enum.Enum):
    """What is sent to a webhook; the value is the manifest's word."""

    JSON = "json"
    """Everything, a row each."""
    SLACK = "slack"
    """One text, escaped as Slack asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredWebhook:
    """One address that is told, as written."""

    name: str
    """Schedule and number, `nightly/1`: what people and metrics call it. The URL is a secret."""
    url: SecretRef
    format: NoticeFormat = NoticeFormat.JSON
    key: SecretRef | None = None
    """What signs it; None: nothing does."""
    body: str | None = None
    """JSON with placeholders, sent instead of the format; None: the format."""


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
