"""What a service corrected by itself, and what keeps it from doing so again.

How often something was corrected, and how much was detached today, is read from the calls
themselves, which are durable before they leave: a crash forgets none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update

from reconciler.journal import tables
from reconciler.journal.texts import kept
from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Verb
from reconciler.model.outcome import Verdict
from reconciler.model.watching import BreakerStanding, WatchBreaker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.journal.store import Store
    from reconciler.model.watching import Correction

WATCH = "watch"
"""The verb of a service's runs."""


class CorrectionPages:
    """What a service keeps of the corrections of one cloud identity."""

    def __init__(self, store: Store, whose: tuple[str, str]) -> None:
        self._store = store
        self._identity, self._scope = whose

    def corrected(self, made: Sequence[tuple[Correction, str]]) -> None:
        """Make durable what became of corrections, each with the fingerprint of its facts."""
        table = tables.differences
        with self._store.durably() as connection:
            for one, facts in made:
                connection.execute(
                    insert(tables.corrections).values(
                        self._correction(one) | {"facts": facts, "at_s": one.at_s}
                    )
                )
                mine = (
                    table.c.identity == self._identity,
                    table.c.gone_s.is_(None),
                    table.c.server_id == one.key.server_id,
                    table.c.volume_id == one.key.volume_id,
                )
                connection.execute(update(table).where(*mine).values(run=one.run))

    def _correction(self, one: Correction) -> dict[str, object]:
        return {
            "identity": self._identity,
            "scope": self._scope,
            "run": one.run,
            "action": one.action.value,
            "server_id": one.key.server_id,
            "volume_id": one.key.volume_id,
            "server": kept(one.name.server),
            "volume": kept(one.name.volume),
            "verdict": one.verdict.value,
            "code": kept(one.code),
            "message": kept(one.message),
            "request_id": kept(one.request_id),
        }

    def failures(self, since_s: float) -> Mapping[str, tuple[float, ...]]:
        """Give when corrections failed since then, by the fingerprint of their facts, in order."""
        table = tables.corrections
        query = (
            select(table.c.facts, table.c.at_s)
            .where(table.c.identity == self._identity, table.c.at_s >= since_s)
            .where(table.c.verdict != Verdict.DONE.value)
            .order_by(table.c.id)
        )
        found: dict[str, tuple[float, ...]] = {}
        with self._store.durably() as connection:
            for row in connection.execute(query):
                found[row.facts] = (*found.get(row.facts, ()), row.at_s)
        return found

    def returns(self, since_s: float) -> Mapping[tuple[Verb, AttachmentKey], tuple[float, ...]]:
        """Give when a service's calls were done since then, by what they did, in order."""
        intents, verdicts, runs = tables.intents, tables.verdicts, tables.runs
        query = (
            select(intents.c.verb, verdicts.c.server_id, verdicts.c.volume_id, verdicts.c.at_s)
            .join(intents, verdicts.c.intent == intents.c.id)
            .join(runs, (runs.c.id == intents.c.run) & (runs.c.identity == intents.c.identity))
            .where(intents.c.identity == self._identity, runs.c.verb == WATCH)
            .where(intents.c.at_s >= since_s, verdicts.c.verdict == Verdict.DONE.value)
            .order_by(verdicts.c.line)
        )
        found: dict[tuple[Verb, AttachmentKey], tuple[float, ...]] = {}
        with self._store.durably() as connection:
            for row in connection.execute(query):
                key = AttachmentKey(self._scope, row.server_id, row.volume_id)
                what = Verb(row.verb), key
                found[what] = (*found.get(what, ()), row.at_s)
        return found

    def detached(self, since_s: float) -> int:
        """Count the attachments that a service asked to take away since then, whatever came of it.

        Source of truth is what left: an answer that was lost counts.
        """
        intents, runs = tables.intents, tables.runs
        query = (
            select(func.coalesce(func.sum(intents.c.attachments), 0))
            .join(runs, (runs.c.id == intents.c.run) & (runs.c.identity == intents.c.identity))
            .where(intents.c.identity == self._identity, runs.c.verb == WATCH)
            .where(intents.c.at_s >= since_s)
            .where(intents.c.verb.in_([Verb.DETACH.value, Verb.DESTROY.value]))
        )
        with self._store.durably() as connection:
            return int(connection.execute(query).scalar_one())

    def breaker(self) -> WatchBreaker:
        """Give what keeps this cloud from being corrected; closed where nothing was written."""
        table = tables.breakers
        query = select(table).where(table.c.identity == self._identity)
        with self._store.durably() as connection:
            row = connection.execute(query).first()
        if row is None:
            return WatchBreaker()
        return WatchBreaker(
            standing=BreakerStanding(row.standing),
            failures=row.failures,
            since_s=row.since_s,
            until_s=row.until_s,
        )

    def set_breaker(self, breaker: WatchBreaker) -> None:
        """Replace it."""
        table = tables.breakers
        values: dict[str, object] = {
            "standing": breaker.standing.value,
            "failures": breaker.failures,
            "since_s": breaker.since_s,
            "until_s": breaker.until_s,
        }
        mine: dict[str, object] = {"identity": self._identity, "scope": self._scope}
        with self._store.durably() as connection:
            if not self._store.insert_new(connection, table, mine | values):
                query = update(table).where(table.c.identity == self._identity)
                connection.execute(query.values(values))
