"""One kill: an apply dies at a point, is run again, and once more."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.kills import witness
from tests.kills.running import Place
from tests.kills.story import SAMSUNG

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.kills.running import Cloud
    from tests.kills.story import Story

HANDLE = "handle-durable"
POINTS: Mapping[str, tuple[str, ...]] = {
    "before-intent": ("before-intent",),
    "intent-durable": ("intent-durable",),
    "request-sent": ("request-sent",),
    "response": ("response", HANDLE),
    "verdict": ("verdict-durable",),
}
"""Where a run is killed: each point, and the places that it is hit at, in pace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a run may take."""

    hurry: float | None = None
    """How many times faster the event loops run; None: processes as everybody runs them."""
    thrice: bool = True
    """Whether it is run once more when there is nothing left to do."""


PLAIN = Pace()


def killed_at(
    point: str, story: Story, cloud: Cloud, folder: Path, pace: Pace = PLAIN
) -> witness.Verdict:
    """Kill an apply at a point, run it again, and tell what is wrong."""
    place = Place(story=story, cloud=cloud, folder=folder / f"{story.name}-{point}")
    place.lay()
    where, nth = aimed(point, story)
    found = witness.Verdict(note=f"{story.title}, {where} {nth} of {story.calls}")
    hurried = {} if pace.hurry is None else {"hurry": pace.hurry}
    dead = place.apply("first", {"point": where, "nth": nth, **hurried})
    witness.judge_killed(dead, found)
    before = cloud.sent_by_the_dead(story)
    witness.judge_dead(dead, before, story, found)
    known, kept = place.intents(), witness.kept_ids(place)
    rerun = place.apply("second", hurried)
    after = cloud.sent(story)
    found.add(witness.judge_adopted(story, rerun, known, before))
    witness.judge_report(story, rerun, after[len(before) :], found)
    if pace.thrice:
        last = place.apply("third", hurried)
        witness.judge_quiet(last, cloud.sent(story)[len(after) :], found)
    witness.judge_cloud(place, cloud.sent(story), found)
    witness.judge_kept(place, kept, found)
    return found


def aimed(point: str, story: Story) -> tuple[str, int]:
    """Give the place and the passage at which a story's apply dies."""
    dice = random.Random(f"{story.number}/{point}")
    where = dice.choice(POINTS[point])
    if where != HANDLE:
        return where, dice.randint(1, story.calls)
    # Only a change that is a job has a handle: no change of Samsung's, no update.
    jobs = [w for part in story.parts if part.provider != SAMSUNG for w in part.writes]
    handles = sum(write.verb != "update" for write in jobs)
    return (where, dice.randint(1, handles)) if handles else aimed_at_answer(dice, story)


def aimed_at_answer(dice: random.Random, story: Story) -> tuple[str, int]:
    """Give a death after an answer, where no answer names a job."""
    return "response", dice.randint(1, story.calls)
