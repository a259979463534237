"""What every reader of a document needs: places, and one way to say what is wrong where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reconciler.manifest.nodes import ListNode, MapNode, Node, Pair, TextNode, called
from reconciler.manifest.notes import RefusalError
from reconciler.manifest.words import instead_of, listing, quoted, shown
from reconciler.model.declared import Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from reconciler.manifest.notes import Notes
    from reconciler.manifest.source import Source
    from reconciler.model.finding import Place

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reading:
    """One document being read; what is wrong goes to `notes`, and the reading goes on."""

    source: Source
    notes: Notes

    def place(self, node: Node) -> Place:
        """Where the node begins."""
        return self.source.place(node.line, node.column)

    def refuse(self, error: RefusalError, label: str, pair: Pair) -> None:
        """Note what is wrong with a value; what has no value is shown at its key."""
        node = pair.key if error.code == "no-value" else pair.value
        summary = f"{quoted(label)} {error.says}"
        self.notes.error(error.code, summary, error.hint, self.place(node))

    def value(self, pair: Pair, label: str, convert: Callable[[object], T]) -> T | None:
        """Give the converted value; None when it was refused."""
        try:
            return convert(pair.value)
        except RefusalError as error:
            self.refuse(error, label, pair)
            return None

    def ref(self, node: Node, label: str, convert: Callable[[object], str]) -> Ref | None:
        """Give the node's text with its place; None when it was refused."""
        text = self.value(Pair(node, node), label, convert)
        return None if text is None else Ref(text=text, place=self.place(node))

    def table(self, pair: Pair, label: str, known: Collection[str] | None = None) -> MapNode | None:
        """Give the mapping, unknown keys noted; with `known` None every key passes."""
        node = pair.value
        if not isinstance(node, MapNode):
            self.refuse(of_kind(node, "a mapping"), label, pair)
            return None
        if known is not None:
            for key, inner in node.pairs.items():
                if key not in known:
                    self.unknown_key(inner, label, known, node)
        return node

    def series(self, pair: Pair, label: str) -> ListNode | None:
        """Give the list; None when it is something else, which was noted."""
        node = pair.value
        if isinstance(node, ListNode):
            return node
        self.refuse(of_kind(node, "a list"), label, pair)
        return None

    def unknown_key(self, pair: Pair, label: str, known: Iterable[str], there: MapNode) -> None:
        """Note a key that the mapping doesn't have; one under `credentials` isn't repeated."""
        assert isinstance(pair.key, TextNode)
        key, known = pair.key.text, sorted(set(known) - there.pairs.keys())
        otherwise = f"use {listing(known, 'or')}, or take it out" if known else "take it out"
        hint = instead_of(key, known, otherwise=otherwise)
        named = "a key" if "credentials" in label.split(".") else quoted(key)
        summary = f"{named} is not known in {quoted(label)}"
        self.notes.error("unknown-key", summary, hint, self.place(pair.key))

    def missing_key(self, key: str, label: str, place: Place, hint: str | None = None) -> None:
        """Note a key that has to be there."""
        summary = f"{quoted(label)} has no {quoted(key)}"
        self.notes.error("missing-key", summary, hint or f"add {quoted(key + ':')}", place)


def of_kind(node: Node, wanted: str) -> RefusalError:
    """Give what is wrong with a node that isn't the wanted kind."""
    if isinstance(node, TextNode) and node.void:
        hint = "write a value, or take it out"
        if wanted == "a list":
            hint = "write a value, `[]` for none, or take it out"
        return RefusalError("no-value", "has no value", hint)
    return RefusalError("wrong-type", f"must be {wanted}, not {called(node)}", f"write {wanted}")


def within(label: str, step: str | int) -> str:
    """Give the label of what stands inside: `servers` and `web-1`: `servers.web-1`."""
    if isinstance(step, int):
        return f"{label}[{step}]"
    return shown(step) if label in {"document", "spec"} else f"{label}.{shown(step)}"
