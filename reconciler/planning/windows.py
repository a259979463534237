"""When changes may be made: windows that allow, windows that deny, each in its own time zone.

1. Without a window that allows, every time is allowed that none denies.
2. With one, a time is allowed that lies in it and in none that denies.
3. A start that daylight saving skips happens at the end of the skipped hour; one that it repeats
   happens once, the first time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cronsim import CronSim

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from reconciler.model.policy import Window

AHEAD = timedelta(days=366)
"""How far the next opening is looked for; a window that opens later says so as "not within"."""
MOST = 10_000
"""Starts looked at for one window: a minute's windows for a week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Whether changes may be made now, and when that changes; None: not within a year."""

    open: bool
    changes_at: datetime | None


def opening(windows: Sequence[Window], now: datetime) -> Opening:
    """Give whether changes may be made at `now`, and when that ends or begins."""
    allowed = permits(windows, now)
    for moment in sorted(set(_edges(windows, now))):
        if permits(windows, moment) != allowed:
            return Opening(open=allowed, changes_at=moment)
    return Opening(open=allowed, changes_at=None)


def permits(windows: Iterable[Window], at: datetime) -> bool:
    """Tell whether changes may be made at a moment."""
    windows = tuple(windows)
    allowing = [window for window in windows if window.allows]
    if any(_covers(window, at) for window in windows if not window.allows):
        return False
    return not allowing or any(_covers(window, at) for window in allowing)


def window_notice(windows: Sequence[Window], now: datetime, forecast_s: float) -> str:
    """Give what a plan tells of the windows: until when, or from when, and whether it fits."""
    told = opening(windows, now)
    zone = ZoneInfo(windows[0].timezone)
    when = told.changes_at.astimezone(zone) if told.changes_at is not None else None
    said = f"{when:%Y-%m-%d %H:%M} ({windows[0].timezone})" if when is not None else ""
    if not told.open:
        return f"changes may be made from {said}" if said else "no window opens within a year"
    if when is None:
        return "changes may be made now"
    fits = now + timedelta(seconds=forecast_s) <= when
    verb = "fits" if fits else "doesn't fit: what hasn't begun by then isn't made"
    return f"changes may be made until {said}; the forecast of {forecast_s:.0f} s {verb}"


def _covers(window: Window, at: datetime) -> bool:
    return any(start <= at for start in _starts(window, at - _length(window), at))


def _edges(windows: Iterable[Window], now: datetime) -> Iterator[datetime]:
    for window in windows:
        for start in _starts(window, now - _length(window), now + AHEAD):
            yield from (moment for moment in (start, start + _length(window)) if moment > now)


def _starts(window: Window, after: datetime, until: datetime) -> Iterator[datetime]:
    """Give the starts of a window later than `after`, up to `until`."""
    zone = ZoneInfo(window.timezone)
    for start in islice(CronSim(window.cron, after.astimezone(zone)), MOST):
        if start > until:
            return
        yield start


def _length(window: Window) -> timedelta:
    return timedelta(seconds=window.duration_s)
