"""Entries as written and a live listing -> what is desired, by the cloud's ids.

1. An id always wins; a name that two bear is refused; what doesn't exist is refused. Hexadecimal
   ids are compared without case: `0A1B...` and `0a1b...` are one server, and two entries of it.
2. A refused entry holds its row: nothing on it changes, and no volume it lists leaves.
3. Two entries for one row, or two rows that disagree, refuse the whole scope.
4. Where only attached volumes are shown, an id that isn't shown is taken as it is written, and a
   name that several bear means the one on the entry's own server.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.attachment import Attachment, AttachmentKey
from reconciler.model.declared import Listed, Ref, Side
from reconciler.model.finding import Finding
from reconciler.model.live import LeftOut
from reconciler.planning.selectors import matching

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from reconciler.model.declared import Entry, Selector
    from reconciler.model.finding import Place
    from reconciler.model.live import Live

    Row = tuple[Side, str]

HEX_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""What is an id and no name."""
_HEX_LENGTHS = (32, 36)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
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


class _Index:
    """Ids by id and by name, one side of a listing."""

    def __init__(
        self, side: Side, names: Mapping[str, str], *, every: bool = True, left: int = 0
    ) -> None:
        self.side = side
        self._every = every
        self._left = left
        self._names = names
        self._ids: dict[str, list[str]] = defaultdict(list)
        for identity, name in names.items():
            self._ids[name].append(identity)
        self._folded: dict[str, list[str]] | None = None

    def find(self, ref: Ref, scope: str, here: AbstractSet[str] = frozenset()) -> str | Finding:
        """Give the id that is meant; `here` are the ones that a name means before others."""
        if ref.text in self._names:
            return ref.text
        ids = self._ids.get(ref.text, [])
        if len(ids) > 1:
            ids = [identity for identity in ids if identity in here] or ids
        if len(ref.text) in _HEX_LENGTHS and HEX_ID.fullmatch(ref.text):
            # Someone's name may look like an id: what both mean is then ambiguous.
            ids = sorted({*ids, *self._in_other_case(ref.text)})
        if len(ids) == 1:
            return ids[0]
        if not (ids or self._every or self._left) and HEX_ID.fullmatch(ref.text):
            return ref.text.lower()
        word = self.side.value
        if ids:
            return Finding(
                code="ambiguous-name",
                summary=f"{len(ids)} {word}s bear the name `{ref.text}`: "
                + ", ".join(f"`{identity}`" for identity in sorted(ids)),
                hint="write the id instead of the name",
                place=ref.place,
                scope=scope,
            )
        if self._left:
            what = f"`{ref.text}` is none of the {len(self._names)} {word}s that it names"
            return _not_in_snapshot(scope, f"{what}, of {self._left} it has the count", ref.place)
        return Finding(
            code=f"{word}-not-found",
            summary=f"no {word} has the name or id `{ref.text}`, of {len(self._names)} live ones",
            hint=self._nearest(ref.text),
            place=ref.place,
            scope=scope,
        )

    def _in_other_case(self, text: str) -> Sequence[str]:
        if self._folded is None:
            self._folded = defaultdict(list)
            for identity in self._names:
                self._folded[identity.lower()].append(identity)
        return self._folded.get(text.lower(), [])

    def meant(self, text: str) -> tuple[str, ...]:
        """Give the ids that a refused text may have meant: its bearers, or the nearest name's."""
        names = [text] if text in self._ids else self._near(text)
        return tuple(identity for name in names for identity in sorted(self._ids[name]))

    def _near(self, text: str) -> list[str]:
        return difflib.get_close_matches(text, list(self._ids), n=1)

    def _nearest(self, text: str) -> str:
        near = self._near(text)
        if near:
            return f"did you mean `{near[0]}`?"
        if not self._every:
            return (
                "only attached volumes are shown here: a free one is written by its id, and one "
                "that doesn't exist has to be created first"
            )
        return (
            f"check the spelling, or list what is live with `reconciler live` ({self.side.value}s)"
        )


def resolve(entries: Sequence[Entry], live: Live) -> Desired:
    """Give what `entries` ask for in the scope of `live`; findings say the rest."""
    return _Resolution(live).run(entries)


