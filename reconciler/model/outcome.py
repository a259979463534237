"""Answers of a cloud and what became of a call. Speakers: providers, execution, journal, report."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.attachment import AttachmentKey


class Answer(enum.Enum):
    """What the answer to a changing call says, at once."""

    ACCEPTED = "accepted"
    """It will happen; whether it did, only the views can tell."""
    ALREADY = "already"
    """The cloud says that it is so; to be confirmed by looking."""
    BUSY = "busy"
    """Nothing happened, and the same call may pass later."""
    REFUSED = "refused"
    """Nothing happened, and the same call won't pass."""
    DENIED = "denied"
    """Nothing happened, and no other call with these credentials will pass either."""
    UNKNOWN = "unknown"
    """It may have happened; only the views can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The answer to one call. `handle` names its job where it has one."""

    answer: Answer
    handle: str | None = None
    code: str = ""
    message: str = ""
    request_id: str = ""
    retry_after_s: float | None = None
    look: bool = False
    """True for a BUSY or REFUSED whose words don't tell which: the views may show that it is so
    already, or that the cloud is at work, and are asked before the answer is believed."""


class JobState(enum.Enum):
    """What a job says of itself; a hint about when to look, never the truth."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    GONE = "gone"
    """The cloud doesn't know it (any more); says nothing about what it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How a job is doing; `parts` are its sub-jobs by server id, where it names them.

    `took_s` is from its beginning to its end by the cloud's own clock; None where that isn't told.
    """

    state: JobState
    code: str = ""
    message: str = ""
    request_id: str = ""
    took_s: float | None = None
    parts: Mapping[str, Progress] = field(default_factory=dict)


class Verdict(enum.Enum):
    """The truth about one change after its step ended."""

    DONE = "done"
    """Every view that the provider has agrees that it is so."""
    REFUSED = "refused"
    """It was never accepted: nothing happened."""
    FAILED = "failed"
    """It was accepted and looking shows that it did not happen."""
    UNKNOWN = "unknown"
    """Nobody can tell yet; the next run looks before it does anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one attachment's part of a step, with the cloud's own words."""

    verdict: Verdict
    code: str = ""
    message: str = ""
    request_id: str = ""
    after_attach: str = ""
    """What went wrong with the hook after an attach that is done; empty: nothing did."""
    took_s: float | None = None
    """How long after its call the change is thought to have ended; None where nobody asked."""


Outcomes = Mapping[AttachmentKey, Outcome]
