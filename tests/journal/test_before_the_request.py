"""The intent is durable before the request leaves, and without a journal nothing is sent."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import JournalError
from reconciler.journal.journal import open_book
from reconciler.journal.leases import LeaseLostError, LeaseTerms
from reconciler.operations.applied import Ending
from reconciler.operations.apply import apply_manifests
from tests.contract.worlds import huawei_ecs
from tests.journal.test_files import WRITE_VERSION
from tests.rig.plot import Plot, Wanted
from tests.rig.stage import YES, stage
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    from tests.rig.stage import Stage

PLOT = Plot(servers=("s1", "s2"), volumes=("v1", "v2"), attached=(("s1", "v1"),))
WANTED = Wanted(provider="huawei-ecs", servers={"s1": ["v2"], "s2": ["v1"]})


def ready(tmp_path: Path) -> Stage:
    """Give a stage with a move and an attach to be made."""
    return stage(tmp_path, huawei_ecs.world(PLOT))


def open_calls(path: Path) -> list[str]:
    """Give the volumes of intents without an end, as another process sees them."""
    other = sqlite3.connect(path)
    try:
        rows = other.execute(
            "SELECT verb, call FROM intents WHERE id NOT IN (SELECT intent FROM verdicts)"
        ).fetchall()
    finally:
        other.close()
    return [f"{verb} {v} {s}" for verb, call in rows for s, v in json.loads(call)["keys"]]


def test_the_intent_is_in_the_file_before_the_request_leaves(tmp_path: Path) -> None:
    on = ready(tmp_path)
    seen: list[str] = []

    def watch(request: httpx.Request) -> None:
        if request.method == "GET":
            return
        found = open_calls(on.around.folder / "journal.db")
        path = request.url.path + request.content.decode()
        verb = "detach" if "detach" in path else "attach"
        mine = [v for v in ("v1-id", "v2-id") if v in path]
        seen.extend(f"{verb} {v}" for v in mine if any(f"{verb} {v}" in row for row in found))

    on.transport.watchers.append(watch)

    async def story() -> None:
        assert (await on.apply(WANTED)).ending is Ending.CONFIRMED

    run(story())
    assert sorted(seen) == ["attach v1-id", "attach v2-id", "detach v1-id"]
    assert open_calls(on.around.folder / "journal.db") == []


@pytest.mark.parametrize("how", ["garbage", "a folder", "a folder that is a file"])
def test_a_journal_that_cannot_be_used_stops_everything(tmp_path: Path, how: str) -> None:
    on = ready(tmp_path)
    folder = on.around.folder
    if how == "a folder that is a file":
        folder.write_text("in the way")
    else:
        folder.mkdir()
        journal = folder / "journal.db"
        if how == "garbage":
            journal.write_bytes(b"garbage" * 1000)
        else:
            journal.mkdir()

    async def story() -> None:
        await on.apply(WANTED)

    with pytest.raises(JournalError):
        run(story())
    assert on.witness.rows == []


def test_a_journal_that_fills_up_stops_the_next_request(tmp_path: Path) -> None:
    on = ready(tmp_path)

    def fill(request: httpx.Request) -> None:
        if request.method != "GET":
            other = sqlite3.connect(on.around.folder / "journal.db")
            other.execute(
                "CREATE TRIGGER IF NOT EXISTS full BEFORE INSERT ON intents "
                "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
            )
            other.commit()
            other.close()

    on.transport.watchers.append(fill)

    async def story() -> None:
        await on.apply(WANTED)

    with pytest.raises(BaseExceptionGroup) as told:
        run(story())
    assert told.group_contains(JournalError, match="full")
    assert len(on.witness.writes) == 1


def read_only(journal: Path) -> None:
    content = bytearray(journal.read_bytes())
    content[WRITE_VERSION] = 3
    journal.write_bytes(content)


def cut(journal: Path) -> None:
    content = journal.read_bytes()
    journal.write_bytes(content[: len(content) // 2])


def emptied(journal: Path) -> None:
    journal.write_bytes(b"")


@pytest.mark.parametrize("breaks", [read_only, cut, emptied])
def test_a_journal_that_breaks_between_two_runs_stops_the_second(
    tmp_path: Path, breaks: Callable[[Path], None]
) -> None:
    on = ready(tmp_path)

    async def story() -> None:
        assert (await on.apply(WANTED)).ending is Ending.CONFIRMED
        before = len(on.witness.writes)
        breaks(on.around.folder / "journal.db")
        with pytest.raises(JournalError):
            await on.apply(Wanted(provider="huawei-ecs", servers={"s1": [], "s2": []}))
        assert len(on.witness.writes) == before

    run(story())


@pytest.mark.parametrize("taken", [True, False], ids=["taken away", "still ours"])
def test_what_waits_for_its_turn_leaves_only_while_the_lease_is_believed_in(
    tmp_path: Path, *, taken: bool
) -> None:
    # All lines are written at once, and a request leaves each second: a pause falls in between.
    names = [f"s{n}" for n in range(9)]
    there = tuple((name, f"v-{name}") for name in names)
    plot = Plot(servers=tuple(names), volumes=tuple(v for _, v in there), attached=there)
    rows: dict[str, list[str]] = {name: [] for name in names}
    wanted = Wanted(provider="huawei-ecs", servers=rows, limits={"requestsPerSecond": 1})

    async def story() -> None:
        on = stage(tmp_path, huawei_ecs.world(plot))
        loop, asleep_s = asyncio.get_running_loop(), [0.0]
        terms = LeaseTerms(clock_s=lambda: loop.time() + asleep_s[0])
        book = open_book(tmp_path / "journal.db", terms=terms)
        around = replace(on.around, book=book)
        left: list[int] = []

        def watch(request: httpx.Request) -> None:
            if request.method == "GET" or left:
                return
            (holder,) = book.holders()
            assert not taken or book.take_away(holder)
            asleep_s[0] = 20.0
            left.append(len(on.witness.writes))

        on.transport.watchers.append(watch)
        try:
            if taken:
                with pytest.raises(ExceptionGroup) as lost:
                    await apply_manifests(on.request(wanted), around, YES, on.events)
                assert lost.group_contains(LeaseLostError)
                assert len(on.witness.writes) == 1
            else:
                # Nobody else came: the next line says so, and all goes on.
                ended = await apply_manifests(on.request(wanted), around, YES, on.events)
                assert (ended.ending, on.truth()) == (Ending.CONFIRMED, {})
                assert len(on.witness.writes) == len(names)
        finally:
            book.close()

    run(story())
