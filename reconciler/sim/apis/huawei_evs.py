"""The EVS calls: the storage view of volumes, and the deprecated os-detach.

Source: EVS API reference, "Querying Details About All Disks", "Detaching an EVS Disk
(Deprecated)" (2024-02-27). os-detach rewrites what storage says and leaves the server
alone. Its errors are those of OpenStack Cinder, from which the call comes (unverified for
EVS). Also unverified: os-detach of a volume in motion is refused with EVS.5400; `name`
filters are exact.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.sim.apis.huawei_answers import (
    cinder_refusal,
    empty,
    evs_refusal,
    number,
    volume_document,
)
from reconciler.sim.exchange import answer
from reconciler.sim.listing import Order, page
from reconciler.sim.routes import Route

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.sim.entities import Volume
    from reconciler.sim.exchange import Answer
    from reconciler.sim.routes import Ask

LARGEST_LIMIT = 1000
IDS_PER_QUERY = 60
_IDS = re.compile(r"\[('[^']*'(,\s*'[^']*')*)?\]")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SORTS = {
    "id": lambda volume: volume.row.id,
    "status": lambda volume: volume.status,
    "size": lambda volume: volume.row.size_gib,
    "created_at": lambda volume: volume.created_s,
}
_NOT_FILTERED = (
    "metadata",
    "not_metadata",
    "dedicated_storage_id",
    "dedicated_storage_name",
    "volume_type_id",
)


def _list(ask: Ask) -> Answer:
    query = ask.query
    limit, start = number(query.get("limit"), LARGEST_LIMIT), number(query.get("offset"), 0)
    if limit is None or limit < 1:
        raise evs_refusal(400, "EVS.1023", "Invalid limit.")
    if limit > LARGEST_LIMIT:
        raise evs_refusal(400, "EVS.2142", "The limit is greater than 1000.")
    if start is None:
        raise evs_refusal(400, "EVS.5400", "Invalid offset.")
    order = _order(ask)
    marker = query.get("marker")
    if marker:
        if marker not in order.places:
            raise evs_refusal(400, "EVS.1024", "Invalid marker.")
        start = order.places[marker] + 1
    shown = page(order, start, limit, ask.rule, ask.cloud.faults.dice)
    document = {
        "count": shown.count,
        "volumes": [volume_document(ask, ask.volume(key)) for key in shown.ids],
    }
    if shown.more and shown.ids:
        project_id = ask.cloud.world.project_id
        link = f"{ask.origin}/v2/{project_id}/cloudvolumes/detail"
        href = f"{link}?limit={limit}&marker={shown.ids[-1]}"
        document["volumes_links"] = [{"rel": "next", "href": href}]
    return answer(200, document)


def _order(ask: Ask) -> Order:
    query, order = ask.query, ask.cloud.order("volume")
    sort_key = query.get("sort_key", "created_at")
    sort_dir = query.get("sort_dir", "desc")
    if sort_key not in _SORTS:
        raise evs_refusal(400, "EVS.1039", "Invalid sort_key.")
    if sort_dir not in ("asc", "desc"):
        raise evs_refusal(400, "EVS.1040", "Invalid sort_dir.")
    chosen = _chosen(ask)
    if chosen is None and (sort_key, sort_dir) == ("created_at", "desc"):
        return order
    known = order.ids if chosen is None else sorted(chosen, key=order.places.__getitem__)
    volumes = [ask.volume(key) for key in known]
    volumes.sort(key=_SORTS[sort_key], reverse=sort_dir == "desc")
    return Order.of([volume.row.id for volume in volumes])


def _chosen(ask: Ask) -> Sequence[str] | None:
    """Give the ids that the filters leave, or None when nothing filters."""
    query, cloud = ask.query, ask.cloud
    for key in _NOT_FILTERED:
        if key in query:
            raise evs_refusal(400, "EVS.5400", f"this simulator doesn't filter by {key}")
    chosen: Sequence[str] | None = None
    if "ids" in query:
        chosen = [key for key in _ids(query["ids"]) if key in cloud.volumes]
    elif "id" in query:
        chosen = [query["id"]] if query["id"] in cloud.volumes else []
    if "server_id" in query and not _stale(ask):
        held = cloud.held.get(query["server_id"], {})
        chosen = list(held) if chosen is None else [key for key in chosen if key in held]
    words = ("name", "status", "multiattach", "availability_zone", "server_id", "service_type")
    if not any(word in query for word in words):
        return chosen
    known = cloud.order("volume").ids if chosen is None else chosen
    return [key for key in known if _fits(ask.volume(key), ask)]


def _stale(ask: Ask) -> bool:
    return ask.rule is not None and ask.rule.fault == "stale"


def _ids(text: str) -> list[str]:
    if not _IDS.fullmatch(text):
        raise evs_refusal(400, "EVS.5400", "ids is written ['id1','id2'].")
    found = list(dict.fromkeys(re.findall(r"'([^']*)'", text)))
    if len(found) > IDS_PER_QUERY:
        raise evs_refusal(400, "EVS.5400", f"At most {IDS_PER_QUERY} ids.")
    return found


def _fits(volume: Volume, ask: Ask) -> bool:
    row = volume.row
    own = {
        "name": row.name,
        "status": volume.status,
        "multiattach": "true" if row.multiattach else "false",
        "availability_zone": row.az,
        "service_type": "EVS",
    }
    if any(ask.query.get(key, value) != value for key, value in own.items()):
        return False
    return "server_id" not in ask.query or ask.query["server_id"] in volume.holders


def _show(ask: Ask) -> Answer:
    volume_id = ask.words["volume_id"]
    if volume_id not in ask.cloud.volumes:
        raise evs_refusal(404, "EVS.5404", f"Volume {volume_id} could not be found.")
    return answer(200, {"volume": volume_document(ask, ask.volume(volume_id))})


def _action(ask: Ask) -> Answer:
    volume = ask.cloud.volumes.get(ask.words["volume_id"])
    if volume is None:
        text = f"Volume {ask.words['volume_id']} could not be found."
        raise cinder_refusal(404, "itemNotFound", text)
    body = ask.heard.document()
    wanted = body.get("os-detach")
    if set(body) != {"os-detach"} or not isinstance(wanted, dict | None):
        raise evs_refusal(400, "EVS.5400", "Of the actions only os-detach is simulated.")
    if volume.in_flight or volume.status in ("attaching", "detaching"):
        raise evs_refusal(400, "EVS.5400", f"The disk status is {volume.status}.")
    server_id = _holder(volume, (wanted or {}).get("attachment_id"))
    if server_id is not None:
        ask.cloud.forget(volume, server_id)
        ask.cloud.settle(volume)
    return empty(202)


def _holder(volume: Volume, attachment_id: object) -> str | None:
    """Give the server whose record goes; None when the volume has none and none is named."""
    if attachment_id is None:
        if len(volume.holders) > 1:
            raise cinder_refusal(409, "conflictingRequest", "Name the attachment_id.")
        return next(iter(volume.holders), None)
    if not volume.holders and volume.status == "available":
        return None
    for server_id, held in volume.holders.items():
        if held.attachment_id == attachment_id:
            return server_id
    if not isinstance(attachment_id, str) or not _UUID.fullmatch(attachment_id):
        raise evs_refusal(400, "EVS.5400", "attachment_id is not a UUID.")
    raise cinder_refusal(409, "conflictingRequest", "The volume has no such attachment.")


API = (
    Route(method="GET", path="/v2/{project_id}/cloudvolumes/detail", handler=_list),
    Route(method="GET", path="/v2/{project_id}/cloudvolumes/{volume_id}", handler=_show),
    Route(
        method="POST",
        path="/v2/{project_id}/volumes/{volume_id}/action",
        handler=_action,
        changing=True,
    ),
)
