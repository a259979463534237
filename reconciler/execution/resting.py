"""When a crowd may look again: its looks take no more than their part of the pace."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.execution.pace import ScopePace
    from reconciler.ports import Clock

LOOK_SHARE = 0.05
"""The part of a scope's requests that a crowd may look with."""
READ_S = 1.0
"""How much of the time before its first call a crowd may look in, at most."""
LOOKS_PER_S = 1.0
"""The same where the scope has no limit."""
LONGEST_REST_S = 30.0
"""How long a crowd rests between looks at most, where the scope has no limit."""
SCOUT_S = 0.1
"""How soon a look goes on once a scout is back."""


class Rest:
    """The rest between the looks of a crowd; `pace` None: nothing limits it."""

    def __init__(self, clock: Clock, pace: ScopePace | None) -> None:
        self._clock = clock
        self._pace = pace
        limit = pace.per_s if pace is not None else None
        self._limited = limit is not None
        self._per_s = LOOKS_PER_S if limit is None else LOOK_SHARE * limit
        self._since_s = 0.0
        """When the last look of a crowd ended, or its first call began."""
        self._scouts = 0

    @property
    def scouts_pay(self) -> bool:
        """True where a look that comes too early costs seconds: nothing limits the scope."""
        return self._pace is not None and not self._limited

    @contextmanager
    def scouting(self) -> Iterator[None]:
        """Let looks of a crowd wait until the block ends: somebody finds out when they pay."""
        self._scouts += 1
        try:
            yield
        finally:
            self._scouts -= 1

    def begin(self) -> None:
        """Begin with a first call in flight: what was read just before it counts."""
        now_s = self._clock.monotonic()
        first_s = self._pace.first_s if self._pace is not None else None
        began_s = now_s if first_s is None else max(first_s, now_s - READ_S)
        self._since_s = max(self._since_s, began_s)

    def looked(self) -> None:
        """Begin anew: a look has ended."""
        self._since_s = self._clock.monotonic()

    def charge(self) -> None:
        """Count a question to a job in a crowd among its looks: the next one comes later."""
        self._since_s += 1.0 / self._per_s

    def left_s(self, requests: float, due_s: float) -> float:
        """Give how much longer to rest before a look of so many requests; none is left at 0.

        A look that is due a little later waits for that.
        """
        if self._scouts:
            return SCOUT_S
        interval_s = requests / self._per_s
        if not self._limited:
            interval_s = min(interval_s, LONGEST_REST_S)
        until_s = self._since_s + interval_s
        if until_s < due_s < until_s + interval_s:
            until_s = due_s
        return until_s - self._clock.monotonic()
