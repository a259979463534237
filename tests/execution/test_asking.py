"""Who asks a job, and when, while nobody knows how long jobs take."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import ProviderError
from reconciler.execution.asking import Asking
from reconciler.execution.pace import ScopePace
from reconciler.execution.resting import Rest
from reconciler.execution.watcher import Durations
from reconciler.model.call import Verb
from reconciler.model.outcome import JobState, Progress
from tests.rig.virtual_time import run

from .fakes import PATIENCE, FakeCloud

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.execution.asking import Ended

STUCK = math.inf


@dataclass
class Jobs(FakeCloud):
    """A cloud of which only jobs are asked; each ends at its second."""

    ends_s: Mapping[str, float] = field(default_factory=dict)
    ends: JobState = JobState.SUCCEEDED
    tells: bool = True
    answers_after_s: float = 0.0
    took_s: float | None = None

    async def track(self, handle: str) -> Progress:
        """Say whether it runs."""
        self.tracked += 1
        await asyncio.sleep(self.answers_after_s)
        if not self.tells:
            raise ProviderError("no", code="no")
        running = asyncio.get_running_loop().time() < self.ends_s[handle]
        return Progress(state=JobState.RUNNING if running else self.ends, took_s=self.took_s)


def asked(
    cloud: Jobs,
    deadline_s: float = 600.0,
    durations: Durations | None = None,
    crowd_of: float | None = math.nan,
) -> list[tuple[Ended, float]]:
    """Ask every job of a cloud to its end; give each end, and when it was known.

    `crowd_of` is the limit of the scope that they are a crowd of; NaN: they are none.
    """
    durations = durations or Durations({})
    crowded = crowd_of is None or not math.isnan(crowd_of)

    rest = Rest(PATIENCE.clock, None)

    async def one(handle: str) -> tuple[Ended, float]:
        loop = asyncio.get_running_loop()
        asking = Asking(
            verb=Verb.DETACH,
            handle=handle,
            provider=cloud,
            patience=PATIENCE,
            durations=durations,
            deadline_s=deadline_s,
            crowded=lambda: crowded,
            rest=rest,
            began_s=loop.time(),
        )
        return await asking.end(in_turn=True), loop.time()

    async def story() -> list[tuple[Ended, float]]:
        nonlocal rest
        rest = Rest(PATIENCE.clock, ScopePace(PATIENCE.clock, crowd_of) if crowded else None)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(handle)) for handle in cloud.ends_s]
        return [task.result() for task in tasks]

    return run(story())


def many(*ends_s: float) -> Mapping[str, float]:
    return {f"job-{number}": seconds for number, seconds in enumerate(ends_s)}


@pytest.mark.parametrize(
    ("ends_s", "questions", "known_s"),
    [
        pytest.param([2.0], 2, [3.5], id="one alone asks twice"),
        pytest.param([2.0] * 32, 2 + 31, [3.5] * 32, id="many: two turns, and one question each"),
        pytest.param([60.0] * 32, 22 + 31, [61.5] * 32, id="long ones cost little more"),
        pytest.param([STUCK, *[2.0] * 9], 91, [600.0, *[3.5] * 9], id="one that never ends"),
    ],
)
def test_calls_of_an_unknown_length_take_turns(
    ends_s: Sequence[float], questions: int, known_s: Sequence[float]
) -> None:
    cloud = Jobs(ends_s=many(*ends_s))
    assert [at_s for _, at_s in asked(cloud)] == pytest.approx(known_s, abs=0.2)
    assert cloud.tracked <= questions


def test_what_one_learned_lets_the_others_learn_as_well() -> None:
    ends = asked(Jobs(ends_s=many(*[2.0] * 32)))
    middle_s = (1.5 + 3.5) / 2
    assert [took_s for (_, took_s), _ in ends] == pytest.approx([middle_s] * 32)


@pytest.mark.parametrize(
    ("cloud", "known_s"),
    [
        pytest.param(Jobs(ends=JobState.FAILED), 1.5, id="all fail at once"),
        pytest.param(Jobs(ends=JobState.GONE), 1.5, id="the cloud knows none of them"),
        pytest.param(Jobs(tells=False), 1.5, id="they can't be asked"),
    ],
)
def test_an_answer_that_is_not_running_ends_the_turns(cloud: Jobs, known_s: float) -> None:
    cloud.ends_s = many(*[0.1] * 32)
    ends = asked(cloud)
    assert max(at_s for _, at_s in ends) <= known_s + 0.1
    assert cloud.tracked == 32


@pytest.mark.parametrize(
    ("told_s", "took_s"),
    [(2.0, 2.0), (None, 2.5), (9.0, 2.5), (0.3, 2.5)],
    ids=["what fits", "nothing", "more than there was time for", "less than it was seen running"],
)
def test_what_the_cloud_says_is_believed_where_it_fits(told_s: float | None, took_s: float) -> None:
    (((_, learned_s), _),) = asked(Jobs(ends_s=many(2.0), took_s=told_s))
    assert learned_s == pytest.approx(took_s)


@pytest.mark.parametrize(
    ("cloud", "limit", "questions", "learned_s"),
    [
        pytest.param(Jobs(took_s=2.0), None, 2, 2.0, id="what the cloud tells"),
        pytest.param(Jobs(), None, 2, 2.0, id="the middle of two questions"),
        pytest.param(Jobs(ends_s=many(*[60.0] * 60)), None, 5, None, id="long ones: looks tell"),
        pytest.param(Jobs(tells=False), None, 1, None, id="they can't be asked: look soon"),
        pytest.param(Jobs(), 50.0, 0, None, id="looks cost little beside a limit"),
    ],
)
def test_of_a_crowd_one_asks_for_all(
    cloud: Jobs, limit: float | None, questions: int, learned_s: float | None
) -> None:
    cloud.ends_s = cloud.ends_s or many(*[2.0] * 60)
    durations = Durations({})
    asked(cloud, durations=durations, crowd_of=limit)
    assert cloud.tracked == questions
    assert durations.expected_s(Verb.DETACH) == pytest.approx(learned_s)


def test_a_question_that_is_not_answered_holds_no_looks_up() -> None:
    silent = Jobs(ends_s=many(*[2.0] * 60), answers_after_s=1000.0)
    assert max(at_s for _, at_s in asked(silent, crowd_of=None)) == pytest.approx(1.5 + 5.0)


def test_nobody_waits_for_a_turn_beyond_the_deadline() -> None:
    ends = asked(Jobs(ends_s=many(*[STUCK] * 32)), deadline_s=60.0)
    assert [at_s for _, at_s in ends] == pytest.approx([60.0] * 32)
    assert {ended for ended, _ in ends} == {(None, None)}
