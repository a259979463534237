"""A volume that the cloud never lets go of: told, held, waited for once, and not for ever."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.execution.recovery import AT_LEAST_S, LATE_S
from reconciler.model.outcome import Verdict
from reconciler.operations.applied import Ending
from reconciler.operations.apply import apply_manifests
from tests.contract.having import ecs, having, two_views
from tests.rig.plot import Plot
from tests.rig.stage import YES, verdicts
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from reconciler.operations.applied import Applied
    from tests.contract.conftest import House
    from tests.rig.plot import Wanted
    from tests.rig.stage import Stage

TWO = Plot(servers=("s1", "s2"), volumes=("v1", "v2", "v3"), attached=(("s1", "v1"),))


async def timed(on: Stage, wanted: Wanted) -> tuple[Applied, float]:
    """Apply, and tell how long it took."""
    began_s = asyncio.get_running_loop().time()
    on.events.found.clear()
    applied = await on.apply(wanted)
    return applied, asyncio.get_running_loop().time() - began_s


async def hanging(house: House, verb: str, lasts_s: float = 9e7) -> tuple[Stage, Wanted]:
    """Give a stage on which a change of s1 hangs since long ago, and what it was asked by."""
    on = house.stage(TWO)
    on.set_rules(house.rule(getattr(house.vendor, verb), job={"slow": lasts_s}))
    volumes = {"attach": ["v1", "v2"], "detach": []}[verb]
    wanted = replace(house.rows(s1=volumes), limits={"stepTimeout": "60s"})
    assert verdicts(await on.apply(wanted)) == {Verdict.UNKNOWN: 1}
    _, soon_s = await timed(on, wanted)
    assert soon_s > AT_LEAST_S, "it may only be slow"
    await asyncio.sleep(LATE_S)
    return on, wanted


def reset(on: Stage, status: str) -> None:
    """Do what `cinder reset-state` does: a volume has a status, whoever is at work on it."""
    for volume in on.cloud.volumes.values():
        for server in on.cloud.servers.values():
            server.in_flight -= volume.in_flight
        on.cloud.keep(volume)
        if volume.in_flight:
            volume.in_flight.clear()
            volume.status = status


@pytest.mark.parametrize("verb", ["attach", "detach"])
def test_what_hangs_for_long_is_waited_for_no_more_and_holds_its_server_alone(
    house: House, verb: str
) -> None:
    async def story() -> None:
        on, wanted = await hanging(house, verb)
        writes = len(on.witness.writes)
        again, took_s = await timed(on, wanted)
        assert (again.ending, len(on.witness.writes)) == (Ending.REFUSED, writes)
        assert took_s < 10
        (found,) = on.events.found
        assert found[1].verdict is Verdict.UNKNOWN, "nobody says what became of it"
        rows = {"s1": [*wanted.servers["s1"]], "s2": ["v3"]}
        beside, took_s = await timed(on, replace(wanted, servers=rows))
        assert verdicts(beside) == {Verdict.DONE: 1}, "the rest goes on"
        assert took_s < 60
        met = replace(wanted, servers={"s1": [*rows["s1"], "v3"], "s2": []})
        held, _ = await timed(on, met)
        assert not held.results, "its server is left alone"
        assert ("s2", "v3") in on.truth()

    run(story())


@having(two_views)
@pytest.mark.parametrize("verb", ["attach", "detach"])
@pytest.mark.parametrize("ends", ["its job runs on", "its job failed"])
def test_a_status_that_somebody_reset_closes_the_call(house: House, verb: str, ends: str) -> None:
    async def story() -> None:
        on, wanted = await hanging(house, verb)
        for job in on.cloud.jobs.values():
            if ends == "its job failed" and not job.done:
                job.done, job.ends = True, "FAIL"
        reset(on, {"attach": "available", "detach": "in-use"}[verb])
        on.set_rules()
        applied, took_s = await timed(on, wanted)
        ((_, closed),) = on.events.found
        assert closed.verdict is Verdict.FAILED
        assert verdicts(applied) == {Verdict.DONE: 1}, "it is planned again"
        assert took_s < 60 + AT_LEAST_S
        assert set(on.truth()) == wanted.pairs()
        fast, took_s = await timed(on, wanted)
        assert (fast.ending, on.events.found) == (Ending.CONFIRMED, [])
        assert took_s < 5

    run(story())


@having(ecs)
def test_what_a_reset_left_half_made_holds_its_server_no_longer(house: House) -> None:
    async def story() -> None:
        on, wanted = await hanging(house, "detach")
        on.cloud.volumes[house.vendor.identity("v1")].holders.clear()
        reset(on, "available")  # And its server has it still.
        on.set_rules()
        applied, _ = await timed(on, wanted)
        ((_, closed),) = on.events.found
        assert (closed.verdict, closed.code) == (Verdict.FAILED, "views-disagree")
        assert verdicts(applied) == {Verdict.DONE: 1}, "it is detached by its server"

    run(story())


@having(two_views)
def test_what_hangs_by_somebody_else_is_waited_for_where_it_is_chosen(house: House) -> None:
    async def story() -> None:
        on = house.stage(TWO)
        volume = on.cloud.volumes[house.vendor.identity("v1")]
        on.cloud.keep(volume)
        volume.status, volume.in_flight = "detaching", {"nobody's"}
        wanted = replace(house.rows(s1=["v1"], s2=["v3"]), limits={"stepTimeout": "5m"})
        left_out = replace(on.request(wanted), excludes=("s1/v1",))
        began_s = asyncio.get_running_loop().time()
        applied = await apply_manifests(left_out, on.around, YES, on.events)
        assert (applied.ending, set(on.truth())) == (
            Ending.CONFIRMED,
            {("s1", "v1"), ("s2", "v3")},
        )
        assert asyncio.get_running_loop().time() - began_s < 60
        waited, took_s = await timed(on, wanted)
        assert waited.ending is Ending.REFUSED
        assert took_s > 300

    run(story())


def test_a_slow_change_that_ended_long_after_is_done(house: House) -> None:
    async def story() -> None:
        on, wanted = await hanging(house, "attach", lasts_s=LATE_S)
        writes = len(on.witness.writes)
        applied, took_s = await timed(on, wanted)
        assert (applied.ending, len(on.witness.writes)) == (Ending.CONFIRMED, writes)
        assert took_s < 10

    run(story())
