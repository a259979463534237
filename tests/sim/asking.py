"""A small signing client, written from the gateway's documents, and the worlds it asks."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

import httpx

from reconciler.sim.app import build
from reconciler.sim.clock import VirtualClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.serving import serving
from reconciler.sim.world import read_worlds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.applications import Starlette

Json: TypeAlias = Any

PROJECT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
WORLD = f"""
provider: huawei-ecs
projectId: {PROJECT}
keys: [{{accessKey: AKIDEXAMPLE, secretKey: not-a-secret}}]
users: [{{name: ops, password: open-sesame, domain: acme}}]
jobSeconds: 2.0
servers:
  - {{id: s-1, name: web-1, az: az1, bootVolume: vol-boot-1, tags: {{role: web}}}}
  - {{id: s-2, name: web-2, az: az1}}
  - {{id: s-3, name: off-1, az: az1, status: SHUTOFF, bootVolume: vol-boot-3}}
  - {{id: s-4, name: far-1, az: az2}}
  - {{id: s-5, name: locked-1, az: az1, locked: true}}
  - {{id: s-6, name: full-1, az: az1, freeSlots: 0}}
  - {{id: s-7, name: moving-1, az: az1, status: REBOOT}}
volumes:
  - {{id: v-1, name: web-1-data, sizeGib: 100, az: az1, type: SSD}}
  - {{id: v-2, name: free, az: az1}}
  - {{id: v-3, name: shared, az: az1, multiattach: true}}
  - {{id: v-4, name: stale, az: az1}}
  - {{id: v-5, name: broken, az: az1, status: error}}
attachments:
  - {{server: web-1, volume: web-1-data, device: /dev/vdb}}
  - {{server: not-ours, volume: stale, device: /dev/vdb, seenBy: storage}}
"""


def sign(
    request: httpx.Request,
    signed: tuple[str, ...],
    key: tuple[str, str] = ("simulator", "simulator-secret"),
) -> None:
    """Sign a request over these of its headers, as the published signers do."""
    path = "/".join(quote(part, safe="-_.~") for part in request.url.path.split("/"))
    pairs = sorted(request.url.params.multi_items())
    query = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in pairs)
    headers = "".join(f"{name}:{request.headers[name].strip()}\n" for name in sorted(signed))
    names = ";".join(sorted(signed))
    digest = hashlib.sha256(request.content).hexdigest()
    slashed = path if path.endswith("/") else path + "/"
    canonical = f"{request.method}\n{slashed}\n{query}\n{headers}\n{names}\n{digest}"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"SDK-HMAC-SHA256\n{request.headers['x-sdk-date']}\n{hashed}"
    mac = hmac.new(key[1].encode(), text.encode(), hashlib.sha256).hexdigest()
    request.headers["authorization"] = (
        f"SDK-HMAC-SHA256 Access={key[0]}, SignedHeaders={names}, Signature={mac}"
    )


@dataclass
class Asker:
    """A client of one simulator, in process; `ask` gives status and document."""

    app: Starlette
    clocks: tuple[VirtualClock, ...]
    key: tuple[str, str] = ("simulator", "simulator-secret")
    signed: tuple[str, ...] = ("host", "x-sdk-date")
    date: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    client_host: str = "127.0.0.1"

    def send(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Send one request to a path below the project, or to a whole path."""

        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app, client=(self.client_host, 1))
            async with httpx.AsyncClient(transport=transport, base_url="http://sim") as client:
                return await client.send(self.request(client, method, path, body))

        return asyncio.run(go())

    def request(
        self, client: httpx.AsyncClient | httpx.Client, method: str, path: str, body: object
    ) -> httpx.Request:
        """Make the signed request."""
        stamp = self.date or f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        headers = {"x-sdk-date": stamp, "content-type": "application/json", **self.extra}
        content = b"" if body is None else json.dumps(body).encode() + b"\n"
        url = path.replace("{p}", PROJECT)
        request = client.build_request(method, url, content=content, headers=headers)
        if not path.startswith("/_sim") and "x-auth-token" not in headers:
            sign(request, self.signed, self.key)
        return request

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Give the status and the JSON of an answer; None for an empty body."""
        reply = self.send(method, path, body)
        return reply.status_code, reply.json() if reply.content else None

    def good(self, method: str, path: str, body: object = None) -> Json:
        """Give the JSON of an answer that must be a success."""
        status, document = self.ask(method, path, body)
        assert 200 <= status < 300, document
        return document

    def refused(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Give the status and the code of an answer that must be an error."""
        status, document = self.ask(method, path, body)
        assert status >= 400, document
        return status, document["error_code"] if "error_code" in document else (
            document["error"]["code"]
        )

    def advance(self, seconds: float) -> None:
        """Let the clouds' time pass."""
        for clock in self.clocks:
            clock.advance(seconds)

    def world(self) -> Json:
        """Give what `GET /_sim/world` answers."""
        return self.good("GET", "/_sim/world")

    def views(self) -> dict[tuple[str, str], str]:
        """Give which view shows which (server, volume)."""
        rows = self.world()["attachments"]
        return {(row["server"], row["volume"]): row["seenBy"] for row in rows}

    def faults(self, *rules: Mapping[str, object]) -> None:
        """Replace the fault rules."""
        self.good("POST", "/_sim/faults", {"seed": 7, "rules": list(rules)})

    def job(self, job_id: str) -> Json:
        """Give the job as the cloud tells it."""
        return self.good("GET", f"/v1/{{p}}/jobs/{job_id}")


def clouds_of(text: str) -> tuple[list[Cloud], VirtualClock]:
    """Give the clouds of a world file under one virtual clock."""
    clock = VirtualClock()
    return [Cloud(world, clock) for world in read_worlds(text, "test.world.yaml")], clock


def asker(text: str = WORLD) -> Asker:
    """Give a client of a new simulator with this world."""
    clouds, clock = clouds_of(text)
    return Asker(build(clouds), (clock,))


@contextmanager
def over_a_socket(
    text: str = WORLD, timeout_s: float = 5.0
) -> Iterator[tuple[Asker, httpx.Client]]:
    """Give a client in process and one over a socket of the same simulator."""
    ours = asker(text)
    with serving(ours.app) as url, httpx.Client(base_url=url, timeout=timeout_s) as client:
        yield ours, client
