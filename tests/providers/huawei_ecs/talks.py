"""Holds a conversation by hand: no client, no server, no event loop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import httpx

from reconciler.model.attachment import AttachmentKey
from reconciler.providers.huawei_ecs.conversations import HuaweiEcs
from reconciler.providers.huawei_ecs.site import Site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.providers.talk import Conversation

T = TypeVar("T")
Row: TypeAlias = dict[str, object]

PROJECT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ECS = "https://ecs.r1.example"
EVS = "https://evs.r1.example"
SITE = Site(scope="prod", ecs=ECS, evs=EVS, project=PROJECT)
SAYS = HuaweiEcs(SITE)


def key(server: str = "s1", volume: str = "v1") -> AttachmentKey:
    return AttachmentKey("prod", server, volume)


def hold(
    talk: Conversation[T], *rounds: httpx.Response | tuple[httpx.Response, ...]
) -> tuple[list[httpx.Request], T]:
    """Give what was asked, flat, and what the conversation gave; every answer must be used."""
    asked: list[httpx.Request] = []
    waiting = list(rounds)
    try:
        ask = next(talk)
        while True:
            asked.extend(ask if isinstance(ask, tuple) else (ask,))
            ask = talk.send(waiting.pop(0))
    except StopIteration as stop:
        assert not waiting, "answers were left over"
        result: T = stop.value
        return asked, result


def ok(body: object, status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=body, headers=named)


def urls(asked: list[httpx.Request]) -> list[str]:
    return [f"{one.method} {one.url}" for one in asked]


def body(request: httpx.Request) -> object:
    read: object = json.loads(request.content)
    return read


def server_row(server_id: str = "s1", /, **more: object) -> Row:
    return {"id": server_id, "name": f"app-{server_id}", "status": "ACTIVE", **more}


def volume_row(volume_id: str = "v1", /, **more: object) -> Row:
    row: Row = {"id": volume_id, "name": f"disk-{volume_id}", "status": "in-use", "size": 100}
    return {**row, "multiattach": False, "bootable": "false", **more}


def on_server(volume_id: str = "v1", /, **more: object) -> Row:
    return {"id": volume_id, "device": "/dev/vdb", "bootIndex": None, **more}


def volumes(*rows: Mapping[str, object], count: int | None = None) -> httpx.Response:
    return ok({"count": len(rows) if count is None else count, "volumes": rows})


def servers(*rows: Mapping[str, object], count: int | None = None) -> httpx.Response:
    return ok({"count": len(rows) if count is None else count, "servers": rows})
