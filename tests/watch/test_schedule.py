"""When the next look comes, which schedule a scope has, and what a schedule may not say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.daemon.schedule import first_wait_s, is_cron, next_at
from reconciler.model.schedule import Heal, Schedule
from tests.manifest.writing import SCOPE, codes, declared, load_text, spec

if TYPE_CHECKING:
    from pathlib import Path

BEGAN = datetime(2026, 3, 28, 23, 59, 30, tzinfo=UTC)
NIGHTLY = Schedule(every_s=None, cron="30 2 * * *", timezone="Europe/Berlin")

NEXT = {
    "an interval from the beginning of the last look": (Schedule(), 5.0, 0.0, 300.0),
    "with its share of chance": (Schedule(), 5.0, 1.0, 330.0),
    "which is bounded": (Schedule(every_s=86400.0), 5.0, 1.0, 86430.0),
    "after a look that took longer, at once": (Schedule(), 900.0, 0.0, 900.0),
    "after one in which the clock was set back an hour": (Schedule(), -3600.0, 0.0, -3300.0),
    "or a year": (Schedule(), -365 * 86400.0, 0.0, -365 * 86400.0 + 300.0),
    # 02:30 doesn't exist on that morning: the clock goes from 02:00 to 03:00.
    # 02:30 comes twice on that morning, and is over the second time.
    "a cron time that winter brings twice": (NIGHTLY, 18_148_230.0, 0.0, 18_235_830.0),
    "a cron time that summer skips": (NIGHTLY, 5.0, 0.0, 3600.0 + 30.0),
}  # fmt: skip


@pytest.mark.parametrize(("schedule", "took_s", "chance", "after_s"), NEXT.values(), ids=NEXT)
def test_the_next_look(schedule: Schedule, took_s: float, chance: float, after_s: float) -> None:
    now = datetime.fromtimestamp(BEGAN.timestamp() + took_s, tz=UTC)
    found = next_at(schedule, BEGAN, now, lambda: chance)
    assert (found - BEGAN).total_seconds() == after_s


def test_the_first_looks_of_many_scopes_are_spread_and_that_of_one_is_not() -> None:
    assert first_wait_s(Schedule(), 0, lambda: 1.0) == 0.0
    assert first_wait_s(Schedule(), 49, lambda: 1.0) == pytest.approx(9.8)
    assert first_wait_s(Schedule(every_s=10.0), 49, lambda: 1.0) == 1.0


@pytest.mark.parametrize(
    ("text", "good"), [("*/10 * * * *", True), ("0 0 30 2 *", False), ("x", False)]
)
def test_what_a_cron_expression_is(text: str, *, good: bool) -> None:
    assert is_cron(text) is good


WHOLE = """\
scopes: [shop]
cron: "*/10 * * * *"
timezone: Asia/Seoul
correct: true
heal: manifests
maxDetachPerDay: 0
retention: 7d
"""


def test_everything_that_a_schedule_says_is_taken(tmp_path: Path) -> None:
    (found,) = declared(tmp_path, f"{SCOPE}---\n{spec('Schedule', WHOLE)}").schedules
    assert found == Schedule(
        name="nightly",
        place=found.place,
        scopes=("shop",),
        every_s=None,
        cron="*/10 * * * *",
        timezone="Asia/Seoul",
        correct=True,
        heal=Heal.MANIFESTS,
        max_detach_per_day=0,
        retention_s=7 * 86400.0,
    )


def two(scopes: str) -> str:
    """Give two schedules that say this of their scopes."""
    head = "---\napiVersion: reconciler/v1\nkind: Schedule\nmetadata: {name: other}\nspec:\n"
    return f"{scopes}\nevery: 5m\n{head}  {scopes}\n  every: 1h"


REFUSED = {
    "too often": ("every: 9s", ["wrong-value"]),
    "no cron": ("cron: hourly", ["wrong-value"]),
    "no zone": ('cron: "0 1 * * *"\ntimezone: Mars/Base', ["wrong-value"]),
    "neither every nor cron": ("correct: true", ["exactly-one"]),
    "a scope nobody declares": ("scopes: [shpo]\nevery: 5m", ["unknown-scope"]),
    "a strange heal": ("every: 5m\nheal: all", ["wrong-value"]),
    "a second one for the scope": (two("scopes: [shop]"), ["schedule-conflict"]),
    "a second one for all": (two(""), ["schedule-conflict"]),
}


@pytest.mark.parametrize(("body", "told"), REFUSED.values(), ids=REFUSED)
def test_what_a_schedule_may_not_say(tmp_path: Path, body: str, told: list[str]) -> None:
    first, cut, rest = body.partition("\n---\n")
    text = f"{SCOPE}---\n{spec('Schedule', first)}{cut}{rest}\n"
    assert codes(load_text(tmp_path, text)) == told
