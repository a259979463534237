"""The shared world of one simulated project: servers, volumes, jobs and time.

A change is a job. While it runs the volume is `attaching` or `detaching` and both views
show what was before; when it ends both views change in the same instant.
"""

from __future__ import annotations

import copy
import heapq
from typing import TYPE_CHECKING

from reconciler.sim.dice import Dice, named_uuid
from reconciler.sim.entities import (
    DISKS_PER_SERVER,
    Attachment,
    Server,
    Volume,
    next_device,
)
from reconciler.sim.listing import History, Order
from reconciler.sim.rules import Faults, RuleSet

if TYPE_CHECKING:
    from reconciler.sim.clock import Clock
    from reconciler.sim.records import AttachmentRow, Job, World

MOTION = {"attach": "attaching", "detach": "detaching", "destroy": "deleting"}
"""What a volume is while a change of it is under way."""
DESTROYED = "deleted"
"""The status of a volume that is gone for good: only the saved world still has its row."""
JOBS_KEPT = 10_000
"""How many jobs stay queryable. How long the vendor keeps them is not published."""


class Cloud:
    """One project; `revision` grows with every change of what can be seen."""

    def __init__(self, world: World, clock: Clock) -> None:
        self.world = world
        self.clock = clock
        self.dice = Dice(world.seed, world.drawn)
        self.faults = Faults(world.rules)
        self.history = History()
        self.history.longest_s = self.faults.longest_stale_s
        self.revision = 0
        self.at_s = world.elapsed_s
        self._began_s: float | None = None
        self._due: list[tuple[float, int, Job]] = []
        self._queued = 0
        self._orders: dict[str, Order] = {}
        self.servers = _servers(world)
        self.volumes = _volumes(world)
        self.held: dict[str, dict[str, Attachment]] = {}
        for row in world.attachments:
            _place(self, row)
        for server in self.servers.values():
            _place_boot(self, server)
        _settle_slots(self)
        for volume in self.volumes.values():
            volume.status = volume.row.status or ("in-use" if volume.holders else "available")
        self.jobs: dict[str, Job] = {}
        for job in copy.deepcopy(world.jobs):
            self.watch(job)
        self.revision = 0

    def tick(self) -> float:
        """Let everything happen that is due; gives the cloud's seconds now."""
        if self._began_s is None:
            # The clock is first asked here and not when the cloud is made: a loop's clock
            # can't be asked before the loop runs.
            self._began_s = self.clock.now() - self.at_s
        now_s = max(self.at_s, self.clock.now() - self._began_s)
        while self._due and self._due[0][0] <= now_s:
            due_s, _, job = heapq.heappop(self._due)
            self.at_s = due_s
            self._finish(job)
        self.at_s = now_s
        return now_s

    def watch(self, job: Job) -> None:
        """Take a job in: its servers and its volume are busy until it ends."""
        self.jobs[job.id] = job
        if len(self.jobs) > JOBS_KEPT:
            oldest = next(iter(self.jobs))
            if self.jobs[oldest].ended:
                del self.jobs[oldest]
        for part in job.leaves:
            if part.done or part.server_id is None:
                continue
            volume = self.volumes[part.volume_id]
            self.keep(volume)
            volume.in_flight.add(part.id)
            volume.status = MOTION[part.verb]
            self.servers[part.server_id].in_flight.add(part.id)
            self._queued += 1
            heapq.heappush(self._due, (part.due_s, self._queued, part))
        self.revision += 1

    def _finish(self, job: Job) -> None:
        assert job.server_id is not None
        server, volume = self.servers[job.server_id], self.volumes[job.volume_id]
        job.done = True
        server.in_flight.discard(job.id)
        if job.applies and job.verb == "attach":
            self.join(server, volume, job.device, keeps=not job.delete_on_termination)
        elif job.applies:
            self.part(server, volume)
        self.keep(volume)
        volume.in_flight.discard(job.id)
        self.settle(volume)
        if job.applies and job.verb == "destroy":
            volume.status = DESTROYED

    def join(
        self, server: Server, volume: Volume, device: str | None = None, *, keeps: bool = True
    ) -> None:
        """Let both views show the volume on the server; nothing when compute does already."""
        if volume.row.id in server.disks:
            return
        self.keep(server)
        self.keep(volume)
        attachment = Attachment(
            server_id=server.row.id,
            volume_id=volume.row.id,
            device=next_device(server, device),
            attachment_id=self.dice.dashed(),
            attached_s=self.at_s,
            delete_on_termination=not keeps,
        )
        server.disks[volume.row.id] = attachment
        volume.holders[server.row.id] = attachment
        self.held.setdefault(server.row.id, {})[volume.row.id] = attachment

    def part(self, server: Server, volume: Volume) -> None:
        """Let neither view show the volume on the server."""
        self.keep(server)
        server.disks.pop(volume.row.id, None)
        self.forget(volume, server.row.id)

    def forget(self, volume: Volume, server_id: str) -> None:
        """Take the attachment out of the storage view alone."""
        self.keep(volume)
        volume.holders.pop(server_id, None)
        self.held.get(server_id, {}).pop(volume.row.id, None)

    def settle(self, volume: Volume) -> None:
        """Give the volume the status that its attachments mean, unless it is in motion."""
        self.revision += 1
        if not volume.in_flight:
            volume.status = "in-use" if volume.holders else "available"

    def keep(self, row: Server | Volume) -> None:
        """Remember a row before it changes, where a stale listing may ask for it."""
        self.revision += 1
        if self.history.longest_s:
            kind = "server" if isinstance(row, Server) else "volume"
            self.history.keep(kind, row.row.id, row.copy(), self.at_s)

    def order(self, kind: str) -> Order:
        """Give the ids of all servers or volumes, newest first; cached until one more exists."""
        known = self.servers if kind == "server" else self.volumes
        cached = self._orders.get(kind)
        if cached is None or len(cached.ids) != len(known):
            cached = Order.of(sorted(known, reverse=True))
            self._orders[kind] = cached
        return cached

    def set_rules(self, chosen: RuleSet) -> None:
        """Replace the fault rules."""
        self.faults = Faults(chosen)
        self.history.longest_s = self.faults.longest_stale_s
        self.revision += 1


