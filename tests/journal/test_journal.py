"""What the journal promises: durable in order, by identity, and never guessed at."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import JournalError
from reconciler.journal.journal import Book, open_book
from reconciler.journal.tables import SCHEMA_VERSION
from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Outcome, Verdict
from reconciler.model.record import Identity, Intent, NamedAttachment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.journal.journal import Pages

MINE = Identity(provider="huawei-ecs", endpoint="https://one", project="p", region="r1")
THEIRS = Identity(provider="huawei-ecs", endpoint="https://two", project="p", region="r1")
KEYS = (AttachmentKey("prod", "s1", "v1"), AttachmentKey("prod", "s2", "v1"))
CALL = Call(verb=Verb.ATTACH, keys=KEYS, devices={KEYS[0]: "/dev/vdc"})
ROW = NamedAttachment(server_id="s1", volume_id="v1", server="web", volume="disk")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "journal.db"


@pytest.fixture
def book(path: Path) -> Iterator[Book]:
    opened = open_book(path, lambda: 100.0)
    yield opened
    opened.close()


@pytest.fixture
def pages(book: Book) -> Pages:
    return book.pages(MINE, "prod")


def intent(call: Call = CALL) -> Intent:
    """Give an intent of one run."""
    return Intent(run="run-1", step_id="step-1", label="web-1/disk-1", call=call)


def done(took_s: float | None = None) -> dict[AttachmentKey, Outcome]:
    """Give outcomes for both keys."""
    return dict.fromkeys(KEYS, Outcome(verdict=Verdict.DONE, took_s=took_s))


def count(path: Path, table: str) -> int:
    """Count the rows as another process sees them."""
    other = sqlite3.connect(path)
    try:
        return int(other.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - a name from this file
    finally:
        other.close()


def test_each_line_is_there_for_others_when_the_call_returns(path: Path, pages: Pages) -> None:
    number = pages.begin(intent())
    assert (count(path, "intents"), count(path, "handles"), count(path, "verdicts")) == (1, 0, 0)
    pages.accepted(number, "job-1")
    assert count(path, "handles") == 1
    pages.end(number, done())
    assert count(path, "verdicts") == len(KEYS)


def test_an_intent_is_open_until_its_end_and_reads_back_whole(pages: Pages) -> None:
    first, second = pages.begin(intent()), pages.begin(intent())
    pages.accepted(second, "job-2")
    found = pages.open_intents()
    assert [(one.intent_id, one.handle) for one in found] == [(first, None), (second, "job-2")]
    assert found[0].call == CALL
    assert (found[0].run, found[0].step_id, found[0].label) == ("run-1", "step-1", "web-1/disk-1")
    assert found[0].age_s == 0.0
    pages.end(first, done())
    assert [one.intent_id for one in pages.open_intents()] == [second]


def test_an_unknown_verdict_settles_nothing_and_the_rest_of_a_batch_stays_settled(
    pages: Pages,
) -> None:
    number = pages.begin(intent())
    unknown = Outcome(verdict=Verdict.UNKNOWN)
    pages.end(number, {**done(), KEYS[0]: unknown})
    (left,) = pages.open_intents()
    assert left.call.keys == (KEYS[0],)
    # A later run may tell, may not, and may say so as often as it likes.
    pages.end(number, {KEYS[0]: unknown})
    assert [one.call.keys for one in pages.open_intents()] == [(KEYS[0],)]
    pages.end(number, {KEYS[0]: Outcome(verdict=Verdict.DONE)})
    assert pages.open_intents() == ()


def test_what_was_written_outlives_the_process(path: Path, book: Book, pages: Pages) -> None:
    number = pages.begin(intent())
    pages.record_applied("run-1", frozenset({ROW}))
    book.close()
    again = open_book(path)
    mine = again.pages(MINE, "renamed")
    assert [one.intent_id for one in mine.open_intents()] == [number]
    assert {key.scope for one in mine.open_intents() for key in one.call.keys} == {"renamed"}
    assert mine.applied() == frozenset({ROW})
    again.close()


def test_identities_do_not_see_each_other(book: Book, pages: Pages) -> None:
    theirs = book.pages(THEIRS, "prod")
    pages.end(pages.begin(intent()), done(took_s=9.0))
    pages.begin(intent())
    pages.record_applied("run-1", frozenset({ROW}))
    assert theirs.open_intents() == ()
    assert theirs.applied() is None
    assert theirs.job_seconds() == {}
    theirs.record_applied("run-2", frozenset())
    assert pages.applied() == frozenset({ROW})


def test_nothing_applied_is_not_the_same_as_never_applied(pages: Pages) -> None:
    assert pages.applied() is None
    pages.record_applied("run-1", frozenset())
    assert pages.applied() == frozenset()
    pages.record_applied("run-2", frozenset({ROW}))
    pages.record_applied("run-3", frozenset({ROW}))
    assert pages.applied() == frozenset({ROW})


def test_learned_times_are_the_median_of_the_last_done_calls(pages: Pages) -> None:
    call = Call(verb=Verb.DETACH, keys=KEYS)
    for seconds in (1000.0,) * 60 + (3.0, 4.0, 5.0) * 20:
        pages.end(pages.begin(intent(call)), done(took_s=seconds))
    assert pages.job_seconds() == {"detach": 4.0}
    pages.end(pages.begin(intent()), done(took_s=None))
    assert "attach" not in pages.job_seconds()


def test_a_newer_journal_is_refused(path: Path, book: Book) -> None:
    book.close()
    other = sqlite3.connect(path)
    other.execute("UPDATE schema_version SET version = ?", (SCHEMA_VERSION + 1,))
    other.commit()
    other.close()
    with pytest.raises(JournalError, match="newer version"):
        open_book(path)


@pytest.mark.parametrize("content", [b"not a database at all" * 99, b"SQLite format 3\x00torn"])
def test_a_file_that_is_no_journal_is_refused(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(JournalError):
        open_book(path)
    assert path.read_bytes() == content


def test_a_journal_that_died_while_it_was_made_is_finished(path: Path, book: Book) -> None:
    book.close()
    other = sqlite3.connect(path)
    for statement in ("DELETE FROM schema_version", "DROP TABLE verdicts", "DROP TABLE applies"):
        other.execute(statement)
    other.commit()
    other.close()
    again = open_book(path)
    mine = again.pages(MINE, "prod")
    mine.end(mine.begin(intent()), done())
    mine.record_applied("run-1", frozenset())
    again.close()


def test_a_disk_that_is_full_is_an_error_and_the_line_is_not_there(path: Path, book: Book) -> None:
    pages = book.pages(MINE, "prod")
    pages.begin(intent())
    with book._engine.begin() as connection:  # noqa: SLF001 - the limit belongs to the connection
        used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {used}")
    wide = Call(verb=Verb.ATTACH, keys=tuple(AttachmentKey("prod", "s" * 5000, "v") for _ in "ab"))

    def fill() -> None:
        for _ in range(50):
            pages.begin(intent(wide))

    with pytest.raises(JournalError, match="full"):
        fill()
    assert count(path, "intents") == len(pages.open_intents())


def test_a_line_that_cannot_be_read_is_an_error(path: Path, pages: Pages) -> None:
    pages.begin(intent())
    other = sqlite3.connect(path)
    other.execute('UPDATE intents SET call = \'{"keys": [["s1"]]}\'')
    other.commit()
    other.close()
    with pytest.raises(JournalError, match="can't be read"):
        pages.open_intents()


def test_many_may_make_a_new_journal_at_once(path: Path) -> None:
    def attempt(_: int) -> None:
        with suppress(JournalError):  # locked, and told so: the next attempt finds it made
            open_book(path).close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(8)))
    open_book(path).close()
    assert count(path, "schema_version") == 1
