"""How a fleet stands, and what a person may tell it; each function is a transaction or two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

from reconciler.fleet import queue
from reconciler.fleet.database import PATIENCE, connected, unreachable
from reconciler.model.finding import Finding, FindingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRow:
    """One worker that is known."""

    number: int
    silent_s: float
    """Seconds since it was heard of."""
    looks: int
    """How many scopes it looks at now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRow:
    """What the queue says of one scope."""

    paused_s: float | None = None
    """Since when; seconds since 1970. None: it isn't."""
    waits: bool = False
    due_s: float | None = None
    """When what waits may begin; None: at once."""
    failures: int = 0
    """How many looks in a row failed."""
    worker: int | None = None
    """Who looks at it now; None: nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A fleet, at a moment."""

    workers: tuple[WorkerRow, ...]
    jobs: Mapping[str, int]
    """Looks by what became of them; those that ended well aren't kept."""
    scopes: Mapping[str, ScopeRow]
    """Of those that were asked for, and that the queue knows."""


WORKERS = """
SELECT w.id, extract(epoch FROM now() - w.last_heartbeat)::float8,
    count(j.id) FILTER (WHERE j.status = 'doing' AND j.task_name = %s)
FROM procrastinate_workers w LEFT JOIN procrastinate_jobs j ON j.worker_id = w.id
GROUP BY w.id ORDER BY w.id
"""
JOBS = "SELECT status::text, count(*) FROM procrastinate_jobs WHERE task_name = %s GROUP BY status"
SCOPES = """
SELECT args->>'scope', status::text, extract(epoch FROM scheduled_at)::float8,
    coalesce((args->>'failures')::int, 0), worker_id
FROM procrastinate_jobs
WHERE task_name = %s AND status IN ('todo', 'doing') AND args->>'scope' = ANY(%s)
"""
PAUSED = "SELECT scope, extract(epoch FROM since)::float8 FROM fleet_paused WHERE scope = ANY(%s)"


def standing(url: str, scopes: Sequence[str]) -> Standing:
    """Give how the fleet stands, with what it knows of these scopes. Raises JournalError."""
    with connected(url) as connection:
        workers = connection.execute(WORKERS, (queue.LOOK,)).fetchall()
        jobs = connection.execute(JOBS, (queue.LOOK,)).fetchall()
        rows = connection.execute(SCOPES, (queue.LOOK, list(scopes))).fetchall()
        paused = connection.execute(PAUSED, (list(scopes),)).fetchall()
    known: dict[str, dict[str, object]] = {str(name): {"paused_s": since} for name, since in paused}
    for name, status, due_s, failures, worker in rows:
        told = known.setdefault(str(name), {})
        running = {"worker": worker}
        told |= running if status == "doing" else {"waits": True, "due_s": due_s}
        told["failures"] = failures
    return Standing(
        workers=tuple(
            WorkerRow(number=int(str(n)), silent_s=float(str(s)), looks=int(str(looks)))
            for n, s, looks in workers
        ),
        jobs={str(status): int(str(count)) for status, count in jobs},
        scopes={name: ScopeRow(**told) for name, told in known.items()},  # type: ignore[arg-type]
    )


def pause(url: str, scope: str) -> bool:
    """Let nobody look at a scope from now on; False where that was so already."""
    with connected(url) as connection:
        made = connection.execute(
            "INSERT INTO fleet_paused (scope) VALUES (%s) ON CONFLICT DO NOTHING", (scope,)
        )
        return made.rowcount == 1


def resume(url: str, scope: str) -> bool:
    """Let a scope be looked at again; False where it wasn't paused."""
    with connected(url) as connection:
        gone = connection.execute("DELETE FROM fleet_paused WHERE scope = %s", (scope,))
        return gone.rowcount == 1


def run_now(url: str, scope: str) -> bool:
    """Queue a look at a scope before all others; False where one waits: it is brought forward.

    Raises FindingsError for a scope that is paused.
    """
    if standing(url, [scope]).scopes.get(scope, ScopeRow()).paused_s is not None:
        raise FindingsError(
            Finding(
                code="scope-paused",
                summary=f"scope `{scope}` is paused",
                hint=f"`reconciler fleet resume {scope}` first",
                scope=scope,
            )
        )
    connector = SyncPsycopgConnector(conninfo=url, kwargs={**PATIENCE}, min_size=1, max_size=1)
    try:
        with App(connector=connector).open() as engine:
            queue.look(engine, scope, priority=queue.FIRST).defer(scope=scope)
    except AlreadyEnqueued:
        _brought_forward(url, scope)
        return False
    except ConnectorException as error:
        raise unreachable(url, error) from error
    return True


def _brought_forward(url: str, scope: str) -> None:
    with connected(url) as connection:
        connection.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = NULL, priority = %s "
            "WHERE queueing_lock = %s AND status = 'todo'",
            (queue.FIRST, queue.lock_of(scope)),
        )
