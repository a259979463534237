"""How long a schedule is guessed to take: needs, locks, slots."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.call import Verb
from reconciler.model.finding import Place
from reconciler.model.hook import Hook, Occasion
from reconciler.planning.forecast import forecast_s
from reconciler.planning.schedule import Schedule, schedule
from tests.planning.building import (
    ECS,
    GENEROUS,
    listed,
    of_server,
    of_volume,
    planned,
    shared,
    world,
)

if TYPE_CHECKING:
    from reconciler.model.declared import Entry
    from reconciler.model.live import Live
    from reconciler.planning.forecast import Learned

HERE = Place(file="p.yaml", line=1, column=1)
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


HOOKED = replace(
    GENEROUS,
    guest_release=Hook(name="let-go", timeout_s=60.0, place=HERE),
    after_attach=Hook(name="mount", timeout_s=30.0, place=HERE),
)
LEARNED = {(Occasion.RELEASE, "let-go"): 2.0, (Occasion.ATTACHED, "let-go"): 9.0}


@pytest.mark.parametrize(
    ("live", "entries", "learned", "seconds"),
    [
        (world(["a"], ["v"], ["a/v"]), [of_server("a")], {}, 70.0),
        (world(["a"], ["v"], ["a/v"]), [of_server("a")], LEARNED, 12.0),
        (world(["a"], ["v"]), [of_server("a", "v")], LEARNED, 38.0),
        (
            world(["a", "b"], ["v"], ["a/v"]),
            [of_server("a"), of_server("b", listed("v", flag=True))],
            LEARNED,
            2.0 + 10.0 + 8.0 + 30.0 + 1.0,
        ),
        (
            world(DISKS, [shared("s")], [f"{name}/s" for name in DISKS]),
            [of_volume("s")],
            LEARNED,
            12.0,
        ),
        (world(["a"], ["v", "w"], ["a/v", "a/w"]), [of_server("a")], LEARNED, 24.0),
    ],
    ids=[
        "a hook that never ran takes its timeout",
        "one that ran takes what it took then",
        "by its occasion and name",
        "a move asks both guests, and is updated after that",
        "the servers of a batch are asked at once",
        "the volumes of a server one by one",
    ],
)
def test_hooks_take_their_time(
    live: Live, entries: list[Entry], learned: Learned, seconds: float
) -> None:
    made = schedule(planned(live, *entries, policy=HOOKED), ECS)
    assert forecast_s(made, SECONDS, 4, hook_s=learned) == seconds


@pytest.mark.parametrize(
    ("at_once", "per_s", "seconds"),
    [(1, None, 8.3), (4, None, 8.0), (4, 0.5, 14.0)],
    ids=["answers come one by one", "a job takes no slot", "the limit spreads them"],
)
def test_the_forecast_where_motion_shows(at_once: int, per_s: float | None, seconds: float) -> None:
    told = forecast_s(APART, SECONDS, at_once, held=False, per_s=per_s)
    assert told == pytest.approx(seconds)
