"""The journal as a run writes into it: what comes in one turn of the loop is durable at once.

A line that is on the disk takes milliseconds, whether it is one or ten. Nobody goes on before the
line that was asked for is durable, so nothing else changes.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.errors import JournalError
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
        self._waiting: list[tuple[Callable[[], object], asyncio.Future[object]]] = []

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
        loop = asyncio.get_running_loop()
        told: asyncio.Future[object] = loop.create_future()
        self._waiting.append((write, told))
        if len(self._waiting) == 1:
            loop.call_soon(self._gather, TURNS)
        result: T = await told  # type: ignore[assignment]  # what `write` gave
        return result

    def _gather(self, turns: int) -> None:
        """Write after some turns of the loop: who was woken up with the first one is there then."""
        if turns:
            asyncio.get_running_loop().call_soon(self._gather, turns - 1)
        else:
            self._flush()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        assert self._together is not None
        try:
            results = self._together([write for write, _ in waiting])
        except BaseException as error:  # noqa: BLE001 - it is raised by everybody who waits
            results = [error] * len(waiting)
        for (_, told), result in zip(waiting, results, strict=True):
            if told.done():
                continue  # Cancelled while it was written: the line stands, and the next run looks.
            if isinstance(result, BaseException):
                told.set_exception(result)
            else:
                told.set_result(result)
