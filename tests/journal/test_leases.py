"""The lease: one run at a time, a dead one outlived, a live one never stolen from."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import JournalError
from reconciler.journal import process
from reconciler.journal.heart import Heart
from reconciler.journal.leases import LeaseLostError, LeaseTerms
from tests.journal.keeping import BY, MINE, OWNED, ROW, THEIRS, InFile, ask, count, done, intent
from tests.rig.processes import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.journal.journal import Book, Pages
    from tests.journal.keeping import Keeper

TERMS = LeaseTerms()
ELSEWHERE = "UPDATE leases SET process = 'boot pid:[1] 1 1', owner = 'far, pid 1'"


@dataclass
class Hand:
    """A clock that stands still until it is turned."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Hand:
    """Give the clock that everybody looks at."""
    return Hand()


@pytest.fixture
def two(keeper: Keeper, clock: Hand) -> Iterator[tuple[Book, Book]]:
    """Give the same journal, opened by two processes."""
    # A heart that beats by hand: its first beat is an hour away.
    terms = replace(TERMS, clock_s=clock)
    books = (keeper.open(lambda: 100.0, terms), keeper.open(lambda: 100.0, terms))
    yield books
    for book in books:
        book.close()


def mine(book: Book) -> Pages:
    """Give the pages of the cloud that is fought for."""
    return book.pages(MINE, "prod")


def looks(pages: Pages, clock: Hand, seconds: float) -> bool:
    """Look twice a second for so long; tell whether the lease was obtained."""
    for _ in range(round(seconds * 2)):
        if pages.lease.attempt("run-2", "apply") is None:
            return True
        clock.now_s += 0.5
    return False


def test_one_has_it_and_the_other_is_told_who(two: tuple[Book, Book]) -> None:
    first, second = mine(two[0]), mine(two[1])
    assert first.lease.attempt("run-1", "apply") is None
    holder = second.lease.attempt("run-2", "repair")
    assert holder is not None
    assert (holder.run, holder.operation, holder.scope) == ("run-1", "apply", "prod")
    assert holder.owner.endswith(f", pid {os.getpid()}")
    assert (holder.since_s, holder.expires_s) == (100.0, 100.0 + TERMS.ttl_s)
    assert (first.lease.held, second.lease.held) == (True, False)
    first.lease.release()
    assert second.lease.attempt("run-2", "repair") is None
    second.lease.release()


def test_clouds_are_apart(two: tuple[Book, Book]) -> None:
    first, second = mine(two[0]), two[1].pages(THEIRS, "prod")
    assert first.lease.attempt("run-1", "apply") is None
    assert second.lease.attempt("run-2", "apply") is None
    assert [one.run for one in two[0].holders()] == ["run-1", "run-2"]
    first.lease.release()
    second.lease.release()


def test_a_live_one_is_not_stolen_from(two: tuple[Book, Book], clock: Hand) -> None:
    first, second = mine(two[0]), mine(two[1])
    first.lease.attempt("run-1", "apply")
    for _ in range(20):
        assert first.lease.beat()
        assert not looks(second, clock, TERMS.ttl_s / 3)
    first.lease.release()


def test_a_silent_one_is_outlived_and_not_before_its_term(
    two: tuple[Book, Book], clock: Hand, keeper: Keeper
) -> None:
    first, second = mine(two[0]), mine(two[1])
    first.lease.attempt("run-1", "apply")
    ask(keeper, ELSEWHERE)
    assert not looks(second, clock, TERMS.ttl_s - 0.5)
    assert looks(second, clock, 1.5)
    assert not first.lease.beat()
    first.lease.release()
    assert [one.run for one in two[0].holders()] == ["run-2"], "only one's own is given back"
    second.lease.release()


def test_whoever_did_not_watch_has_not_seen_silence(two: tuple[Book, Book], clock: Hand) -> None:
    first, second = mine(two[0]), mine(two[1])
    first.lease.attempt("run-1", "apply")
    assert second.lease.attempt("run-2", "apply") is not None
    clock.now_s += 3600.0  # Both slept: the owner had no chance to beat.
    assert second.lease.attempt("run-2", "apply") is not None
    first.lease.release()


def test_clocks_of_walls_decide_nothing(keeper: Keeper, clock: Hand) -> None:
    terms = replace(TERMS, clock_s=clock)
    early, late = keeper.open(lambda: 100.0, terms), keeper.open(lambda: 9e9, terms)
    assert mine(early).lease.attempt("run-1", "apply") is None
    assert not looks(mine(late), clock, TERMS.ttl_s - 1.0)
    early.close()
    late.close()


