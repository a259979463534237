"""One application for all APIs of all worlds.

A request passes, in this order: latency, the clock, the fault rules, the gateway's checks,
the API; then the log. A module under `reconciler.sim.apis` that has an `API` is mounted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Mount

from reconciler.sim import apis
from reconciler.sim.control import LoopbackOnly, Simulation, control_routes
from reconciler.sim.exchange import Answer, Heard, RefusalError, answer
from reconciler.sim.faults import broken, deliver
from reconciler.sim.gate import Gate, Passed
from reconciler.sim.requests_log import RequestsLog
from reconciler.sim.routes import Ask, Route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from reconciler.sim.cloud import Cloud
    from reconciler.sim.rules import Rule

LARGEST_BODY = 12 * 1024 * 1024
"""Bytes. Source: the gateway's error table, APIGW.0201."""
ROOT = 3
"""The parts of a path that say whose it is, where a version and a noun begin it."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def build(
    clouds: Sequence[Cloud],
    *,
    on_change: Callable[[], None] | None = None,
    on_request: Callable[[Mapping[str, object]], None] | None = None,
    utc_now: Callable[[], datetime] = _utc_now,
) -> Starlette:
    """Give the application that serves these clouds, and `/_sim/*` to loopback clients.

    `on_change` is called after a request, or the passing of time it noticed, changed a
    world. `on_request` gets each row of the log once the answer is decided. `utc_now` is
    the date that signatures are judged by. Raises `ValueError` without a cloud.
    """
    if not clouds:
        raise ValueError("a simulator needs at least one world")
    log = RequestsLog()
    simulation = Simulation(clouds=tuple(clouds), log=log, on_change=on_change)
    gate = Gate(tuple(clouds), utc_now)
    doorway = _Doorway(simulation, gate, Table(), on_request)
    control = LoopbackOnly(control_routes(simulation))
    app = Starlette(routes=[Mount("/_sim", app=control)])
    # What no route takes, and not a second mount: a path with a line break matches none.
    app.router.default = doorway
    app.router.redirect_slashes = False
    return app


class Table:
    """All routes of all APIs, found by method and by the words of the path."""

    def __init__(self) -> None:
        self._routes: dict[tuple[str, int], list[tuple[tuple[str, ...], Route]]] = {}
        self._roots: dict[tuple[str, ...], Callable[[Gate, Heard], Answer]] = {}
        for module in apis.modules():
            for route in getattr(module, "API", ()):
                parts = tuple(route.path.split("/"))
                if route.lost is not None and len(parts) >= ROOT:
                    self._roots[parts[:ROOT]] = route.lost
                self._routes.setdefault((route.method, len(parts)), []).append((parts, route))
        for routes in self._routes.values():
            # A word that is written out is more than a word in braces: `detail` is no id.
            routes.sort(key=lambda row: sum(part.startswith("{") for part in row[0]))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Give the route of a request and the words that its braces stand for."""
        said = path.rstrip("/").split("/")
        for parts, route in self._routes.get((method, len(said)), ()):
            pairs = list(zip(parts, said, strict=True))
            if all(part == word or part.startswith("{") for part, word in pairs):
                return route, {part[1:-1]: word for part, word in pairs if part.startswith("{")}
        return None

    def lost(self, path: str) -> Callable[[Gate, Heard], Answer] | None:
        """Give who answers for a path that no route takes; None: the gateway of Huawei."""
        return self._roots.get(tuple(path.split("/"))[:ROOT])


