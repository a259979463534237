"""The hooks that ran: written before a command starts and once it has ended.

A run that didn't live to the end of its hook leaves a beginning without an end: nobody knows how
far it came, and it may run again.
"""

from __future__ import annotations

import json
from statistics import median
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, inspect, select

from reconciler.journal import tables
from reconciler.journal.texts import kept
from reconciler.model.history import PastHook
from reconciler.model.hook import HookVerdict, Occasion

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import Connection

    from reconciler.journal.store import Store
    from reconciler.model.hook import Errand, HookEnd

    Learned = Mapping[tuple[Occasion, str], float]
    Leased = Callable[[], AbstractContextManager[Connection]]


REMEMBERED_HOOKS = 50
"""How many past ends of a hook the learned time is the median of."""
NO_END = "had no end: its run was killed, and it may be running still"


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

    def owed(self) -> Mapping[tuple[str, str], str]:
        """Give how the last hook after an attach ended, by server and volume, where not well."""
        hooks, ends = tables.hooks, tables.hook_ends
        last = (
            select(func.max(hooks.c.id))
            .where(hooks.c.identity == self._identity)
            .where(hooks.c.occasion == Occasion.ATTACHED.value)
            .group_by(hooks.c.server_id, hooks.c.volume_id)
        )
        query = (
            select(hooks.c.server_id, hooks.c.volume_id, ends.c.message)
            .outerjoin(ends, ends.c.hook == hooks.c.id)
            .where(hooks.c.id.in_(last))
            .where(func.coalesce(ends.c.verdict, "") != HookVerdict.DONE.value)
        )
        with self._store.durably() as connection:
            rows = connection.execute(query).all() if _known(connection) else []
        return {(row.server_id, row.volume_id): row.message or NO_END for row in rows}

    def seconds(self) -> Learned:
        """Give the median seconds of the last good ends of each hook; unknown ones are absent."""
        hooks, ends = tables.hooks, tables.hook_ends
        query = (
            select(hooks.c.occasion, hooks.c.hook, ends.c.took_s)
            .join(ends, ends.c.hook == hooks.c.id)
            .where(hooks.c.identity == self._identity)
            .where(ends.c.verdict == HookVerdict.DONE.value)
            .order_by(hooks.c.id.desc())
        )
        took: dict[tuple[Occasion, str], list[float]] = {}
        with self._store.durably() as connection:
            for row in connection.execute(query) if _known(connection) else ():
                mine = took.setdefault((Occasion(row.occasion), row.hook), [])
                mine += [row.took_s] * (len(mine) < REMEMBERED_HOOKS)
        return {which: median(seconds) for which, seconds in took.items()}


def _known(connection: Connection) -> bool:
    """Tell whether a journal has hooks at all: it may be of before there were any."""
    return inspect(connection).has_table(tables.hook_ends.name)


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
        if not _known(connection):
            return ()
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
