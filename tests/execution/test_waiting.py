"""Backoff, patience, pace, waits and shared looks, all in virtual time."""

from __future__ import annotations

import asyncio
from itertools import accumulate, islice, pairwise
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ProviderError
from reconciler.execution.clock import LoopClock
from reconciler.execution.executor import execute
from reconciler.execution.pace import ScopePace
from reconciler.execution.retry import Backoff
from reconciler.execution.settle import settle
from reconciler.execution.watcher import (
    LATER_SHARE,
    LONGEST_LATER_S,
    LONGEST_S,
    Durations,
    Watcher,
    waits_s,
)
from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Answer, Receipt, Verdict
from tests.execution.fakes import PATIENCE, FakeCloud, flat, key, run_of, scheduled, step
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Callable

BACKOFF = Backoff(attempts=4)


@pytest.mark.parametrize(
    ("attempt", "after_s", "chance", "delay_s"),
    [
        pytest.param(0, None, 0.0, 1.0, id="the first retry waits the first delay"),
        pytest.param(2, None, 0.0, 4.0, id="each retry waits twice as long"),
        pytest.param(2, None, 1.0, 5.0, id="chance adds its share"),
        pytest.param(1, 17.0, 1.0, 17.0, id="the cloud's wish wins, to the second"),
        pytest.param(1, 300.0, 0.0, 300.0, id="the longest wish is granted"),
        pytest.param(1, 301.0, 0.0, None, id="a longer one is given up"),
        pytest.param(4, None, 0.0, None, id="after the last attempt nobody asks again"),
        pytest.param(4, 1.0, 0.0, None, id="not even when the cloud says when"),
    ],
)
def test_backoff(attempt: int, after_s: float | None, chance: float, delay_s: float | None) -> None:
    assert BACKOFF.delay_s(attempt, after_s, chance) == delay_s


def test_backoff_never_exceeds_its_cap_by_more_than_chance() -> None:
    patient = Backoff(attempts=50)
    delays = [patient.delay_s(attempt, None, 0.0) for attempt in range(50)]
    assert max(delay for delay in delays if delay is not None) == patient.cap_s


class Reads:
    """A read that raises in turn, then gives its count."""

    def __init__(self, *errors: ProviderError) -> None:
        self.errors = list(errors)
        self.asked = 0

    async def __call__(self) -> int:
        """Raise the next error, or give how often it was asked."""
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return self.asked


def again(after_s: float | None = None) -> ProviderError:
    """Give an error that may pass."""
    return ProviderError("busy", retryable=True, retry_after_s=after_s)


def test_a_read_is_asked_again_while_it_may_pass() -> None:
    async def story() -> float:
        assert await PATIENCE.read(Reads(again(), again(9.0))) == 3
        return asyncio.get_running_loop().time()

    assert run(story()) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("error", "asked"),
    [
        pytest.param(ProviderError("no"), 1, id="what won't pass is asked once"),
        pytest.param(again(86_400.0), 1, id="an absurd Retry-After is given up"),
        pytest.param(again(float("inf")), 1, id="and so is an endless one"),
    ],
)
def test_a_read_that_will_not_pass_raises(error: ProviderError, asked: int) -> None:
    reads = Reads(error)
    with pytest.raises(ProviderError):
        run(PATIENCE.read(reads))
    assert reads.asked == asked


def test_a_read_that_fails_for_ever_is_bounded() -> None:
    reads = Reads(*(again() for _ in range(100)))
    with pytest.raises(ProviderError):
        run(PATIENCE.read(reads))
    assert reads.asked <= PATIENCE.backoff.attempts + 1


