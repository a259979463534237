"""The history of runs: what began, how it ended, and who looked after what was left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.errors import JournalError
from reconciler.journal import process
from reconciler.model.history import RunEnd
from reconciler.model.outcome import Outcome, Verdict
from tests.journal.keeping import KEYS, MINE, THEIRS, ask, done, intent

if TYPE_CHECKING:
    from reconciler.journal.journal import Book, Pages
    from tests.journal.keeping import Keeper

END = RunEnd(ending="confirmed", counts={"attached": 2}, requests=31)


def test_a_run_has_no_end_until_it_ended(book: Book, pages: Pages) -> None:
    pages.runs.began("run-1", "apply")
    (run,) = book.runs()
    assert (run.id, run.scope, run.verb, run.began_s) == ("run-1", "prod", "apply", 100.0)
    assert (run.ending, run.ended_s, run.requests, dict(run.counts)) == (None, None, None, {})
    pages.runs.ended("run-1", END)
    (run,) = book.runs()
    assert (run.ending, run.ended_s, run.requests) == ("confirmed", 100.0, 31)
    assert run.counts == {"attached": 2}


def test_a_run_that_goes_on_has_no_end_again(book: Book, pages: Pages) -> None:
    for _ in range(2):
        pages.runs.began("run-1", "apply")
    pages.runs.ended("run-1", END)
    pages.runs.began("run-1", "apply")
    assert [run.ending for run in book.runs()] == [None]


def test_of_each_attachment_the_last_thing_known_counts(book: Book, pages: Pages) -> None:
    failed = Outcome(verdict=Verdict.FAILED, code="Ecs.1", message="busy", request_id="r-1")
    first = pages.begin(intent())
    pages.accepted(first, "job-1")
    pages.end(first, dict.fromkeys(KEYS, failed))
    second = pages.begin(intent(run="run-2"))
    pages.end(second, {KEYS[1]: Outcome(verdict=Verdict.DONE)})
    other = book.pages(THEIRS, "test")
    other.end(other.begin(intent(run="run-3")), done())
    last = pages.runs.last_calls()
    assert {key: (one.run, one.verb, one.handle, one.verdict) for key, one in last.items()} == {
        KEYS[0]: ("run-1", "attach", "job-1", "failed"),
        KEYS[1]: ("run-2", "attach", None, "done"),
    }
    assert (last[KEYS[0]].code, last[KEYS[0]].message, last[KEYS[0]].request_id) == (
        *("Ecs.1", "busy", "r-1"),
    )


def test_a_run_and_its_calls_tell_who_it_was(
    book: Book, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "night shift")
    pages.runs.began("run-1", "apply")
    pages.end(pages.begin(intent(run="run-1")), done())
    (run,) = book.runs()
    assert run.owner is not None
    assert run.owner.startswith("night shift@")
    assert {one.owner for one in pages.runs.last_calls().values()} == {run.owner}


def test_whatever_the_environment_calls_the_user_a_run_begins(
    book: Book, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "night\x1b[2J\udcff")
    assert pages.lease.attempt("run-1", "apply") is None
    pages.runs.began("run-1", "apply")
    told = [*(one.owner for one in book.runs()), *(one.owner for one in book.holders())]
    assert all(owner is not None and owner.startswith("night\ufffd[2J\ufffd@") for owner in told)


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000)  # As containers of arbitrary users have.
    assert process.owner().startswith("uid 4000000@")


def test_a_run_that_never_began_has_no_end(book: Book, pages: Pages) -> None:
    pages.runs.ended("run-1", END)
    assert book.runs() == ()


def test_a_run_that_holds_the_lease_is_running(book: Book, pages: Pages) -> None:
    pages.lease.attempt("run-1", "apply")
    pages.runs.began("run-1", "apply")
    pages.runs.began("run-0", "apply")
    assert [(run.id, run.running) for run in book.runs()] == [("run-0", False), ("run-1", True)]
    pages.lease.release()
    assert not any(run.running for run in book.runs())


def test_a_killed_run_that_nobody_took_over_from_is_not_running(
    keeper: Keeper, book: Book, pages: Pages
) -> None:
    pages.runs.began("run-1", "apply")
    pages.lease.attempt("run-1", "apply")
    # The same number, begun at another moment: whoever had it is gone.
    ask(keeper, "UPDATE leases SET process = substr(process, 1, length(process) - 1)")
    assert [run.running for run in book.runs()] == [False]


def test_runs_are_newest_first_and_cut_by_date_and_id(keeper: Keeper) -> None:
    now_s = 100.0
    book = keeper.open(lambda: now_s)
    for name in ("abc", "ab_", "xyz"):
        for whose, scope in ((MINE, "prod"), (THEIRS, "test")):
            book.pages(whose, scope).runs.began(name, "apply")
        now_s += 50.0
    told = [(run.id, run.scope) for run in book.runs()]
    assert told[:3] == [("xyz", "prod"), ("xyz", "test"), ("ab_", "prod")]
    assert {run.id for run in book.runs(since_s=150.0)} == {"ab_", "xyz"}
    assert {run.id for run in book.runs(prefix="ab")} == {"abc", "ab_"}
    assert {run.id for run in book.runs(prefix="ab_")} == {"ab_"}, "an underscore is itself"
    book.close()


def test_what_a_later_run_adopted_is_told_on_both_sides(book: Book, pages: Pages) -> None:
    unknown = Outcome(verdict=Verdict.UNKNOWN, code="no-answer", message="who knows")
    pages.lease.attempt("run-1", "apply")
    pages.runs.began("run-1", "apply")
    number = pages.begin(intent())
    pages.accepted(number, "job-1")
    pages.end(number, dict.fromkeys(KEYS, unknown))
    pages.lease.release()
    pages.lease.attempt("run-2", "apply")
    pages.runs.began("run-2", "apply")
    pages.end(number, done(4.0))
    pages.lease.release()
    second, first = sorted(book.runs(), key=lambda run: run.id, reverse=True)
    assert (first.adopted, second.adopted) == (0, 1)
    for run in (first, second):
        (call,) = book.calls(run)
        assert (call.run, call.label, call.verb, call.handle) == (
            *("run-1", "web-1/disk-1", "attach", "job-1"),
        )
        assert call.attachments == (("s1", "v1"), ("s2", "v1"))
        told = [(one.verdict, one.run, one.took_s) for one in call.verdicts]
        assert sorted(told[:2]) == [("unknown", "run-1", None)] * 2
        assert sorted(told[2:]) == [("done", "run-2", 4.0)] * 2
        assert {one.code for one in call.verdicts} == {"no-answer", ""}


def test_runs_of_one_cloud_have_the_calls_of_that_cloud(book: Book, pages: Pages) -> None:
    theirs = book.pages(THEIRS, "test")
    for one in (pages, theirs):
        one.runs.began("run-1", "apply")
        one.begin(intent())
    for run in book.runs():
        assert len(book.calls(run)) == 1


def test_a_history_of_thousands_of_calls_reads_back(book: Book, pages: Pages) -> None:
    pages.runs.began("run-1", "apply")
    number = pages.begin(intent())
    numbers = ", ".join(
        f"({n}, '{MINE}', 'run-1', 's', 'l', 'attach', '{{\"keys\": []}}', 1, 1)"
        for n in range(number + 1, number + 1200)
    )
    columns = "id, identity, run, step, label, verb, call, attachments, at_s"
    with book._store.durably() as connection:  # noqa: SLF001 - quicker than one by one
        connection.exec_driver_sql(f"INSERT INTO intents ({columns}) VALUES {numbers}")  # noqa: S608
    (run,) = book.runs()
    assert len(book.calls(run)) == 1200


def test_a_line_that_cannot_be_read_is_an_error(keeper: Keeper, book: Book, pages: Pages) -> None:
    pages.runs.began("run-1", "apply")
    pages.begin(intent())
    ask(keeper, "UPDATE intents SET call = 'torn'")
    (run,) = book.runs()
    with pytest.raises(JournalError, match="can't be read"):
        book.calls(run)
    ask(keeper, "UPDATE runs SET counts = 'torn'")
    with pytest.raises(JournalError, match="can't be read"):
        book.runs()
