"""Guards that hold a plan against what manifests said before: no change disarms its own refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.counting import counted
from reconciler.model.declared import Side
from reconciler.model.finding import Finding, Severity
from reconciler.model.memory import Protected, Remembers
from reconciler.model.plan import Standing
from reconciler.planning.remembering import WHEN, looser

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.model.plan import Change
    from reconciler.planning.ground import Ground


SHOWN = 5
"""Names that a sentence lists at most."""


def protected(change: Change, on: Ground) -> Iterator[Finding]:
    """Refuse what takes something from a protected server, or a protected volume from its place."""
    key = change.leaves
    if key is None:
        return
    name = on.name(key)
    called = {Side.SERVER: name.server, Side.VOLUME: name.volume}
    for row in ((Side.SERVER, key.server_id), (Side.VOLUME, key.volume_id)):
        found = on.protected.get(row)
        if found is None:
            continue
        what = f"{row[0].value} `{called[row[0]]}`"
        says = f"was protected {found.when}" if found.when else "is protected by its entry"
        yield Finding(
            code="protected",
            summary=f"`{name.volume}` would leave `{name.server}`, and {what} {says}",
            hint="let the attachment be, and apply that without `protect: true` first; it may "
            "leave in the apply after that",
            place=change.place,
            scope=change.key.scope,
            also=(found.place,) if found.place is not None else (),
        )
    for side, names in on.lost.items():
        listed = ", ".join(f"`{one}`" for one in names[:SHOWN])
        yield Finding(
            code="protected",
            summary=f"`{name.volume}` would leave `{name.server}`, and {listed} was protected "
            f"{WHEN[Remembers.GIT]}: nothing bears that name now, so `{called[side]}` may be it, "
            "renamed",
            hint="give it its name back, or choose a `--base` without an entry for what is gone",
            place=change.place,
            scope=change.key.scope,
        )


def first_apply(leaving: Sequence[Change], on: Ground) -> Iterator[Finding]:
    """Refuse to take anything away where nothing tells what was applied before."""
    about = on.circumstances
    if about.needs_memory and not about.memories and leaving:
        yield Finding(
            code="no-memory",
            summary=f"{counted(len(leaving), 'attachment')} would leave, and neither the journal "
            "nor a base commit tells what was applied here before",
            hint="say `--first-apply` if this is the first one, or `--base REV` with the commit "
            "that was applied last",
            scope=on.live.scope,
        )


def loosened(on: Ground) -> Iterator[Finding]:
    """Give a warning for each key of the policy that is looser than a memory has it."""
    for memory in on.circumstances.memories:
        for key, before, after in looser(memory.policy, on.policy, on.can):
            yield Finding(
                code="policy-loosened",
                summary=f"`{key}` is looser than {WHEN[memory.of]}: {before} -> {after}",
                hint="limits still ask for what the stricter one asked for, in this plan; applied "
                "once, the new one counts",
                severity=Severity.WARNING,
                scope=on.live.scope,
            )


def to_protect(changes: Sequence[Change], on: Ground) -> tuple[Protected, ...]:
    """Give the rows that entries protect, and those that were, where a change of them isn't made.

    Else an apply whose detach was refused would be the one that forgets why.
    """
    named = {row: entry.owner.text for row, entry in on.desired.protected.items()}
    ends = {end for change in changes for end in _ends(change, on)}
    rows = {**{row: name for row, name in ends if row in on.protected}, **named}
    made = (Protected(side=side, name=name, owner_id=one) for (side, one), name in rows.items())
    return tuple(sorted(made, key=lambda row: row.order))


def _ends(change: Change, on: Ground) -> Iterator[tuple[tuple[Side, str], str]]:
    """Give the rows that a change which isn't made belongs to, each with its name."""
    if change.standing is Standing.PERMITTED:
        return
    for key in (change.key, *((change.source,) if change.source is not None else ())):
        name = on.name(key)
        yield (Side.SERVER, key.server_id), name.server
        yield (Side.VOLUME, key.volume_id), name.volume
