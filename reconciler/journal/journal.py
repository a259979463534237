"""One cloud identity's pages of the journal, over SQLAlchemy Core."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, delete, distinct, event, func, insert, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from reconciler.errors import JournalError
from reconciler.journal import tables
from reconciler.model.attachment import AttachmentKey
from reconciler.model.call import Call, Verb
from reconciler.model.outcome import Verdict
from reconciler.model.record import NamedAttachment, OpenIntent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from sqlite3 import Connection as SqliteConnection

    from sqlalchemy import Subquery
    from sqlalchemy.engine import Connection, Engine

    from reconciler.model.outcome import Outcomes
    from reconciler.model.record import Identity, Intent

REMEMBERED_JOBS = 50
"""How many past calls of a verb the learned time is the median of."""


class Book:
    """An open journal file; `pages` gives one identity's part of it."""

    def __init__(self, engine: Engine, where: str, now_s: Callable[[], float]) -> None:
        self._engine = engine
        self._where = where
        self._now_s = now_s

    def pages(self, identity: Identity, scope: str) -> Pages:
        """Give the pages of one cloud; `scope` is what this run calls it."""
        return Pages(self._engine, self._where, self._now_s, (str(identity), scope))

    def close(self) -> None:
        """Release the file."""
        self._engine.dispose()


def open_book(path: Path, now_s: Callable[[], float] = time.time) -> Book:
    """Open or make the journal at `path`. Raises JournalError when it can't be trusted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _careful)
    with _told(str(path)):
        with engine.begin() as connection:
            version = _version(connection)
        if version is None:
            version = _made(engine)
    if version > tables.SCHEMA_VERSION:
        engine.dispose()
        raise JournalError(
            f"{path} was written by a newer version (schema {version}, this one knows "
            f"{tables.SCHEMA_VERSION}): use that version, or another RECONCILER_DATA_DIR"
        )
    return Book(engine, str(path), now_s)


def _version(connection: Connection) -> int | None:
    """Give the schema of a journal; None where it wasn't made, or not to the end."""
    if not inspect(connection).has_table(tables.schema_version.name):
        return None
    highest = func.max(tables.schema_version.c.version)
    version: int | None = connection.execute(select(highest)).scalar_one()
    return version


def _made(engine: Engine) -> int:
    with engine.begin() as connection:
        # All or nothing, and one maker at a time: two processes may open a new journal at once,
        # and either may die here.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        version = _version(connection)
        if version is None:
            version = tables.SCHEMA_VERSION
            tables.metadata.create_all(connection)
            connection.execute(insert(tables.schema_version).values(version=version))
    return version


