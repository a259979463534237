"""How fast one scope is asked: evenly, never in bursts, and silent while the cloud says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiolimiter import AsyncLimiter

if TYPE_CHECKING:
    from reconciler.ports import Clock


class ScopePace:
    """Pace of one scope; `requests` counts what was let through."""

    def __init__(self, clock: Clock, requests_per_s: float | None) -> None:
        self.requests = 0
        self._clock = clock
        self._quiet_until = clock.monotonic()
        # One token, renewed every 1/R seconds: the usual bucket of R tokens would send 2R requests
        # in its first second.
        self._limiter = AsyncLimiter(1, 1 / requests_per_s) if requests_per_s else None

    async def turn(self) -> None:
        """Wait until one more request may leave, and count it."""
        if self._limiter is not None:
            await self._limiter.acquire()
        while (left := self._quiet_until - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        self.requests += 1

    def hold(self, seconds: float) -> None:
        """Let no request leave for this long; a shorter wish never shortens a longer one."""
        self._quiet_until = max(self._quiet_until, self._clock.monotonic() + seconds)
