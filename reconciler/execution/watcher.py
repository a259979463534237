"""Completion: when to ask a job, when to look, and one look for many steps.

1. A job is asked first when jobs of its verb usually end, then every two seconds at most.
2. Steps that want to look at about the same time share one look; while one is under way the
   next one gathers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from statistics import median
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.model.call import Verb

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.execution.retry import Patience
    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.live import Live
    from reconciler.ports import Provider

FIRST_S = 0.5
"""The wait before the first question, and after a surprise, when nothing was learned yet."""
LONGEST_S = 2.0
"""No two questions about one step are further apart than this."""
GATHER_S = 0.1
"""How long a look waits for others to join it."""
EARLY_SHARE = 0.9
"""The first question comes at this share of the learned time: half of the jobs end before it."""
LEARNED = 50
"""How many past jobs of a verb are remembered."""


class Durations:
    """How long jobs took, by verb: what earlier runs learned, corrected by this one."""

    def __init__(self, learned: Mapping[str, float]) -> None:
        self._learned = dict(learned)
        self._seen: dict[Verb, deque[float]] = {verb: deque(maxlen=LEARNED) for verb in Verb}

    def add(self, verb: Verb, seconds: float) -> None:
        """Remember one that ended."""
        self._seen[verb].append(seconds)

    def expected_s(self, verb: Verb) -> float | None:
        """Give the usual seconds of a verb; None when none was ever seen."""
        seen = self._seen[verb]
        return median(seen) if seen else self._learned.get(verb.value)


def waits_s(expected_s: float | None) -> Iterator[float]:
    """Give the waits between questions about one step, without end."""
    delay_s = FIRST_S
    if expected_s is not None:
        yield max(0.0, expected_s * EARLY_SHARE)
    while True:
        yield delay_s
        delay_s = min(LONGEST_S, delay_s * 2)


class _Look:
    """One look being gathered: what it shall see, and who waits for it."""

    def __init__(self) -> None:
        self.keys: set[AttachmentKey] = set()
        self.answer: asyncio.Future[Live] = asyncio.get_running_loop().create_future()
        self.followers = 0


class Watcher:
    """Looks at attachments for many steps with as few requests as the provider needs."""

    def __init__(self, provider: Provider, patience: Patience) -> None:
        self._provider = provider
        self._patience = patience
        self._gathering: _Look | None = None
        self._one_at_a_time = asyncio.Lock()

    async def look(self, keys: Collection[AttachmentKey]) -> Live:
        """Give what a look that began after this call saw. Raises ProviderError."""
        if self._gathering is not None:
            look = self._gathering
            look.keys |= set(keys)
            look.followers += 1
            return await asyncio.shield(look.answer)
        look = self._gathering = _Look()
        look.keys |= set(keys)
        try:
            live = await self._lead(look)
        except BaseException as error:
            self._fail(look, error)
            raise
        look.answer.set_result(live)
        return live

    async def _lead(self, look: _Look) -> Live:
        await self._patience.clock.sleep(GATHER_S)
        async with self._one_at_a_time:
            self._gathering = None
            keys = frozenset(look.keys)
            return await self._patience.read(lambda: self._provider.observe(keys))

    def _fail(self, look: _Look, error: BaseException) -> None:
        if self._gathering is look:
            self._gathering = None
        if not look.followers:
            look.answer.cancel()
        elif isinstance(error, ProviderError):
            look.answer.set_exception(error)
        else:
            # The leader was cancelled, its followers were not: they may look again.
            look.answer.set_exception(ProviderError("the look was given up", retryable=True))
        if look.followers:
            # Followers that were cancelled first don't collect it: asyncio would complain.
            look.answer.exception()
