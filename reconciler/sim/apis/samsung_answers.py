"""How Samsung's Virtual Server says things: refusals, times, servers, volumes.

Source: the SDK's models and openapi.yaml for the members; an unofficial test framework for the
two forms of an error. The codes of attach and detach are not published: those here are ours.

The cloud's seconds are told as dates counted from a fixed instant, so that a run can be
repeated byte for byte.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.sim.apis.samsung_gateway import fault
from reconciler.sim.dice import named_uuid
from reconciler.sim.exchange import RefusalError, answer

if TYPE_CHECKING:
    from reconciler.sim.cloud import Cloud
    from reconciler.sim.entities import Attachment, Server, Volume
    from reconciler.sim.routes import Ask

EPOCH = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
"""The date of the cloud's second 0."""

TYPE = {
    "id": "s1v1m2",
    "name": "s1v1m2",
    "vcpus": 1,
    "ram": 2048,
    "disk": 0,
    "ephemeral": 0,
    "swap": 0,
    "extra_specs": {},
}
"""What every server is made of."""

CODES = {
    "not-found": (404, "VirtualServer.NotFound"),
    "invalid": (400, "ValidationError"),
    "boot": (400, "VirtualServer.InvalidVolume.DefaultVolume"),
    "zone": (400, "VirtualServer.InvalidVolume.Zone"),
    "server-status": (400, "VirtualServer.InvalidVirtualServerState"),
    "volume-status": (409, "VirtualServer.InvalidVolumeState"),
    "busy": (409, "VirtualServer.InProgress"),
    "attached": (409, "VirtualServer.AlreadyAttached"),
    "not-attached": (409, "VirtualServer.NotAttached"),
    "full": (409, "VirtualServer.TooManyVolumes"),
}
"""Ours; only `ValidationError` was seen. Which of them are 400 and which 409 is unverified."""


def refusal(ask: Ask, why: str, detail: str) -> RefusalError:
    """Give the refusal for one of `CODES`, to be raised."""
    return RefusalError(fault(ask.gate, *CODES[why], detail))


def misfit(place: tuple[str, ...], text: str) -> RefusalError:
    """Give the refusal of what doesn't fit the schema, to be raised."""
    row = {"type_": "value_error", "loc": list(place), "msg": text, "ctx": {}}
    return RefusalError(answer(400, [row]))


def told_at(seconds: float) -> str:
    """Give a time of the cloud: whole seconds, `Z`."""
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def hung(cloud: Cloud) -> frozenset[str]:
    """Give the servers that hang: a volume left while they ran and had it mounted.

    The vendor's page warns of it; the world says so with the metadata `mounted: "true"` of a
    volume. It isn't told that a hung server ever comes back, so here it doesn't.
    """
    return frozenset(
        part.server_id
        for job in cloud.jobs.values()
        for part in job.leaves
        if part.done and part.applies and part.verb == "detach" and part.server_id is not None
        if cloud.volumes[part.volume_id].row.metadata.get("mounted") == "true"
        if cloud.servers[part.server_id].row.status == "ACTIVE"
    )


def server_document(ask: Ask, server: Server, hanging: frozenset[str]) -> dict[str, object]:
    """Give a server as list and show give it."""
    row, facts = server.row, server.row.facts
    kind = facts.get("productCategory", "compute")
    changed_s = max((disk.attached_s for disk in server.disks.values()), default=0.0)
    return {
        "id": row.id,
        "name": row.name,
        "state": "ERROR" if row.id in hanging else row.status,
        "account_id": ask.cloud.world.project_id,
        "created_at": told_at(server.created_s),
        "created_by": "simulator",
        "modified_at": told_at(max(changed_s, server.created_s)),
        "disk_config": "MANUAL",
        "locked": row.locked,
        "metadata": {},
        "image_id": None,
        "is_marketplace": False,
        "keypair_name": None,
        "launch_configuration_id": None,
        "auto_scaling_group_id": facts.get("autoScalingGroup"),
        "server_group_id": None,
        "partition_number": None,
        "planned_compute_os_type": "open_source",
        "product_category": kind,
        "product_offering": "k8s_vm" if kind == "container" else "virtual_server",
        "vpc_id": None,
        "security_groups": [],
        "addresses": [],
        "server_type": dict(TYPE),
        "volumes": [
            {"id": disk.volume_id, "delete_on_termination": disk.delete_on_termination}
            for disk in server.in_order()
        ],
    }


def volume_document(ask: Ask, volume: Volume) -> dict[str, object]:
    """Give a volume as list and show give it, with the servers that storage knows of."""
    row, holders = volume.row, volume.in_order()
    changed_s = max((disk.attached_s for disk in holders), default=volume.created_s)
    return {
        "id": row.id,
        "name": row.name,
        "size": row.size_gib,
        "state": volume.status,
        "servers": [
            {"id": disk.server_id, "device": disk.device, "attached_at": told_at(disk.attached_s)}
            for disk in holders
        ],
        "bootable": row.bootable,
        "multiattach": row.multiattach,
        "encrypted": False,
        "volume_type": row.type,
        "volume_type_id": named_uuid(ask.cloud.world.seed, "type", row.type),
        "max_iops": None,
        "max_throughput": None,
        "snapshot_id": None,
        "user_id": "simulator",
        "created_at": told_at(volume.created_s),
        "modified_at": told_at(max(changed_s, volume.created_s)),
        "volume_image_metadata": None,
    }


def disk_document(disk: Attachment) -> dict[str, object]:
    """Give an attachment as a server's own list gives it."""
    return {
        "id": disk.attachment_id,
        "volume_id": disk.volume_id,
        "server_id": disk.server_id,
        "device": disk.device,
        "delete_on_termination": disk.delete_on_termination,
    }
