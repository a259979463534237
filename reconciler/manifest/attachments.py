"""An Attachments document, read by hand: a model for each line would cost ten times.

`volumes` of a server, or `servers` of a volume, is required unless `others: keep` is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.manifest import scalars
from reconciler.manifest.gathered import AttachmentsDocument
from reconciler.manifest.nodes import VOID, ListNode, MapNode, Node, Pair, TextNode
from reconciler.manifest.reading import within
from reconciler.manifest.rows import check_once, optional, selector
from reconciler.model.declared import Entry, Listed, Ref, Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.manifest.reading import Reading
    from reconciler.model.declared import Selector

SPEC_KEYS = ("scope", "servers", "volumes")
_OTHERS = scalars.choice("keep")
_LISTED_KEY = {Side.SERVER: "volume", Side.VOLUME: "server"}
_WANTED_KEY = {Side.SERVER: "volumes", Side.VOLUME: "servers"}
_SIDES = {"servers": Side.SERVER, "volumes": Side.VOLUME}


def attachments(reading: Reading, document: Ref | None, pair: Pair) -> AttachmentsDocument | None:
    """Give the entries of the document; None when its spec or its scope was refused."""
    spec = reading.table(pair, "spec", SPEC_KEYS)
    if spec is None:
        return None
    written = spec.pairs.get("scope")
    if written is None:
        reading.missing_key("scope", "spec", reading.place(pair.key))
    text = None if written is None else reading.value(written, "scope", scalars.text)
    name = "" if document is None else document.text
    entries: list[Entry] = []
    for key, side in _SIDES.items():
        rows = spec.pairs.get(key)
        table = None if rows is None else reading.table(rows, key)
        if table is not None:
            section = _Section(reading, side, key, name)
            entries += filter(None, map(section.entry, table.pairs.values()))
    if written is None or text is None:
        return None
    scope = Ref(text=text, place=reading.place(written.value))
    return AttachmentsDocument(scope=scope, entries=tuple(entries))


@dataclass(frozen=True, slots=True)
class _Section:
    """The entries under `servers` or `volumes` being read."""

    reading: Reading
    side: Side
    label: str
    document: str

    @property
    def _key(self) -> str:
        return _LISTED_KEY[self.side]

    @property
    def _wanted_key(self) -> str:
        return _WANTED_KEY[self.side]

    def entry(self, pair: Pair) -> Entry | None:
        """Give the entry; None when its own form was refused."""
        return self._plain(pair) or self._closely(pair)

    def _plain(self, pair: Pair) -> Entry | None:
        """Give an entry that is one list of names and nothing else; None for every other one."""
        table = pair.value
        if not isinstance(table, MapNode) or len(table.pairs) > 1:
            return None
        written = table.pairs.get(self._wanted_key)
        series = None if written is None else written.value
        if not isinstance(series, ListNode):
            return None
        refs = self._names([*series.children, pair.key])
        if refs is None:
            return None
        owner = refs.pop()
        if len(refs) > 1 and len({ref.text for ref in refs}) < len(refs):
            return None
        listed = tuple([Listed(ref=ref) for ref in refs])
        return Entry(side=self.side, owner=owner, listed=listed, document=self.document)

    def _names(self, nodes: Iterable[Node]) -> list[Ref] | None:
        """Give names that nothing is wrong with, told at a glance; None when one isn't."""
        place = self.reading.source.place
        refs = []
        for node in nodes:
            if not isinstance(node, TextNode):
                return None
            text = node.text
            if text in VOID or not text.isprintable() or text != text.strip():
                return None
            refs.append(Ref(text=text, place=place(node.line, node.column)))
        return refs

    def _closely(self, pair: Pair) -> Entry | None:
        assert isinstance(pair.key, TextNode)
        label = within(self.label, pair.key.text)
        owner = self.reading.ref(pair.key, f"a key of {self.label}", scalars.text)
        wanted = self._wanted_key
        table = self.reading.table(pair, label, (wanted, "absent", "others", "protect"))
        if table is None or owner is None:
            return None
        keeps = optional(self.reading, table, (label, "others"), _OTHERS) is not None
        protects = optional(self.reading, table, (label, "protect"), scalars.flag)
        listed, chosen = self._wanted(table, within(label, wanted))
        if wanted not in table.pairs and "others" not in table.pairs:
            hint = f"list them, `{wanted}: []` for none, or say `others: keep`"
            self.reading.missing_key(wanted, label, self.reading.place(pair.key), hint)
        absent = self._absent(table, label)
        check_once(self.reading.notes, label, listed or (), absent)
        return Entry(
            side=self.side,
            owner=owner,
            listed=listed,
            selector=chosen,
            absent=absent,
            keeps_others=keeps,
            protects=protects is True,
            document=self.document,
        )

    def _wanted(
        self,
        table: MapNode,
        label: str,
    ) -> tuple[tuple[Listed, ...] | None, Selector | None]:
        pair = table.pairs.get(self._wanted_key)
        if pair is None:
            return None, None
        if self.side is Side.VOLUME and isinstance(pair.value, MapNode):
            return None, selector(self.reading, pair, label)
        series = self.reading.series(pair, label)
        if series is None:
            return None, None
        lines = (
            self._line(child, f"{label}[{index}]") for index, child in enumerate(series.children)
        )
        return tuple(line for line in lines if line is not None), None

    def _line(self, node: Node, label: str) -> Listed | None:
        if not isinstance(node, MapNode):
            ref = self.reading.ref(node, label, scalars.text)
            return None if ref is None else Listed(ref=ref)
        keys = (self._key, "device", "deleteOnTermination")
        self.reading.table(Pair(node, node), label, keys)
        named = node.pairs.get(self._key)
        if named is None:
            self.reading.missing_key(self._key, label, self.reading.place(node))
        text = optional(self.reading, node, (label, keys[0]), scalars.text)
        device = optional(self.reading, node, (label, keys[1]), scalars.device)
        deletes = optional(self.reading, node, (label, keys[2]), scalars.flag)
        if named is None or text is None:
            return None
        ref = Ref(text=text, place=self.reading.place(named.value))
        return Listed(ref=ref, device=device, delete_on_termination=deletes)

    def _absent(self, table: MapNode, label: str) -> tuple[Ref, ...]:
        pair = table.pairs.get("absent")
        series = None if pair is None else self.reading.series(pair, within(label, "absent"))
        if series is None:
            return ()
        refs = (
            self.reading.ref(child, f"{label}.absent[{index}]", scalars.text)
            for index, child in enumerate(series.children)
        )
        return tuple(ref for ref in refs if ref is not None)
