"""A worker: takes scopes from the queue, looks at each, corrects what it may, and goes on.

deal      every 10 s, once in the whole fleet, whoever comes first: what is due goes into the queue
look      one tick (`operations.watch`) of one scope, on a thread of its own
again     a look that failed is queued again, later with each failure
rescue    what a dead worker had taken goes back into the queue
mend      where the database went away: wait, and begin anew; the journal knows what is in flight

A correction waits for a lease longer than a dead owner keeps one: that is how it is taken over.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import psycopg
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

from reconciler.errors import JournalError
from reconciler.fleet import queue
from reconciler.fleet.apart import Apart
from reconciler.fleet.budget import accounts
from reconciler.fleet.database import unreachable
from reconciler.fleet.due import due
from reconciler.fleet.heard import Heard
from reconciler.model.finding import Finding
from reconciler.model.watching import Watched
from reconciler.operations.watch import Watch, tick
from reconciler.version import __version__

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from procrastinate import App

    from reconciler.fleet.budget import SharedBudget
    from reconciler.model.watching import Tick
    from reconciler.operations.asked import Surroundings
    from reconciler.operations.inforce import InForce
    from reconciler.ports import WatchListener

logger = logging.getLogger(__name__)

DEAL_CRON = "* * * * * */10"
"""As often as the shortest schedule comes. The sixth field is seconds."""
HEART_S = 1.5
STALLED_S = 6.0
"""Four beats: a worker that is silent for so long counts as dead. With the time between two rescues
and two looks into the queue, its scopes are somebody else's within 15 s."""
FIRST_RETRY_S = 5
LAST_RETRY_S = 300
MOST_FAILURES = 6
"""From here on the wait is the longest one."""
READ_S = 30.0
"""How often manifests are looked at, and fetched where they are in git."""
MEND_S = 1.0
FORGET_S = 86400.0
"""How often what is older than its retention is deleted."""
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a worker needs from outside; `around` has an open journal, and the budget."""

    url: str
    in_force: InForce
    around: Surroundings
    budget: SharedBudget
    listeners: Sequence[WatchListener]
    looked: Callable[[Tick], None]
    """Hears what a look saw, before anything of it is corrected; on the worker's loop."""
    tell: Callable[[Tick], Awaitable[None]] | None
    """Who is told what a look saw, before its scope is looked at again; None: nobody."""
    concurrency: int
    grace_s: float


