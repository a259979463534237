"""What an apply records is recorded whole: who dies in it leaves what was there before."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.operations.wiring import JOURNAL_FILE
from tests.rig.virtual_time import run
from tests.watch.night import EVERY_S, PLOT, Night, told, web

if TYPE_CHECKING:
    from pathlib import Path

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