class _Resolution:
    """One pass over the entries of a scope; filled once, then frozen into `Desired`."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._index = dict(_indices(live))
        self._on: dict[str, set[str]] = defaultdict(set)
        for key in () if live.shows_free else live.observed:
            self._on[key.server_id].add(key.volume_id)
        self._boots = {i for i, volume in live.volumes.items() if volume.boot}
        self._boots |= {key.volume_id for key, seen in live.observed.items() if seen.boot}
        self._rows: dict[Row, Entry] = {}
        self._wanted: dict[AttachmentKey, dict[Side, Listed]] = {}
        self._absent: dict[AttachmentKey, dict[Side, Place]] = {}
        self._matched: dict[str, tuple[str, ...]] = {}
        self._held: dict[Row, Finding] = {}
        self._protected: dict[Row, Entry] = {}
        self._entry_findings: list[Finding] = []
        self._scope_findings: list[Finding] = []

    def run(self, entries: Sequence[Entry]) -> Desired:
        for entry in entries:
            self._take(entry)
        self._scope_findings += self._contradictions()
        wanted = {key: self._merged(key, sides) for key, sides in self._wanted.items()}
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
        here = self._on.get(owner, set()) if isinstance(owner, str) else set()
        listed, absent, findings = self._members(entry, other, here)
        if isinstance(owner, Finding):
            self._entry_findings += [owner, *findings]
            self._hold_listed(entry, listed, owner)
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
            self._wanted.setdefault(key, {})[entry.side] = line
        for identity, ref in absent.items():
            self._absent.setdefault(self._key(row, identity), {})[entry.side] = ref.place

    def _protect(self, entry: Entry, owner: str | Finding) -> None:
        meant = self._index[entry.side].meant(entry.owner.text)
        ids = (owner,) if isinstance(owner, str) else meant
        self._protected |= {(entry.side, identity): entry for identity in ids}

    def _hold_listed(self, entry: Entry, listed: Mapping[str, Listed], why: Finding) -> None:
        # A volume that was meant for a server whose entry is refused must not leave its old one.
        if entry.side is Side.SERVER:
            self._held |= {(Side.VOLUME, identity): why for identity in listed}

    def _members(
        self, entry: Entry, other: Side, here: AbstractSet[str]
    ) -> tuple[dict[str, Listed], dict[str, Ref], list[Finding]]:
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
            elif found.code in {"ambiguous-name", "not-in-snapshot"}:
                findings.append(found)  # What doesn't exist is absent already: satisfied.
        return listed, absent, findings

    def _key(self, row: Row, member: str) -> AttachmentKey:
        side, owner = row
        if side is Side.SERVER:
            return AttachmentKey(self._live.scope, owner, member)
        return AttachmentKey(self._live.scope, member, owner)

    def _merged(self, key: AttachmentKey, sides: Mapping[Side, Listed]) -> Wanted:
        first, *others = sides.values()
        device, deletes = first.device, first.delete_on_termination
        if others:
            devices = {line.device for line in sides.values() if line.device is not None}
            flags = {f for line in sides.values() if (f := line.delete_on_termination) is not None}
            device, deletes = min(devices, default=None), min(flags, default=None)
            if len(devices) > 1 or len(flags) > 1:
                self._scope_findings.append(_otherwise(key, first.ref.place, others[0].ref.place))
        wanted = Attachment(key=key, device=device, delete_on_termination=deletes)
        return Wanted(attachment=wanted, place=first.ref.place)

    def _contradictions(self) -> Iterator[Finding]:
        for key, sides in self._wanted.items():
            for row in ((Side.SERVER, key.server_id), (Side.VOLUME, key.volume_id)):
                entry = None if row[0] in sides else self._rows.get(row)
                # A refused entry may only have misspelt it: it holds its row, and says so.
                if entry is None or row in self._held:
                    continue
                line = next(iter(sides.values()))
                if not entry.keeps_others or row[0] in self._absent.get(key, {}):
                    yield _disagreement(self._live.scope, entry, line.ref)
            for side in sides.keys() & self._absent[key].keys() if key in self._absent else ():
                yield _both(self._live.scope, sides[side].ref, self._absent[key][side])


def _indices(live: Live) -> Iterator[tuple[Side, _Index]]:
    """Give an index of each side; of what a snapshot has by id alone its row isn't known."""
    left = live.left_out or LeftOut(servers=0, volumes=0, attachments=0)
    servers = {i: s.name for i, s in live.servers.items() if i not in left.server_ends}
    volumes = {i: v.name for i, v in live.volumes.items() if i not in left.volume_ends}
    volumes |= {identity: identity for identity in left.unseen}
    yield Side.SERVER, _Index(Side.SERVER, servers, left=left.servers)
    yield Side.VOLUME, _Index(Side.VOLUME, volumes, every=live.shows_free, left=left.volumes)


def _chosen(
    live: Live, entry: Entry, selector: Selector, matched: Sequence[str]
) -> Iterator[Finding]:
    """Give what is wrong with what a selector matches."""
    asked = (frozenset(selector.tags.items()), selector.names)
    if live.left_out is not None and asked not in live.left_out.selectors:
        what = f"the selector of `{entry.owner.text}` is none of those it was made with"
        yield _not_in_snapshot(live.scope, what, selector.place)
    elif not matched and not selector.allow_empty:
        yield _nobody(live, entry, selector)


def _not_in_snapshot(scope: str, what: str, place: Place) -> Finding:
    return Finding(
        code="not-in-snapshot",
        summary=f"the snapshot doesn't tell: {what}",
        hint="have it planned by somebody with credentials; a snapshot holds what the manifests "
        "named when it was made",
        place=place,
        scope=scope,
    )


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
        summary=f"the selector of `{entry.owner.text}` matches none of {len(live.servers)} servers",
        hint=hint,
        place=selector.place,
        scope=live.scope,
    )
