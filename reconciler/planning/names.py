"""What names and ids mean in one listing; see `resolve` for the rules."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.model.counting import counted
from reconciler.model.declared import Side
from reconciler.model.finding import Finding
from reconciler.model.live import LeftOut

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from reconciler.model.declared import Ref
    from reconciler.model.finding import Place
    from reconciler.model.live import Live

HEX_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""What is an id and no name."""
_HEX_LENGTHS = (32, 36)


class Index:
    """Ids by id and by name, one side of a listing."""

    def __init__(
        self, side: Side, names: Mapping[str, str], *, every: bool = True, left: int = 0
    ) -> None:
        self.side = side
        self._every = every
        self._left = left
        self._names = names
        self._ids: dict[str, str] = {}
        self._more: dict[str, list[str]] = {}
        """Of a name that several bear, all of them."""
        for identity, name in names.items():
            first = self._ids.setdefault(name, identity)
            if first is not identity:
                self._more.setdefault(name, [first]).append(identity)
        self._folded: dict[str, list[str]] | None = None
        self._seen: dict[str, list[str]] | None = None

    def find(self, ref: Ref, scope: str, here: AbstractSet[str] = frozenset()) -> str | Finding:
        """Give the id that is meant; `here` are the ones that a name means before others."""
        if ref.text in self._names:
            return ref.text
        ids = self._bearers(ref.text)
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
            what = f"`{ref.text}` is none of the {counted(len(self._names), word)} that it names"
            return not_in_snapshot(scope, f"{what}, of {self._left} it has the count", ref.place)
        return Finding(
            code=f"{word}-not-found",
            summary=f"no {word} has the name or id `{ref.text}`, of "
            f"{counted(len(self._names), 'live one')}",
            hint=self._nearest(ref.text),
            place=ref.place,
            scope=scope,
        )

    def _bearers(self, name: str) -> Sequence[str]:
        first = self._ids.get(name)
        return () if first is None else self._more.get(name) or (first,)

    def _in_other_case(self, text: str) -> Sequence[str]:
        if self._folded is None:
            self._folded = defaultdict(list)
            for identity in self._names:
                self._folded[identity.lower()].append(identity)
        return self._folded.get(text.lower(), [])

    def meant(self, text: str) -> tuple[str, ...]:
        """Give the ids that a refused text may have meant: its bearers, or the nearest name's."""
        names = [text] if text in self._ids else self._near(text)
        return tuple(identity for name in names for identity in sorted(self._bearers(name)))

    def alike(self, text: str) -> tuple[str, ...]:
        """Give the ids of what bears another name that a person can't tell from this one."""
        if self._seen is None:
            self._seen = defaultdict(list)
            for identity, name in self._names.items():
                self._seen[_looks(name)].append(identity)
        return tuple(sorted(self._seen.get(_looks(text), ())))

    def elsewhere(self, text: str, here: AbstractSet[str]) -> bool:
        """Tell whether a name that several bear means nothing here.

        Where a volume is shown on its server or nowhere, the name of one is that server's alone.
        """
        bearers = self._bearers(text)
        local = bool(bearers) and not (self._every or HEX_ID.fullmatch(text))
        return local and here.isdisjoint(bearers)

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


def _looks(name: str) -> str:
    """Give a name as it looks: `é` is one letter or two, and nobody sees a blank at the end."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def indices(live: Live) -> Iterator[tuple[Side, Index]]:
    """Give an index of each side; of what a snapshot has by id alone its row isn't known."""
    left = live.left_out or LeftOut(servers=0, volumes=0, attachments=0)
    servers = {i: s.name for i, s in live.servers.items() if i not in left.server_ends}
    volumes = {i: v.name for i, v in live.volumes.items() if i not in left.volume_ends}
    volumes |= {identity: identity for identity in left.unseen}
    yield Side.SERVER, Index(Side.SERVER, servers, left=left.servers)
    yield Side.VOLUME, Index(Side.VOLUME, volumes, every=live.shows_free, left=left.volumes)


def not_in_snapshot(scope: str, what: str, place: Place) -> Finding:
    """Give what refuses to guess about what a snapshot left out."""
    return Finding(
        code="not-in-snapshot",
        summary=f"the snapshot doesn't tell: {what}",
        hint="have it planned by somebody with credentials; a snapshot holds what the manifests "
        "named when it was made",
        place=place,
        scope=scope,
    )