@dataclass(slots=True)
class _Visit:
    """A request with what was found out about it on the way."""

    heard: Heard
    cloud: Cloud
    route: Route | None
    words: Mapping[str, str]
    changing: bool
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class _Doorway:
    simulation: Simulation
    gate: Gate
    table: Table
    on_request: Callable[[Mapping[str, object]], None] | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        heard = await _hear(scope, receive)
        if heard is None:
            return
        visit = self._meet(heard)
        if visit.cloud.world.latency_s:
            await visit.cloud.clock.sleep(visit.cloud.world.latency_s)
        visit.cloud.tick()
        visit.rule = visit.cloud.faults.meets(heard.method, heard.path)
        reply = self._named(self._decide(visit))
        self._note(visit, reply)
        self.simulation.notice()
        await deliver(reply, visit.rule, scope, receive, send)

    def _named(self, reply: Answer) -> Answer:
        if "X-Request-Id" in reply.headers:
            return reply
        headers = {**reply.headers, "X-Request-Id": self.gate.request_id()}
        return Answer(status=reply.status, body=reply.body, media=reply.media, headers=headers)

    def _meet(self, heard: Heard) -> _Visit:
        found = self.table.find(heard.method, heard.path)
        route, words = found if found is not None else (None, {})
        cloud = self._cloud(heard, route, words)
        changing = (
            heard.method not in ("GET", "HEAD", "OPTIONS") if route is None else (route.changing)
        )
        if route is not None and route.rehearsable and b"dry_run" in heard.body:
            changing = heard.document().get("dry_run") is not True
        return _Visit(heard, cloud, route, words, changing)

    def _cloud(self, heard: Heard, route: Route | None, words: Mapping[str, str]) -> Cloud:
        named = self.simulation.cloud(words.get("project_id"))
        clouds = self.simulation.clouds
        if named is not None or route is None or not route.provider:
            return named or clouds[0]
        mine = [cloud for cloud in clouds if cloud.world.provider == route.provider] or clouds
        key = route.caller(heard) if route.caller is not None else ""
        return next((cloud for cloud in mine if key in cloud.world.keys), mine[0])

    def _decide(self, visit: _Visit) -> Answer:
        rule = visit.rule
        if rule is None or rule.kind != "answer":
            return self._real(visit)
        if visit.changing and not rule.applied:
            return broken(rule, self.gate, None)
        return broken(rule, self.gate, self._real(visit))

    def _real(self, visit: _Visit) -> Answer:
        heard, route = visit.heard, visit.route
        if len(heard.body) > LARGEST_BODY:
            return self.gate.gateway(413, "APIGW.0201", "The request body is too large.")
        if route is None:
            return self._lost(heard)
        clouds = self.simulation.clouds
        if route.signed:
            admit = route.admit or Gate.admit
            passed = admit(self.gate, heard)
            if isinstance(passed, Answer):
                return passed
            if not _same_project(visit, passed):
                return _other_project()
            clouds = tuple(c for c in clouds if c.world.project_id in passed.projects)
        ask = Ask(
            heard=heard,
            words=visit.words,
            query=heard.query(),
            cloud=visit.cloud,
            clouds=clouds,
            gate=self.gate,
            rule=visit.rule,
        )
        try:
            return route.handler(ask)
        except RefusalError as refusal:
            return refusal.reply

    def _lost(self, heard: Heard) -> Answer:
        if (theirs := self.table.lost(heard.path)) is not None:
            return theirs(self.gate, heard)
        text = "The API does not exist or has not been published in the environment."
        return self.gate.gateway(404, "APIGW.0101", text)

    def _note(self, visit: _Visit, reply: Answer) -> None:
        heard, rule = visit.heard, visit.rule
        silent = rule is not None and rule.fault in ("reset", "timeout")
        row = {
            "at": visit.cloud.at_s,
            "method": heard.method,
            "path": heard.path,
            "query": heard.query_string.decode("latin-1"),
            "status": None if silent else reply.status,
            "changing": visit.changing,
            "rule": None if rule is None else rule.title,
        }
        self.simulation.log.add(row)
        if self.on_request is not None:
            self.on_request(row)


def _same_project(visit: _Visit, passed: Passed) -> bool:
    wanted = visit.words.get("project_id")
    if wanted is None:
        return True
    said = visit.heard.header("x-project-id")
    return wanted in passed.projects and said in (None, "", wanted)


def _other_project() -> Answer:
    text = "The project in the URL is not the one of the credentials."
    return answer(400, {"error": {"code": "Common.0018", "message": text}})


async def _hear(scope: Scope, receive: Receive) -> Heard | None:
    """Give a whole request; None where its sender went in the middle: a gateway passes none on."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return Heard(
        method=scope["method"],
        raw_path=raw_path.partition(b"?")[0],
        path=scope["path"],
        query_string=scope.get("query_string", b""),
        headers=tuple((bytes(key).lower(), bytes(value)) for key, value in scope["headers"]),
        body=body,
    )
