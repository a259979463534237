"""Random worlds and the entries that someone might have written about them.

Small on purpose: limits are low, so that a few servers and volumes reach every rule. All choices
come from one `Random`, so that hypothesis can shrink them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from msgspec import structs

from reconciler.model.attachment import Phase, View
from reconciler.model.call import Verb
from reconciler.model.capabilities import Batch, BatchBy, Capabilities, SetBy
from reconciler.model.declared import Unmanaged
from reconciler.model.live import ANY_BUS, ServerStatus, ServerWord, VolumeStatus, Words
from reconciler.model.plan import Circumstances
from reconciler.model.policy import Policy
from reconciler.planning.doubts import in_doubt_about_slots, with_words
from reconciler.planning.ground import Ground, ground
from reconciler.planning.planner import plan
from reconciler.planning.resolve import resolve
from tests.planning.building import (
    BOTH,
    COMPUTE,
    GENEROUS,
    STORAGE,
    listed,
    of_server,
    of_volume,
    on,
    server,
    volume,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from reconciler.model.attachment import AttachmentKey, Observed
    from reconciler.model.declared import Entry
    from reconciler.model.live import Live, Server, Volume
    from reconciler.model.plan import Plan

AWAY = "away"
"""A server that this account can't see."""
Wanted = dict[str, set[str]]
"""Servers by volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A cloud, what it can do, and what people want of it."""

    live: Live
    entries: tuple[Entry, ...]
    can: Capabilities
    policy: Policy
    circumstances: Circumstances
    room: Mapping[str, Mapping[str, int]]
    """Slots by server id and bus, taken ones included."""

    def plan(self) -> Plan:
        """Give the plan of this world."""
        desired = resolve(self.entries, self.live)
        return plan(desired, self.live, self.policy, self.can, self.circumstances)

    def ground(self) -> Ground:
        """Give what its planner stands on."""
        desired = resolve(self.entries, self.live)
        return ground(desired, self.live, self.policy, self.can, self.circumstances)


def disks_of(live: Live) -> dict[str, list[str]]:
    """Give the volumes that each server truly has: what compute shows."""
    found: dict[str, list[str]] = {server_id: [] for server_id in live.servers}
    for key, observed in live.observed.items():
        if View.COMPUTE in observed.sightings:
            found[key.server_id].append(key.volume_id)
    return found


def draw(random: Random, *, calm: bool = False) -> World:
    """Draw a world; a calm one has nothing in motion, nothing refused and views that agree."""
    names = ["a", "b", "c", "d"][: random.randint(2, 4)]
    disks = [_volume(random, name, calm=calm) for name in "stuvwx"[: random.randint(2, 6)]]
    can = _can(random, len(names))
    live = _live(random, names, disks, can, calm=calm)
    wanted = {disk.name: _places(random, names, disk, can, calm=calm) for disk in disks}
    circumstances = _circumstances(random, calm=calm)
    entries = _entries(random, names, wanted, calm=calm)
    if circumstances.unmanaged is Unmanaged.DETACH:
        entries = entries[: random.randint(0, 2)]  # Else hardly anything is a stray.
    made = World(
        live=live,
        entries=entries,
        can=can,
        policy=GENEROUS if calm else random.choice([GENEROUS, GENEROUS, Policy()]),
        circumstances=circumstances,
        room=_room(random, live, can),
    )
    return counted(made)


def draw_either(random: Random) -> World:
    """Draw a world that is calm half of the time: those have more to do."""
    return draw(random, calm=_one_in(random, 2))


def _one_in(random: Random, number: int) -> bool:
    return random.randint(1, number) == number


def _volume(random: Random, name: str, *, calm: bool) -> Volume:
    disk = structs.replace(
        volume(name),
        shareable=random.random() < 0.6,
        bus=random.choice(["virtio", "scsi"]),
        owner_marks=("pvc-1",) if _one_in(random, 4) else (),
    )
    if calm or not _one_in(random, 12):
        return disk
    status = random.choice(list(VolumeStatus))
    return structs.replace(disk, status=status, prepaid=_one_in(random, 2), boot=_one_in(random, 3))


def _server(random: Random, name: str, *, calm: bool) -> Server:
    if _one_in(random, 12):
        return replace(server(name), owner_marks=("CCE-Cluster-ID",))
    if calm or not _one_in(random, 12):
        return server(name)
    return replace(server(name), status=random.choice(list(ServerStatus)), zone="east")


def _can(random: Random, servers: int) -> Capabilities:
    most = random.randint(1, 4)
    rule = random.choice([None, 0, 1, 2, 3])
    batch = {
        Verb.ATTACH: Batch(
            by=BatchBy.VOLUME, maximum=most, shareable_only=True, disks_at_most=rule
        ),
        Verb.DETACH: Batch(by=BatchBy.VOLUME, maximum=most, shareable_only=True),
    }
    return Capabilities(
        attach=True,
        detach_keeps_data=True,
        batch=batch,
        views=BOTH,
        device=True,
        delete_on_termination=SetBy.AFTERWARDS,
        max_servers_per_volume=random.randint(2, servers + 1),
        sure_slots=random.randint(0, 8),
        shows_owner_marks=not _one_in(random, 8),
    )


