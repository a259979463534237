"""The ModelArts calls about Lite Servers: lists, attach and detach, and their operations.

Source: ModelArts API reference, "ListDevServers", "ShowDevServer", "AttachDevServerVolume",
"DetachDevServerVolume" (2026-01-30), "ShowServerOperation"; the texts of ModelArts.6404 and
ModelArts.7000 as seen by third parties. Attach and detach are for A3 only: here, for servers of
the type HPS. A world's `type` is HPS (default), BMS, ECS or SPOD; `volumesShown: false` leaves
`volumes` out of a server. `ACTIVE` and `SHUTOFF` are told as RUNNING and STOPPED.

Unverified, because nothing is published:

* the codes: ModelArts.7000 for a volume that doesn't exist, is in use, is a system disk, for any
  type but HPS, and inside a failed operation; ModelArts.6357 for what is attached, or isn't,
  already; ModelArts.6347 for a server that is neither running nor stopped; ModelArts.6404 for an
  operation that isn't known
* the order of the checks; one operation at a time on a server or a volume
* `limit=0` is refused with ModelArts.0104, as every other parameter out of its range
* a server takes as many disks as the world's `freeSlots` says, and ModelArts.7000 is for more
* `volumes` shows what other services attached, and changes when the operation ends
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.sim.apis.huawei_answers import EPOCH, number
from reconciler.sim.changes import Change, Target, begin
from reconciler.sim.dice import named_uuid
from reconciler.sim.exchange import RefusalError, answer
from reconciler.sim.listing import Order, page
from reconciler.sim.records import WorldKeys
from reconciler.sim.routes import Route

if TYPE_CHECKING:
    from reconciler.sim.cloud import Cloud
    from reconciler.sim.entities import Attachment, Server, Volume
    from reconciler.sim.exchange import Answer
    from reconciler.sim.records import Job
    from reconciler.sim.routes import Ask

DEFAULT_LIMIT = 10
LARGEST_LIMIT = 1024
LARGEST_OFFSET = 2147483647
SUPERNODE = "HPS"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_OWNER = re.compile("[a-z0-9-]{1,64}")
_TOKEN = re.compile("[0-9a-f]{32}")
_WORDS = {"ACTIVE": "RUNNING", "SHUTOFF": "STOPPED"}
_SETTLED = ("RUNNING", "STOPPED")
_STARTS = {"attach": "pending", "detach": "running"}
"""What each call's published sample says of the operation that it began."""


def _refusal(code: str, text: str) -> RefusalError:
    """Give a refusal in the flat shape that ModelArts has, to be raised."""
    return RefusalError(answer(400, {"error_code": code, "error_msg": text}))


def _invalid(what: str) -> RefusalError:
    return _refusal("ModelArts.0104", f"Invalid parameter: {what}.")


def _the_server(ask: Ask) -> Server:
    """Give the server by its Lite Server id; no other id of it is known here."""
    server = ask.cloud.servers.get(ask.words["server_id"])
    if server is None:
        text = f"LiteServer instance '{ask.words['server_id']}' not found."
        raise _refusal("ModelArts.6404", text)
    return server


def _type(server: Server) -> str:
    return server.row.facts.get("type", SUPERNODE)


def _status(server: Server) -> str:
    return _WORDS.get(server.row.status, server.row.status)


def _check(server: Server, volume: Volume | None, verb: str) -> None:
    """Refuse where the server takes no change, or one of the two is in another."""
    if _type(server) != SUPERNODE:
        text = f"type is {_type(server)}, does not support {verb} volume device"
        raise _refusal("ModelArts.7000", text)
    if _status(server) not in _SETTLED:
        raise _refusal("ModelArts.6347", f"The status of the instance is {_status(server)}.")
    if server.in_flight or (volume is not None and volume.in_flight):
        text = "Another operation is in progress, or the target state has been reached."
        raise _refusal("ModelArts.6357", text)


