"""Needs, locks, slots, and what is done with each kind of answer."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import JournalError, ProviderError
from reconciler.execution.executor import execute
from reconciler.execution.sending import SENT_AGAIN
from reconciler.model.call import Verb
from reconciler.model.outcome import Answer, Receipt, Verdict
from tests.execution.fakes import (
    ACCEPTED,
    FakeCloud,
    MemoryJournal,
    flat,
    key,
    run_of,
    scheduled,
    step,
)
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.outcome import Outcomes
    from reconciler.model.record import Intent
    from reconciler.planning.schedule import Step

REFUSED = Receipt(answer=Answer.REFUSED, code="no", message="not so")
DENIED = Receipt(answer=Answer.DENIED, code="key", message="who are you")
SILENT = Receipt(answer=Answer.UNKNOWN, code="no-answer", message="reset")
BUSY = Receipt(answer=Answer.BUSY, code="busy", retry_after_s=5.0)
SHARED = tuple(key(f"s{n:02}", "shared") for n in range(4))


def queue(*receipts: Receipt) -> deque[Receipt]:
    """Give answers in turn."""
    return deque(receipts)


def performed(cloud: FakeCloud, *steps: Step, at_once: int = 32) -> Mapping[str, Outcomes]:
    """Execute these steps in virtual time."""
    return run(execute(scheduled(*steps), run_of(cloud, at_once=at_once)))


@pytest.mark.parametrize(
    ("shows_motion", "best_s", "busiest"),
    [
        pytest.param(True, 5 * 6.0, 32, id="a job takes no slot where motion shows"),
        pytest.param(False, 32 * 5 * 6.0 / 16, 16, id="where it doesn't, all take one to the end"),
    ],
)
def test_busy_servers_do_not_starve_idle_ones(
    best_s: float, busiest: int, *, shows_motion: bool
) -> None:
    steps = [
        step(Verb.ATTACH, key(f"s{server:02}", f"v{server:02}{n}"))
        for server in range(32)
        for n in range(5)
    ]
    cloud = FakeCloud()

    async def story() -> float:
        made = run_of(cloud, at_once=16, shows_motion=shows_motion)
        outcomes = await execute(scheduled(*steps), made)
        assert len(cloud.attached) == len(steps) == len(outcomes)
        return asyncio.get_running_loop().time()

    took_s = run(story())
    assert best_s <= took_s < best_s * 1.5
    assert cloud.busiest == busiest
    assert cloud.overlaps == []


def test_one_call_at_a_time_for_each_server_and_volume() -> None:
    steps = [
        step(Verb.ATTACH, *SHARED),
        *(step(Verb.ATTACH, key(one.server_id, f"own-{one.server_id}")) for one in SHARED),
        *(step(Verb.ATTACH, key(f"t{n}", "shared")) for n in range(3)),
    ]
    cloud = FakeCloud()
    performed(cloud, *steps)
    assert cloud.overlaps == []
    assert len(cloud.attached) == 4 + 4 + 3


def test_what_arrives_waits_for_what_leaves() -> None:
    old, new = key("s1", "v1"), key("s2", "v1")
    cloud = FakeCloud(attached={old})
    arrival = step(Verb.ATTACH, new, needs={new: old})
    outcomes = performed(cloud, arrival, step(Verb.DETACH, old))
    assert {verdict for _, verdict, _ in flat(outcomes)} == {"done"}
    assert [call.verb for call in cloud.calls] == [Verb.DETACH, Verb.ATTACH]
    assert cloud.attached == {new}


def test_a_failed_need_refuses_its_dependants_but_not_the_rest_of_the_batch() -> None:
    old = key(SHARED[0].server_id, "other")
    cloud = FakeCloud(attached={old}, answers={Verb.DETACH: queue(REFUSED), Verb.ATTACH: queue()})
    batch = step(Verb.ATTACH, *SHARED, needs={SHARED[0]: old})
    outcomes = performed(cloud, step(Verb.DETACH, old), batch)
    told = {one: (verdict, code) for one, verdict, code in flat(outcomes)}
    assert told.pop(SHARED[0]) == ("refused", "needs-failed")
    assert told.pop(old) == ("refused", "no")
    assert set(told.values()) == {("done", "")}
    assert cloud.calls[-1].keys == SHARED[1:]


def test_a_batch_refused_as_a_whole_is_looked_at_and_cut() -> None:
    cloud = FakeCloud(attached={SHARED[0]}, answers={Verb.ATTACH: queue(REFUSED)})
    outcomes = performed(cloud, step(Verb.ATTACH, *SHARED))
    assert [call.keys for call in cloud.calls] == [SHARED, SHARED[1:]]
    assert {verdict for _, verdict, _ in flat(outcomes)} == {"done"}


def test_a_batch_refused_again_goes_in_singles() -> None:
    cloud = FakeCloud(attached={SHARED[0]}, answers={Verb.ATTACH: queue(REFUSED, REFUSED, REFUSED)})
    outcomes = performed(cloud, step(Verb.ATTACH, *SHARED))
    assert [len(call.keys) for call in cloud.calls] == [4, 3, 1, 1, 1]
    assert Counter(verdict for _, verdict, _ in flat(outcomes)) == {"done": 3, "refused": 1}
    assert {one for one, _, _ in flat(outcomes)} == set(SHARED)


def test_a_batch_that_nobody_can_look_at_goes_in_singles() -> None:
    blind = [ProviderError("no", retryable=False)]
    cloud = FakeCloud(answers={Verb.ATTACH: queue(REFUSED)})
    cloud.blind.extend(blind)
    outcomes = performed(cloud, step(Verb.ATTACH, *SHARED))
    assert [len(call.keys) for call in cloud.calls] == [4, 1, 1, 1, 1]
    assert {verdict for _, verdict, _ in flat(outcomes)} == {"done"}


def test_denied_stops_every_further_call() -> None:
    cloud = FakeCloud(always=DENIED)
    steps = [step(Verb.ATTACH, key(f"s{n:02}", f"v{n:02}")) for n in range(40)]
    outcomes = performed(cloud, *steps, at_once=2)
    assert Counter((verdict, code) for _, verdict, code in flat(outcomes)) == {
        ("refused", "key"): 40
    }
    assert len(cloud.calls) <= 2


def test_denied_stops_those_who_wait_for_a_busy_cloud() -> None:
    cloud = FakeCloud(answers={Verb.ATTACH: queue(BUSY, DENIED, ACCEPTED)})
    performed(
        cloud, step(Verb.ATTACH, key("s1", "v1")), step(Verb.ATTACH, key("s2", "v2")), at_once=2
    )
    assert len(cloud.calls) == 2


def test_a_call_without_answer_or_trace_is_sent_again_and_then_failed() -> None:
    cloud = FakeCloud(always=SILENT)
    outcomes = performed(cloud, step(Verb.ATTACH, key("s1", "v1")))
    assert len(cloud.calls) == 1 + SENT_AGAIN
    assert list(flat(outcomes)) == [(key("s1", "v1"), "failed", "no-answer")]


def test_a_call_without_answer_that_happened_is_not_sent_again() -> None:
    one = key("s1", "v1")
    cloud = FakeCloud(attached={one}, always=SILENT)
    outcomes = performed(cloud, step(Verb.ATTACH, one))
    assert len(cloud.calls) == 1
    assert list(flat(outcomes)) == [(one, "done", "")]


def test_a_busy_cloud_is_asked_again_when_it_said() -> None:
    cloud = FakeCloud(answers={Verb.ATTACH: queue(BUSY, BUSY)}, job_s=0.0)

    async def story() -> float:
        await execute(scheduled(step(Verb.ATTACH, key("s1", "v1"))), run_of(cloud))
        return asyncio.get_running_loop().time()

    assert run(story()) >= 10.0
    assert len(cloud.calls) == 3


def test_a_batch_that_is_busy_to_the_end_is_not_tried_again_in_singles() -> None:
    cloud = FakeCloud(always=BUSY)
    outcomes = performed(cloud, step(Verb.ATTACH, *SHARED))
    assert {verdict for _, verdict, _ in flat(outcomes)} == {"refused"}
    assert {call.keys for call in cloud.calls} == {SHARED}


def test_a_silence_longer_than_anybody_waits_ends_the_call() -> None:
    cloud = FakeCloud(always=Receipt(answer=Answer.BUSY, code="busy", retry_after_s=86_400.0))
    performed(cloud, step(Verb.ATTACH, key("s1", "v1")))
    assert len(cloud.calls) == 1


def test_whoever_waits_for_a_busy_server_leaves_its_slot_to_others() -> None:
    cloud = FakeCloud()
    cloud.answers[Verb.DETACH] = queue(Receipt(answer=Answer.BUSY, code="busy", retry_after_s=60.0))
    busy, idle = step(Verb.DETACH, key("s1", "v1")), step(Verb.ATTACH, key("s2", "v2"))

    async def story() -> float:
        await execute(scheduled(busy, idle), run_of(cloud, at_once=1))
        return asyncio.get_running_loop().time()

    run(story())
    assert [call.verb for call in cloud.calls] == [Verb.DETACH, Verb.ATTACH, Verb.DETACH]


@pytest.mark.parametrize("verb", [Verb.ATTACH, Verb.DETACH])
def test_what_is_never_seen_is_unknown_and_never_done(verb: Verb) -> None:
    one = key("s1", "v1")
    cloud = FakeCloud(attached={one} if verb is Verb.DETACH else set(), effective=False)

    async def story() -> tuple[Mapping[str, Outcomes], float]:
        use = run_of(cloud, deadline_s=20.0)
        return await execute(scheduled(step(verb, one)), use), asyncio.get_running_loop().time()

    outcomes, took_s = run(story())
    assert [verdict for _, verdict, _ in flat(outcomes)] == [Verdict.UNKNOWN.value]
    (told,) = (one.message for outcome in outcomes.values() for one in outcome.values())
    assert told.endswith("; when last seen: as it was, in every view, and at rest")
    assert took_s < 25.0
    assert len(cloud.calls) == 1


def test_a_look_that_may_lack_rows_proves_nothing() -> None:
    one = key("s1", "v1")
    cloud = FakeCloud(attached={one}, effective=False, loses_rows=True)

    async def story() -> Mapping[str, Outcomes]:
        return await execute(scheduled(step(Verb.DETACH, one)), run_of(cloud, deadline_s=20.0))

    outcomes = run(story())
    assert [verdict for _, verdict, _ in flat(outcomes)] == [Verdict.UNKNOWN.value]
    (told,) = (one.message for outcome in outcomes.values() for one in outcome.values())
    assert told.endswith("; no look could tell how it is")
    assert len(cloud.looks) > 3


class FullJournal(MemoryJournal):
    """A journal that takes so many lines and no more."""

    left = 2

    def begin(self, intent: Intent) -> int:
        """Write it down while there is room."""
        if not self.left:
            raise JournalError("the disk is full")
        self.left -= 1
        return super().begin(intent)


def test_a_journal_that_is_full_stops_the_next_request() -> None:
    cloud = FakeCloud()
    steps = [step(Verb.ATTACH, key("s1", f"v{n}")) for n in range(9)]

    async def story() -> None:
        use = run_of(cloud)
        full = type(use)(
            id=use.id,
            journal=FullJournal(),
            events=use.events,
            settling=use.settling,
            at_once=use.at_once,
        )
        await execute(scheduled(*steps), full)

    with pytest.raises(BaseExceptionGroup) as told:
        run(story())
    assert told.group_contains(JournalError)
    assert len(cloud.calls) == 2
