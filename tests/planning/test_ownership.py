"""An entry owns its row: what that takes away, and everything that it must not touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from reconciler.model.attachment import AttachmentKey
from reconciler.model.declared import Unmanaged
from reconciler.model.plan import Circumstances
from reconciler.model.record import NamedAttachment
from tests.planning.building import (
    SCOPE,
    STORAGE,
    codes,
    key,
    lines,
    listed,
    of_server,
    of_volume,
    on,
    paths,
    planned,
    shared,
    volume,
    world,
)

if TYPE_CHECKING:
    from reconciler.model.declared import Entry

TWO = world(["web-1", "web-2"], ["disk-1", "disk-2"], ["web-1/disk-1", "web-2/disk-2"])
SHARED = world(["a", "b", "c"], [shared("pool-1")], ["a/pool-1", "b/pool-1"])


def _row(server: str, volume: str) -> NamedAttachment:
    return NamedAttachment(
        server_id=f"id-{server}", volume_id=f"id-{volume}", server=server, volume=volume
    )


def test_a_server_entry_decides_every_attachment_of_its_server_and_no_other() -> None:
    assert lines(planned(TWO, of_server("web-1"))) == ["detach web-1/disk-1"]


def test_a_volume_entry_decides_every_server_of_its_volume_and_no_other() -> None:
    made = planned(SHARED, of_volume("pool-1", "b", "c"))
    assert lines(made) == ["detach a/pool-1", "attach c/pool-1"]


def test_a_name_in_a_list_owns_nothing() -> None:
    made = planned(SHARED, of_server("c", "pool-1"))
    assert lines(made) == ["attach c/pool-1"], "a and b have no entry: they keep it"
    assert made.unmanaged == (_row("a", "pool-1"), _row("b", "pool-1"))


def test_a_name_under_absent_owns_nothing_but_its_own_line() -> None:
    made = planned(SHARED, of_server("a", absent=["pool-1"], keep=True))
    assert lines(made) == ["detach a/pool-1"]


@pytest.mark.parametrize("told", [Unmanaged.REPORT, Unmanaged.IGNORE])
def test_unmanaged_attachments(told: Unmanaged) -> None:
    made = planned(TWO, of_server("web-1", "disk-1"), circumstances=Circumstances(unmanaged=told))
    assert made.unmanaged == ((_row("web-2", "disk-2"),) if told is Unmanaged.REPORT else ())
    assert made.in_line


def test_a_boot_volume_is_never_owned() -> None:
    live = world(["web-1"], ["system"], [on("web-1/system", boot=True)])
    for entry in (of_server("web-1"), of_server("web-1", keep=True)):
        made = planned(live, entry)
        assert (made.changes, made.unmanaged, made.findings) == ((), (), ())


def test_an_entry_of_a_boot_volume_is_refused_in_words() -> None:
    live = world(["web-1"], ["system"], [on("web-1/system", boot=True)])
    made = planned(live, of_volume("system"))
    assert (made.changes, codes(made), made.in_line) == ((), ["boot-volume"], False)


def test_a_volume_that_says_that_it_boots_is_never_owned_in_any_view() -> None:
    system = structs.replace(volume("system"), boot=True)
    for seen in (on("web-1/system"), on("web-1/system", STORAGE)):
        made = planned(world(["web-1"], [system], [seen]), of_server("web-1"))
        assert (made.changes, made.unmanaged) == ((), ())


def test_others_keep_shows_and_never_detaches() -> None:
    made = planned(TWO, of_server("web-1", keep=True))
    assert (made.changes, made.findings) == ((), ())
    assert _row("web-1", "disk-1") in made.unmanaged


def test_others_keep_of_a_server_wins_over_the_row_of_a_volume() -> None:
    made = planned(SHARED, of_server("a", keep=True), of_volume("pool-1", "c"))
    assert lines(made) == ["detach b/pool-1", "attach c/pool-1"]


def test_others_keep_has_what_it_lists_attached() -> None:
    made = planned(TWO, of_server("web-1", "disk-2", keep=True), of_server("web-2"))
    assert lines(made) == ["move web-1/disk-2 from web-2"]


def test_a_move_is_one_change_when_the_source_has_an_entry() -> None:
    made = planned(TWO, of_server("web-1", "disk-1", "disk-2"), of_server("web-2"))
    assert lines(made) == ["move web-1/disk-2 from web-2"]
    (move,) = made.changes
    assert (move.source, move.leaves, move.arrives) == (
        key("web-2", "disk-2"),
        key("web-2", "disk-2"),
        key("web-1", "disk-2"),
    )


def test_a_move_is_one_change_when_the_volume_has_an_entry() -> None:
    assert lines(planned(TWO, of_volume("disk-2", "web-1"))) == ["move web-1/disk-2 from web-2"]


def test_a_move_out_of_what_nobody_owns_is_refused_naming_the_entry_to_add() -> None:
    made = planned(TWO, of_server("web-1", "disk-1", "disk-2"))
    assert lines(made) == ["attach web-1/disk-2 refused: held-by-unmanaged"]
    assert made.findings[0].hint == (
        "add an entry `web-2` under `servers:`, or `disk-2` under `volumes:`, to move it"
    )


@pytest.mark.parametrize(
    ("entries", "place"),
    [
        ((of_server("web-1", "disk-1", "disk-2"), of_server("web-2", keep=True)), "servers.web-2"),
        (
            (of_server("web-1", "disk-1", "disk-2"), of_volume("disk-2", keep=True)),
            "volumes.disk-2",
        ),
        ((of_volume("disk-2", "web-1"), of_server("web-2", keep=True)), "servers.web-2"),
    ],
    ids=[
        "the source keeps others",
        "the volume keeps others",
        "the source keeps others and the volume's own row wants it away",
    ],
)
def test_a_move_out_of_what_is_kept_is_refused_naming_both_places(
    entries: tuple[Entry, ...], place: str
) -> None:
    made = planned(TWO, *entries)
    assert lines(made) == ["attach web-1/disk-2 refused: held-by-kept"]
    (refusal,) = made.changes[0].refusals
    assert paths(*refusal.also) == [place]
    assert refusal.place is not None


def test_what_is_kept_leaves_when_it_is_listed_under_absent() -> None:
    keeping = of_server("web-2", absent=["disk-2"], keep=True)
    made = planned(TWO, of_server("web-1", "disk-1", "disk-2"), keeping)
    assert lines(made) == ["move web-1/disk-2 from web-2"]


@pytest.mark.parametrize("owner", ["server", "volume"])
def test_a_volume_on_a_server_out_of_sight_is_never_taken(owner: str) -> None:
    live = world(["web-1"], ["disk-1"], [on("away/disk-1", STORAGE)])
    entry = of_server("web-1", "disk-1") if owner == "server" else of_volume("disk-1", "web-1")
    made = planned(live, entry)
    assert lines(made) == ["attach web-1/disk-1 refused: held-by-foreign"]
    assert codes(made) == ["foreign", "held-by-foreign"]


def test_a_shareable_volume_held_by_others_is_attached_beside_them() -> None:
    live = world(["a", "b"], [shared("pool-1")], ["a/pool-1", on("away/pool-1", STORAGE)])
    assert lines(planned(live, of_server("b", "pool-1"))) == ["attach b/pool-1"]


def test_what_the_last_apply_owned_and_nobody_names_now_is_released() -> None:
    rows = frozenset({_row("web-1", "disk-1"), _row("web-2", "disk-2"), _row("web-1", "gone")})
    made = planned(TWO, of_server("web-2", "disk-2"), circumstances=Circumstances(applied=rows))
    assert made.released == (_row("web-1", "disk-1"),), "still there, and nobody's"
    assert (made.changes, made.in_line) == ((), False)


def test_what_a_row_still_owns_or_keeps_is_not_released() -> None:
    rows = frozenset({_row("web-1", "disk-1"), _row("web-2", "disk-2")})
    made = planned(
        TWO,
        of_server("web-1"),
        of_server("web-2", keep=True),
        circumstances=Circumstances(applied=rows),
    )
    assert made.released == ()
    assert lines(made) == ["detach web-1/disk-1"]


def test_a_device_is_asked_for_when_attaching_and_never_a_reason_to_change() -> None:
    live = world(["web-1"], ["disk-1"], [on("web-1/disk-1", device="/dev/vdb")])
    made = planned(live, of_server("web-1", listed("disk-1", "/dev/vdc")))
    assert made.changes == ()
    assert codes(made) == ["device-differs"]
    assert "`/dev/vdb`" in made.findings[0].summary
    assert "`/dev/vdc`" in made.findings[0].summary
    assert made.in_line, "a difference of the device is told and leaves nothing to do"


def test_a_device_that_no_view_tells_differs_from_nothing() -> None:
    live = world(["web-1"], ["disk-1"], ["web-1/disk-1"])
    made = planned(live, of_server("web-1", listed("disk-1", "/dev/vdc")))
    assert (made.changes, made.findings) == ((), ())


def test_keys_bear_the_scope_they_were_planned_in() -> None:
    made = planned(TWO, of_server("web-1"))
    assert made.changes[0].key == AttachmentKey(SCOPE, "id-web-1", "id-disk-1")
    assert made.scope == SCOPE
