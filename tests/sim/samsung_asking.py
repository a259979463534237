"""A small client that signs as Samsung's documents say, and the world that it asks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import httpx

from reconciler.sim.app import build
from reconciler.sim.clock import VirtualClock
from reconciler.sim.cloud import Cloud
from reconciler.sim.world import read_worlds

Json: TypeAlias = Any

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
ALWAYS = ("simulator", "simulator-secret")
ACCOUNT = "a8f10467abfc4b87b64614ab36eb9ae4"
WORLD = f"""
provider: samsung-virtualserver
projectId: {ACCOUNT}
keys: [{{accessKey: AKIDEXAMPLE, secretKey: not-a-secret}}]
jobSeconds: 2.0
servers:
  - {{id: s-1, name: web-1, az: a, bootVolume: boot-1}}
  - {{id: s-2, name: web-2, az: a}}
  - {{id: s-3, name: off-1, az: a, status: SHUTOFF, locked: true}}
  - {{id: s-4, name: far-1, az: b}}
  - {{id: s-5, name: node-1, az: a, productCategory: container}}
  - {{id: s-6, name: broken-1, az: a, status: ERROR}}
  - {{id: s-7, name: scaled-1, az: a, autoScalingGroup: asg-1}}
volumes:
  - {{id: v-1, name: web-1-data, sizeGib: 104, az: a}}
  - {{id: v-2, name: free, az: a, bootable: true}}
  - {{id: v-3, name: shared, az: a, multiattach: true, type: SSD_MultiAttach}}
  - {{id: v-4, name: stale, az: a}}
  - {{id: v-5, name: broken, az: a, status: error}}
  - {{id: v-6, name: held, az: a, metadata: {{mounted: "true"}}}}
attachments:
  - {{server: web-1, volume: web-1-data, device: /dev/vdb}}
  - {{server: web-2, volume: shared, device: /dev/vdb}}
  - {{server: not-ours, volume: stale, device: /dev/vdb, seenBy: storage}}
  - {{server: web-2, volume: held, device: /dev/vdc}}
"""


@dataclass
class Asker:
    """A small signing client, written from the vendor's table of headers."""

    text: str = WORLD
    key: tuple[str, str] = ALWAYS
    version: str | None = "virtualserver 1.3"
    late: timedelta = timedelta(0)
    extra: dict[str, str] = field(default_factory=dict)
    clock: VirtualClock = field(default_factory=VirtualClock)

    def __post_init__(self) -> None:
        worlds = read_worlds(self.text, "test.world.yaml")
        self.clouds = [Cloud(world, self.clock) for world in worlds]
        self.app = build(self.clouds, utc_now=lambda: NOW)

    def send(
        self, method: str, path: str, body: object = None, *, signed: bool = True
    ) -> httpx.Response:
        """Give the answer; the address is signed as it is sent."""

        async def go() -> httpx.Response:
            inside = httpx.ASGITransport(app=self.app, client=("127.0.0.1", 1))
            async with httpx.AsyncClient(
                transport=inside, base_url="https://scp.example"
            ) as client:
                content = b"" if body is None else json.dumps(body).encode()
                request = client.build_request(method, path, content=content)
                if signed:
                    request.headers.update(self.headers(method, str(request.url)))
                return await client.send(request)

        return asyncio.run(go())

    def headers(self, method: str, url: str) -> dict[str, str]:
        """Give the headers of a signature; `extra` ones last."""
        at = str(int((NOW - self.late).timestamp() * 1000))
        account = self.extra.get("Scp-AccountId", "")
        text = f"{method}{url}{at}{self.key[0]}{account}Openapi"
        mac = hmac.new(self.key[1].encode(), text.encode(), hashlib.sha256).digest()
        named = {} if self.version is None else {"Scp-Api-Version": self.version}
        return {
            "Scp-Accesskey": self.key[0],
            "Scp-Signature": base64.b64encode(mac).decode(),
            "Scp-Timestamp": at,
            "Scp-ClientType": "Openapi",
            **named,
            **self.extra,
        }

    def good(self, method: str, path: str, body: object = None, status: int = 200) -> Json:
        """Give the JSON of an answer that must be this success; None for an empty body."""
        reply = self.send(method, path, body)
        assert reply.status_code == status, reply.text
        return reply.json() if reply.content else None

    def refused(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Give the status and the code, or the place that doesn't fit, of an error."""
        reply = self.send(method, path, body)
        assert reply.status_code >= 400, reply.text
        told = reply.json()
        if isinstance(told, list):
            return reply.status_code, ".".join(told[0]["loc"])
        row = told["errors"][0] if "errors" in told else {"code": told["error"], **told}
        assert row["status"] == reply.status_code
        return reply.status_code, row["code"]

    def faults(self, *rules: dict[str, object]) -> None:
        """Replace the fault rules."""
        told = {"seed": 7, "rules": list(rules)}
        assert self.send("POST", "/_sim/faults", told, signed=False).status_code == 200

    def state(self, volume: str) -> str:
        """Give what a volume is now."""
        return str(self.good("GET", f"/v1/volumes/{volume}")["state"])

    def on(self, volume: str) -> list[str]:
        """Give the servers that storage says hold a volume."""
        return [row["id"] for row in self.good("GET", f"/v1/volumes/{volume}")["servers"]]
