"""Parts of an entry: its optional keys, its selector, and that a name stands in it once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from reconciler.manifest import scalars
from reconciler.manifest.notes import RefusalError
from reconciler.manifest.reading import within
from reconciler.manifest.words import quoted
from reconciler.model.declared import Listed, Ref, Selector

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.manifest.nodes import MapNode, Pair
    from reconciler.manifest.notes import Notes
    from reconciler.manifest.reading import Reading

SELECTOR_KEYS = ("tags", "names", "allowEmpty")
T = TypeVar("T")


def optional(
    reading: Reading,
    table: MapNode,
    at: tuple[str, str],
    convert: Callable[[object], T],
) -> T | None:
    """Give the value of a key that may be missing; `at` is the label and the key."""
    pair = table.pairs.get(at[1])
    if pair is None:
        return None
    try:
        return convert(pair.value)
    except RefusalError as error:
        reading.refuse(error, within(*at), pair)
        return None


def selector(reading: Reading, pair: Pair, label: str) -> Selector | None:
    """Servers by tags and name pattern; None when neither was written, or it was refused."""
    table = reading.table(pair, label, SELECTOR_KEYS)
    if table is None:
        return None
    written = table.pairs.get("tags")
    tags: dict[str, str] = {}
    tagged = None if written is None else reading.table(written, within(label, "tags"))
    for key, value in {} if tagged is None else tagged.pairs.items():
        text = reading.value(value, within(within(label, "tags"), key), scalars.anything)
        tags[key] = text or ""
    names = optional(reading, table, (label, "names"), scalars.text)
    allow_empty = optional(reading, table, (label, "allowEmpty"), scalars.flag)
    if "names" not in table.pairs and (written is None or (tagged is not None and not tags)):
        hint = "say which servers: `tags: {KEY: VALUE}`, `names: GLOB` or both"
        reading.missing_key("tags", label, reading.place(pair.key), hint)
        return None
    place = reading.place(pair.value)
    return Selector(place=place, tags=tags, names=names, allow_empty=bool(allow_empty))


def check_once(
    notes: Notes,
    label: str,
    listed: tuple[Listed, ...],
    absent: tuple[Ref, ...],
) -> None:
    """Note a name that stands twice in a list, or in the list and under `absent`."""
    refs = tuple(line.ref for line in listed)
    present = _once(notes, label, refs)
    for text, ref in _once(notes, f"{label}.absent", absent).items():
        if text in present:
            summary = f"{quoted(label)} lists {quoted(text)} and says that it is absent"
            hint = f"take {quoted(text)} out of one of the two"
            notes.error("contradiction", summary, hint, ref.place, (present[text].place,))


def _once(notes: Notes, label: str, refs: tuple[Ref, ...]) -> dict[str, Ref]:
    first: dict[str, Ref] = {}
    for ref in refs:
        earlier = first.setdefault(ref.text, ref)
        if earlier is not ref:
            summary = f"{quoted(label)} lists {quoted(ref.text)} twice"
            hint = "delete one of the two"
            notes.error("duplicate-listing", summary, hint, ref.place, (earlier.place,))
    return first
