"""Opening a scope: which requests it costs, how they are signed, and which cloud it speaks to."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from reconciler.errors import ProviderError
from reconciler.model.finding import FindingsError
from reconciler.model.record import Identity
from reconciler.providers import spec_of
from reconciler.providers.spec import Opened, Opening, Secret
from reconciler.signing.sdk_hmac_sha256 import AccessKey, Unsigned, sign

from .talks import ECS, EVS, PROJECT, ok, servers, urls, volumes

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
SPEC = spec_of("huawei-ecs")
ACCESS = AccessKey("TESTACCESSKEY0000001", "TestSecretKeyNotReal/0123456789+abcdefgh")


class NoPace:
    """Lets every request leave."""

    async def turn(self) -> None:
        return None

    def hold(self, seconds: float) -> None:
        raise AssertionError(seconds)


class Cloud:
    """Answers by path and remembers what it was asked."""

    def __init__(self, projects: tuple[str, ...] = (PROJECT,)) -> None:
        self.asked: list[httpx.Request] = []
        self.projects = projects

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        path = request.url.path
        if path == "/v3/projects":
            return ok({"projects": [{"id": project} for project in self.projects]})
        if "forbidden" in path:
            told = f"ak:{ACCESS.access} has no right, its secret is {ACCESS.secret}"
            return ok({"error": {"code": "Ecs.0110", "message": told}}, 403)
        return volumes() if "cloudvolumes" in path else servers()

    def opening(self, project_id: str | None = None) -> Opening:
        return Opening(
            scope="prod",
            region="r1",
            pace=NoPace(),
            utc_now=lambda: NOW,
            project_id=project_id,
            endpoints={"ecs": ECS, "evs": EVS, "iam": "https://iam.r1.example"},
            secrets={"accessKey": Secret(ACCESS.access), "secretKey": Secret(ACCESS.secret)},
            max_concurrency=4,
            transport=httpx.MockTransport(self.answer),
        )


async def only_opened(opening: Opening) -> Opened:
    return await SPEC.open(opening)


async def listed(opening: Opening) -> Opened:
    opened = await SPEC.open(opening)
    await opened.provider.list_live()
    await opened.provider.aclose()
    return opened


def test_a_known_project_costs_no_request() -> None:
    cloud = Cloud()
    opened = asyncio.run(only_opened(cloud.opening(PROJECT)))
    assert cloud.asked == []
    assert opened.identity == Identity(
        provider="huawei-ecs", endpoint=ECS, project=PROJECT, region="r1"
    )
    assert hasattr(opened.provider, "ask")


def test_an_unknown_project_is_looked_up_once_and_then_signed_with() -> None:
    cloud = Cloud()
    opened = asyncio.run(listed(cloud.opening()))
    assert opened.identity.project == PROJECT
    assert urls(cloud.asked)[0] == "GET https://iam.r1.example/v3/projects?name=r1"
    assert len(cloud.asked) == 3
    assert [request.headers.get("X-Project-Id") for request in cloud.asked] == [
        None,
        PROJECT,
        PROJECT,
    ]


def test_a_region_without_a_project_opens_nothing() -> None:
    with pytest.raises(FindingsError):
        asyncio.run(only_opened(Cloud(projects=()).opening()))


def test_every_request_is_signed_with_the_time_at_which_it_leaves() -> None:
    cloud = Cloud()
    asyncio.run(listed(cloud.opening(PROJECT)))
    for request in cloud.asked:
        signed = "Host", "Content-Type", "X-Language", "X-Project-Id"
        unsigned = Unsigned(
            method="GET",
            host=request.url.host,
            path=request.url.path,
            query=tuple(request.url.params.multi_items()),
            headers=tuple((name, request.headers[name]) for name in signed),
        )
        added = sign(unsigned, ACCESS, "20260115T083000Z")
        assert request.headers["X-Sdk-Date"] == "20260115T083000Z"
        assert request.headers["Authorization"] == added["Authorization"]


def test_a_security_token_is_sent_and_signed() -> None:
    cloud = Cloud()
    opening = cloud.opening(PROJECT)
    opening = replace(opening, secrets={**opening.secrets, "securityToken": Secret("token+/=1")})
    asyncio.run(listed(opening))
    assert cloud.asked[0].headers["X-Security-Token"] == "token+/=1"
    assert ";x-security-token," in cloud.asked[0].headers["Authorization"]


def test_keys_never_reach_a_message() -> None:
    opening = Cloud().opening("forbidden")
    with pytest.raises(ProviderError) as raised:
        asyncio.run(listed(opening))
    told = str(raised.value)
    assert "ak:*** has no right, its secret is ***" in told
    assert ACCESS.access not in told
    assert ACCESS.secret not in repr(opening)


def test_the_default_addresses_lie_within_the_domains_that_credentials_may_go_to() -> None:
    for address in SPEC.apis.values():
        host = httpx.URL(address.format(region="ap-southeast-3", cloud=SPEC.cloud)).host
        assert host.endswith(tuple(f".{domain}" for domain in SPEC.domains))
    assert set(SPEC.needed) <= set(SPEC.variables)
