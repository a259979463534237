"""Lines that are written together: durable at once, and each as good as alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.errors import JournalError
from reconciler.execution.ledger import Ledger
from reconciler.journal.leases import LeaseLostError
from tests.journal.keeping import BY, MINE, ROW, ask, count, done, intent
from tests.journal.test_leases import TERMS, Hand

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from reconciler.journal.journal import Book, Pages
    from tests.journal.keeping import Keeper


def test_what_many_write_in_one_turn_is_one_transaction(
    pages: Pages, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[int] = []
    together = pages.together

    def counted(writes: Sequence[Callable[[], object]]) -> Sequence[object | JournalError]:
        groups.append(len(writes))
        return together(writes)

    monkeypatch.setattr(pages, "together", counted)

    async def story() -> list[int]:
        ledger = Ledger(pages)
        numbers = [asyncio.ensure_future(ledger.begin(intent())) for _ in range(32)]
        return [await number for number in numbers]

    numbers = asyncio.run(story())
    assert groups == [32]
    assert len(set(numbers)) == 32
    assert count(keeper, "intents") == 32


def test_a_lost_lease_lets_nothing_leave_and_keeps_what_became_of_calls(
    book: Book, keeper: Keeper
) -> None:
    pages = book.pages(MINE, "prod")
    pages.lease.attempt("run-1", "apply")
    number = pages.begin(intent())
    ask(keeper, "DELETE FROM leases")
    told = pages.together([lambda: pages.begin(intent()), lambda: pages.end(number, done())])
    assert isinstance(told[0], LeaseLostError)
    assert told[1] is None
    assert pages.open_intents() == ()
    pages.lease.release()


def test_lines_that_took_too_long_together_are_no_leave_to_send(keeper: Keeper) -> None:
    clock = Hand()
    book = keeper.open(lambda: 100.0, replace(TERMS, clock_s=clock))
    pages = book.pages(MINE, "prod")
    pages.lease.attempt("run-1", "apply")
    number = pages.begin(intent())

    def slow() -> None:
        pages.end(number, done())
        clock.now_s += TERMS.ttl_s

    told = pages.together([lambda: pages.begin(intent()), slow])
    assert isinstance(told[0], LeaseLostError)
    assert told[1] is None
    assert len(pages.open_intents()) == 1, "it is looked at by the next run"
    pages.lease.release()
    book.close()


def test_a_line_that_can_not_be_kept_fails_for_all_and_keeps_none(
    pages: Pages, keeper: Keeper
) -> None:
    def torn() -> None:
        raise JournalError("the disk is full")

    told = pages.together([lambda: pages.begin(intent()), torn])
    assert [type(one) for one in told] == [JournalError, JournalError]
    assert count(keeper, "intents") == 0
    pages.record_applied("run-1", frozenset({ROW}), BY)
    assert pages.begin(intent())


def test_what_nobody_waits_for_a_number_of_is_written_and_fails_with_its_group(
    pages: Pages, keeper: Keeper
) -> None:
    numbers = [pages.begin(intent()) for _ in range(3)]
    accepted = [partial(pages.accepted, number, f"job-{number}") for number in numbers]
    told = pages.together([*accepted[:2], lambda: pages.end(numbers[0], done())])
    assert told == [None, None, None]
    assert [one.handle for one in pages.open_intents()] == [f"job-{numbers[1]}", None]
    kept = count(keeper, "verdicts")
    again = pages.together([accepted[2], accepted[0], lambda: pages.end(numbers[2], done())])
    assert [type(one) for one in again] == [JournalError] * 3, "one handle stands there already"
    assert (count(keeper, "handles"), count(keeper, "verdicts")) == (2, kept)
    pages.accepted(numbers[2], "job-3")
    assert (count(keeper, "handles"), count(keeper, "verdicts")) == (3, kept)
