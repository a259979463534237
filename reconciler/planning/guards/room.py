"""Guards that weigh changes against each other: free slots, servers per volume, what needs what.

A detach that isn't made frees nothing, so refusing one change may refuse another: the rules are
run until nothing more is refused. Each round refuses at least one change, so it ends.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.model.counting import counted
from reconciler.model.finding import Finding
from reconciler.model.live import ANY_BUS
from reconciler.model.plan import Action, Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.plan import Change
    from reconciler.planning.ground import Ground


@dataclass(frozen=True, slots=True)
class _Short:
    """A place that has too little room: the changes that don't fit, and the words for it."""

    changes: tuple[Change, ...]
    code: str
    summary: str
    hint: str


def fitted(changes: Sequence[Change], dropped: Sequence[Change], on: Ground) -> list[Change]:
    """Refuse what doesn't fit. `dropped` are the changes that the selection left out."""
    left_out = {leave for c in dropped if (leave := c.leaves) is not None}
    current = {change.key: change for change in changes}
    while refused := dict(_overflow(tuple(current.values()), left_out, on)):
        current |= refused
    return [current[change.key] for change in changes]


def _overflow(
    changes: Sequence[Change], left_out: set[AttachmentKey], on: Ground
) -> Iterator[tuple[AttachmentKey, Change]]:
    permitted = [change for change in changes if change.standing is Standing.PERMITTED]
    # One rule a round: what the first one refuses may be all that the next one would miss.
    rules = (_slots, _servers, _leaves)
    shorts = next((found for rule in rules if (found := tuple(rule(permitted, on)))), ())
    for short in shorts:
        for change in short.changes:
            finding = Finding(
                code="needs-excluded" if _would_help(change, short, left_out) else short.code,
                summary=short.summary,
                hint=short.hint,
                place=change.place,
                scope=change.key.scope,
            )
            refused = replace(change, standing=Standing.REFUSED, refusals=(finding,))
            yield change.key, refused


def _would_help(change: Change, short: _Short, left_out: set[AttachmentKey]) -> bool:
    """Tell whether the room would have come from something that the selection left out."""
    if short.code == "no-free-slot":
        return any(key.server_id == change.key.server_id for key in left_out)
    return any(key.volume_id == change.key.volume_id for key in left_out)


def _slots(permitted: Sequence[Change], on: Ground) -> Iterator[_Short]:
    arrivals: dict[str, list[Change]] = defaultdict(list)
    leaves: dict[str, list[AttachmentKey]] = defaultdict(list)
    for change in permitted:
        if (key := change.arrives) is not None:
            arrivals[key.server_id].append(change)
        if (key := change.leaves) is not None:
            leaves[key.server_id].append(key)
    for server_id in sorted(arrivals):
        server = on.live.servers.get(server_id)
        if server is not None and server.free_slots is not None:
            freed = leaves.get(server_id, [])
            yield from _bus_by_bus(arrivals[server_id], freed, server.free_slots, on)


def _bus_by_bus(
    arriving: Sequence[Change],
    leaving: Sequence[AttachmentKey],
    free: Mapping[str, int],
    on: Ground,
) -> Iterator[_Short]:
    for bus in sorted(free):
        mine = [c for c in arriving if bus in {ANY_BUS, _bus(c.key.volume_id, on)}]
        freed = sum(bus in {ANY_BUS, _bus(key.volume_id, on)} for key in leaving)
        room = free[bus] + freed
        if len(mine) > room:
            name = mine[0].name.server
            kind = f"{bus} " if bus else ""
            yield _Short(
                changes=tuple(mine[max(0, room) :]),
                code="no-free-slot",
                summary=f"{counted(len(mine), 'volume')} shall come to `{name}`, which has "
                f"{counted(free[bus], f'free {kind}slot')} and {freed} more after its detaches",
                hint="list fewer volumes, or let others go first",
            )


def _bus(volume_id: str, on: Ground) -> str:
    volume = on.live.volumes.get(volume_id)
    return volume.bus if volume is not None else ""


def _servers(permitted: Sequence[Change], on: Ground) -> Iterator[_Short]:
    arrivals: dict[str, list[Change]] = defaultdict(list)
    leaves: dict[str, int] = defaultdict(int)
    for change in permitted:
        if change.action is Action.ATTACH and on.shareable(change.key.volume_id):
            arrivals[change.key.volume_id].append(change)
        if change.action is Action.DETACH:
            leaves[change.key.volume_id] += 1
    for volume_id, mine in sorted(arrivals.items()):
        held = len(on.holders.of(volume_id))
        room = on.can.max_servers_per_volume - held + leaves[volume_id]
        after = held - leaves[volume_id] + len(mine)
        if len(mine) > room:
            yield _Short(
                changes=tuple(mine[max(0, room) :]),
                code="too-many-servers",
                summary=f"`{mine[0].name.volume}` would be on {after} servers, "
                f"{on.can.max_servers_per_volume} may share a volume",
                hint="list fewer servers",
            )


def _leaves(permitted: Sequence[Change], on: Ground) -> Iterator[_Short]:
    """Refuse attaches of a volume that stays elsewhere because its detach isn't made."""
    leaving = {key for change in permitted if (key := change.leaves) is not None}
    for change in permitted:
        if change.action is not Action.ATTACH or on.shareable(change.key.volume_id):
            continue
        stay = [key for key in _held_by(change, on) if key not in leaving]
        if stay:
            yield _Short(
                changes=(change,),
                code="needs-refused",
                summary=f"`{change.name.volume}` can't be shared and stays on "
                f"`{on.name(stay[0]).server}`: its detach isn't made",
                hint="see why that detach is held back",
            )


def _held_by(change: Change, on: Ground) -> Iterable[AttachmentKey]:
    return (observed.key for observed in on.holders.of(change.key.volume_id))
