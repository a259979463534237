"""Entries as written and a live listing -> what is desired, by the cloud's ids.

1. An id always wins; a name that two bear is refused; what doesn't exist is refused. Hexadecimal
   ids are compared without case: `0A1B...` and `0a1b...` are one server, and two entries of it.
2. A refused entry holds its row: nothing on it changes, and no volume it lists leaves. Where its
   owner isn't clear, no volume leaves that it may mean, unless another entry owns that one.
3. Two entries for one row, or two rows that disagree, refuse the whole scope.
4. Where only attached volumes are shown, an id that isn't shown is taken as it is written, and a
   name that several bear means the one on the entry's own server.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.model.attachment import Attachment, AttachmentKey
from reconciler.model.counting import counted
from reconciler.model.declared import Listed, Ref, Side
from reconciler.model.finding import Finding
from reconciler.planning.names import indices, not_in_snapshot
from reconciler.planning.selectors import matching

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.model.declared import Entry, Selector
    from reconciler.model.finding import Place
    from reconciler.model.live import Live

    Row = tuple[Side, str]


class Wanted(Struct, frozen=True, gc=False):
    """An attachment that shall be, and the first line that says so."""

    attachment: Attachment
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """What the manifests ask of one scope, resolved."""

    wanted: Mapping[AttachmentKey, Wanted] = field(default_factory=dict)
    absent: Mapping[AttachmentKey, Place] = field(default_factory=dict)
    rows: Mapping[Row, Entry] = field(default_factory=dict)
    """The entry that owns each row, refused ones included."""
    matched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By the volume whose entry has a selector, the servers that it matches; both by id, sorted."""
    held: Mapping[Row, Finding] = field(default_factory=dict)
    """Rows on which nothing may change, and why."""
    protected: Mapping[Row, Entry] = field(default_factory=dict)
    """Rows of which nothing may be taken away; a name that isn't clear protects all it may mean."""
    entry_findings: tuple[Finding, ...] = ()
    scope_findings: tuple[Finding, ...] = ()


def resolve(entries: Sequence[Entry], live: Live) -> Desired:
    """Give what `entries` ask for in the scope of `live`; findings say the rest."""
    return _Resolution(live).run(entries)


