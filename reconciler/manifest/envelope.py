"""`apiVersion`, `kind`, `metadata` and `spec`: what a document is, and its name."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.manifest.nodes import MapNode, Node, Pair, TextNode, called
from reconciler.manifest.schema import Envelope
from reconciler.manifest.validate import spelled, validate
from reconciler.manifest.words import listing, nearest, quoted
from reconciler.model.declared import Ref

if TYPE_CHECKING:
    from reconciler.manifest.reading import Reading

API_VERSION = "reconciler/v1"


class Kind(enum.Enum):
    """The kinds of documents; the value is what people write."""

    SCOPE = "Scope"
    ATTACHMENTS = "Attachments"
    POLICY = "Policy"
    SCHEDULE = "Schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A document whose kind is known; `name` is None when it was refused."""

    kind: Kind
    kind_pair: Pair
    name: Ref | None
    spec: Pair


def opened(reading: Reading, root: Node) -> Opened | None:
    """Give the document's kind, name and spec; None when its kind can't be told."""
    if not isinstance(root, MapNode):
        summary = f"the document is {called(root)}, not a mapping"
        hint = "begin it with `apiVersion: reconciler/v1`"
        reading.notes.error("wrong-type", summary, hint, reading.place(root))
        return None
    if not _ours(reading, root):
        return None
    shallow = _without_spec(root)
    envelope = validate(reading, Envelope, Pair(shallow, shallow), "document")
    kind = _kind(reading, root)
    spec = root.pairs.get("spec")
    if kind is None or spec is None or (isinstance(spec.value, TextNode) and spec.value.void):
        if spec is not None and kind is not None:
            summary = "`spec` has no value"
            hint = "write what the document is for under `spec:`"
            reading.notes.error("no-value", summary, hint, reading.place(spec.key))
        return None
    name = None
    if envelope is not None:
        metadata = root.pairs["metadata"].value
        assert isinstance(metadata, MapNode)
        place = reading.place(metadata.pairs["name"].value)
        name = Ref(text=envelope.metadata.name, place=place)
    return Opened(kind=kind, kind_pair=root.pairs["kind"], name=name, spec=spec)


def _without_spec(root: MapNode) -> MapNode:
    """Give the document without the inside of its spec: that has its own schema."""
    shallow = MapNode(root.line, root.column, dict(root.pairs))
    if "spec" in shallow.pairs:
        key = shallow.pairs["spec"].key
        shallow.pairs["spec"] = Pair(key, key)
    return shallow


def _ours(reading: Reading, root: MapNode) -> bool:
    """Return False for another tool's document, of which only that is noted."""
    pair = root.pairs.get("apiVersion")
    version = None if pair is None else spelled(pair.value)
    if pair is None or version is None or version == API_VERSION:
        return True
    summary = f"`apiVersion` is {quoted(version)}, not `{API_VERSION}`"
    hint = "keep other tools' manifests in another folder"
    if nearest(version, [API_VERSION]) is not None:
        hint = f"write `apiVersion: {API_VERSION}`"
    reading.notes.error("foreign-api-version", summary, hint, reading.place(pair.value))
    return False


def _kind(reading: Reading, root: MapNode) -> Kind | None:
    pair = root.pairs.get("kind")
    word = None if pair is None else spelled(pair.value)
    if pair is None or word is None:
        return None
    known = [kind.value for kind in Kind]
    if word in known:
        return Kind(word)
    near = nearest(word, known)
    hint = f"write `kind: {near}`" if near else f"use {listing(known, 'or')}"
    summary = f"there is no kind {quoted(word)}"
    reading.notes.error("unknown-kind", summary, hint, reading.place(pair.value))
    return None
