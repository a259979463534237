"""Holds a conversation by hand: no client, no server, no event loop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import httpx

from reconciler.model.attachment import AttachmentKey
from reconciler.providers.huawei_modelarts.conversations import HuaweiModelArts
from reconciler.providers.huawei_modelarts.site import Site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.providers.talk import Conversation

T = TypeVar("T")
Row: TypeAlias = dict[str, object]

PROJECT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
MODELARTS = "https://modelarts.r1.example"
V1 = f"{MODELARTS}/v1/{PROJECT}/dev-servers"
SAYS = HuaweiModelArts(Site(scope="prod", modelarts=MODELARTS, project=PROJECT))


def server_id(number: int = 1) -> str:
    return f"7c1f0a52-3b9e-4d41-9a6c-{number:012}"


def volume_id(number: int = 1) -> str:
    return f"1a2b3c4d-5e6f-4071-8293-{number:012}"


def key(server: int = 1, volume: int = 1) -> AttachmentKey:
    return AttachmentKey("prod", server_id(server), volume_id(volume))


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


def error(code: str, status: int = 400, message: str = "m", **headers: str) -> httpx.Response:
    return ok({"error_code": code, "error_msg": message}, status, **headers)


def urls(asked: list[httpx.Request]) -> list[str]:
    return [f"{one.method} {one.url}" for one in asked]


def body(request: httpx.Request) -> object:
    read: object = json.loads(request.content)
    return read


def disk(number: int = 1, **more: object) -> Row:
    return {"type": "DATA", "size": 500, "evs_type": "SSD", "evs_id": volume_id(number), **more}


def row(number: int = 1, /, *disks: Row, **more: object) -> Row:
    return {
        "id": server_id(number),
        "name": f"train-{number}",
        "status": "RUNNING",
        "category": "HPS",
        "cloud_server": {"id": "8a9b0c1d-2e3f-4051-8263-748596a7b8c9", "type": "HPS"},
        "volumes": list(disks),
        **more,
    }


def servers(*rows: Mapping[str, object], total: int | None = None) -> httpx.Response:
    count = len(rows) if total is None else total
    return ok({"current": 0, "pages": 1, "size": len(rows), "total": count, "data": rows})
