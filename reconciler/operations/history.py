"""The history of runs: written while one goes on, and read by whoever asks what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.finding import Finding, FindingsError
from reconciler.model.history import RunEnd
from reconciler.model.outcome import Verdict
from reconciler.operations import wiring
from reconciler.operations.applied import ending_in
from reconciler.report.history import DetailedRun
from reconciler.report.run import DONE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.model.history import Commit, PastRun
    from reconciler.model.watching import Correction, Difference, Tick
    from reconciler.operations.applied import Applied, Result
    from reconciler.operations.sessions import Session
    from reconciler.operations.wiring import Surroundings

MOST_TICKS = 100_000
"""A year of looks of one scope: more nobody reads, and each is a row in memory."""
UNDONE = (Verdict.REFUSED, Verdict.FAILED, Verdict.UNKNOWN)


class RunLog:
    """One run's rows of the history; a cloud where nothing was adopted or changed has none."""

    def __init__(self, run: str, verb: str, commit: Commit | None) -> None:
        self.run = run
        self._commit = commit
        self._verb = verb
        self._begun: dict[str, Session] = {}

    @property
    def told(self) -> str:
        """Give the id by which the history knows the run; empty: it has nothing of it."""
        return self.run if self._begun else ""

    def began(self, session: Session) -> None:
        """Write that something of this cloud is about to be adopted or changed."""
        assert session.pages is not None, "whoever changes something has a journal"
        session.pages.runs.began(self.run, self._verb, self._commit)
        self._begun[session.scope.name] = session

    def closed(self, applied: Applied) -> None:
        """Write how each cloud's part of it ended, for every one where it began.

        Raises JournalError.
        """
        for name in sorted(self._begun):
            results = [one for one in applied.results if one.change.key.scope == name]
            self._end(name, ending_in(name, applied).name.lower(), _counts(results))

    def ended(self, ending: str) -> None:
        """Write that it ended before anything was changed. Raises JournalError."""
        for name in sorted(self._begun):
            self._end(name, ending, {})

    def _end(self, name: str, ending: str, counts: Mapping[str, int]) -> None:
        session = self._begun[name]
        assert session.pages is not None, "it began"
        end = RunEnd(ending=ending, counts=counts, requests=session.pace.requests)
        session.pages.runs.ended(self.run, end)


def _counts(results: Sequence[Result]) -> dict[str, int]:
    done = [one.change.action.value for one in results if one.verdict is Verdict.DONE]
    verdicts = [one.verdict for one in results]
    counted = {word: done.count(action) for action, word in DONE.items()}
    counted |= {verdict.value: verdicts.count(verdict) for verdict in UNDONE}
    return {word: number for word, number in counted.items() if number}


def past_runs(around: Surroundings, *, since_s: float | None = None) -> tuple[PastRun, ...]:
    """Give the runs of the last `since_s` seconds, None: all; newest first. Raises JournalError."""
    book = wiring.book(around, writing=False)
    if book is None:
        return ()
    from_s = 0.0 if since_s is None else around.utc_now().timestamp() - since_s
    try:
        return book.runs(since_s=from_s)
    finally:
        book.close()


def past_looks(
    around: Surroundings, *, since_s: float | None = None
) -> tuple[tuple[Tick, ...], tuple[Difference, ...], tuple[Correction, ...]]:
    """Give what a service saw and did in the last `since_s` seconds, None: all; newest first.

    Raises JournalError.
    """
    book = wiring.book(around, writing=False)
    if book is None:
        return (), (), ()
    from_s = 0.0 if since_s is None else around.utc_now().timestamp() - since_s
    kept = book.watched
    try:
        return (
            kept.ticks(None, from_s, MOST_TICKS),
            kept.differences(None, from_s),
            kept.corrections(None, from_s),
        )
    finally:
        book.close()


def one_run(prefix: str, around: Surroundings) -> tuple[DetailedRun, ...]:
    """Give every cloud's part of the one run whose id begins so, with its calls.

    Raises FindingsError when it isn't exactly one, and JournalError.
    """
    book = wiring.book(around, writing=False)
    if book is None:
        raise FindingsError(_not_one(prefix, []))
    try:
        # An empty one would mean the only run there is: nobody meant that.
        found = book.runs(prefix=prefix) if prefix else ()
        ids = sorted({run.id for run in found})
        if len(ids) != 1:
            raise FindingsError(_not_one(prefix, ids))
        return tuple(
            DetailedRun(run=run, calls=book.calls(run), hooks=book.hooks(run)) for run in found
        )
    finally:
        book.close()


def _not_one(prefix: str, ids: Sequence[str]) -> Finding:
    listed = ", ".join(f"`{one}`" for one in ids[:5])
    return Finding(
        code="run-ambiguous" if ids else "unknown-run",
        summary=f"`{prefix}` could be {len(ids)} runs: {listed}" if ids else f"no run `{prefix}`",
        hint="write more of its id" if ids else "`reconciler history` lists the runs",
    )
