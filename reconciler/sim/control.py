"""`/_sim/*`: looking at a simulated world, and taking part in it.

The world and the log are read, rules are replaced, a virtual clock is advanced, somebody
acts at the console, and the APIs describe themselves. With several worlds `?projectId=`
names one; without it the first is meant, and new fault rules go to all.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from starlette.responses import JSONResponse
from starlette.routing import Route, Router

from reconciler.sim.changes import act
from reconciler.sim.clock import VirtualClock
from reconciler.sim.dump import document
from reconciler.sim.entities import Server, Volume
from reconciler.sim.fields import Fields, WorldError, documents
from reconciler.sim.openapi import openapi
from reconciler.sim.rules import read_rules

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from reconciler.sim.cloud import Cloud
    from reconciler.sim.requests_log import RequestsLog

    Handler = Callable[[Request], Awaitable[Response]]

LATEST_S = 1e9
"""Seconds that a virtual clock may come to, some 30 years: dates beyond can't be told."""

_Row = TypeVar("_Row", Server, Volume)


@dataclass(slots=True)
class Simulation:
    """The clouds of one address, their log, and who is told that a world changed."""

    clouds: tuple[Cloud, ...]
    log: RequestsLog
    on_change: Callable[[], None] | None
    _noticed: int = 0
    _by_project: dict[str, Cloud] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._by_project = {cloud.world.project_id: cloud for cloud in self.clouds}

    def cloud(self, project_id: str | None) -> Cloud | None:
        """Give the cloud of a project, or None."""
        return self._by_project.get(project_id) if project_id is not None else None

    def notice(self) -> None:
        """Tell that a world changed, if one did since the last time."""
        revision = sum(cloud.revision for cloud in self.clouds)
        if revision != self._noticed:
            self._noticed = revision
            if self.on_change is not None:
                self.on_change()


class LoopbackOnly:
    """The application inside, for clients of this machine; 403 for everybody else."""

    def __init__(self, inside: ASGIApp) -> None:
        self._inside = inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        client = scope.get("client")
        if client is not None and _loopback(client[0]):
            await self._inside(scope, receive, send)
            return
        refusal = JSONResponse({"error": "/_sim answers to loopback clients only"}, 403)
        await refusal(scope, receive, send)


def _loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    inner = getattr(address, "ipv4_mapped", None) or address
    return bool(inner.is_loopback)


def control_routes(simulation: Simulation) -> Router:
    """Give the endpoints below `/_sim`."""

    def bound(
        answer: Callable[[Simulation, Request, bytes], Response],
    ) -> Handler:
        async def handler(request: Request) -> Response:
            body = await request.body()
            for cloud in simulation.clouds:
                cloud.tick()
            try:
                reply = answer(simulation, request, body)
            except WorldError as error:
                reply = JSONResponse({"error": str(error)}, 400)
            simulation.notice()
            return reply

        return handler

    return Router(
        routes=[
            Route("/world", bound(_world), methods=["GET"]),
            Route("/openapi", bound(_openapi), methods=["GET"]),
            Route("/requests", bound(_requests), methods=["GET"]),
            Route("/requests", bound(_forget), methods=["DELETE"]),
            Route("/faults", bound(_faults), methods=["POST"]),
            Route("/clock", bound(_clock), methods=["POST"]),
            Route("/act", bound(_act), methods=["POST"]),
        ]
    )


def _chosen(simulation: Simulation, request: Request) -> Cloud:
    project_id = request.query_params.get("projectId")
    if project_id is None:
        return simulation.clouds[0]
    cloud = simulation.cloud(project_id)
    if cloud is None:
        known = ", ".join(one.world.project_id for one in simulation.clouds)
        raise WorldError(f"no world has the projectId `{project_id}`; there are: {known}")
    return cloud


def _world(simulation: Simulation, request: Request, body: bytes) -> Response:
    del body
    return JSONResponse(document(_chosen(simulation, request)))


def _openapi(simulation: Simulation, request: Request, body: bytes) -> Response:
    del body
    return JSONResponse(openapi(_chosen(simulation, request).world.provider))


def _requests(simulation: Simulation, request: Request, body: bytes) -> Response:
    del request, body
    return JSONResponse(simulation.log.document())


def _forget(simulation: Simulation, request: Request, body: bytes) -> Response:
    del request, body
    simulation.log.clear()
    return JSONResponse(simulation.log.document())


def _faults(simulation: Simulation, request: Request, body: bytes) -> Response:
    chosen = read_rules(_text(body), "request body")
    named = "projectId" in request.query_params
    for cloud in [_chosen(simulation, request)] if named else simulation.clouds:
        cloud.set_rules(chosen)
    return JSONResponse(simulation.clouds[0].faults.document(counts=False))


def _clock(simulation: Simulation, request: Request, body: bytes) -> Response:
    del request
    seconds = _fields(body, ("advance",)).number("advance")
    clocks = {id(cloud.clock): cloud.clock for cloud in simulation.clouds}
    virtual = [clock for clock in clocks.values() if isinstance(clock, VirtualClock)]
    if not virtual:
        return JSONResponse({"error": "this simulator runs in real time"}, 409)
    if max(cloud.at_s for cloud in simulation.clouds) + seconds > LATEST_S:
        raise WorldError(f"request body:1: `advance` goes beyond {LATEST_S:.0f} seconds")
    for clock in virtual:
        clock.advance(seconds)
    return JSONResponse({"now": next(cloud.tick() for cloud in simulation.clouds)})


def _act(simulation: Simulation, request: Request, body: bytes) -> Response:
    cloud, fields = _chosen(simulation, request), _fields(body, ("attach", "detach"))
    if len(fields.nodes) != 1:
        raise fields.fault("", 'write either {"attach": ...} or {"detach": ...}')
    verb = next(iter(fields.nodes))
    pair = Fields(fields.nodes[verb], fields.name, f"`{verb}`", ("server", "volume"))
    server = _named(cloud.servers, pair, "server")
    volume = _named(cloud.volumes, pair, "volume")
    refused = act(cloud, verb, cloud.servers[server], cloud.volumes[volume])
    if refused is not None:
        return JSONResponse({"error": refused}, 409)
    return JSONResponse({verb: {"server": server, "volume": volume}})


def _named(known: dict[str, _Row], pair: Fields, key: str) -> str:
    word = pair.text(key)
    if word in known:
        return word
    found = [one for one, entity in known.items() if entity.row.name == word]
    if len(found) != 1:
        raise pair.fault(key, f"{len(found)} {key}s have the id or name `{word}`; write an id")
    return found[0]


def _fields(body: bytes, known: tuple[str, ...]) -> Fields:
    found = list(documents(_text(body), "request body"))
    if len(found) != 1:
        raise WorldError("request body:1: write one JSON mapping")
    return Fields(found[0], "request body", "the body", known)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise WorldError("request body:1: the bytes aren't UTF-8; send JSON") from error