def _places(
    random: Random, names: list[str], disk: Volume, can: Capabilities, *, calm: bool
) -> set[str]:
    most = can.max_servers_per_volume if disk.shareable else 1
    if not calm and _one_in(random, 10):
        most += 1
    return set(random.sample(names, random.randint(0, min(most, len(names)))))


def _live(
    random: Random, names: list[str], disks: list[Volume], can: Capabilities, *, calm: bool
) -> Live:
    seen: list[Observed] = []
    for disk in disks:
        places = sorted(_places(random, names, disk, can, calm=True))
        if not calm and len(places) < can.max_servers_per_volume and _one_in(random, 12):
            places = [*places, AWAY] if disk.shareable else [AWAY]
        seen += [_seen(random, f"{place}/{disk.name}", calm=calm) for place in places]
    boots = [name for name in names if _one_in(random, 2)]
    seen += [on(f"{name}/boot-{name}", boot=True) for name in boots]
    live = world(
        [_server(random, name, calm=calm) for name in names],
        [*disks, *(volume(f"boot-{name}") for name in boots)],
        seen,
    )
    return live if calm or not _one_in(random, 25) else replace(live, complete=False)


def _seen(random: Random, pair: str, *, calm: bool) -> Observed:
    if pair.startswith(AWAY):
        return on(pair, STORAGE)
    flag = random.choice([True, False])
    if calm:
        return on(pair, flag=flag)
    views = COMPUTE if _one_in(random, 12) else STORAGE if _one_in(random, 12) else BOTH
    phase = random.choice(list(Phase)) if _one_in(random, 20) else Phase.ATTACHED
    return on(pair, views, phase=phase, flag=flag, device=random.choice([None, "/dev/vdb"]))


def _entries(random: Random, names: list[str], wanted: Wanted, *, calm: bool) -> tuple[Entry, ...]:
    """Give entries of both kinds that agree, but for a slip now and then."""
    made: list[Entry] = []
    for name in names:
        if not _one_in(random, 4):
            disks = sorted(disk for disk, places in wanted.items() if name in places)
            flag = True if _one_in(random, 8) else None
            lines = [listed(disk, random.choice([None, "/dev/vdc"]), flag=flag) for disk in disks]
            slip = [] if calm or not _one_in(random, 12) else [listed("typo")]
            absent = sorted(wanted.keys() - set(disks))[: random.randint(0, 1)]
            keep = _one_in(random, 5)
            made.append(of_server(name, *lines, *slip, absent=absent, keep=keep))
    for disk, places in sorted(wanted.items()):
        if _one_in(random, 3):
            slip = [] if calm or not _one_in(random, 12) else [listed("typo")]
            made.append(of_volume(disk, *sorted(places), *slip, keep=_one_in(random, 5)))
    return tuple(made)


def _circumstances(random: Random, *, calm: bool) -> Circumstances:
    strays = Unmanaged.DETACH if _one_in(random, 3) else Unmanaged.REPORT
    if calm or not _one_in(random, 4):
        return Circumstances(unmanaged=strays)
    globs = [random.choice(["a", "b", "*/s", "*/t", "c/*"])]
    if _one_in(random, 2):
        return Circumstances(unmanaged=strays, targets=(*globs, "*/u"))
    return Circumstances(unmanaged=strays, excludes=tuple(globs))


def _room(random: Random, live: Live, can: Capabilities) -> dict[str, dict[str, int]]:
    """Give slots: never fewer than are sure, never fewer than are taken."""
    found: dict[str, dict[str, int]] = {}
    for server_id, disks in disks_of(live).items():
        scsi = sum(live.volumes[disk].bus == "scsi" for disk in disks)
        found[server_id] = {
            ANY_BUS: max(len(disks), can.sure_slots) + random.randint(0, 3),
            "scsi": max(scsi, can.sure_slots) + random.randint(0, 2),
        }
    return found


def counted(made: World) -> World:
    """Ask for free slots where the planner is in doubt, as a run does."""
    disks = disks_of(made.live)
    slots = {
        server_id: ServerWord(
            free_slots={
                ANY_BUS: made.room[server_id][ANY_BUS] - len(disks[server_id]),
                "scsi": made.room[server_id]["scsi"]
                - sum(made.live.volumes[disk].bus == "scsi" for disk in disks[server_id]),
            }
        )
        for server_id in in_doubt_about_slots(made.ground())
    }
    return replace(made, live=with_words(made.live, Words(servers=slots)))


def shuffled(live: Live, random: Random) -> Live:
    """Give the same listing with every mapping in another order."""

    def mixed(mapping: Mapping[AttachmentKey, Observed]) -> dict[AttachmentKey, Observed]:
        rows = list(mapping.items())
        random.shuffle(rows)
        return {
            key: structs.replace(seen, sightings=dict(reversed(list(seen.sightings.items()))))
            for key, seen in rows
        }

    servers, volumes = list(live.servers.items()), list(live.volumes.items())
    random.shuffle(servers)
    random.shuffle(volumes)
    return replace(
        live, servers=dict(servers), volumes=dict(volumes), observed=mixed(live.observed)
    )
