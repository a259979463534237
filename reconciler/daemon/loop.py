"""The loop of a service: every scope by itself, none twice at once, none waiting for another.

start    the manifests are good, or it doesn't start; what an earlier service left is in the journal
wait     until a scope's moment comes, or the service shall stop
refresh  manifests that changed are read; broken ones are told, the last good ones stay
tick     one look, one correction (`operations.watch`); then the journal, then the listeners
stop     nothing new begins; what is in flight has `grace_s` to end, and is in the journal anyway
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.daemon.board import Board, Told
from reconciler.daemon.schedule import first_wait_s, next_at
from reconciler.errors import JournalError
from reconciler.model.finding import Finding
from reconciler.model.watching import Watched, WatchedScope
from reconciler.operations.watch import Watch, tick, unheard
from reconciler.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from reconciler.model.schedule import Schedule
    from reconciler.model.watching import Tick
    from reconciler.operations.asked import Surroundings
    from reconciler.operations.inforce import InForce
    from reconciler.ports import WatchListener

FORGET_S = 86400.0
"""How often what is older than its retention is deleted."""
READ_S = 60.0
"""How often manifests are looked at beside the ticks, which may be a day apart."""
GRACE_S = 60.0
"""What is in flight as a rule takes some seconds; a stuck job is left to the next start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a service needs from outside; `around` has an open journal that outlives it."""

    in_force: InForce
    around: Surroundings
    listeners: Sequence[WatchListener]
    looked: Callable[[Tick], None] = unheard
    """Hears what a look saw, before anything of it is corrected."""
    chance: Callable[[], float]
    """Gives a number from 0 to 1; it spreads the looks."""
    grace_s: float = GRACE_S
    once: bool = False
    """True: one look at each scope, and that is all."""


class Daemon:
    """Watches until it is stopped; `board` shows it to whoever asks."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._in_force = terms.in_force
        self._forgot_s: dict[str, float] = {}
        self._running: set[str] = set()
        """The scopes that have a loop: one that comes back while its loop waits has it still."""
        started = Watched(
            version=__version__,
            started_s=self._now().timestamp(),
            manifests=terms.in_force.manifests,
        )
        self.board = Board(started, terms.listeners)

    def _now(self) -> datetime:
        return self._terms.around.utc_now()

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop` is set; then end what is in flight, within the grace."""
        async with asyncio.TaskGroup() as group:
            whole = group.create_task(self._watch(stop))
            ended = group.create_task(stop.wait())
            await asyncio.wait({whole, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done() and not whole.done():
                self.board.changed(self._in_force.manifests, stopping=True)
                await asyncio.wait({whole}, timeout=self._terms.grace_s)
                whole.cancel()
            ended.cancel()

    async def _watch(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            self._follow(group, stop)
            self.board.changed(self._in_force.manifests)
            while not self._terms.once and await _passed(READ_S, stop):
                await self._in_force.fetch()
                self._refresh(group, stop)

    def _refresh(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        """Read the manifests again if they changed, and watch what they declare."""
        if self._in_force.refresh():
            self._follow(group, stop)
            self.board.changed(self._in_force.manifests)

    def _follow(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        """Watch every scope that is in force; one that is watched already goes on."""
        scopes = self._in_force.declared.scopes
        watched = {scope.name for scope in self.board.now().scopes}
        for name, scope in sorted(scopes.items()):
            schedule = self._in_force.schedule(name)
            self.board.follow(
                WatchedScope(
                    name=name,
                    provider=scope.provider,
                    simulated=scope.simulated,
                    schedule=schedule.words,
                    corrects=schedule.correct,
                )
            )
            if name not in self._running:
                self._running.add(name)
                group.create_task(self._scope(name, len(scopes) - 1, group, stop))
        for name in watched - scopes.keys():
            self.board.leave(name)

    async def _scope(
        self, name: str, others: int, group: asyncio.TaskGroup, stop: asyncio.Event
    ) -> None:
        """Look at one scope again and again, until it is declared no more or all is over."""
        wait_s = self._first_wait_s(name, others)
        while True:
            self.board.waits(name, self._now().timestamp() + wait_s)
            if not await _passed(wait_s, stop):
                break
            self._refresh(group, stop)
            if name not in self._in_force.declared.scopes:
                break
            began = self._now()
            made = await self._tick(name, began, stop)
            if self._terms.once:
                break
            assert made.next_s is not None, "a service that goes on looks again"
            wait_s = made.next_s - self._now().timestamp()
        self._running.discard(name)

    def _first_wait_s(self, name: str, others: int) -> float:
        schedule = self._in_force.schedule(name)
        if schedule.cron is None or self._terms.once:
            return first_wait_s(schedule, others, self._terms.chance)
        now = self._now()
        return (next_at(schedule, now, now, self._terms.chance) - now).total_seconds()

    async def _tick(self, name: str, began: datetime, stop: asyncio.Event) -> Tick:
        schedule = self._in_force.schedule(name)
        self.board.began(name, began.timestamp())
        request = self._in_force.request(name)
        made = await tick(
            Watch(
                request=request,
                around=self._terms.around,
                schedule=schedule,
                corrects=schedule.correct,
                heal=schedule.heal,
                events=partial(Told, self.board, name),
                looked=self._terms.looked,
                stop=stop,
                settled=partial(self._in_force.settled, request),
                commit=self._in_force.manifests.commit,
            )
        )
        made = self._kept(replace(made, next_s=self._next_s(schedule, began)), schedule)
        self.board.ticked(made)
        if made.looked:
            self._told(name)
        return made

    def _told(self, name: str) -> None:
        book = self._terms.around.book
        assert book is not None, "a service has an open journal"
        with suppress(JournalError):  # It is told once more, which is better than never.
            book.watched.told(name)

    def _next_s(self, schedule: Schedule, began: datetime) -> float | None:
        if self._terms.once:
            return None
        return next_at(schedule, began, self._now(), self._terms.chance).timestamp()

    def _kept(self, made: Tick, schedule: Schedule) -> Tick:
        """Write a tick into the journal; one that can't be written says so in what is told."""
        book = self._terms.around.book
        assert book is not None, "a service has an open journal"
        try:
            book.watched.ticked(made)
            if made.began_s - self._forgot_s.get(made.scope, 0.0) >= FORGET_S:
                book.watched.forget(made.scope, made.began_s, schedule.retention_s)
                self._forgot_s[made.scope] = made.began_s
        except JournalError as error:
            told = Finding(code=error.code, summary=str(error), hint=error.hint, scope=made.scope)
            return replace(made, findings=(*made.findings, told))
        return made


async def _passed(wait_s: float, stop: asyncio.Event) -> bool:
    """Let time pass; False where the service stops before it has."""
    try:
        async with asyncio.timeout(max(0.0, wait_s)):
            await stop.wait()
    except TimeoutError:
        return not stop.is_set()
    return False
