"""The JSON of ECS and EVS as documented; members that nobody here reads are left out.

Source: ECS and EVS API references, "ListServersDetails", "ListVolumes", "ShowJob",
"ListServerBlockDevices"; huaweicloudsdkecs/-evs 3.1.219, models.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import field
from pydantic import BeforeValidator, Field

from reconciler.providers.lenient import Id, OptionalId, Text, Whole, Wire, flag, rows, whole
from reconciler.providers.rows import Row, told_id, told_optional_id, told_pairs, told_text


class WireVolumeOnServer(Row):
    """One element of a server's `os-extended-volumes:volumes_attached`."""

    id: Any = ""
    device: Any = ""
    boot_index: Any = field(default="", name="bootIndex")
    delete_on_termination: Any = None

    def __post_init__(self) -> None:
        self.id = told_optional_id(self.id)
        if type(self.device) is not str:
            self.device = told_text(self.device)
        if type(self.boot_index) is not str:
            self.boot_index = told_text(self.boot_index)
        if type(self.delete_on_termination) is not bool:
            self.delete_on_termination = flag(self.delete_on_termination)


class WireServer(Row):
    """One element of `servers`; an unknown id comes back as `id` and `fault` alone."""

    id: Any
    name: Any = ""
    status: Any = ""
    locked: Any = None
    fault: Any = None
    transition: Any = field(default="", name="OS-EXT-STS:task_state")
    zone: Any = field(default="", name="OS-EXT-AZ:availability_zone")
    root_device: Any = field(default="", name="OS-EXT-SRV-ATTR:root_device_name")
    metadata: Any = None
    tags: Any = None
    volumes: list[WireVolumeOnServer] | None = field(
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


class WireServers(Row):
    """The body of `cloudservers/detail`."""

    servers: list[WireServer]
    count: Any = None

    def __post_init__(self) -> None:
        self.count = whole(self.count)


class WireAttachment(Row):
    """One element of a volume's `attachments`; its `id` is the volume's, so it isn't read."""

    attachment_id: Any = ""
    server_id: Any = ""
    device: Any = ""

    def __post_init__(self) -> None:
        self.attachment_id = told_optional_id(self.attachment_id)
        self.server_id = told_optional_id(self.server_id)
        if type(self.device) is not str:
            self.device = told_text(self.device)


class WireVolume(Row):
    """One element of `volumes`."""

    id: Any
    name: Any = ""
    status: Any = ""
    size: Any = None
    multiattach: Any = None
    bootable: Any = None
    zone: Any = field(default="", name="availability_zone")
    metadata: Any = None
    tags: Any = None
    attachments: list[WireAttachment] | None = None

    def __post_init__(self) -> None:
        self.id = told_id(self.id)
        if type(self.name) is not str:
            self.name = told_text(self.name)
        if type(self.status) is not str:
            self.status = told_text(self.status)
        if type(self.size) is not int:
            self.size = whole(self.size)
        if type(self.multiattach) is not bool:
            self.multiattach = flag(self.multiattach)
        if type(self.bootable) is not bool:
            self.bootable = flag(self.bootable)
        if type(self.zone) is not str:
            self.zone = told_text(self.zone)
        self.metadata = told_pairs(self.metadata)
        self.tags = told_pairs(self.tags)


class WireShownVolume(Row):
    """The body of `cloudvolumes/{volume_id}`."""

    volume: WireVolume


class WireVolumes(Row):
    """The body of `cloudvolumes/detail`."""

    volumes: list[WireVolume]
    count: Any = None

    def __post_init__(self) -> None:
        self.count = whole(self.count)


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
    error_code: Text = ""
    fail_reason: Text = ""
    entities: WireJobEntities | None = None
