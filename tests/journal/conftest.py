"""Every test of the journal, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import importlib.util
import os
import uuid
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.journal.keeping import MINE, InDatabase, InFile, Keeper
from tests.journal.postgres import Server, binaries, shared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.journal.journal import Book, Pages

ABSENT = "apt-get install postgresql-15, and pip install -e '.[dev,postgres]'"


@pytest.fixture(scope="session")
def postgres(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Give the session's server; without one its tests are skipped, unless it is required."""
    if binaries() is None or importlib.util.find_spec("psycopg") is None:
        if request.config.getoption("--counterparts") == "required":
            pytest.fail(ABSENT)
        pytest.skip(ABSENT)
    folder = tmp_path_factory.getbasetemp()
    alone = os.environ.get("PYTEST_XDIST_WORKER") is None
    with shared(folder if alone else folder.parent) as server:
        yield server


@pytest.fixture
def database(postgres: Server) -> Iterator[InDatabase]:
    """Give a new database."""
    name = f"t{uuid.uuid4().hex}"
    admin = InDatabase(postgres.url())
    _outside(admin, f"CREATE DATABASE {name}")
    yield InDatabase(postgres.url(name))
    _outside(admin, f"DROP DATABASE {name} WITH (FORCE)")


def _outside(admin: InDatabase, sql: str) -> None:
    # A database is made outside of transactions.
    engine = create_engine(admin.url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(sql))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def keeper(request: pytest.FixtureRequest, tmp_path: Path) -> Keeper:
    """Give a place for a journal, on each engine."""
    if request.param == "sqlite":
        return InFile(tmp_path / "kept" / "journal.db")
    found: InDatabase = request.getfixturevalue("database")
    return found


@pytest.fixture
def book(keeper: Keeper) -> Iterator[Book]:
    """Give an open journal whose date is always the same."""
    opened = keeper.open(lambda: 100.0)
    yield opened
    opened.close()


@pytest.fixture
def pages(book: Book) -> Pages:
    """Give one cloud's pages of it."""
    return book.pages(MINE, "prod")
