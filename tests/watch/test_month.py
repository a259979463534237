"""A few hours of the month, with everything that happens in it; the whole is a command of its own.

`python -m tests.watch.month --days 30` runs the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.rig.virtual_time import run
from tests.watch.month import Month

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_some_hours_of_the_month(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("ERROR")
    month = Month(tmp_path, scopes=2, seed=3)

    async def story() -> None:
        await month.live(0.2)
        assert month.wrong() == []
        assert month.figures["drifts"] >= 2
        assert month.figures["told"] >= month.figures["drifts"] - 1

    run(story())
