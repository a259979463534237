"""How fast one scope is asked: evenly, never in bursts, and silent while the cloud says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiolimiter import AsyncLimiter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.ports import Clock


class ScopePace:
    """Pace of one scope; `requests` counts what was let through, `per_s` None is no limit."""

    def __init__(
        self,
        clock: Clock,
        requests_per_s: float | None,
        share: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.requests = 0
        self.per_s = requests_per_s
        self._share = share
        self._clock = clock
        self._quiet_until = clock.monotonic()
        # One token, renewed every 1/R seconds: the usual bucket of R tokens would send 2R requests
        # in its first second.
        self._limiter = AsyncLimiter(1, 1 / requests_per_s) if requests_per_s else None

    async def turn(self) -> None:
        """Wait until one more request may leave, and count it."""
        await self._silence()
        while self._limiter is not None:
            await self._limiter.acquire()
            # Who got a token during a silence takes another one after it: else all who waited
            # would leave in the same instant.
            if not await self._silence():
                break
        # Last: a moment that others of the account could use isn't taken to be waited with.
        while self._share is not None:
            await self._share()
            if not await self._silence():
                break
        self.requests += 1

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
