"""When changes may be made: windows that allow, windows that deny, each in its own time zone.

1. Without a window that allows, every time is allowed that none denies.
2. With one, a time is allowed that lies in it and in none that denies.
3. A start that daylight saving skips happens at the end of the skipped hour; one that it repeats
   happens once, the first time. A duration is time that passes: six hours stay six in that night.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, timedelta
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


def window_notice(windows: Sequence[Window], now: datetime, forecast_s: float | None) -> str:
    """Give what a plan tells of the windows: until when, or from when, and whether it fits.

    `forecast_s` is None where nothing is forecast.
    """
    told = opening(windows, now)
    said = _said(told.changes_at, windows[0].timezone)
    if told.changes_at is None:
        return "changes may be made now" if told.open else "no window opens within a year"
    if told.open:
        return f"changes may be made until {said}{_fits(now, told.changes_at, forecast_s)}"
    closes = opening(windows, told.changes_at).changes_at
    until = f" until {_said(closes, windows[0].timezone)}" if closes is not None else ""
    return f"changes may be made from {said}{until}{_fits(told.changes_at, closes, forecast_s)}"


def _said(moment: datetime | None, timezone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M} ({timezone})" if moment else ""


def _fits(start: datetime, end: datetime | None, forecast_s: float | None) -> str:
    """Give whether a forecast fits between two moments; nothing where there is none or no end."""
    if end is None or forecast_s is None:
        return ""
    fits = start + timedelta(seconds=forecast_s) <= end
    verb = "fits" if fits else "doesn't fit: what hasn't begun by then isn't made"
    return f"; the forecast of {forecast_s:.0f} s {verb}"


def _covers(window: Window, at: datetime) -> bool:
    at = at.astimezone(UTC)
    return any(start <= at for start in _starts(window, at - _length(window), at))


def _edges(windows: Iterable[Window], now: datetime) -> Iterator[datetime]:
    now = now.astimezone(UTC)
    for window in windows:
        for start in _starts(window, now - _length(window), now + AHEAD):
            yield from (moment for moment in (start, start + _length(window)) if moment > now)


def _starts(window: Window, after: datetime, until: datetime) -> Iterator[datetime]:
    """Give the starts of a window later than `after`, up to `until`, in UTC.

    Within a zone Python reckons by its clocks on the wall: a night of daylight saving would be an
    hour too long or too short.
    """
    zone = ZoneInfo(window.timezone)
    local = islice(CronSim(window.cron, after.astimezone(zone)), MOST)
    for start in (moment.astimezone(UTC) for moment in local):
        if start > until:
            return
        # Within the hour that comes twice the first start is the one of the hour before.
        if start > after:
            yield start


def _length(window: Window) -> timedelta:
    return timedelta(seconds=window.duration_s)
