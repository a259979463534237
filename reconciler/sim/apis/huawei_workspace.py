"""The Workspace calls around data disks: desktops, deleting for good, and jobs.

Source: Workspace API reference, "ListDesktopsDetail", "ShowDesktopDetail",
"DeleteDesktopVolumes" (2024-01-10), "ShowJob"; the codes WKS.00010032 and WKS.0407 by what
terraform-provider-huaweicloud makes of them. Unverified, because nothing is published:

* the codes of a parameter that is wrong and of something that doesn't exist: here those that
  sibling APIs of Workspace show in samples, or in their style
* a root disk, a disk twice, a disk of a pooled, prepaid or frozen desktop: 400; an unknown disk
  or one of another desktop: 404; all or nothing of a list
* a stopped desktop takes a deletion, a hibernated one doesn't
* another change of the desktop's disks under way: WKS.0407, which is known of adding only
* the words of a job's parent; that it has a sub-job a disk; how long it is kept
* a request without `application/json`: 400
* the order of a list without a sort (here newest first); ids that don't exist are left out
"""

from __future__ import annotations

from datetime import timedelta
from functools import wraps
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from reconciler.sim.apis.huawei_answers import EPOCH, job_time, number
from reconciler.sim.changes import Change, Target, begin
from reconciler.sim.dice import named_uuid
from reconciler.sim.exchange import RefusalError, answer
from reconciler.sim.listing import Order, page
from reconciler.sim.records import WorldKeys
from reconciler.sim.routes import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sim.entities import Attachment, Server, Volume
    from reconciler.sim.exchange import Answer
    from reconciler.sim.records import Job
    from reconciler.sim.routes import Ask

LARGEST_LIMIT = 500
"""The text's number, and the default; the schema says 1,000."""
IDS_PER_QUERY = 100
DISKS_PER_CALL = 10
LONGEST_ID = 255
INVALID, ABSENT = "WKS.00211102", "WKS.00000404"
CONFLICT, DISKS_AT_WORK = "WKS.00010032", "WKS.0407"
JOB_TYPE = "deleteVolumes"
_FILTERS = ("status", "computer_name", "desktop_type", "charge_mode", "pool_id")
_NOT_FILTERED = (
    *("user_name", "user_names", "user_id", "computer_names", "desktop_ip", "domain_status"),
    *("tag", "user_attached", "image_id", "in_maintenance_mode", "is_share_desktop", "subnet_id"),
    *("is_support_internet", "availability_zone", "without_any_tag", "agent_version"),
)
_REASON = "The data disk could not be deleted."


def refusal(status: int, code: str, text: str) -> RefusalError:
    """Give a refusal in the flat shape of Workspace, to be raised."""
    return RefusalError(answer(status, {"error_code": code, "error_msg": text}))


def _spoken(handler: Callable[[Ask], Answer]) -> Callable[[Ask], Answer]:
    """Give the handler that wants `application/json` said on every call, with a body or not."""

    @wraps(handler)
    def checked(ask: Ask) -> Answer:
        said = (ask.heard.header("content-type") or "").partition(";")[0]
        if said.strip().lower() != "application/json":
            raise refusal(400, INVALID, "The Content-Type must be application/json.")
        return handler(ask)

    return checked


@_spoken
def _delete(ask: Ask) -> Answer:
    server = _the_desktop(ask)
    volumes = [_the_disk(ask, server, volume_id) for volume_id in _named(ask)]
    _check_kind(server)
    _check_idle(server)
    targets = tuple(Target(server, volume) for volume in volumes)
    change = Change(verb="destroy", targets=targets, batch=True)
    return answer(200, {"job_id": begin(ask.cloud, change, ask.rule).id})


def _the_desktop(ask: Ask) -> Server:
    desktop_id = ask.words["desktop_id"]
    server = ask.cloud.servers.get(desktop_id)
    if server is None:
        raise refusal(404, ABSENT, f"The desktop {desktop_id} does not exist.")
    return server


def _named(ask: Ask) -> list[str]:
    named = ask.heard.document().get("volume_ids")
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise refusal(400, INVALID, "volume_ids is an array of texts.")
    if not 1 <= len(named) <= DISKS_PER_CALL:
        raise refusal(400, INVALID, f"volume_ids has {len(named)} ids of 1 to {DISKS_PER_CALL}.")
    if len(set(named)) != len(named) or not all(1 <= len(one) <= LONGEST_ID for one in named):
        raise refusal(400, INVALID, "volume_ids names a disk twice, or by something else.")
    return named


def _the_disk(ask: Ask, server: Server, volume_id: str) -> Volume:
    disk = server.disks.get(volume_id)
    if disk is None:
        raise refusal(404, ABSENT, f"The volume {volume_id} is not on the desktop.")
    if disk.boot:
        raise refusal(400, INVALID, f"The volume {volume_id} is the system disk.")
    return ask.cloud.volumes[volume_id]


