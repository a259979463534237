"""The ECS calls that attach, detach and look: servers, their disks, and jobs.

Source: ECS API reference, "Detaching Volumes in a Batch" (2025-12-10) and its neighbours.
Unverified, because nothing is published: the answer to an accepted call is 200; the
`job_type` texts; a passing `dry_run` answers `{}`; a batch is a parent with a sub-job a
server that run at once, each on its own, and the parent is FAIL with `Common.0021` when
one of them failed; how long jobs are kept; the order of the server list (here by id,
descending).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sim.apis import huawei_checks as checks
from reconciler.sim.apis.huawei_answers import (
    disk_document,
    ecs_refusal,
    empty,
    job_time,
    number,
    server_document,
)
from reconciler.sim.changes import Change, Target, begin
from reconciler.sim.entities import SCSI_DISKS_PER_SERVER
from reconciler.sim.exchange import answer
from reconciler.sim.listing import Order, page
from reconciler.sim.records import WorldKeys
from reconciler.sim.routes import Route

if TYPE_CHECKING:
    from reconciler.sim.entities import Server
    from reconciler.sim.exchange import Answer
    from reconciler.sim.records import Job
    from reconciler.sim.routes import Ask

DEFAULT_LIMIT = 25
LARGEST_LIMIT = 1000
_NOT_FILTERED = ("flavor", "reservation_id", "not-tags", "ip", "ip_eq")
_JOB_ERRORS = {
    "attach": ("Ecs.0205", "Failed to attach the data disk."),
    "detach": ("Ecs.0102", "Failed to detach the disk."),
}


def _attach(ask: Ask) -> Answer:
    cloud, body = ask.cloud, ask.heard.document()
    server = checks.the_server(cloud, ask.words["server_id"])
    wanted = body.get("volumeAttachment")
    rehearsal = body.get("dry_run", False)
    if not isinstance(wanted, dict) or not isinstance(rehearsal, bool):
        raise ecs_refusal("Ecs.0005", "volumeAttachment")
    volume_id, device = wanted.get("volumeId"), wanted.get("device")
    if rehearsal and volume_id is None:
        return _rehearse_new(server, wanted)
    if not isinstance(volume_id, str) or not isinstance(device, str | None):
        raise ecs_refusal("Ecs.0005", "volumeAttachment.volumeId")
    checks.check_server(server)
    volume = checks.the_volume(cloud, volume_id)
    checks.check_idle([server], volume)
    checks.check_attach(server, volume, device)
    if rehearsal:
        return answer(200, {})
    change = Change(verb="attach", targets=(Target(server, volume, device),))
    return answer(200, {"job_id": begin(cloud, change, ask.rule).id})


def _rehearse_new(server: Server, wanted: dict[str, object]) -> Answer:
    scsi, count = wanted.get("hw:passthrough"), wanted.get("count", 1)
    if not wanted.get("volume_type") or scsi not in ("true", "false"):
        raise ecs_refusal("Ecs.0005", "volume_type and hw:passthrough are mandatory here")
    if not isinstance(count, int) or count < 1:
        raise ecs_refusal("Ecs.0005", "count")
    checks.check_server(server)
    checks.check_slot(server, scsi=scsi == "true", count=count)
    return answer(200, {})


def _detach(ask: Ask) -> Answer:
    cloud = ask.cloud
    server = checks.the_server(cloud, ask.words["server_id"])
    flag = ask.query.get("delete_flag", "0")
    if flag not in ("0", "1"):
        raise ecs_refusal("Ecs.0005", "delete_flag")
    checks.check_server(server)
    found = cloud.volumes.get(ask.words["volume_id"])
    checks.check_idle([server], found)
    volume = checks.check_detach(server, found, forced=flag == "1")
    change = Change(verb="detach", targets=(Target(server, volume),))
    return answer(200, {"job_id": begin(cloud, change, ask.rule).id})


def _batch_detach(ask: Ask) -> Answer:
    cloud, named = ask.cloud, ask.heard.document().get("serverinfo")
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise ecs_refusal("Ecs.0005", "serverinfo is an array of texts")
    checks.check_batch(named)
    servers = [checks.the_server(cloud, one) for one in named]
    for server in servers:
        checks.check_server(server)
    found = cloud.volumes.get(ask.words["volume_id"])
    checks.check_idle(servers, found)
    volumes = [checks.check_detach(server, found) for server in servers]
    targets = tuple(map(Target, servers, volumes))
    change = Change(verb="detach", targets=targets, batch=True)
    return answer(200, {"job_id": begin(cloud, change, ask.rule).id})


def _batch_attach(ask: Ask) -> Answer:
    cloud, named = ask.cloud, ask.heard.document().get("serverinfo")
    if not isinstance(named, list):
        raise ecs_refusal("Ecs.0005", "serverinfo")
    wanted = [_target(one) for one in named]
    checks.check_batch([server_id for server_id, _ in wanted])
    servers = [checks.the_server(cloud, one) for one, _ in wanted]
    for server in servers:
        checks.check_server(server)
    volume = checks.the_volume(cloud, ask.words["volume_id"])
    checks.check_idle(servers, volume)
    checks.check_shared_attach(volume, servers)
    devices = [device for _, device in wanted]
    for server, device in zip(servers, devices, strict=True):
        checks.check_attach(server, volume, device)
    targets = tuple(Target(s, volume, d) for s, d in zip(servers, devices, strict=True))
    change = Change(verb="attach", targets=targets, batch=True)
    return answer(200, {"job_id": begin(cloud, change, ask.rule).id})


def _target(row: object) -> tuple[str, str | None]:
    server_id = row.get("server_id") if isinstance(row, dict) else None
    device = row.get("device") if isinstance(row, dict) else None
    if not isinstance(server_id, str) or not isinstance(device, str | None):
        raise ecs_refusal("Ecs.0005", "serverinfo is an array of {server_id, device}")
    return server_id, device


def _job(ask: Ask) -> Answer:
    job = ask.cloud.jobs.get(ask.words["job_id"])
    if job is None:
        raise ecs_refusal("Common.0011")
    if job.shows == "gone":
        # A field report has 404 here where the error table has 400; clients meet both.
        return answer(404, {"error": {"code": "Common.0011", "message": "Invalid job id."}})
    told = _job_document(job)
    if job.shows == "init-first":
        job.shows = "plain"
        told |= {"status": "INIT", "end_time": "", "error_code": None, "fail_reason": None}
    return answer(200, told)


def _job_document(job: Job) -> dict[str, object]:
    kind = "Volumes" if job.parts else "Volume"
    title = f"batch{job.verb.title()}{kind}" if job.parts else f"{job.verb}{kind}"
    failed = job.ended and job.ends == "FAIL"
    code, reason = _JOB_ERRORS[job.verb] if failed else (None, None)
    entities: dict[str, object] = {"server_id": job.server_id, "volume_id": job.volume_id}
    if job.parts:
        code, reason = ("Common.0021", "Sub job fail!") if failed else (None, None)
        subs = [_job_document(part) for part in job.parts]
        entities = {"sub_jobs_total": len(subs), "sub_jobs": subs}
    elif failed:
        entities["errorcode_message"] = reason
    return {
        "status": job.ends if job.ended else "RUNNING",
        "entities": entities,
        "job_id": job.id,
        "job_type": title,
        "begin_time": job_time(job.began_s),
        "end_time": job_time(job.due_s) if job.ended else "",
        "error_code": code,
        "fail_reason": reason,
    }


def _list(ask: Ask) -> Answer:
    query, cloud = ask.query, ask.cloud
    limit, number_of_page = (
        number(query.get("limit"), DEFAULT_LIMIT),
        number(query.get("offset"), 1),
    )
    if limit is None or number_of_page is None or not 1 <= limit <= LARGEST_LIMIT:
        raise ecs_refusal("Ecs.0005", "limit or offset")
    if "server_id" in query:
        return _list_named(ask, query["server_id"].split(","))
    order = _matching(ask)
    start = (max(number_of_page, 1) - 1) * limit
    marker = query.get("marker")
    if marker:
        if marker not in order.places:
            raise ecs_refusal("Ecs.0005", "marker")
        start = order.places[marker] + 1
    shown = page(order, start, limit, ask.rule, cloud.faults.dice)
    rows = [server_document(ask, ask.server(key)) for key in shown.ids]
    return answer(200, {"count": shown.count, "servers": rows})


def _list_named(ask: Ask, named: list[str]) -> Answer:
    order = Order.of(tuple(dict.fromkeys(one.strip() for one in named if one.strip())))
    shown = page(order, 0, LARGEST_LIMIT, ask.rule, ask.cloud.faults.dice)
    rows = [
        server_document(ask, ask.server(key))
        if key in ask.cloud.servers
        else {"id": key, "fault": {"code": 404, "message": f"Instance {key} not found."}}
        for key in shown.ids
    ]
    return answer(200, {"count": shown.count, "servers": rows})


def _matching(ask: Ask) -> Order:
    query, order = ask.query, ask.cloud.order("server")
    for key in _NOT_FILTERED:
        if key in query:
            raise ecs_refusal("Ecs.0005", f"this simulator doesn't filter by {key}")
    name, status, tags = query.get("name"), query.get("status"), query.get("tags")
    if not (name or status or tags):
        return order
    return Order.of([key for key in order.ids if _fits(ask.server(key), name, status, tags)])


def _fits(server: Server, name: str | None, status: str | None, tags: str | None) -> bool:
    row = server.row
    if name and name.lower() not in row.name.lower():
        return False
    if status and status != row.status:
        return False
    own = {f"{key}={value}" for key, value in row.tags.items()} | set(row.tags)
    return not tags or set(tags.split(",")) <= own


def _show(ask: Ask) -> Answer:
    server = checks.the_server(ask.cloud, ask.words["server_id"])
    return answer(200, {"server": server_document(ask, ask.server(server.row.id))})


def _disks(ask: Ask) -> Answer:
    server = checks.the_server(ask.cloud, ask.words["server_id"])
    server = ask.server(server.row.id)
    free = SCSI_DISKS_PER_SERVER - len(server.disks)
    rows = [disk_document(ask, disk, n) for n, disk in enumerate(server.in_order())]
    quantity = {"free_scsi": free, "free_blk": server.free_slots, "free_disk": free}
    return answer(200, {"attachableQuantity": quantity, "volumeAttachments": rows})


def _disk(ask: Ask) -> Answer:
    server = checks.the_server(ask.cloud, ask.words["server_id"])
    server = ask.server(server.row.id)
    volume_id = ask.words["volume_id"]
    for place, disk in enumerate(server.in_order()):
        if disk.volume_id == volume_id:
            return answer(200, {"volumeAttachment": disk_document(ask, disk, place)})
    raise checks.not_found(f"No volume Block Device Mapping with id {volume_id}.")


def _set_disk(ask: Ask) -> Answer:
    server = checks.the_server(ask.cloud, ask.words["server_id"])
    volume_id = ask.words["volume_id"]
    wanted = ask.heard.document().get("block_device")
    kept = wanted.get("delete_on_termination") if isinstance(wanted, dict) else None
    if not isinstance(kept, bool):
        raise ecs_refusal("Ecs.0005", "block_device.delete_on_termination")
    disk = server.disks.get(volume_id)
    if disk is None:
        raise checks.not_found(f"No volume Block Device Mapping with id {volume_id}.")
    volume = ask.cloud.volumes[volume_id]
    if disk.boot or volume.row.multiattach or "orderID" in volume.row.metadata:
        raise ecs_refusal("Ecs.0617", "Not for system, shared, or yearly/monthly disks.")
    ask.cloud.keep(server)
    disk.delete_on_termination = kept
    return empty(200)


_SERVER = "/v1/{project_id}/cloudservers/{server_id}"
_DISK = _SERVER + "/block_device/{volume_id}"
_BATCH = "/v1/{project_id}/batchaction/"

WORLD = WorldKeys(provider="huawei-ecs")
API = (
    Route(
        method="POST",
        path=_BATCH + "detachvolumes/{volume_id}",
        handler=_batch_detach,
        changing=True,
    ),
    Route(
        method="POST",
        path=_BATCH + "attachvolumes/{volume_id}",
        handler=_batch_attach,
        changing=True,
    ),
    Route(
        method="POST",
        path=_SERVER + "/attachvolume",
        handler=_attach,
        changing=True,
        rehearsable=True,
    ),
    Route(
        method="DELETE",
        path=_SERVER + "/detachvolume/{volume_id}",
        handler=_detach,
        changing=True,
    ),
    Route(method="GET", path="/v1/{project_id}/jobs/{job_id}", handler=_job),
    Route(method="GET", path="/v1/{project_id}/cloudservers/detail", handler=_list),
    Route(method="GET", path=_SERVER, handler=_show),
    Route(method="GET", path=_SERVER + "/block_device", handler=_disks),
    Route(method="GET", path=_DISK, handler=_disk),
    Route(method="PUT", path=_DISK, handler=_set_disk, changing=True),
)
