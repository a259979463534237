"""What must have left before something may arrive. Always detach before attach: no cycles.

1. A volume that can't be shared is attached after it left every other server.
2. A shared volume at its limit of servers is attached after its detaches.
3. Where a server has too few free slots now, what doesn't fit yet waits for the server's detaches.
4. Where a batch rule counts the server's disks, its detaches go first when that keeps the rule.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.model.call import Verb
from reconciler.model.live import ANY_BUS
from reconciler.model.plan import Standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.plan import Change
    from reconciler.planning.ground import Ground


@dataclass(slots=True)
class _Traffic:
    """Permitted changes, by where they leave and where they arrive."""

    leaves_of_volume: dict[str, list[AttachmentKey]] = field(
        default_factory=lambda: defaultdict(list)
    )
    leaves_of_server: dict[str, list[AttachmentKey]] = field(
        default_factory=lambda: defaultdict(list)
    )
    to_volume: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    to_server: dict[str, list[AttachmentKey]] = field(default_factory=lambda: defaultdict(list))


def with_needs(changes: Sequence[Change], on: Ground) -> tuple[Change, ...]:
    """Give the same changes, each knowing what it needs and what a batch must know of it."""
    traffic = _Traffic()
    for change in changes:
        if change.standing is Standing.PERMITTED:
            _count(change, traffic)
    return tuple(_needing(change, traffic, on) for change in changes)


def _count(change: Change, traffic: _Traffic) -> None:
    if (key := change.leaves) is not None:
        traffic.leaves_of_volume[key.volume_id].append(key)
        traffic.leaves_of_server[key.server_id].append(key)
    if (key := change.arrives) is not None:
        traffic.to_volume[key.volume_id] += 1
        traffic.to_server[key.server_id].append(key)


def _needing(change: Change, traffic: _Traffic, on: Ground) -> Change:
    shareable = on.shareable(change.key.volume_id)
    if change.standing is not Standing.PERMITTED or change.arrives is None:
        return replace(change, shareable=shareable)
    server_id = change.key.server_id
    leaving = traffic.leaves_of_server.get(server_id, [])
    disks = on.disks.get(server_id, 0)
    arriving = traffic.to_server[server_id]
    needs: set[AttachmentKey] = set()
    if not shareable or _full(change, traffic, on):
        needs |= set(traffic.leaves_of_volume.get(change.key.volume_id, []))
    if _waits_for_slot(change, arriving, on) or _waits_for_rule(disks, leaving, arriving, on):
        needs |= set(leaving)
    return replace(
        change,
        shareable=shareable,
        needs=tuple(sorted(needs)),
        disks_after=disks - len(leaving) + len(arriving),
    )


def _full(change: Change, traffic: _Traffic, on: Ground) -> bool:
    held = len(on.holders.of(change.key.volume_id))
    return held + traffic.to_volume[change.key.volume_id] > on.can.max_servers_per_volume


def _waits_for_slot(change: Change, arriving: Sequence[AttachmentKey], on: Ground) -> bool:
    """Tell whether the change finds no slot now; those that come first by key take what is free."""
    server = on.live.servers.get(change.key.server_id)
    free = server.free_slots if server is not None else None
    if free is None:
        disks = on.disks.get(change.key.server_id, 0)
        return disks + len(arriving) > on.can.sure_slots
    before = [key for key in arriving if key < change.key]
    mine = _bus(change.key, on)
    for bus, slots in free.items():
        if bus == ANY_BUS and len(before) >= slots:
            return True
        if bus and bus == mine and sum(_bus(key, on) == bus for key in before) >= slots:
            return True
    return False


def _bus(key: AttachmentKey, on: Ground) -> str:
    volume = on.live.volumes.get(key.volume_id)
    return volume.bus if volume is not None else ""


def _waits_for_rule(
    disks: int, leaving: Sequence[AttachmentKey], arriving: Sequence[AttachmentKey], on: Ground
) -> bool:
    batch = on.can.batch.get(Verb.ATTACH)
    if batch is None or batch.disks_at_most is None:
        return False
    most = batch.disks_at_most + 1
    return disks + len(arriving) > most >= disks - len(leaving) + len(arriving)
