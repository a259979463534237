"""What a service leaves behind when it is told to stop, or is killed, in the middle of a change."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from reconciler.model.outcome import Verdict
from tests.rig.virtual_time import run
from tests.watch.night import EVERY_S, PLOT, SCHEDULE, Night, told, web

if TYPE_CHECKING:
    from pathlib import Path

HOME = {"web-1": ["one"], "web-2": ["two"], "web-3": []}
SLOW = replace(PLOT, attached=(("web-1", "one"), ("web-2", "two")), job_s=40.0)


async def moved(folder: Path) -> Night:
    """Give a night in which a volume was moved away, on a slow cloud."""
    night = Night(folder, SLOW)
    night.declare(web(HOME), schedule=SCHEDULE)
    assert (await night.apply()).ending.value == 0
    night.moved("one", "web-1", "web-3")
    return night


def test_a_move_that_has_begun_is_finished_within_the_grace(tmp_path: Path) -> None:
    async def story() -> None:
        night = await moved(tmp_path)
        night.grace_s = 600.0
        (tick,) = await night.watch(20.0)
        assert [one.verdict for one in tick.corrections] == [Verdict.DONE]
        assert night.daemon.board.now().stopping
        assert ("web-1", "one") in night.truth()

    run(story())


def test_after_the_grace_nobody_waits_and_the_next_service_adopts(tmp_path: Path) -> None:
    async def story() -> None:
        night = await moved(tmp_path)
        night.grace_s = 5.0
        assert await night.watch(20.0) == [], "cut off in the middle, it had nothing to tell"
        night.grace_s = 600.0
        ticks = await night.watch(3 * EVERY_S)
        assert ("web-1", "one") in night.truth()
        assert told(ticks[-1]) == []
        changes = [row for row in night.on.witness.writes if row["status"] == 200]
        assert len(changes) == 2, "one detach, one attach: nothing was sent twice"

    run(story())


@pytest.mark.parametrize("at_s", [0.5, 10.0])
def test_a_stop_before_anything_was_sent_sends_nothing(tmp_path: Path, at_s: float) -> None:
    async def story() -> None:
        night = await moved(tmp_path)
        night.declare(web(HOME), schedule={"cron": "*/10 * * * *", "correct": True})
        ticks = await night.watch(at_s, (at_s, partial(night.console, "detach", "web-2", "two")))
        assert ticks == []
        assert night.on.witness.writes == []

    run(story())
