"""How long to wait before asking again, and asking a read again."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.ports import Clock

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential delays with a cap; the cloud's own wish wins while it is reasonable."""

    first_s: float = 1.0
    factor: float = 2.0
    cap_s: float = 30.0
    longest_s: float = 300.0
    """A cloud that wants a longer silence than this is told so and not waited for."""
    attempts: int = 5
    """Half a minute of trying: a person waits for that, and a blip is over by then."""
    spread: float = 0.25
    """Up to this share is added by chance, so that many waiters don't come back at once."""

    def delay_s(self, attempt: int, retry_after_s: float | None, chance: float) -> float | None:
        """Give the wait before `attempt` (0 is the first retry); None: stop asking.

        `chance` is a number from 0 to 1 that the caller draws.
        """
        if attempt >= self.attempts:
            return None
        if retry_after_s is not None:
            return retry_after_s if retry_after_s <= self.longest_s else None
        delay_s = min(self.cap_s, self.first_s * self.factor**attempt)
        return delay_s * (1 + self.spread * chance)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What waiting takes from outside: a clock, a policy and a source of chance."""

    clock: Clock
    chance: Callable[[], float]
    backoff: Backoff = Backoff()

    async def read(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until a read passes; raise its last error when it won't."""
        attempt = 0
        while True:
            try:
                return await ask()
            except ProviderError as error:
                delay_s = self.backoff.delay_s(attempt, error.retry_after_s, self.chance())
                if not error.retryable or delay_s is None:
                    raise
                logger.warning("asking again in %.0f s: %s", delay_s, error)
            await self.clock.sleep(delay_s)
            attempt += 1