def _check_kind(server: Server) -> None:
    """Refuse where the disks of such a desktop aren't deleted one by one."""
    if _pooled(server):
        raise refusal(400, INVALID, "The disks of a pooled desktop belong to its pool.")
    if _prepaid(server):
        raise refusal(400, INVALID, "The disks of a yearly/monthly desktop are not deleted.")
    if server.row.frozen:
        raise refusal(400, INVALID, "The desktop is frozen.")


def _check_idle(server: Server) -> None:
    row = server.row
    if row.status.upper() not in ("ACTIVE", "SHUTOFF") or row.motion:
        doing = row.motion or row.status
        text = (
            f"Operation conflict. The desktop current instance status is [{doing.upper()}] and "
            f"deny operation [{JOB_TYPE}], resource id [{row.id}]."
        )
        raise refusal(409, CONFLICT, text)
    if server.in_flight:
        raise refusal(400, DISKS_AT_WORK, "Volumes of the desktop are being changed.")


def _pooled(server: Server) -> bool:
    return _kind(server) == "POOLED" or "pool" in server.row.facts


def _kind(server: Server) -> str:
    usual = "POOLED" if "pool" in server.row.facts else "DEDICATED"
    return server.row.facts.get("desktopType", usual)


def _prepaid(server: Server) -> bool:
    return server.row.facts.get("chargeMode", "1") == "0"


@_spoken
def _job(ask: Ask) -> Answer:
    job = ask.cloud.jobs.get(ask.words["job_id"])
    if job is None or job.shows == "gone":
        raise refusal(404, ABSENT, f"The job {ask.words['job_id']} does not exist.")
    told = _job_document(ask, job)
    if job.shows == "init-first":
        # Before a job is under way it may have no sub-jobs, and no word for where it is.
        job.shows = "plain"
        told |= {"status": "", "end_time": None, "sub_jobs_total": 0, "sub_jobs": []}
        told |= {"job_error_code": None, "fail_reason": None}
    return answer(200, told)


def _job_document(ask: Ask, job: Job) -> dict[str, object]:
    failed = job.ended and job.ends == "FAIL"
    return {
        "id": job.id,
        "job_type": JOB_TYPE,
        "status": job.ends if job.ended else "RUNNING",
        "begin_time": _plain_time(job.began_s),
        "end_time": _plain_time(job.due_s) if job.ended else None,
        "job_error_code": CONFLICT if failed else None,
        "fail_reason": "sub job failed" if failed else None,
        "sub_jobs_total": len(job.leaves),
        "sub_jobs": [_part_document(ask, job, part) for part in job.leaves],
    }


def _part_document(ask: Ask, job: Job, part: Job) -> dict[str, object]:
    failed = part.done and part.ends == "FAIL"
    word = {"SUCCESS": "SUCCESS", "FAIL": "FAILED"}[part.ends] if part.done else "RUNNING"
    desktop_id = part.server_id or ""
    return {
        "id": part.id,
        "job_id": job.id,
        "job_type": JOB_TYPE,
        "status": word,
        "process": 100 if part.done else 30,
        "entities": {
            "desktop_id": desktop_id,
            "desktop_name": ask.cloud.servers[desktop_id].row.name,
        },
        "begin_time": _plain_time(part.began_s),
        # The published sample has an end on a row that runs: it tells nothing.
        "end_time": _plain_time(part.due_s),
        "error_code": CONFLICT if failed else None,
        "fail_reason": _REASON if failed else None,
    }


def _plain_time(seconds: float) -> str:
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")


@_spoken
def _list(ask: Ask) -> Answer:
    query = ask.query
    limit, start = number(query.get("limit"), LARGEST_LIMIT), number(query.get("offset"), 0)
    if limit is None or start is None or limit > LARGEST_LIMIT:
        raise refusal(400, INVALID, f"limit is 0 to {LARGEST_LIMIT}, offset is 0 or more.")
    shown = page(_order(ask), start, limit, ask.rule, ask.cloud.faults.dice)
    rows = [_document(ask, ask.server(key)) for key in shown.ids]
    return answer(200, {"total_count": shown.count, "desktops": rows})


def _order(ask: Ask) -> Order:
    query, order = ask.query, ask.cloud.order("server")
    for key in _NOT_FILTERED:
        if key in query:
            raise refusal(400, INVALID, f"This simulator doesn't filter by {key}.")
    by, direction = query.get("sort_field", "created"), query.get("sort_type", "DESC")
    if by not in ("created", "computer_name") or direction not in ("ASC", "DESC"):
        raise refusal(400, INVALID, "sort_field or sort_type")
    ids = [key for key in _chosen(ask, order) if _fits(ask, key)]
    # Ids in order are ages in order; the newest comes first.
    if by == "computer_name":
        ids.sort(key=lambda key: ask.cloud.servers[key].row.name, reverse=direction == "DESC")
    elif direction == "ASC":
        ids.reverse()
    return Order.of(ids)