class LateClock(LoopClock):
    """A clock of a busy loop: whoever sleeps wakes up a little later than asked for."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds + 0.004)


def leaves(
    requests: int,
    per_s: float | None,
    then: Callable[[ScopePace], None] | None = None,
    clock: type[LoopClock] = LoopClock,
) -> list[float]:
    """Give when so many requests that want to leave at once do leave."""

    async def story() -> list[float]:
        pace = ScopePace(clock(), per_s)
        times: list[float] = []

        async def one() -> None:
            await pace.turn()
            times.append(asyncio.get_running_loop().time())

        async with asyncio.TaskGroup() as group:
            for _ in range(requests):
                group.create_task(one())
            await asyncio.sleep(0.5)
            if then is not None:
                then(pace)
        assert pace.requests == requests
        return times

    return run(story())


def most_in_a_second(times: list[float]) -> int:
    """Give the most requests of any second, the end of the second left out."""
    return max(sum(start <= at < start + 0.999 for at in times) for start in times)


@pytest.mark.parametrize("per_s", [1.0, 5.0, 20.0])
def test_no_second_holds_more_requests_than_the_limit(per_s: float) -> None:
    assert most_in_a_second(leaves(60, per_s)) <= per_s


@pytest.mark.parametrize("per_s", [10.0, 50.0])
def test_what_a_busy_loop_sends_late_is_made_up_for(per_s: float) -> None:
    times = leaves(200, per_s, clock=LateClock)
    assert most_in_a_second(times) <= per_s
    assert 200 / times[-1] >= 0.99 * per_s


def test_after_a_rest_requests_do_not_leave_at_once() -> None:
    async def story() -> list[float]:
        clock = LoopClock()
        pace = ScopePace(clock, 50.0)
        await clock.sleep(100.0)
        times = []
        for _ in range(100):
            await pace.turn()
            times.append(clock.monotonic())
        return times

    times = run(story())
    assert times.count(times[0]) <= 4
    assert most_in_a_second(times) <= 50


def test_without_a_limit_nothing_waits() -> None:
    assert set(leaves(50, None)) == {0.0}


def test_a_hold_lets_nothing_leave_and_no_burst_follows_it() -> None:
    times = leaves(60, 5.0, lambda pace: pace.hold(10.0))
    assert not [at for at in times if 0.5 < at < 10.5]
    assert most_in_a_second(times) <= 5
    assert max(times) < 25


def test_a_shorter_hold_does_not_shorten_a_longer_one() -> None:
    def both(pace: ScopePace) -> None:
        pace.hold(10.0)
        pace.hold(1.0)

    times = leaves(10, 5.0, both)
    assert not [at for at in times if 0.5 < at < 10.5]


def test_the_first_question_comes_when_the_learned_time_says() -> None:
    assert next(waits_s(40.0)) == pytest.approx(42.0)
    assert list(islice(waits_s(None), 5)) == [0.5, 1.0, 2.0, 2.0, 2.0]
    assert max(islice(waits_s(3.0), 1, 12)) == LONGEST_S


def test_what_is_late_by_minutes_is_asked_less_often() -> None:
    waits = list(islice(waits_s(3.0), 1, 60))
    late_s = list(accumulate(waits, initial=0.0))
    assert max(waits) == LONGEST_LATER_S
    assert all(a <= b for a, b in pairwise(waits))
    assert all(w <= max(LONGEST_S, at * LATER_SHARE) for w, at in zip(waits, late_s, strict=False))
    assert sum(at < 300.0 for at in late_s) < 60


def test_durations_learn_the_median_and_start_from_what_was_learned() -> None:
    learned = Durations({"attach": 30.0})
    assert learned.expected_s(Verb.ATTACH) == 30.0
    assert learned.expected_s(Verb.DETACH) is None
    for seconds in (4.0, 100.0, 5.0):
        learned.add(Verb.ATTACH, seconds)
    assert learned.expected_s(Verb.ATTACH) == 5.0


def test_what_the_cloud_tells_counts_only_where_its_times_are_alike() -> None:
    learned = Durations({})
    learned.add(Verb.DETACH, 3.0)
    learned.tell(Verb.DETACH, 2.0)
    assert (learned.told_s(Verb.DETACH), learned.expected_s(Verb.DETACH)) == (2.0, 2.0)
    learned.tell(Verb.DETACH, 9.0)
    assert (learned.told_s(Verb.DETACH), learned.expected_s(Verb.DETACH)) == (None, 3.0)


@pytest.mark.parametrize(("age_s", "learns"), [(0.0, True), (300.0, False)], ids=["own", "adopted"])
def test_a_call_of_an_earlier_run_teaches_nobody_how_long_jobs_take(
    age_s: float, *, learns: bool
) -> None:
    one = key("s1", "v1")
    receipt = Receipt(answer=Answer.ACCEPTED, handle="job-1")
    use = run_of(FakeCloud()).settling
    outcomes = run(settle(Call(verb=Verb.DETACH, keys=(one,)), receipt, use, age_s))
    assert outcomes[one].verdict is Verdict.DONE
    assert (outcomes[one].took_s is not None) is learns
    assert (use.durations.expected_s(Verb.DETACH) is not None) is learns


def test_many_steps_share_one_look() -> None:
    cloud = FakeCloud(attached={key("s1", "v1")})

    async def story() -> None:
        watcher = Watcher(cloud, PATIENCE)
        async with asyncio.TaskGroup() as group:
            for n in range(50):
                group.create_task(watcher.look([key("s1", f"v{n}")]))

    run(story())
    assert [len(look) for look in cloud.looks] == [50]


def test_who_comes_while_a_look_is_under_way_gets_a_look_that_began_later() -> None:
    cloud = FakeCloud(look_s=5.0)

    async def story() -> None:
        watcher = Watcher(cloud, PATIENCE)
        async with asyncio.TaskGroup() as group:
            group.create_task(watcher.look([key("s1", "v1")]))
            await asyncio.sleep(1.0)
            cloud.attached.add(key("s2", "v2"))
            late = group.create_task(watcher.look([key("s2", "v2")]))
        assert set((await late).observed) == {key("s2", "v2")}

    run(story())
    assert [len(look) for look in cloud.looks] == [1, 1]


@pytest.mark.parametrize("cancelled_s", [0.05, 1.0], ids=["while gathering", "while looking"])
def test_a_leader_that_is_cancelled_leaves_nobody_waiting(cancelled_s: float) -> None:
    cloud = FakeCloud(look_s=5.0)

    async def story() -> None:
        watcher = Watcher(cloud, PATIENCE)
        leader = asyncio.ensure_future(watcher.look([key("s1", "v1")]))
        await asyncio.sleep(0)
        follower = asyncio.ensure_future(watcher.look([key("s2", "v2")]))
        await asyncio.sleep(cancelled_s)
        leader.cancel()
        with pytest.raises(ProviderError) as told:
            await asyncio.wait_for(follower, 60.0)
        assert told.value.retryable
        await asyncio.wait_for(watcher.look([key("s2", "v2")]), 60.0)

    run(story())


def test_a_look_that_fails_fails_for_all_who_share_it() -> None:
    cloud = FakeCloud()
    cloud.blind.append(ProviderError("no", code="no"))

    async def story() -> None:
        watcher = Watcher(cloud, PATIENCE)
        looks = [asyncio.ensure_future(watcher.look([key("s1", f"v{n}")])) for n in range(3)]
        ends = await asyncio.gather(*looks, return_exceptions=True)
        assert [getattr(end, "code", None) for end in ends] == ["no"] * 3

    run(story())


def test_a_run_that_is_given_up_leaves_no_error_behind() -> None:
    complaints: list[object] = []

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
        watcher = Watcher(FakeCloud(look_s=5.0), PATIENCE)
        looks = [asyncio.ensure_future(watcher.look([key("s1", f"v{n}")])) for n in range(3)]
        await asyncio.sleep(1.0)
        for look in reversed(looks):
            look.cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*looks, return_exceptions=True)
        del looks, watcher

    run(story())
    assert complaints == []


def test_a_crowd_shares_listings_and_asks_no_jobs() -> None:
    keys = [key(f"s{n:04}", f"v{n:04}") for n in range(400)]
    cloud = FakeCloud(attached=set(keys), job_s=20.0, shows_motion=True)
    made = run_of(cloud)
    made.settling.watcher.listing_requests = 2

    async def story() -> float:
        await execute(scheduled(*(step(Verb.DETACH, one) for one in keys)), made)
        return asyncio.get_running_loop().time()

    took_s = run(story())
    assert not cloud.attached
    assert 20.0 <= took_s < 24.0
    assert cloud.tracked == 0
    assert len(cloud.looks) <= took_s / 2, "two requests each, one a second"


@pytest.mark.parametrize(
    ("tells_s", "asked", "rounds_s"),
    [
        pytest.param(20.0, 1, 21.0, id="one job tells it for all rounds"),
        pytest.param(None, 1, 24.0, id="who doesn't tell isn't asked again"),
        pytest.param(900.0, 1, 24.0, id="who tells what can't be isn't asked again"),
    ],
)
def test_a_crowd_asks_a_job_for_its_time_while_others_are_to_come(
    tells_s: float | None, asked: int, rounds_s: float
) -> None:
    keys = [key(f"s{n % 60:04}", f"v{n:04}") for n in range(360)]
    cloud = FakeCloud(attached=set(keys), job_s=20.0, shows_motion=True, tells_s=tells_s)

    async def story() -> float:
        await execute(scheduled(*(step(Verb.DETACH, one) for one in keys)), run_of(cloud))
        return asyncio.get_running_loop().time()

    assert 120.0 <= run(story()) <= 6 * rounds_s
    assert (cloud.attached, cloud.tracked) == (set(), asked)


def test_a_crowd_whose_changes_do_not_happen_asks_each_job_why() -> None:
    keys = [key(f"s{n:04}", f"v{n:04}") for n in range(60)]
    cloud = FakeCloud(attached=set(keys), effective=False)
    outcomes = run(execute(scheduled(*(step(Verb.DETACH, one) for one in keys)), run_of(cloud)))
    assert {verdict for _, verdict, _ in flat(outcomes)} == {"failed"}
    assert 60 <= cloud.tracked <= 120