class _Resolution:
    """One pass over the entries of a scope; filled once, then frozen into `Desired`."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._index = dict(indices(live))
        self._on: dict[str, set[str]] = defaultdict(set)
        for key in () if live.shows_free else live.observed:
            self._on[key.server_id].add(key.volume_id)
        self._rows: dict[Row, Entry] = {}
        self._wanted: dict[AttachmentKey, tuple[Side, Listed]] = {}
        """By the first line that says so."""
        self._again: dict[AttachmentKey, Listed] = {}
        """The line of the other side, where both ends list it."""
        self._absent: dict[AttachmentKey, dict[Side, Place]] = {}
        self._matched: dict[str, tuple[str, ...]] = {}
        self._held: dict[Row, Finding] = {}
        self._unclear: dict[Row, Finding] = {}
        """The volumes that a refused entry of a volume may be about."""
        self._protected: dict[Row, Entry] = {}
        self._entry_findings: list[Finding] = []
        self._scope_findings: list[Finding] = []

    def run(self, entries: Sequence[Entry]) -> Desired:
        for entry in entries:
            self._take(entry)
        unclear = {row: why for row, why in self._unclear.items() if row not in self._rows}
        self._held = {**unclear, **self._held}
        self._scope_findings += self._contradictions()
        wanted = {
            key: Wanted(Attachment(key, line.device, line.delete_on_termination), line.ref.place)
            for key, (_, line) in self._wanted.items()
        }
        wanted |= {key: self._merged(key) for key in self._again}
        return Desired(
            wanted=wanted,
            absent={key: next(iter(sides.values())) for key, sides in self._absent.items()},
            rows=self._rows,
            matched=dict(sorted(self._matched.items())),
            held=self._held,
            protected=self._protected,
            entry_findings=tuple(sorted(self._entry_findings, key=lambda f: f.order)),
            scope_findings=tuple(sorted(self._scope_findings, key=lambda f: f.order)),
        )

    def _take(self, entry: Entry) -> None:
        other = Side.VOLUME if entry.side is Side.SERVER else Side.SERVER
        owner = self._index[entry.side].find(entry.owner, self._live.scope)
        if entry.protects:
            self._protect(entry, owner)
        listed, absent, findings = self._members(entry, other, owner)
        if isinstance(owner, Finding):
            self._entry_findings += [owner, *findings]
            self._hold_listed(entry, listed, owner)
            self._hold_meant(entry, owner)
            return
        if entry.side is Side.VOLUME and owner in self._boots:
            findings.append(_boots(self._live.scope, entry.owner))
        row = (entry.side, owner)
        if row in self._rows:
            self._scope_findings.append(_twice(self._live.scope, entry, self._rows[row]))
            return
        self._rows[row] = entry
        self._entry_findings += findings
        if entry.selector is not None:
            self._matched[owner] = tuple(sorted(listed))
        if findings:
            self._held[row] = findings[0]
            self._hold_listed(entry, listed, findings[0])
        for identity, line in listed.items():
            key = self._key(row, identity)
            first = self._wanted.setdefault(key, (entry.side, line))
            if first[0] is not entry.side:
                self._again[key] = line
        for identity, ref in absent.items():
            self._absent.setdefault(self._key(row, identity), {})[entry.side] = ref.place

    @cached_property
    def _boots(self) -> frozenset[str]:
        """The volumes that something boots from; only entries of volumes want to know."""
        listed = {i for i, volume in self._live.volumes.items() if volume.boot}
        seen = {key.volume_id for key, one in self._live.observed.items() if one.boot}
        return frozenset(listed | seen)

    def _protect(self, entry: Entry, owner: str | Finding) -> None:
        meant = self._index[entry.side].meant(entry.owner.text)
        ids = (owner,) if isinstance(owner, str) else meant
        self._protected |= {(entry.side, identity): entry for identity in ids}

    def _hold_listed(self, entry: Entry, listed: Mapping[str, Listed], why: Finding) -> None:
        # A volume that was meant for a server whose entry is refused must not leave its old one.
        if entry.side is Side.SERVER:
            self._held |= {(Side.VOLUME, identity): why for identity in listed}

    def _hold_meant(self, entry: Entry, why: Finding) -> None:
        # Its servers may own their rows, and don't list it where a volume has another name.
        if entry.side is Side.VOLUME:
            meant = self._index[Side.VOLUME].meant(entry.owner.text)
            self._unclear |= {(Side.VOLUME, identity): why for identity in meant}

    def _members(
        self, entry: Entry, other: Side, owner: str | Finding
    ) -> tuple[dict[str, Listed], dict[str, Ref], list[Finding]]:
        here = self._on.get(owner, set()) if isinstance(owner, str) else set()
        findings: list[Finding] = []
        listed: dict[str, Listed] = {}
        lines = entry.listed or ()
        lists_volumes = other is Side.VOLUME
        if entry.selector is not None:
            servers, place = self._live.servers, entry.owner.place
            matched = matching(entry.selector, servers)
            lines = tuple(Listed(ref=Ref(text=identity, place=place)) for identity in matched)
            findings += _chosen(self._live, entry, entry.selector, matched)
        for line in lines:
            found = self._index[other].find(line.ref, self._live.scope, here)
            if isinstance(found, Finding):
                findings.append(found)
                # A misspelt volume must not leave the place that it has: it was to be moved.
                for identity in self._index[other].meant(line.ref.text) if lists_volumes else ():
                    self._held.setdefault((Side.VOLUME, identity), found)
            elif found in listed:
                findings.append(_listed_twice(self._live.scope, line.ref, listed[found].ref))
            else:
                listed[found] = line
        absent: dict[str, Ref] = {}
        for ref in entry.absent:
            found = self._index[other].find(ref, self._live.scope, here)
            if isinstance(found, str):
                absent[found] = ref
            elif found.code.endswith("-not-found"):
                # What doesn't exist is absent already: satisfied, unless it only looks so.
                alike = self._index[other].alike(ref.text) if isinstance(owner, str) else ()
                row = (entry.side, str(owner))
                there = (one for one in alike if self._key(row, one) in self._live.observed)
                findings += [_alike(self._live.scope, entry, ref, one) for one in there]
            elif not self._index[other].elsewhere(ref.text, here):
                findings.append(found)
        return listed, absent, findings

    def _key(self, row: Row, member: str) -> AttachmentKey:
        side, owner = row
        if side is Side.SERVER:
            return AttachmentKey(self._live.scope, owner, member)
        return AttachmentKey(self._live.scope, member, owner)

    def _merged(self, key: AttachmentKey) -> Wanted:
        """Give what both of its ends ask for; `min` is for the same plan from any order."""
        first, second = lines = (self._wanted[key][1], self._again[key])
        devices = {line.device for line in lines if line.device is not None}
        flags = {f for line in lines if (f := line.delete_on_termination) is not None}
        device, deletes = min(devices, default=None), min(flags, default=None)
        if len(devices) > 1 or len(flags) > 1:
            self._scope_findings.append(_otherwise(key, first.ref.place, second.ref.place))
        wanted = Attachment(key=key, device=device, delete_on_termination=deletes)
        return Wanted(attachment=wanted, place=first.ref.place)

    def _contradictions(self) -> Iterator[Finding]:
        owned = {side: {row_id for of, row_id in self._rows if of is side} for side in Side}
        for key, (side, line) in self._wanted.items():
            if side is Side.SERVER:
                row = (Side.VOLUME, key.volume_id)
            else:
                row = (Side.SERVER, key.server_id)
            # A refused entry may only have misspelt it: it holds its row, and says so.
            if row[1] not in owned[row[0]] or key in self._again or row in self._held:
                continue
            entry = self._rows[row]
            if not entry.keeps_others or row[0] in self._absent.get(key, {}):
                yield _disagreement(self._live.scope, entry, line.ref)
        for key, places in self._absent.items():
            for side, line in self._lines(key):
                if side in places:
                    yield _both(self._live.scope, line.ref, places[side])

    def _lines(self, key: AttachmentKey) -> Iterator[tuple[Side, Listed]]:
        """Give the lines that want an attachment, with the side that each is of."""
        if key in self._wanted:
            side, line = self._wanted[key]
            yield side, line
            if key in self._again:
                yield (Side.VOLUME if side is Side.SERVER else Side.SERVER), self._again[key]


def _chosen(
    live: Live, entry: Entry, selector: Selector, matched: Sequence[str]
) -> Iterator[Finding]:
    """Give what is wrong with what a selector matches."""
    asked = (frozenset(selector.tags.items()), selector.names)
    if live.left_out is not None and asked not in live.left_out.selectors:
        what = f"the selector of `{entry.owner.text}` is none of those it was made with"
        yield not_in_snapshot(live.scope, what, selector.place)
    elif not matched and not selector.allow_empty:
        yield _nobody(live, entry, selector)


def _otherwise(key: AttachmentKey, first: Place, second: Place) -> Finding:
    return Finding(
        code="contradiction",
        summary=f"the entries of server and volume ask for `{key}` in different ways",
        hint="write device and deleteOnTermination in one of the two places only",
        place=first,
        also=(second,),
        scope=key.scope,
    )


def _boots(scope: str, ref: Ref) -> Finding:
    return Finding(
        code="boot-volume",
        summary=f"`{ref.text}` is a boot volume: it is never owned",
        hint="take its entry out; what a server boots from stays with it",
        place=ref.place,
        scope=scope,
    )


def _disagreement(scope: str, entry: Entry, ref: Ref) -> Finding:
    owner = f"{entry.side.value} entry `{entry.owner.text}`"
    return Finding(
        code="contradiction",
        summary=f"`{ref.text}` is listed here, but the {owner} owns its row and doesn't list it",
        hint="list it in both places, or take one of the two entries away",
        place=ref.place,
        also=(entry.owner.place,),
        scope=scope,
    )


def _both(scope: str, ref: Ref, absent: Place) -> Finding:
    return Finding(
        code="contradiction",
        summary=f"`{ref.text}` is listed and under `absent:` in one entry",
        hint="keep one of the two lines",
        place=ref.place,
        also=(absent,),
        scope=scope,
    )


def _twice(scope: str, entry: Entry, first: Entry) -> Finding:
    return Finding(
        code="duplicate-entry",
        summary=f"`{entry.owner.text}` and `{first.owner.text}` are one {entry.side.value}",
        hint="merge the two entries into one",
        place=entry.owner.place,
        also=(first.owner.place,),
        scope=scope,
    )


def _alike(scope: str, entry: Entry, ref: Ref, identity: str) -> Finding:
    other = Side.VOLUME if entry.side is Side.SERVER else Side.SERVER
    return Finding(
        code=f"{other.value}-not-found",
        summary=f"no {other.value} has the name `{ref.text}`, and the one on "
        f"`{entry.owner.text}` whose name looks the same is `{identity}`",
        hint="write that id: the names differ in blanks or in how letters are encoded",
        place=ref.place,
        scope=scope,
    )


def _listed_twice(scope: str, ref: Ref, first: Ref) -> Finding:
    return Finding(
        code="duplicate-listing",
        summary=f"`{ref.text}` and `{first.text}` in one list are the same",
        hint="keep one of the two lines",
        place=ref.place,
        also=(first.place,),
        scope=scope,
    )


def _nobody(live: Live, entry: Entry, selector: Selector) -> Finding:
    hint = "mend tags or names, or say `allowEmpty: true` if none is meant"
    if selector.tags and not any(server.tags for server in live.servers.values()):
        hint = "the cloud tells no tag of any server: choose by `names`, or list the servers"
    return Finding(
        code="selector-empty",
        summary=f"the selector of `{entry.owner.text}` matches none of "
        f"{counted(len(live.servers), 'server')}",
        hint=hint,
        place=selector.place,
        scope=live.scope,
    )
