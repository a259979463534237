"""One cloud identity's pages of the journal, over SQLAlchemy Core.

1. A call's line, and what an apply owned, are written under the lease of their cloud; without one
   of their own only while nobody else has it. What became of a call is always written.
2. What a line says of the world is foreign text: what no database could keep is replaced.
"""

from __future__ import annotations

import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from sqlalchemy import delete, distinct, func, insert, select

from reconciler.errors import JournalError
from reconciler.journal import calls, leases, memories, tables
from reconciler.journal.corrections import CorrectionPages
from reconciler.journal.heart import Heart
from reconciler.journal.hooks import HookLines, past_hooks
from reconciler.journal.leases import Lease, LeaseLostError, LeaseTerms
from reconciler.journal.notices import Notices
from reconciler.journal.runs import RunPages, past_calls, past_runs
from reconciler.journal.store import in_database, in_file
from reconciler.journal.texts import kept
from reconciler.journal.watched import WatchBook
from reconciler.journal.watching import WatchPages, own
from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Verdict
from reconciler.model.record import NamedAttachment, OpenIntent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Insert, ScalarSelect
    from sqlalchemy.engine import Connection

    from reconciler.journal.store import Store
    from reconciler.model.declared import Side
    from reconciler.model.history import Holder, PastCall, PastHook, PastRun
    from reconciler.model.memory import Memory
    from reconciler.model.outcome import Outcomes
    from reconciler.model.record import Identity, Intent

    Rows = frozenset[tuple[Side, str]]

TERMS = LeaseTerms()
_INTENT, _HANDLE, _VERDICT = map(insert, (tables.intents, tables.handles, tables.verdicts))
REMEMBERED_JOBS = 50
"""How many past calls of a verb the learned time is the median of."""


class Book:
    """An open journal; `pages` gives one identity's part of it."""

    def __init__(self, store: Store, terms: LeaseTerms) -> None:
        self._store = store
        self._terms = terms
        self._heart = Heart()
        self.watched = WatchBook(store)
        self.notices = Notices(store)

    def pages(self, identity: Identity, scope: str) -> Pages:
        """Give the pages of one cloud; `scope` is what this run calls it."""
        whose = (str(identity), scope)
        return Pages(self._store, Lease(self._store, self._terms, whose, self._heart), whose)

    def holders(self) -> tuple[Holder, ...]:
        """Give who holds which lease, sorted by identity."""
        return leases.holders(self._store)

    def take_away(self, holder: Holder) -> bool:
        """End exactly this holding, whoever lives; False when it ended by itself."""
        return leases.take_away(self._store, holder)

    def runs(self, *, since_s: float = 0.0, prefix: str = "") -> tuple[PastRun, ...]:
        """Give the runs that began since then and whose id begins so, newest first."""
        return past_runs(self._store, since_s=since_s, prefix=prefix)

    def calls(self, run: PastRun) -> tuple[PastCall, ...]:
        """Give the calls of a run, and those of others that it adopted, in order."""
        return past_calls(self._store, run.id, run.identity)

    def hooks(self, run: PastRun) -> tuple[PastHook, ...]:
        """Give the hooks that a run ran, in order."""
        return past_hooks(self._store, run.id, run.identity)

    def close(self) -> None:
        """Release the file, or the connections; a lease that is still held ends with its term."""
        self._heart.stop()
        self._store.close()


def open_book(
    path: Path, now_s: Callable[[], float] = time.time, terms: LeaseTerms = TERMS
) -> Book:
    """Open or make the journal at `path`. Raises JournalError when it can't be trusted."""
    book = _prepared(in_file(path, now_s), terms, make=True)
    assert book is not None, "it was made"
    return book


def read_book(path: Path, now_s: Callable[[], float] = time.time) -> Book | None:
    """Open the journal at `path` for looking; None when there is none. Raises JournalError."""
    return _prepared(in_file(path, now_s), TERMS, make=False) if path.exists() else None


def open_database(
    url: str, now_s: Callable[[], float] = time.time, terms: LeaseTerms = TERMS, *, make: bool
) -> Book | None:
    """Open the journal of a PostgreSQL database, made where asked; None when it has none.

    Raises JournalError; its words never have a password.
    """
    return _prepared(in_database(url, now_s), terms, make=make)


def _prepared(store: Store, terms: LeaseTerms, *, make: bool) -> Book | None:
    try:
        there = store.prepare(make=make)
    except JournalError:
        store.close()
        raise
    if not there:
        store.close()
        return None
    return Book(store, terms)


