"""Which scopes are due between two moments: the same answer on every worker, and after any restart.

1. An interval has its moments at a scope's own phase, which its name gives: a fleet never asks all
   clouds at one instant, and nobody has to remember when a scope was looked at last.
2. A scope that was due several times meanwhile is due once: what was missed isn't made up for.
"""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cronsim import CronSim

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.model.schedule import Schedule

PHASES = 2**32


def next_due_s(schedule: Schedule, scope: str, after_s: float) -> float:
    """Give the first moment after that one at which a scope is due."""
    if schedule.cron is not None:
        return _next_cron_s(schedule.cron, schedule.timezone, after_s)
    assert schedule.every_s is not None, "exactly one of the two is set"
    phase_s = zlib.crc32(scope.encode()) / PHASES * schedule.every_s
    passed = (after_s - phase_s) // schedule.every_s
    return phase_s + (passed + 1) * schedule.every_s


def due(
    scopes: Iterable[str],
    schedule_of: Callable[[str], Schedule],
    since_s: float | None,
    until_s: float,
) -> tuple[str, ...]:
    """Give the scopes that are due after the one moment and not after the other, sorted.

    `since_s` None: nobody ever looked; then all are due but those that have times of their own.
    """
    return tuple(
        scope for scope in sorted(scopes) if _is_due(schedule_of(scope), scope, since_s, until_s)
    )


def _is_due(schedule: Schedule, scope: str, since_s: float | None, until_s: float) -> bool:
    if since_s is None:
        return schedule.cron is None
    return next_due_s(schedule, scope, since_s) <= until_s


@lru_cache(maxsize=1024)
def _next_cron_s(cron: str, timezone: str, after_s: float) -> float:
    # Kept: a hundred thousand scopes of one expression ask the same question at one moment.
    after = datetime.fromtimestamp(after_s, tz=UTC).astimezone(ZoneInfo(timezone))
    # Within the hour that comes twice the first moment told is of the hour before.
    moments = (at.timestamp() for at in CronSim(cron, after))
    return next(at_s for at_s in moments if at_s > after_s)
