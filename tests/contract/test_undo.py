"""Undo: apply, then take it back, and the cloud holds what it held before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.plan import Standing
from reconciler.operations.applied import Ending
from reconciler.operations.apply import apply_manifests
from reconciler.operations.history import past_runs
from reconciler.operations.plans import plan_manifests
from reconciler.operations.undo import undoing
from reconciler.sim.changes import act
from tests.contract.having import having, marking, sharing
from tests.contract.test_guest_hooks import HOOKS, Guests
from tests.rig.plot import Plot
from tests.rig.stage import YES
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from reconciler.operations.applied import Applied
    from reconciler.operations.undo import Undo
    from tests.contract.conftest import House
    from tests.rig.plot import Wanted
    from tests.rig.stage import Stage

PLOT = Plot(
    servers=("s1", "s2", "s3"),
    volumes=("moves", "comes", "goes", "stays"),
    attached=(("s1", "moves"), ("s1", "goes"), ("s2", "stays"), ("s3", "other")),
    rules=(),
)
PLOT = replace(PLOT, volumes=(*PLOT.volumes, "other"))


async def newest(on: Stage, wanted: Wanted) -> Undo:
    """Give what takes the newest run back."""
    return await undoing(past_runs(on.around)[0].id, on.request(wanted), on.around)


async def taken_back(on: Stage, wanted: Wanted, acks: int | None = None) -> Applied:
    """Undo the newest run; `acks` detaches are acknowledged."""
    request = (await newest(on, wanted)).request
    if acks is not None:
        request = replace(request, acks={"prod": acks})
    return await apply_manifests(request, on.around, YES, on.events)


def test_what_a_run_did_is_taken_back_and_nothing_else(house: House) -> None:
    wanted = house.rows(s1=["comes"], s2=["stays", "moves"])

    async def story() -> None:
        on = house.stage(PLOT)
        before = on.truth()
        assert (await on.apply(wanted)).ending is Ending.CONFIRMED
        assert on.truth() != before
        undo = await newest(on, wanted)
        asked = [finding for finding in undo.findings if finding.code == "still-asked"]
        assert len(asked) == len(undo.findings) > 0
        applied = await taken_back(on, wanted)
        assert applied.ending is Ending.CONFIRMED, applied.findings
        assert on.truth() == before
        assert on.witness.doubles == []
        # The undo is a run as well: taking it back does the first one again.
        assert past_runs(on.around)[0].verb == "undo"
        assert (await taken_back(on, wanted)).ending is Ending.CONFIRMED
        assert set(on.truth()) == wanted.pairs() | {("s3", "other")}

    run(story())


@having(sharing)
def test_a_shared_volume_comes_back_to_every_server(house: House) -> None:
    servers = tuple(f"s{n}" for n in range(6))
    plot = Plot(servers=servers, shared=("all",), attached=tuple((s, "all") for s in servers))
    wanted = house.rows(**{server: [] for server in servers[1:]})

    async def story() -> None:
        on = house.stage(plot)
        before = on.truth()
        assert (await on.apply(wanted)).ending is Ending.CONFIRMED
        assert (await taken_back(on, wanted)).ending is Ending.CONFIRMED
        assert on.truth() == before

    run(story())


def test_what_somebody_moved_since_is_not_taken_from_there(house: House) -> None:
    wanted = house.rows(s1=["comes"], s2=["stays", "moves"])
    later = house.rows(s3=["moves", "other"], s2=["stays"])

    async def story() -> None:
        on = house.stage(PLOT)
        await on.apply(wanted)
        first = past_runs(on.around)[0].id
        assert (await on.apply(later)).ending is Ending.CONFIRMED
        there = on.truth()
        undo = await undoing(first, on.request(wanted), on.around)
        made = await plan_manifests(undo.request, on.around)
        changes = made.scopes[0].plan.changes
        refused = {c.name.volume: c.refusals[0].code for c in changes if c.refusals}
        assert list(refused.values()) == ["held-by-unmanaged"]
        await apply_manifests(undo.request, on.around, YES, on.events)
        assert ("s3", "moves") in on.truth()
        assert there.keys() - on.truth().keys() == {("s1", "comes")}

    run(story())


def test_the_limits_hold_for_an_undo(house: House) -> None:
    wanted = replace(
        house.rows(s1=["moves", "goes", "comes"], s2=["stays", "free"]),
        policy={"maxDetach": 1},
    )
    plot = replace(PLOT, volumes=(*PLOT.volumes, "free"))

    async def story() -> None:
        on = house.stage(plot)
        before = on.truth()
        assert (await on.apply(wanted)).ending is Ending.CONFIRMED
        applied = await taken_back(on, wanted)
        assert applied.ending is Ending.REFUSED
        (scope,) = applied.planned.scopes
        assert [finding.code for finding in scope.plan.refusals] == ["limit-detach"]
        assert {change.standing for change in scope.plan.changes} == {Standing.REFUSED}
        assert (await taken_back(on, wanted, acks=2)).ending is Ending.CONFIRMED
        assert on.truth() == before

    run(story())


def test_guests_let_go_and_mount_again_when_a_run_is_taken_back(house: House) -> None:
    wanted = replace(house.rows(s1=["comes"], s2=["stays", "moves"]), policy=HOOKS)

    async def story() -> None:
        on = house.stage(PLOT)
        guests = Guests(on)
        around = replace(on.around, hooks=guests)
        before = on.truth()
        applied = await apply_manifests(on.request(wanted), around, YES, on.events)
        assert applied.ending is Ending.CONFIRMED
        first = guests.log[:]
        request = (await undoing(past_runs(around)[0].id, on.request(wanted), around)).request
        undone = await apply_manifests(request, around, YES, on.events)
        assert undone.ending is Ending.CONFIRMED, undone.findings
        assert on.truth() == before
        # Whose release was asked for is mounted now, and the other way round.
        turned = {("mount" if hook == "let-go" else "let-go", volume) for hook, volume, _ in first}
        assert {(hook, volume) for hook, volume, _ in guests.log[len(first) :]} == turned
        assert len(turned) == len({volume for _, volume, _ in first}) + 1, "one moved: both"

    run(story())


@having(marking)
def test_strays_that_a_run_took_come_back_and_no_other_is_taken(house: House) -> None:
    wanted = replace(house.rows(s1=["moves"]), more={"unmanaged": "detach"})
    plot = replace(PLOT, attached=(("s1", "moves"), ("s3", "other")))

    async def story() -> None:
        on = house.stage(plot)
        before = on.truth()
        assert (await on.apply(wanted)).ending is Ending.CONFIRMED
        assert set(on.truth()) == {("s1", "moves")}
        # Somebody adds one of their own meanwhile: a stray of today, and none of that run.
        server = next(one for one in on.cloud.servers.values() if one.row.name == "s3")
        volume = next(one for one in on.cloud.volumes.values() if one.row.name == "goes")
        assert act(on.cloud, "attach", server, volume) is None
        assert (await taken_back(on, wanted)).ending is Ending.CONFIRMED
        assert set(on.truth()) == set(before) | {("s3", "goes")}

    run(story())
