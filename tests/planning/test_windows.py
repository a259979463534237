"""When changes may be made: allow and deny, in their time zone, across daylight saving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.model.plan import Circumstances
from reconciler.model.policy import Window
from reconciler.planning.windows import opening, permits, window_notice
from tests.planning.building import GENEROUS, codes, of_server, planned, world

HOUR = 3600.0
NIGHTS = Window(allows=True, cron="0 22 * * 1-5", duration_s=6 * HOUR, timezone="Asia/Seoul")
FREEZE = Window(allows=False, cron="0 0 24 12 *", duration_s=14 * 24 * HOUR, timezone="Asia/Seoul")
LONG_BERLIN = Window(allows=True, cron="0 22 * * *", duration_s=6 * HOUR, timezone="Europe/Berlin")
BERLIN = Window(allows=True, cron="30 2 * * *", duration_s=HOUR, timezone="Europe/Berlin")


def at(text: str) -> datetime:
    """Give a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("windows", "moment", "allowed"),
    [
        ((), "2026-11-21T12:00", True),
        ((NIGHTS,), "2026-11-20T13:00", True),
        ((NIGHTS,), "2026-11-20T12:59", False),
        ((NIGHTS,), "2026-11-20T18:59", True),
        ((NIGHTS,), "2026-11-20T19:00", False),
        ((NIGHTS,), "2026-11-21T14:00", False),
        ((NIGHTS, FREEZE), "2026-12-23T13:00", True),
        ((NIGHTS, FREEZE), "2026-12-23T15:00", False),
        ((NIGHTS, FREEZE), "2027-01-06T14:59", False),
        ((NIGHTS, FREEZE), "2027-01-06T15:01", True),
        ((FREEZE,), "2026-11-21T12:00", True),
        # 02:30 doesn't come on 2026-03-29 in Berlin: the hour begins at 03:00, summer time.
        ((BERLIN,), "2026-03-29T00:59", False),
        ((BERLIN,), "2026-03-29T01:00", True),
        ((BERLIN,), "2026-03-29T01:59", True),
        ((BERLIN,), "2026-03-29T02:00", False),
        # 02:30 comes twice on 2026-10-25: the first one counts.
        ((BERLIN,), "2026-10-25T00:30", True),
        ((BERLIN,), "2026-10-25T01:29", True),
        ((BERLIN,), "2026-10-25T01:31", False),
        # And not once more because a whole length before is within that hour.
        ((BERLIN,), "2026-10-25T02:00", False),
        ((BERLIN,), "2026-10-25T02:29", False),
    ],
)
def test_a_moment_lies_in_a_window_or_not(
    windows: tuple[Window, ...], moment: str, *, allowed: bool
) -> None:
    assert permits(windows, at(moment)) == allowed


@pytest.mark.parametrize(
    ("windows", "now", "is_open", "changes"),
    [
        ((NIGHTS,), "2026-11-20T14:00", True, "2026-11-20T19:00"),
        ((NIGHTS,), "2026-11-20T19:00", False, "2026-11-23T13:00"),
        ((NIGHTS, FREEZE), "2026-12-23T14:00", True, "2026-12-23T15:00"),
        ((NIGHTS, FREEZE), "2026-12-25T14:00", False, "2027-01-06T15:00"),
        ((FREEZE,), "2026-11-21T12:00", True, "2026-12-23T15:00"),
        # Six hours that pass, in the night that is an hour short, and in the one that is long.
        ((LONG_BERLIN,), "2026-03-28T22:00", True, "2026-03-29T03:00"),
        ((LONG_BERLIN,), "2026-10-24T22:00", True, "2026-10-25T02:00"),
        ((LONG_BERLIN,), "2026-10-25T02:00", False, "2026-10-25T21:00"),
    ],
)
def test_the_next_opening_or_closing_is_told(
    windows: tuple[Window, ...], now: str, changes: str, *, is_open: bool
) -> None:
    told = opening(windows, at(now))
    assert (told.open, told.changes_at) == (is_open, at(changes))
    assert permits(windows, at(changes)) != is_open
    assert permits(windows, at(changes) - timedelta(seconds=1)) == is_open


def test_the_notice_says_whether_the_forecast_fits() -> None:
    now = at("2026-11-20T18:59")
    assert window_notice((NIGHTS,), now, 24.0) == (
        "changes may be made until 2026-11-21 04:00 (Asia/Seoul); the forecast of 24 s fits"
    )
    assert "doesn't fit" in window_notice((NIGHTS,), now, 61.0)
    assert window_notice((NIGHTS,), at("2026-11-20T19:00"), 24.0) == (
        "changes may be made from 2026-11-23 22:00 (Asia/Seoul) until 2026-11-24 04:00 "
        "(Asia/Seoul); the forecast of 24 s fits"
    )
    assert "doesn't fit" in window_notice((NIGHTS,), at("2026-11-20T19:00"), 7 * HOUR)
    assert "forecast" not in window_notice((NIGHTS,), at("2026-11-20T19:00"), None)


def test_the_notice_of_a_freeze_that_ends_has_no_end_but_the_next_one() -> None:
    told = window_notice((FREEZE,), at("2026-12-25T14:00"), 24.0)
    assert told.startswith(
        "changes may be made from 2027-01-07 00:00 (Asia/Seoul) until 2027-12-24"
    )


@pytest.mark.parametrize(
    ("now", "enforced", "code"),
    [
        ("2026-11-20T14:00", True, []),
        ("2026-11-20T19:00", True, ["window-closed"]),
        ("2026-11-20T19:00", False, []),
    ],
)
def test_a_closed_window_holds_a_scope_back_when_it_is_about_to_be_changed(
    now: str, code: list[str], *, enforced: bool
) -> None:
    made = planned(
        world(["a"], ["v"]),
        of_server("a", "v"),
        policy=GENEROUS.__class__(windows=(NIGHTS,)),
        circumstances=Circumstances(now=at(now), enforced=enforced),
    )
    assert codes(made) == code
    assert bool(made.permitted) == (not code)
