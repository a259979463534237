"""ECS as a few fixed answers, and EVS as a real Cinder: what `repair` is pointed at."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from tests.counterparts.cinder.running import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.counterparts.cinder.running import Cinder

SERVER = "11111111-2222-4333-8444-555555555555"
ABSENT = {"itemNotFound": {"message": "No volume Block Device Mapping", "code": 404}}


@dataclass
class Between(httpx.AsyncBaseTransport):
    """Carries what EVS is asked to Cinder, and answers for ECS itself.

    Two differences are bridged, and nothing else: EVS kept the path `v2` that Cinder gave up, and
    lists volumes under a name of its own, with their count.
    """

    cinder: Cinder
    meanwhile: Callable[[], object] = lambda: None
    """What happens after the last look, just before a reset arrives."""
    answers: list[httpx.Response] = field(default_factory=list)
    """What Cinder answered to resets."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Give the answer of whoever has the say."""
        path = request.url.path
        if path.endswith("/cloudvolumes/detail"):
            rows = self.cinder.ask("GET", "volumes/detail").raise_for_status().json()["volumes"]
            return httpx.Response(200, json={"count": len(rows), "volumes": rows})
        if path.endswith("/cloudservers/detail"):
            server = {"id": SERVER, "name": "web-1", "status": "ACTIVE"}
            return httpx.Response(200, json={"count": 1, "servers": [server]})
        if "/block_device/" in path:
            error = {"code": "Ecs.1000", "message": json.dumps(ABSENT)}
            return httpx.Response(400, json={"error": error})
        assert path.endswith("/action"), path
        self.meanwhile()
        url = f"{self.cinder.address}{path.replace('/v2/', '/v3/', 1)}"
        headers = {"Content-Type": request.headers["Content-Type"], **TOKEN}
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            answer = await client.post(url, content=await request.aread(), headers=headers)
        self.answers.append(answer)
        return httpx.Response(answer.status_code, headers=_told(answer), content=answer.content)


def _told(answer: httpx.Response) -> dict[str, str]:
    return {
        "Content-Type": answer.headers.get("Content-Type", ""),
        "X-Request-Id": answer.headers.get("x-openstack-request-id", ""),
    }
