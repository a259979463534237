"""A move is one saga: it ends at its new place, at its old one, or says where it is."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace

import pytest

from reconciler.execution.executor import execute
from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Answer, Outcome, Receipt, Verdict
from reconciler.planning.schedule import PutBack, Step
from tests.execution.fakes import FakeCloud, key, run_of, scheduled, step
from tests.rig.virtual_time import run

OLD, NEW = key("s1", "v1"), key("s2", "v1")
NO = Receipt(answer=Answer.REFUSED, code="no", message="it won't fit")
LEAVE = step(Verb.DETACH, OLD)


def arrival(*calls: Call) -> Step:
    """Give the second half of a move of `v1` from `s1` to `s2`."""
    back = calls or (Call(verb=Verb.ATTACH, keys=(OLD,)),)
    made = step(Verb.ATTACH, NEW, needs={NEW: OLD})
    return replace(made, returns={NEW: PutBack(source=OLD, server="web-1", calls=back)})


def moved(cloud: FakeCloud, *, deadline_s: float = 600.0) -> Outcome:
    """Run the move and give what became of its second half."""

    async def story() -> Outcome:
        schedule = scheduled(LEAVE, arrival())
        outcomes = await execute(schedule, run_of(cloud, deadline_s=deadline_s))
        return outcomes[arrival().id][NEW]

    return run(story())


def test_a_move_ends_at_its_new_place() -> None:
    cloud = FakeCloud(attached={OLD})
    assert moved(cloud).verdict is Verdict.DONE
    assert cloud.attached == {NEW}
    assert len(cloud.calls) == 2


def test_a_volume_whose_attach_is_refused_goes_back() -> None:
    cloud = FakeCloud(attached={OLD})
    cloud.answers[Verb.ATTACH] = deque([NO])
    outcome = moved(cloud)
    assert (outcome.verdict, outcome.code) == (Verdict.FAILED, "no")
    assert outcome.message.startswith("it won't fit; it is back on `web-1`; a guest that let go")
    assert cloud.attached == {OLD}
    assert [call.keys for call in cloud.calls] == [(OLD,), (NEW,), (OLD,)]


def test_a_volume_that_is_not_taken_back_stays_detached_and_says_so() -> None:
    cloud = FakeCloud(attached={OLD})
    cloud.answers[Verb.ATTACH] = deque([NO, replace(NO, message="no free slot")])
    outcome = moved(cloud)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.message == (
        "it won't fit; it stays detached, `web-1` didn't take it back: no free slot"
    )
    assert cloud.attached == set()


def test_a_volume_whose_attach_nobody_can_tell_of_is_not_sent_back() -> None:
    cloud = FakeCloud(attached={OLD}, job_s=1.0)
    cloud.answers[Verb.ATTACH] = deque([Receipt(answer=Answer.ACCEPTED, handle="lost")])
    cloud.lost = {"lost"}
    outcome = moved(cloud, deadline_s=20.0)
    assert outcome.verdict is Verdict.UNKNOWN
    assert len(cloud.calls) == 2


def test_a_volume_that_never_left_is_not_put_back() -> None:
    cloud = FakeCloud(attached={OLD})
    cloud.answers[Verb.DETACH] = deque([NO])
    outcome = moved(cloud)
    assert (outcome.verdict, outcome.code) == (Verdict.REFUSED, "needs-failed")
    assert len(cloud.calls) == 1


def test_a_swap_between_two_servers_that_fails_is_undone_without_a_deadlock() -> None:
    other, there = key("s2", "v2"), key("s1", "v2")
    cloud = FakeCloud(attached={OLD, other}, refuses={NEW, there})
    back = Call(verb=Verb.ATTACH, keys=(other,))
    second = replace(
        step(Verb.ATTACH, there, needs={there: other}),
        returns={there: PutBack(source=other, server="web-2", calls=(back,))},
    )
    schedule = scheduled(LEAVE, step(Verb.DETACH, other), arrival(), second)
    run(execute(schedule, run_of(cloud)))
    assert cloud.attached == {OLD, other}
    assert not cloud.overlaps


def test_a_run_that_shall_stop_sends_nothing_new_and_waits_for_what_is_in_flight() -> None:
    cloud = FakeCloud(attached={OLD, key("s3", "v3")}, job_s=20.0)

    async def story() -> None:
        made = run_of(cloud, at_once=1, shows_motion=False)
        asyncio.get_running_loop().call_later(5, made.stop.set)
        outcomes = await execute(scheduled(LEAVE, step(Verb.DETACH, key("s3", "v3"))), made)
        assert outcomes[LEAVE.id][OLD].verdict is Verdict.DONE
        (held,) = outcomes[step(Verb.DETACH, key("s3", "v3")).id].values()
        assert (held.verdict, held.code) == (Verdict.REFUSED, "interrupted")

    run(story())
    assert len(cloud.calls) == 1


@pytest.mark.parametrize("fits", [True, False])
def test_a_move_whose_volume_has_left_is_finished_before_a_run_stops(*, fits: bool) -> None:
    cloud = FakeCloud(attached={OLD}, job_s=20.0)
    if not fits:
        cloud.answers[Verb.ATTACH] = deque([NO])

    async def story() -> None:
        made = run_of(cloud)
        asyncio.get_running_loop().call_later(25, made.stop.set)
        await execute(scheduled(LEAVE, arrival()), made)

    run(story())
    assert cloud.attached == ({NEW} if fits else {OLD})


def test_whoever_waits_for_a_busy_cloud_stops_at_once() -> None:
    busy = Receipt(answer=Answer.BUSY, code="busy", retry_after_s=200.0)
    cloud = FakeCloud(attached={OLD}, always=busy)

    async def story() -> None:
        made = run_of(cloud)
        loop = asyncio.get_running_loop()
        loop.call_later(5, made.stop.set)
        outcomes = await execute(scheduled(LEAVE), made)
        assert outcomes[LEAVE.id][OLD].code == "interrupted"
        assert loop.time() < 10

    run(story())
    assert len(cloud.calls) == 1


@pytest.mark.parametrize(
    ("answer", "attached", "job_s", "verdict", "calls"),
    [
        (Answer.REFUSED, set(), 6.0, Verdict.DONE, 1),
        (Answer.BUSY, set(), 6.0, Verdict.DONE, 1),
        (Answer.REFUSED, {OLD}, 6.0, Verdict.REFUSED, 1),
        (Answer.BUSY, {OLD}, 6.0, Verdict.DONE, 2),
    ],
)
def test_an_answer_that_does_not_say_why_is_looked_at(
    answer: Answer, attached: set[object], job_s: float, verdict: Verdict, calls: int
) -> None:
    cloud = FakeCloud(attached=attached, job_s=job_s)  # type: ignore[arg-type]  # keys, all of them
    cloud.answers[Verb.DETACH] = deque([Receipt(answer=answer, code="conflict", look=True)])

    async def story() -> Outcome:
        outcomes = await execute(scheduled(LEAVE), run_of(cloud))
        return outcomes[LEAVE.id][OLD]

    assert run(story()).verdict is verdict
    assert len(cloud.calls) == calls


def test_a_window_that_closes_lets_what_is_in_flight_finish_and_starts_nothing_new() -> None:
    second = key("s3", "v3")
    cloud = FakeCloud(attached={OLD, second}, job_s=20.0)

    async def story() -> None:
        made = run_of(cloud, at_once=1, shows_motion=False)
        loop = asyncio.get_running_loop()
        made = replace(made, closed=lambda: loop.time() > 5)
        outcomes = await execute(scheduled(LEAVE, step(Verb.DETACH, second)), made)
        assert outcomes[LEAVE.id][OLD].verdict is Verdict.DONE
        (held,) = outcomes[step(Verb.DETACH, second).id].values()
        assert (held.verdict, held.code) == (Verdict.REFUSED, "window-closed")

    run(story())
    assert len(cloud.calls) == 1


def test_what_may_still_be_under_way_is_met_by_no_other_call() -> None:
    stuck, same_server, elsewhere = key("s1", "v1"), key("s1", "v9"), key("s4", "v4")
    cloud = FakeCloud(attached={same_server, elsewhere})
    cloud.answers[Verb.ATTACH] = deque([Receipt(answer=Answer.ACCEPTED, handle="lost")])
    cloud.lost = {"lost"}
    first, second = step(Verb.ATTACH, stuck), step(Verb.DETACH, same_server)
    third = step(Verb.DETACH, elsewhere)

    async def story() -> None:
        made = run_of(cloud, deadline_s=20.0)
        outcomes = await execute(scheduled(first, second, third), made)
        assert outcomes[first.id][stuck].verdict is Verdict.UNKNOWN
        held = outcomes[second.id][same_server]
        assert (held.verdict, held.code) == (Verdict.REFUSED, "unsettled")
        assert outcomes[third.id][elsewhere].verdict is Verdict.DONE

    run(story())
    assert len(cloud.calls) == 2


LOST = Receipt(answer=Answer.ACCEPTED, handle="lost")


def test_a_volume_that_is_perhaps_put_back_is_met_by_no_other_call() -> None:
    others = tuple(key("s7", name) for name in ("v5", "v6", "v7"))
    late = key("s1", "v7")
    cloud = FakeCloud(attached={OLD, *others}, refuses={NEW}, lost={"lost"})
    cloud.answers[Verb.ATTACH] = deque([LOST, LOST])
    leaving = (step(Verb.DETACH, one) for one in others)
    last = step(Verb.ATTACH, late, needs={late: others[-1]})

    async def story() -> None:
        made = run_of(cloud, deadline_s=20.0)
        outcomes = await execute(scheduled(LEAVE, arrival(), *leaving, last), made)
        assert "whether it is back on `web-1` can't be told" in outcomes[arrival().id][NEW].message
        held = outcomes[last.id][late]
        assert (held.verdict, held.code) == (Verdict.REFUSED, "unsettled")

    run(story())
    assert (late,) not in [call.keys for call in cloud.calls]


def test_a_volume_is_not_put_back_where_a_call_may_still_be_under_way() -> None:
    stuck = key("s1", "v9")
    cloud = FakeCloud(attached={OLD}, refuses={NEW}, lost={"lost"})
    cloud.answers[Verb.ATTACH] = deque([LOST, LOST])

    async def story() -> None:
        made = run_of(cloud, deadline_s=20.0)
        outcomes = await execute(scheduled(LEAVE, step(Verb.ATTACH, stuck), arrival()), made)
        outcome = outcomes[arrival().id][NEW]
        assert outcome.verdict is Verdict.FAILED
        assert "it stays detached, `web-1` didn't take it back: an earlier call" in outcome.message

    run(story())
    assert [call.keys for call in cloud.calls].count((OLD,)) == 1


@pytest.mark.parametrize(("motion", "after_s"), [(True, 10.0), (False, 300.0)])
def test_silence_proves_little_where_no_view_shows_motion(motion: bool, after_s: float) -> None:  # noqa: FBT001 - a parameter of the case
    cloud = FakeCloud(attached={OLD})
    silent = Receipt(answer=Answer.UNKNOWN, code="no-answer", message="reset")
    cloud.answers[Verb.DETACH] = deque([silent])

    async def story() -> None:
        made = run_of(cloud)
        made = replace(made, settling=replace(made.settling, shows_motion=motion))
        loop = asyncio.get_running_loop()
        outcomes = await execute(scheduled(LEAVE), made)
        assert outcomes[LEAVE.id][OLD].verdict is Verdict.DONE
        assert after_s <= loop.time() < after_s + 30

    run(story())
    assert len(cloud.calls) == 2