class Pages:
    """Journal and Applied (see `ports`) of one cloud identity."""

    def __init__(self, store: Store, lease: Lease, whose: tuple[str, str]) -> None:
        self.lease = lease
        self.runs = RunPages(store, whose)
        self.watch = WatchPages(store, whose)
        self.corrections = CorrectionPages(store, whose)
        self._store = store
        self._identity, self._scope = whose
        self.hooks = HookLines(store, self._leased, self._identity)
        self._began_s: list[float] | None = None
        """While lines are written together: when those began that are under the lease."""
        self._late: dict[Insert, list[Mapping[str, object]]] | None = None
        """While lines are written together: those whose numbers nobody waits for."""

    @contextmanager
    def _leased(self) -> Iterator[Connection]:
        """Open a transaction that is kept only if nobody else may change this cloud."""
        held = self.lease.held
        with self._store.durably() as connection:
            # The lease first: whoever would take it over waits for the end of this transaction.
            # Of lines that are written together the first one has asked already.
            asked_s = self._began_s[0] if self._began_s else None
            began_s = 0.0
            if held:
                began_s = self.lease.confirm(connection) if asked_s is None else asked_s
            yield connection
            if not held:
                leases.nobodys(connection, self._identity, self._scope)
        if held and self._began_s is not None:
            self._began_s.append(began_s)
        elif held:
            self.lease.beaten(began_s)

    def together(self, writes: Sequence[Callable[[], object]]) -> Sequence[object | JournalError]:
        """Make lines durable at once; give what each gave, or why it isn't to be relied on.

        Where the lease is lost, what became of calls is still written: then each is alone.
        """
        if len(writes) == 1:
            return [_alone(writes[0])]
        began_s = self._began_s = []
        late = self._late = defaultdict(list)
        try:
            with self._store.shared() as connection:
                results: list[object | JournalError] = [write() for write in writes]
                for statement, rows in late.items():
                    connection.execute(statement, rows)
        except LeaseLostError:
            self._began_s = self._late = None
            return [_alone(write) for write in writes]
        except JournalError as error:
            return [error] * len(writes)
        finally:
            self._began_s = self._late = None
        try:
            if began_s:
                self.lease.beaten(min(began_s))
        except LeaseLostError as error:
            # Those that gave a number would leave now.
            return [error if isinstance(result, int) else result for result in results]
        return results

    def begin(self, intent: Intent) -> int:
        """Make durable that a call is about to leave; give its number.

        Raises LeaseLostError when another run may change this cloud by now.
        """
        row = {
            "identity": self._identity,
            "run": intent.run,
            "step": kept(intent.step_id),
            "label": kept(intent.label),
            "verb": intent.call.verb.value,
            "call": calls.written(intent.call),
            "attachments": len(intent.call.keys),
            "at_s": self._store.now_s(),
        }
        with self._leased() as connection:
            made = connection.execute(_INTENT, row)
            key = made.inserted_primary_key
            assert key is not None
        self._store.noted(int(key[0]))
        return int(key[0])

    def accepted(self, intent_id: int, handle: str) -> None:
        """Make durable which job the cloud gave it."""
        row = {"intent": intent_id, "handle": kept(handle), "at_s": self._store.now_s()}
        self._lines(_HANDLE, [row])

    def end(self, intent_id: int, outcomes: Outcomes) -> None:
        """Make durable what became of it."""
        at_s = self._store.now_s()
        rows = [
            {
                "intent": intent_id,
                "server_id": key.server_id,
                "volume_id": key.volume_id,
                "verdict": outcome.verdict.value,
                "code": kept(outcome.code),
                "message": kept(outcome.message),
                "request_id": kept(outcome.request_id),
                "took_s": outcome.took_s,
                "at_s": at_s,
                "run": self.lease.run,
            }
            for key, outcome in sorted(outcomes.items())
        ]
        self._lines(_VERDICT, rows)

    def _lines(self, statement: Insert, rows: Sequence[Mapping[str, object]]) -> None:
        """Write lines; of those that are written together, all of a kind at once."""
        if self._late is not None:
            self._late[statement].extend(rows)
            return
        with self._store.durably() as connection:
            connection.execute(statement, rows)

    def open_intents(self) -> tuple[OpenIntent, ...]:
        """Give the calls of earlier runs that nobody knows the end of, oldest first.

        A call is cut to the attachments that no verdict but UNKNOWN was written for.
        """
        intents, handles = tables.intents, tables.handles
        query = (
            select(intents, handles.c.handle)
            .outerjoin(handles, handles.c.intent == intents.c.id)
            .where(intents.c.identity == self._identity)
            .where(_settled_count() < intents.c.attachments)
            .order_by(intents.c.id)
        )
        with self._store.durably() as connection:
            rows = connection.execute(query).all()
            known = {row.id: _settled_keys(connection, row.id, self._scope) for row in rows}
        now_s = self._store.now_s()
        return tuple(
            OpenIntent(
                intent_id=row.id,
                run=row.run,
                step_id=row.step,
                label=row.label,
                call=_without(calls.read(row.verb, row.call, self._scope), known[row.id]),
                handle=row.handle,
                age_s=max(0.0, now_s - row.at_s),
            )
            for row in rows
        )

    def job_seconds(self) -> Mapping[str, float]:
        """Give the median seconds of the last done calls by verb; verbs never seen are absent."""
        with self._store.durably() as connection:
            return {
                verb.value: median(seconds)
                for verb in Verb
                if (seconds := _last_jobs(connection, self._identity, verb))
            }

    def applied(self) -> frozenset[NamedAttachment] | None:
        """Give what the last apply owned; None when no apply was ever recorded."""
        mine = tables.applied.c.identity == self._identity
        with self._store.durably() as connection:
            known = select(tables.applies.c.run).where(tables.applies.c.identity == self._identity)
            if connection.execute(known).first() is None:
                return None
            rows = connection.execute(select(tables.applied).where(mine)).all()
        return frozenset(
            NamedAttachment(
                server_id=row.server_id,
                volume_id=row.volume_id,
                server=row.server,
                volume=row.volume,
            )
            for row in rows
        )

    def remembered(self) -> Memory | None:
        """Give what the last apply went by; None when no apply was ever recorded."""
        applies = tables.applies
        columns = applies.c
        query = select(columns.policy, columns.protected, columns.documents, columns.bare)
        with self._store.durably() as connection:
            row = connection.execute(query.where(applies.c.identity == self._identity)).first()
        return None if row is None else memories.read(row._asdict())

    def record_applied(
        self, run: str, rows: frozenset[NamedAttachment], by: Memory, owned: Rows | None = None
    ) -> None:
        """Replace what the last apply owned, and what it went by, durably and all at once.

        Newer rows beside older attachments would call what an apply made somebody's addition.
        """
        mine = {"identity": self._identity}
        values = [
            mine
            | {
                "server_id": row.server_id,
                "volume_id": row.volume_id,
                "server": kept(row.server),
                "volume": kept(row.volume),
            }
            for row in sorted(rows)
        ]
        with self._leased() as connection:
            for table in (tables.applied, tables.applies):
                connection.execute(delete(table).where(table.c.identity == self._identity))
            row = mine | {"run": run, "at_s": self._store.now_s()} | memories.written(by)
            connection.execute(insert(tables.applies).values(row))
            if values:
                connection.execute(insert(tables.applied), values)
            if owned is not None:
                own(connection, self._identity, owned)


