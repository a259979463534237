"""The calls of Samsung's Virtual Server that attach, detach and look.

Source: the vendor's page "Detach Volume from Virtual Server" (1.0 to 1.3), the SDK's openapi.yaml
and models, the Terraform provider's waits. A change has no job that could be asked: while it runs
the volume is `attaching` or `detaching`, then both views change at once.

Unverified, because nothing is published: the order of the checks and their statuses; a page of
servers is 20 by default and 1,000 at most, as volumes are; both lists are newest first; filters
are exact; an unknown marker is a 400; `marker` and `offset` together are a 400; one server takes
one change at a time; the OS volume isn't one of the 26; detach goes by what storage shows.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.sim.apis import samsung_gateway
from reconciler.sim.apis.samsung_answers import (
    disk_document,
    hung,
    misfit,
    refusal,
    server_document,
    volume_document,
)
from reconciler.sim.changes import Change, Target, begin
from reconciler.sim.entities import next_device
from reconciler.sim.exchange import Answer, answer
from reconciler.sim.listing import Order, Page, page
from reconciler.sim.records import WorldKeys
from reconciler.sim.routes import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sim.entities import Attachment, Server, Volume
    from reconciler.sim.routes import Ask

DEFAULT_LIMIT = 20
LARGEST_LIMIT = 1000
BESIDE_BOOT = 26
"""Data volumes of a server. Source: the SDK's text of `multiattach`, 1.2 on."""
_WHOLE = re.compile("[0-9]{1,9}")
_FLAGS = {"true": True, "false": False, "True": True, "False": False}
_VOLUME_QUERY = ("with_count", "limit", "marker", "offset", "sort", "name", "state", "bootable")
_SERVER_QUERY = (
    "limit",
    "marker",
    "sort",
    "name",
    "state",
    "product_category",
    "auto_scaling_group_id",
)


def _volumes(ask: Ask) -> Answer:
    _known(ask, _VOLUME_QUERY)
    counts = _flag(ask, "with_count", default=True)
    order = _chosen(ask, "volume", _volume_fits)
    shown = _page(ask, order)
    rows = [volume_document(ask, ask.volume(key)) for key in shown.ids]
    return answer(200, {"count": shown.count if counts else None, "volumes": rows})


def _volume(ask: Ask) -> Answer:
    volume = _the_volume(ask)
    return answer(200, volume_document(ask, ask.volume(volume.row.id)))


def _servers(ask: Ask) -> Answer:
    _known(ask, _SERVER_QUERY)
    shown = _page(ask, _chosen(ask, "server", _server_fits))
    hanging = hung(ask.cloud)
    rows = [server_document(ask, ask.server(key), hanging) for key in shown.ids]
    return answer(200, {"servers": rows})


def _server(ask: Ask) -> Answer:
    server = _the_server(ask)
    return answer(200, server_document(ask, ask.server(server.row.id), hung(ask.cloud)))


def _disks(ask: Ask) -> Answer:
    server = ask.server(_the_server(ask).row.id)
    return answer(200, {"volumes": [disk_document(disk) for disk in server.in_order()]})


def _disk(ask: Ask) -> Answer:
    return answer(200, disk_document(_the_disk(ask, ask.server(_the_server(ask).row.id))))


def _known(ask: Ask, names: tuple[str, ...]) -> None:
    for name in ask.query:
        if name not in names:
            raise misfit(("query", name), "this simulator doesn't know it")


def _flag(ask: Ask, name: str, *, default: bool) -> bool:
    word = ask.query.get(name)
    if word is not None and word not in _FLAGS:
        raise misfit(("query", name), "value could not be parsed to a boolean")
    return default if word is None else _FLAGS[word]


def _number(ask: Ask, name: str, default: int, least: int, most: int) -> int:
    word = ask.query.get(name)
    if word is None:
        return default
    if not _WHOLE.fullmatch(word) or not least <= int(word) <= most:
        raise misfit(("query", name), f"value is not an integer from {least} to {most}")
    return int(word)


def _page(ask: Ask, order: Order) -> Page:
    limit = _number(ask, "limit", DEFAULT_LIMIT, 1, LARGEST_LIMIT)
    start = _number(ask, "offset", 0, 0, 999_999_999)
    marker = ask.query.get("marker")
    if marker is not None:
        if marker not in order.places or "offset" in ask.query:
            raise misfit(("query", "marker"), "marker not found, or not alone")
        start = order.places[marker] + 1
    return page(order, start, limit, ask.rule, ask.cloud.faults.dice)


def _chosen(ask: Ask, kind: str, fits: Callable[[Ask, str], bool]) -> Order:
    order = ask.cloud.order(kind)
    if ask.query.get("sort", "created_at:desc") not in ("created_at:desc", "created_at"):
        raise misfit(("query", "sort"), "this simulator sorts by created_at:desc only")
    if not ask.query.keys() - {"limit", "marker", "offset", "sort", "with_count"}:
        return order
    return Order.of([key for key in order.ids if fits(ask, key)])


def _volume_fits(ask: Ask, key: str) -> bool:
    volume = ask.volume(key)
    if volume.row.bootable is not _flag(ask, "bootable", default=volume.row.bootable):
        return False
    own = {"name": volume.row.name, "state": volume.status}
    return all(ask.query.get(name, value) == value for name, value in own.items())


def _server_fits(ask: Ask, key: str) -> bool:
    row = ask.server(key).row
    own = {
        "name": row.name,
        "state": "ERROR" if row.id in hung(ask.cloud) else row.status,
        "product_category": row.facts.get("productCategory", "compute"),
        "auto_scaling_group_id": row.facts.get("autoScalingGroup", ""),
    }
    return all(ask.query.get(name, value) == value for name, value in own.items())


