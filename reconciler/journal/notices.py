"""What webhooks were told already and is not over yet: a restart tells nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from reconciler.journal import tables
from reconciler.journal.texts import kept
from reconciler.model.notice import Condition, Topic

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.journal.store import Store


class Notices:
    """The memory of what was told; see the port `Told`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def told(self, webhook: str) -> tuple[Condition, ...]:
        """Give what a webhook was told of and not yet that it is over, oldest first."""
        table = tables.notices
        query = select(table).where(table.c.webhook == webhook).order_by(table.c.since_s)
        with self._store.durably() as connection:
            rows = connection.execute(query).all()
        return tuple(
            Condition(
                topic=Topic(row.topic),
                id=row.condition,
                scope=row.scope,
                words=row.words,
                since_s=row.since_s,
            )
            for row in rows
        )

    def tell(self, webhook: str, appeared: Collection[Condition], gone: Collection[str]) -> None:
        """Make durable what a webhook took just now."""
        table = tables.notices
        rows = [
            {
                "webhook": webhook,
                "condition": one.id,
                "topic": one.topic.value,
                "scope": one.scope,
                "words": kept(one.words),
                "since_s": one.since_s,
            }
            for one in appeared
        ]
        with self._store.durably() as connection:
            for over in sorted({*gone, *(one.id for one in appeared)}):
                mine = (table.c.webhook == webhook, table.c.condition == over)
                connection.execute(delete(table).where(*mine))
            if rows:
                connection.execute(insert(table), rows)
