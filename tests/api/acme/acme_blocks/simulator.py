"""Acme Blocks as the embedded cloud serves it, written from its protocol and not from its client.

It reads its worlds and keeps its own check of signatures; what is on its way is the simulator's.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from reconciler.sim.changes import Change, Target, begin
from reconciler.sim.exchange import Answer, Heard, answer
from reconciler.sim.gate import ALWAYS, Gate, Passed
from reconciler.sim.records import WorldKeys
from reconciler.sim.routes import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sim.entities import Server, Volume
    from reconciler.sim.routes import Ask

PROVIDER = "acme-blocks"
STATES = {"ACTIVE": "up", "SHUTOFF": "down", "REBOOT": "restarting"}


def _no(status: int, problem: str, text: str) -> Answer:
    return answer(status, {"problem": problem, "text": text})


def _admit(gate: Gate, heard: Heard) -> Passed | Answer:
    access, _, said = (heard.header("authorization") or "").removeprefix("Acme ").partition(":")
    query = f"?{heard.query_string.decode()}" if heard.query_string else ""
    signed = f"{heard.method} {heard.raw_path.decode()}{query}".encode()
    mine = [cloud.world for cloud in gate.clouds if cloud.world.provider == PROVIDER]
    known = {
        world.project_id: ALWAYS[1] if access == ALWAYS[0] else world.keys.get(access)
        for world in mine
    }
    right = frozenset(
        project
        for project, secret in known.items()
        if secret is not None
        and hmac.compare_digest(hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest(), said)
    )
    return Passed(right) if right else _no(401, "denied", "this key didn't sign this request")


def _caller(heard: Heard) -> str:
    said = (heard.header("authorization") or "").removeprefix("Acme ")
    return said.partition(":")[0]


def _machines(ask: Ask) -> Answer:
    rows = [
        {
            "id": one.row.id,
            "name": one.row.name,
            "state": STATES.get(one.row.status, "broken"),
            "root": one.row.boot_volume,
            "blocks": sorted(one.disks),
        }
        for one in ask.cloud.servers.values()
    ]
    return answer(200, {"machines": rows})


def _blocks(ask: Ask) -> Answer:
    rows = [
        {
            "id": one.row.id,
            "name": one.row.name,
            "gib": one.row.size_gib,
            "shared": one.row.multiattach,
            "moving": bool(one.in_flight),
        }
        for one in ask.cloud.volumes.values()
    ]
    return answer(200, {"blocks": rows})


def _ends(ask: Ask) -> tuple[Server, Volume] | Answer:
    server = ask.cloud.servers.get(ask.words["machine"])
    volume = ask.cloud.volumes.get(ask.words["block"])
    if server is None or volume is None:
        return _no(404, "absent", "there is no such machine or block")
    if server.in_flight or volume.in_flight:
        return _no(409, "busy", "another change is on its way")
    return server, volume


def _attach(ask: Ask) -> Answer:
    found = _ends(ask)
    if isinstance(found, Answer):
        return found
    server, volume = found
    if volume.row.id in server.disks:
        return _no(409, "so-already", "the block is there")
    if volume.holders and not volume.row.multiattach:
        return _no(409, "taken", "the block is on another machine")
    begin(ask.cloud, Change(verb="attach", targets=(Target(server, volume),)), ask.rule)
    return answer(202, {})


def _detach(ask: Ask) -> Answer:
    found = _ends(ask)
    if isinstance(found, Answer):
        return found
    server, volume = found
    if volume.row.id not in server.disks:
        return _no(409, "so-already", "the block isn't there")
    if volume.row.id == server.row.boot_volume:
        return _no(409, "taken", "a machine keeps its root")
    begin(ask.cloud, Change(verb="detach", targets=(Target(server, volume),)), ask.rule)
    return answer(202, {})


def _route(method: str, path: str, handler: Callable[[Ask], Answer]) -> Route:
    return Route(
        method=method,
        path=f"/v2/{path}",
        handler=handler,
        changing=method != "GET",
        provider=PROVIDER,
        admit=_admit,
        caller=_caller,
    )


WORLD = WorldKeys(provider=PROVIDER)
API = (
    _route("GET", "machines", _machines),
    _route("GET", "blocks", _blocks),
    _route("PUT", "machines/{machine}/blocks/{block}", _attach),
    _route("DELETE", "machines/{machine}/blocks/{block}", _detach),
)
