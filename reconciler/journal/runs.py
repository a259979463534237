"""The history: which run changed what, and what became of calls that outlived theirs."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import distinct, func, or_, select, update

from reconciler.errors import JournalError
from reconciler.journal import tables
from reconciler.journal.process import gone, owner
from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Verb
from reconciler.model.history import Commit, LastCall, PastCall, PastRun, PastVerdict
from reconciler.model.outcome import Verdict
from reconciler.model.record import NamedAttachment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Update
    from sqlalchemy.engine import Connection, Row

    from reconciler.journal.store import Store
    from reconciler.model.history import RunEnd

    AnyRow = Row[tuple[object, ...]]

AT_ONCE = 500
"""How many calls are asked for in one statement: SQLite takes a bounded number of values."""


class RunPages:
    """The runs of one cloud identity, as the run itself writes them."""

    def __init__(self, store: Store, whose: tuple[str, str]) -> None:
        self._store = store
        self._identity, self._scope = whose

    def began(self, run: str, verb: str, commit: Commit | None = None) -> None:
        """Make durable that a run is about to adopt or change something, or goes on after all."""
        row = {
            "id": run,
            "identity": self._identity,
            "scope": self._scope,
            "verb": verb,
            "began_s": self._store.now_s(),
            "commit": commit.id if commit is not None else None,
            "dirty": commit.dirty if commit is not None else None,
            "owner": owner(),
        }
        with self._store.durably() as connection:
            if not self._store.insert_new(connection, tables.runs, row):
                goes_on = {"ended_s": None, "ending": None}
                connection.execute(self._mine(run).values(goes_on))

    def ended(self, run: str, end: RunEnd) -> None:
        """Make durable how it ended; nothing for a run that never began."""
        with self._store.durably() as connection:
            connection.execute(
                self._mine(run).values(
                    ended_s=self._store.now_s(),
                    ending=end.ending,
                    counts=json.dumps(dict(end.counts), sort_keys=True),
                    requests=end.requests,
                )
            )

    def last_calls(self) -> Mapping[AttachmentKey, LastCall]:
        """Give for each attachment that a call was ever about the last thing known of one."""
        intents, handles, verdicts = tables.intents, tables.handles, tables.verdicts
        runs = tables.runs
        mine = intents.c.identity == self._identity
        newest = (
            select(func.max(verdicts.c.line))
            .join(intents, verdicts.c.intent == intents.c.id)
            .where(mine)
            .group_by(verdicts.c.server_id, verdicts.c.volume_id)
        )
        query = (
            select(
                *(verdicts, intents.c.run.label("sender"), intents.c.verb),
                *(handles.c.handle, runs.c.owner),
            )
            .join(intents, verdicts.c.intent == intents.c.id)
            .outerjoin(handles, handles.c.intent == intents.c.id)
            .outerjoin(runs, (runs.c.id == intents.c.run) & (runs.c.identity == intents.c.identity))
            .where(verdicts.c.line.in_(newest))
        )
        with self._store.durably() as connection:
            rows = connection.execute(query).all()
        return {
            AttachmentKey(self._scope, row.server_id, row.volume_id): LastCall(
                run=row.sender,
                verb=row.verb,
                handle=row.handle,
                at_s=row.at_s,
                verdict=row.verdict,
                code=row.code,
                message=row.message,
                request_id=row.request_id,
                owner=row.owner,
            )
            for row in rows
        }

    def destroyed(self) -> frozenset[NamedAttachment]:
        """Give what calls deleted for good, by the names that it had; old lines tell none."""
        intents, verdicts = tables.intents, tables.verdicts
        query = (
            select(intents.c.call, verdicts.c.server_id, verdicts.c.volume_id)
            .join(intents, verdicts.c.intent == intents.c.id)
            .where(intents.c.identity == self._identity, intents.c.verb == Verb.DESTROY.value)
            .where(verdicts.c.verdict == Verdict.DONE.value)
        )
        with self._store.durably() as connection:
            rows = connection.execute(query).all()
        return frozenset(
            named
            for row in rows
            for named in _named(row.call)
            if (named.server_id, named.volume_id) == (row.server_id, row.volume_id)
        )

    def _mine(self, run: str) -> Update:
        runs = tables.runs
        return update(runs).where(runs.c.id == run, runs.c.identity == self._identity)


def past_runs(store: Store, *, since_s: float = 0.0, prefix: str = "") -> tuple[PastRun, ...]:
    """Give the runs that began since then and whose id begins so, newest first."""
    runs, leases = tables.runs, tables.leases
    query = (
        select(runs, leases.c.run.label("holds"), leases.c.process)
        .outerjoin(leases, (leases.c.identity == runs.c.identity) & (leases.c.run == runs.c.id))
        .where(runs.c.began_s >= since_s, runs.c.id.startswith(prefix, autoescape=True))
        .order_by(runs.c.began_s.desc(), runs.c.id, runs.c.scope, runs.c.identity)
    )
    with store.durably() as connection:
        rows = connection.execute(query).all()
        adopted = _adopted(connection, {row.id for row in rows})
    return tuple(_run(row, adopted[row.id, row.identity]) for row in rows)


def _adopted(connection: Connection, runs: set[str]) -> defaultdict[tuple[str, str], int]:
    """Count the calls of other runs that each run wrote a verdict for, by run and identity."""
    intents, verdicts = tables.intents, tables.verdicts
    query = (
        select(verdicts.c.run, intents.c.identity, func.count(distinct(intents.c.id)).label("n"))
        .join(intents, verdicts.c.intent == intents.c.id)
        .where(verdicts.c.run != intents.c.run)
        .group_by(verdicts.c.run, intents.c.identity)
    )
    found: defaultdict[tuple[str, str], int] = defaultdict(int)
    if runs:
        found.update({(row.run, row.identity): row.n for row in connection.execute(query)})
    return found


def _run(row: AnyRow, adopted: int) -> PastRun:
    return PastRun(
        id=row.id,
        identity=row.identity,
        scope=row.scope,
        verb=row.verb,
        began_s=row.began_s,
        ended_s=row.ended_s,
        ending=row.ending,
        counts=_counts(row.counts),
        requests=row.requests,
        adopted=adopted,
        commit=Commit(id=row.commit, dirty=bool(row.dirty)) if row.commit else None,
        owner=row.owner,
        # A dead owner's row stays until the next run takes it over: nobody holds by it.
        running=row.ending is None and row.holds is not None and not gone(row.process),
    )


def _counts(text: str | None) -> dict[str, int]:
    try:
        told = json.loads(text or "{}")
        return {str(word): int(number) for word, number in told.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise JournalError(f"a line of the journal can't be read: {str(text)[:200]}") from error


def past_calls(store: Store, run: str, identity: str) -> tuple[PastCall, ...]:
    """Give the calls that a run sent to a cloud, and those of others that it adopted, in order."""
    intents, handles, verdicts = tables.intents, tables.handles, tables.verdicts
    adopted = select(verdicts.c.intent).where(verdicts.c.run == run)
    query = (
        select(intents, handles.c.handle)
        .outerjoin(handles, handles.c.intent == intents.c.id)
        .where(intents.c.identity == identity)
        .where(or_(intents.c.run == run, intents.c.id.in_(adopted)))
        .order_by(intents.c.id)
    )
    with store.durably() as connection:
        rows = connection.execute(query).all()
        told = _verdicts(connection, [row.id for row in rows])
    return tuple(_call(row, told[row.id]) for row in rows)


def _verdicts(connection: Connection, intents: list[int]) -> defaultdict[int, list[PastVerdict]]:
    verdicts = tables.verdicts
    found: defaultdict[int, list[PastVerdict]] = defaultdict(list)
    for first in range(0, len(intents), AT_ONCE):
        some = intents[first : first + AT_ONCE]
        query = select(verdicts).where(verdicts.c.intent.in_(some)).order_by(verdicts.c.line)
        for row in connection.execute(query):
            found[row.intent].append(
                PastVerdict(
                    server_id=row.server_id,
                    volume_id=row.volume_id,
                    verdict=row.verdict,
                    code=row.code,
                    message=row.message,
                    request_id=row.request_id,
                    took_s=row.took_s,
                    at_s=row.at_s,
                    run=row.run,
                )
            )
    return found


def _named(text: str) -> tuple[NamedAttachment, ...]:
    try:
        return tuple(NamedAttachment(*map(str, row)) for row in json.loads(text).get("names", ()))
    except (ValueError, AttributeError, TypeError) as error:
        raise JournalError(f"a line of the journal can't be read: {text[:200]}") from error


def _call(row: AnyRow, verdicts: Iterable[PastVerdict]) -> PastCall:
    try:
        told = json.loads(row.call)
        keys = tuple((str(s), str(v)) for s, v in told["keys"])
        # Journals of earlier versions don't tell it.
        had = {(str(s), str(v)): bool(before) for s, v, before in told.get("had", ())}
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"a line of the journal can't be read: {row.call[:200]}") from error
    return PastCall(
        intent_id=row.id,
        run=row.run,
        step_id=row.step,
        label=row.label,
        verb=row.verb,
        attachments=keys,
        had=had,
        at_s=row.at_s,
        handle=row.handle,
        verdicts=tuple(verdicts),
    )
