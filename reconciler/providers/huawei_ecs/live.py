"""What ECS and EVS show of servers, volumes and attachments, as values; pure.

1. An unknown status word refuses: it is never guessed to be harmless.
2. A deleted server is left out: it bears no name.
3. Compute says only that a volume is attached; storage also says that it is coming or going,
   of a volume that can be on one server only. For a shareable one, the volume's status says it.

Source: ECS API reference, "ECS Status" and "ListServersDetails"; EVS API reference, "EVS Disk
Status" and "ListVolumes". That the busy and error rows refuse is our conservative reading.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

from reconciler.model.attachment import AttachmentKey, Observed, Phase, Sighting, View
from reconciler.model.live import Server, ServerStatus, Volume, VolumeStatus
from reconciler.providers.marks import owner_marks
from reconciler.providers.rows import said, told_pairs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.providers.huawei_ecs.wire import (
        WireAttachment,
        WireServer,
        WireVolume,
        WireVolumeOnServer,
    )

    Rows = tuple[tuple[str, Sighting], ...]
    """What a view shows at one end, by the id of the other."""

STOPPED = "SHUTOFF"
SERVERS: Mapping[str, ServerStatus] = {
    "ACTIVE": ServerStatus.READY,
    STOPPED: ServerStatus.READY,
    **dict.fromkeys(
        (
            "BUILD",
            "HARD_REBOOT",
            "MIGRATING",
            "REBOOT",
            "REBUILD",
            "RESIZE",
            "REVERT_RESIZE",
            "VERIFY_RESIZE",
        ),
        ServerStatus.MOVING,
    ),
}
DELETED = frozenset({"DELETED", "SOFT_DELETED"})
VOLUMES: Mapping[str, VolumeStatus] = {
    "available": VolumeStatus.READY,
    "in-use": VolumeStatus.READY,
    "attaching": VolumeStatus.MOVING,
    "detaching": VolumeStatus.MOVING,
    **dict.fromkeys(
        (
            "awaiting-transfer",
            "backing-up",
            "creating",
            "downloading",
            "extending",
            "restoring-backup",
            "rollbacking",
            "uploading",
        ),
        VolumeStatus.BUSY,
    ),
}
PHASES: Mapping[str, Phase] = {"attaching": Phase.ATTACHING, "detaching": Phase.DETACHING}
FIRST = itemgetter(0)
BOOT_DEVICES = frozenset({"/dev/vda", "/dev/sda"})


@dataclass(slots=True, kw_only=True)
class Seen:
    """What was seen so far, by the cloud's ids; the last row of an id counts."""

    scope: str
    servers: dict[str, Server] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    by_server: dict[str, Rows] = field(default_factory=dict)
    """What compute shows: by server, its volumes."""
    by_volume: dict[str, Rows] = field(default_factory=dict)
    """What storage shows: by volume, its servers."""

    def add_servers(self, rows: Iterable[WireServer]) -> None:
        """Take in what compute shows; deleted and unknown servers are left out."""
        for row in rows:
            unknown = not row.status and row.fault is not None
            if unknown or row.status in DELETED:
                self.servers.pop(row.id, None)
                self.by_server.pop(row.id, None)
                continue
            self.servers[row.id] = server(row)
            on = [(one.id, _by_compute(row, one)) for one in row.volumes or () if one.id]
            self.by_server[row.id] = tuple(on)

    def add_volumes(self, rows: Iterable[WireVolume]) -> None:
        """Take in what storage shows; bare metal hosts have no server id there."""
        for row in rows:
            self.volumes[row.id] = volume(row)
            on = row.attachments or ()
            self.by_volume[row.id] = tuple(
                [(one.server_id, _by_storage(row, one)) for one in on if one.server_id]
            )

    def observed(self) -> Mapping[AttachmentKey, Observed]:
        """Give every attachment that a view shows, sorted by its key."""
        found: dict[AttachmentKey, Observed] = {}
        shown_by_both = 0
        for server_id in sorted(self.by_server):
            for volume_id, sighting in sorted(dict(self.by_server[server_id]).items(), key=FIRST):
                sightings = {View.COMPUTE: sighting}
                for other_id, by_storage in self.by_volume.get(volume_id, ()):
                    if other_id == server_id:
                        sightings[View.STORAGE] = by_storage
                        shown_by_both += 1
                key = AttachmentKey(self.scope, server_id, volume_id)
                found[key] = Observed(key=key, sightings=sightings)
        if shown_by_both == sum(map(len, self.by_volume.values())):
            return found
        return dict(sorted((self._by_storage_alone(found) | found).items(), key=FIRST))

    def _by_storage_alone(
        self, found: Mapping[AttachmentKey, Observed]
    ) -> dict[AttachmentKey, Observed]:
        alone: dict[AttachmentKey, Observed] = {}
        for volume_id, rows in self.by_volume.items():
            for server_id, sighting in rows:
                key = AttachmentKey(self.scope, server_id, volume_id)
                if key not in found:
                    alone[key] = Observed(key=key, sightings={View.STORAGE: sighting})
        return alone


