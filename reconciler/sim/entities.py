"""What is in a simulated cloud: servers, volumes, and attachments seen from either side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.sim.records import ServerRow, VolumeRow

DISKS_PER_SERVER = 24
"""VBD disks of a server, the boot disk included. Source: ECS documentation, static maxima."""

SCSI_DISKS_PER_SERVER = 60
"""All disks of a server, the boot disk included. Source: the same."""


@dataclass(slots=True, kw_only=True)
class Attachment:
    """One volume on one server; the same value stands in each view that shows it."""

    server_id: str
    volume_id: str
    device: str
    attachment_id: str
    attached_s: float
    boot: bool = False
    delete_on_termination: bool = False


@dataclass(slots=True, kw_only=True)
class Server:
    """A server; `disks` is the compute view of its attachments, by volume id."""

    row: ServerRow
    created_s: float
    slots: int = DISKS_PER_SERVER
    disks: dict[str, Attachment] = field(default_factory=dict)
    in_flight: set[str] = field(default_factory=set)

    @property
    def free_slots(self) -> int:
        """How many more VBD disks it takes now."""
        return max(0, self.slots - len(self.disks))

    def in_order(self) -> list[Attachment]:
        """Give its disks as answers list them: the boot disk, then by mount point."""
        return sorted(self.disks.values(), key=lambda d: (not d.boot, len(d.device), d.device))

    def copy(self) -> Server:
        """Give the server as it is now, untouched by what follows."""
        return Server(
            row=self.row,
            created_s=self.created_s,
            slots=self.slots,
            disks=dict(self.disks),
            in_flight=set(self.in_flight),
        )


@dataclass(slots=True, kw_only=True)
class Volume:
    """A volume; `holders` is the storage view of its attachments, by server id."""

    row: VolumeRow
    created_s: float
    status: str
    holders: dict[str, Attachment] = field(default_factory=dict)
    in_flight: set[str] = field(default_factory=set)

    @property
    def scsi(self) -> bool:
        """Whether it attaches as a SCSI disk and not as VBD."""
        return self.row.metadata.get("hw:passthrough") == "true"

    def in_order(self) -> list[Attachment]:
        """Give its attachments as answers list them: by age, then by server."""
        return sorted(self.holders.values(), key=lambda row: (row.attached_s, row.server_id))

    def copy(self) -> Volume:
        """Give the volume as it is now, untouched by what follows."""
        return Volume(
            row=self.row,
            created_s=self.created_s,
            status=self.status,
            holders=dict(self.holders),
            in_flight=set(self.in_flight),
        )


def next_device(server: Server, wanted: str | None = None) -> str:
    """Give the mount point wanted when it is free, else the next free one.

    `/dev/sd*` is rewritten to `/dev/vd*`, as on KVM servers.
    """
    taken = {attachment.device for attachment in server.disks.values()}
    if wanted is not None:
        wanted = wanted.replace("/dev/sd", "/dev/vd", 1)
        if wanted not in taken:
            return wanted
    letters = "bcdefghijklmnopqrstuvwxyz"
    names = [*letters, *(f"a{letter}" for letter in f"a{letters}"), *(f"b{x}" for x in letters)]
    return next(d for name in names if (d := f"/dev/vd{name}") not in taken)
