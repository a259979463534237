"""Where a journal is kept: a SQLite file or a PostgreSQL database, and every failure in words."""

from __future__ import annotations

import os
import shutil
import threading
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, event, func, insert, inspect, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from reconciler.errors import JournalError
from reconciler.journal import migrations, tables
from reconciler.journal.mark import Mark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from sqlite3 import Connection as SqliteConnection
    from typing import Protocol

    from sqlalchemy import Table
    from sqlalchemy.engine import URL, Connection, Engine

    class Psycopg(Protocol):
        """What is used of a driver that need not be installed."""

        autocommit: bool

        def execute(self, query: str) -> object:
            """Run one statement."""
            ...


FOLDER = "RECONCILER_DATA_DIR"
URL_NAME = "RECONCILER_DATABASE_URL"
FAR = f"see that the database of {URL_NAME} answers, then run again: nothing more was sent"
NO_SPACE = 64 * 1024
"""Bytes: SQLite's log and its index begin with less, and end beyond it."""
SCHEMES = ("postgresql", "postgres")
DRIVER = "postgresql+psycopg"
MAKING = 4_711_042
"""The advisory lock under which tables are made: any number that nobody else uses."""
PATIENCE = {
    "connect_timeout": "10",
    "tcp_user_timeout": "10000",
    "options": "-c lock_timeout=10s -c statement_timeout=10s",
}
"""A database that doesn't answer is an error, and not a run that stands still. libpq's words."""
DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off'"
)


class Store:
    """An open database; `durably` is a transaction whose end means that it is on the disk."""

    def __init__(
        self,
        engine: Engine,
        where: str,
        now_s: Callable[[], float],
        *,
        mark: Mark | None = None,
        secret: str = "",
    ) -> None:
        self.where = where
        self.now_s = now_s
        self.mark = mark
        """None where there is no file that somebody could put back."""
        self._engine = engine
        self._shared = threading.local()
        self._secret = secret

    @property
    def local(self) -> bool:
        """True where only this machine sees it: so does a lease that is kept in it."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def durably(self) -> Iterator[Connection]:
        """Open a transaction. Raises JournalError when any of it isn't kept."""
        shared: Connection | None = getattr(self._shared, "connection", None)
        if shared is not None:
            yield shared
            return
        try:
            with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, UnicodeError) as error:
            # Only the driver's own words: SQLAlchemy's would repeat the statement and its values.
            cause = getattr(error, "orig", None) or type(error).__name__
            raise JournalError(
                f"the journal {self.where} can't be used: {_bare(cause, self._secret)}",
                hint=_way_out(Path(self.where)) if self.local else FAR,
            ) from error

    @contextmanager
    def shared(self) -> Iterator[Connection]:
        """Let every transaction of this thread be one until the block ends; give it.

        Raises JournalError when it isn't kept: then nothing of it is.
        """
        try:
            with self.durably() as connection:
                self._shared.connection, self._shared.number = connection, 0
                yield connection
                self._shared.connection = None
        finally:
            number, self._shared.connection = getattr(self._shared, "number", 0), None
            self._shared.number = 0
        self.noted(number)

    def noted(self, number: int) -> None:
        """Remember the number of a call beside the file, as soon as it is durable."""
        if getattr(self._shared, "connection", None) is not None:
            self._shared.number = max(self._shared.number, number)
        elif self.mark is not None and number:
            self.mark.note(number)

    def insert_new(
        self, connection: Connection, table: Table, values: Mapping[str, object]
    ) -> bool:
        """Insert a row unless its key is there; tell whether it was inserted."""
        made = (sqlite if self.local else postgresql).insert(table).on_conflict_do_nothing()
        # Of an insert not every driver tells the count.
        told = connection.execute(made.returning(*table.primary_key), values)
        return told.first() is not None

    def prepare(self, *, make: bool) -> bool:
        """Check the tables, make them or bring them forward; False where nobody shall make them.

        Raises JournalError for a newer version, for one that is too old to be only read, and for a
        file that isn't what it was.
        """
        with self.durably() as connection:
            found = _version(connection)
        if found is None and not make:
            return False
        if found is None:
            if self.mark is not None:
                self.mark.check(None, 0)
            found = self._made()
        version, book = found
        if version > tables.SCHEMA_VERSION:
            raise JournalError(
                f"{self.where} was written by a newer version (schema {version}, this one knows "
                f"{tables.SCHEMA_VERSION})",
                hint=f"use that version, or another {FOLDER if self.local else URL_NAME}",
            )
        self._check(book, thoroughly=make)
        if version < tables.SCHEMA_VERSION:
            self._forward(make=make)
        return True

    def _forward(self, *, make: bool) -> None:
        """Bring an older layout forward; who only reads takes it as it is where nothing lacks."""
        for step in migrations.STEPS if make else ():
            with self._one_maker() as connection:
                now = _version(connection)
                if now is not None and now[0] < step.version:
                    step.make(connection)
        with self.durably() as connection:
            missing = migrations.lacking(connection)
        if missing:
            raise JournalError(
                f"{self.where} has an older layout, without {', '.join(missing[:3])}",
                hint="a verb that writes it brings it forward: run `reconciler apply` once",
            )

    @contextmanager
    def _one_maker(self) -> Iterator[Connection]:
        """Open a transaction that is the only one to make tables: several may open it at once."""
        with self.durably() as connection:
            if self.local:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(select(func.pg_advisory_xact_lock(MAKING)))
            yield connection

    def _made(self) -> tuple[int, str]:
        # All or nothing: whoever makes it may die here.
        with self._one_maker() as connection:
            found = _version(connection)
            if found is None:
                found = tables.SCHEMA_VERSION, uuid.uuid4().hex
                tables.metadata.create_all(connection)
                row = dict(zip(("version", "book"), found, strict=True))
                connection.execute(insert(tables.schema_version).values(row))
        return found

    def _check(self, book: str, *, thoroughly: bool) -> None:
        """Raise JournalError for a file that is torn, or older than what was written into it."""
        if self.mark is None:
            return
        with self.durably() as connection:
            if thoroughly:
                said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
                if said != "ok":
                    raise JournalError(
                        f"the journal {self.where} is torn: {_bare(said, self._secret)}"
                    )
            highest = connection.execute(select(func.max(tables.intents.c.id))).scalar_one()
        self.mark.check(book, highest or 0)
        self.mark.book = book

    def close(self) -> None:
        """Release the file, or the connections."""
        self._engine.dispose()
        if self.mark is not None:
            self.mark.close()


