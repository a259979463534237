"""What Workspace shows of desktops and their disks, as values; pure.

1. An unknown status word refuses: it is never guessed to be harmless.
2. A disk is known by `volume_id`. One without it can't be told from another one: what is attached
   to its desktop is then unknown. So it is where not even the root disk is shown.
3. A desktop whose disks may not be deleted one by one, or of which nobody says that they may, is
   barred: deleting is for good.

Source: Workspace API reference, "ListDesktopsDetail"; terraform-provider-huaweicloud for the
empty status. That all but ACTIVE and SHUTOFF refuse is our conservative reading.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.attachment import AttachmentKey, Observed, Phase, Sighting, View
from reconciler.model.live import Server, ServerStatus, Volume
from reconciler.providers.talk import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.providers.huawei_workspace.wire import WireDesktop, WireDisk

RUNNING, STOPPED = "ACTIVE", "SHUTOFF"
STATUSES: Mapping[str, ServerStatus] = {
    RUNNING: ServerStatus.READY,
    STOPPED: ServerStatus.READY,
    # Words that wait for a person whatever else is going on.
    "ERROR": ServerStatus.REFUSING,
    "HIBERNATED": ServerStatus.REFUSING,
}
BEING_DELETED = "being deleted"
"""The status is an empty text then. Source: terraform-provider-huaweicloud."""
LEAVING = frozenset({"deleting", "deletefailed"})
"""No desktop comes back to rest from these."""
PREPAID = "0"
"""`product.charge_mode`; `metadata.charging_mode`, documented the other way round, isn't read."""
POOLED = "POOLED"


@dataclass(slots=True, kw_only=True)
class Seen:
    """What was seen so far, by the cloud's ids; the last row of an id counts."""

    scope: str
    servers: dict[str, Server] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    sightings: dict[AttachmentKey, Sighting] = field(default_factory=dict)

    def add(self, rows: Iterable[WireDesktop]) -> None:
        """Take in desktops and their disks."""
        for row in rows:
            self.servers[row.desktop_id] = desktop(row)
            for disk in row.data_volumes:
                self._add_disk(row, disk, boot=False)
            # Last: a disk that is listed as both is the root.
            if row.root_volume is not None:
                self._add_disk(row, row.root_volume, boot=True)

    def observed(self) -> Mapping[AttachmentKey, Observed]:
        """Give every attachment, sorted by its key."""
        found = sorted(self.sightings.items(), key=lambda each: each[0])
        return {key: Observed(key=key, sightings={View.COMPUTE: seen}) for key, seen in found}

    def _add_disk(self, row: WireDesktop, disk: WireDisk, *, boot: bool) -> None:
        if not disk.volume_id:
            return
        self.volumes[disk.volume_id] = Volume(
            volume_id=disk.volume_id,
            name=disk.display_name or disk.volume_id,
            size_gib=disk.size,
            boot=boot,
            zone=row.availability_zone or None,
            prepaid=prepaid(row),
        )
        key = AttachmentKey(self.scope, row.desktop_id, disk.volume_id)
        device = disk.device or None
        self.sightings[key] = Sighting(phase=Phase.ATTACHED, device=device, boot=boot)


def desktop(row: WireDesktop) -> Server:
    """Give a desktop as it may be planned with."""
    word = row.status.strip().upper()
    doing = row.task_status.strip()
    shown = clean(word or BEING_DELETED)
    return Server(
        server_id=row.desktop_id,
        name=row.computer_name or row.desktop_id,
        status=_status(word, doing),
        status_text=f"{shown} ({clean(doing)})" if doing else shown,
        running=word != STOPPED,
        barred="; ".join(_bars(row)),
        attachments_known=not blind(row),
        zone=row.availability_zone or None,
        tags={tag.key: tag.value for tag in row.tags},
    )


def blind(row: WireDesktop) -> bool:
    """Tell whether a desktop shows a data disk that has no id, or no disk at all.

    It boots from one: a row without any, as the short list of desktops has them, tells of none.
    """
    if row.root_volume is None and not row.data_volumes:
        return True
    return any(not disk.volume_id for disk in row.data_volumes)


def prepaid(row: WireDesktop) -> bool:
    """Tell whether a desktop is paid for by the month or year; an order says so as well."""
    told = row.product.charge_mode.strip() if row.product is not None else ""
    return told == PREPAID or bool(row.order_id)


def _status(word: str, doing: str) -> ServerStatus:
    if not word or doing.lower() in LEAVING:
        return ServerStatus.REFUSING
    rest = STATUSES.get(word)
    if doing and rest is not ServerStatus.REFUSING:
        return ServerStatus.MOVING
    return rest or ServerStatus.REFUSING


def _bars(row: WireDesktop) -> Iterator[str]:
    if prepaid(row):
        yield "is prepaid: whether a disk of it may be deleted, and is paid back, isn't published"
    in_pool = row.pool_id or any(disk.desktop_pool_disk_id for disk in row.data_volumes)
    if in_pool or row.desktop_type.strip().upper() == POOLED:
        yield "belongs to a pool: its disks are changed for the whole pool, in the console"
    if row.is_freeze:
        yield "is frozen: what a change of it does isn't published"
