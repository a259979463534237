"""What the looks of a service keep of one cloud: what differed, from when to when.

A difference is one row, from the look that saw it first to the look that didn't see it any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from reconciler.journal import tables
from reconciler.journal.texts import kept
from reconciler.model.attachment import AttachmentKey
from reconciler.model.declared import Side
from reconciler.model.plan import Name
from reconciler.model.watching import Answer, Difference, Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.engine import Connection, Row

    from reconciler.journal.store import Store

    AnyRow = Row[tuple[object, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """What a look leaves to be told."""

    now: tuple[Difference, ...]
    """Everything that differs, sorted."""
    untold: frozenset[tuple[AttachmentKey, str]]
    """By identity, what of it no listener heard of: new, or a service died before it told."""
    gone: tuple[Difference, ...]
    """What listeners heard of, and is gone; sorted."""


class WatchPages:
    """What a service keeps of one cloud identity."""

    def __init__(self, store: Store, whose: tuple[str, str]) -> None:
        self._store = store
        self._identity, self._scope = whose

    def owned_rows(self) -> frozenset[tuple[Side, str]]:
        """Give the rows that the last apply owned."""
        rows = tables.owned_rows
        query = select(rows.c.side, rows.c.owner_id).where(rows.c.identity == self._identity)
        with self._store.durably() as connection:
            return frozenset((Side(r.side), r.owner_id) for r in connection.execute(query))

    def lasting(self) -> tuple[Difference, ...]:
        """Give the differences that the last look saw, sorted."""
        with self._store.durably() as connection:
            rows = self._rows(connection, tables.differences.c.gone_s.is_(None))
        return _ordered(difference(row, self._scope) for row in rows)

    def _rows(self, connection: Connection, which: ColumnElement[bool]) -> list[AnyRow]:
        table = tables.differences
        query = select(table).where(table.c.identity == self._identity, which)
        return list(connection.execute(query.order_by(table.c.id)))

    def looked(self, seen: Sequence[Difference], moving: Collection[str]) -> Lasting:
        """Make durable what a look saw; give it with its moments, and what nobody was told yet.

        What concerns a volume in `moving` is neither seen nor gone: nobody can tell.
        """
        now_s = self._store.now_s()
        table = tables.differences
        lasts, untold = table.c.gone_s.is_(None), table.c.told == 1
        with self._store.durably() as connection:
            rows = self._rows(connection, lasts)
            known = {one.identity: (row, one) for row in rows for one in [self._of(row)]}
            now = [_going_on(one, known.get(one.identity), now_s) for one in seen]
            new = [self._row(one) for one in now if one.identity not in known]
            for one in now:
                if one.identity in known:
                    mine = table.c.id == known[one.identity][0].id
                    connection.execute(update(table).where(mine).values(_changing(one)))
            if new:
                connection.execute(insert(table), new)
            left = known.keys() - {one.identity for one in seen}
            gone = {known[i][0].id for i in left if known[i][1].key.volume_id not in moving}
            for row_id in sorted(gone):
                connection.execute(update(table).where(table.c.id == row_id).values(gone_s=now_s))
            ended = self._rows(connection, table.c.gone_s.is_not(None) & untold)
        unsure = [known[i] for i in left if known[i][0].id not in gone]
        told = {one.identity for row, one in known.values() if row.told}
        every = _ordered((*now, *(one for _, one in unsure)))
        return Lasting(
            now=every,
            untold=frozenset(one.identity for one in every) - told,
            gone=_ordered(self._of(row) for row in ended),
        )

    def _of(self, row: AnyRow) -> Difference:
        return difference(row, self._scope)

    def _row(self, one: Difference) -> dict[str, object]:
        return {
            "identity": self._identity,
            "scope": self._scope,
            "answer": one.answer.value,
            "server_id": one.key.server_id,
            "volume_id": one.key.volume_id,
            "first_s": one.first_s,
            "run": None,
            "told": 0,
            **_changing(one),
        }


def own(connection: Connection, identity: str, rows: Collection[tuple[Side, str]]) -> None:
    """Replace the rows that the last apply owned; the rest of it is written with them."""
    table = tables.owned_rows
    connection.execute(delete(table).where(table.c.identity == identity))
    order = sorted((side.value, owner_id) for side, owner_id in rows)
    values = [{"identity": identity, "side": side, "owner_id": one} for side, one in order]
    if values:
        connection.execute(insert(table), values)


def _ordered(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    return tuple(sorted(differences, key=lambda one: one.identity))


def _going_on(one: Difference, known: tuple[AnyRow, Difference] | None, now_s: float) -> Difference:
    """Give a difference that is seen now, with what is known of it from looks before."""
    if known is None:
        return replace(one, first_s=now_s, last_s=now_s)
    return replace(one, first_s=known[1].first_s, last_s=now_s, run=known[1].run)


def _changing(one: Difference) -> dict[str, object]:
    """Give the columns that a look may find otherwise than the one before."""
    return {
        "kind": one.kind.value,
        "server": kept(one.name.server),
        "volume": kept(one.name.volume),
        "found_server_id": kept(one.found_server_id),
        "found_server": kept(one.found_server),
        "last_s": one.last_s,
    }


def difference(row: AnyRow, scope: str) -> Difference:
    """Give what one row keeps."""
    return Difference(
        answer=Answer(row.answer),
        kind=Kind(row.kind),
        key=AttachmentKey(scope, row.server_id, row.volume_id),
        name=Name(server=row.server, volume=row.volume),
        found_server_id=row.found_server_id,
        found_server=row.found_server,
        first_s=row.first_s,
        last_s=row.last_s,
        gone_s=row.gone_s,
        run=row.run,
    )
