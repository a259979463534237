"""Tells webhooks what changed, as long as the service runs.

1. Level-triggered: at every attempt, what is so now is held against what this webhook took before.
   Nothing queues up; an endpoint that was dead for a day gets one message.
2. What it took is remembered in the journal: a restart tells nothing twice.
3. What came and went before it could be told is told with its end, up to `MOST_MISSED`.
4. An endpoint that fails is tried again after 30 s, doubled up to an hour. Nothing waits for it.
5. A scope that is no part of the service any more is forgotten without a word.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from reconciler.errors import JournalError
from reconciler.notify.conditions import of_manifests, of_tick
from reconciler.notify.messages import News
from reconciler.notify.webhook import deliver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.model.call import Call
    from reconciler.model.notice import Condition
    from reconciler.model.outcome import Outcomes
    from reconciler.model.watching import Tick, Watched
    from reconciler.notify.webhook import Webhook
    from reconciler.ports import Clock, Told

    Count = Callable[[str, bool], None]
    """Hears of each attempt: the webhook's name, and whether it took it."""

logger = logging.getLogger(__name__)

PAUSE_S = 2.0
"""After a message: scopes that tick together are told together."""
RETRY_S = 30.0
LONGEST_RETRY_S = 3600.0
MOST_MISSED = 200
LAST_S = 5.0
"""A service that is told to stop isn't held up by a dead endpoint."""


def rest_s(failures: int) -> float:
    """Give for how long an endpoint isn't asked that failed so often in a row."""
    return min(RETRY_S * 2.0 ** min(failures - 1, 10), LONGEST_RETRY_S)


class Teller:
    """Listens to a service and tells its webhooks; a `WatchListener`."""

    def __init__(
        self,
        webhooks: Iterable[Webhook],
        memory: Told,
        clock: Clock,
        now_s: Callable[[], float],
        count: Count,
    ) -> None:
        self._ears = tuple(_Ear(webhook, memory) for webhook in webhooks)
        self._clock = clock
        self._now_s = now_s
        self._count = count
        self._now: dict[str | None, Mapping[str, Condition]] = {}

    def changed(self, now: Watched) -> None:
        """Take over which scopes there are, and how the manifests stand."""
        names = {None, *(scope.name for scope in now.scopes)}
        self._now = {name: held for name, held in self._now.items() if name in names}
        for ear in self._ears:
            ear.forget(names)
        self._become(None, of_manifests(now))

    def tick_began(self, scope: str, at_s: float) -> None:
        """Tell nothing: a tick says something when it has ended."""

    def step_began(self, scope: str, run: str, step_id: str, call: Call) -> None:
        """Tell nothing."""

    def step_ended(
        self, scope: str, run: str, step_id: str, call: Call, outcomes: Outcomes
    ) -> None:
        """Tell nothing."""

    def ticked(self, tick: Tick) -> None:
        """Note what is so now, for whoever wasn't told."""
        self._become(tick.scope, of_tick(tick, self._now.get(tick.scope, {})))

    def _become(self, scope: str | None, conditions: Mapping[str, Condition]) -> None:
        before = self._now.get(scope, {})
        self._now[scope] = conditions
        for ear in self._ears:
            ear.left(one for name, one in before.items() if name not in conditions)
            ear.woken.set()

    async def run(self) -> None:
        """Tell, until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for ear in self._ears:
                group.create_task(self._serve(ear))

    async def last(self) -> None:
        """Tell once what wasn't told yet, for `LAST_S` at most: the service ends."""
        try:
            async with asyncio.timeout(LAST_S), asyncio.TaskGroup() as group:
                for ear in self._ears:
                    group.create_task(self._attempt(ear))
        except TimeoutError:
            logger.warning("the service ends before everybody was told")

    async def _attempt(self, ear: _Ear) -> bool | None:
        """Tell one webhook; give whether it took it, None: there was nothing to tell."""
        news = ear.news(self._now, self._now_s())
        if news is None:
            return None
        why = await deliver(ear.webhook, news)
        self._count(ear.webhook.name, why is None)
        if why is None:
            ear.took(news)
        else:
            told = {"webhook": ear.webhook.name, "why": why}
            logger.warning("a webhook took no notification", extra=told)
        return why is None

    async def _serve(self, ear: _Ear) -> None:
        failures = 0
        while True:
            await ear.woken.wait()
            ear.woken.clear()
            taken = await self._attempt(ear)
            if taken is not False:
                failures = 0
                await self._clock.sleep(PAUSE_S)
                continue
            failures += 1
            await self._clock.sleep(rest_s(failures))
            ear.woken.set()


class _Ear:
    """One webhook, and what it knows."""

    def __init__(self, webhook: Webhook, memory: Told) -> None:
        self.webhook = webhook
        self.woken = asyncio.Event()
        self._memory = memory
        self._told = self._remembered()
        self._missed: dict[str, Condition] = {}

    def _remembered(self) -> dict[str, Condition]:
        try:
            return {one.id: one for one in self._memory.told(self.webhook.name)}
        except JournalError as error:
            told = {"webhook": self.webhook.name, "why": str(error)}
            logger.warning("what a webhook was told isn't known", extra=told)
            return {}

    def forget(self, names: set[str | None]) -> None:
        """Drop what is about other scopes than these."""
        gone = [one.id for one in self._told.values() if one.scope not in names]
        self._missed = {i: one for i, one in self._missed.items() if one.scope in names}
        if gone:
            self._write((), gone)

    def left(self, conditions: Iterable[Condition]) -> None:
        """Keep what is over before it could be told."""
        for one in conditions:
            if one.id not in self._told and self._hears(one) and len(self._missed) < MOST_MISSED:
                self._missed[one.id] = one

    def news(self, now: Mapping[str | None, Mapping[str, Condition]], at_s: float) -> News | None:
        """Give what it doesn't know yet; None: nothing.

        A scope that wasn't looked at since the start says nothing: what was told of it stays.
        """
        held = {i: one for by_id in now.values() for i, one in by_id.items() if self._hears(one)}
        appeared = [one for i, one in held.items() if i not in self._told]
        missed = [one for i, one in self._missed.items() if i not in held]
        gone = [one for i, one in self._told.items() if i not in held and one.scope in now]
        if not (appeared or missed or gone):
            return None
        return News(
            appeared=sorted([*appeared, *missed], key=order),
            gone=sorted([*gone, *missed], key=order),
            at_s=at_s,
        )

    def took(self, news: News) -> None:
        """Remember what was told."""
        over = {one.id for one in news.gone}
        self._missed = {i: one for i, one in self._missed.items() if i not in over}
        self._write([one for one in news.appeared if one.id not in over], over)

    def _write(self, appeared: Iterable[Condition], gone: Iterable[str]) -> None:
        appeared, gone = tuple(appeared), frozenset(gone)
        self._told |= {one.id: one for one in appeared}
        self._told = {i: one for i, one in self._told.items() if i not in gone}
        try:
            self._memory.tell(self.webhook.name, appeared, gone)
        except JournalError as error:
            # It is told again after a restart: better twice than never.
            told = {"webhook": self.webhook.name, "why": str(error)}
            logger.warning("what a webhook was told isn't kept", extra=told)

    def _hears(self, one: Condition) -> bool:
        return one.scope is None or self.webhook.hears(one.scope)


def order(one: Condition) -> tuple[str, str, str]:
    """Give the key by which the rows of a message are sorted."""
    return (one.scope or "", one.topic.value, one.id)
