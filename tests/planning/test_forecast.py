"""How long a schedule is guessed to take: needs, locks, slots."""

from __future__ import annotations

import pytest

from reconciler.model.call import Verb
from reconciler.planning.forecast import forecast_s
from reconciler.planning.schedule import Schedule, schedule
from tests.planning.building import ECS, listed, of_server, of_volume, planned, shared, world

SECONDS = {Verb.ATTACH: 8.0, Verb.DETACH: 10.0, Verb.UPDATE: 1.0}
DISKS = ["u", "v", "w", "x"]
APART = schedule(
    planned(world(DISKS, DISKS), *(of_server(name, name) for name in DISKS)),
    ECS,
)
ONE_SERVER = schedule(planned(world(["a"], DISKS), of_server("a", *DISKS)), ECS)
BATCH = schedule(planned(world(DISKS, [shared("s")]), of_volume("s", *DISKS)), ECS)
MOVE = schedule(
    planned(
        world(["a", "b"], ["v"], ["a/v"]), of_server("a"), of_server("b", listed("v", flag=True))
    ),
    ECS,
)


@pytest.mark.parametrize(
    ("made", "at_once", "seconds"),
    [
        (Schedule(), 4, 0.0),
        (APART, 4, 8.0),
        (APART, 2, 16.0),
        (APART, 1, 32.0),
        (APART, 0, 32.0),
        (ONE_SERVER, 4, 32.0),
        (BATCH, 1, 8.0),
        (MOVE, 4, 19.0),
    ],
    ids=[
        "nothing takes no time",
        "four at once take as long as one",
        "two at once take twice as long",
        "one at a time takes four times as long",
        "no slot is one slot",
        "one server takes one change at a time",
        "a batch takes as long as a single",
        "a move's halves and its update follow each other",
    ],
)
def test_the_forecast(made: Schedule, at_once: int, seconds: float) -> None:
    assert forecast_s(made, SECONDS, at_once) == seconds


@pytest.mark.parametrize(
    ("at_once", "per_s", "seconds"),
    [(1, None, 8.3), (4, None, 8.0), (4, 0.5, 14.0)],
    ids=["answers come one by one", "a job takes no slot", "the limit spreads them"],
)
def test_the_forecast_where_motion_shows(at_once: int, per_s: float | None, seconds: float) -> None:
    told = forecast_s(APART, SECONDS, at_once, held=False, per_s=per_s)
    assert told == pytest.approx(seconds)