def _the_volume(ask: Ask) -> Volume:
    volume = ask.cloud.volumes.get(ask.words["volume_id"])
    if volume is None:
        raise refusal(ask, "not-found", f"Volume {ask.words['volume_id']} could not be found.")
    return volume


def _the_server(ask: Ask) -> Server:
    server = ask.cloud.servers.get(ask.words["server_id"])
    if server is None:
        raise refusal(ask, "not-found", f"Server {ask.words['server_id']} could not be found.")
    return server


def _the_disk(ask: Ask, server: Server) -> Attachment:
    disk = server.disks.get(ask.words["volume_id"])
    if disk is None:
        raise refusal(ask, "not-found", f"Volume {ask.words['volume_id']} is not attached.")
    return disk


def _attach(ask: Ask) -> Answer:
    volume, body = _the_volume(ask), ask.heard.document()
    server_id, goes = body.get("server_id"), body.get("delete_on_termination")
    if not isinstance(server_id, str):
        raise misfit(("body", "server_id"), "field required")
    if not isinstance(goes, bool | None):
        raise misfit(("body", "delete_on_termination"), "value could not be parsed to a boolean")
    server = ask.cloud.servers.get(server_id)
    if server is None:
        raise refusal(ask, "invalid", f"Server {server_id} could not be found.")
    _check_at_rest(ask, server, volume)
    _check_attach(ask, server, volume)
    device = next_device(server)
    goes = goes is True
    target = Target(server, volume, device)
    change = Change(verb="attach", targets=(target,), delete_on_termination=goes)
    begin(ask.cloud, change, ask.rule)
    told = {"volume_id": volume.row.id, "server_id": server_id, "device": device}
    return answer(202, {**told, "delete_on_termination": goes})


def _check_at_rest(ask: Ask, server: Server, volume: Volume) -> None:
    if server.in_flight or volume.in_flight:
        raise refusal(ask, "busy", "Another request of the server or the volume is in progress.")
    status = "ERROR" if server.row.id in hung(ask.cloud) else server.row.status
    if status not in ("ACTIVE", "SHUTOFF"):
        raise refusal(ask, "server-status", f"The server is {status}.")


def _check_attach(ask: Ask, server: Server, volume: Volume) -> None:
    row = volume.row
    if row.id in server.disks or server.row.id in volume.holders:
        raise refusal(ask, "attached", "The volume is already attached to the server.")
    shared = row.multiattach and volume.status == "in-use"
    if volume.status != "available" and not shared:
        raise refusal(ask, "volume-status", f"The volume is {volume.status}.")
    if any(disk.boot for disk in volume.holders.values()):
        raise refusal(ask, "boot", "The attached server of a default volume can't be modified.")
    if row.az != server.row.az:
        raise refusal(ask, "zone", f"The volume is in {row.az}, the server in {server.row.az}.")
    if sum(not disk.boot for disk in server.disks.values()) >= BESIDE_BOOT:
        raise refusal(ask, "full", f"A server has at most {BESIDE_BOOT} data volumes.")


def _detach(ask: Ask) -> Answer:
    volume, server = _the_volume(ask), _the_server(ask)
    _check_at_rest(ask, server, volume)
    disk = volume.holders.get(server.row.id)
    if disk is None:
        raise refusal(ask, "not-attached", "The volume is not attached to the server.")
    if disk.boot:
        raise refusal(ask, "boot", "The default volume of a server can't be detached.")
    if volume.status != "in-use":
        raise refusal(ask, "volume-status", f"The volume is {volume.status}.")
    begin(ask.cloud, Change(verb="detach", targets=(Target(server, volume),)), ask.rule)
    return Answer(status=202)


def _set_disk(ask: Ask) -> Answer:
    server, body = _the_server(ask), ask.heard.document()
    goes = body.get("delete_on_termination")
    if body.get("volume_id") != ask.words["volume_id"]:
        raise misfit(("body", "volume_id"), "field required, as in the path")
    if not isinstance(goes, bool):
        raise misfit(("body", "delete_on_termination"), "value could not be parsed to a boolean")
    disk = _the_disk(ask, server)
    ask.cloud.keep(server)
    disk.delete_on_termination = goes
    return Answer(status=200)


def _discovery(ask: Ask) -> Answer:
    if all(cloud.world.provider != samsung_gateway.PROVIDER for cloud in ask.clouds):
        return samsung_gateway.gateway(ask.gate, ask.heard, 404, "Not Found")
    return answer(200, samsung_gateway.versions(ask.gate.utc_now().date(), ask.origin))


def _route(
    method: str, path: str, handler: Callable[[Ask], Answer], *, signed: bool = True
) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        changing=method != "GET",
        signed=signed,
        provider=samsung_gateway.PROVIDER,
        admit=samsung_gateway.admit,
        caller=samsung_gateway.caller,
        lost=samsung_gateway.lost,
    )


_HOLDERS = "/v1/volumes/{volume_id}/servers"
_DISKS = "/v1/servers/{server_id}/volumes"

WORLD = WorldKeys(provider=samsung_gateway.PROVIDER, server=("productCategory", "autoScalingGroup"))
API = (
    # The root: a path's last slash doesn't count, so its own is none at all.
    _route("GET", "", _discovery, signed=False),
    _route("GET", "/v1/volumes", _volumes),
    _route("GET", "/v1/volumes/{volume_id}", _volume),
    _route("POST", _HOLDERS, _attach),
    _route("DELETE", _HOLDERS + "/{server_id}", _detach),
    _route("GET", "/v1/servers", _servers),
    _route("GET", "/v1/servers/{server_id}", _server),
    _route("GET", _DISKS, _disks),
    _route("GET", _DISKS + "/{volume_id}", _disk),
    _route("PUT", _DISKS + "/{volume_id}", _set_disk),
)
