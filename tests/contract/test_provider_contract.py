"""What every provider does when nothing goes wrong, and what it never does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.finding import FindingsError
from reconciler.model.outcome import Verdict
from reconciler.operations.applied import Ending
from reconciler.providers import discover
from tests.contract.having import any_at_all, having, projects, sharing, two_views
from tests.rig.plot import Plot, Wanted
from tests.rig.stage import boots, in_line, verdicts
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from reconciler.operations.applied import Applied
    from tests.contract.conftest import House
    from tests.rig.stage import Stage

LOOPBACK = "http://127.0.0.1:9"
SERVERS = tuple(f"s{n:02}" for n in range(20))


async def converged(on: Stage, *wanted: Wanted) -> Applied:
    """Apply, then plan again: the second look finds nothing to do and asks for no change."""
    applied = await on.apply(*wanted)
    assert applied.ending is Ending.CONFIRMED, applied.planned.document
    before = len(on.witness.writes)
    assert in_line(await on.plan(*wanted))
    assert len(on.witness.writes) == before
    assert not on.witness.doubles
    assert boots(on.cloud) == set(on.cloud.servers)
    return applied


@having(sharing)
def test_apply_then_plan_is_empty_where_volumes_are_shared(house: House) -> None:
    plot = Plot(
        servers=("s1", "s2", "s3"),
        volumes=("v1", "v2", "v3", "v4"),
        shared=("shared",),
        attached=(("s1", "v1"), ("s1", "v2")),
    )
    wanted = Wanted(
        provider=house.provider,
        servers={"s1": ["v3"], "s2": ["v1", "v4"]},
        volumes={"shared": ["s3", "s2"]},
    )
    wanted.servers["s2"].append("shared")  # type: ignore[attr-defined]  # a list, made above

    async def story() -> None:
        on = house.stage(plot)
        applied = await converged(on, wanted)
        assert set(verdicts(applied)) == {Verdict.DONE}
        assert on.truth() == dict.fromkeys(wanted.pairs(), "both")
        assert set(on.accepted().values()) == {1}

    run(story())


def test_apply_then_plan_is_empty(house: House) -> None:
    plot = Plot(
        servers=("s1", "s2", "s3"),
        volumes=("v1", "v2", "v3", "v4"),
        attached=(("s1", "v1"), ("s1", "v2")),
    )
    wanted = house.rows(s1=["v3"], s2=["v1", "v4"])

    async def story() -> None:
        on = house.stage(plot)
        applied = await converged(on, wanted)
        assert set(verdicts(applied)) == {Verdict.DONE}
        assert on.truth() == dict.fromkeys(wanted.pairs(), "both")
        assert set(on.accepted().values()) == {1}

    run(story())


def test_an_apply_of_what_is_so_already_writes_nothing(house: House) -> None:
    async def story() -> None:
        on = house.stage(Plot(servers=("s1",), volumes=("v1",), attached=(("s1", "v1"),)))
        for _ in range(2):
            await converged(on, house.rows(s1=["v1"]))
        assert not on.witness.writes

    run(story())


def test_what_nobody_owns_survives(house: House) -> None:
    plot = Plot(
        servers=("s1", "s2"), volumes=("v1", "theirs"), attached=(("s2", "theirs"), ("s1", "v1"))
    )

    async def story() -> None:
        on = house.stage(plot)
        await converged(on, house.rows(s1=[]))
        assert on.truth() == {("s2", "theirs"): "both"}

    run(story())


def test_a_volume_leaves_before_it_arrives(house: House) -> None:
    plot = Plot(
        servers=("s1", "s2", "s3"),
        volumes=("v1", "v2", "v3"),
        attached=(("s1", "v1"), ("s2", "v2"), ("s3", "v3")),
    )
    wanted = house.rows(s1=["v3"], s2=["v1"], s3=["v2"])

    async def story() -> None:
        on = house.stage(plot)
        await converged(on, wanted)
        assert on.truth() == dict.fromkeys(wanted.pairs(), "both")
        jobs = list(on.cloud.jobs.values())
        for arrival in (job for job in jobs if job.verb == "attach"):
            leaving = next(
                j for j in jobs if (j.verb, j.volume_id) == ("detach", arrival.volume_id)
            )
            assert leaving.due_s <= arrival.began_s

    run(story())


@having(sharing)
def test_a_shared_volume_leaves_many_servers_in_few_calls(house: House) -> None:
    plot = Plot(
        servers=SERVERS,
        volumes=("v1",),
        shared=("shared",),
        attached=tuple((s, "shared") for s in SERVERS),
    )
    wanted = Wanted(provider=house.provider, volumes={"shared": []})

    async def story() -> None:
        on = house.stage(plot)
        await converged(on, wanted)
        assert on.truth() == {}
        assert len(on.witness.writes) == -(-len(SERVERS) // house.vendor.batch_max)
        assert max(len(job.leaves) for job in on.cloud.jobs.values()) <= house.vendor.batch_max

    run(story())


@having(two_views)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["unwanted", "wanted elsewhere"])
def test_what_only_storage_shows_is_left_alone(house: House, *, elsewhere: bool) -> None:
    plot = Plot(servers=("s1", "s2"), volumes=("v1", "v2"), storage_only=(("s1", "v1"),))
    wanted = house.rows(s1=[], s2=["v1", "v2"] if elsewhere else ["v2"])

    async def story() -> None:
        on = house.stage(plot)
        applied = await on.apply(wanted)
        assert applied.ending is Ending.INCOMPLETE
        assert on.truth() == {("s1", "v1"): "storage", ("s2", "v2"): "both"}
        assert set(on.accepted()) == {("attach", "s2", "v2")}

    run(story())


@having(projects)
def test_two_scopes_are_changed_at_once_and_kept_apart(house: House) -> None:
    plots = (
        Plot(servers=("s1",), volumes=("v1",), region="r1", job_s=20.0),
        Plot(servers=("s2",), volumes=("v2",), region="r2", job_s=20.0),
    )
    first = Wanted(provider=house.provider, servers={"s1": ["v1"]}, scope="one")
    second = Wanted(provider=house.provider, servers={"s2": ["v2"]}, scope="two", region="r2")

    async def story() -> None:
        on = house.stage(*plots)
        applied = await converged(on, first, second)
        assert on.truth() == {("s1", "v1"): "both", ("s2", "v2"): "both"}
        assert applied.seconds < 35, "one after the other would take 40 seconds"

    run(story())


@having(projects)
def test_two_scopes_that_turn_out_to_be_one_cloud_are_refused(house: House) -> None:
    async def story() -> None:
        on = house.stage(Plot(servers=("s1",), volumes=("v1",)))
        variables = discover()[house.provider].variables
        pair = {"accessKey": "simulator", "secretKey": "simulator-secret"}
        on.environ = {variables[key][0]: value for key, value in pair.items()}
        first = Wanted(
            provider=house.provider, servers={"s1": ["v1"]}, scope="one", endpoint=LOOPBACK
        )
        known = {"projectId": on.cloud.world.project_id}
        with pytest.raises(FindingsError, match="are one cloud"):
            await on.apply(first, replace(first, scope="two", more=known))
        assert not on.witness.writes

    run(story())


@having(any_at_all)
def test_a_wrong_key_is_one_clear_error(house: House) -> None:
    keys = {"accessKey": {"env": "RECONCILER_CRED_A"}, "secretKey": {"env": "RECONCILER_CRED_S"}}
    wanted = Wanted(provider=house.provider, servers={"s1": ["v1"]}, more={"credentials": keys})

    async def story() -> None:
        on = house.stage(Plot(servers=("s1",), volumes=("v1",)))
        on.environ = {
            "RECONCILER_CRED_A": "simulator",
            "RECONCILER_CRED_S": "another-secret-than-that",
        }
        applied = await on.apply(wanted)
        assert applied.ending is Ending.INCOMPLETE
        (found,) = applied.planned.findings
        assert "secret key" in found.summary
        assert len(on.witness.rows) <= 2
        assert not on.witness.writes

    run(story())


def test_a_volume_in_motion_is_waited_for(house: House) -> None:
    plot = Plot(servers=("s1", "s2"), volumes=("v1",), job_s=300.0)

    async def story() -> None:
        on = house.stage(plot)
        first = house.rows(s1=["v1"])
        limited = Wanted(
            provider=house.provider, servers=first.servers, limits={"stepTimeout": "10s"}
        )
        assert (await on.apply(limited)).ending is Ending.INCOMPLETE
        await converged(on, first)
        assert on.accepted() == {("attach", "s1", "v1"): 1}

    run(story())


def test_a_scope_without_entries_changes_nothing(house: House) -> None:
    async def story() -> None:
        on = house.stage(Plot(servers=("s1",), volumes=("v1",), attached=(("s1", "v1"),)))
        with pytest.raises(FindingsError, match="no entry at all"):
            await on.apply(Wanted(provider=house.provider))
        assert not on.witness.writes

    run(story())


def test_a_server_made_anew_under_the_name_of_an_empty_one_keeps_its_volumes(house: House) -> None:
    plot = Plot(servers=("s1", "s2", "s3"), volumes=("v1", "v2"), attached=(("s3", "v2"),))
    wanted = house.rows(s1=["v1"], s2=[])

    async def story() -> None:
        on = house.stage(plot)
        await converged(on, wanted)
        for name, called in (("s2", "gone"), ("s3", "s2")):
            server = on.cloud.servers[house.vendor.identity(name)]
            on.cloud.keep(server)
            server.row = replace(server.row, name=called)
        for _ in range(2):
            applied = await on.apply(wanted)
            assert applied.ending is Ending.REFUSED
            assert [one.code for s in applied.planned.scopes for one in s.plan.refusals] == [
                "name-rebound"
            ]
        assert on.truth() == dict.fromkeys((("s1", "v1"), ("s2", "v2")), "both")

    run(story())
