"""From YAML events to documents with places, bounded before memory is spent.

1. Nothing is constructed by the YAML library: a scalar stays the text that was written.
2. Anchors, aliases, tags and merge keys are refused; so is a key twice, at any depth.
3. Depth is counted on the events, so that the 33rd bracket ends the file, not the process.
4. What stands under `credentials` is hidden before any place of its document is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import yaml

from reconciler.manifest.nodes import ListNode, MapNode, Node, Pair, TextNode
from reconciler.manifest.pending import EnoughError, Pending, at, known
from reconciler.manifest.source import FORBIDDEN
from reconciler.manifest.words import quoted
from reconciler.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.manifest.notes import Notes
    from reconciler.manifest.source import Source

MAX_DEPTH = 32
LOADER = cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))
"""libyaml's parser where PyYAML was built with it (20 times as fast), else the one in Python."""
DROPPED = TextNode("", plain=False, line=0, column=0)
"""Stands for a key that was refused: its value is read and forgotten."""


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document; `usable` is False when parts of it were refused and are missing."""

    source: Source
    root: Node
    usable: bool


@dataclass(slots=True)
class _Frame:
    """A collection that is still open; `key` waits for its value."""

    node: ListNode | MapNode
    key: TextNode | None = None
    opens_key: bool = False
    """True for a collection that stands where a key should be."""


def documents(source: Source, notes: Notes) -> Iterator[Document]:
    """Give the documents of a file in order, without the empty ones."""
    builder = _Builder(source, notes)
    found = False
    try:
        for event in yaml.parse(source.raw, Loader=LOADER):
            document = builder.feed(event)
            if document is not None:
                found = True
                yield document
    except (yaml.YAMLError, EnoughError) as error:
        builder.abort(error)
        return
    if not found:
        words = ("the file holds no document", "write a manifest into it, or delete it")
        notes.remark(Severity.WARNING, "empty-file", words, source.place(1, 1))


class _Builder:
    """Eats events one by one; `feed` gives a document when its last event was eaten."""

    def __init__(self, source: Source, notes: Notes) -> None:
        self._source = source
        self._notes = notes
        self._begin(1)

    def feed(self, event: yaml.Event) -> Document | None:
        """Give the document that this event completes; None for every other event."""
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.CollectionStartEvent():
                self._open(event)
            case yaml.CollectionEndEvent():
                self._close(event)
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.DocumentStartEvent():
                self._begin(known(event.start_mark).line + 1)
            case yaml.DocumentEndEvent():
                return self._finish()
        return None

    def abort(self, error: Exception) -> None:
        """Note why the reading of the file ended early; nothing after it was looked at."""
        self._notes.complete = False
        self._source.hide_after_credentials(self._first_line)
        if isinstance(error, yaml.YAMLError):
            self._pending.add_syntax(error, self._first_line)
        self._pending.flush()

    def _begin(self, line: int) -> None:
        self._first_line = line
        self._last_line = line
        self._stack: list[_Frame] = []
        self._root: Node | None = None
        self._pending = Pending(self._source, self._notes)
        self._usable = True
        self._secret: tuple[int, int] | None = None

    def _finish(self) -> Document | None:
        self._pending.flush()
        root = self._root
        if root is None or (isinstance(root, TextNode) and root.void and not root.text):
            return None
        if not self._usable:
            self._notes.complete = False
        return Document(self._source, root, self._usable)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        mark, end = event.start_mark, event.end_mark
        assert mark is not None
        assert end is not None
        node = TextNode(event.value, not event.style, mark.line + 1, mark.column + 1)
        if event.anchor is not None or event.tag is not None:
            _note_decoration(event, self._pending)
        if event.style == '"' and FORBIDDEN.search(event.value):
            words = ("the text holds a control character", "take the escape out of the quotes")
            self._pending.add("control-character", words, at(mark))
        self._last_line = end.line + 1
        self._add(node)
        if self._secret is not None:
            self._reveal()

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        mark = known(event.start_mark)
        if len(self._stack) >= MAX_DEPTH:
            summary = f"brackets or indentations nest deeper than {MAX_DEPTH} levels"
            self._pending.add(
                "too-deep", (summary, "write it flatter; no manifest needs more"), at(mark)
            )
            raise EnoughError
        if event.anchor is not None or event.tag is not None:
            _note_decoration(event, self._pending)
        kind = MapNode if isinstance(event, yaml.MappingStartEvent) else ListNode
        node = kind(mark.line + 1, mark.column + 1)
        owner = self._stack[-1] if self._stack else None
        waits = owner is not None and isinstance(owner.node, MapNode) and owner.key is None
        self._add(node)
        self._stack.append(_Frame(node, opens_key=waits))

    def _close(self, event: yaml.CollectionEndEvent) -> None:
        self._stack.pop()
        if known(event.end_mark).index > known(event.start_mark).index:
            # The end of an indented block has no width and stands at what follows the block.
            self._last_line = known(event.end_mark).line + 1
        self._reveal()

    def _alias(self, event: yaml.AliasEvent) -> None:
        words = (
            "an alias (`*`) is not allowed",
            "write the value itself; put text that begins with `*` in quotes",
        )
        self._pending.add("alias", words, at(known(event.start_mark)))
        self._usable = False
        self._last_line = known(event.end_mark).line + 1
        self._add(DROPPED)
        self._reveal()

    def _add(self, node: Node) -> None:
        if not self._stack:
            self._root = node
            return
        frame = self._stack[-1]
        if isinstance(frame.node, ListNode):
            frame.node.children.append(node)
        elif frame.key is None:
            frame.key = self._key(frame.node, node)
        else:
            if frame.key is not DROPPED:
                frame.node.pairs[frame.key.text] = Pair(frame.key, node)
            frame.key = None

    def _key(self, owner: MapNode, node: Node) -> TextNode:
        """Give the key, or `DROPPED` for one that was refused."""
        wrong = _wrong_with(node)
        if wrong is not None or not isinstance(node, TextNode):
            self._usable = False
            # Inside a key that is a collection, the outermost was noted already.
            if wrong is not None and not any(frame.opens_key for frame in self._stack):
                self._pending.add(wrong[0], wrong[1:], (node.line, node.column))
            return DROPPED
        secret = self._secret is not None
        if node.text == "credentials" and not secret:
            self._secret = (len(self._stack), node.line)
        if node.text not in owner.pairs:
            return node
        first = owner.pairs[node.text].key
        name = "a key under `credentials`" if secret else quoted(node.text)
        words = (f"{name} stands here twice", "delete one of the two")
        place = (node.line, node.column)
        self._pending.add("duplicate-key", words, place, (first.line, first.column))
        return DROPPED

    def _reveal(self) -> None:
        """Hide what stood under `credentials` once its value is complete."""
        if self._secret is None or len(self._stack) != self._secret[0]:
            return
        if self._stack[-1].key is None:
            self._source.hide(self._secret[1], self._last_line)
            self._secret = None


def _note_decoration(
    event: yaml.ScalarEvent | yaml.CollectionStartEvent,
    pending: Pending,
) -> None:
    mark = known(event.start_mark)
    if event.anchor is not None:
        words = ("an anchor (`&`) is not allowed", "take the anchor out")
        pending.add("anchor", words, at(mark))
    if event.tag is not None:
        words = ("a tag (`!`) is not allowed", "take the tag out; put text with `!` in quotes")
        pending.add("tag", words, at(mark))


def _wrong_with(node: Node) -> tuple[str, str, str] | None:
    """Give code, summary and hint for what can't be a key; an alias was noted as such."""
    if node is DROPPED:
        return None
    if not isinstance(node, TextNode):
        return ("key-not-text", "a key must be text", "write the key as one word or in quotes")
    if node.plain and node.text == "<<":
        return ("merge-key", "a merge key (`<<`) is not allowed", "write the keys themselves")
    if node.void or not node.text:
        hint = "write the name before the `:`, in quotes if need be"
        return ("key-not-text", "a key has no name", hint)
    return None
