"""The journal as a run writes into it: what comes in one turn of the loop is durable at once.

A line that is on the disk takes milliseconds, whether it is one or ten. Nobody goes on before the
line that was asked for is durable, so nothing else changes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.model.outcome import Outcomes
    from reconciler.model.record import Intent
    from reconciler.ports import Journal

    Together = Callable[[Sequence[Callable[[], object]]], Sequence[object | JournalError]]

T = TypeVar("T")

TURNS = 10
"""An answer that has arrived takes about as many turns until its sender hears of it."""


class Ledger:
    """The writing half of a Journal, for many who write at once. Raises JournalError as it does."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._together: Together | None = getattr(journal, "together", None)
        self._waiting: list[Callable[[], object]] = []
        self._group: asyncio.Task[Sequence[object | JournalError]] | None = None

    async def begin(self, intent: Intent) -> int:
        """Make durable that a call is about to leave; give its number."""
        return await self._written(lambda: self._journal.begin(intent))

    async def accepted(self, intent_id: int, handle: str) -> None:
        """Make durable which job the cloud gave it."""
        await self._written(lambda: self._journal.accepted(intent_id, handle))

    async def end(self, intent_id: int, outcomes: Outcomes) -> None:
        """Make durable what became of it."""
        await self._written(lambda: self._journal.end(intent_id, outcomes))

    async def _written(self, write: Callable[[], T]) -> T:
        if self._together is None:
            return write()
        if self._group is None:
            self._group = asyncio.ensure_future(self._gathered(self._together))
        group, place = self._group, len(self._waiting)
        self._waiting.append(write)
        # Whoever is cancelled here leaves the others their lines, and its own to the next run.
        result = (await asyncio.shield(group))[place]
        if isinstance(result, JournalError):
            raise result
        told: T = result  # type: ignore[assignment]  # what `write` gave
        return told

    async def _gathered(self, together: Together) -> Sequence[object | JournalError]:
        """Write after some turns of the loop: who was woken up with the first one is there then."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
        waiting, self._waiting, self._group = self._waiting, [], None
        return together(waiting)
