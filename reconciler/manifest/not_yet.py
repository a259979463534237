"""What a manifest may say that has no effect yet: refused in words, never ignored.

Every row is parsed and its shape is checked; taking a row out of the table is the last step of
making it work.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from reconciler.manifest.nodes import MapNode, Node, Pair, TextNode
from reconciler.manifest.words import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.manifest.reading import Reading


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A kind, a key by its path under `spec` (`*` is any name), or only one value of that key."""

    kind: str
    path: tuple[str, ...] = ()
    value: str | None = None

    def __str__(self) -> str:
        if not self.path:
            return f"kind: {self.kind}"
        key = ".".join(self.path)
        return key if self.value is None else f"{key}: {self.value}"


NOT_YET: Final[Mapping[Unsupported, str]] = MappingProxyType(
    {
        Unsupported("Schedule", ("source",)): "this version fetches no manifests",
    },
)
"""What is not supported -> why, as half a sentence that follows "is not supported yet"."""


def note_unsupported(reading: Reading, kind: Pair, spec: Pair) -> None:
    """Note everything in the document that has no effect yet, each at its own place."""
    assert isinstance(kind.value, TextNode)
    for row, reason in NOT_YET.items():
        if row.kind != kind.value.text:
            continue
        if not row.path:
            _note(reading, kind.value, (str(row), "the document"), reason)
        for pair in _found(spec, row.path) if row.path else ():
            if row.value is None:
                _note(reading, pair.key, (_named(row), _named(row)), reason)
            elif isinstance(pair.value, TextNode) and pair.value.text == row.value:
                _note(reading, pair.value, (_named(row), _named(row)), reason)


def _named(row: Unsupported) -> str:
    """Give the words in the file: the key, without the names on the way to it."""
    return str(Unsupported(row.kind, row.path[-1:], row.value))


def _note(reading: Reading, node: Node, words: tuple[str, str], reason: str) -> None:
    summary = f"{quoted(words[0])} is not supported yet"
    what = words[1] if words[1].startswith("the ") else quoted(words[1])
    hint = f"take {what} out: {reason}"
    reading.notes.error("not-supported-yet", summary, hint, reading.place(node))


def _found(pair: Pair, path: tuple[str, ...]) -> Iterator[Pair]:
    found = [pair]
    for step in path:
        tables = [there.value for there in found if isinstance(there.value, MapNode)]
        found = [
            inner for table in tables for key, inner in table.pairs.items() if step in {"*", key}
        ]
    yield from found
