"""A file that is full, read-only, torn, empty or of another day: words before the next request."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import JournalError
from reconciler.journal.journal import Book, Pages, open_book, read_book
from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb
from tests.journal.keeping import BY, MINE, ROW, InFile, count, done, intent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WRITE_VERSION = 18
"""The byte of a database's header that makes it read-only to a SQLite that doesn't know it.

Source: sqlite.org/fileformat2.html, 1.3.3 (file format version numbers).
"""
NOBODY = 65534
WIDE = Call(verb=Verb.ATTACH, keys=tuple(AttachmentKey("prod", "s" * 5000, "v") for _ in "ab"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give where the journal is kept."""
    return tmp_path / "kept" / "journal.db"


def filled(path: Path, calls: int = 60) -> None:
    """Make a journal with calls in it and close it."""
    book = open_book(path)
    pages = book.pages(MINE, "prod")
    for _ in range(calls):
        pages.end(pages.begin(intent()), done(1.0))
    book.close()


@contextmanager
def opened(path: Path) -> Iterator[tuple[Book, Pages]]:
    """Give a journal and one cloud's pages of it."""
    book = open_book(path)
    try:
        yield book, book.pages(MINE, "prod")
    finally:
        book.close()


def use(path: Path) -> None:
    """Do what a run does before its first request."""
    with opened(path) as (_, pages):
        pages.lease.attempt("run-2", "apply")
        try:
            pages.open_intents()
            pages.begin(intent())
        finally:
            pages.lease.release()


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_an_error_and_the_line_is_not_there(path: Path) -> None:
    def fill(pages: Pages) -> None:
        for _ in range(200):
            pages.begin(intent(WIDE))

    with opened(path) as (_, pages):
        pages.begin(intent())
        with files_end_at(300_000), pytest.raises(JournalError, match="can't be used") as told:
            fill(pages)
        assert "INSERT" not in str(told.value)
        written = count(InFile(path), "intents")
        assert written == len(pages.open_intents())
        pages.begin(intent(WIDE))  # Somebody made room: nothing is torn.
        assert len(pages.open_intents()) == written + 1


def test_a_full_disk_takes_no_new_journal(path: Path) -> None:
    with files_end_at(0), pytest.raises(JournalError):
        open_book(path)
    with files_end_at(20_000), pytest.raises(JournalError):
        open_book(path)
    use(path)


@pytest.mark.parametrize("what", ["lease", "line", "run", "applied"])
def test_a_read_only_file_is_an_error_at_the_first_line(path: Path, what: str) -> None:
    filled(path, 1)
    content = bytearray(path.read_bytes())
    content[WRITE_VERSION] = 3
    path.write_bytes(content)
    with opened(path) as (_, pages):
        writes: dict[str, Callable[[], object]] = {
            "lease": lambda: pages.lease.attempt("run-2", "apply"),
            "line": lambda: pages.begin(intent()),
            "run": lambda: pages.runs.began("run-2", "apply"),
            "applied": lambda: pages.record_applied("run-2", frozenset({ROW}), BY),
        }
        with pytest.raises(JournalError, match="readonly"):
            writes[what]()
        assert pages.open_intents() == (), "what is in it can be looked at"


@contextmanager
def of_somebody_else(folder: Path) -> Iterator[None]:
    """Let a folder be one that this process may read and not write."""
    root = os.geteuid() == 0
    folder.chmod(0o755 if root else 0o555)
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(0o755)


def test_a_folder_of_somebody_else_is_told_with_a_way_out() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders let nobody else in.
        path = Path(name) / "journal.db"
        filled(path, 1)
        with of_somebody_else(Path(name)), pytest.raises(JournalError) as told:
            read_book(path)
    assert f"let this user write in `{name}`" in told.value.hint
    assert "even who only reads" in told.value.hint


@pytest.mark.parametrize("content", [b"not a database at all" * 99, b"SQLite format 3\x00torn"])
def test_a_file_that_is_no_journal_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    for attempt in (open_book, read_book):
        with pytest.raises(JournalError):
            attempt(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.5, 0.75, 0.99])
def test_a_file_that_was_cut_is_refused(path: Path, share: float) -> None:
    filled(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(JournalError):
        use(path)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_page_that_was_overwritten_is_refused(path: Path, share: float) -> None:
    filled(path)
    content = bytearray(path.read_bytes())
    page = int(len(content) * share) // 4096 * 4096
    content[page : page + 4096] = bytes(4096)
    path.write_bytes(content)
    with pytest.raises(JournalError):
        use(path)


def copied_log(path: Path, folder: Path) -> Path:
    """Give a copy of the log of an open journal with something in it."""
    book = open_book(path)
    book.pages(MINE, "prod").begin(intent())
    copy = folder / "log"
    shutil.copy(f"{path}-wal", copy)
    book.close()
    return copy


def test_a_log_of_another_time_is_refused(path: Path, tmp_path: Path) -> None:
    old = copied_log(path, tmp_path)
    filled(path)
    shutil.copy(old, f"{path}-wal")
    with pytest.raises(JournalError):
        use(path)


def test_a_log_of_another_journal_is_refused(path: Path, tmp_path: Path) -> None:
    other = copied_log(tmp_path / "other" / "journal.db", tmp_path)
    filled(path)
    shutil.copy(other, f"{path}-wal")
    with pytest.raises(JournalError):
        use(path)


def test_a_log_cut_in_a_line_loses_the_line_that_was_not_durable_yet(path: Path) -> None:
    book = open_book(path)
    book.pages(MINE, "prod").begin(intent())
    log = path.with_name("journal.db-wal")
    before, complete = path.read_bytes(), log.read_bytes()
    book.close()
    path.write_bytes(before)
    log.write_bytes(complete + b"half of a frame" * 9)
    with opened(path) as (_, pages):
        assert len(pages.open_intents()) == 1


def test_a_copy_of_an_earlier_day_is_told_and_may_be_used_after_all(path: Path) -> None:
    filled(path, 2)
    earlier = path.read_bytes()
    filled(path, 3)
    path.write_bytes(earlier)
    with pytest.raises(JournalError, match=r"has lost lines.*call 5.*in it is 2.*-mark"):
        use(path)
    path.with_name("journal.db-mark").unlink()
    use(path)


def test_whoever_takes_a_journal_away_begins_a_new_one(path: Path) -> None:
    filled(path, 2)
    path.unlink()
    use(path)
    use(path)


def test_a_mark_that_cannot_be_read_is_none(path: Path) -> None:
    filled(path, 2)
    path.with_name("journal.db-mark").write_bytes(b"\xff")
    use(path)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalError, match="can't be opened"):
        open_book(tmp_path / "file" / "journal.db")


def test_a_reader_makes_no_journal(path: Path) -> None:
    assert read_book(path) is None
    assert not path.exists()


def test_a_journal_that_somebody_holds_is_waited_for_and_then_told(path: Path) -> None:
    filled(path, 1)
    with opened(path) as (_, pages):
        other = sqlite3.connect(path)
        other.execute("BEGIN IMMEDIATE")
        pages.open_intents()
        other.rollback()
        other.close()
        pages.begin(intent())
