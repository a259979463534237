"""Holds a conversation by hand: no client, no server, no event loop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import httpx

from reconciler.model.attachment import AttachmentKey
from reconciler.providers.samsung_virtualserver.conversations import SamsungVirtualServer
from reconciler.providers.samsung_virtualserver.site import Site

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.providers.talk import Conversation

T = TypeVar("T")
Row: TypeAlias = dict[str, object]

HOST = "https://virtualserver.kr-west1.e.example"
SITE = Site(scope="prod", address=HOST, edition="1.3")
SAYS = SamsungVirtualServer(SITE)


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


def fault(
    status: int, detail: object = "said", code: str = "VirtualServer.SomeCode"
) -> httpx.Response:
    """Give an error as the service itself writes it."""
    row = {
        "status": status,
        "title": "Title",
        "code": code,
        "detail": detail,
        "request_id": "req-1",
        "links": [],
    }
    return ok({"errors": [row]}, status)


def gateway(status: int, error: str = "Not Found") -> httpx.Response:
    """Give an error as the gateway before the service writes it."""
    told = {"timestamp": "2026-01-15T08:30:00Z", "path": "/v1/volumes", "status": status}
    return ok({**told, "error": error, "requestId": "gw-1"}, status)


def urls(asked: list[httpx.Request]) -> list[str]:
    return [f"{one.method} {one.url}" for one in asked]


def body(request: httpx.Request) -> object:
    read: object = json.loads(request.content)
    return read


def server_row(server_id: str = "s1", /, *volume_ids: str, **more: object) -> Row:
    disks = [{"id": volume_id, "delete_on_termination": False} for volume_id in volume_ids]
    row = {"id": server_id, "name": f"app-{server_id}", "state": "ACTIVE", "locked": False}
    return {**row, "product_category": "compute", "volumes": disks, **more}


def volume_row(volume_id: str = "v1", /, *server_ids: str, **more: object) -> Row:
    state = "in-use" if server_ids else "available"
    row: Row = {"id": volume_id, "name": f"disk-{volume_id}", "state": state, "size": 104}
    holders = [{"id": server_id, "device": "/dev/vdb"} for server_id in server_ids]
    return {**row, "multiattach": False, "bootable": False, "servers": holders, **more}


def volumes(*rows: Mapping[str, object], count: int | None = None) -> httpx.Response:
    return ok({"count": len(rows) if count is None else count, "volumes": rows})


def servers(*rows: Mapping[str, object]) -> httpx.Response:
    return ok({"servers": rows})


def many(start: int, size: int) -> Sequence[Row]:
    """Give so many volumes, numbered."""
    return [volume_row(f"v{number:06}") for number in range(start, start + size)]
