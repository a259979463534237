"""When the next look comes: an interval or a cron expression, and a little chance.

1. Many scopes, and many services, don't ask at one moment: each waits a share of its interval more.
2. An interval counts from the beginning of the last look: a slow cloud isn't asked less often, but
   never twice at once.
3. What was missed while a look went on is missed; it isn't made up for.
4. A clock that is set back, by an hour or a year, puts off a look by one interval at most.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.schedule import Schedule

JITTER_SHARE = 0.1
LONGEST_JITTER_S = 30.0
FIRST_JITTER_S = 0.2
"""A scope's share of the spread of the first looks: 50 scopes begin within 10 s."""


def is_cron(text: str) -> bool:
    """Tell whether a text is a cron expression of five fields that comes at least once."""
    try:
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return False
    return True


def first_wait_s(schedule: Schedule, others: int, chance: Callable[[], float]) -> float:
    """Give how long the first look waits, beside `others` that begin too; an interval begins now.

    A cron expression has its own times: nothing is looked at before the first of them comes.
    """
    if schedule.cron is not None:
        return 0.0
    assert schedule.every_s is not None, "exactly one of the two is set"
    return chance() * min(FIRST_JITTER_S * others, JITTER_SHARE * schedule.every_s)


def next_at(
    schedule: Schedule, began: datetime, now: datetime, chance: Callable[[], float]
) -> datetime:
    """Give when a scope is looked at next, which is never before `now`."""
    if schedule.cron is not None:
        local = CronSim(schedule.cron, now.astimezone(ZoneInfo(schedule.timezone)))
        # In UTC: within the hour that comes twice the first one told is of the hour before.
        due = next(at for at in local if at.astimezone(UTC) > now)
        after = next(CronSim(schedule.cron, due))
        return due + _jitter((after - due).total_seconds(), chance)
    assert schedule.every_s is not None, "exactly one of the two is set"
    every = timedelta(seconds=schedule.every_s)
    # Where the clock was set back meanwhile, `began` lies ahead: as far as it was set back.
    due = min(began, now) + every
    return max(due, now) + _jitter(schedule.every_s, chance)


def _jitter(every_s: float, chance: Callable[[], float]) -> timedelta:
    return timedelta(seconds=chance() * min(LONGEST_JITTER_S, JITTER_SHARE * every_s))
