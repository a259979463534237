"""The fleet's part of the database: the queue's own tables, and four small ones of ours.

The queue's engine brings its tables and the steps from each of its versions to the next; which of
them were made stands in `fleet_schema`. No row of any of them ever has a secret: a job names a
scope, and what opens it is resolved on the worker.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import resources
from typing import TYPE_CHECKING, LiteralString
from urllib.parse import urlsplit

import psycopg
from procrastinate.schema import SchemaManager
from psycopg.conninfo import make_conninfo

from reconciler.errors import JournalError
from reconciler.model.finding import Finding, FindingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

URL_NAME = "RECONCILER_DATABASE_URL"
PATIENCE = {
    "connect_timeout": "5",
    "tcp_user_timeout": "10000",
    "options": "-c lock_timeout=10s -c statement_timeout=30s",
}
"""A database that doesn't answer is an error and no standstill. libpq's words."""
MAKING = 4_711_043
"""The advisory lock under which tables are made: any number that nobody else uses."""
OURS = """
CREATE TABLE IF NOT EXISTS fleet_schema (migration text NOT NULL);
CREATE TABLE IF NOT EXISTS fleet_paused (
    scope text PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS fleet_dealt (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    until_s double precision NOT NULL
);
CREATE TABLE IF NOT EXISTS fleet_budgets (account text PRIMARY KEY, next_at timestamptz NOT NULL);
"""


def database_url(environ: Mapping[str, str]) -> str:
    """Give the URL as libpq takes it. Raises FindingsError where there is none."""
    url = environ.get(URL_NAME, "").replace("postgresql+psycopg://", "postgresql://", 1)
    if url.startswith(("postgresql://", "postgres://")):
        return url
    raise FindingsError(
        Finding(
            code="no-fleet-database",
            summary=f"a fleet needs a PostgreSQL database, and {URL_NAME} names none",
            hint=f"set {URL_NAME}=postgresql://USER:PASSWORD@HOST/NAME",
        )
    )


@contextmanager
def worded(url: str) -> Iterator[None]:
    """Turn what the driver raises into JournalError, in its own words and without a password."""
    try:
        yield
    except psycopg.Error as error:
        raise unreachable(url, error) from error


def unreachable(url: str, error: BaseException) -> JournalError:
    """Give what is told where the database can't be used."""
    secret = urlsplit(url).password
    said = " ".join(str(error.__cause__ or error).split()) or type(error).__name__
    return JournalError(
        f"the fleet's database can't be used: {said.replace(secret, '***') if secret else said}",
        hint=f"see that the database of {URL_NAME} answers; what was sent is in the journal",
    )


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Open one connection for a transaction. Raises JournalError."""
    with worded(url), psycopg.connect(make_conninfo(url, **PATIENCE)) as connection:
        yield connection


def apply_schema(url: str) -> tuple[str, ...]:
    """Make the tables, or bring them forward; give what was made, in order, empty: nothing.

    Each step is a transaction, and remembered in it: one that was cut off is made again.
    """
    made: list[str] = []
    while (step := _one_step(url)) is not None:
        made.append(step)
    return tuple(made)


def _one_step(url: str) -> str | None:
    with connected(url) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MAKING,))
        connection.execute(OURS)
        last, there = _last(connection), _queue_is_there(connection)
        if last is None and there:
            raise _foreign()
        if last is None:
            # The driver would take a `%` for a parameter only where it has parameters.
            connection.execute(SchemaManager.get_schema())
            connection.execute("INSERT INTO fleet_schema VALUES (%s)", (steps()[-1],))
            return "the queue's tables"
        left = [step for step in steps() if step > last]
        if not left:
            return None
        connection.execute(_script(left[0]))
        connection.execute("UPDATE fleet_schema SET migration = %s", (left[0],))
        return left[0]


def steps() -> tuple[str, ...]:
    """Give the names of the engine's steps, in their order."""
    folder = resources.files("procrastinate.sql") / "migrations"
    return tuple(sorted(path.name for path in folder.iterdir() if path.name.endswith(".sql")))


def _script(step: str) -> LiteralString:
    folder = resources.files("procrastinate.sql") / "migrations"
    # The engine's own file, of the version that is installed.
    return (folder / step).read_text(encoding="utf-8")


def check_schema(url: str) -> None:
    """Raise FindingsError where the tables aren't there, or are of another version."""
    with connected(url) as connection:
        ours = connection.execute("SELECT to_regclass('fleet_schema')").fetchone()
        last = _last(connection) if ours and ours[0] is not None else None
    if last == steps()[-1]:
        return
    newer = last is not None and last > steps()[-1]
    raise FindingsError(
        Finding(
            code="fleet-schema",
            summary="the database has "
            + (f"tables of another version ({last})" if last else "no tables of a fleet"),
            hint="upgrade this machine: its version is older than the database's"
            if newer
            else "run `reconciler fleet apply-schema` once, while no worker runs",
        )
    )


def _last(connection: psycopg.Connection[tuple[object, ...]]) -> str | None:
    row = connection.execute("SELECT migration FROM fleet_schema").fetchone()
    return None if row is None else str(row[0])


def _queue_is_there(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone()
    return row is not None and row[0] is not None


def _foreign() -> FindingsError:
    return FindingsError(
        Finding(
            code="foreign-queue",
            summary="the database has a queue that this program didn't make",
            hint=f"give the fleet a database of its own in {URL_NAME}",
        )
    )
