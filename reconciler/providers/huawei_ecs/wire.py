"""The JSON of ECS and EVS as documented; members that nobody here reads are left out.

Source: ECS and EVS API references, "ListServersDetails", "ListVolumes", "ShowJob",
"ListServerBlockDevices"; huaweicloudsdkecs/-evs 3.1.219, models.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import field
from pydantic import BeforeValidator, Field

from reconciler.providers.lenient import Id, OptionalId, Text, Whole, Wire, flag, rows, whole
from reconciler.providers.rows import (
    PlainFlag,
    PlainId,
    PlainOptionalId,
    PlainPairs,
    Row,
    told_id,
    told_optional_id,
    told_pairs,
    told_text,
)


class WireVolumeOnServer(Row):
    """One element of a server's `os-extended-volumes:volumes_attached`."""

    id: PlainOptionalId = ""
    device: str = ""
    boot_index: str | None = field(default=None, name="bootIndex")
    delete_on_termination: PlainFlag = None


class WireServer(Row):
    """One element of `servers`; an unknown id comes back as `id` and `fault` alone."""

    id: PlainId
    name: str = ""
    status: str = ""
    locked: PlainFlag = None
    fault: Any = None
    transition: str | None = field(default=None, name="OS-EXT-STS:task_state")
    zone: str = field(default="", name="OS-EXT-AZ:availability_zone")
    root_device: str = field(default="", name="OS-EXT-SRV-ATTR:root_device_name")
    metadata: dict[str, str] | None = None
    tags: PlainPairs = None
    volumes: tuple[WireVolumeOnServer, ...] | None = field(
        default=None, name="os-extended-volumes:volumes_attached"
    )


class WireServers(Row):
    """The body of `cloudservers/detail`."""

    servers: tuple[WireServer, ...]
    count: int | None = None


class WireAttachment(Row):
    """One element of a volume's `attachments`; its `id` is the volume's, so it isn't read."""

    attachment_id: PlainOptionalId = ""
    server_id: PlainOptionalId = ""
    device: str = ""


class WireVolume(Row):
    """One element of `volumes`."""

    id: PlainId
    name: str = ""
    status: str = ""
    size: int | None = None
    multiattach: PlainFlag = None
    bootable: PlainFlag = None
    zone: str = field(default="", name="availability_zone")
    metadata: dict[str, str] | None = None
    tags: PlainPairs = None
    attachments: tuple[WireAttachment, ...] | None = None


class WireVolumes(Row):
    """The body of `cloudvolumes/detail`."""

    volumes: tuple[WireVolume, ...]
    count: int | None = None


class WireShownVolume(Row):
    """The body of `cloudvolumes/{volume_id}`."""

    volume: WireVolume


class LooseVolumeOnServer(WireVolumeOnServer):
    """The same where a member isn't as documented."""

    id: Any = ""
    device: Any = ""
    boot_index: Any = field(default=None, name="bootIndex")
    delete_on_termination: Any = None

    def __post_init__(self) -> None:
        self.id = told_optional_id(self.id)
        self.device = told_text(self.device)
        self.boot_index = told_text(self.boot_index)
        self.delete_on_termination = flag(self.delete_on_termination)


class LooseServer(WireServer):
    """The same where a member isn't as documented."""

    id: Any
    name: Any = ""
    status: Any = ""
    locked: Any = None
    transition: Any = field(default=None, name="OS-EXT-STS:task_state")
    zone: Any = field(default="", name="OS-EXT-AZ:availability_zone")
    root_device: Any = field(default="", name="OS-EXT-SRV-ATTR:root_device_name")
    metadata: Any = None
    tags: Any = None
    volumes: tuple[LooseVolumeOnServer, ...] | None = field(
        default=None, name="os-extended-volumes:volumes_attached"
    )

    def __post_init__(self) -> None:
        self.id = told_id(self.id)
        self.name = told_text(self.name)
        self.status = told_text(self.status)
        self.locked = flag(self.locked)
        self.transition = told_text(self.transition)
        self.zone = told_text(self.zone)
        self.root_device = told_text(self.root_device)
        self.metadata = told_pairs(self.metadata)
        self.tags = told_pairs(self.tags)


