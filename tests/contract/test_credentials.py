"""Keys that are wrong, keys that end, and tokens that are renewed: what it costs, in requests."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.model.outcome import Verdict
from reconciler.operations.applied import Ending
from reconciler.providers import discover
from tests.contract.gateway import (
    KEYS,
    LOGIN,
    NAMES,
    by_key,
    by_user,
    denied,
    door,
    in_project,
    scope,
)
from tests.contract.having import ecs, having
from tests.rig.stage import utc_now, verdicts
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from datetime import datetime

    from tests.contract.conftest import House


@having(ecs)
@pytest.mark.parametrize("known_project", [True, False])
def test_a_wrong_key_costs_one_request_over_all_scopes(house: House, known_project: bool) -> None:  # noqa: FBT001 - a parameter of the case
    async def story() -> None:
        to = door(house, KEYS)
        wanted = [by_key(scope(house, name), "HW_WRONG") for name in NAMES]
        if known_project:
            wanted = [in_project(one, to) for one in wanted]
        planned = await to.plan(*wanted)
        print(f"wrong key, 3 scopes: {len(to.gateway.answers)} request")
        assert len(to.gateway.answers) == 1
        assert [finding.scope for finding in planned.findings] == list(NAMES)
        (summary,) = {finding.summary for finding in planned.findings}
        assert "`APIGW.0301`" in summary
        assert "verify aksk signature fail (check the secret key)" in summary
        applied = await to.apply(*wanted)
        assert applied.ending is not Ending.CONFIRMED
        assert len(to.gateway.answers) == 2, "another run tries once more"

    run(story())


@having(ecs)
def test_a_cloud_that_never_answers_is_not_tried_until_the_key_is_locked(house: House) -> None:
    async def story() -> None:
        to = door(house, KEYS)
        lost: list[str] = []

        def loses(request: httpx.Request) -> httpx.Response | None:
            lost.append(request.url.path)
            raise httpx.ReadError("cut", request=request)

        to.gateway.meddle = loses
        planned = await to.plan(*(by_key(scope(house, name), "HW_WRONG") for name in NAMES))
        print(f"no answers, 3 scopes: {len(lost)} requests")
        assert len(lost) == 4
        assert all(": ReadError cut" in finding.summary for finding in planned.findings)

    run(story())


@having(ecs)
def test_a_misspelt_secret_stops_the_scopes_that_have_it_right(house: House) -> None:
    async def story() -> None:
        to = door(house, KEYS)
        wrong, right = by_key(scope(house, "a"), "HW_WRONG"), by_key(scope(house, "b"))
        planned = await to.plan(wrong, right)
        assert len(to.gateway.answers) == 1
        assert len(planned.findings) == 2
        # The other way round the key was accepted before; still only one goes wrong.
        wrong, right = by_key(scope(house, "b"), "HW_WRONG"), by_key(scope(house, "a"))
        await to.plan(in_project(wrong, to), in_project(right, to))
        assert to.gateway.denials() == 2

    run(story())


@having(ecs)
def test_scopes_with_other_keys_go_on(house: House) -> None:
    async def story() -> None:
        to = door(house, {**KEYS, "HW_OTHER": "other-access-key"})
        other = by_key(scope(house, "a"), accessKey="HW_OTHER")
        planned = await to.plan(other, by_key(scope(house, "b")))
        assert [finding.scope for finding in planned.findings] == ["a"]
        assert "check the access key" in planned.findings[0].summary
        assert [plan.plan.scope for plan in planned.scopes] == ["b"]

    run(story())


@having(ecs)
def test_a_key_that_ends_stays_below_the_failures_that_lock_it(house: House) -> None:
    async def story() -> None:
        to = door(house, KEYS, latency_s=0.05)
        writes: list[str] = []

        def ends(request: httpx.Request) -> httpx.Response | None:
            writes.extend([request.url.path] if request.method == "POST" else [])
            ended = len(writes) > 4
            return denied("calc ak sk signature fail:signature expired") if ended else None

        to.gateway.meddle = ends
        wanted = (by_key(scope(house, name, maxConcurrency=1)) for name in NAMES)
        applied = await to.apply(*wanted)
        print(f"a key that ends, 3 scopes: {to.gateway.denials()} denials")
        assert 1 <= to.gateway.denials() <= 3
        assert applied.ending is Ending.INCOMPLETE
        assert verdicts(applied)[Verdict.REFUSED] >= 20
        refused = [r.outcome for r in applied.results if r.verdict is Verdict.REFUSED]
        # What met a call that nobody could look after any more wasn't sent either.
        denials = [outcome for outcome in refused if outcome.code != "unsettled"]
        assert {outcome.code for outcome in denials} == {"APIGW.0301"}
        assert all("check this machine's clock" in outcome.message for outcome in denials)

    run(story())


@having(ecs)
@pytest.mark.parametrize("code", ["APIGW.0302", "APIGW.0802", "Common.0018", "Ecs.0110"])
def test_a_denial_by_policy_stops_one_scope_only(house: House, code: str) -> None:
    async def story() -> None:
        to = door(house, KEYS)
        theirs = to.on.clouds[0].world.project_id

        def policy(request: httpx.Request) -> httpx.Response | None:
            return denied("no permission", code, 403) if theirs in request.url.path else None

        to.gateway.meddle = policy
        planned = await to.plan(*(in_project(by_key(scope(house, name)), to) for name in NAMES))
        assert [finding.scope for finding in planned.findings] == [NAMES[0]]
        assert len(planned.scopes) == 2

    run(story())


@having(ecs)
def test_temporary_keys_send_and_sign_their_token(house: House) -> None:
    async def story() -> None:
        to = door(house, {**KEYS, "HW_T": "security-token+/=1"})

        def checks(request: httpx.Request) -> httpx.Response | None:
            signed = ";x-security-token," in request.headers["Authorization"]
            right = request.headers.get("X-Security-Token") == "security-token+/=1"
            return None if signed and right else denied("security token not found")

        to.gateway.meddle = checks
        applied = await to.apply(by_key(scope(house), securityToken="HW_T"))
        assert applied.ending is Ending.CONFIRMED
        assert to.gateway.denials() == 0

    run(story())


@dataclass
class Tokens:
    """A gateway's own tokens over the simulator's: they end when it is told."""

    ends_at: int = 10**9
    """The number of the request at which the first token ends."""
    life_s: float = 0.0
    """0: as the simulator says."""
    broken: int = 0
    """How many renewals fail first."""
    seen: int = 0
    first: str = ""

    def meddle(self, request: httpx.Request) -> httpx.Response | None:
        token = request.headers.get("X-Auth-Token")
        if token is None:
            if self.first and self.broken:
                self.broken -= 1
                return httpx.Response(503, text="IAM sleeps")
            return None
        self.first = self.first or token
        self.seen += 1
        if token == self.first and self.seen >= self.ends_at:
            return denied("Incorrect IAM authentication information: token expires")
        return None


@having(ecs)
@pytest.mark.parametrize(("at_once", "most"), [(1, 1), (8, 8)])
def test_a_token_that_ends_costs_one_call_of_iam(house: House, at_once: int, most: int) -> None:
    async def story() -> None:
        to = door(house, LOGIN, latency_s=0.05)
        to.gateway.meddle = Tokens(ends_at=50).meddle
        wanted = in_project(by_user(scope(house, maxConcurrency=at_once)), to)
        applied = await to.apply(wanted)
        assert applied.ending is Ending.CONFIRMED
        total = len(to.gateway.answers)
        print(f"{at_once} at once: {total} requests, {to.gateway.logins()} logins")
        print(f"    {to.gateway.denials()} requests came back with a 401")
        assert total > 50
        assert to.gateway.logins() == 2
        assert 1 <= to.gateway.denials() <= most
        assert len(to.on.accepted()) == 10
        assert set(to.on.accepted().values()) == {1}

    run(story())


@having(ecs)
def test_requests_in_flight_share_one_renewal(house: House) -> None:
    async def story() -> None:
        servers = tuple(f"s{n}" for n in range(8))
        to = door(house, LOGIN, servers=servers)
        inside, tokens = to.gateway.inside, Tokens(ends_at=4)

        class Slow(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                answer = tokens.meddle(request)
                await asyncio.sleep(0.05)
                return answer or await inside.handle_async_request(request)

        to.gateway.inside = Slow()
        volumes = {f"v{n}": [f"s{n}"] for n in range(8)}
        wanted = replace(scope(house, maxConcurrency=8), servers={}, volumes=volumes)
        applied = await to.apply(in_project(by_user(wanted), to))
        assert applied.ending is Ending.CONFIRMED
        print(f"in flight: {to.gateway.denials()} came back, {to.gateway.logins()} logins")
        assert to.gateway.denials() > 1
        assert to.gateway.logins() == 2
        assert set(to.on.accepted().values()) == {1}

    run(story())


@having(ecs)
@pytest.mark.parametrize("text", ["token expires", "decrypt token fail", "x-auth-token not found"])
def test_every_text_about_a_token_renews_it(house: House, text: str) -> None:
    async def story() -> None:
        to = door(house, LOGIN)
        tokens = Tokens(ends_at=5)

        def other(request: httpx.Request) -> httpx.Response | None:
            answer = tokens.meddle(request)
            return answer and denied(text)

        to.gateway.meddle = other
        applied = await to.apply(in_project(by_user(scope(house)), to))
        assert applied.ending is Ending.CONFIRMED
        assert to.gateway.logins() == 2

    run(story())


CODES = [
    ("huawei-ecs", "APIGW.0307"),
    ("huawei-ecs", "Common.0013"),
    ("huawei-ecs", "EVS.5401"),
    ("huawei-modelarts", "APIGW.0307"),
    ("huawei-modelarts", "ModelArts.0202"),
    ("huawei-modelarts", "ModelArts.0205"),
    ("huawei-modelarts", "ModelArts.0207"),
]


@pytest.mark.parametrize(("house", "code"), CODES, indirect=["house"])
@pytest.mark.parametrize("ends_at", [3, 4, 5])
def test_every_code_about_a_token_renews_it(house: House, code: str, ends_at: int) -> None:
    async def story() -> None:
        to = door(house, LOGIN)
        tokens = Tokens(ends_at=ends_at)

        def other(request: httpx.Request) -> httpx.Response | None:
            return tokens.meddle(request) and denied("said by its code alone", code)

        to.gateway.meddle = other
        applied = await to.apply(in_project(by_user(scope(house)), to))
        assert applied.ending is Ending.CONFIRMED
        assert to.gateway.logins() == 2
        assert set(to.on.accepted().values()) == {1}

    run(story())


@having(ecs)
def test_a_token_is_renewed_before_it_ends(house: House) -> None:
    async def story() -> None:
        to = door(house, LOGIN, job_s=900.0, volumes=("v0",))
        inside = to.gateway.inside
        ends: dict[str, datetime] = {}

        class Short(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                token = request.headers.get("X-Auth-Token")
                if token is not None and utc_now() >= ends[token]:
                    return denied("token expires")
                response = await inside.handle_async_request(request)
                if token is None:
                    body = json.loads(await response.aread())
                    until = utc_now() + timedelta(minutes=10)
                    body["token"]["expires_at"] = until.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                    named = response.headers["X-Subject-Token"]
                    ends[named] = until
                    return httpx.Response(201, json=body, headers={"X-Subject-Token": named})
                return response

        to.gateway.inside = Short()
        wanted = replace(house.rows(s1=["v0"]), scope="a", region="a")
        wanted = replace(wanted, limits={"stepTimeout": "1h"})
        applied = await to.apply(in_project(by_user(wanted), to))
        assert applied.ending is Ending.CONFIRMED
        print(f"{applied.seconds:.0f} s, tokens of 600 s: {to.gateway.logins()} logins, 0 denials")
        assert applied.seconds > 900
        assert to.gateway.logins() == 2
        assert to.gateway.denials() == 0

    run(story())


@having(ecs)
def test_a_wrong_password_costs_one_request_over_all_scopes(house: House) -> None:
    async def story() -> None:
        to = door(house, LOGIN)
        planned = await to.plan(*(by_user(scope(house, name), "HW_WRONG") for name in NAMES))
        assert len(to.gateway.answers) == 1
        assert [finding.scope for finding in planned.findings] == list(NAMES)
        assert all("The username or password is wrong" in f.summary for f in planned.findings)

    run(story())


@having(ecs)
def test_every_scope_has_a_token_of_its_own_project(house: House) -> None:
    async def story() -> None:
        to = door(house, LOGIN)
        planned = await to.plan(*(by_user(scope(house, name)) for name in NAMES))
        assert not planned.findings
        assert to.gateway.logins() == 3
        asked = [json.loads(r.content) for r, _ in to.gateway.answers if r.method == "POST"]
        assert [one["auth"]["scope"]["project"]["name"] for one in asked] == list(NAMES)

    run(story())


@having(ecs)
def test_an_iam_that_sleeps_is_asked_once_at_a_time_and_nothing_is_in_doubt(house: House) -> None:
    async def story() -> None:
        to = door(house, LOGIN)
        to.gateway.meddle = Tokens(ends_at=5, broken=2).meddle
        applied = await to.apply(in_project(by_user(scope(house, maxConcurrency=8)), to))
        assert applied.ending is Ending.CONFIRMED
        assert to.gateway.logins() == 4, "one at the start, two that failed, one that passed"
        assert set(to.on.accepted().values()) == {1}

    run(story())


@having(ecs)
def test_a_new_token_that_is_refused_ends_it(house: House) -> None:
    async def story() -> None:
        to = door(house, LOGIN)

        def refuses(request: httpx.Request) -> httpx.Response | None:
            return denied("token expires") if "X-Auth-Token" in request.headers else None

        to.gateway.meddle = refuses
        planned = await to.plan(in_project(by_user(scope(house)), to))
        assert to.gateway.logins() == 1
        assert to.gateway.denials() <= 2
        assert "token expires" in planned.findings[0].summary

    run(story())


def test_providers_name_what_a_login_takes() -> None:
    for spec in discover().values():
        assert not set(spec.login) & set(spec.needed)
        assert not set(spec.login) & set(spec.variables), "a person's password has no default"
