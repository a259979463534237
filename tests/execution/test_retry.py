"""Asking a read again, and how much is said of it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.errors import ProviderError
from reconciler.execution.retry import Patience, Silence
from tests.rig.virtual_time import run

from .fakes import PATIENCE

if TYPE_CHECKING:
    import pytest


class Cloud:
    """A cloud that is away from one moment to another."""

    def __init__(self, away_s: float, back_s: float) -> None:
        self._away = away_s, back_s

    async def answer(self) -> str:
        """Give an answer. Raises ProviderError while it is away."""
        if self._away[0] <= asyncio.get_running_loop().time() < self._away[1]:
            raise ProviderError("the cloud is away", retryable=True)
        return "here"


async def asked(cloud: Cloud, patience: Patience, until_s: float) -> None:
    """Ask as whoever follows a job does: again and again, whatever comes."""
    while asyncio.get_running_loop().time() < until_s:
        try:
            await patience.read(cloud.answer)
        except ProviderError:
            continue
        await patience.clock.sleep(2.0)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Give what was said so far."""
    return [record.getMessage() for record in caplog.records]


def patient(scope: str = "shop") -> Patience:
    """Give a patience with a silence of its own."""
    return replace(PATIENCE, silence=Silence(scope))


def test_an_hour_of_silence_is_told_at_its_start_ever_less_often_and_at_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    patience, cloud = patient(), Cloud(0.0, 3600.0)

    async def story() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(asked(cloud, patience, 4000.0))

    run(story())
    first, *between, last = told(caplog)
    assert first == "asking again in 1 s (scope shop): the cloud is away"
    assert len(between) == 6, between
    assert all(", without an answer for " in line for line in between)
    assert last.startswith("an answer came again after 36")
    assert last.endswith(" s (scope shop)")


def test_a_blip_is_told_and_that_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    async def story() -> None:
        assert await patient("").read(Cloud(0.0, 2.0).answer) == "here"

    run(story())
    assert told(caplog) == [
        "asking again in 1 s: the cloud is away",
        "an answer came again after 3 s",
    ]


def test_a_cloud_that_answers_every_other_time_does_not_tell_each_time(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    patience = patient()

    async def story() -> None:
        for number in range(500):
            now_s = asyncio.get_running_loop().time()
            await patience.read(Cloud(now_s, now_s + 0.5).answer)
            await patience.clock.sleep(1.0 + number % 2)

    run(story())
    assert len(told(caplog)) <= 14, told(caplog)


def test_who_answers_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="reconciler.execution.retry")
    run(asked(Cloud(-1.0, -1.0), patient(), 100.0))
    assert told(caplog) == []
