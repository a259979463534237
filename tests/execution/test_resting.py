"""When a crowd may look again: its part of the pace, what is due, and who asks for all."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.execution.pace import ScopePace
from reconciler.execution.resting import Rest
from tests.rig.virtual_time import run

from .fakes import PATIENCE


def rested(limit: float | None) -> Rest:
    """Give the rest of a crowd whose first call begins at 0."""
    rest = Rest(PATIENCE.clock, ScopePace(PATIENCE.clock, limit))
    rest.begin()
    return rest


@pytest.mark.parametrize(
    ("limit", "requests", "due_s", "left_s"),
    [
        pytest.param(None, 2, 0.0, 2.0, id="one request a second where nothing limits it"),
        pytest.param(None, 60, 0.0, 30.0, id="no longer than half a minute"),
        pytest.param(50.0, 5, 0.0, 2.0, id="a twentieth of a limit"),
        pytest.param(1.0, 5, 0.0, 100.0, id="however small that is"),
        pytest.param(None, 2, 3.5, 3.5, id="what is due a little later is waited for"),
        pytest.param(None, 2, 4.5, 2.0, id="what is due much later isn't"),
    ],
)
def test_a_look_waits_for_its_part_of_the_pace(
    limit: float | None, requests: float, due_s: float, left_s: float
) -> None:
    async def story() -> float:
        return rested(limit).left_s(requests, due_s)

    assert run(story()) == pytest.approx(left_s)


def test_no_look_goes_while_somebody_asks_for_all_and_each_question_counts() -> None:
    async def story() -> None:
        rest = rested(None)
        await asyncio.sleep(10.0)
        assert rest.left_s(2, 0.0) <= 0
        with rest.scouting():
            assert rest.left_s(2, 0.0) > 0
        rest.looked()
        rest.charge()
        assert rest.left_s(2, 0.0) == pytest.approx(3.0)

    run(story())
