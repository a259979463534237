"""Guards of the change's level: each refuses one change with its reason, and passes the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from reconciler.model.capabilities import SetBy
from reconciler.model.live import ServerStatus, VolumeStatus
from tests.planning.building import (
    ECS,
    codes,
    lines,
    listed,
    of_server,
    of_volume,
    on,
    paths,
    planned,
    server,
    shared,
    volume,
    world,
)

if TYPE_CHECKING:
    from reconciler.model.capabilities import Capabilities
    from reconciler.model.declared import Entry
    from reconciler.model.live import Live

BOOT = structs.replace(volume("v"), boot=True)
EAST = replace(server("b"), zone="east")
SET = of_server("a", listed("v", flag=True))


def _status(name: str, status: ServerStatus) -> Live:
    """Give a world where `v` is on `a`, and one of the two servers has this status."""
    servers = [replace(server(one), status=status) if one == name else one for one in ("a", "b")]
    return world(servers, ["v", "w"], ["a/v"])


@dataclass(frozen=True)
class Case:
    """A world, its entries and the lines of the plan."""

    id: str
    why: str
    live: Live
    entries: tuple[Entry, ...]
    lines: tuple[str, ...]
    can: Capabilities = ECS


MOVE = (of_server("a"), of_server("b", "v"))
CASES = (
    Case(
        "a boot volume listed where it is, is refused",
        "it is never owned",
        world(["a"], ["v"], [on("a/v", boot=True)]),
        (of_server("a", "v"),),
        ("keep a/v refused: boot-volume",),
    ),
    Case(
        "a boot volume under absent is refused",
        "it is never detached",
        world(["a"], ["v"], [on("a/v", boot=True)]),
        (of_server("a", absent=["v"], keep=True),),
        ("detach a/v refused: boot-volume",),
    ),
    Case(
        "a boot volume wanted elsewhere is refused",
        "its server would not start again",
        world(["a", "b"], [BOOT], ["a/v"]),
        MOVE,
        ("attach b/v refused: boot-volume",),
    ),
    Case(
        "a boot volume under absent and wanted elsewhere is refused",
        "only its server's view says that it boots, and that is enough",
        world(["a", "b"], ["v"], [on("a/v", boot=True)]),
        (of_server("a", absent=["v"], keep=True), of_server("b", "v")),
        ("move b/v from a refused: boot-volume",),
    ),
    Case(
        "a boot volume that is attached nowhere is refused",
        "its own record says that a server boots from it",
        world(["a"], [BOOT]),
        (of_server("a", "v"),),
        ("attach a/v refused: boot-volume",),
    ),
    Case(
        "a cloud that can't attach refuses attaches and moves",
        "Workspace creates and deletes disks only",
        world(["a", "b"], ["v", "w"], ["a/v"]),
        (of_server("a"), of_server("b", "v", "w")),
        ("move b/v from a refused: cannot-attach", "attach b/w refused: cannot-attach"),
        replace(ECS, attach=False),
    ),
    Case(
        "a cloud whose detach destroys keeps what isn't listed",
        "nothing is destroyed that no line names",
        world(["a", "b"], ["v", "w"], ["a/v", "a/w"]),
        (of_server("a"), of_server("b", "v")),
        ("attach b/v refused: held-by-kept",),
        replace(ECS, detach_keeps_data=False),
    ),
    Case(
        "a cloud whose detach destroys refuses what is absent",
        "nothing is destroyed without its own consent",
        world(["a", "b"], ["v", "w"], ["a/v", "a/w"]),
        (of_server("a", absent=["v"]),),
        ("destroy a/v refused: destroy-not-allowed",),
        replace(ECS, detach_keeps_data=False),
    ),
    Case(
        "another zone is refused",
        "no cloud attaches across zones",
        world([EAST], [structs.replace(volume("v"), zone="west")]),
        (of_server("b", "v"),),
        ("attach b/v refused: other-zone",),
    ),
    Case(
        "another zone refuses a move whole",
        "the volume must not leave what it has",
        world(["a", EAST], [structs.replace(volume("v"), zone="west")], ["a/v"]),
        MOVE,
        ("move b/v from a refused: other-zone",),
    ),
    Case(
        "the same zone passes",
        "the ordinary case",
        world([EAST], [structs.replace(volume("v"), zone="east")]),
        (of_server("b", "v"),),
        ("attach b/v",),
    ),
    Case(
        "a zone that isn't told passes",
        "the cloud will say",
        world([EAST], ["v"]),
        (of_server("b", "v"),),
        ("attach b/v",),
    ),
    Case(
        "another zone never holds back a detach",
        "it is there, so it may leave",
        world([EAST], [structs.replace(volume("v"), zone="west")], ["b/v"]),
        (of_server("b"),),
        ("detach b/v",),
    ),
    *(
        Case(
            f"a volume that is {status.value} is refused",
            "the cloud would refuse it, or worse",
            world(["a", "b"], [volume("v", status=status), volume("w", status=status)], ["a/v"]),
            (of_server("a"), of_server("b", "v", "w")),
            ("move b/v from a refused: volume-status", "attach b/w refused: volume-status"),
        )
        for status in (VolumeStatus.BUSY, VolumeStatus.REFUSING)
    ),
    Case(
        "a busy volume may still have its flag set",
        "an update doesn't touch the disk",
        world(["a"], [volume("v", status=VolumeStatus.BUSY)], ["a/v"]),
        (SET,),
        ("update a/v delete_on_termination false->true",),
    ),
    *(
        Case(
            f"a server that is {status.value} {how} what {what}",
            "a change of it would be lost or refused; what passes by itself is waited for",
            _status(name, status),
            entries,
            (f"{found} {stands}: server-status",),
        )
        for status, how, stands in (
            (ServerStatus.MOVING, "keeps waiting", "in motion"),
            (ServerStatus.REFUSING, "refuses", "refused"),
        )
        for what, name, entries, found in (
            ("leaves", "a", (of_server("a"),), "detach a/v"),
            ("arrives", "b", (of_server("b", "w"),), "attach b/w"),
            ("leaves in a move", "a", MOVE, "move b/v from a"),
            ("arrives in a move", "b", MOVE, "move b/v from a"),
        )
    ),
    Case(
        "what can't be shared and is wanted twice is attached nowhere",
        "which of the two is meant can't be told",
        world(["a", "b"], ["v"]),
        (of_server("a", "v"), of_server("b", "v")),
        ("attach a/v refused: not-shareable", "attach b/v refused: not-shareable"),
    ),
    Case(
        "what can't be shared and is wanted twice stays where it is wanted",
        "one of the two is so already",
        world(["a", "b"], ["v"], ["a/v"]),
        (of_server("a", "v"), of_server("b", "v")),
        ("attach b/v refused: not-shareable",),
    ),
    Case(
        "what can't be shared and is wanted twice stays where it isn't wanted",
        "it would leave its server and arrive nowhere",
        world(["a", "b", "c"], ["v"], ["c/v"]),
        (of_server("a", "v"), of_server("b", "v"), of_server("c")),
        (
            "attach a/v refused: not-shareable",
            "attach b/v refused: not-shareable",
            "detach c/v refused: not-shareable",
        ),
    ),
    Case(
        "what can be shared is wanted twice",
        "that is what it is for",
        world(["a", "b"], [shared("v")]),
        (of_server("a", "v"), of_server("b", "v")),
        ("attach a/v", "attach b/v"),
    ),
    Case(
        "two reasons are both told",
        "mending one must not reveal the next",
        world([EAST], [structs.replace(BOOT, zone="west")]),
        (of_server("b", "v"),),
        ("attach b/v refused: boot-volume, other-zone",),
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_change_is_refused_or_passes(case: Case) -> None:
    made = planned(case.live, *case.entries, can=case.can)
    assert lines(made) == list(case.lines), case.why
    assert not made.refused, "a change's guard holds back that change only"


def test_a_refusal_names_the_other_lines_that_want_the_volume() -> None:
    made = planned(world(["a", "b"], ["v"]), of_server("a", "v"), of_server("b", "v"))
    first, second = (change.refusals[0] for change in made.changes)
    assert paths(first.place, *first.also) == ["servers.a.v", "servers.b.v"]
    assert paths(second.place, *second.also) == ["servers.b.v", "servers.a.v"]


KEPT = world(["a"], ["v"], [on("a/v", flag=False)])
FIXED = {
    "never": (KEPT, replace(ECS, delete_on_termination=SetBy.NEVER), "this cloud can't set it"),
    "shareable": (world(["a"], [shared("v")], ["a/v"]), ECS, "can be shared"),
    "prepaid": (
        world(["a"], [structs.replace(volume("v"), prepaid=True)], ["a/v"]),
        ECS,
        "yearly and monthly",
    ),
}


@pytest.mark.parametrize(("live", "can", "why"), FIXED.values(), ids=FIXED)
def test_delete_on_termination_is_refused_where_it_can_not_change(
    live: Live, can: Capabilities, why: str
) -> None:
    made = planned(live, SET, can=can)
    assert lines(made) == ["update a/v delete_on_termination false->true refused: fixed-attribute"]
    assert why in made.findings[0].summary


@pytest.mark.parametrize(("live", "can", "why"), FIXED.values(), ids=FIXED)
def test_delete_on_termination_as_it_is_needs_no_change(
    live: Live, can: Capabilities, why: str
) -> None:
    made = planned(live, of_server("a", listed("v", flag=False)), can=can)
    assert made.in_line, why
    assert planned(live, of_server("a", "v"), can=can).in_line, why


@pytest.mark.parametrize(
    ("now", "asked", "found"),
    [
        (False, True, ["update a/v delete_on_termination false->true"]),
        (True, False, ["update a/v delete_on_termination true->false"]),
        (None, True, ["update a/v delete_on_termination unknown->true"]),
        (True, True, []),
        (True, None, []),
    ],
    ids=["is set", "is taken back", "is set where nobody tells it", "is so", "is left open"],
)
def test_delete_on_termination_of_what_stays(
    *, now: bool | None, asked: bool | None, found: list[str]
) -> None:
    live = world(["a"], ["v"], [on("a/v", flag=now)])
    assert lines(planned(live, of_server("a", listed("v", flag=asked)))) == found


@pytest.mark.parametrize(
    ("asked", "more"),
    [(True, " delete_on_termination false->true"), (False, ""), (None, "")],
    ids=["written true it follows", "written false it is so", "unwritten it is left"],
)
def test_delete_on_termination_of_what_arrives(*, asked: bool | None, more: str) -> None:
    entry = of_server("b", listed("v", flag=asked))
    assert lines(planned(world(["b"], ["v"]), entry)) == [f"attach b/v{more}"]
    live = world(["a", "b"], ["v"], ["a/v"])
    assert lines(planned(live, of_server("a"), entry)) == [f"move b/v from a{more}"]


def test_an_entry_from_the_volume_asks_for_the_flag_as_well() -> None:
    made = planned(KEPT, of_volume("v", listed("a", flag=True)))
    assert lines(made) == ["update a/v delete_on_termination false->true"]
    assert codes(made) == []
