"""What the journal promises: durable in order, by identity, and never guessed at."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from reconciler.errors import JournalError
from reconciler.model.call import Call, Verb
from reconciler.model.declared import Side
from reconciler.model.memory import Memory, Remembers
from reconciler.model.outcome import Outcome, Verdict
from reconciler.model.policy import Policy
from tests.journal.keeping import BY, CALL, KEYS, MINE, OWNED, ROW, THEIRS, ask, count, done, intent

if TYPE_CHECKING:
    from reconciler.journal.journal import Book, Pages
    from tests.journal.keeping import Keeper


def test_each_line_is_there_for_others_when_the_call_returns(keeper: Keeper, pages: Pages) -> None:
    number = pages.begin(intent())
    assert (count(keeper, "intents"), count(keeper, "handles"), count(keeper, "verdicts")) == (
        1,
        0,
        0,
    )
    pages.accepted(number, "job-1")
    assert count(keeper, "handles") == 1
    pages.end(number, done())
    assert count(keeper, "verdicts") == len(KEYS)


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


def test_what_was_written_outlives_the_process(keeper: Keeper, book: Book, pages: Pages) -> None:
    number = pages.begin(intent())
    pages.record_applied("run-1", frozenset({ROW}), BY)
    book.close()
    again = keeper.open()
    mine = again.pages(MINE, "renamed")
    assert [one.intent_id for one in mine.open_intents()] == [number]
    assert {key.scope for one in mine.open_intents() for key in one.call.keys} == {"renamed"}
    assert mine.applied() == frozenset({ROW})
    again.close()


def test_identities_do_not_see_each_other(book: Book, pages: Pages) -> None:
    theirs = book.pages(THEIRS, "prod")
    pages.end(pages.begin(intent()), done(took_s=9.0))
    pages.begin(intent())
    pages.record_applied("run-1", frozenset({ROW}), BY)
    assert theirs.open_intents() == ()
    assert theirs.applied() is None
    assert theirs.job_seconds() == {}
    theirs.record_applied("run-2", frozenset(), BY)
    assert pages.applied() == frozenset({ROW})


def test_what_an_apply_went_by_reads_back_whole_and_is_replaced(book: Book, pages: Pages) -> None:
    assert pages.remembered() is None
    pages.record_applied("run-1", frozenset(), BY)
    assert pages.remembered() == BY
    assert book.pages(THEIRS, "prod").remembered() is None
    plain = Memory(of=Remembers.JOURNAL, policy=Policy())
    pages.record_applied("run-2", frozenset(), plain)
    assert pages.remembered() == plain


def test_rows_that_were_owned_are_replaced_with_the_rest_and_an_undo_leaves_them(
    pages: Pages,
) -> None:
    newer = frozenset({(Side.SERVER, "s-1"), (Side.VOLUME, "v-1")})
    pages.record_applied("run-1", frozenset(), BY, frozenset({OWNED}))
    pages.record_applied("run-2", frozenset(), BY, newer)
    assert pages.watch.owned_rows() == newer
    pages.record_applied("run-3", frozenset({ROW}), BY)
    assert pages.watch.owned_rows() == newer
    pages.record_applied("run-4", frozenset(), BY, frozenset())
    assert pages.watch.owned_rows() == frozenset()


@pytest.mark.parametrize("column", ["policy", "protected", "documents", "bare"])
def test_a_memory_that_cannot_be_read_is_an_error(
    keeper: Keeper, pages: Pages, column: str
) -> None:
    pages.record_applied("run-1", frozenset(), BY)
    ask(keeper, f"UPDATE applies SET {column} = 'torn'")  # noqa: S608 - a column of ours
    with pytest.raises(JournalError, match="can't be read"):
        pages.remembered()


def test_nothing_applied_is_not_the_same_as_never_applied(pages: Pages) -> None:
    assert pages.applied() is None
    pages.record_applied("run-1", frozenset(), BY)
    assert pages.applied() == frozenset()
    pages.record_applied("run-2", frozenset({ROW}), BY)
    pages.record_applied("run-3", frozenset({ROW}), BY)
    assert pages.applied() == frozenset({ROW})


def test_learned_times_are_the_median_of_the_last_done_calls(pages: Pages) -> None:
    call = Call(verb=Verb.DETACH, keys=KEYS)
    for seconds in (1000.0,) * 60 + (3.0, 4.0, 5.0) * 20:
        pages.end(pages.begin(intent(call)), done(took_s=seconds))
    assert pages.job_seconds() == {"detach": 4.0}
    pages.end(pages.begin(intent()), done(took_s=None))
    assert "attach" not in pages.job_seconds()


def test_a_newer_journal_is_refused(keeper: Keeper, book: Book) -> None:
    book.close()
    ask(keeper, "UPDATE schema_version SET version = version + 1")
    with pytest.raises(JournalError, match="newer version"):
        keeper.open()


def test_a_journal_that_died_while_it_was_made_is_finished(keeper: Keeper, book: Book) -> None:
    book.close()
    for statement in ("DELETE FROM schema_version", "DROP TABLE verdicts", "DROP TABLE applies"):
        ask(keeper, statement)
    again = keeper.open()
    mine = again.pages(MINE, "prod")
    mine.end(mine.begin(intent()), done())
    mine.record_applied("run-1", frozenset(), BY)
    again.close()


def test_a_line_that_cannot_be_read_is_an_error(keeper: Keeper, pages: Pages) -> None:
    pages.begin(intent())
    ask(keeper, """UPDATE intents SET call = '{"keys": [["s1"]]}'""")
    with pytest.raises(JournalError, match="can't be read"):
        pages.open_intents()


def test_many_may_make_a_new_journal_at_once(keeper: Keeper) -> None:
    def attempt(_: int) -> None:
        with suppress(JournalError):  # locked, and told so: the next attempt finds it made
            keeper.open().close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(8)))
    keeper.open().close()
    assert count(keeper, "schema_version") == 1


def test_what_no_database_could_keep_is_replaced(pages: Pages) -> None:
    number = pages.begin(intent())
    said = "torn \0 and \udc80 " + "long " * 1000
    odd = Outcome(verdict=Verdict.UNKNOWN, code=said, message=said, request_id=said)
    pages.accepted(number, said)
    pages.end(number, dict.fromkeys(KEYS, odd))
    (left,) = pages.open_intents()
    assert left.handle is not None
    assert left.handle.startswith("torn \ufffd and ? long")
