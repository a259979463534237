"""RECONCILER_DATABASE_URL: the same journal on PostgreSQL, and a password that nobody sees."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import JournalError
from reconciler.journal.journal import open_database
from tests.contract.worlds import huawei_ecs
from tests.journal.keeping import MINE, InDatabase, ask, count, intent
from tests.journal.postgres import PASSWORD
from tests.rig.plot import Plot, Wanted
from tests.rig.stage import stage
from tests.rig.virtual_time import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.journal.postgres import Server

WRONG = "another-secret-0815"


def opened(url: str) -> None:
    """Open and close a journal there."""
    book = open_database(url, make=True)
    assert book is not None
    book.close()


@pytest.mark.parametrize(
    "url",
    [
        f"{PASSWORD}",
        f"mysql://me:{PASSWORD}@host/x",
        f"sqlite:///{PASSWORD}",
        f"postgresql://me:{PASSWORD}@host:port/x",
        f"postgresql+asyncpg://me:{PASSWORD}@host/x",
    ],
)
def test_what_is_no_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(JournalError, match="isn't a URL of a PostgreSQL") as told:
        opened(url)
    assert PASSWORD not in str(told.value)


def test_without_the_driver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(JournalError, match="needs psycopg") as told:
        opened("postgresql://127.0.0.1/x")
    assert told.value.hint == "pip install 'attachment-reconciler[postgres]'"


def test_a_server_that_is_not_there_is_an_error(postgres: Server) -> None:
    del postgres  # Without the driver there is nothing to test.
    with pytest.raises(JournalError, match=r"postgresql://127.0.0.1:1/x can't be used") as told:
        opened(f"postgresql://me:{PASSWORD}@127.0.0.1:1/x")
    assert PASSWORD not in str(told.value)
    assert "RECONCILER_DATABASE_URL answers" in told.value.hint


@pytest.mark.parametrize("where", ["postgresql://", "postgres://"])
def test_a_password_appears_nowhere(
    database: InDatabase, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    opened(database.address.replace("postgresql://", where))
    with pytest.raises(JournalError, match="password authentication failed") as told:
        opened(database.address.replace(PASSWORD, WRONG))
    with pytest.raises(JournalError) as also:
        opened(f"{database.address.replace(PASSWORD, '')}?password={WRONG}")
    assert PASSWORD not in caplog.text
    for error in (told, also):
        assert WRONG not in str(error.value)


def test_whoever_only_looks_makes_no_tables(database: InDatabase) -> None:
    assert open_database(database.address, make=False) is None
    assert ask(database, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'") == []
    opened(database.address)
    book = open_database(database.address, make=False)
    assert book is not None
    book.close()


def test_a_commit_is_durable_whatever_the_database_does_by_default(database: InDatabase) -> None:
    name = database.address.rpartition("/")[2]
    ask(database, f"ALTER DATABASE {name} SET synchronous_commit = off")
    book = database.open()
    with book._store.durably() as connection:  # noqa: SLF001 - how its own connections are set up
        told = connection.exec_driver_sql("SHOW synchronous_commit").scalar_one()
    assert told == "on"
    book.close()


def test_a_database_that_ends_its_connections_stops_the_next_line_only(
    database: InDatabase,
) -> None:
    book = database.open()
    pages = book.pages(MINE, "prod")
    pages.begin(intent())
    ask(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    pages.begin(intent())  # A connection that died meanwhile is replaced before it is used.
    assert count(database, "intents") == 2
    book.close()


def test_a_table_that_somebody_locks_is_an_error_in_words(
    database: InDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "reconciler.journal.store.PATIENCE",
        {"options": "-c lock_timeout=100ms"},
    )
    book, other = database.open(), database.open()
    with other._store.durably() as connection:  # noqa: SLF001 - a transaction that stays open
        connection.exec_driver_sql("LOCK TABLE intents")
        with pytest.raises(JournalError, match="lock timeout"):
            book.pages(MINE, "prod").begin(intent())
    book.close()
    other.close()


def test_an_apply_keeps_its_journal_there(database: InDatabase, tmp_path: Path) -> None:
    plot = Plot(servers=("s1", "s2"), volumes=("v1", "v2"), attached=(("s1", "v1"),))
    on = stage(tmp_path, huawei_ecs.world(plot))
    on.environ = {"RECONCILER_DATABASE_URL": database.address}
    wanted = Wanted(provider="huawei-ecs", servers={"s1": ["v2"], "s2": ["v1"]})

    async def story() -> None:
        assert (await on.apply(wanted)).ending.value == 0
        assert not (await on.plan(wanted)).approvable

    run(story())
    assert [count(database, table) for table in ("intents", "verdicts", "runs", "applied")] == [
        *(3, 3, 1, 2),
    ]
    assert count(database, "leases") == 0
    assert not (on.around.folder / "journal.db").exists()
