"""How long to wait before asking again, and asking a read again."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
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


FIRST_TOLD_S = 30.0
"""Once a silence was told it isn't told again sooner; each time it takes twice as long."""
LONGEST_TOLD_S = 3600.0
"""But never longer than this."""


class Silence:
    """What is told of a cloud that doesn't answer: when it begins, ever less often, and its end.

    Many ask the same cloud, for hours perhaps: a line for each question buries what else is said.
    """

    def __init__(self, scope: str = "") -> None:
        self._of = f" (scope {scope})" if scope else ""
        self._since_s: float | None = None
        """When the first read of this silence failed; None: the last one passed."""
        self._told = False
        """Whether anybody heard of this silence."""
        self._due_s = -math.inf
        """Before this moment nothing is told again."""
        self._apart_s = FIRST_TOLD_S

    def failed(self, now_s: float, delay_s: float, error: ProviderError) -> None:
        """Tell of a read that failed and is asked again, where it is time to."""
        if self._since_s is None:
            self._since_s = now_s
            if now_s - self._due_s > LONGEST_TOLD_S:
                self._apart_s = FIRST_TOLD_S  # The last trouble was long ago.
        if now_s < self._due_s:
            return
        for_s = now_s - self._since_s
        since = f", without an answer for {for_s:.0f} s" if for_s >= 1 else ""
        logger.warning("asking again in %.0f s%s%s: %s", delay_s, since, self._of, error)
        self._told = True
        self._due_s = now_s + self._apart_s
        self._apart_s = min(LONGEST_TOLD_S, self._apart_s * 2)

    def answered(self, now_s: float) -> None:
        """Tell that it is over, where anybody heard that it began."""
        if self._since_s is not None and self._told:
            for_s = now_s - self._since_s
            logger.warning("an answer came again after %.0f s%s", for_s, self._of)
        self._since_s, self._told = None, False


class Silences(dict[str, Silence]):
    """By scope, how long its cloud is silent; a service looks for days, and opens it each time."""

    def __missing__(self, scope: str) -> Silence:
        return self.setdefault(scope, Silence(scope))


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What waiting takes from outside: a clock, a policy and a source of chance."""

    clock: Clock
    chance: Callable[[], float]
    backoff: Backoff = Backoff()
    silence: Silence = field(default_factory=Silence)
    """What was told of the cloud's silence; one for all who ask it."""

    async def read(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until a read passes; raise its last error when it won't."""
        attempt = 0
        while True:
            try:
                answer = await ask()
            except ProviderError as error:
                delay_s = self.backoff.delay_s(attempt, error.retry_after_s, self.chance())
                if not error.retryable or delay_s is None:
                    raise
                self.silence.failed(self.clock.monotonic(), delay_s, error)
            else:
                self.silence.answered(self.clock.monotonic())
                return answer
            await self.clock.sleep(delay_s)
            attempt += 1
