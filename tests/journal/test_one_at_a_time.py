"""Two runs and one cloud, by the whole road: who waits, who is refused, and what nobody locks."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import JournalError
from reconciler.journal.journal import Pages, open_book
from reconciler.journal.leases import LeaseLostError
from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb
from reconciler.model.record import Identity
from reconciler.operations.applied import Applied, Ending
from reconciler.operations.apply import Consent, apply_manifests
from reconciler.operations.history import one_run, past_runs
from reconciler.operations.lease import holders
from reconciler.sim.changes import act
from tests.contract.worlds import huawei_ecs
from tests.journal.keeping import intent
from tests.rig.plot import Plot, Wanted
from tests.rig.stage import YES, Stage, in_line, stage
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

    from reconciler.operations.plans import Planned

PLOT = Plot(servers=("s1", "s2"), volumes=("v1", "v2", "v3"), attached=(("s1", "v1"),), job_s=4.0)
WANTED = Wanted(provider="huawei-ecs", servers={"s1": ["v2"], "s2": ["v1"]})
OTHER = Wanted(provider="huawei-ecs", servers={"s1": ["v1"], "s2": ["v2"]})
LEAVES = Call(verb=Verb.DETACH, keys=(AttachmentKey("prod", "s1-id", "v1-id"),))


@pytest.fixture
def on(tmp_path: Path) -> Stage:
    """Give a stage with a move and an attach to be made."""
    return stage(tmp_path, huawei_ecs.world(PLOT))


@contextmanager
def another(on: Stage, region: str = "r1", scope: str = "prod") -> Iterator[Pages]:
    """Give the pages of another run on the stage's cloud."""
    book = open_book(on.around.folder / "journal.db")
    project = on.cloud.world.project_id
    address = f"simulator/{scope}"
    mine = Identity(provider="huawei-ecs", endpoint=address, project=project, region=region)
    try:
        yield book.pages(mine, scope)
    finally:
        book.close()


async def apply(
    on: Stage, consent: Consent = YES, wanted: Wanted = WANTED, timeout_s: float = 30.0
) -> Applied:
    """Apply with this consent, waiting so long for others."""
    request = on.request(wanted)
    return await apply_manifests(request, on.around, consent, on.events, None, timeout_s)


def asked(meanwhile: Callable[[], object]) -> Consent:
    """Give a person who does something before saying yes."""

    def ask(_: Planned) -> frozenset[str]:
        meanwhile()
        return frozenset()

    return Consent(ask=ask, show=lambda _: None, prompts=True)


@pytest.mark.parametrize("timeout_s", [0.0, 30.0])
def test_a_run_that_does_not_get_it_is_refused_and_told_who_has_it(
    on: Stage, timeout_s: float
) -> None:
    told: list[str] = []
    with another(on) as pages:
        pages.lease.attempt("run-0", "repair")
        applied = run(apply(on, replace(YES, tell=told.append), timeout_s=timeout_s))
        pages.lease.release()
    assert applied.ending is Ending.REFUSED
    (finding,) = applied.findings
    assert (finding.code, finding.scope) == ("locked", "prod")
    for part in ("local lease", "pid ", "for `repair` since 20"):
        assert part in finding.summary
    for part in ("--lock-timeout", "`reconciler lock list`"):
        assert part in finding.hint
    assert not on.witness.writes
    assert applied.seconds == pytest.approx(timeout_s, abs=1.0)
    assert len(told) == (1 if timeout_s else 0)


def test_two_at_once_go_one_after_the_other(on: Stage) -> None:
    async def story() -> None:
        first, second = await asyncio.gather(apply(on), apply(on))
        assert {first.ending, second.ending} == {Ending.CONFIRMED}
        assert {len(first.results), len(second.results)} == {0, 2}, "the second has nothing to do"

    run(story())
    assert set(on.accepted().values()) == {1}


