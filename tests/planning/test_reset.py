"""Every condition of a status reset, alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from reconciler.model.attachment import Phase, View, Witness
from reconciler.model.call import Verb
from reconciler.model.live import ServerStatus, VolumeStatus
from reconciler.planning.reset import contradiction, reset_refusals
from tests.planning.building import BOTH, COMPUTE, key, on, server, volume, world
from tests.planning.test_diagnosis import KEY, calls, stale

if TYPE_CHECKING:
    from reconciler.model.live import Live
    from reconciler.model.record import OpenIntent

STALE = world(["web-1"], ["disk-1"], [stale()])
BUSY = volume("disk-1", status=VolumeStatus.BUSY)
BOOTS = structs.replace(volume("disk-1"), boot=True)
REBOOTING = replace(server("web-1"), status=ServerStatus.MOVING)
NAMED = stale().sightings[View.STORAGE]
LOOKS = [
    ("a stale record", STALE, ()),
    ("on a server that isn't there", replace(STALE, servers={}), ()),
    ("rows may be missing", replace(STALE, complete=False), ("incomplete-listing",)),
    ("storage doesn't show it", world(["web-1"], ["disk-1"]), ("not-in-storage",)),
    (
        "compute alone shows it",
        world(["web-1"], ["disk-1"], [on("web-1/disk-1", COMPUTE)]),
        ("not-in-storage", "server-has-it"),
    ),
    (
        "compute shows it too",
        world(
            ["web-1"],
            ["disk-1"],
            [
                structs.replace(
                    stale(), sightings={**on("web-1/disk-1", BOTH).sightings, View.STORAGE: NAMED}
                )
            ],
        ),
        ("server-has-it",),
    ),
    (
        "storage tells no attachment id",
        world(["web-1"], ["disk-1"], [stale(attachment_id=None)]),
        ("no-attachment-id",),
    ),
    ("a server boots from it", world(["web-1"], [BOOTS], [stale()]), ("boot-volume",)),
    ("the volume isn't listed", world(["web-1"], [], [stale()]), ("volume-not-in-use",)),
    ("the volume is busy", world(["web-1"], [BUSY], [stale()]), ("volume-not-in-use",)),
    (
        "storage says that it moves",
        world(
            ["web-1"],
            ["disk-1"],
            [
                structs.replace(
                    stale(), sightings={View.STORAGE: structs.replace(NAMED, phase=Phase.DETACHING)}
                )
            ],
        ),
        ("volume-not-in-use",),
    ),
    ("the server reboots", world([REBOOTING], ["disk-1"], [stale()]), ("server-moving",)),
]


@pytest.mark.parametrize(
    ("live", "codes"), [row[1:] for row in LOOKS], ids=[row[0] for row in LOOKS]
)
def test_what_a_look_says_against_it(live: Live, codes: tuple[str, ...]) -> None:
    assert tuple(one.code for one in reset_refusals(KEY, live, ())) == codes


@pytest.mark.parametrize(
    ("about", "refused"),
    [
        pytest.param(calls(), True, id="both"),
        pytest.param(calls(Verb.ATTACH, key("web-2", "disk-1")), True, id="the volume"),
        pytest.param(calls(Verb.ATTACH, key("web-1", "disk-9")), True, id="the server"),
        pytest.param(calls(Verb.ATTACH, key("web-2", "disk-9")), False, id="neither"),
    ],
)
def test_a_call_of_ours_about_either_end_refuses(
    about: tuple[OpenIntent, ...],
    refused: bool,  # noqa: FBT001 - a column
) -> None:
    codes = {one.code for one in reset_refusals(KEY, STALE, about)}
    assert codes == ({"call-in-flight"} if refused else set())


@pytest.mark.parametrize(
    ("said", "listed", "code"),
    [
        (Witness.ABSENT, True, None),
        (Witness.SERVER_GONE, False, None),
        (Witness.PRESENT, True, "server-has-it"),
        (Witness.PRESENT, False, "server-has-it"),
        (Witness.ABSENT, False, "server-unclear"),
        (Witness.SERVER_GONE, True, "server-unclear"),
        (Witness.UNCLEAR, True, "server-unclear"),
        (Witness.UNCLEAR, False, "server-unclear"),
    ],
)
def test_the_servers_own_word_has_to_agree_with_the_look(
    said: Witness,
    listed: bool,  # noqa: FBT001 - a column
    code: str | None,
) -> None:
    live = STALE if listed else replace(STALE, servers={})
    found = contradiction(KEY, live, said)
    assert (found.code if found is not None else None) == code
