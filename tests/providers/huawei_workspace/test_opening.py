"""Opening a scope: which requests it costs, which cloud it speaks to, what it claims to do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime

import httpx
import pytest

from reconciler.model.call import Verb
from reconciler.model.capabilities import Batch, BatchBy
from reconciler.model.finding import FindingsError
from reconciler.model.record import Identity
from reconciler.providers import spec_of
from reconciler.providers.spec import Opened, Opening, Secret

from .talks import PROJECT, WORKSPACE, desktops, ok, urls

NOW = datetime(2026, 1, 15, 8, 30, tzinfo=UTC)
SPEC = spec_of("huawei-workspace")


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
        if request.url.path == "/v3/projects":
            return ok({"projects": [{"id": project} for project in self.projects]})
        if request.url.path == "/v3/auth/tokens":
            return ok({"token": {}}, 201, X_Subject_Token="token-1")
        return desktops()

    def opening(self, project_id: str | None = None, **secrets: str) -> Opening:
        keys = secrets or {"accessKey": "TESTACCESSKEY0000001", "secretKey": "TestSecretKeyNotReal"}
        return Opening(
            scope="desks",
            region="r1",
            pace=NoPace(),
            utc_now=lambda: NOW,
            project_id=project_id,
            endpoints={"workspace": WORKSPACE, "iam": "https://iam.r1.example"},
            secrets={name: Secret(value) for name, value in keys.items()},
            max_concurrency=4,
            transport=httpx.MockTransport(self.answer),
        )


async def listed(opening: Opening) -> Opened:
    opened = await SPEC.open(opening)
    await opened.provider.list_live()
    await opened.provider.aclose()
    return opened


def test_a_known_project_costs_no_request() -> None:
    cloud = Cloud()
    opened = asyncio.run(listed(cloud.opening(PROJECT)))
    assert len(cloud.asked) == 1
    assert opened.identity == Identity(
        provider="huawei-workspace", endpoint=WORKSPACE, project=PROJECT, region="r1"
    )
    assert not hasattr(opened.provider, "free_slots")


def test_an_unknown_project_is_looked_up_once_and_then_signed_with() -> None:
    cloud = Cloud()
    opened = asyncio.run(listed(cloud.opening()))
    assert opened.identity.project == PROJECT
    assert urls(cloud.asked)[0] == "GET https://iam.r1.example/v3/projects?name=r1"
    assert [one.headers.get("X-Project-Id") for one in cloud.asked] == [None, PROJECT]
    assert all(one.headers["Authorization"].startswith("SDK-HMAC") for one in cloud.asked)
    assert all("content-type" in one.headers["Authorization"] for one in cloud.asked)


def test_a_region_without_a_project_opens_nothing() -> None:
    with pytest.raises(FindingsError):
        asyncio.run(listed(Cloud(projects=()).opening()))


def test_a_token_is_taken_as_well() -> None:
    cloud = Cloud()
    asyncio.run(listed(cloud.opening(PROJECT, user="u", password="p", domain="d")))
    assert [one.headers.get("X-Auth-Token") for one in cloud.asked] == [None, "token-1"]


def test_it_claims_nothing_but_deleting_ten_disks_of_one_desktop() -> None:
    can = SPEC.can
    assert not can.attach
    assert not can.detach_keeps_data
    assert can.batch == {Verb.DESTROY: Batch(by=BatchBy.SERVER, maximum=10)}
    assert len(can.views) == 1


def test_the_default_addresses_lie_within_the_domains_that_credentials_may_go_to() -> None:
    for address in SPEC.apis.values():
        host = httpx.URL(address.format(region="ap-southeast-3", cloud=SPEC.cloud)).host
        assert host.endswith(tuple(f".{domain}" for domain in SPEC.domains))
    assert set(SPEC.needed) <= set(SPEC.variables)


def test_facts_cost_no_http_library() -> None:
    look = "from reconciler.providers import spec_of; spec_of('huawei-workspace')"
    code = f"import sys; {look}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603 - our own words
    assert not {"httpx", "pydantic"} & set(run.stdout.split())
