"""Holds a conversation by hand: no client, no server, no event loop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import httpx

from reconciler.model.attachment import AttachmentKey
from reconciler.providers.huawei_workspace.conversations import HuaweiWorkspace
from reconciler.providers.huawei_workspace.site import Site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.providers.talk import Conversation

T = TypeVar("T")
Row: TypeAlias = dict[str, object]

PROJECT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
WORKSPACE = "https://workspace.r1.example"
V2 = f"{WORKSPACE}/v2/{PROJECT}"
SITE = Site(scope="desks", workspace=WORKSPACE, project=PROJECT)
SAYS = HuaweiWorkspace(SITE)


def key(server: str = "d1", volume: str = "v1") -> AttachmentKey:
    return AttachmentKey("desks", server, volume)


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


def disk(volume_id: str | None = "v1", /, **more: object) -> Row:
    """Give a disk as it is shown; its `id` is another one than its `volume_id`."""
    row: Row = {"id": f"row-of-{volume_id}", "type": "SSD", "size": 100, "device": "/dev/vdb"}
    return {**row, "volume_id": volume_id, "display_name": f"disk-{volume_id}", **more}


def desktop(desktop_id: str = "d1", /, *disks: Row, **more: object) -> Row:
    row: Row = {
        "desktop_id": desktop_id,
        "computer_name": f"desk-{desktop_id}",
        "desktop_type": "DEDICATED",
        "status": "ACTIVE",
        "task_status": "",
        "is_freeze": False,
        "availability_zone": "r1a",
        "order_id": None,
        "product": {"charge_mode": "1"},
        "metadata": {"charging_mode": "0"},
        "root_volume": disk(f"root-{desktop_id}", device="/dev/vda", size=80),
        "tags": [],
    }
    return {**row, **({"data_volumes": list(disks)} if disks else {}), **more}


def desktops(*rows: Mapping[str, object], count: int | None = None) -> httpx.Response:
    total = len(rows) if count is None else count
    return ok({"total_count": total, "desktops": rows})
