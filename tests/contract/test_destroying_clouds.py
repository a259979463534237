"""Where taking a disk away deletes it: what is agreed to goes, once, and nothing else does."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.outcome import Verdict
from reconciler.operations.applied import Ending
from reconciler.sim.changes import Change, Target, begin
from reconciler.sim.cloud import DESTROYED
from tests.contract.having import having
from tests.rig.plot import Plot, Wanted, vendor_of
from tests.rig.stage import boots, in_line, verdicts
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import httpx

    from reconciler.operations.applied import Applied
    from reconciler.providers.spec import ProviderSpec
    from tests.contract.conftest import House
    from tests.rig.plot import Rule as Broken
    from tests.rig.stage import Stage

DISKS = ("d1", "d2", "d3")
ONE = Plot(
    servers=("s1", "s2"),
    volumes=(*DISKS, "other"),
    attached=(*(("s1", disk) for disk in DISKS), ("s2", "other")),
)
TWO = replace(ONE, attached=(("s1", "d1"), ("s1", "d2"), ("s2", "d3"), ("s2", "other")))
BOTH = {"s1": ["d1", "d2"], "s2": ["d3"]}
SILENCES = ("reset", "timeout", "stall", "truncate", "html", 500, 502, 504)


def deleting(spec: ProviderSpec) -> bool:
    """Take those where a detach would delete."""
    return not spec.can.detach_keeps_data


DELETING = having(deleting)


def going(house: House, rows: Mapping[str, Sequence[str]] | None = None) -> Wanted:
    """Give entries that want these disks gone, as a rule `d1` and `d2` of `s1`."""
    return Wanted(provider=house.provider, absent=rows or {"s1": ["d1", "d2"]})


def stage(house: House, *rules: Broken, plot: Plot = ONE) -> Stage:
    """Give a stage whose world breaks these rules."""
    on = house.stage(plot)
    on.set_rules(*rules)
    return on


async def lost(on: Stage, wanted: Wanted) -> Applied:
    """Apply with the ids of all that is absent agreed to."""
    names = (name for names in wanted.absent.values() for name in names)
    return await on.apply(wanted, destroys=map(vendor_of(wanted.provider).identity, names))


def destroyed(on: Stage) -> set[str]:
    """Give the names of what is gone for good."""
    on.cloud.tick()
    return {v.row.name for v in on.cloud.volumes.values() if v.status == DESTROYED}


def once_each(on: Stage) -> bool:
    """Tell whether the cloud took on nothing but destroys, each disk at most once."""
    taken = on.accepted()
    return set(taken.values()) <= {1} and {verb for verb, *_ in taken} <= {"destroy"}


def interrupt(on: Stage, match: str, act: Callable[[], None]) -> None:
    """Act before the first request leaves that fits `METHOD regex`."""
    pattern, waiting = re.compile(match), [act]

    def watch(request: httpx.Request) -> None:
        if waiting and pattern.search(f"{request.method} {request.url.path}"):
            waiting.pop()()

    on.transport.watchers.append(watch)


def in_words(match: str) -> str:
    """Give the pattern of a `METHOD glob`."""
    return re.escape(match).replace(r"\*", ".*").replace(r"\ ", " ") + "$"


@DELETING
@pytest.mark.parametrize("count", [1, 10, 23])
def test_up_to_ten_disks_of_a_desktop_go_in_one_call_and_the_next_plan_is_empty(
    house: House, count: int
) -> None:
    names = tuple(f"d{n:02}" for n in range(count))
    pairs = (*(("s1", name) for name in names), ("s1", "stays"), ("s2", "other"))
    plot = Plot(servers=("s1", "s2"), volumes=(*names, "stays", "other"), attached=pairs)

    async def story() -> None:
        on = house.stage(plot)
        wanted = going(house, {"s1": names})
        applied = await lost(on, wanted)
        assert applied.ending is Ending.CONFIRMED, applied.planned.document
        assert verdicts(applied) == {Verdict.DONE: count}
        assert len(on.witness.writes) == -(-count // house.vendor.batch_max)
        assert destroyed(on) == set(names)
        assert once_each(on)
        assert on.truth() == {("s1", "stays"): "both", ("s2", "other"): "both"}
        assert boots(on.cloud) == set(on.cloud.servers)
        again = await on.plan(wanted)
        assert in_line(again)
        assert (await lost(on, wanted)).ending is Ending.CONFIRMED
        assert len(on.witness.writes) == -(-count // house.vendor.batch_max)

    run(story())


@DELETING
def test_disks_of_two_desktops_are_two_calls(house: House) -> None:
    async def story() -> None:
        on = stage(house, plot=TWO)
        assert (await lost(on, going(house, BOTH))).ending is Ending.CONFIRMED
        assert destroyed(on) == set(DISKS)
        assert len(on.witness.writes) == 2
        assert once_each(on)

    run(story())


@DELETING
def test_an_owned_row_that_does_not_list_a_disk_destroys_nothing(house: House) -> None:
    async def story() -> None:
        on = stage(house)
        applied = await on.apply(house.rows(s1=["d1"], s2=[]), destroys=DISKS)
        assert applied.ending is Ending.CONFIRMED
        assert not on.witness.writes
        (scope,) = applied.planned.scopes
        assert [row.volume for row in scope.plan.unmanaged] == ["d2", "d3", "other"]

    run(story())


@DELETING
@pytest.mark.parametrize("named", [(), ("d3",), ("d1",), ("D1-ID", "d")])
def test_what_nobody_agreed_to_lose_holds_back_nothing_else(
    house: House, named: Sequence[str]
) -> None:
    async def story() -> None:
        on = stage(house)
        applied = await on.apply(going(house), destroys=named)
        agreed = {"d1"} & set(named)
        assert applied.ending is (Ending.INCOMPLETE if agreed else Ending.REFUSED)
        assert destroyed(on) == agreed
        assert len(on.witness.writes) == len(agreed)

    run(story())


@DELETING
@pytest.mark.parametrize("effect", ["applied", "none"])
@pytest.mark.parametrize("fault", SILENCES)
def test_an_unknown_answer_is_looked_up(house: House, fault: object, effect: str) -> None:
    async def story() -> None:
        on = stage(house, house.rule(house.vendor.write, answer=fault, effect=effect))
        applied = await lost(on, going(house))
        assert applied.ending is Ending.CONFIRMED
        assert destroyed(on) == {"d1", "d2"}
        assert len(on.witness.writes) == (1 if effect == "applied" else 2)
        assert once_each(on)

    run(story())


@DELETING
def test_a_call_that_never_gets_an_answer_is_not_repeated_for_ever(house: House) -> None:
    async def story() -> None:
        on = stage(house, house.rule(house.vendor.write, always=True, answer="reset"))
        applied = await lost(on, going(house))
        assert applied.ending is Ending.INCOMPLETE
        assert verdicts(applied) == {Verdict.FAILED: 2}
        assert len(on.witness.writes) == 3
        assert not destroyed(on)
        on.set_rules()
        assert (await lost(on, going(house))).ending is Ending.CONFIRMED

    run(story())


@DELETING
def test_throttling_is_obeyed(house: House) -> None:
    faults = house.vendor.throttles
    rules = [
        house.rule(house.vendor.write, nth=n, answer=fault, retryAfter="7")
        for n, fault in enumerate(faults, start=1)
    ]

    async def story() -> None:
        on = stage(house, *rules, plot=TWO)
        assert (await lost(on, going(house, BOTH))).ending is Ending.CONFIRMED
        times = [float(str(row["at"])) for row in on.witness.rows]
        for told in (float(str(row["at"])) for row in on.witness.rows if row["rule"]):
            assert not [at for at in times if told < at < told + 6]
        assert once_each(on)

    run(story())


@DELETING
def test_throttling_without_end_is_given_up(house: House) -> None:
    async def story() -> None:
        for fault in house.vendor.throttles:
            on = stage(house, house.rule(house.vendor.write, always=True, answer=fault))
            assert verdicts(await lost(on, going(house))) == {Verdict.REFUSED: 2}
            assert 2 <= len(on.witness.writes) <= 7
            assert not on.accepted()

    run(story())


@DELETING
def test_a_desktop_whose_disks_are_at_work_is_asked_again_later(house: House) -> None:
    async def story() -> None:
        on = stage(house)

        def theirs() -> None:
            cloud, vendor = on.cloud, house.vendor
            desktop = cloud.servers[vendor.identity("s1")]
            disk = cloud.volumes[vendor.identity("d3")]
            begin(cloud, Change(verb="destroy", targets=(Target(desktop, disk),)), None)

        interrupt(on, in_words(house.vendor.write), theirs)
        assert (await lost(on, going(house))).ending is Ending.CONFIRMED
        assert destroyed(on) == set(DISKS)
        assert once_each(on)
        assert len(on.witness.writes) <= 4

    run(story())


@DELETING
@pytest.mark.parametrize("effect", ["applied", "none"])
@pytest.mark.parametrize("fault", ["fail", "gone", "false-success"])
def test_a_job_is_not_believed(house: House, fault: str, effect: str) -> None:
    async def story() -> None:
        on = stage(house, house.rule(house.vendor.write, job=fault, effect=effect))
        applied = await lost(on, going(house))
        happened = effect == "applied"
        assert applied.ending is (Ending.CONFIRMED if happened else Ending.INCOMPLETE)
        assert verdicts(applied) == {Verdict.DONE if happened else Verdict.FAILED: 2}
        assert all(r.outcome.code and r.outcome.message for r in applied.results) != happened
        assert len(on.witness.writes) == 1
        assert destroyed(on) == ({"d1", "d2"} if happened else set())
        assert (await lost(on, going(house))).ending is Ending.CONFIRMED
        assert destroyed(on) == {"d1", "d2"}

    run(story())


@DELETING
def test_a_job_that_fails_for_one_desktop_is_told_by_desktop(house: House) -> None:
    rule = house.rule(house.vendor.write, always=True, job={"partial": ["s1"]})

    async def story() -> None:
        on = stage(house, rule, plot=TWO)
        applied = await lost(on, going(house, BOTH))
        assert applied.ending is Ending.INCOMPLETE
        told = {r.change.name.volume: r.verdict for r in applied.results}
        assert told == {"d1": Verdict.FAILED, "d2": Verdict.FAILED, "d3": Verdict.DONE}
        assert destroyed(on) == {"d3"}
        on.set_rules()
        assert (await lost(on, going(house, BOTH))).ending is Ending.CONFIRMED
        assert destroyed(on) == set(DISKS)

    run(story())


@DELETING
def test_a_job_that_fails_for_one_disk_of_a_desktop_is_told_by_disk(house: House) -> None:
    async def story() -> None:
        on = stage(house)

        def spoil() -> None:
            (job,) = on.cloud.jobs.values()
            first, *_ = job.parts
            first.ends, first.applies, job.ends = "FAIL", False, "FAIL"

        interrupt(on, in_words(house.vendor.jobs), spoil)
        applied = await lost(on, going(house))
        assert applied.ending is Ending.INCOMPLETE
        told = {r.change.name.volume: r.verdict for r in applied.results}
        assert told == {"d1": Verdict.FAILED, "d2": Verdict.DONE}
        assert destroyed(on) == {"d2"}
        assert (await lost(on, going(house))).ending is Ending.CONFIRMED
        assert once_each(on) is False, "the one that failed was asked for once more"
        assert on.accepted()["destroy", "s1", "d2"] == 1

    run(story())


@DELETING
@pytest.mark.parametrize("job", ["init-first", {"slow": 200}], ids=["init first", "slow"])
def test_a_job_that_takes_its_time_is_waited_for(house: House, job: object) -> None:
    async def story() -> None:
        on = stage(house, house.rule(house.vendor.write, job=job))
        assert (await lost(on, going(house))).ending is Ending.CONFIRMED
        assert len(on.witness.writes) == 1

    run(story())


@DELETING
def test_a_batch_refused_as_a_whole_goes_on_cut(house: House) -> None:
    async def story() -> None:
        on = stage(house)

        def vanish() -> None:
            cloud, vendor = on.cloud, house.vendor
            volume = cloud.volumes[vendor.identity("d2")]
            cloud.part(cloud.servers[vendor.identity("s1")], volume)
            volume.status = DESTROYED

        interrupt(on, in_words(house.vendor.write), vanish)
        applied = await lost(on, going(house, {"s1": DISKS}))
        assert applied.ending is Ending.CONFIRMED
        assert verdicts(applied) == {Verdict.DONE: 3}
        assert len(on.witness.writes) == 2
        assert on.accepted() == {("destroy", "s1", "d1"): 1, ("destroy", "s1", "d3"): 1}

    run(story())


@DELETING
def test_a_disk_that_is_gone_before_the_only_call_is_satisfied(house: House) -> None:
    async def story() -> None:
        on = stage(house)

        def vanish() -> None:
            cloud, vendor = on.cloud, house.vendor
            volume = cloud.volumes[vendor.identity("d1")]
            cloud.part(cloud.servers[vendor.identity("s1")], volume)
            volume.status = DESTROYED

        interrupt(on, in_words(house.vendor.write), vanish)
        assert (await lost(on, going(house, {"s1": ["d1"]}))).ending is Ending.CONFIRMED
        assert not on.accepted()

    run(story())


@DELETING
def test_a_listing_that_is_cut_short_never_destroys(house: House) -> None:
    async def story() -> None:
        for match, faults in house.vendor.cut_short.items():
            for fault in faults:
                on = stage(house, house.rule(match, always=True, listing=fault))
                assert (await lost(on, going(house))).ending is Ending.REFUSED
                assert not on.witness.writes

    run(story())


@DELETING
def test_what_was_in_flight_when_a_run_ended_is_adopted(house: House) -> None:
    async def story() -> None:
        on = stage(house, plot=replace(ONE, job_s=200.0))
        wanted = replace(going(house), limits={"stepTimeout": "5s"})
        first = await lost(on, wanted)
        assert first.ending is Ending.INCOMPLETE
        assert verdicts(first) == {Verdict.UNKNOWN: 2}
        second = await lost(on, wanted)
        assert second.ending is not Ending.CONFIRMED
        assert [intent.handle is not None for intent, _ in on.events.found] == [True]
        assert len(on.witness.writes) == 1
        await asyncio.sleep(300)
        assert (await lost(on, wanted)).ending is Ending.CONFIRMED
        assert len(on.witness.writes) == 1
        assert destroyed(on) == {"d1", "d2"}
        assert once_each(on)

    run(story())


@DELETING
def test_what_was_in_flight_is_adopted_without_anybody_agreeing_again(house: House) -> None:
    async def story() -> None:
        on = stage(house, plot=replace(ONE, job_s=200.0))
        wanted = replace(going(house), limits={"stepTimeout": "5s"})
        await lost(on, wanted)
        await asyncio.sleep(300)
        assert (await on.apply(wanted)).ending is Ending.CONFIRMED
        assert len(on.witness.writes) == 1

    run(story())
