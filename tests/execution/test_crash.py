"""Die at every line of the journal in turn: a plain rerun converges and does nothing twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from reconciler.execution.executor import execute
from reconciler.execution.recovery import adopt
from reconciler.execution.sending import Run
from reconciler.execution.settle import Settling
from reconciler.execution.watcher import Durations, Watcher
from reconciler.operations.applied import Ending
from reconciler.operations.plans import Terms, planned
from reconciler.operations.sessions import opened
from tests.contract.worlds import huawei_ecs
from tests.rig.plot import Plot, Wanted
from tests.rig.stage import in_line, stage
from tests.rig.transport import Died, InProcess
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.model.outcome import Outcomes
    from reconciler.model.record import Intent, OpenIntent
    from reconciler.operations.sessions import Session
    from reconciler.ports import Journal
    from tests.rig.stage import Stage

PLOT = Plot(
    servers=("s1", "s2", "s3"),
    volumes=("v1", "v2"),
    shared=("shared",),
    attached=(("s1", "v1"), ("s2", "shared"), ("s3", "shared")),
    job_s=5.0,
    latency_s=0.05,
)
WANTED = Wanted(provider="huawei-ecs", servers={"s1": ["v2"], "s2": ["v1"]}, volumes={"shared": []})
METHODS = ("begin", "accepted", "end")


@dataclass
class Mortal:
    """The real pages until the call that is the last one; after it nothing is written or sent."""

    pages: Journal
    transport: InProcess
    method: str
    left: int
    written: bool
    """Whether the last line was still written."""

    def _dies(self, method: str) -> bool:
        if self.transport.dead:
            raise Died
        if method != self.method:
            return False
        self.left -= 1
        return self.left < 0

    def _die(self) -> None:
        self.transport.dead = True
        raise Died

    def begin(self, intent: Intent) -> int:
        """Write an intent, or die."""
        last = self._dies("begin")
        if last and not self.written:
            self._die()
        number = self.pages.begin(intent)
        if last:
            self._die()
        return number

    def accepted(self, intent_id: int, handle: str) -> None:
        """Write a handle, or die."""
        last = self._dies("accepted")
        if not last or self.written:
            self.pages.accepted(intent_id, handle)
        if last:
            self._die()

    def end(self, intent_id: int, outcomes: Outcomes) -> None:
        """Write a verdict, or die."""
        last = self._dies("end")
        if not last or self.written:
            self.pages.end(intent_id, outcomes)
        if last:
            self._die()

    def open_intents(self) -> tuple[OpenIntent, ...]:
        """Give what the file has."""
        return self.pages.open_intents()

    def job_seconds(self) -> Mapping[str, float]:
        """Give what the file has."""
        return self.pages.job_seconds()


def _run(session: Session, journal: Journal, on: Stage) -> Run:
    return Run(
        id="mortal",
        journal=journal,
        events=on.events,
        settling=Settling(
            provider=session.provider,
            watcher=Watcher(session.provider, session.patience),
            patience=session.patience,
            durations=Durations({}),
            deadline_s=session.deadline_s,
        ),
        at_once=session.at_once,
    )


async def one_life(on: Stage, method: str, left: int, *, written: bool) -> bool:
    """Apply until death; tell whether it came."""
    try:
        async with opened(on.request(WANTED), on.around, writing=True) as now:
            (session,) = now.sessions
            assert session.pages is not None
            journal = Mortal(session.pages, on.transport, method, left, written)
            use = _run(session, journal, on)
            await adopt(use)
            fresh = await planned(now.sessions, (), Terms())
            await execute(fresh.scopes[0].schedule, use)
    except (BaseExceptionGroup, Died):
        assert on.transport.dead
    died, on.transport.dead = on.transport.dead, False
    return died


async def next_life(on: Stage) -> None:
    """Run again, plainly: it converges, and nothing was taken on twice."""
    applied = await on.apply(WANTED)
    assert applied.ending is Ending.CONFIRMED, applied.planned.document
    assert on.truth() == dict.fromkeys(WANTED.pairs(), "both")
    assert set(on.accepted().values()) == {1}
    assert in_line(await on.plan(WANTED))
    assert not on.witness.doubles
    assert not [row for row in on.witness.rows if row["status"] == 501], "a call met another one"


@pytest.mark.parametrize("written", [False, True], ids=["before the line", "after the line"])
@pytest.mark.parametrize("method", METHODS)
def test_killed_at_every_line(method: str, tmp_path: Path, *, written: bool) -> None:
    async def story(folder: Path, left: int) -> bool:
        on = stage(folder, huawei_ecs.world(PLOT))
        died = await one_life(on, method, left, written=written)
        await next_life(on)
        return died

    deaths = 0
    for left in range(20):
        folder = tmp_path / str(left)
        folder.mkdir()
        if not run(story(folder, left)):
            break
        deaths += 1
    assert deaths == 4, "a batch, a move in two calls, and an attach"


@pytest.mark.parametrize("method", METHODS)
def test_killed_and_killed_again_while_adopting(method: str, tmp_path: Path) -> None:
    async def story() -> None:
        on = stage(tmp_path, huawei_ecs.world(PLOT))
        lives = [await one_life(on, method, 1, written=True) for _ in range(4)]
        assert lives[0]
        await next_life(on)

    run(story())


def test_what_is_in_flight_is_adopted_by_its_job(tmp_path: Path) -> None:
    async def story() -> None:
        on = stage(tmp_path, huawei_ecs.world(PLOT))
        assert await one_life(on, "end", 0, written=False)
        before = len(on.witness.writes)
        asked = len(on.witness.rows)
        await next_life(on)
        assert on.events.found
        assert {outcome.verdict.value for _, outcome in on.events.found} == {"done"}
        assert all(intent.handle for intent, _ in on.events.found)
        later = on.witness.rows[asked:]
        assert [row for row in later if "/jobs/" in str(row["path"])]
        assert len(on.witness.writes) - before <= 2

    run(story())