def _careful(connection: SqliteConnection, _record: object) -> None:
    """Make a commit mean that the line is on the disk."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        # Only the driver's own words: SQLAlchemy's would repeat the statement and its values.
        cause = getattr(error, "orig", None) or type(error).__name__
        raise JournalError(f"the journal {where} can't be used: {cause}") from error


class Pages:
    """Journal and Applied (see `ports`) of one cloud identity."""

    def __init__(
        self, engine: Engine, where: str, now_s: Callable[[], float], whose: tuple[str, str]
    ) -> None:
        self._engine = engine
        self._where = where
        self._now_s = now_s
        self._identity, self._scope = whose

    @contextmanager
    def _durably(self) -> Iterator[Connection]:
        with _told(self._where), self._engine.begin() as connection:
            yield connection

    def begin(self, intent: Intent) -> int:
        """Make durable that a call is about to leave; give its number."""
        row = {
            "identity": self._identity,
            "run": intent.run,
            "step": intent.step_id,
            "label": intent.label,
            "verb": intent.call.verb.value,
            "call": _written(intent.call),
            "attachments": len(intent.call.keys),
            "at_s": self._now_s(),
        }
        with self._durably() as connection:
            made = connection.execute(insert(tables.intents).values(row))
            key = made.inserted_primary_key
            assert key is not None
            return int(key[0])

    def accepted(self, intent_id: int, handle: str) -> None:
        """Make durable which job the cloud gave it."""
        row = {"intent": intent_id, "handle": handle, "at_s": self._now_s()}
        with self._durably() as connection:
            connection.execute(insert(tables.handles).values(row))

    def end(self, intent_id: int, outcomes: Outcomes) -> None:
        """Make durable what became of it."""
        at_s = self._now_s()
        rows = [
            {
                "intent": intent_id,
                "server_id": key.server_id,
                "volume_id": key.volume_id,
                "verdict": outcome.verdict.value,
                "code": outcome.code,
                "message": outcome.message,
                "request_id": outcome.request_id,
                "took_s": outcome.took_s,
                "at_s": at_s,
            }
            for key, outcome in sorted(outcomes.items())
        ]
        with self._durably() as connection:
            connection.execute(insert(tables.verdicts), rows)

    def open_intents(self) -> tuple[OpenIntent, ...]:
        """Give the calls of earlier runs that nobody knows the end of, oldest first.

        A call is cut to the attachments that no verdict but UNKNOWN was written for.
        """
        intents, handles = tables.intents, tables.handles
        settled = _settled_counts()
        query = (
            select(intents, handles.c.handle)
            .outerjoin(handles, handles.c.intent == intents.c.id)
            .outerjoin(settled, settled.c.intent == intents.c.id)
            .where(intents.c.identity == self._identity)
            .where(func.coalesce(settled.c.known, 0) < intents.c.attachments)
            .order_by(intents.c.id)
        )
        with self._durably() as connection:
            rows = connection.execute(query).all()
            known = {row.id: _settled_keys(connection, row.id, self._scope) for row in rows}
        now_s = self._now_s()
        return tuple(
            OpenIntent(
                intent_id=row.id,
                run=row.run,
                step_id=row.step,
                label=row.label,
                call=_without(_read(row.verb, row.call, self._scope), known[row.id]),
                handle=row.handle,
                age_s=max(0.0, now_s - row.at_s),
            )
            for row in rows
        )

    def job_seconds(self) -> Mapping[str, float]:
        """Give the median seconds of the last done calls by verb; verbs never seen are absent."""
        with self._durably() as connection:
            return {
                verb.value: median(seconds)
                for verb in Verb
                if (seconds := connection.execute(self._last_jobs(verb)).scalars().all())
            }

    def _last_jobs(self, verb: Verb):  # type: ignore[no-untyped-def]  # noqa: ANN202 - SQLAlchemy's generics say nothing here
        intents, verdicts = tables.intents, tables.verdicts
        return (
            select(verdicts.c.took_s)
            .join(intents, verdicts.c.intent == intents.c.id)
            .where(intents.c.identity == self._identity, intents.c.verb == verb.value)
            .where(verdicts.c.took_s.is_not(None))
            .order_by(intents.c.id.desc())
            .limit(REMEMBERED_JOBS)
        )

    def applied(self) -> frozenset[NamedAttachment] | None:
        """Give what the last apply owned; None when no apply was ever recorded."""
        mine = tables.applied.c.identity == self._identity
        with self._durably() as connection:
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

    def record_applied(self, run: str, rows: frozenset[NamedAttachment]) -> None:
        """Replace what the last apply owned, durably."""
        mine = {"identity": self._identity}
        values = [
            mine
            | {
                "server_id": row.server_id,
                "volume_id": row.volume_id,
                "server": row.server,
                "volume": row.volume,
            }
            for row in sorted(rows)
        ]
        with self._durably() as connection:
            for table in (tables.applied, tables.applies):
                connection.execute(delete(table).where(table.c.identity == self._identity))
            connection.execute(
                insert(tables.applies).values(mine | {"run": run, "at_s": self._now_s()})
            )
            if values:
                connection.execute(insert(tables.applied), values)


def _settled_counts() -> Subquery:
    verdicts = tables.verdicts
    one = verdicts.c.server_id + "/" + verdicts.c.volume_id
    return (
        select(verdicts.c.intent, func.count(distinct(one)).label("known"))
        .where(verdicts.c.verdict != Verdict.UNKNOWN.value)
        .group_by(verdicts.c.intent)
        .subquery()
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


def _written(call: Call) -> str:
    return json.dumps(
        {
            "keys": [[key.server_id, key.volume_id] for key in call.keys],
            "devices": [[k.server_id, k.volume_id, d] for k, d in sorted(call.devices.items())],
            "deleteOnTermination": call.delete_on_termination,
        }
    )


def _read(verb: str, text: str, scope: str) -> Call:
    try:
        told = json.loads(text)
        return Call(
            verb=Verb(verb),
            keys=tuple(AttachmentKey(scope, server, volume) for server, volume in told["keys"]),
            devices={AttachmentKey(scope, s, v): device for s, v, device in told["devices"]},
            delete_on_termination=told["deleteOnTermination"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise JournalError(f"a line of the journal can't be read: {text[:200]}") from error
