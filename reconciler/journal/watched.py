"""What the journal keeps of a service: ticks are written here, and everything is read.

Whatever is older than its retention goes; a difference that lasts is never too old.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from reconciler.errors import JournalError
from reconciler.journal import tables
from reconciler.journal.runs import past_calls, past_runs
from reconciler.journal.texts import kept
from reconciler.journal.watching import difference
from reconciler.model.attachment import AttachmentKey
from reconciler.model.finding import Finding, Severity
from reconciler.model.outcome import Verdict
from reconciler.model.plan import Action, Name
from reconciler.model.watching import REMEMBERED_S, BreakerStanding, Correction, Tick

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select, Table
    from sqlalchemy.engine import Row

    from reconciler.journal.store import Store
    from reconciler.model.history import PastCall, PastRun
    from reconciler.model.watching import Difference

    AnyRow = Row[tuple[object, ...]]

THERE, GONE = 1, 2
"""What listeners heard of a difference."""


class WatchBook:
    """WatchHistory (see `ports`), and what a service writes that is of no cloud in particular."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def ticked(self, tick: Tick) -> None:
        """Make durable that a look ended, and how."""
        findings = [[f.severity.value, f.code, kept(f.summary), f.hint] for f in tick.findings]
        row = {
            "scope": tick.scope,
            "began_s": tick.began_s,
            "took_s": tick.took_s,
            "looked": int(tick.looked),
            "remembered": int(tick.remembered),
            "counts": json.dumps(dict(tick.counts), sort_keys=True),
            "findings": json.dumps(findings),
            "run": tick.run,
            "commit": tick.commit,
            "requests": tick.requests,
            "next_s": tick.next_s,
        }
        with self._store.durably() as connection:
            connection.execute(insert(tables.ticks).values(row))

    def told(self, scope: str) -> None:
        """Make durable that listeners heard what the last tick of a scope had to tell."""
        table = tables.differences
        mine, gone = table.c.scope == scope, table.c.gone_s.is_not(None)
        with self._store.durably() as connection:
            there = (mine, ~gone, table.c.told == 0)
            connection.execute(update(table).where(*there).values(told=THERE))
            # What came and went before anybody was told of it isn't told any more.
            connection.execute(update(table).where(mine, gone).values(told=GONE))

    def forget(self, scope: str, now_s: float, retention_s: float) -> None:
        """Delete what ended longer ago; corrections hold others back, and are kept for a week."""
        before_s, failed_s = now_s - retention_s, now_s - max(retention_s, REMEMBERED_S)
        ticks, differs, made = tables.ticks, tables.differences, tables.corrections
        with self._store.durably() as connection:
            for table, moment, until_s in (
                (ticks, ticks.c.began_s, before_s),
                (differs, differs.c.gone_s, before_s),
                (made, made.c.at_s, failed_s),
            ):
                mine = (table.c.scope == scope, moment < until_s)
                connection.execute(delete(table).where(*mine))

    def close_breaker(self, scope: str) -> bool:
        """Let a scope be corrected again; False where nothing kept it from that."""
        table = tables.breakers
        closed = {
            "standing": BreakerStanding.CLOSED.value,
            "failures": 0,
            "since_s": self._store.now_s(),
            "until_s": None,
        }
        mine = (table.c.scope == scope, table.c.failures > 0)
        with self._store.durably() as connection:
            return connection.execute(update(table).where(*mine).values(closed)).rowcount > 0

    def ticks(self, scope: str | None, since_s: float, limit: int) -> tuple[Tick, ...]:
        """Give the ticks that began since then; of their rows only the counts are kept."""
        table = tables.ticks
        query = select(table).where(table.c.began_s >= since_s, *_of(table, scope))
        rows = self._rows(query.order_by(table.c.began_s.desc(), table.c.id.desc()).limit(limit))
        return tuple(_tick(row) for row in rows)

    def differences(self, scope: str | None, since_s: float) -> tuple[Difference, ...]:
        """Give what differs now, and what did since then."""
        table = tables.differences
        lasts = table.c.gone_s.is_(None) | (table.c.gone_s >= since_s)
        query = select(table).where(lasts, *_of(table, scope))
        rows = self._rows(query.order_by(table.c.first_s.desc(), table.c.id.desc()))
        return tuple(difference(row, row.scope) for row in rows)

    def corrections(self, scope: str | None, since_s: float) -> tuple[Correction, ...]:
        """Give the corrections since then."""
        table = tables.corrections
        query = select(table).where(table.c.at_s >= since_s, *_of(table, scope))
        rows = self._rows(query.order_by(table.c.at_s.desc(), table.c.id.desc()))
        return tuple(_correction(row) for row in rows)

    def runs(self, since_s: float, prefix: str = "") -> tuple[PastRun, ...]:
        """Give the runs, of every verb, that began since then and whose id begins so."""
        return past_runs(self._store, since_s=since_s, prefix=prefix)

    def calls(self, run: PastRun) -> tuple[PastCall, ...]:
        """Give the calls of a run."""
        return past_calls(self._store, run.id, run.identity)

    def _rows(self, query: Select[tuple[object, ...]]) -> list[AnyRow]:
        with self._store.durably() as connection:
            return list(connection.execute(query).all())


def _of(table: Table, scope: str | None) -> tuple[ColumnElement[bool], ...]:
    return () if scope is None else (table.c.scope == scope,)


def _tick(row: AnyRow) -> Tick:
    try:
        counts = {str(word): int(number) for word, number in json.loads(row.counts).items()}
        findings = tuple(
            Finding(severity=Severity(grave), code=code, summary=words, hint=hint, scope=row.scope)
            for grave, code, words, hint in json.loads(row.findings)
        )
    except (ValueError, TypeError, AttributeError) as error:
        raise JournalError(f"a line of the journal can't be read: {row.counts[:200]}") from error
    return Tick(
        scope=row.scope,
        began_s=row.began_s,
        took_s=row.took_s,
        looked=bool(row.looked),
        remembered=bool(row.remembered),
        counts=counts,
        findings=findings,
        run=row.run,
        commit=row.commit,
        requests=row.requests,
        next_s=row.next_s,
    )


def _correction(row: AnyRow) -> Correction:
    return Correction(
        key=AttachmentKey(row.scope, row.server_id, row.volume_id),
        name=Name(server=row.server, volume=row.volume),
        action=Action(row.action),
        verdict=Verdict(row.verdict),
        run=row.run,
        at_s=row.at_s,
        code=row.code,
        message=row.message,
        request_id=row.request_id,
    )