def test_a_call_is_a_beat(two: tuple[Book, Book], clock: Hand) -> None:
    first, second = mine(two[0]), mine(two[1])
    first.lease.attempt("run-1", "apply")
    clock.now_s += TERMS.ttl_s
    doubtful = first.lease.believed
    first.begin(intent())
    assert (doubtful, first.lease.believed) == (False, True)
    assert not looks(second, clock, TERMS.ttl_s - 1.0)
    first.begin(intent())
    assert not looks(second, clock, TERMS.ttl_s - 1.0)
    first.lease.release()


def lost(two: tuple[Book, Book], clock: Hand, keeper: Keeper) -> tuple[Pages, Pages]:
    """Give the pages of a run that was silent for too long, and of the one that came after."""
    first, second = mine(two[0]), mine(two[1])
    first.lease.attempt("run-1", "apply")
    ask(keeper, ELSEWHERE)
    assert looks(second, clock, TERMS.ttl_s + 2.0)
    return first, second


@pytest.mark.parametrize(
    "write",
    [
        lambda p: p.begin(intent()),
        lambda p: p.record_applied("run-1", frozenset({ROW}), BY, frozenset({OWNED})),
    ],
    ids=["a call", "what was applied"],
)
def test_who_lost_it_writes_nothing_more(
    two: tuple[Book, Book], clock: Hand, keeper: Keeper, write: Callable[[Pages], object]
) -> None:
    first, second = lost(two, clock, keeper)
    with pytest.raises(
        LeaseLostError, match=r"`prod` is lost, and .* pid \d+ has it now \(apply"
    ) as lost_it:
        write(first)
    assert (lost_it.value.code, "lock list" in lost_it.value.hint) == ("lease-lost", True)
    assert not any(count(keeper, one) for one in ("intents", "applied", "owned_rows"))
    write(second)
    second.lease.release()


def test_what_became_of_a_call_is_written_by_whoever_knows(
    two: tuple[Book, Book], clock: Hand, keeper: Keeper
) -> None:
    first = mine(two[0])
    first.lease.attempt("run-1", "apply")
    number = first.begin(intent())
    ask(keeper, "DELETE FROM leases")
    first.accepted(number, "job-1")
    first.end(number, done())
    assert first.open_intents() == ()
    with pytest.raises(LeaseLostError, match="nobody has it now"):
        first.begin(intent())
    first.lease.release()
    del clock


