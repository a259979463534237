"""Tells webhooks of one scope at a time, for a process that is one of several.

1. Whoever looked at a scope tells of it, before anybody looks at it again.
2. What was told is in the journal alone and read there: another process may have told it.
3. What came and went between two looks of the fleet is told by neither.
4. An endpoint that fails isn't asked by this process for 30 s, doubled up to an hour; a later look
   tells what is still untold.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from reconciler.errors import JournalError
from reconciler.notify.conditions import of_tick
from reconciler.notify.messages import News
from reconciler.notify.teller import order, rest_s
from reconciler.notify.webhook import deliver

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from reconciler.model.watching import Tick
    from reconciler.notify.teller import Count
    from reconciler.notify.webhook import Webhook
    from reconciler.ports import Clock, Told

logger = logging.getLogger(__name__)


class ScopeTeller:
    """Holds what a tick saw against what was told of its scope, and tells the rest."""

    def __init__(
        self,
        webhooks: Iterable[Webhook],
        memory: Told,
        clock: Clock,
        now_s: Callable[[], float],
        count: Count,
        aside: Callable[..., Awaitable[Any]] = asyncio.to_thread,
    ) -> None:
        """`aside` asks the journal where waiting for it holds up nobody else."""
        self._aside = aside
        self._webhooks = tuple(webhooks)
        self._memory = memory
        self._clock = clock
        self._now_s = now_s
        self._count = count
        self._failures: dict[str, int] = {}
        self._rests_until_s: dict[str, float] = {}

    async def ticked(self, tick: Tick) -> None:
        """Tell every webhook that hears of the scope; it takes as long as the slowest, and ends."""
        await asyncio.gather(
            *(self._tell(webhook, tick) for webhook in self._webhooks if webhook.hears(tick.scope))
        )

    async def _tell(self, webhook: Webhook, tick: Tick) -> None:
        if self._clock.monotonic() < self._rests_until_s.get(webhook.name, 0.0):
            return
        try:
            news = await self._aside(self._news, webhook, tick)
            if news is None:
                return
            why = await deliver(webhook, news)
            self._count(webhook.name, why is None)
            if why is None:
                self._failures.pop(webhook.name, None)
                over = [one.id for one in news.gone]
                await self._aside(self._memory.tell, webhook.name, news.appeared, over)
                return
        except JournalError as error:
            why = str(error)
        failures = self._failures[webhook.name] = self._failures.get(webhook.name, 0) + 1
        self._rests_until_s[webhook.name] = self._clock.monotonic() + rest_s(failures)
        told = {"webhook": webhook.name, "scope": tick.scope, "why": why}
        logger.warning("a webhook wasn't told", extra=told)

    def _news(self, webhook: Webhook, tick: Tick) -> News | None:
        told = {one.id: one for one in self._memory.told(webhook.name) if one.scope == tick.scope}
        now = of_tick(tick, told)
        appeared = [one for i, one in now.items() if i not in told]
        gone = [one for i, one in told.items() if i not in now]
        if not (appeared or gone):
            return None
        return News(
            appeared=sorted(appeared, key=order), gone=sorted(gone, key=order), at_s=self._now_s()
        )
