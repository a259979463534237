"""The JSON of ECS and EVS as documented; members that nobody here reads are left out.

Source: ECS and EVS API references, "ListServersDetails", "ListVolumes", "ShowJob",
"ListServerBlockDevices"; huaweicloudsdkecs/-evs 3.1.219, models.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from reconciler.providers.lenient import Flag, Id, OptionalId, Pairs, Text, Whole, Wire, rows


class WireVolumeOnServer(Wire):
    """One element of a server's `os-extended-volumes:volumes_attached`."""

    id: OptionalId = ""
    device: Text = ""
    boot_index: Text = Field("", alias="bootIndex")
    delete_on_termination: Flag = None


class WireServer(Wire):
    """One element of `servers`; an unknown id comes back as `id` and `fault` alone."""

    id: Id
    name: Text = ""
    status: Text = ""
    locked: Flag = None
    fault: object = None
    transition: Text = Field("", alias="OS-EXT-STS:task_state")
    zone: Text = Field("", alias="OS-EXT-AZ:availability_zone")
    root_device: Text = Field("", alias="OS-EXT-SRV-ATTR:root_device_name")
    metadata: Pairs = Field({})
    tags: Pairs = Field({})
    volumes: Annotated[list[WireVolumeOnServer], BeforeValidator(rows)] = Field(
        [], alias="os-extended-volumes:volumes_attached"
    )


class WireServers(Wire):
    """The body of `cloudservers/detail`."""

    count: Whole = None
    servers: list[WireServer]


class WireAttachment(Wire):
    """One element of a volume's `attachments`; its `id` is the volume's, so it isn't read."""

    attachment_id: OptionalId = ""
    server_id: OptionalId = ""
    device: Text = ""


class WireVolume(Wire):
    """One element of `volumes`."""

    id: Id
    name: Text = ""
    status: Text = ""
    size: Whole = None
    multiattach: Flag = None
    bootable: Flag = None
    zone: Text = Field("", alias="availability_zone")
    metadata: Pairs = Field({})
    tags: Pairs = Field({})
    attachments: Annotated[list[WireAttachment], BeforeValidator(rows)] = Field([])


class WireShownVolume(Wire):
    """The body of `cloudvolumes/{volume_id}`."""

    volume: WireVolume


class WireVolumes(Wire):
    """The body of `cloudvolumes/detail`."""

    count: Whole = None
    volumes: list[WireVolume]


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