def test_two_that_disagree_never_meet(on: Stage, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()

    async def story() -> None:
        mine = on.request(WANTED)
        theirs = replace(on, folder=tmp_path / "b").request(OTHER)
        runs = (
            apply_manifests(request, on.around, YES, on.events, None, 60.0)
            for request in (mine, theirs)
        )
        endings = [applied.ending for applied in await asyncio.gather(*runs)]
        assert endings == [Ending.CONFIRMED, Ending.CONFIRMED]

    run(story())
    assert not on.witness.doubles
    assert not [row for row in on.witness.rows if row["status"] not in {200, 202}]
    assert len(past_runs(on.around)) == 2


def test_what_comes_up_after_the_approval_is_left_out_and_told(on: Stage) -> None:
    def stray() -> None:
        act(on.cloud, "detach", on.cloud.servers["s1-id"], on.cloud.volumes["v1-id"])
        act(on.cloud, "attach", on.cloud.servers["s2-id"], on.cloud.volumes["v1-id"])
        act(on.cloud, "attach", on.cloud.servers["s1-id"], on.cloud.volumes["v3-id"])

    applied = run(apply(on, asked(stray)))
    assert applied.ending is Ending.INCOMPLETE
    assert [finding.code for finding in applied.findings] == ["came-up-since"]
    assert set(on.accepted()) == {("attach", "s1", "v2")}
    assert run(apply(on, asked(lambda: None))).ending is Ending.CONFIRMED
    assert run(on.plan(WANTED)).approvable is False


def test_a_plan_neither_waits_nor_locks(on: Stage) -> None:
    async def story() -> None:
        with another(on) as pages:
            pages.lease.attempt("run-0", "apply")
            assert (await on.plan(WANTED)).approvable
            assert [one.run for one in holders(on.around)] == ["run-0"]
            pages.lease.release()

    run(story())


def test_the_prompt_holds_nothing_and_the_world_may_go_on_meanwhile(on: Stage) -> None:
    def meanwhile() -> None:
        assert holders(on.around) == ()
        with another(on) as pages:
            assert pages.lease.attempt("run-0", "apply") is None
            pages.lease.release()

    applied = run(apply(on, asked(meanwhile)))
    assert applied.ending is Ending.CONFIRMED
    assert holders(on.around) == ()


def test_a_run_that_began_during_the_prompt_is_waited_for_in_vain(on: Stage) -> None:
    with another(on) as pages:
        applied = run(apply(on, asked(lambda: pages.lease.attempt("run-0", "apply"))))
        pages.lease.release()
    assert (applied.ending, [f.code for f in applied.findings]) == (Ending.REFUSED, ["locked"])
    assert applied.planned.scopes, "the plan that was shown"
    assert not on.witness.writes


def test_a_run_that_came_and_died_during_the_prompt_is_adopted(on: Stage) -> None:
    def meanwhile() -> None:
        with another(on) as pages:
            pages.begin(intent(LEAVES, run="dead"))

    applied = run(apply(on, asked(meanwhile)))
    assert applied.ending is Ending.CONFIRMED
    assert [found.run for found, _ in on.events.found] == ["dead"]


def test_the_calls_of_a_live_run_are_not_adopted(on: Stage) -> None:
    with another(on) as pages:
        pages.lease.attempt("run-0", "apply")
        pages.begin(intent(LEAVES, run="run-0"))
        assert run(apply(on)).ending is Ending.REFUSED
        assert len(pages.open_intents()) == 1
        pages.lease.release()
    assert on.events.found == []


def test_a_lease_that_is_taken_away_stops_the_next_request(on: Stage) -> None:
    def take(request: httpx.Request) -> None:
        if request.method != "GET":
            with sqlite3.connect(on.around.folder / "journal.db") as other:
                other.execute("DELETE FROM leases")
            other.close()

    on.transport.watchers.append(take)
    with pytest.raises(BaseExceptionGroup) as told:
        run(apply(on))
    assert told.group_contains(LeaseLostError, match="nobody has it now")
    assert len(on.witness.writes) == 1
    on.transport.watchers.clear()
    assert run(apply(on)).ending is Ending.CONFIRMED
    first, second = sorted(past_runs(on.around), key=lambda one: one.ending is not None)
    assert (first.ending, second.ending) == (None, "confirmed")
    assert set(on.accepted().values()) == {1}


def test_whatever_ends_a_run_gives_the_lease_back(on: Stage) -> None:
    def refuse(_: Planned) -> None:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        run(apply(on, Consent(ask=refuse, show=lambda _: None, prompts=False)))
    assert holders(on.around) == ()

    async def cancelled() -> None:
        going = asyncio.ensure_future(apply(on))
        await asyncio.sleep(1.0)
        assert len(holders(on.around)) == 1
        going.cancel()
        with suppress(asyncio.CancelledError):
            await going

    run(cancelled())
    assert holders(on.around) == ()


def test_a_journal_that_cannot_give_it_back_changes_nothing_of_what_is_told(
    on: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise JournalError("the disk is full")

    monkeypatch.setattr("reconciler.journal.leases.Lease.release", full)
    assert run(apply(on)).ending is Ending.CONFIRMED


def test_of_several_clouds_all_are_obtained_or_none(on: Stage) -> None:
    same = {"projectId": on.cloud.world.project_id}
    also = replace(WANTED, scope="zoo", region="r2", servers={"s2": ()}, more=same)
    wanted = (WANTED, also)
    held: list[int] = []

    async def story() -> Applied:
        looking = asyncio.ensure_future(looks())
        request = on.request(*wanted)
        applied = await apply_manifests(request, on.around, YES, on.events, None, 10.0)
        looking.cancel()
        return applied

    async def looks() -> None:
        while True:
            await asyncio.sleep(1.0)
            held.append(len(holders(on.around)))

    with another(on, region="r2", scope="zoo") as pages:
        pages.lease.attempt("run-0", "apply")
        applied = run(story())
        assert (applied.ending, [f.scope for f in applied.findings]) == (Ending.REFUSED, ["zoo"])
        assert set(held) == {2}, "one is held while the other is waited for"
        assert [one.run for one in holders(on.around)] == ["run-0"]
        pages.lease.release()


def test_the_history_has_what_was_done_and_not_what_was_only_planned(on: Stage) -> None:
    async def story() -> None:
        assert (await on.apply(WANTED)).ending is Ending.CONFIRMED
        assert in_line(await on.plan(WANTED))
        await on.apply(WANTED)

    run(story())
    (only,) = past_runs(on.around)
    assert (only.verb, only.scope, only.ending) == ("apply", "prod", "confirmed")
    assert only.counts == {"attached": 1, "moved": 1}
    assert only.requests is not None
    assert only.requests > 3
    (detailed,) = one_run(only.id[:6], on.around)
    assert [(call.verb, len(call.verdicts)) for call in detailed.calls] == [
        ("detach", 1),
        ("attach", 1),
        ("attach", 1),
    ]
