"""From YAML events to documents with places, bounded before memory is spent.

1. Nothing is constructed by the YAML library: a scalar stays the text that was written.
2. Anchors, aliases, tags and merge keys are refused; so is a key twice, at any depth.
3. A call composes a collection: the 33rd inside another ends the file, not the process.
4. What stands under `credentials` is hidden before any place of its document is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import yaml
from yaml.events import (
    CollectionStartEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from reconciler.manifest.nodes import VOID, ListNode, MapNode, Node, Pair, TextNode
from reconciler.manifest.pending import EnoughError, Pending, at, known
from reconciler.manifest.source import FORBIDDEN
from reconciler.manifest.words import quoted
from reconciler.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from yaml.events import Event

    from reconciler.manifest.notes import Notes
    from reconciler.manifest.source import Source

MAX_DEPTH = 32
LOADER = cast("type[yaml.SafeLoader]", getattr(yaml, "CSafeLoader", yaml.SafeLoader))
"""libyaml's parser where PyYAML was built with it (20 times as fast), else the one in Python."""
NOT_TEXT = ("key-not-text", "a key must be text", "write the key as one word or in quotes")
_NO_NAME = (
    "key-not-text",
    "a key has no name",
    "write the name before the `:`, in quotes if need be",
)
UNFIT_KEYS = {
    "<<": ("merge-key", "a merge key (`<<`) is not allowed", "write the keys themselves"),
    **dict.fromkeys(VOID, _NO_NAME),
}
"""What no key without quotes may be (nothing, not even in quotes), as code, summary and hint."""
DROPPED = TextNode("", plain=False, line=0, column=0)
"""Stands for a key that was refused: its value is read and forgotten."""


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document; `usable` is False when parts of it were refused and are missing."""

    source: Source
    root: Node
    usable: bool


def documents(source: Source, notes: Notes) -> Iterator[Document]:
    """Give the documents of a file in order, without the empty ones."""
    pending, first_line, found = Pending(source, notes), 1, False
    try:
        take = cast("Callable[[], Event]", LOADER(source.raw).get_event)
        while type(event := take()) is not StreamEndEvent:
            if type(event) is not DocumentStartEvent:
                continue
            pending, first_line = Pending(source, notes), known(event.start_mark).line + 1
            composer = _Composer(take, source, pending)
            root = composer.node(take())
            take()
            pending.flush()
            if isinstance(root, TextNode) and root.void and not root.text:
                continue
            if not composer.usable:
                notes.complete = False
            found = True
            yield Document(source, root, composer.usable)
    except (yaml.YAMLError, EnoughError) as error:
        # Nothing after it was looked at.
        notes.complete = False
        source.hide_after_credentials(first_line)
        if isinstance(error, yaml.YAMLError):
            pending.add_syntax(error, first_line)
        pending.flush()
        return
    if not found:
        words = ("the file holds no document", "write a manifest into it, or delete it")
        notes.remark(Severity.WARNING, "empty-file", words, source.place(1, 1))


class _Composer:
    """Makes the nodes of one document; `take` gives the file's events one by one.

    The classes of events have no heirs: `type(event) is` takes a third of what `isinstance` takes
    to say no, and there are seven events to a row.
    """

    def __init__(self, take: Callable[[], Event], source: Source, pending: Pending) -> None:
        self.usable = True
        self._take = take
        self._source = source
        self._pending = pending
        self._depth = 0
        self._keys_around = 0
        self._secret_line = 0
        self._last_line = 0

    def node(self, event: Event) -> Node:
        """Give the node that begins with the event; its last event is taken as well."""
        if type(event) is ScalarEvent:
            return self._text(event)
        if type(event) is MappingStartEvent:
            self._open(event)
            return self._mapping(event)
        if type(event) is SequenceStartEvent:
            self._open(event)
            return self._list(event)
        return self._alias(event)

    def _text(self, event: ScalarEvent) -> TextNode:
        mark = event.start_mark
        assert mark is not None
        if event.anchor is not None or event.tag is not None:
            _note_decoration(event, self._pending)
        if event.style == '"' and FORBIDDEN.search(event.value):
            words = ("the text holds a control character", "take the escape out of the quotes")
            self._pending.add("control-character", words, at(mark))
        if self._secret_line:
            self._last_line = known(event.end_mark).line + 1
        return TextNode(event.value, not event.style, mark.line + 1, mark.column + 1)

    def _open(self, event: CollectionStartEvent) -> None:
        if self._depth >= MAX_DEPTH:
            summary = f"brackets or indentations nest deeper than {MAX_DEPTH} levels"
            words = (summary, "write it flatter; no manifest needs more")
            self._pending.add("too-deep", words, at(known(event.start_mark)))
            raise EnoughError
        self._depth += 1
        if event.anchor is not None or event.tag is not None:
            _note_decoration(event, self._pending)

    def _list(self, start: Event) -> ListNode:
        children: list[Node] = []
        while type(event := self._take()) is not SequenceEndEvent:
            children.append(self.node(event))
        self._close(event)
        mark = start.start_mark
        assert mark is not None
        return ListNode(mark.line + 1, mark.column + 1, children)

    def _mapping(self, start: Event) -> MapNode:
        pairs: dict[str, Pair] = {}
        while type(event := self._take()) is not MappingEndEvent:
            secret_line = self._secret_line
            key = self._key(event, pairs)
            value = self.node(self._take())
            if key is not DROPPED:
                pairs[key.text] = Pair(key, value)
            if self._secret_line != secret_line:
                self._source.hide(self._secret_line, self._last_line)
                self._secret_line = secret_line
        self._close(event)
        mark = start.start_mark
        assert mark is not None
        return MapNode(mark.line + 1, mark.column + 1, pairs)

    def _close(self, event: Event) -> None:
        self._depth -= 1
        end = event.end_mark
        if self._secret_line and known(end).index > known(event.start_mark).index:
            # The end of an indented block has no width and stands at what follows the block.
            self._last_line = known(end).line + 1

    def _alias(self, event: Event) -> TextNode:
        words = (
            "an alias (`*`) is not allowed",
            "write the value itself; put text that begins with `*` in quotes",
        )
        self._pending.add("alias", words, at(known(event.start_mark)))
        self.usable = False
        self._last_line = known(event.end_mark).line + 1
        return DROPPED

    def _key(self, event: Event, pairs: Mapping[str, Pair]) -> TextNode:
        """Give the key that begins with the event, or `DROPPED` for one that was refused."""
        if type(event) is not ScalarEvent:
            return self._not_text(event)
        key = self._text(event)
        text = key.text
        wrong = UNFIT_KEYS.get(text)
        if wrong is not None and (key.plain or not text):
            self._refuse_key(wrong, key.line, key.column)
            return DROPPED
        secret = self._secret_line > 0
        if text == "credentials" and not secret:
            self._secret_line = key.line
        if text not in pairs:
            return key
        first = pairs[text].key
        name = "a key under `credentials`" if secret else quoted(text)
        words = (f"{name} stands here twice", "delete one of the two")
        place = (key.line, key.column)
        self._pending.add("duplicate-key", words, place, (first.line, first.column))
        return DROPPED

    def _not_text(self, event: Event) -> TextNode:
        """Take a key that is an alias or a collection; of keys inside one nothing more is said."""
        if not isinstance(event, CollectionStartEvent):
            return self._alias(event)
        self._open(event)
        self._refuse_key(NOT_TEXT, *at(known(event.start_mark)))
        self._keys_around += 1
        if type(event) is MappingStartEvent:
            self._mapping(event)
        else:
            self._list(event)
        self._keys_around -= 1
        return DROPPED

    def _refuse_key(self, wrong: tuple[str, str, str], line: int, column: int) -> None:
        self.usable = False
        if not self._keys_around:
            self._pending.add(wrong[0], wrong[1:], (line, column))


def _note_decoration(
    event: ScalarEvent | CollectionStartEvent,
    pending: Pending,
) -> None:
    mark = known(event.start_mark)
    if event.anchor is not None:
        words = ("an anchor (`&`) is not allowed", "take the anchor out")
        pending.add("anchor", words, at(mark))
    if event.tag is not None:
        words = ("a tag (`!`) is not allowed", "take the tag out; put text with `!` in quotes")
        pending.add("tag", words, at(mark))