def _attach(ask: Ask) -> Answer:
    server = _the_server(ask)
    wanted = ask.heard.document().get("volume_id")
    if not isinstance(wanted, str) or not _UUID.fullmatch(wanted):
        raise _invalid("volume_id")
    volume = ask.cloud.volumes.get(wanted)
    _check(server, volume, "attach")
    if volume is None:
        raise _refusal("ModelArts.7000", f"attach volume failed: no volume {wanted}")
    if wanted in server.disks:
        raise _refusal("ModelArts.6357", "The disk is attached to the instance already.")
    if volume.holders or volume.status != "available":
        raise _refusal("ModelArts.7000", f"attach volume failed: volume is {volume.status}")
    if not server.free_slots:
        raise _refusal("ModelArts.7000", "attach volume failed: the instance has no slot left")
    return _begun(ask, Change(verb="attach", targets=(Target(server, volume),)))


def _detach(ask: Ask) -> Answer:
    server = _the_server(ask)
    # The pattern of this call takes capitals; where they differ, so does the id.
    volume = ask.cloud.volumes.get(ask.words["volume_id"].lower())
    _check(server, volume, "detach")
    disk = server.disks.get(volume.row.id) if volume is not None else None
    if volume is None or disk is None:
        raise _refusal("ModelArts.6357", "The disk is not attached to the instance.")
    if disk.boot:
        raise _refusal("ModelArts.7000", "detach volume failed: it is the system disk")
    return _begun(ask, Change(verb="detach", targets=(Target(server, volume),)))


def _begun(ask: Ask, change: Change) -> Answer:
    job = begin(ask.cloud, change, ask.rule)
    return answer(200, {**_told(job), "operation_status": _STARTS[job.verb]})


def _operation(ask: Ask) -> Answer:
    server = _the_server(ask)
    job = _job(ask.cloud, ask.words["operation_id"])
    if job is None or job.server_id != server.row.id or job.shows == "gone":
        text = f"Operation '{ask.words['operation_id']}' not found."
        raise _refusal("ModelArts.6404", text)
    told = _told(job)
    if job.shows == "init-first":
        job.shows = "plain"
        told = {**told, "operation_status": "pending"}
        told.pop("operation_error", None)
    return answer(200, told)


def _told(job: Job) -> dict[str, object]:
    told: dict[str, object] = {
        "operation_id": operation_id(job.id),
        "operation_status": "running",
        "operation_type": f"node_{job.verb}_volume",
    }
    if job.done:
        told["operation_status"] = "failed" if job.ends == "FAIL" else "success"
    if job.done and job.ends == "FAIL":
        text = f"{job.verb} volume failed: the disk did not answer in time"
        told["operation_error"] = {"code": "ModelArts.7000", "message": text}
    return told


def operation_id(job_id: str) -> str:
    """Give a job's id in the shape that is documented here: a UUID of version 4."""
    if not _TOKEN.fullmatch(job_id):
        return job_id  # one that a world file wrote
    variant = "89ab"[int(job_id[16], 16) % 4]
    parts = (job_id[:8], job_id[8:12], f"4{job_id[13:16]}", f"{variant}{job_id[17:20]}")
    return "-".join((*parts, job_id[20:]))


def _job(cloud: Cloud, wanted: str) -> Job | None:
    if wanted in cloud.jobs:
        return cloud.jobs[wanted] if operation_id(wanted) == wanted else None
    plain = wanted.replace("-", "")
    if not _TOKEN.fullmatch(plain):
        return None
    # Two digits of the job's id are lost in the shape: every id that it may have been is tried.
    digits = "0123456789abcdef"
    tried = (f"{plain[:12]}{a}{plain[13:16]}{b}{plain[17:]}" for a in digits for b in digits)
    found = (cloud.jobs[job_id] for job_id in tried if job_id in cloud.jobs)
    return next((job for job in found if operation_id(job.id) == wanted), None)


