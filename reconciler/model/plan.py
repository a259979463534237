"""A plan of one scope: what would change and what stands in the way. Speakers: planning, report."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.declared import Unmanaged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from reconciler.model.attachment import Attachment, AttachmentKey
    from reconciler.model.declared import Entry
    from reconciler.model.finding import Finding, Place
    from reconciler.model.hook import Errand
    from reconciler.model.memory import Memory, Protected
    from reconciler.model.record import NamedAttachment


class Action(enum.Enum):
    """What one line of a plan does."""

    ATTACH = "attach"
    DETACH = "detach"
    MOVE = "move"
    UPDATE = "update"
    DESTROY = "destroy"
    """A detach that deletes the volume for good."""
    KEEP = "keep"
    """Nothing to do; only listed where it can't be told yet (in motion, views disagree)."""


class Standing(enum.Enum):
    """Whether a change may be made."""

    PERMITTED = "permitted"
    REFUSED = "refused"
    IN_MOTION = "in motion"
    """The cloud is still at work on this volume, or on a server: nothing is made until it rests."""
    UNKNOWN = "unknown"
    """The views disagree and a second look didn't settle it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """What people call the two ends of a change."""

    server: str
    volume: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One attribute that differs: its glossary name, what it is and what it shall be."""

    attribute: str
    before: str
    after: str


