"""The two engines behind one face: what a test opens, and looks into as another process would."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from reconciler.journal.journal import TERMS, Book, open_book, open_database
from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb
from reconciler.model.declared import Side
from reconciler.model.memory import Memory, Protected, Remembers
from reconciler.model.outcome import Outcome, Verdict
from reconciler.model.policy import Policy, WhenRunning, Window
from reconciler.model.record import Identity, Intent, NamedAttachment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.journal.leases import LeaseTerms

MINE = Identity(provider="huawei-ecs", endpoint="https://one", project="p", region="r1")
THEIRS = Identity(provider="huawei-ecs", endpoint="https://two", project="p", region="r1")
KEYS = (AttachmentKey("prod", "s1", "v1"), AttachmentKey("prod", "s2", "v1"))
CALL = Call(verb=Verb.ATTACH, keys=KEYS, devices={KEYS[0]: "/dev/vdc"})
ROW = NamedAttachment(server_id="s1", volume_id="v1", server="web", volume="disk")
OWNED = (Side.SERVER, "s1")
BY = Memory(
    of=Remembers.JOURNAL,
    policy=Policy(
        max_detach=3,
        max_detach_share=0.1,
        max_detach_per_server=2,
        allow_destroy=True,
        when_running=WhenRunning.WARN,
        windows=(Window(allows=True, cron="0 22 * * *", duration_s=60.0, timezone="UTC"),),
    ),
    protected=frozenset(
        {
            Protected(side=Side.SERVER, name="web \0 one", owner_id="s1"),
            Protected(side=Side.VOLUME, name="disk"),
        }
    ),
    documents=frozenset({"shop", "stock"}),
    bare=frozenset({(Side.SERVER, "web-2", "s2"), (Side.VOLUME, "two words", "v2")}),
)
"""Nothing of it is as it is by default."""


class Keeper(Protocol):
    """A place where a journal may stand."""

    def open(self, now_s: Callable[[], float] = ..., terms: LeaseTerms = ...) -> Book:
        """Open the journal, made where there is none."""
        ...

    @property
    def address(self) -> str:
        """Where it is."""
        ...

    @property
    def url(self) -> str:
        """The same, for SQLAlchemy."""
        ...


class InFile:
    """A SQLite file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def address(self) -> str:
        return str(self.path)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def open(self, now_s: Callable[[], float] = time.time, terms: LeaseTerms = TERMS) -> Book:
        return open_book(self.path, now_s, terms)


class InDatabase:
    """A PostgreSQL database."""

    def __init__(self, address: str) -> None:
        self._address = address

    @property
    def address(self) -> str:
        return self._address

    @property
    def url(self) -> str:
        return self.address.replace("postgresql:", "postgresql+psycopg:")

    def open(self, now_s: Callable[[], float] = time.time, terms: LeaseTerms = TERMS) -> Book:
        book = open_database(self.address, now_s, terms, make=True)
        assert book is not None
        return book


def ask(where: Keeper, sql: str) -> list[tuple[object, ...]]:
    """Run a statement as another process would; give its rows, where it has any."""
    engine = create_engine(where.url, poolclass=NullPool)
    with engine.begin() as connection:
        result = connection.execute(text(sql))
        rows = [tuple(row) for row in result] if result.returns_rows else []
    engine.dispose()
    return rows


def count(where: Keeper, table: str) -> int:
    """Count the rows of a table as another process sees them."""
    ((number,),) = ask(where, f"SELECT count(*) FROM {table}")  # noqa: S608 - a name from a test
    return int(str(number))


def intent(call: Call = CALL, run: str = "run-1") -> Intent:
    """Give an intent of one run."""
    return Intent(run=run, step_id="step-1", label="web-1/disk-1", call=call)


def done(took_s: float | None = None) -> dict[AttachmentKey, Outcome]:
    """Give outcomes for both keys."""
    return dict.fromkeys(KEYS, Outcome(verdict=Verdict.DONE, took_s=took_s))