def server(row: WireServer) -> Server:
    """Give a server as it may be planned with."""
    metadata, tags = row.metadata or {}, told_pairs(row.tags)
    locked = said(row.locked) is True
    frozen = metadata.get("EcmResStatus") == "freeze"
    status = SERVERS.get(row.status, ServerStatus.REFUSING)
    if status is ServerStatus.READY and row.transition:
        status = ServerStatus.MOVING
    if locked or frozen:
        status = ServerStatus.REFUSING
    more = ", ".join(word for word in (row.transition, "freeze" if frozen else "") if word)
    return Server(
        server_id=row.id,
        name=row.name,
        status=status,
        status_text=f"{row.status} ({more})" if more else row.status,
        locked=locked,
        running=row.status != STOPPED,
        zone=row.zone or None,
        tags=tags,
        owner_marks=owner_marks("", {*metadata, *tags}),
    )


def volume(row: WireVolume) -> Volume:
    """Give a volume as it may be planned with."""
    metadata = row.metadata or {}
    return Volume(
        volume_id=row.id,
        name=row.name,
        size_gib=row.size,
        status=VOLUMES.get(row.status, VolumeStatus.REFUSING),
        status_text=row.status,
        shareable=said(row.multiattach) is True,
        boot=said(row.bootable) is True,
        zone=row.zone or None,
        bus="scsi" if metadata.get("hw:passthrough", "").lower() == "true" else "virtio",
        prepaid=bool(metadata.get("orderID")),
        owner_marks=owner_marks(row.name, (*metadata, *told_pairs(row.tags))),
    )


def _phase(row: WireVolume) -> Phase:
    if row.status == "error_detaching":
        return Phase.FAILED
    # A shareable volume has one status for all its servers: it doesn't say which one moves.
    return Phase.ATTACHED if said(row.multiattach) else PHASES.get(row.status, Phase.ATTACHED)


def _by_compute(server_row: WireServer, row: WireVolumeOnServer) -> Sighting:
    on_root = row.device in BOOT_DEVICES and row.device == server_row.root_device
    boot = row.boot_index == "0" or on_root
    return _attached(row.device or None, deletes=said(row.delete_on_termination), boot=boot)


@lru_cache(maxsize=1024)
def _attached(device: str | None, *, deletes: bool | None, boot: bool) -> Sighting:
    # All servers name their devices alike: a few dozen sightings stand for 100,000.
    return Sighting(phase=Phase.ATTACHED, device=device, delete_on_termination=deletes, boot=boot)


def _by_storage(row: WireVolume, attachment: WireAttachment) -> Sighting:
    return Sighting(
        phase=_phase(row),
        device=attachment.device or None,
        attachment_id=attachment.attachment_id or None,
    )