class Worker:
    """Works until it is stopped; made on the loop that it works on."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._in_force = terms.in_force
        self._looks: set[Apart[Tick]] = set()
        self._stopping = False
        self._forgot_s: dict[str, float] = {}
        self._heard = Heard(terms.listeners)
        self._started_s = terms.around.utc_now().timestamp()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; then end what is in flight, within the grace.

        Cancelled, it ends what is in flight at once: the journal and the queue know what is left.
        """
        going = asyncio.ensure_future(self._until(stop))
        try:
            await asyncio.shield(going)
        except asyncio.CancelledError:
            stop.set()
            for look in self._looks:
                look.cancel()
            await asyncio.wait({going})
            raise

    async def _until(self, stop: asyncio.Event) -> None:
        self._changed()
        with ThreadPoolExecutor(self._terms.concurrency, "look") as threads:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._read_again())
                working = group.create_task(self._work(threads))
                await stop.wait()
                self._stopping = True
                self._changed()
                for look in self._looks:
                    look.stop()
                working.cancel()
                reading.cancel()

    async def _read_again(self) -> None:
        while True:
            await asyncio.sleep(READ_S)
            await self._in_force.fetch()
            if await asyncio.to_thread(self._in_force.refresh):
                self._changed()

    def _changed(self) -> None:
        self._terms.budget.accounts = accounts(self._in_force.declared)
        self._heard.changed(
            Watched(
                version=__version__,
                started_s=self._started_s,
                manifests=self._in_force.manifests,
                stopping=self._stopping,
            )
        )

    async def _work(self, threads: ThreadPoolExecutor) -> None:
        """Work, and begin anew whenever the database was away."""
        while True:
            try:
                engine = queue.engine_of(self._terms.url)
                async with engine.open_async():
                    await self._engaged(engine, threads)
            except* (ConnectorException, psycopg.Error) as group:
                said = str(unreachable(self._terms.url, _first(group)))
                logger.warning("the database is away", extra={"said": said})
            await asyncio.sleep(MEND_S)

    async def _engaged(self, engine: App, threads: ThreadPoolExecutor) -> None:
        self._register(engine, threads)
        async with asyncio.TaskGroup() as group:
            rescuing = group.create_task(_rescue(engine))
            # It ends by itself where one of its own loops lost the database.
            await engine.run_worker_async(
                queues=[queue.QUEUE],
                concurrency=self._terms.concurrency,
                fetch_job_polling_interval=HEART_S,
                update_heartbeat_interval=HEART_S,
                stalled_worker_timeout=STALLED_S,
                shutdown_graceful_timeout=self._terms.grace_s,
                delete_jobs="successful",
                install_signal_handlers=False,
            )
            rescuing.cancel()

    def _register(self, engine: App, threads: ThreadPoolExecutor) -> None:
        @engine.task(name=queue.LOOK, queue=queue.QUEUE)
        async def look(scope: str, failures: int = 0) -> None:
            await self._look(engine, threads, scope, failures)

        @engine.periodic(cron=DEAL_CRON)
        @engine.task(
            name=queue.DEAL,
            queue=queue.QUEUE,
            lock=queue.DEAL,
            queueing_lock=queue.DEAL,
            priority=queue.FIRST,
        )
        async def deal(timestamp: int) -> None:
            await self._deal(engine, float(timestamp))

    async def _deal(self, engine: App, until_s: float) -> None:
        """Queue what has come due since the last deal, whoever made it."""
        since_s = await queue.dealt_s(engine)
        scopes = self._in_force.declared.scopes.keys() - await queue.all_paused(engine)
        # Beside the loop: of very many scopes it takes longer than a heart may stand still.
        names = await asyncio.to_thread(due, scopes, self._in_force.schedule, since_s, until_s)
        await queue.put(engine, names)
        await queue.set_dealt(engine, until_s)
        if since_s is None or since_s // HOUR_S != until_s // HOUR_S:
            await queue.forget(engine)

    async def _look(
        self, engine: App, threads: ThreadPoolExecutor, scope: str, failures: int
    ) -> None:
        if scope not in self._in_force.declared.scopes:
            logger.warning("a scope that isn't declared here", extra={"scope": scope})
            return
        if await queue.paused(engine, scope):
            return
        one = Apart(partial(self._tick, scope))
        self._looks.add(one)
        try:
            self._heard.began(scope, self._terms.around.utc_now().timestamp())
            made = await one.done(threads)
        finally:
            self._looks.discard(one)
        self._heard.ticked(made)
        if self._terms.tell is not None:
            await self._terms.tell(made)
        if made.looked:
            await asyncio.to_thread(_told, self._terms.around, scope)
        elif not self._stopping:
            wait_s = min(FIRST_RETRY_S * 2**failures, LAST_RETRY_S)
            # Not by the engine's own retry: where a tick waits already, that can't be queued.
            with suppress(AlreadyEnqueued):
                await queue.look(engine, scope, in_s=wait_s).defer_async(
                    scope=scope, failures=min(failures + 1, MOST_FAILURES)
                )

    async def _tick(self, scope: str, stop: asyncio.Event) -> Tick:
        """Look once, and write down what came of it; on a thread of its own."""
        schedule = self._in_force.schedule(scope)
        request = self._in_force.request(scope)
        made = await tick(
            Watch(
                request=request,
                around=self._terms.around,
                schedule=schedule,
                corrects=schedule.correct,
                heal=schedule.heal,
                events=self._heard.events(scope),
                looked=lambda seen: self._heard.soon(partial(self._terms.looked, seen)),
                stop=stop,
                settled=partial(self._in_force.settled, request),
                commit=self._in_force.manifests.commit,
            )
        )
        return self._kept(made, schedule.retention_s)

    def _kept(self, made: Tick, retention_s: float) -> Tick:
        """Write a tick into the journal; one that can't be written says so in what is told."""
        book = self._terms.around.book
        assert book is not None, "a worker has an open journal"
        try:
            book.watched.ticked(made)
            if made.began_s - self._forgot_s.get(made.scope, 0.0) >= FORGET_S:
                book.watched.forget(made.scope, made.began_s, retention_s)
                self._forgot_s[made.scope] = made.began_s
        except JournalError as error:
            told = Finding(code=error.code, summary=str(error), hint=error.hint, scope=made.scope)
            return replace(made, looked=False, findings=(*made.findings, told))
        return made


def _told(around: Surroundings, scope: str) -> None:
    assert around.book is not None, "a worker has an open journal"
    with suppress(JournalError):  # It is told once more, which is better than never.
        around.book.watched.told(scope)


async def _rescue(engine: App) -> None:
    """Give back what dead workers had taken; first let the living ones be heard again."""
    await asyncio.sleep(STALLED_S)
    while True:
        await queue.rescue(engine, STALLED_S)
        await asyncio.sleep(HEART_S)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Give one of the causes: as a rule they are the same."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
