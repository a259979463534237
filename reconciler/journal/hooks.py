"""The hooks that ran: written before a command starts and once it has ended.

A run that didn't live to the end of its hook leaves a beginning without an end: nobody knows how
far it came, and it may run again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import insert, inspect, select

from reconciler.journal import tables
from reconciler.journal.texts import kept
from reconciler.model.history import PastHook

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import Connection

    from reconciler.journal.store import Store
    from reconciler.model.hook import Errand, HookEnd

    Leased = Callable[[], AbstractContextManager[Connection]]


class HookLines:
    """HookPages (see `ports`) of one cloud identity."""

    def __init__(self, store: Store, leased: Leased, identity: str) -> None:
        self._store, self._leased, self._identity = store, leased, identity

    def hook_began(self, run: str, errand: Errand) -> int:
        """Make durable that a hook is about to run; give its number.

        Raises LeaseLostError when another run may change this cloud by now.
        """
        row = {
            "identity": self._identity,
            "run": run,
            "occasion": errand.occasion.value,
            "hook": kept(errand.hook.name),
            "label": kept(f"{errand.server}/{errand.volume}"),
            "server_id": errand.key.server_id,
            "volume_id": errand.key.volume_id,
            "at_s": self._store.now_s(),
        }
        with self._leased() as connection:
            made = connection.execute(insert(tables.hooks).values(row))
            key = made.inserted_primary_key
            assert key is not None
        return int(key[0])

    def hook_ended(self, number: int, end: HookEnd) -> None:
        """Make durable how it ended."""
        row = {
            "hook": number,
            "verdict": end.verdict.value,
            "message": kept(end.message),
            "output": kept(json.dumps(end.output, ensure_ascii=False)),
            "took_s": end.took_s,
            "at_s": self._store.now_s(),
        }
        with self._store.durably() as connection:
            connection.execute(insert(tables.hook_ends).values(row))


def past_hooks(store: Store, run: str, identity: str) -> tuple[PastHook, ...]:
    """Give the hooks that a run ran for a cloud, in order."""
    hooks, ends = tables.hooks, tables.hook_ends
    query = (
        select(hooks, ends.c.verdict, ends.c.message, ends.c.output, ends.c.took_s)
        .outerjoin(ends, ends.c.hook == hooks.c.id)
        .where(hooks.c.run == run, hooks.c.identity == identity)
        .order_by(hooks.c.id)
    )
    with store.durably() as connection:
        if not inspect(connection).has_table(ends.name):
            return ()  # A journal of before there were any.
        rows = connection.execute(query).all()
    return tuple(
        PastHook(
            occasion=row.occasion,
            hook=row.hook,
            label=row.label,
            at_s=row.at_s,
            verdict=row.verdict,
            message=row.message or "",
            output=tuple(str(line) for line in json.loads(row.output or "[]")),
            took_s=row.took_s,
        )
        for row in rows
    )
