"""Guards that weigh changes against each other, and what needs what: slots, servers, halves."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs

from reconciler.model.live import ANY_BUS, ServerStatus, ServerWord, Words
from reconciler.model.plan import Circumstances
from reconciler.planning.doubts import in_doubt_about_slots, with_words
from tests.planning.building import (
    ECS,
    STORAGE,
    codes,
    grounded,
    key,
    lines,
    of_server,
    of_volume,
    on,
    planned,
    server,
    shared,
    volume,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.declared import Entry
    from reconciler.model.live import Live, Server, Volume


def _with(name: str, **free: int) -> Server:
    """Give a server with free slots: `any` for all together, otherwise by bus."""
    slots = {ANY_BUS if bus == "any" else bus: count for bus, count in free.items()}
    return replace(server(name), free_slots=slots)


def _bus(name: str, bus: str) -> Volume:
    return structs.replace(volume(name), bus=bus)


def _needs(live: Live, *entries: Entry) -> Mapping[str, list[str]]:
    """Give what each arrival needs gone first, by `SERVER/VOLUME`."""
    made = planned(live, *entries)
    assert made.permitted == made.changes, lines(made)
    return {
        f"{change.name.server}/{change.name.volume}": [
            f"{need.server_id}/{need.volume_id}".replace("id-", "") for need in change.needs
        ]
        for change in made.changes
        if change.arrives is not None
    }


def test_as_many_volumes_arrive_as_there_are_free_slots() -> None:
    live = world([_with("a", any=2)], ["u", "v", "w"])
    assert lines(planned(live, of_server("a", "u", "v"))) == ["attach a/u", "attach a/v"]


def test_one_volume_more_than_free_slots_is_refused_with_the_numbers() -> None:
    made = planned(world([_with("a", any=2)], ["u", "v", "w"]), of_server("a", "u", "v", "w"))
    assert lines(made) == ["attach a/u", "attach a/v", "attach a/w refused: no-free-slot"]
    assert made.findings[0].summary == (
        "3 volumes shall come to `a`, which has 2 free slots and 0 more after its detaches"
    )


def test_a_slot_that_a_detach_frees_is_taken_after_it() -> None:
    live = world([_with("a", any=0)], ["u", "v"], ["a/u"])
    assert _needs(live, of_server("a", "v")) == {"a/v": ["a/u"]}


def test_a_free_slot_is_taken_at_once_and_only_the_rest_waits() -> None:
    live = world([_with("a", any=1)], ["u", "v", "w"], ["a/u"])
    assert _needs(live, of_server("a", "v", "w")) == {"a/v": [], "a/w": ["a/u"]}


def test_two_full_servers_swap_their_volumes() -> None:
    live = world([_with("a", any=0), _with("b", any=0)], ["v", "w"], ["a/v", "b/w"])
    assert _needs(live, of_server("a", "w"), of_server("b", "v")) == {
        "a/w": ["a/v", "b/w"],
        "b/v": ["a/v", "b/w"],
    }


def test_three_full_servers_pass_their_volumes_round() -> None:
    names = ("a", "b", "c")
    live = world([_with(n, any=0) for n in names], ["u", "v", "w"], ["a/u", "b/v", "c/w"])
    made = planned(live, of_server("a", "w"), of_server("b", "u"), of_server("c", "v"))
    assert lines(made) == ["move a/w from c", "move b/u from a", "move c/v from b"]


def test_a_refused_detach_frees_nothing() -> None:
    live = world([_with("a", any=0)], ["u", "v"], [on("a/u", STORAGE)])
    made = planned(live, of_server("a", "v"))
    assert lines(made) == ["detach a/u refused: storage-only", "attach a/v refused: no-free-slot"]


def test_refusing_one_move_refuses_the_next_that_counted_on_it() -> None:
    live = world(
        [_with("a", any=0), _with("b", any=0), replace(server("c"), zone="east")],
        ["u", structs.replace(volume("v"), zone="west"), "w"],
        ["a/u", "b/v"],
    )
    made = planned(live, of_server("a", "w"), of_server("b", "u"), of_server("c", "v"))
    assert lines(made) == [
        "attach a/w refused: no-free-slot",
        "move b/u from a refused: no-free-slot",
        "move c/v from b refused: other-zone",
    ]


def test_each_bus_has_its_own_slots() -> None:
    disks = [_bus("u", "scsi"), _bus("v", "scsi"), _bus("w", "virtio")]
    live = world([_with("a", any=9, scsi=1, virtio=1)], disks)
    made = planned(live, of_server("a", "u", "v", "w"))
    assert lines(made) == ["attach a/u", "attach a/v refused: no-free-slot", "attach a/w"]
    assert "1 free scsi slot and" in made.findings[0].summary


def test_a_detach_frees_the_slot_of_its_own_bus() -> None:
    disks = [_bus("old-scsi", "scsi"), _bus("old-virtio", "virtio"), _bus("v", "scsi")]
    free = _with("a", any=9, scsi=0, virtio=0)
    other = world([free], disks, ["a/old-virtio"])
    assert codes(planned(other, of_server("a", "v"))) == ["no-free-slot"]
    same = world([free], disks, ["a/old-scsi"])
    assert _needs(same, of_server("a", "v")) == {"a/v": ["a/old-scsi"]}


def test_slots_are_asked_for_only_where_they_may_be_short() -> None:
    can = replace(ECS, sure_slots=2)
    live = world(["a", "b"], ["s", "t", "u", "v"], ["a/s", "b/t"])
    entries = of_server("a", "s", "u", "v"), of_server("b", "t")
    assert in_doubt_about_slots(grounded(live, *entries, can=can)) == ("id-a",)
    fits = of_server("a", "s", "u"), of_server("b", "t")
    assert in_doubt_about_slots(grounded(live, *fits, can=can)) == ()
    free = {"id-a": ServerWord(free_slots={ANY_BUS: 1}), "id-gone": ServerWord(free_slots={})}
    told = with_words(live, Words(servers=free))
    assert told.servers["id-a"].free_slots == {ANY_BUS: 1}
    assert told.servers["id-b"] == live.servers["id-b"]


def test_without_a_count_of_slots_arrivals_wait_above_what_is_sure() -> None:
    can = replace(ECS, sure_slots=2, batch={})
    live = world(["a"], ["s", "t", "u"], ["a/s", "a/t"])
    (_, change) = planned(live, of_server("a", "t", "u"), can=can).changes
    assert change.needs == (key("a", "s"),)
    (_, change) = planned(live, of_server("a", "t", "u"), can=replace(can, sure_slots=3)).changes
    assert change.needs == ()


LIMITED = replace(ECS, max_servers_per_volume=2)


def _share(attached: list[str], *wanted: str) -> list[str]:
    live = world(["a", "b", "c", "d"], [shared("v")], [f"{name}/v" for name in attached])
    return lines(planned(live, of_volume("v", *wanted), can=LIMITED))


def test_a_volume_is_on_as_many_servers_as_the_cloud_takes() -> None:
    assert _share(["a"], "a", "b") == ["attach b/v"]
    assert _share([], "a", "b") == ["attach a/v", "attach b/v"]


def test_one_server_more_than_the_cloud_takes_is_refused() -> None:
    assert _share(["a"], "a", "b", "c") == ["attach b/v", "attach c/v refused: too-many-servers"]


def test_servers_of_a_volume_are_exchanged_at_the_limit() -> None:
    assert _share(["a", "b"], "a", "c") == ["detach b/v", "attach c/v"]
    live = world(["a", "b", "c"], [shared("v")], ["a/v", "b/v"])
    made = planned(live, of_volume("v", "a", "c"), can=LIMITED)
    assert made.changes[1].needs == (key("b", "v"),)


def test_below_the_limit_a_shared_volume_waits_for_nothing() -> None:
    live = world(["a", "b", "c"], [shared("v")], ["a/v", "b/v"])
    (_, change) = planned(live, of_volume("v", "a", "c")).changes
    assert change.needs == ()


def test_servers_out_of_sight_count_at_the_limit() -> None:
    live = world(["a"], [shared("v")], [on("x/v", STORAGE), on("y/v", STORAGE)])
    made = planned(live, of_server("a", "v"), can=LIMITED)
    assert "too-many-servers" in codes(made)
    assert made.permitted == ()


def test_an_attach_whose_slot_is_not_selected_needs_what_was_excluded() -> None:
    live = world([_with("a", any=0)], ["u", "v"], ["a/u"])
    made = planned(live, of_server("a", "v"), circumstances=Circumstances(excludes=("a/u",)))
    assert lines(made) == ["attach a/v refused: needs-excluded"]
    assert made.unselected == 1


TWICE = world(["a", "b", "c"], ["v"], ["a/v", "b/v"])
"""What must not be and may be seen: a volume that can't be shared, on two servers."""


def test_an_attach_waits_until_every_server_let_go() -> None:
    assert _needs(TWICE, of_volume("v", "c")) == {"c/v": ["a/v", "b/v"]}


def test_an_attach_whose_detach_is_refused_is_refused() -> None:
    rebooting = replace(server("b"), status=ServerStatus.MOVING)
    live = world(["a", rebooting, "c"], ["v"], ["a/v", "b/v"])
    made = planned(live, of_volume("v", "c"))
    assert lines(made) == [
        "detach a/v",
        "detach b/v in motion: server-status",
        "attach c/v refused: needs-refused",
    ]


def test_an_attach_whose_detach_is_excluded_is_refused() -> None:
    made = planned(TWICE, of_volume("v", "c"), circumstances=Circumstances(excludes=("b/v",)))
    assert lines(made) == ["detach a/v", "attach c/v refused: needs-excluded"]
