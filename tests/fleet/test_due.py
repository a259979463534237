"""Which scopes are due: once a window, whoever asks and however long the window was."""

from __future__ import annotations

import pytest

from reconciler.fleet.due import due, next_due_s
from reconciler.model.schedule import Schedule

EVERY = Schedule(every_s=300.0)
BERLIN = Schedule(every_s=None, cron="30 2 * * *", timezone="Europe/Berlin")
TWICE_S = 1_792_890_600.0
"""2026-10-25T01:10 UTC, 02:10 in Berlin for the second time."""
CRON = Schedule(every_s=None, cron="*/10 * * * *", timezone="Asia/Seoul")
NAMES = [f"scope-{number}" for number in range(1000)]
START_S = 1_800_000_000.0


def test_every_scope_is_due_once_an_interval_whatever_the_windows() -> None:
    seen: list[str] = []
    for window in range(30):
        since_s = START_S + 10.0 * window
        seen += due(NAMES, lambda _: EVERY, since_s, since_s + 10.0)
    assert sorted(seen) == sorted(NAMES)


def test_scopes_of_one_interval_are_spread_over_it() -> None:
    for window in range(30):
        since_s = START_S + 10.0 * window
        assert 10 < len(due(NAMES, lambda _: EVERY, since_s, since_s + 10.0)) < 60


@pytest.mark.parametrize(
    ("schedule", "since_s", "until_s", "found"),
    [
        pytest.param(EVERY, START_S, START_S + 10_000, 1, id="missed often, due once"),
        pytest.param(EVERY, None, START_S, 1, id="nobody ever looked"),
        pytest.param(CRON, None, START_S, 0, id="times of its own are waited for"),
        pytest.param(CRON, START_S - 1, START_S, 1, id="on the minute"),
        pytest.param(CRON, START_S, START_S + 599, 0, id="a window without a moment"),
        pytest.param(BERLIN, TWICE_S, TWICE_S + 3600, 0, id="a moment comes once in that night"),
        pytest.param(BERLIN, TWICE_S - 3600, TWICE_S, 1, id="the first time"),
    ],
)
def test_a_window(schedule: Schedule, since_s: float | None, until_s: float, found: int) -> None:
    assert len(due(["one"], lambda _: schedule, since_s, until_s)) == found


def test_the_next_moment_is_later_and_its_own_next_is_an_interval_away() -> None:
    first = next_due_s(EVERY, "one", START_S)
    assert START_S < first <= START_S + 300.0
    assert next_due_s(EVERY, "one", first) == pytest.approx(first + 300.0)