def _servers(world: World) -> dict[str, Server]:
    rows = sorted(world.servers, key=lambda row: row.id)
    return {row.id: Server(row=row, created_s=float(n - len(rows))) for n, row in enumerate(rows)}


def _volumes(world: World) -> dict[str, Volume]:
    rows = sorted(world.volumes, key=lambda row: row.id)
    # Ids in order are ages in order, so a saved world lists its rows as it did before.
    return {
        row.id: Volume(row=row, created_s=float(n - len(rows)), status="available")
        for n, row in enumerate(rows)
    }


def _place(cloud: Cloud, row: AttachmentRow) -> None:
    server, volume = cloud.servers.get(row.server_id), cloud.volumes[row.volume_id]
    boot = server is not None and server.row.boot_volume == row.volume_id
    device = row.device or ("/dev/vda" if boot else None)
    if device is None:
        device = next_device(server) if server is not None else "/dev/vdb"
    kept = row.delete_on_termination
    attachment = Attachment(
        server_id=row.server_id,
        volume_id=row.volume_id,
        device=device,
        attachment_id=row.attachment_id
        or named_uuid(cloud.world.seed, "attachment", row.server_id, row.volume_id),
        attached_s=row.attached_s,
        boot=boot,
        delete_on_termination=boot if kept is None else kept,
    )
    if row.seen_by != "storage" and server is not None:
        server.disks[row.volume_id] = attachment
    if row.seen_by != "compute":
        volume.holders[row.server_id] = attachment
        cloud.held.setdefault(row.server_id, {})[row.volume_id] = attachment


def _place_boot(cloud: Cloud, server: Server) -> None:
    boot = server.row.boot_volume
    if boot is None or boot in server.disks or boot in cloud.held.get(server.row.id, {}):
        return
    attachment = Attachment(
        server_id=server.row.id,
        volume_id=boot,
        device="/dev/vda",
        attachment_id=named_uuid(cloud.world.seed, "attachment", server.row.id, boot),
        attached_s=cloud.volumes[boot].created_s,
        boot=True,
        delete_on_termination=True,
    )
    # The boot disk is every server's first.
    server.disks = {boot: attachment, **server.disks}
    cloud.volumes[boot].holders[server.row.id] = attachment
    cloud.held.setdefault(server.row.id, {})[boot] = attachment


def _settle_slots(cloud: Cloud) -> None:
    for server in cloud.servers.values():
        free = server.row.free_slots
        server.slots = DISKS_PER_SERVER if free is None else len(server.disks) + free
