"""A journal of an older layout is brought forward, whoever opens it, and nothing in it is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from reconciler.errors import JournalError
from reconciler.journal import migrations, tables
from reconciler.journal.journal import Book, open_database, read_book
from tests.journal.keeping import MINE, ROW, InFile, Keeper, ask, count, done, intent
from tests.journal.layouts import first

if TYPE_CHECKING:
    from pathlib import Path


def older(keeper: Keeper) -> None:
    """Leave a journal as the first version did."""
    if isinstance(keeper, InFile):
        keeper.path.parent.mkdir()
    engine = create_engine(keeper.url, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in first(engine.dialect.name):
            connection.exec_driver_sql(statement)
    engine.dispose()


def layout(keeper: Keeper) -> dict[str, Any]:
    """Give tables, columns, keys and indexes as another process sees them."""
    engine = create_engine(keeper.url, poolclass=NullPool)
    found = inspect(engine)
    told = {
        name: (
            sorted((c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(name)),
            found.get_pk_constraint(name)["constrained_columns"],
            sorted(str(u["column_names"]) for u in found.get_unique_constraints(name)),
            sorted((i["name"], i["column_names"]) for i in found.get_indexes(name)),
            [(k["constrained_columns"], k["referred_table"]) for k in found.get_foreign_keys(name)],
        )
        for name in found.get_table_names()
    }
    engine.dispose()
    return told


def read(keeper: Keeper) -> Book | None:
    """Open it for looking only."""
    if isinstance(keeper, InFile):
        return read_book(keeper.path)
    return open_database(keeper.address, make=False)


def test_the_steps_lead_to_the_layout_that_is_written() -> None:
    assert [step.version for step in migrations.STEPS] == list(range(2, tables.SCHEMA_VERSION + 1))


def test_all_of_an_older_journal_is_there_and_goes_on(keeper: Keeper) -> None:
    older(keeper)
    book = keeper.open(lambda: 100.0)
    pages = book.pages(MINE, "prod")
    (left,) = pages.open_intents()
    assert (left.intent_id, left.handle, left.age_s) == (2, "job-2", 40.0)
    assert pages.applied() == frozenset({ROW})
    memory = pages.remembered()
    assert memory is not None
    assert memory.policy.max_detach == 3
    assert sorted(memory.documents) == ["shop"]
    assert memory.bare == frozenset()
    assert pages.job_seconds() == {"attach": 7.0}
    (run,) = book.runs()
    assert run.commit is not None
    assert run.commit.id == "4711"
    assert run.owner is None
    assert [call.handle for call in book.calls(run)] == ["job-1", "job-2"]
    assert book.hooks(run) == ()
    pages.end(2, {key: outcome for key, outcome in done().items() if key.server_id == "s1"})
    assert pages.open_intents() == ()
    assert pages.begin(intent()) == 3
    book.close()


def test_brought_forward_it_is_as_a_new_one(keeper: Keeper, tmp_path: Path) -> None:
    older(keeper)
    keeper.open().close()
    now = layout(keeper)
    if isinstance(keeper, InFile):
        fresh = InFile(tmp_path / "new.db")
        fresh.open().close()
        assert now == layout(fresh)
        return
    ask(keeper, "DROP SCHEMA public CASCADE")
    ask(keeper, "CREATE SCHEMA public")
    keeper.open().close()
    assert now == layout(keeper)


def test_many_may_bring_it_forward_at_once(keeper: Keeper) -> None:
    older(keeper)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: keeper.open().close(), range(8)))
    assert ask(keeper, "SELECT version FROM schema_version") == [(tables.SCHEMA_VERSION,)]
    assert count(keeper, "intents") == 2


def test_who_dies_meanwhile_leaves_it_as_it_was(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    older(keeper)
    before = layout(keeper)
    torn = migrations.Step(
        version=2, statements=("CREATE TABLE half (a INTEGER)", "no sql"), columns={}
    )
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "STEPS", (torn,))
        with pytest.raises(JournalError):
            keeper.open()
    assert layout(keeper) == before
    assert ask(keeper, "SELECT version FROM schema_version") == [(1,)]
    keeper.open().close()


def test_who_only_reads_changes_nothing(keeper: Keeper) -> None:
    older(keeper)
    before = layout(keeper)
    with pytest.raises(JournalError, match=r"without applies\.bare, breakers") as told:
        read(keeper)
    assert "reconciler apply" in str(told.value.hint)
    assert layout(keeper) == before
    keeper.open().close()
    # Of the layout before nothing lacks that a reader needs: an index is not missed.
    ask(keeper, "UPDATE schema_version SET version = 1")
    ask(keeper, "DROP INDEX intents_by_run")
    book = read(keeper)
    assert book is not None
    assert len(book.pages(MINE, "prod").open_intents()) == 1
    book.close()
    assert ask(keeper, "SELECT version FROM schema_version") == [(1,)]
