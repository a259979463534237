"""What the queue promises, on a real database and without a worker."""

from __future__ import annotations

import asyncio
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from reconciler.model.finding import FindingsError
from tests.fleet.running import sql

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from procrastinate import App

pytest.importorskip("procrastinate")

from reconciler.fleet import database, queue, standing

FUNCTIONS = (
    "SELECT p.proname, p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
    "WHERE n.nspname = 'public' AND p.proname LIKE 'procrastinate%' ORDER BY 1, 2"
)
COLUMNS = (
    "SELECT table_name, column_name, data_type FROM information_schema.columns "
    "WHERE table_schema = 'public' AND table_name LIKE 'procrastinate%' ORDER BY 1, 2"
)


def on(url: str, story: Callable[[App], Awaitable[None]]) -> None:
    """Run a story on an open engine."""

    async def told() -> None:
        async with queue.engine_of(url).open_async() as engine:
            await story(engine)

    asyncio.run(told())


def waiting(url: str) -> list[str]:
    return [row[0] for row in sql(url, "SELECT args->>'scope' FROM procrastinate_jobs ORDER BY 1")]


def test_the_schema_is_made_once_and_brought_forward(url: str) -> None:
    with pytest.raises(FindingsError, match="no tables of a fleet"):
        database.check_schema(url)
    assert database.apply_schema(url) == ("the queue's tables",)
    assert database.apply_schema(url) == ()
    database.check_schema(url)
    made = sql(url, FUNCTIONS), sql(url, COLUMNS)
    sql(url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    folder = resources.files("procrastinate.sql") / "migrations"
    older = [step for step in database.steps() if step < "03.02"]
    for step in older:
        sql(url, (folder / step).read_text(encoding="utf-8"))
    sql(url, database.OURS)
    sql(url, "INSERT INTO fleet_schema VALUES (%s)", older[-1])
    with pytest.raises(FindingsError, match="another version"):
        database.check_schema(url)
    assert list(database.apply_schema(url)) == [s for s in database.steps() if s >= "03.02"]
    assert (sql(url, FUNCTIONS), sql(url, COLUMNS)) == made


def test_a_queue_of_somebody_else_is_left_alone(url: str) -> None:
    sql(url, "CREATE TABLE procrastinate_jobs (id int)")
    with pytest.raises(FindingsError, match="didn't make"):
        database.apply_schema(url)


def test_ticks_do_not_pile_up(url: str) -> None:
    database.apply_schema(url)

    async def story(engine: App) -> None:
        await queue.put(engine, ["a", "b"])
        await asyncio.gather(*(queue.put(engine, ["a", "c", "d"]) for _ in range(5)))

    on(url, story)
    assert waiting(url) == ["a", "b", "c", "d"]
    assert not standing.run_now(url, "a")
    assert standing.run_now(url, "e")
    assert waiting(url) == ["a", "b", "c", "d", "e"]


def test_what_a_dead_worker_had_is_queued_again_unless_a_tick_waits_for_it(url: str) -> None:
    database.apply_schema(url)

    async def story(engine: App) -> None:
        await queue.put(engine, ["alone", "followed", "living"])
        workers = engine.job_manager
        dead, living = await workers.register_worker(), await workers.register_worker()
        taken = [await workers.fetch_job(None, worker) for worker in (dead, dead, living)]
        assert all(taken)
        await queue.put(engine, ["followed"])
        silent = "UPDATE procrastinate_workers SET last_heartbeat = 'epoch' WHERE id = %s"
        sql(url, silent, dead)
        await asyncio.gather(queue.rescue(engine, 8.0), queue.rescue(engine, 8.0))

    on(url, story)
    told = "SELECT args->>'scope', status::text FROM procrastinate_jobs ORDER BY 1"
    assert sql(url, told) == [("alone", "todo"), ("followed", "todo"), ("living", "doing")]


def test_a_paused_scope_is_not_run_and_says_so(url: str) -> None:
    database.apply_schema(url)
    assert standing.pause(url, "a")
    assert not standing.pause(url, "a")
    with pytest.raises(FindingsError, match="paused"):
        standing.run_now(url, "a")
    assert standing.standing(url, ["a"]).scopes["a"].paused_s is not None
    assert standing.resume(url, "a")
    assert not standing.resume(url, "a")
    assert standing.run_now(url, "a")