class LooseServers(WireServers):
    """The same where a row isn't as documented."""

    servers: tuple[LooseServer, ...]
    count: Any = None

    def __post_init__(self) -> None:
        self.count = whole(self.count)


class LooseAttachment(WireAttachment):
    """The same where a member isn't as documented."""

    attachment_id: Any = ""
    server_id: Any = ""
    device: Any = ""

    def __post_init__(self) -> None:
        self.attachment_id = told_optional_id(self.attachment_id)
        self.server_id = told_optional_id(self.server_id)
        self.device = told_text(self.device)


class LooseVolume(WireVolume):
    """The same where a member isn't as documented."""

    id: Any
    name: Any = ""
    status: Any = ""
    size: Any = None
    multiattach: Any = None
    bootable: Any = None
    zone: Any = field(default="", name="availability_zone")
    metadata: Any = None
    tags: Any = None
    attachments: tuple[LooseAttachment, ...] | None = None

    def __post_init__(self) -> None:
        self.id = told_id(self.id)
        self.name = told_text(self.name)
        self.status = told_text(self.status)
        self.size = whole(self.size)
        self.multiattach = flag(self.multiattach)
        self.bootable = flag(self.bootable)
        self.zone = told_text(self.zone)
        self.metadata = told_pairs(self.metadata)
        self.tags = told_pairs(self.tags)


class LooseVolumes(WireVolumes):
    """The same where a row isn't as documented."""

    volumes: tuple[LooseVolume, ...]
    count: Any = None

    def __post_init__(self) -> None:
        self.count = whole(self.count)


class LooseShownVolume(WireShownVolume):
    """The same where a member isn't as documented."""

    volume: LooseVolume


WireServers.loose = LooseServers
WireVolumes.loose = LooseVolumes
WireShownVolume.loose = LooseShownVolume


class WireFreeSlots(Wire):
    """`attachableQuantity`: how many more disks the server takes now."""

    free_scsi: Whole = None
    free_blk: Whole = None
    free_disk: Whole = None


class WireAttachedDisk(Wire):
    """One element of `volumeAttachments`."""

    volume_id: Id = Field(alias="volumeId")


class WireBlockDevices(Wire):
    """The body of `block_device`."""

    free: WireFreeSlots | None = Field(None, alias="attachableQuantity")
    disks: list[WireAttachedDisk] | None = Field(None, alias="volumeAttachments")


class WireDisk(Wire):
    """`volumeAttachment`: one disk of one server."""

    volume_id: OptionalId = Field("", alias="volumeId")
    server_id: OptionalId = Field("", alias="serverId")


class WireBlockDevice(Wire):
    """The body of `block_device/{volume_id}`."""

    disk: WireDisk = Field(alias="volumeAttachment")


class WireAccepted(Wire):
    """The body of an accepted change."""

    job_id: Text = ""


class WireSubJobEntities(Wire):
    """What a sub-job is about."""

    server_id: Text = ""
    errorcode_message: Text = ""


class WireSubJob(Wire):
    """One element of a job's `sub_jobs`."""

    status: Text = ""
    error_code: Text = ""
    fail_reason: Text = ""
    entities: WireSubJobEntities | None = None


class WireJobEntities(Wire):
    """What a job is about; other members depend on the kind of job."""

    sub_jobs: Annotated[list[WireSubJob], BeforeValidator(rows)] = Field([])


class WireJob(Wire):
    """The body of `jobs/{job_id}`; `code` and `message` only when the question itself failed."""

    status: Text = ""
    begin_time: Text = ""
    end_time: Text = ""
    """Empty, null or absent until it ended."""
    error_code: Text = ""
    fail_reason: Text = ""
    entities: WireJobEntities | None = None