def test_a_line_that_took_too_long_is_no_leave_to_send(
    keeper: Keeper, clock: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = keeper.open(lambda: 100.0, replace(TERMS, clock_s=clock))
    pages = mine(book)
    pages.lease.attempt("run-1", "apply")
    confirm = pages.lease.confirm

    def slow(connection: object) -> float:
        began_s = confirm(connection)  # type: ignore[arg-type]
        clock.now_s += TERMS.ttl_s - TERMS.margin_s
        return began_s

    monkeypatch.setattr(pages.lease, "confirm", slow)
    with pytest.raises(LeaseLostError, match="took so long"):
        pages.begin(intent())
    monkeypatch.undo()
    assert len(pages.open_intents()) == 1, "it is looked at by the next run"
    pages.lease.release()
    book.close()


def test_without_a_lease_a_line_is_written_only_where_nobody_has_it(two: tuple[Book, Book]) -> None:
    first, second = mine(two[0]), mine(two[1])
    second.begin(intent())
    first.lease.attempt("run-1", "apply")
    with pytest.raises(LeaseLostError, match="is being changed by"):
        second.begin(intent())
    assert len(first.open_intents()) == 1
    first.lease.release()


def test_a_person_takes_exactly_one_holding_away(two: tuple[Book, Book]) -> None:
    first, second = mine(two[0]), mine(two[1])
    first.lease.attempt("run-1", "apply")
    (holder,) = two[1].holders()
    assert two[1].take_away(holder)
    assert not two[1].take_away(holder)
    assert second.lease.attempt("run-2", "apply") is None
    assert not two[1].take_away(holder), "the next holding is another one"
    assert not first.lease.beat()
    second.lease.release()


def test_a_lease_in_a_file_is_local_and_one_in_a_database_is_not(
    keeper: Keeper, two: tuple[Book, Book]
) -> None:
    first = mine(two[0])
    first.lease.attempt("run-1", "apply")
    (holder,) = two[0].holders()
    assert holder.local is isinstance(keeper, InFile)
    first.lease.release()


def test_the_heart_beats_while_the_run_is_busy_and_ends_with_the_last_lease(
    keeper: Keeper,
) -> None:
    def date() -> float:
        assert threading.current_thread() is threading.main_thread(), "a date is the run's own"
        return 100.0

    book = keeper.open(date, replace(TERMS, ttl_s=0.06, margin_s=0.0))
    pages, others = mine(book), book.pages(THEIRS, "prod")
    pages.lease.attempt("run-1", "apply")
    others.lease.attempt("run-1", "apply")
    until_s = time.monotonic() + 5.0
    while {row[0] for row in ask(keeper, "SELECT beat >= 3 FROM leases")} != {True}:
        assert time.monotonic() < until_s
    pages.lease.release()
    assert [t.name for t in threading.enumerate() if t.name == "lease"] == ["lease"]
    others.lease.release()
    assert [t.name for t in threading.enumerate() if t.name == "lease"] == []
    assert count(keeper, "leases") == 0
    book.close()


class Broken:
    """A lease whose every second beat is lost to the disk."""

    beat_s = 0.001

    def __init__(self) -> None:
        self.beats = 0
        self.enough = threading.Event()

    def beat(self) -> bool:
        """Beat, or not."""
        self.beats += 1
        if self.beats > 4:
            self.enough.set()
        if self.beats % 2:
            raise JournalError("the disk is full")
        return True


def test_a_heart_survives_a_beat_that_is_lost() -> None:
    heart, broken = Heart(), Broken()
    heart.add(broken)
    assert broken.enough.wait(5.0)
    heart.remove(broken)
    heart.remove(broken)


def test_a_process_of_this_machine_that_is_gone_is_known() -> None:
    assert not process.gone(process.fingerprint())
    with Child([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        boot, space, _, _ = process.fingerprint().split()
        started = process._started(child.pid)  # noqa: SLF001 - of another process
        told = f"{boot} {space} {child.pid} {started}"
        assert not process.gone(told)
        assert process.gone(f"{boot} {space} {child.pid} 1"), "the number was given out again"
        child.kill()
        child.wait()
    assert process.gone(told)


@pytest.mark.parametrize(
    "told", ["", "x", "boot space 1 1", "{boot} pid:[1] 1 1", "{boot} {ns} x 1"]
)
def test_in_doubt_a_process_is_not_gone(told: str) -> None:
    boot, namespace, _, _ = process.fingerprint().split()
    assert not process.gone(told.format(boot=boot, ns=namespace))


OWNER = """\
import sys, time
from pathlib import Path
from reconciler.journal.journal import open_book
from tests.journal.keeping import MINE, intent
pages = open_book(Path(sys.argv[1])).pages(MINE, "prod")
assert pages.lease.attempt("run-1", "apply") is None
pages.begin(intent())
print("held", flush=True)
time.sleep(60)
"""


def test_a_killed_owner_of_this_machine_locks_nobody_out(tmp_path: Path) -> None:
    keeper = InFile(tmp_path / "journal.db")
    with Child(
        [sys.executable, "-c", OWNER, keeper.address], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "held\n"
        book = keeper.open()
        pages = mine(book)
        holder = pages.lease.attempt("run-2", "apply")
        assert holder is not None
        assert holder.owner.endswith(f", pid {owner.pid}")
        owner.kill()
        owner.wait()
    assert pages.lease.attempt("run-2", "apply") is None
    assert [one.run for one in pages.open_intents()] == ["run-1"]
    pages.lease.release()
    book.close()


RACER = """\
import sys
from pathlib import Path
from reconciler.journal.journal import open_book, open_database
from tests.journal.keeping import MINE, done, intent
where, name = sys.argv[1:]
book = open_database(where, make=True) if "://" in where else open_book(Path(where))
pages = book.pages(MINE, "prod")
print("ready", flush=True)
input()
won = 0
while won < 20:
    if pages.lease.attempt(name, "apply") is None:
        number = pages.begin(intent(run=name))
        assert [one.intent_id for one in pages.open_intents()] == [number], "two at a time"
        pages.end(number, done())
        pages.lease.release()
        won += 1
"""


def test_two_processes_never_have_it_at_once(keeper: Keeper) -> None:
    racers = [
        subprocess.Popen(  # noqa: S603 - our own children
            [sys.executable, "-c", RACER, keeper.address, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("run-1", "run-2")
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    try:
        assert [racer.wait(timeout=30) for racer in racers] == [0, 0]
    finally:
        for racer in racers:
            with racer:
                racer.kill()
    assert count(keeper, "intents") == 40
    assert count(keeper, "leases") == 0
