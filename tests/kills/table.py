"""Which runs there are, in which order, and the table that comes of them."""

from __future__ import annotations

import sys
import tempfile
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.main import VERBS
from tests.kills.lease import (
    APART_S,
    CLOCK_CASES,
    TRIES,
    clock_back,
    killed_owner,
    two_appliers,
)
from tests.kills.points import POINTS, Pace, killed_at
from tests.kills.running import clouds
from tests.kills.story import story_of
from tests.kills.witness import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.kills.running import Cloud
    from tests.kills.story import Story

LEASES = {"two-appliers": two_appliers, "killed-owner": killed_owner, "clock-back": clock_back}
ROWS = (*POINTS, *LEASES)
BESIDE = 100_000
"""From here on the numbers of stories are those of the lease: theirs are ids of their own."""
LEASE_SHARE = 20
"""For so many kills there is one run of each row about the lease."""
LEASE_LEAST = 4
OWNER_JOBS_S = {"two-appliers": 0.6, "killed-owner": 0.6, "clock-back": 3.0}
"""Long enough for an owner to be met while its change is in flight."""
SLOW_S = 17.0
"""Longer than a lease: an owner keeps it only because it lives."""
SLOW = ("two-appliers", 1)
"""The run that is so slow."""
TOGETHER = 10
"""Stories that one simulator serves."""
HEAD = "point            |  runs | changes | sent twice |  lost | wrong reports"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One run of the table: the row it belongs to, its story, what is done."""

    row: str
    stories: tuple[Story, ...]
    """The first one is told; the others stand by."""
    act: Callable[[Cloud, Path], Verdict]
    kills: int = 1


@dataclass(slots=True)
class Tally:
    """What the runs of a row came to."""

    runs: int = 0
    kills: int = 0
    sum: Verdict = field(default_factory=Verdict)


def has_lease() -> bool:
    """Tell whether this checkout has a lease."""
    return "lock" in VERBS


def kills(runs: int, seed: int, chosen: Sequence[str], hurry: float | None) -> list[Turn]:
    """Give the kills of the chosen points; a story's number says at which one it dies."""
    points = tuple(POINTS)
    numbers = (number for number in count() if points[number % len(points)] in chosen)
    wanted = islice(numbers, runs if set(points) & set(chosen) else 0)
    return [_kill(points[n % len(points)], story_of(n, seed), hurry) for n in wanted]


def _kill(point: str, story: Story, hurry: float | None) -> Turn:
    return Turn(
        row=point,
        stories=(story,),
        act=lambda cloud, folder: killed_at(point, story, cloud, folder, Pace(hurry=hurry)),
    )


def leases(runs: int, seed: int, chosen: Sequence[str]) -> list[Turn]:
    """Give the runs of the chosen rows about the lease."""
    each = max(LEASE_LEAST, runs // LEASE_SHARE)
    rows = [(start, row) for start, row in enumerate(LEASES) if row in chosen]
    return [
        _lease(row, turn, BESIDE + len(LEASES) * turn + start, seed)
        for start, row in rows
        for turn in range(each)
    ]


def _lease(row: str, turn: int, number: int, seed: int) -> Turn:
    job_s = SLOW_S if (row, turn) == SLOW else OWNER_JOBS_S[row]
    stories = tuple(story_of(BESIDE * n + number, seed, job_s=job_s) for n in range(TRIES))

    def act(cloud: Cloud, folder: Path) -> Verdict:
        found = Verdict(apart_s=APART_S + 1, note="")
        for story in stories:
            if found.apart_s <= APART_S:
                break
            again = LEASES[row](turn, story, cloud, folder)
            again.add(found)
            found = again
        if found.apart_s > APART_S:
            found.wrong.append(f"in {TRIES} tries they never began within {APART_S * 1000} ms")
        return found

    killing = row == "killed-owner" or (row == "clock-back" and turn % len(CLOCK_CASES) == 0)
    return Turn(row=row, stories=stories, act=act, kills=int(killing))


class Runs:
    """Runs that are made, some at once; `tallies` has what has ended so far, whatever ends them."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self._one_at_a_time = threading.Lock()
        self._stopping = threading.Event()

    def make(self, turns: Sequence[Turn], jobs: int) -> None:
        """Make these; tell what is wrong as it comes up. An interrupt waits for those under way."""
        size = min(TOGETHER, -(-len(turns) // jobs) or 1)
        groups = [turns[n : n + size] for n in range(0, len(turns), size)]
        with ThreadPoolExecutor(jobs) as pool:
            try:
                for number, _ in enumerate(pool.map(self._together, groups), start=1):
                    print(f"{min(number * size, len(turns))} of {len(turns)}", file=sys.stderr)
            except BaseException:
                self._stopping.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _together(self, turns: Sequence[Turn]) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with clouds([story for turn in turns for story in turn.stories], folder) as cloud:
                for turn in turns:
                    if self._stopping.is_set():
                        return
                    found = _run(turn, cloud, folder)
                    found.wrong += [f"nobody documented {one}" for one in cloud.strangers()]
                    with self._one_at_a_time:
                        _add(self.tallies.setdefault(turn.row, Tally()), turn, found)


def _run(turn: Turn, cloud: Cloud, folder: Path) -> Verdict:
    try:
        return turn.act(cloud, folder)
    except Exception:  # noqa: BLE001 - one run that can't be judged must not hide the others
        return Verdict(wrong=[traceback.format_exc()], note=turn.stories[0].title)


def _add(tally: Tally, turn: Turn, found: Verdict) -> None:
    tally.runs += 1
    tally.kills += turn.kills
    tally.sum.add(found)
    if turn.row in LEASES or not found.clean:
        print(f"{'ok' if found.clean else 'BAD':3} {turn.row}: {found.note}", flush=True)
    for kind, lines in (("twice", found.twice), ("lost", found.lost), ("wrong", found.wrong)):
        for line in lines:
            print(f"      {kind}: {line}", flush=True)


def table(tallies: dict[str, Tally]) -> Iterable[str]:
    """Give the lines of the table, and the one that sums it up."""
    yield HEAD
    for row in ROWS:
        if row in tallies:
            t = tallies[row]
            counts = (len(t.sum.twice), len(t.sum.lost), len(t.sum.wrong))
            yield (
                f"{row:16} | {t.runs:5} | {t.sum.changes:7} | {counts[0]:10} | {counts[1]:5} | "
                f"{counts[2]:13}"
            )
    every = Verdict()
    for tally in tallies.values():
        every.add(tally.sum)
    yield (
        f"{sum(tally.kills for tally in tallies.values())} kills, {len(every.twice)} sent twice, "
        f"{len(every.lost)} lost, {len(every.wrong)} wrong reports"
    )


def clean(tallies: dict[str, Tally]) -> bool:
    """Tell whether nothing was wrong in any run."""
    return bool(tallies) and all(tally.sum.clean for tally in tallies.values())
