"""What ECS looks at before it accepts an attach or a detach.

Source: the constraints and the error table of the ECS API reference. The order of the
checks is unverified; here a server's own condition comes first, then another change in
flight, then the volume. Further choices that are unverified:

* an unknown volume: `Ecs.1000` around Nova's `itemNotFound`
* a frozen server: `Ecs.0003`
* a device that is taken, or is none of `/dev/sda` to `/dev/vdzz`: `Ecs.0005`
* a batch detach: one server without the volume refuses all with `Ecs.0111`; servers
  named twice are `Ecs.0005`; more than 16 are `Ecs.0118`; a volume that isn't shareable
  is accepted
* a batch attach of a volume that isn't shareable: `Ecs.0005`
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from reconciler.sim.apis.huawei_answers import ecs_refusal
from reconciler.sim.entities import SCSI_DISKS_PER_SERVER, Server, Volume
from reconciler.sim.exchange import RefusalError, answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.sim.cloud import Cloud

SERVERS_PER_CALL = 16
SERVERS_PER_VOLUME = 16
DISKS_BEFORE_BATCH_ATTACH = 23
_DEVICE = re.compile("/dev/[sv]d[a-z]{1,2}")


def the_server(cloud: Cloud, server_id: str) -> Server:
    """Give the server, or 404 Ecs.0114."""
    server = cloud.servers.get(server_id)
    if server is None:
        raise ecs_refusal("Ecs.0114", f"id: {server_id}")
    return server


def the_volume(cloud: Cloud, volume_id: str) -> Volume:
    """Give the volume, or Nova's itemNotFound inside Ecs.1000."""
    volume = cloud.volumes.get(volume_id)
    if volume is None:
        raise not_found(f"Volume {volume_id} could not be found.")
    return volume


def not_found(text: str) -> RefusalError:
    """400 Ecs.1000 with JSON text inside, as ECS passes Nova's 404 on."""
    inner = json.dumps({"itemNotFound": {"message": text, "code": 404}})
    return RefusalError(answer(400, {"error": {"message": inner, "code": "Ecs.1000"}}))


def check_server(server: Server) -> None:
    """Refuse where the server takes no change of its disks."""
    row = server.row
    if row.locked:
        raise ecs_refusal("Ecs.0605")
    if row.frozen:
        raise ecs_refusal("Ecs.0003")
    if row.status not in ("ACTIVE", "SHUTOFF") or row.motion is not None:
        raise ecs_refusal("Ecs.0100", f"status: {row.status}, task: {row.motion}")


def check_idle(servers: Sequence[Server], volume: Volume | None) -> None:
    """Refuse with 501 where another change is in flight on a server or the volume."""
    if any(server.in_flight for server in servers) or (volume is not None and volume.in_flight):
        raise ecs_refusal("Ecs.0603")


def check_attach(server: Server, volume: Volume, device: str | None) -> None:
    """Refuse where this volume can't be attached to this server now."""
    row = volume.row
    if row.id in server.disks:
        raise ecs_refusal("Ecs.0057")
    shared = row.multiattach and volume.status == "in-use"
    if volume.status != "available" and not shared:
        raise ecs_refusal("Ecs.0103", f"status: {volume.status}")
    if server.row.id in volume.holders:
        # Storage alone shows it here: it can't be reserved twice for one server.
        raise ecs_refusal("Ecs.0103", f"already reserved for {server.row.id}")
    if row.metadata.get("__system__server_id", server.row.id) != server.row.id:
        raise ecs_refusal("Ecs.0017")
    if row.az != server.row.az:
        raise ecs_refusal("Ecs.0121", f"disk: {row.az}, ECS: {server.row.az}")
    check_holders(volume, 1)
    check_slot(server, scsi=volume.scsi)
    _check_device(server, device)


def check_holders(volume: Volume, more: int) -> None:
    """Refuse where the shared volume would be on more servers than it may."""
    if volume.row.multiattach and len(volume.holders) + more > SERVERS_PER_VOLUME:
        raise ecs_refusal("Ecs.0107")


def check_slot(server: Server, *, scsi: bool, count: int = 1) -> None:
    """Refuse where the server has no place for so many more disks."""
    free = SCSI_DISKS_PER_SERVER - len(server.disks) if scsi else server.free_slots
    if free < count:
        raise ecs_refusal("Ecs.0104")


def _check_device(server: Server, device: str | None) -> None:
    if device is None:
        return
    wanted = device.replace("/dev/sd", "/dev/vd", 1)
    taken = {disk.device for disk in server.disks.values()}
    if not _DEVICE.fullmatch(device) or wanted in taken:
        raise ecs_refusal("Ecs.0005", f"device: {device}")


def check_detach(server: Server, volume: Volume | None, *, forced: bool = False) -> Volume:
    """Give the volume, where it can be detached from this server now; else refuse."""
    disk = server.disks.get(volume.row.id) if volume is not None else None
    if volume is None or disk is None:
        raise ecs_refusal("Ecs.0111")
    if disk.boot and (forced or server.row.status != "SHUTOFF"):
        raise ecs_refusal("Ecs.0102", "A system disk leaves a stopped ECS only.")
    # Where storage was reset, compute still has the disk and storage says `available`.
    if volume.status not in ("in-use", "available") and not forced:
        raise ecs_refusal("Ecs.0102", f"status: {volume.status}")
    return volume


def check_batch(server_ids: Sequence[str]) -> None:
    """Refuse a list of servers that is empty, too long, or names one twice."""
    if not server_ids or len(set(server_ids)) != len(server_ids):
        raise ecs_refusal("Ecs.0005", "serverinfo")
    if len(server_ids) > SERVERS_PER_CALL:
        raise ecs_refusal("Ecs.0118", f"{len(server_ids)} of at most {SERVERS_PER_CALL}")


def check_shared_attach(volume: Volume, servers: Sequence[Server]) -> None:
    """Refuse where a batch can't attach this volume to all of these servers."""
    if not volume.row.multiattach:
        raise ecs_refusal("Ecs.0005", "The disk is not a shared disk.")
    if any(len(server.disks) > DISKS_BEFORE_BATCH_ATTACH for server in servers):
        raise ecs_refusal("Ecs.0042")
    check_holders(volume, len(servers))
