"""Live, applied and manifests held against each other: drift, pending and conflict, kept apart.

1. What is compared is where a volume is. A volume that can't be shared is one value, the servers
   that have it; of one that can be shared each attachment is a value of its own.
2. Live alone changed: drift. The manifests alone changed: pending. Both, and not to the same:
   conflict. Both to the same: in line.
3. What nobody owned at the last apply didn't change by being there: a row that only newer
   manifests own takes it as something pending.
4. Boot volumes, accepted drift and what the cloud is at work on are no differences.
5. Without a record of an apply the manifests stand for it, and everything is drift.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.model.attachment import AttachmentKey
from reconciler.model.declared import Side
from reconciler.model.plan import Action, Name
from reconciler.model.watching import Answer, Difference, Judged, Kind, SeenAttachment
from reconciler.planning.ground import Seen, Wish

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.model.declared import Entry
    from reconciler.model.plan import Plan
    from reconciler.planning.ground import Ground

    Rows = frozenset[tuple[Side, str]]
    Keys = frozenset[AttachmentKey]

TAKEN = frozenset({Wish.UNWANTED, Wish.STRAY})
"""What an apply would take away; a stray was never an apply's, so it is never drift."""
JUDGED = {
    Answer.DRIFT: Judged.DRIFT,
    Answer.PENDING: Judged.PENDING,
    Answer.CONFLICT: Judged.CONFLICT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What the last apply left behind."""

    keys: Keys
    names: dict[AttachmentKey, Name]
    """What people called them then."""
    rows: Rows
    """The rows that were owned, those with `others: keep` left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What differs in one scope, and the picture of all its attachments; both sorted."""

    differences: tuple[Difference, ...]
    attachments: tuple[SeenAttachment, ...]
    remembered: bool
    moving: frozenset[str]
    """Volumes that the cloud is at work on: whether they differ can't be told now."""


def owned_rows(on: Ground) -> Rows:
    """Give the rows that the manifests own and whose other attachments they would take away."""
    return frozenset(row for row, entry in on.desired.rows.items() if not entry.keeps_others)


def compare(plan: Plan, on: Ground, entries: Sequence[Entry], rows: Rows) -> Comparison:
    """Compare the three; `rows` are those owned at the last apply, `entries` as they are written.

    Without a record of an apply `rows` means nothing.
    """
    applied = _applied(on, rows)
    look = _Look(
        plan=plan,
        on=on,
        applied=applied,
        accepted=frozenset(one.change.key for one in plan.accepted),
        written=frozenset(_written(entries)),
    )
    found = (one for group in look.groups() for one in look.judge(group))
    differences = tuple(sorted(found, key=lambda one: one.identity))
    return Comparison(
        differences=differences,
        attachments=tuple(_picture(look, differences)),
        remembered=on.circumstances.applied is not None,
        moving=on.moving,
    )


def _written(entries: Sequence[Entry]) -> Iterator[str]:
    """Give every name and id that entries own or list."""
    for entry in entries:
        yield entry.owner.text
        yield from (line.ref.text for line in entry.listed or ())


def _applied(on: Ground, rows: Rows) -> Applied:
    before = on.circumstances.applied
    if before is None:
        keys = frozenset(key for key in on.desired.wanted if not on.boot(key))
        return Applied(keys=keys, names={}, rows=owned_rows(on))
    named = {
        AttachmentKey(on.live.scope, row.server_id, row.volume_id): Name(
            server=row.server, volume=row.volume
        )
        for row in before
    }
    return Applied(keys=frozenset(named), names=named, rows=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """The three values of one volume, or of one attachment of a volume that can be shared."""

    applied: Keys
    live: Keys
    wanted: Keys


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One comparison."""

    plan: Plan
    on: Ground
    applied: Applied
    accepted: Keys
    written: frozenset[str]
    """The names and ids in the manifests, those that mean nothing live included."""

    def groups(self) -> Iterator[_Group]:
        """Give what is compared, sorted."""
        on = self.on
        keys = self.applied.keys | on.desired.wanted.keys() | on.live.observed.keys()
        groups: dict[tuple[str, str], set[AttachmentKey]] = defaultdict(set)
        for key in keys:
            if not on.boot(key) and key not in self.accepted and not on.in_motion(key):
                alone = key.server_id if on.shareable(key.volume_id) else ""
                groups[key.volume_id, alone].add(key)
        for _, members in sorted(groups.items()):
            mine = frozenset(members)
            yield _Group(
                applied=mine & self.applied.keys,
                live=mine & on.live.observed.keys(),
                wanted=mine & on.desired.wanted.keys(),
            )

    def judge(self, group: _Group) -> Iterator[Difference]:
        """Give the differences of one group, as the rules at the top say."""
        disputed = [key for key in sorted(group.live) if self._disputed(key)]
        if disputed:
            yield from (self._one(Answer.DRIFT, Kind.DISPUTED, key) for key in disputed)
            return
        missing = self._missing(group)
        came = sorted(key for key in group.live - group.applied - group.wanted if self._came(key))
        new = sorted(group.wanted - group.applied - group.live)
        dropped = sorted((group.applied & group.live) - group.wanted)
        if new and (missing or came or group.applied - group.live):
            yield from (self._arriving(Answer.CONFLICT, key, group) for key in new)
        elif missing:
            yield from (self._gone_from(key, group) for key in missing)
        elif came:
            both = bool(group.applied - group.live)
            answer = Answer.CONFLICT if both else Answer.DRIFT
            yield from (self._one(answer, Kind.ADDED, key) for key in came)
        elif new:
            yield from (self._arriving(Answer.PENDING, key, group) for key in new)
        else:
            yield from self._leaving(group, dropped)

    def _disputed(self, key: AttachmentKey) -> bool:
        if self.on.seen(key) is Seen.FOREIGN:
            # Storage still has it on a server of ours that compute doesn't show any more.
            return key in self.applied.keys and self._nameless(key)
        mine = key in self.applied.keys or self.on.wish(key) in {Wish.WANTED, Wish.UNWANTED}
        return mine and self.on.seen(key) in {Seen.COMPUTE_ONLY, Seen.STORAGE_ONLY}

    def _missing(self, group: _Group) -> list[AttachmentKey]:
        """Give what was applied, is still asked for, and isn't live."""
        lost = group.applied - group.live
        return sorted(key for key in lost if key in group.wanted or self._nameless(key))

    def _nameless(self, key: AttachmentKey) -> bool:
        """Tell whether an end of it is gone from the cloud while the manifests still name it."""
        name, live = self.applied.names.get(key), self.on.live
        if name is None or not self.on.desired.entry_findings:
            return False
        ends = (
            (key.server_id in live.servers, {key.server_id, name.server}),
            (key.volume_id in live.volumes or not live.shows_free, {key.volume_id, name.volume}),
        )
        return any(not there and words & self.written for there, words in ends)

    def _came(self, key: AttachmentKey) -> bool:
        """Tell whether it came since the last apply to a row that was owned then and is now."""
        ours = {(Side.SERVER, key.server_id), (Side.VOLUME, key.volume_id)} & self.applied.rows
        return bool(ours) and self.on.wish(key) is Wish.UNWANTED

    def _gone_from(self, key: AttachmentKey, group: _Group) -> Difference:
        elsewhere = sorted(group.live - group.wanted)
        kind = Kind.MOVED if elsewhere else Kind.MISSING
        return self._one(Answer.DRIFT, kind, key, elsewhere)

    def _arriving(self, answer: Answer, key: AttachmentKey, group: _Group) -> Difference:
        elsewhere = sorted(group.live - group.wanted)
        return self._one(answer, Kind.MOVE if elsewhere else Kind.ATTACH, key, elsewhere)

    def _leaving(self, group: _Group, dropped: list[AttachmentKey]) -> Iterator[Difference]:
        changes = {change.key: change.action for change in self.plan.changes}
        for key in dropped:
            if self.on.wish(key) in TAKEN:
                destroys = changes.get(key) is Action.DESTROY
                yield self._one(Answer.PENDING, Kind.DESTROY if destroys else Kind.DETACH, key)
            else:
                yield self._one(Answer.PENDING, Kind.RELEASED, key)
        for key in sorted(group.live - group.applied - group.wanted):
            if self.on.wish(key) in TAKEN:
                destroys = changes.get(key) is Action.DESTROY
                yield self._one(Answer.PENDING, Kind.DESTROY if destroys else Kind.DETACH, key)
        for key in sorted(group.live & group.wanted):
            if changes.get(key) is Action.UPDATE:
                yield self._one(Answer.PENDING, Kind.UPDATE, key)

    def _one(
        self,
        answer: Answer,
        kind: Kind,
        key: AttachmentKey,
        elsewhere: Iterable[AttachmentKey] = (),
    ) -> Difference:
        found = next(iter(elsewhere), None)
        return Difference(
            answer=answer,
            kind=kind,
            key=key,
            name=self.name(key),
            found_server_id=found.server_id if found is not None else "",
            found_server=self.on.name(found).server if found is not None else "",
        )

    def name(self, key: AttachmentKey) -> Name:
        """Give the names of today; of what is gone those of the last apply."""
        name, before = self.on.name(key), self.applied.names.get(key)
        if before is None:
            return name
        return Name(
            server=name.server if name.server != key.server_id else before.server,
            volume=name.volume if name.volume != key.volume_id else before.volume,
        )


def _picture(look: _Look, differences: Iterable[Difference]) -> Iterator[SeenAttachment]:
    """Give every attachment that is live, or wanted, or differs, and what is said of it."""
    on = look.on
    judged = {one.key: JUDGED[one.answer] for one in differences}
    expected = {*judged, *look.accepted, *on.desired.wanted}
    for key in sorted(expected | on.live.observed.keys()):
        if not on.boot(key):
            yield SeenAttachment(
                key=key,
                name=look.name(key),
                judged=judged.get(key) or _undisturbed(key, look),
                live=key in on.live.observed,
            )


def _undisturbed(key: AttachmentKey, look: _Look) -> Judged:
    """Give what is said of an attachment that doesn't differ."""
    if key in look.accepted:
        return Judged.ACCEPTED
    wish = look.on.wish(key)
    if wish in {Wish.UNOWNED, Wish.KEPT} and key not in look.applied.keys:
        return Judged.UNMANAGED
    return Judged.IN_MOTION if look.on.in_motion(key) else Judged.IN_LINE
