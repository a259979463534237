"""What the journal keeps. Speakers: execution, journal, operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reconciler.model.call import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which cloud a record is about; two scopes with one identity are an error."""

    provider: str
    endpoint: str
    project: str
    region: str

    def __str__(self) -> str:
        return f"{self.provider}|{self.endpoint}|{self.project}|{self.region}"

    @property
    def cloud(self) -> str:
        """Where ids mean what they mean, whoever asks for them.

        Without the project: of Samsung only the key is known, and who plans may have another one.
        """
        return f"{self.provider}|{self.endpoint}|{self.region}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A call that is about to leave."""

    run: str
    step_id: str
    label: str
    """What people call it, for whoever reads the journal at night."""
    call: Call


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIntent:
    """A call that left, or was about to, cut to the attachments whose end nobody knows."""

    intent_id: int
    run: str
    step_id: str
    label: str
    call: Call
    handle: str | None
    age_s: float
    """Seconds since the intent was written."""


class NamedAttachment(NamedTuple):
    """An attachment by the cloud's ids, and what people call its two ends."""

    server_id: str
    volume_id: str
    server: str
    volume: str