def _way_out(path: Path) -> str | None:
    """Give what to do about a file that SQLite can't use; None: nobody knows why it can't."""
    folder = path.parent
    with suppress(OSError):
        if shutil.disk_usage(folder).free < NO_SPACE:
            return f"make space where `{folder}` is, then run again: nothing more was sent"
    mine = [one for one in (folder, path) if one.exists()]
    if all(os.access(one, os.W_OK, effective_ids=True) for one in mine):
        return None
    return (
        f"let this user write in `{folder}`, or set {FOLDER}: even who only reads a journal writes "
        "SQLite's log beside it; nothing more was sent"
    )


def _bare(cause: object, secret: str) -> str:
    """Give an error's words on one line and without the password."""
    said = " ".join(str(cause).split())
    return said.replace(secret, "***") if secret else said


def in_file(path: Path, now_s: Callable[[], float]) -> Store:
    """Give the store of a SQLite file. Raises JournalError when its folder can't be made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mark = Mark(path)
    except OSError as error:
        raise JournalError(f"the journal {path} can't be opened: {error.strerror}") from error
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _careful)
    return Store(engine, str(path), now_s, mark=mark)


def in_database(text: str, now_s: Callable[[], float]) -> Store:
    """Give the store of a PostgreSQL database; no password of its URL is ever repeated.

    Raises JournalError for a URL that isn't one, and without the driver.
    """
    url = _url(text)
    asked = {key: value for key, value in PATIENCE.items() if key not in url.query}
    try:
        engine = create_engine(
            url,
            connect_args={"prepare_threshold": None, **asked},  # A pooler may stand in between.
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
        )
    except ModuleNotFoundError as error:
        raise JournalError(
            f"{URL_NAME} needs psycopg", hint="pip install 'attachment-reconciler[postgres]'"
        ) from error
    event.listen(engine, "connect", _durable)
    where = f"postgresql://{url.host or 'localhost'}:{url.port or 5432}/{url.database or ''}"
    secret = url.password or url.query.get("password") or ""
    return Store(engine, where, now_s, secret=secret if isinstance(secret, str) else secret[0])


def _url(text: str) -> URL:
    wrong = JournalError(
        f"{URL_NAME} isn't a URL of a PostgreSQL database",
        hint="write it as postgresql://USER:PASSWORD@HOST/NAME",
    )
    try:
        url = make_url(text)
    except (SQLAlchemyError, ValueError):
        raise wrong from None  # Its words would repeat the URL.
    if url.drivername not in {*SCHEMES, DRIVER}:
        raise wrong
    return url.set(drivername=DRIVER)


def _version(connection: Connection) -> tuple[int, str] | None:
    """Give schema and book of a journal; None where it wasn't made, or not to the end."""
    if not inspect(connection).has_table(tables.schema_version.name):
        return None
    version = connection.execute(select(func.max(tables.schema_version.c.version))).scalar_one()
    if version is None or version > tables.SCHEMA_VERSION:
        return None if version is None else (version, "")
    book = select(tables.schema_version.c.book)
    return version, str(connection.execute(book).scalars().first())


def _careful(connection: SqliteConnection, _record: object) -> None:
    """Make a commit mean that the line is on the disk."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


def _durable(connection: Psycopg, _record: object) -> None:
    """Make a commit mean the same, whatever the database does by default."""
    before, connection.autocommit = connection.autocommit, True  # A SET is undone by a rollback.
    connection.execute(DURABLE)
    connection.autocommit = before
