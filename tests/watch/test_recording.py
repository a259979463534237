"""What an apply records is recorded whole: who dies in it leaves what was there before."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.operations.apply import apply_manifests
from reconciler.operations.wiring import JOURNAL_FILE
from tests.rig.stage import YES, Remembering
from tests.rig.virtual_time import run
from tests.watch.night import EVERY_S, PLOT, Night, told, web

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.operations.applied import Applied

HOME = {"web-1": ["one"], "web-2": ["two"]}
NEWER = {**HOME, "web-3": ["three"]}
START = replace(PLOT, attached=(("web-1", "one"), ("web-2", "two")))
DIES = "CREATE TRIGGER dies BEFORE DELETE ON applies BEGIN SELECT RAISE(ABORT, 'killed here'); END"


def ask(night: Night, statement: str) -> list[tuple[object, ...]]:
    """Run one statement in the journal's file."""
    path = night.on.around.folder / JOURNAL_FILE
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


async def died_recording(folder: Path) -> Night:
    """Give a night after an apply that made a row's attachment and died as it recorded that."""
    night = Night(folder, START)
    night.declare(web(HOME))
    assert (await night.apply()).ending.value == 0
    night.declare(web(NEWER))
    ask(night, DIES)
    died = await night.apply()
    assert "killed here" in died.findings[0].summary
    ask(night, "DROP TRIGGER dies")
    assert ("web-3", "three") in night.truth()
    return night


def test_who_dies_as_it_records_leaves_the_rows_of_the_apply_before(tmp_path: Path) -> None:
    async def story() -> None:
        night = await died_recording(tmp_path)
        owned = ask(night, "SELECT owner_id FROM owned_rows ORDER BY owner_id")
        assert owned == [("web-1-id",), ("web-2-id",)]

    run(story())


def test_a_commit_after_such_a_death_waits_for_an_apply_too(tmp_path: Path) -> None:
    async def story() -> None:
        night = await died_recording(tmp_path)
        night.declare(web({**HOME, "web-3": []}))
        ticks = await night.watch(3 * EVERY_S)
        assert [told(tick) for tick in ticks] == [["pending: detach web-3/three (waits)"]] * 3
        assert ("web-3", "three") in night.truth()

    run(story())


def test_an_apply_that_ends_before_a_correction_begins_is_not_undone(tmp_path: Path) -> None:
    async def story() -> None:
        night = Night(tmp_path, replace(START, volumes=("one", "two", "three", "four")))
        night.declare(web({**HOME, "web-3": []}))
        assert (await night.apply()).ending.value == 0
        branch = tmp_path / "branch.yaml"
        branch.write_text(web({**HOME, "web-2": ["two", "four"], "web-3": ["three"]}).text())
        slow = {"match": "* *web-2-id/attachvolume*", "nth": 1, "job": {"slow": 20}}
        night.set_rules(slow)

        async def somebody() -> Applied:
            await asyncio.sleep(305.0)
            return await apply_manifests(
                replace(night.request, files=(str(branch),)), night.on.around, YES, Remembering()
            )

        async with asyncio.TaskGroup() as group:
            applying = group.create_task(somebody())
            ticks = await night.watch(3 * EVERY_S)
        assert applying.result().ending.value == 0
        assert told(ticks[1]) == ["drift: added web-3/three (refused)"], "as it looked meanwhile"
        assert [finding.code for finding in ticks[1].findings] == ["stale"]
        left = [f"pending: detach {one} (waits)" for one in ("web-2/four", "web-3/three")]
        assert told(ticks[2]) == left
        assert ("web-3", "three") in night.truth()

    run(story())
