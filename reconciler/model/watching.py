"""What a service that looks on a schedule sees and does.

Speakers: journal, operations, daemon, metrics, notify, web. Moments are seconds since 1970 (UTC);
what is a duration says so.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.finding import Finding
    from reconciler.model.outcome import Verdict
    from reconciler.model.plan import Action, Name

REMEMBERED_S = 7 * 86400.0
"""How long corrections hold others back, whatever a journal is kept for: longer than any pause, so
that what came back once a day is still the same fight."""


class Answer(enum.Enum):
    """Which two of live, applied and manifests differ; the value is the key of documents."""

    DRIFT = "drift"
    """Live differs from what was last applied; the manifests don't."""
    PENDING = "pending"
    """The manifests differ from what was last applied; live doesn't."""
    CONFLICT = "conflict"
    """Both differ from what was last applied, and from each other."""


class Kind(enum.Enum):
    """How it differs; the first four are of live, the others what an apply would do."""

    MISSING = "missing"
    ADDED = "added"
    MOVED = "moved"
    DISPUTED = "disputed"
    """The views disagree: nobody can say yet."""
    ATTACH = "attach"
    DETACH = "detach"
    MOVE = "move"
    UPDATE = "update"
    """An attribute of it is set otherwise; no record says what was applied."""
    DESTROY = "destroy"
    RELEASED = "released"
    """The last apply owned it and nobody names it now."""


class Judged(enum.Enum):
    """What one look says of one attachment; the value is the label of metrics and documents."""

    IN_LINE = "in line"
    DRIFT = "drift"
    PENDING = "pending"
    CONFLICT = "conflict"
    ACCEPTED = "accepted"
    """It would differ, and a policy accepts that for now."""
    IN_MOTION = "in motion"
    UNMANAGED = "unmanaged"
    """Nobody owns it."""


class Why(enum.Enum):
    """Why a difference is left as it is; the value is for documents."""

    OFF = "corrections are off"
    WAITS = "it waits for an apply"
    CONFLICT = "manifests and cloud both changed it"
    NEVER = "a service never destroys, resets or forces"
    REFUSED = "a guard refuses it"
    LOCKED = "another run changes this cloud"
    BUDGET = "maxDetachPerDay is used up"
    FAILED = "it failed before, and nothing about it changed"
    FIGHT = "somebody takes every correction back"
    BREAKER = "too many corrections failed"
    STOPPING = "the service is stopping"
    WRITTEN = "its manifests were written just now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Why a difference isn't corrected now."""

    why: Why
    words: str = ""
    """More of it, for people: numbers, a guard's summary. Foreign text; escape it."""
    until_s: float | None = None
    """When it may be tried again; None: something has to change first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One attachment of which live, applied and manifests don't agree.

    `key` is where it belongs; for `added` and `detach` where it is and doesn't belong.
    """

    answer: Answer
    kind: Kind
    key: AttachmentKey
    name: Name
    found_server_id: str = ""
    """Moved and conflict: the server that has it now; empty: none, or several."""
    found_server: str = ""
    first_s: float = 0.0
    """When a look saw it first."""
    last_s: float = 0.0
    """When the last look saw it."""
    gone_s: float | None = None
    """When a look didn't see it any more; None while it lasts."""
    run: str | None = None
    """The last run of the service that corrected it; None: none did."""
    held: Held | None = None
    """Why the last look left it; None: it was corrected, or is gone. Not kept in the journal."""

    @property
    def identity(self) -> tuple[AttachmentKey, str]:
        """What makes it the same difference in the next look, whatever its kind is then."""
        return self.key, self.answer.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What became of one change that the service made by itself."""

    key: AttachmentKey
    name: Name
    action: Action
    verdict: Verdict
    run: str
    at_s: float
    code: str = ""
    message: str = ""
    """The cloud's own words; foreign text."""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fight:
    """An attachment that came back at least twice after it was corrected."""

    key: AttachmentKey
    name: Name
    corrected: int
    """How often it was corrected lately."""
    until_s: float
    """It is left alone until then."""


class BreakerStanding(enum.Enum):
    """Whether a scope is corrected at all."""

    CLOSED = "closed"
    """Corrections are made."""
    OPEN = "open"
    """Too many runs in a row failed: looks only, until it rested or somebody resets it."""
    TRIAL = "trial"
    """It rested: one more run decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchBreaker:
    """What keeps a scope from being corrected over and over without success."""

    standing: BreakerStanding = BreakerStanding.CLOSED
    failures: int = 0
    """Runs in a row that left something failed or unknown."""
    since_s: float = 0.0
    """When it got to this standing."""
    until_s: float | None = None
    """Open only: when it has rested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAttachment:
    """One line of a scope's picture: live, or wanted and missing; boot volumes are left out."""

    key: AttachmentKey
    name: Name
    judged: Judged
    live: bool
    """False: it is wanted, or was applied, and no view shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One look at one scope and what was done about it."""

    scope: str
    began_s: float
    took_s: float
    """Seconds."""
    looked: bool
    """False: the scope couldn't be read; then only `findings` tell anything."""
    remembered: bool = True
    """False: nothing was ever applied: everything is held against the manifests instead."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Attachments by the value of `Judged`."""
    differences: tuple[Difference, ...] = ()
    """All that are there now, sorted; what was corrected in this tick included, with its run."""
    appeared: tuple[Difference, ...] = ()
    """Those that no look before saw."""
    gone: tuple[Difference, ...] = ()
    """Those that the last look saw and this one didn't."""
    corrections: tuple[Correction, ...] = ()
    fights: tuple[Fight, ...] = ()
    breaker: WatchBreaker = field(default_factory=WatchBreaker)
    findings: tuple[Finding, ...] = ()
    """Why it couldn't look or correct, and what guards had to say."""
    run: str | None = None
    """The run that corrected something; None: nothing was sent."""
    commit: str | None = None
    """The commit of the manifests in force; None where they aren't fetched from git."""
    requests: int = 0
    next_s: float | None = None
    """When it looks again; None: it doesn't."""
    provider: str = ""
    """Only in a tick that just happened and could look."""
    attachments: tuple[SeenAttachment, ...] = ()
    """The picture, sorted; only in a tick that just happened, not kept in the journal."""

    def of(self, answer: Answer) -> tuple[Difference, ...]:
        """Give the differences of one answer."""
        return tuple(one for one in self.differences if one.answer is answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifests:
    """The manifests that a service goes by."""

    read_s: float = 0.0
    """When those in force were read."""
    commit: str | None = None
    """Their commit, where they are fetched from git."""
    findings: tuple[Finding, ...] = ()
    """What is wrong with newer ones, which therefore aren't in force; empty: nothing."""
    refused_commit: str | None = None
    """The commit of those newer ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedScope:
    """One scope of a service."""

    name: str
    provider: str
    simulated: bool
    schedule: str
    """When it looks, as written: `every 5m`, `cron */10 * * * *`."""
    corrects: bool
    last: Tick | None = None
    """The last tick; None: none ended yet."""
    looked_s: float | None = None
    """When a look succeeded last; None: never."""
    ticking_s: float | None = None
    """Since when a tick goes on; None: none does."""
    next_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A whole service, at a moment."""

    version: str
    started_s: float
    manifests: Manifests
    scopes: tuple[WatchedScope, ...] = ()
    """Sorted by name."""
    stopping: bool = False

    @property
    def ready(self) -> bool:
        """True once every scope was looked at, whatever came of it."""
        return all(scope.last is not None for scope in self.scopes)
