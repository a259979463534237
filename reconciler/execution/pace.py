"""How fast one scope is asked: evenly, never in bursts, and silent while the cloud says so."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.ports import Clock

MADE_UP_S = 0.05
"""What a busy loop wakes up too late is made up for, this much at most: a loop that is late by a
millisecond at each turn would lose a twentieth of the time at 50 requests a second."""
SPARE_S = 0.002
"""How much further than a second apart a request and the R-th after it are: their ways differ."""


class ScopePace:
    """Pace of one scope; `requests` counts what was let through, `per_s` None is no limit."""

    def __init__(
        self,
        clock: Clock,
        requests_per_s: float | None,
        share: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.requests = 0
        self.first_s: float | None = None
        """When the first one left, by the clock; None: none has."""
        self.per_s = requests_per_s
        self._share = share
        self._clock = clock
        self._quiet_until = clock.monotonic()
        # Evenly: the usual bucket of R tokens would send 2R requests in its first second.
        self._apart_s = 1 / requests_per_s if requests_per_s else None
        self._due_s = clock.monotonic()
        self._left_s: deque[float] = deque(maxlen=max(1, int(requests_per_s or 1)))
        """When the last requests left, as many as a second may hold."""
        self._one_at_a_time = asyncio.Lock()

    async def turn(self) -> None:
        """Wait until one more request may leave, and count it."""
        await self._silence()
        if self._apart_s is not None:
            # One sleeps and the others wait for it: a timer for each would wake all at each turn.
            async with self._one_at_a_time:
                await self._spaced(self._apart_s)
        # Last: a moment that others of the account could use isn't taken to be waited with.
        while self._share is not None:
            await self._share()
            if not await self._silence():
                break
        self.requests += 1
        if self.first_s is None:
            self.first_s = self._clock.monotonic()

    async def _spaced(self, apart_s: float) -> None:
        """Wait until the last request is long enough ago; in a silence, until after it."""
        while True:
            left_s = self._free_s(apart_s) - self._clock.monotonic()
            if left_s > 0:
                await self._clock.sleep(left_s)
            if not await self._silence():
                break
        now_s = self._clock.monotonic()
        self._due_s = max(self._due_s, now_s - MADE_UP_S) + apart_s
        self._left_s.append(now_s)

    def _free_s(self, apart_s: float) -> float:
        """Give when the next one may leave: no second holds more than the limit, made up or not."""
        if len(self._left_s) < (self._left_s.maxlen or 0):
            return self._due_s
        return max(self._due_s, self._left_s[0] + apart_s * len(self._left_s) + SPARE_S)

    def hold(self, seconds: float) -> None:
        """Let no request leave for this long; a shorter wish never shortens a longer one."""
        self._quiet_until = max(self._quiet_until, self._clock.monotonic() + seconds)

    async def _silence(self) -> bool:
        """Wait until the cloud may be asked again; tell whether that took any time."""
        waited = False
        while (left := self._quiet_until - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
            waited = True
        return waited
