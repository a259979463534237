"""Where `servers:` and `volumes:` both own a row, they must say the same.

1. Only texts that match literally are compared; a name and an id of one thing are planning's.
2. `others: keep` contradicts nobody; what is under `absent` contradicts whoever lists it.
3. A list that holds an id may name the other side by it: then a missing text proves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.manifest.words import quoted
from reconciler.model.declared import Entry, Ref, Side

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.manifest.notes import Notes

_ID = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SECTIONS = {Side.SERVER: ("servers", "volumes"), Side.VOLUME: ("volumes", "servers")}


@dataclass(frozen=True, slots=True)
class _Row:
    """An entry with its texts as they are looked up."""

    entry: Entry
    listed: Mapping[str, Ref]
    absent: Mapping[str, Ref]
    judging: bool
    """True when a text that is missing from the list is known to be missing."""


def check_agreement(entries: Collection[Entry], notes: Notes) -> None:
    """Note where a server's row and a volume's row contradict each other."""
    if len({entry.side for entry in entries}) < len(Side):
        return
    rows: dict[Side, dict[str, _Row]] = {Side.SERVER: {}, Side.VOLUME: {}}
    for entry in entries:
        rows[entry.side].setdefault(entry.owner.text, _row(entry))
    for side, other in ((Side.SERVER, Side.VOLUME), (Side.VOLUME, Side.SERVER)):
        for row in rows[side].values():
            for text, ref in row.listed.items():
                facing = rows[other].get(text)
                if facing is not None:
                    _compare(row, ref, facing, notes)


def _row(entry: Entry) -> _Row:
    listed = {line.ref.text: line.ref for line in entry.listed or ()}
    owns = entry.listed is not None and not entry.keeps_others
    return _Row(
        entry=entry,
        listed=listed,
        absent={ref.text: ref for ref in entry.absent},
        judging=owns and not any(_ID.fullmatch(text) for text in listed),
    )


def _compare(row: _Row, ref: Ref, facing: _Row, notes: Notes) -> None:
    owner = row.entry.owner.text
    here, there = quoted(owner), quoted(ref.text)
    listing, answer = _SECTIONS[row.entry.side]
    if owner in facing.absent:
        summary = f"{here} lists {there}, but {there} says that {here} is absent"
        hint = f"take {there} out of {quoted(f'{listing}.{owner}')}, or {here} out of `absent`"
        notes.error("contradiction", summary, hint, ref.place, (facing.absent[owner].place,))
        return
    if row.entry.keeps_others or not facing.judging or owner in facing.listed:
        return
    if _ID.fullmatch(owner):
        return
    summary = f"{here} lists {there}, but {there} doesn't list {here}"
    hint = f"add {here} to {quoted(f'{answer}.{ref.text}.{listing}')}, or take {there} out here"
    notes.error("contradiction", summary, hint, ref.place, (facing.entry.owner.place,))