def _list(ask: Ask) -> Answer:
    query = ask.query
    limit, start = number(query.get("limit"), DEFAULT_LIMIT), _offset(query.get("offset"))
    if limit is None or not 1 <= limit <= LARGEST_LIMIT:
        raise _invalid("limit")
    direction, by = query.get("sort_dir", "ASC"), query.get("sort_key", "createTime")
    if direction not in ("ASC", "DESC"):
        raise _invalid("sort_dir")
    if by not in ("createTime", "updateTime"):
        raise _invalid("sort_key")
    if not _OWNER.fullmatch(query.get("owner", "-")):
        raise _invalid("owner")
    newest = ask.cloud.order("server")
    order = newest if direction == "DESC" else Order.of(newest.ids[::-1])
    shown = page(order, start, limit, ask.rule, ask.cloud.faults.dice)
    rows = [_document(ask, ask.server(key)) for key in shown.ids]
    pages = -(-shown.count // limit)
    # `current` is 0 in the published sample, although it is documented to begin with 1.
    told = {"current": 0, "pages": pages, "size": len(rows), "total": shown.count, "data": rows}
    return answer(200, told)


def _offset(text: str | None) -> int:
    # Not `number`: the largest offset has ten digits.
    said = "0" if text is None else text
    if not re.fullmatch("[0-9]{1,10}", said) or int(said) > LARGEST_OFFSET:
        raise _invalid("offset")
    return int(said)


def _show(ask: Ask) -> Answer:
    return answer(200, _document(ask, ask.server(_the_server(ask).row.id)))


def _document(ask: Ask, server: Server) -> dict[str, object]:
    """Give a server as list and show give it."""
    row, seed, kind = server.row, ask.cloud.world.seed, _type(server)
    created_ms = int((EPOCH.timestamp() + server.created_s) * 1000)
    told: dict[str, object] = {
        "id": row.id,
        "name": row.name,
        "status": _status(server),
        "category": kind if kind in (SUPERNODE, "SPOD") else "SERVER",
        "flavor": row.flavor,
        "charging_mode": "POST_PAID",
        "create_at": created_ms,
        "update_at": created_ms,
        "vpc_id": named_uuid(seed, "vpc"),
        "subnet_id": named_uuid(seed, "subnet"),
        "key_pair_name": "KeyPair-simulator",
        "cloud_server": _below(seed, row.id, kind),
        "image": {"arch": "ARM", "image_id": named_uuid(seed, "image"), "status": "ACTIVE"},
        "endpoints": [],
    }
    if kind == SUPERNODE:
        told["server_hps"] = {"id": named_uuid(seed, "hps", row.id), "name": f"{row.name}-hps"}
    if row.facts.get("volumesShown") != "false":
        told["volumes"] = [_disk(ask.cloud, disk) for disk in server.in_order()]
    return told


def _below(seed: str, server_id: str, kind: str) -> dict[str, object]:
    """Give the server below: its ids are never those by which this API knows it."""
    told: dict[str, object] = {"id": named_uuid(seed, "cloud-server", server_id)}
    if kind in ("BMS", "ECS", SUPERNODE):
        told["type"] = kind
    if kind == SUPERNODE:
        told["hps_id"] = named_uuid(seed, "hps-of-cloud-server", server_id)
        told["hps_ecs_id"] = named_uuid(seed, "ecs-of-cloud-server", server_id)
    return told


def _disk(cloud: Cloud, disk: Attachment) -> dict[str, object]:
    row = cloud.volumes[disk.volume_id].row
    kind = "ROOT" if disk.boot else "DATA"
    return {"type": kind, "size": row.size_gib, "evs_type": row.type, "evs_id": row.id}


_SERVERS = "/v1/{project_id}/dev-servers"
_SERVER = _SERVERS + "/{server_id}"

WORLD = WorldKeys(provider="huawei-modelarts", server=("type", "volumesShown"))
API = (
    Route(method="GET", path=_SERVERS, handler=_list),
    Route(method="GET", path=_SERVER, handler=_show),
    Route(method="POST", path=_SERVER + "/attachvolume", handler=_attach, changing=True),
    Route(
        method="DELETE",
        path=_SERVER + "/detachvolume/{volume_id}",
        handler=_detach,
        changing=True,
    ),
    Route(method="GET", path=_SERVER + "/operation/{operation_id}", handler=_operation),
)
