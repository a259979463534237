"""An Attachments document, read by hand: a model for each line would cost ten times.

`volumes` of a server, or `servers` of a volume, is required unless `others: keep` is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeGuard

from reconciler.manifest import scalars
from reconciler.manifest.gathered import AttachmentsDocument
from reconciler.manifest.nodes import VOID, ListNode, MapNode, Node, Pair, TextNode
from reconciler.manifest.reading import within
from reconciler.manifest.rows import check_once, optional, selector
from reconciler.model.declared import Entry, Listed, Ref, Side

if TYPE_CHECKING:
    from reconciler.manifest.reading import Reading
    from reconciler.model.declared import Selector

SPEC_KEYS = ("scope", "servers", "volumes")
_OTHERS = scalars.choice("keep")
_LISTED_KEY = {Side.SERVER: "volume", Side.VOLUME: "server"}
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
        for row in () if table is None else table.pairs.values():
            entry = _Row(reading, side, name).entry(row, key)
            if entry is not None:
                entries.append(entry)
    if written is None or text is None:
        return None
    scope = Ref(text=text, place=reading.place(written.value))
    return AttachmentsDocument(scope=scope, entries=tuple(entries))


def _plain(node: Node) -> TypeGuard[TextNode]:
    """Tell whether it is a name that nothing is wrong with, told at a glance."""
    if not isinstance(node, TextNode) or node.text in VOID:
        return False
    return node.text.isprintable() and node.text == node.text.strip()


@dataclass(frozen=True, slots=True)
class _Row:
    """One entry being read."""

    reading: Reading
    side: Side
    document: str

    @property
    def _key(self) -> str:
        return _LISTED_KEY[self.side]

    def entry(self, pair: Pair, side_key: str) -> Entry | None:
        """Give the entry; None when its own form was refused."""
        return self._plain(pair) or self._closely(pair, side_key)

    def _plain(self, pair: Pair) -> Entry | None:
        """Give an entry that is one list of names and nothing else; None for every other one."""
        table, key = pair.value, pair.key
        if not isinstance(table, MapNode) or len(table.pairs) > 1:
            return None
        written = table.pairs.get(f"{self._key}s")
        series = None if written is None else written.value
        if not isinstance(series, ListNode) or not _plain(key):
            return None
        refs = [self._ref(node) for node in series.children if _plain(node)]
        if len({ref.text for ref in refs}) < len(series.children):
            return None
        listed = tuple(Listed(ref=ref) for ref in refs)
        return Entry(side=self.side, owner=self._ref(key), listed=listed, document=self.document)

    def _ref(self, node: TextNode) -> Ref:
        return Ref(text=node.text, place=self.reading.place(node))

    def _closely(self, pair: Pair, side_key: str) -> Entry | None:
        assert isinstance(pair.key, TextNode)
        label = within(side_key, pair.key.text)
        owner = self._owner(pair.key, side_key)
        wanted = f"{self._key}s"
        table = self.reading.table(pair, label, (wanted, "absent", "others", "protect"))
        if table is None or owner is None:
            return None
        keeps = optional(self.reading, table, (label, "others"), _OTHERS) is not None
        protects = optional(self.reading, table, (label, "protect"), scalars.flag)
        listed, chosen = self._wanted(table, within(label, wanted))
        if wanted not in table.pairs and "others" not in table.pairs:
            hint = f"list them, `{wanted}: []` for none, or say `others: keep`"
            self.reading.missing_key(wanted, label, self.reading.place(pair.key), hint)
        absent = self._absent(table, within(label, "absent"))
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

    def _owner(self, key: TextNode, side_key: str) -> Ref | None:
        return self.reading.ref(key, f"a key of {side_key}", scalars.text)

    def _wanted(
        self,
        table: MapNode,
        label: str,
    ) -> tuple[tuple[Listed, ...] | None, Selector | None]:
        pair = table.pairs.get(f"{self._key}s")
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
        series = None if pair is None else self.reading.series(pair, label)
        if series is None:
            return ()
        refs = (
            self.reading.ref(child, f"{label}[{index}]", scalars.text)
            for index, child in enumerate(series.children)
        )
        return tuple(ref for ref in refs if ref is not None)