Facts = dict[str, str | bool | list[str] | None]
"""Plain facts, ready to be compared and written as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of a plan.

    `key` is where the volume will be (attach, move, update, keep) or was (detach).
    """

    action: Action
    key: AttachmentKey
    name: Name
    reason: str
    """For people; nothing branches on it."""
    source: AttachmentKey | None = None
    """Moves only: where the volume leaves."""
    source_server: str = ""
    """The name of that server."""
    wanted: Attachment | None = None
    """None for a detach."""
    before: Attachment | None = None
    """None for an attach."""
    updates: tuple[Update, ...] = ()
    """What is set in place after an attach, or instead of one."""
    forced: bool = False
    """True where its detach is forced: what the guest hasn't written may be lost."""
    errands: tuple[Errand, ...] = ()
    """The hooks that run beside it, in their order."""
    standing: Standing = Standing.PERMITTED
    refusals: tuple[Finding, ...] = ()
    """Why it is refused, in motion or unknown; empty for a permitted change."""
    place: Place | None = None
    """The manifest line that asks for it."""
    precondition: Mapping[str, Facts] = field(default_factory=dict)
    """The facts that must still hold when a saved plan is applied, by `volume`, `server`, ..."""

    shareable: bool = False
    """Whether the volume may be on several servers, and so in a batch."""
    needs: tuple[AttachmentKey, ...] = ()
    """Attachments that must be gone before this one is made, sorted."""
    disks_after: int = 0
    """Arrivals only: the disks of the server when the whole plan is done."""

    @property
    def leaves(self) -> AttachmentKey | None:
        """The attachment that this change takes away, if any."""
        if self.action is Action.MOVE:
            return self.source
        return self.key if self.action in {Action.DETACH, Action.DESTROY} else None

    @property
    def arrives(self) -> AttachmentKey | None:
        """The attachment that this change makes, if any."""
        return self.key if self.action in {Action.ATTACH, Action.MOVE} else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedDrift:
    """A change that isn't made because somebody knows of the drift, and until when."""

    change: Change
    until: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The servers that the selector of a volume's entry matches now."""

    volume_id: str
    volume: str
    servers: tuple[tuple[str, str], ...]
    """Name and id of each, sorted."""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All changes of one scope, sorted by key, with the findings about it."""

    scope: str
    changes: tuple[Change, ...] = ()
    kept: tuple[AttachmentKey, ...] = ()
    """Owned and as wanted."""
    accepted: tuple[AcceptedDrift, ...] = ()
    """What would be changed, and is left as it is because a policy accepts it; sorted by key."""
    unmanaged: tuple[NamedAttachment, ...] = ()
    """Live and owned by nobody, or left to another controller; empty where nobody asks."""
    released: tuple[NamedAttachment, ...] = ()
    """What the last apply owned, is still there, and nobody names now."""
    owned: tuple[AttachmentKey, ...] = ()
    """What the manifests own when this plan is done: the rows that an apply records."""
    protected: tuple[Protected, ...] = ()
    """The rows that entries protect, and those that were protected before, where a change of them
    isn't made; sorted: an apply records them too."""
    matched: tuple[Matched, ...] = ()
    """One for each entry with a selector, sorted by volume id."""
    owed: tuple[Errand, ...] = ()
    """The hooks after attaches of earlier runs that never ended well, sorted: an apply runs them
    again."""
    findings: tuple[Finding, ...] = ()
    """Everything to be told, refusals of changes included, sorted."""
    refused_entries: int = 0
    """Findings of entries that can't be resolved, and approved changes that aren't planned now."""
    refusals: tuple[Finding, ...] = ()
    """What holds the whole scope back, the weightiest first; empty: nothing does."""
    to_type: int = 0
    """The number of detaches that has to be typed before this plan may be made; 0: none."""
    unselected: int = 0
    """Changes that `--target`, `--exclude` or the approval left out."""
    already: int = 0
    """Approved changes that are so already."""
    read_as: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    """By each glob of the selection that matches anything in this scope, how it is read, in words,
    and whether that reading alone matches all that any of them does."""
    named_to_force: Mapping[str, tuple[AttachmentKey, ...]] = field(default_factory=dict)
    """By each text that shall force a detach, the live attachments that it names."""

    def standing(self, standing: Standing) -> tuple[Change, ...]:
        """Give the changes that stand so."""
        return tuple(change for change in self.changes if change.standing is standing)

    @property
    def permitted(self) -> tuple[Change, ...]:
        """The changes that an apply would make."""
        return self.standing(Standing.PERMITTED)

    @property
    def refused(self) -> bool:
        """True when a guard of the scope's level holds the whole scope back."""
        return bool(self.refusals)

    @property
    def in_line(self) -> bool:
        """True when something is owned and nothing is left to do, to settle or to be told."""
        left = self.changes or self.released or self.owed or self.refused_entries
        return not (left or self.refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A change that a person approved, with the facts it was approved on."""

    action: Action
    key: AttachmentKey
    source: AttachmentKey | None
    updates: tuple[Update, ...]
    device: str | None
    precondition: Mapping[str, Facts]
    forced: bool = False
    cloud: str = ""
    """The cloud that it was approved for; empty: the one that is planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a plan depends on beside manifests and live state."""

    cloud: str = ""
    """Where the scope's ids mean what they mean."""
    asks_detach: bool = False
    """True: whoever looks at this plan will be asked for the number of detaches, where one is
    needed, before anything is sent."""
    ack_detach: int | None = None
    """The exact number of detaches that a person acknowledged for this scope."""
    applied: frozenset[NamedAttachment] | None = None
    """What the last apply owned; None when there is no record."""
    destroyed: frozenset[NamedAttachment] = frozenset()
    """What runs deleted for good, by the names that it had."""
    memories: tuple[Memory, ...] = ()
    """What manifests said before, and still holds this plan back."""
    undoes: bool = False
    """True: the entries are what takes a run back, and nobody wrote them."""
    protects: tuple[Entry, ...] = ()
    """What today's entries protect, where other rows than theirs are planned."""
    needs_memory: bool = False
    """True: without any memory nothing is taken away."""
    targets: tuple[str, ...] = ()
    """Globs `[SCOPE:]SERVER/VOLUME`; empty: everything."""
    excludes: tuple[str, ...] = ()
    unmanaged: Unmanaged = Unmanaged.REPORT
    """What is done about what nobody owns; ignored, it isn't even told."""
    documents: frozenset[str] = frozenset()
    """`metadata.name` of every document that has entries of the scope."""
    now: datetime | None = None
    """The time; None: nothing that depends on it holds."""
    enforced: bool = False
    """True for a plan that is about to be made: a closed window holds it back."""
    destroys: frozenset[str] | None = frozenset()
    """The volumes, by id or by a name that only one of the plan's destroys bears, that a person
    agreed to lose; None: whoever looks at this plan will be asked before anything is sent."""
    forces: tuple[str, ...] = ()
    """The attachments `[SCOPE:]SERVER/VOLUME`, named exactly, whose detach is forced."""
    owed: Mapping[AttachmentKey, str] = field(default_factory=dict)
    """The attachments whose last hook after an attach didn't end well, and how it ended."""
    unsettled: frozenset[AttachmentKey] = frozenset()
    """What calls of earlier runs may still change: nothing is planned for these volumes."""
    approved: tuple[Approved, ...] | None = None
    """The only changes that may be made; None: no approval narrows this plan."""
