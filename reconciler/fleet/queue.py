"""What is in the queue: one job a scope at most that waits, and one at most that runs.

`lock` is the scope: the engine never hands it to two workers at once. `queueing_lock` is the scope
too: a tick that finds one waiting adds none. A job says which scope, and how often in a row its
look failed; nothing else.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Status

from reconciler.fleet.database import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from procrastinate.jobs import Job, JobDeferrer

QUEUE = "reconciler"
LOOK = "look"
DEAL = "deal"
FIRST = 10
"""The priority of what others wait for: dealing, and what a person asked for."""
BATCH = 500
"""Jobs that are put into the queue by one statement."""
CONNECTIONS = 4
PATIENCE_S = 10.0
KEPT_H = 72
"""How long jobs that ended badly are kept for people to look at."""


def lock_of(scope: str) -> str:
    """Give the name under which a scope is locked; dealing has one of another form."""
    return f"scope/{scope}"


def engine_of(url: str) -> App:
    """Give the engine over a pool of a worker's own connections."""
    return App(
        connector=PsycopgConnector(
            conninfo=url,
            kwargs={**PATIENCE, "prepare_threshold": None},
            min_size=1,
            max_size=CONNECTIONS,
            timeout=PATIENCE_S,
        )
    )


def look(engine: App, scope: str, *, priority: int = 0, in_s: int | None = None) -> JobDeferrer:
    """Give a job that isn't in the queue yet."""
    return engine.configure_task(
        LOOK,
        queue=QUEUE,
        lock=lock_of(scope),
        queueing_lock=lock_of(scope),
        priority=priority,
        schedule_in=None if in_s is None else {"seconds": in_s},
    )


async def put(engine: App, scopes: Iterable[str]) -> None:
    """Queue a look for each scope that has none waiting."""
    waiting = await _waiting(engine)
    names = [name for name in scopes if lock_of(name) not in waiting]
    for start in range(0, len(names), BATCH):
        some = names[start : start + BATCH]
        jobs = [look(engine, name).make_new_job(scope=name) for name in some]
        try:
            await engine.job_manager.batch_defer_jobs_async(jobs)
        except AlreadyEnqueued:
            # Somebody queued one of them meanwhile: a statement is kept whole or not at all.
            for name in some:
                with suppress(AlreadyEnqueued):
                    await look(engine, name).defer_async(scope=name)


async def _waiting(engine: App) -> set[str]:
    rows = await engine.connector.execute_query_all_async(
        "SELECT queueing_lock FROM procrastinate_jobs "
        "WHERE status = 'todo' AND queueing_lock IS NOT NULL"
    )
    return {str(row["queueing_lock"]) for row in rows}


async def rescue(engine: App, stalled_s: float) -> None:
    """Give back what workers had taken that haven't been heard of for so long."""
    for job in await engine.job_manager.get_stalled_jobs(seconds_since_heartbeat=stalled_s):
        # Another worker may be quicker: then this job doesn't run any more.
        with suppress(ConnectorException):
            await _rescued(engine, job)


async def _rescued(engine: App, job: Job) -> None:
    try:
        await engine.job_manager.retry_job(job)
    except UniqueViolation:
        # A later tick waits already, for this one's lock: it makes the same look.
        await engine.job_manager.finish_job(job, status=Status.ABORTED, delete_job=True)


async def paused(engine: App, scope: str) -> bool:
    """Tell whether a person keeps the scope from being looked at."""
    rows = await engine.connector.execute_query_all_async(
        "SELECT 1 FROM fleet_paused WHERE scope = %(scope)s", scope=scope
    )
    return bool(rows)


async def all_paused(engine: App) -> set[str]:
    """Give the scopes that aren't to be looked at."""
    rows = await engine.connector.execute_query_all_async("SELECT scope FROM fleet_paused")
    return {str(row["scope"]) for row in rows}


async def dealt_s(engine: App) -> float | None:
    """Give the moment up to which everything due was queued; None: nothing ever was."""
    rows = await engine.connector.execute_query_all_async("SELECT until_s FROM fleet_dealt")
    return float(rows[0]["until_s"]) if rows else None


async def set_dealt(engine: App, until_s: float) -> None:
    """Remember up to when everything due was queued."""
    await engine.connector.execute_query_async(
        "INSERT INTO fleet_dealt (until_s) VALUES (%(until_s)s) "
        "ON CONFLICT (single) DO UPDATE SET until_s = excluded.until_s",
        until_s=until_s,
    )


async def forget(engine: App) -> None:
    """Delete the jobs that ended badly long ago; those that ended well are gone already."""
    await engine.job_manager.delete_old_jobs(
        nb_hours=KEPT_H, include_failed=True, include_cancelled=True, include_aborted=True
    )
