"""What a request asks of a cloud, read from the documents: path, method and body alone."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

READS = frozenset({"GET", "HEAD"})
SINGLE = re.compile(r"/(?:cloudservers|dev-servers)/([^/]+)/(attach|detach)volume(?:/([^/]+))?$")
BATCH = re.compile(r"/batchaction/(attach|detach)volumes/([^/]+)$")
SETTING = re.compile(r"/(?:cloudservers/([^/]+)/block_device|v1/servers/([^/]+)/volumes)/([^/]+)$")
DESTROY = re.compile(r"/desktops/([^/]+)/volumes/batch-delete$")
HOLDERS = re.compile(r"/v1/volumes/([^/]+)/servers(?:/([^/]+))?$")
LISTINGS = ("/cloudvolumes/detail", "/cloudservers/detail", "/dev-servers", "/desktops/detail")
ROOTS = ("/v1/volumes", "/v1/servers")
BY_ID = re.compile(r"(^|&)(ids|server_id|desktop_id)=")


@dataclass(frozen=True, slots=True)
class Asked:
    """One attachment that a request wants changed."""

    verb: str
    server_id: str
    volume_id: str


def asked_for(method: str, path: str, body: bytes) -> tuple[Asked, ...]:
    """Give what a request asks to be changed; empty for a read."""
    return () if method in READS else tuple(_asked(method, path, body))


def is_listing(method: str, path: str, query: str) -> bool:
    """Tell whether a request lists everything of a kind."""
    named = path.endswith(LISTINGS) or path in ROOTS
    return method == "GET" and named and not BY_ID.search(query)


def _asked(method: str, path: str, body: bytes) -> Iterator[Asked]:
    if found := SINGLE.search(path):
        server_id, verb, volume_id = found.groups()
        yield Asked(verb, server_id, volume_id or _attached(body))
    elif found := BATCH.search(path):
        verb, volume_id = found.groups()
        for row in json.loads(body)["serverinfo"]:
            yield Asked(verb, row if isinstance(row, str) else row["server_id"], volume_id)
    elif found := DESTROY.search(path):
        for volume_id in json.loads(body)["volume_ids"]:
            yield Asked("destroy", found[1], volume_id)
    elif found := HOLDERS.search(path):
        volume_id, server_id = found.groups()
        verb = "detach" if method == "DELETE" else "attach"
        yield Asked(verb, server_id or json.loads(body)["server_id"], volume_id)
    elif (found := SETTING.search(path)) and method == "PUT":
        yield Asked("update", found[1] or found[2], found[3])
    else:
        yield Asked(f"{method} {path}", "", "")


def _attached(body: bytes) -> str:
    told = json.loads(body)
    return str(told.get("volumeAttachment", {}).get("volumeId") or told.get("volume_id"))