def _chosen(ask: Ask, order: Order) -> list[str]:
    if "desktop_id" not in ask.query:
        return list(order.ids)
    # Commas between by the reference; the vendor's SDK repeats the parameter.
    said = [part.partition(b"=") for part in ask.heard.query_string.split(b"&")]
    texts = [unquote_to_bytes(text) for key, _, text in said if key == b"desktop_id"]
    named = {one for text in texts for one in text.decode("utf-8", "replace").split(",") if one}
    if len(named) > IDS_PER_QUERY:
        raise refusal(400, INVALID, f"desktop_id names at most {IDS_PER_QUERY} desktops.")
    return sorted((one for one in named if one in order.places), key=order.places.__getitem__)


def _fits(ask: Ask, desktop_id: str) -> bool:
    server = ask.cloud.servers[desktop_id]
    own = {
        "status": server.row.status,
        "computer_name": server.row.name,
        "desktop_type": _kind(server),
        "charge_mode": "0" if _prepaid(server) else "1",
        "pool_id": server.row.facts.get("pool", ""),
    }
    return all(own[key] == wanted for key in _FILTERS if (wanted := ask.query.get(key)))


@_spoken
def _show(ask: Ask) -> Answer:
    server = _the_desktop(ask)
    return answer(200, {"desktop": _document(ask, ask.server(server.row.id))})


def _document(ask: Ask, server: Server) -> dict[str, object]:
    """Give a desktop as lists give it; without a data disk it has no `data_volumes` at all."""
    row, prepaid = server.row, _prepaid(server)
    # In no order that means anything: the documents promise none.
    disks = sorted(server.disks.values(), key=lambda disk: disk.volume_id)
    roots = [_disk(ask, server, disk) for disk in disks if disk.boot]
    others = [_disk(ask, server, disk) for disk in disks if not disk.boot]
    return {
        "desktop_id": row.id,
        "computer_name": row.name,
        "desktop_type": _kind(server),
        "status": row.status,
        "task_status": row.motion or "",
        "process": None,
        "login_status": "REGISTERED",
        "attach_state": "ATTACHED",
        "in_maintenance_mode": False,
        "is_freeze": row.frozen,
        "availability_zone": row.az,
        "created": job_time(server.created_s),
        "user_name": "simulator",
        "user_group": "administrators",
        "enterprise_project_id": "0",
        "order_id": f"CS{named_uuid('order', row.id)[:8].upper()}" if prepaid else None,
        "product_id": row.flavor,
        "product": {
            "product_id": row.flavor,
            "flavor_id": row.flavor,
            "type": "BASE",
            "charge_mode": "0" if prepaid else "1",
            "contain_data_disk": False,
        },
        "metadata": {"charging_mode": "1" if prepaid else "0", "os_type": "Windows"},
        "root_volume": roots[0] if roots else None,
        **({"data_volumes": others} if others else {}),
        "tags": [{"key": key, "value": value} for key, value in row.tags.items()],
    }


def _disk(ask: Ask, server: Server, disk: Attachment) -> dict[str, object]:
    volume = ask.volume(disk.volume_id)
    row, pool = volume.row, server.row.facts.get("pool")
    of_pool = None if pool is None or disk.boot else named_uuid("pool disk", pool, disk.device)
    return {
        # Workspace's own key of the disk, which none of its calls takes.
        "id": named_uuid("disk", row.id).replace("-", ""),
        "volume_id": row.id,
        "type": row.type,
        "size": row.size_gib,
        "device": disk.device,
        "display_name": row.name,
        "create_time": job_time(volume.created_s),
        "iops": None,
        "throughput": None,
        "kms_id": None,
        "bill_resource_id": named_uuid("bill", row.id),
        "desktop_pool_disk_id": of_pool,
        "resource_spec_code": f"workspace.volume.{row.type.lower()}",
    }


_DESKTOP = "/v2/{project_id}/desktops/{desktop_id}"

WORLD = WorldKeys(provider="huawei-workspace", server=("chargeMode", "pool", "desktopType"))
API = (
    Route(
        method="POST",
        path=_DESKTOP + "/volumes/batch-delete",
        handler=_delete,
        changing=True,
    ),
    Route(method="GET", path="/v2/{project_id}/workspace-jobs/{job_id}", handler=_job),
    Route(method="GET", path="/v2/{project_id}/desktops/detail", handler=_list),
    Route(method="GET", path=_DESKTOP, handler=_show),
)
