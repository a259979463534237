"""How Huawei's ECS and EVS say things: errors, times, servers, volumes.

Source: the ECS and EVS API references and their error code tables. The texts of the
messages are ours where the table gives none.

The clouds' seconds are told as dates counted from a fixed instant, so that a run can be
repeated byte for byte.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.sim.exchange import Answer, RefusalError, answer

if TYPE_CHECKING:
    from reconciler.sim.entities import Attachment, Server, Volume
    from reconciler.sim.routes import Ask

EPOCH = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
"""The date of the clouds' second 0."""

_NUMBER = re.compile("[0-9]{1,9}")

_ECS_ERRORS = {
    "Ecs.0003": (403, "You do not have the permission, or the ECS is frozen."),
    "Ecs.0005": (400, "Invalid parameter."),
    "Ecs.0017": (400, "The disk is bound to another ECS."),
    "Ecs.0042": (400, "The number of data disks exceeds the limit."),
    "Ecs.0057": (400, "The disk has been attached to the ECS."),
    "Ecs.0100": (400, "The ECS status does not meet requirements."),
    "Ecs.0102": (400, "The disk status does not allow the detachment."),
    "Ecs.0103": (400, "The disk is not in the available state."),
    "Ecs.0104": (400, "No free slot is left for another disk."),
    "Ecs.0107": (400, "The number of attachments of the shared disk exceeds the limit."),
    "Ecs.0111": (400, "The disk is not attached to the ECS."),
    "Ecs.0114": (404, "The ECS does not exist."),
    "Ecs.0118": (400, "Too many ECSs in a batch."),
    "Ecs.0121": (400, "The disk and the ECS are in different failure domains."),
    "Ecs.0603": (501, "Another command is being executed. Try again in 1 minute."),
    "Ecs.0605": (400, "The ECS is locked."),
    "Ecs.0617": (400, "Failed to change the disk attribute."),
    "Common.0011": (400, "Invalid job id."),
    "Common.0018": (400, "The project in the URL is not the one of the credentials."),
}


def ecs_refusal(code: str, detail: str = "") -> RefusalError:
    """Give the refusal with an ECS code, to be raised."""
    status, text = _ECS_ERRORS[code]
    body = {"error": {"code": code, "message": f"{text} {detail}".strip()}}
    return RefusalError(answer(status, body))


def evs_refusal(status: int, code: str, text: str) -> RefusalError:
    """Give the refusal with an EVS code, to be raised."""
    return RefusalError(answer(status, {"error": {"code": code, "message": text}}))


def cinder_refusal(status: int, kind: str, text: str) -> RefusalError:
    """Give the refusal in the shape of Cinder's own API, to be raised."""
    return RefusalError(answer(status, {kind: {"code": status, "message": text}}))


def ecs_time(seconds: float) -> str:
    """Give a server's time: whole seconds, `Z`."""
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def job_time(seconds: float) -> str:
    """Give a job's time: milliseconds, `Z`."""
    moment = (EPOCH + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def evs_time(seconds: float) -> str:
    """Give a volume's time: microseconds, no zone, UTC."""
    moment = EPOCH + timedelta(seconds=seconds)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")


def number(text: str | None, default: int) -> int | None:
    """Give a query's whole number, the default when absent, None when it isn't one."""
    if text is None:
        return default
    return int(text) if _NUMBER.fullmatch(text) else None


def empty(status: int) -> Answer:
    """Give an answer without a body."""
    return Answer(status=status)


def server_document(ask: Ask, server: Server) -> dict[str, object]:
    """Give a server as list and show give it; flags and indices of its disks are texts here."""
    row = server.row
    running = row.status == "ACTIVE"
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "locked": row.locked,
        "tenant_id": ask.cloud.world.project_id,
        "user_id": "simulator",
        "enterprise_project_id": "0",
        "created": ecs_time(server.created_s),
        "updated": ecs_time(server.created_s),
        "OS-EXT-STS:task_state": row.motion,
        "OS-EXT-STS:vm_state": "active" if running else "stopped",
        "OS-EXT-STS:power_state": 1 if running else 4,
        "OS-EXT-AZ:availability_zone": row.az,
        "OS-EXT-SRV-ATTR:root_device_name": "/dev/vda",
        "flavor": {
            "id": row.flavor,
            "name": row.flavor,
            "vcpus": "2",
            "ram": "4096",
            "disk": "0",
        },
        "image": {"id": ""},
        "addresses": {},
        "fault": None,
        "tags": [f"{key}={value}" for key, value in row.tags.items()],
        "sys_tags": [],
        "metadata": {
            "charging_mode": "0",
            "os_type": "Linux",
            "EcmResStatus": "freeze" if row.frozen else "normal",
            "virtual_env_type": "FusionCompute",
        },
        "os-extended-volumes:volumes_attached": [_attached(disk) for disk in server.in_order()],
    }


def _attached(disk: Attachment) -> dict[str, object]:
    return {
        "id": disk.volume_id,
        "delete_on_termination": "true" if disk.delete_on_termination else "false",
        "bootIndex": "0" if disk.boot else None,
        "device": disk.device,
    }


def disk_document(ask: Ask, disk: Attachment, place: int) -> dict[str, object]:
    """Give a disk as `block_device` gives it; the id repeats the volume's."""
    volume = ask.cloud.volumes[disk.volume_id]
    return {
        "id": disk.volume_id,
        "volumeId": disk.volume_id,
        "serverId": disk.server_id,
        "size": volume.row.size_gib,
        "device": disk.device,
        "bootIndex": 0 if disk.boot else None,
        "bus": "scsi" if volume.scsi else "virtio",
        "pciAddress": f"0000:02:{place + 1:02x}.0",
    }


def volume_document(ask: Ask, volume: Volume) -> dict[str, object]:
    """Give a volume as list and show give it, with what storage says about its attachments."""
    row, project_id = volume.row, ask.cloud.world.project_id
    holders = volume.in_order()
    changed_s = max((disk.attached_s for disk in holders), default=volume.created_s)
    return {
        "id": row.id,
        "name": row.name,
        "description": "",
        "status": volume.status,
        "size": row.size_gib,
        "volume_type": row.type,
        "availability_zone": row.az,
        "multiattach": row.multiattach,
        "shareable": "true" if row.multiattach else "false",
        "bootable": "true" if row.bootable else "false",
        "encrypted": False,
        "wwn": None,
        "serial_number": None,
        "created_at": evs_time(volume.created_s),
        "updated_at": evs_time(changed_s),
        "os-vol-tenant-attr:tenant_id": project_id,
        "os-vol-host-attr:host": f"cinder-{row.az}#{row.type}",
        "user_id": "simulator",
        "service_type": "EVS",
        "enterprise_project_id": "0",
        "tags": dict(row.tags),
        "snapshot_id": None,
        "source_volid": None,
        "consistencygroup_id": None,
        "replication_status": "disabled",
        "dedicated_storage_id": None,
        "dedicated_storage_name": None,
        "iops": None,
        "throughput": None,
        "metadata": {**row.metadata, "attached_mode": "rw", "readonly": "False"},
        "attachments": [_held(disk) for disk in holders],
        "links": [{"rel": "self", "href": f"{ask.origin}/v2/{project_id}/cloudvolumes/{row.id}"}],
    }


def _held(disk: Attachment) -> dict[str, object]:
    return {
        "id": disk.volume_id,
        "attachment_id": disk.attachment_id,
        "volume_id": disk.volume_id,
        "server_id": disk.server_id,
        "host_name": None,
        "device": disk.device,
        "attached_at": evs_time(disk.attached_s),
    }