def _alone(write: Callable[[], object]) -> object | JournalError:
    try:
        return write()
    except JournalError as error:
        return error


def _last_jobs(connection: Connection, identity: str, verb: Verb) -> list[float]:
    intents, verdicts = tables.intents, tables.verdicts
    query = (
        select(verdicts.c.took_s)
        .join(intents, verdicts.c.intent == intents.c.id)
        .where(intents.c.identity == identity, intents.c.verb == verb.value)
        .where(verdicts.c.took_s.is_not(None))
        .order_by(intents.c.id.desc())
        .limit(REMEMBERED_JOBS)
    )
    return [float(seconds) for seconds in connection.execute(query).scalars()]


def _settled_count() -> ScalarSelect[int]:
    """Count what is settled of a call: of each of this cloud's, and of nobody else's."""
    verdicts = tables.verdicts
    one = verdicts.c.server_id + "/" + verdicts.c.volume_id
    return (
        select(func.count(distinct(one)))
        .where(verdicts.c.intent == tables.intents.c.id)
        .where(verdicts.c.verdict != Verdict.UNKNOWN.value)
        .correlate(tables.intents)
        .scalar_subquery()
    )


def _settled_keys(connection: Connection, intent_id: int, scope: str) -> set[AttachmentKey]:
    verdicts = tables.verdicts
    query = select(verdicts.c.server_id, verdicts.c.volume_id).where(
        verdicts.c.intent == intent_id, verdicts.c.verdict != Verdict.UNKNOWN.value
    )
    rows = connection.execute(query).all()
    return {AttachmentKey(scope, row.server_id, row.volume_id) for row in rows}


def _without(call: Call, known: set[AttachmentKey]) -> Call:
    return replace(call, keys=tuple(key for key in call.keys if key not in known))
