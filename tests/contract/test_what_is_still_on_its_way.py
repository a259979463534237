"""A call that nobody could tell of in time is followed by the next run, and never meets another."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.outcome import Verdict
from reconciler.model.plan import Action, Standing
from reconciler.operations.applied import Ending
from reconciler.operations.plans import plan_manifests
from reconciler.operations.repair import Consent, repair
from reconciler.providers import spec_of
from tests.contract.having import ecs, having, jobs, two_views
from tests.rig.plot import UNLIMITED, Plot
from tests.rig.stage import verdicts
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from tests.contract.conftest import House


@having(jobs)
def test_a_call_that_outlasts_its_deadline_is_adopted_and_not_sent_again(house: House) -> None:
    # The cloud accepted it and shows nothing yet: its job is asked, its listing looks as before.
    async def story() -> None:
        on = house.stage(Plot(servers=("s1",), volumes=("v1",), job_s=200.0))
        wanted = replace(house.rows(s1=["v1"]), limits={"stepTimeout": "5s"})
        first = await on.apply(wanted)
        assert first.ending is Ending.INCOMPLETE
        second = await on.apply(wanted)
        assert len(on.witness.writes) == 1
        assert second.ending is not Ending.CONFIRMED
        assert [intent.handle is not None for intent, _ in on.events.found] == [True]
        await asyncio.sleep(300)
        assert (await on.apply(wanted)).ending is Ending.CONFIRMED
        assert len(on.witness.writes) == 1
        assert set(on.truth()) == wanted.pairs()

    run(story())


@having(two_views)
def test_what_an_ended_call_left_half_made_holds_its_server_no_longer(house: House) -> None:
    # Its server let go of the volume and storage never heard of it: no wait will make them agree.
    async def story() -> None:
        on = house.stage(Plot(servers=("s1",), volumes=("v1", "v2"), attached=(("s1", "v1"),)))
        told: dict[str, object] = (
            {"job": "fail"} if jobs(spec_of(house.provider)) else {"answer": 500}
        )
        on.set_rules(house.rule(house.vendor.detach, **told))
        disks = on.cloud.servers[house.vendor.identity("s1")].disks
        asyncio.get_running_loop().call_later(0.5, disks.pop, house.vendor.identity("v1"))
        allows = {"allowStatusReset": True} if ecs(spec_of(house.provider)) else {}
        rows = house.rows(s1=["v2"])
        wanted = replace(rows, limits={"stepTimeout": "30s"}, policy={**UNLIMITED, **allows})
        first = await on.apply(replace(wanted, servers={"s1": []}))
        assert verdicts(first) == {Verdict.UNKNOWN: 1}
        second = await on.apply(wanted)
        assert [(found.verdict, found.code) for _, found in on.events.found] == [
            (Verdict.FAILED, "views-disagree")
        ]
        assert verdicts(second) == {Verdict.DONE: 1}
        (plan,) = (scope.plan for scope in second.planned.scopes)
        assert [f.code for change in plan.changes for f in change.refusals] == ["storage-only"]
        assert on.truth() == {("s1", "v1"): "storage", ("s1", "v2"): "both"}
        if allows:
            agreed = Consent(ask=lambda _: True, tell=lambda _: None)
            mended = await repair("s1/v1", on.request(wanted), on.around, agreed)
            assert mended.ending is Ending.CONFIRMED
            assert (await on.apply(wanted)).ending is Ending.CONFIRMED

    run(story())


@having(ecs)
def test_what_looks_half_made_while_its_job_runs_is_left_alone(house: House) -> None:
    async def story() -> None:
        on = house.stage(
            Plot(servers=("s1",), volumes=("v1",), attached=(("s1", "v1"),), job_s=9e5)
        )
        volume = on.cloud.volumes["v1-id"]
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, on.cloud.servers["s1-id"].disks.pop, "v1-id")
        loop.call_later(0.5, setattr, volume, "status", "in-use")
        wanted = replace(house.rows(s1=[]), limits={"stepTimeout": "5s"})
        for _ in range(3):
            assert (await on.apply(wanted)).ending is not Ending.CONFIRMED
        assert {found.verdict for _, found in on.events.found} == {Verdict.UNKNOWN}
        assert len(on.witness.writes) == 1

    run(story())


@having(ecs)
def test_what_a_plan_waits_for_is_told_while_it_waits(house: House) -> None:
    async def story() -> None:
        volumes = tuple(f"v{n}" for n in range(5))
        on = house.stage(Plot(servers=volumes, volumes=volumes, job_s=30.0))
        rows = house.rows(**{name: [name] for name in volumes})
        wanted = replace(rows, limits={"stepTimeout": "5s"})
        heard: list[tuple[float, str]] = []

        def hears(text: str) -> None:
            heard.append((asyncio.get_running_loop().time(), text))

        await on.apply(wanted)
        planned = await plan_manifests(on.request(wanted), on.around, tell=hears)
        assert not planned.approvable
        (row,) = heard
        scope = planned.scopes[0].session.scope.name
        who = f"volumes in motion, or on a server that is, in scope `{scope}`"
        assert row[1] == f"waiting 60 s at most for {who}: v0, v1, v2 and 2 more"
        assert asyncio.get_running_loop().time() > row[0] + 10

    run(story())


def test_a_scope_that_can_not_be_read_for_an_adoption_is_not_planned(house: House) -> None:
    async def story() -> None:
        on = house.stage(Plot(servers=("s1",), volumes=("v1",), job_s=200.0))
        wanted = replace(house.rows(s1=["v1"]), limits={"stepTimeout": "5s"})
        await on.apply(wanted)
        on.set_rules(*(house.rule(match, answer=403) for match in house.vendor.listings))
        blind = await on.apply(wanted)
        assert blind.ending is Ending.INCOMPLETE
        assert [finding.code for finding in blind.planned.findings] == ["scope-unreadable"]
        assert len(on.witness.writes) == 1

    run(story())


@pytest.mark.parametrize(
    ("rests_s", "writes", "ending"), [(70.0, 2, Ending.CONFIRMED), (9000.0, 0, Ending.REFUSED)]
)
def test_a_server_that_reboots_is_waited_for_until_the_deadline(
    house: House, rests_s: float, writes: int, ending: Ending
) -> None:
    async def story() -> None:
        on = house.stage(Plot(servers=("s1", "s2"), volumes=("v1",), attached=(("s1", "v1"),)))
        server = on.cloud.servers[house.vendor.identity("s2")]
        ready, word = server.row, {"huawei-modelarts": "REBOOTING"}.get(house.provider, "REBOOT")
        on.cloud.keep(server)
        server.row = replace(ready, status=word)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        loop.call_later(rests_s, setattr, server, "row", ready)
        wanted = replace(house.rows(s1=[], s2=["v1"]), limits={"stepTimeout": "5m"})
        planned = await on.plan(wanted)
        assert [(c.action, c.standing) for c in planned.scopes[0].plan.changes] == [
            (Action.MOVE, Standing.IN_MOTION)
        ]
        applied = await on.apply(wanted)
        assert (len(on.witness.writes), applied.ending) == (writes, ending)
        assert loop.time() - began_s < 60 + 300 + 60

    run(story())
