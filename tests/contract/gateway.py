"""A gateway before the simulator, which counts and may answer instead, and scopes that pass it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import httpx

from reconciler.operations.apply import apply_manifests
from reconciler.operations.plans import plan_manifests
from tests.rig.plot import Plot
from tests.rig.stage import YES, Stage, stage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.operations.applied import Applied
    from reconciler.operations.plans import Planned
    from reconciler.operations.wiring import Surroundings
    from tests.contract.conftest import House
    from tests.rig.plot import Wanted

    Meddle = Callable[[httpx.Request], httpx.Response | None]

KEYS = {"HW_A": "simulator", "HW_S": "simulator-secret", "HW_WRONG": "wrong-secret-0"}
PERSON = {"name": "person", "password": "password-1", "domain": "company"}
LOGIN = {"HW_U": "person", "HW_P": "password-1", "HW_D": "company", "HW_WRONG": "wrong-password"}
NAMES = ("a", "b", "c")


@dataclass
class Gateway(httpx.AsyncBaseTransport):
    """Stands before the simulator, counts what comes by and may answer instead."""

    inside: httpx.AsyncBaseTransport
    meddle: Meddle = lambda _: None
    answers: list[tuple[httpx.Request, httpx.Response]] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = self.meddle(request) or await self.inside.handle_async_request(request)
        self.answers.append((request, response))
        return response

    def logins(self) -> int:
        return sum(request.url.path == "/v3/auth/tokens" for request, _ in self.answers)

    def denials(self) -> int:
        return sum(response.status_code == 401 for _, response in self.answers)


@dataclass
class Door:
    """A stage whose requests pass a gateway, with credentials of its own."""

    on: Stage
    environ: Mapping[str, str]
    gateway: Gateway

    @property
    def around(self) -> Surroundings:
        return replace(self.on.around, environ=self.environ, transport=self.gateway)

    async def plan(self, *wanted: Wanted) -> Planned:
        return await plan_manifests(self.on.request(*wanted), self.around)

    async def apply(self, *wanted: Wanted) -> Applied:
        return await apply_manifests(self.on.request(*wanted), self.around, YES, self.on.events)


def door(house: House, environ: Mapping[str, str], **plot: object) -> Door:
    shape = {"servers": ("s1", "s2"), "volumes": tuple(f"v{n}" for n in range(12)), **plot}
    worlds = []
    for name in NAMES:
        told = json.loads(house.vendor.world(Plot(region=name, **shape)))  # type: ignore[arg-type]  # a plot by name
        worlds.append(json.dumps({**told, "users": [PERSON]}) + "\n")
    on = stage(house.folder, *worlds)
    return Door(on, environ, Gateway(on.transport))


def scope(house: House, name: str = "a", **limits: object) -> Wanted:
    volumes = [f"v{n}" for n in range(10)]
    return replace(house.rows(s1=volumes), scope=name, region=name, limits=limits)


def by_key(wanted: Wanted, variable: str = "HW_S", **more: str) -> Wanted:
    named = {"accessKey": "HW_A", "secretKey": variable, **more}
    return replace(wanted, more={"credentials": {k: {"env": v} for k, v in named.items()}})


def by_user(wanted: Wanted, variable: str = "HW_P") -> Wanted:
    named = {"user": "HW_U", "password": variable, "domain": "HW_D"}
    return replace(wanted, more={"credentials": {k: {"env": v} for k, v in named.items()}})


def in_project(wanted: Wanted, to: Door) -> Wanted:
    cloud = next(each for each in to.on.clouds if each.world.region == wanted.region)
    return replace(wanted, more={**wanted.more, "projectId": cloud.world.project_id})


def denied(text: str, code: str = "APIGW.0301", status: int = 401) -> httpx.Response:
    return httpx.Response(status, json={"error_code": code, "error_msg": text})
