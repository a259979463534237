"""Edges that a review found: what narrows, holds or doubts must reach no further than it has to."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from reconciler.model.attachment import Phase
from reconciler.model.declared import Side
from reconciler.model.live import ANY_BUS, VolumeStatus
from reconciler.model.memory import Memory, Remembers
from reconciler.model.plan import Circumstances, Standing
from reconciler.model.policy import Policy
from reconciler.model.record import NamedAttachment
from reconciler.planning.approval import approval
from reconciler.planning.doubts import disagreeing, moving
from tests.planning.building import (
    ECS,
    GENEROUS,
    STORAGE,
    codes,
    grounded,
    key,
    lines,
    listed,
    of_server,
    of_volume,
    on,
    planned,
    server,
    shared,
    volume,
    world,
)

TIGHT = Policy(max_detach=1, max_detach_share=1.0, max_detach_per_server=10)


def test_an_acknowledgement_reaches_what_is_left_of_the_approved_plan() -> None:
    before = world(["a"], ["u", "v", "w"], ["a/u", "a/v", "a/w"])
    entry = of_server("a")
    said = Circumstances(ack_detach=3)
    approved = approval(planned(before, entry, policy=TIGHT, circumstances=said).changes)
    assert len(approved) == 3
    # Meanwhile one of the three is gone: two are still more than the limit.
    now = world(["a"], ["u", "v", "w"], ["a/v", "a/w"])
    left = planned(now, entry, policy=TIGHT, circumstances=replace(said, approved=approved))
    assert (lines(left), left.already) == (["detach a/v", "detach a/w"], 1)


def test_an_acknowledgement_of_another_number_reaches_nothing() -> None:
    live = world(["a"], ["u", "v", "w"], ["a/u", "a/v", "a/w"])
    approved = approval(planned(live, of_server("a")).changes)
    said = Circumstances(ack_detach=2, approved=approved)
    assert planned(live, of_server("a"), policy=TIGHT, circumstances=said).refused


def test_an_approved_attach_that_is_still_attaching_is_not_so_already() -> None:
    entry = of_server("a", "v")
    approved = approval(planned(world(["a"], ["v"]), entry).changes)
    moving = volume("v", status=VolumeStatus.MOVING)
    live = world(["a"], [moving], [on("a/v", STORAGE, phase=Phase.ATTACHING)])
    made = planned(live, entry, circumstances=Circumstances(approved=approved))
    assert made.already == 0
    assert not made.in_line


def test_a_misspelt_server_of_a_volume_is_no_contradiction_with_its_entry() -> None:
    live = world(["a", "b"], [shared("v"), "w"], ["a/v"])
    made = planned(live, of_server("a", "v"), of_server("b", "w"), of_volume("v", "aa"))
    assert not made.refused
    assert codes(made) == ["server-not-found"]
    assert lines(made) == ["attach b/w"]


def test_a_shared_volume_with_a_stale_record_is_attached_nowhere_else() -> None:
    live = world(["a", "b"], [shared("v")], [on("a/v", STORAGE)])
    assert codes(planned(live, of_server("b", "v"))) == ["storage-only"]


def test_what_is_refused_for_a_slot_does_not_refuse_others_for_the_volume() -> None:
    # `v` may be on two servers and is on one; of the two that want it, `b` has no slot.
    full = replace(server("b"), free_slots={ANY_BUS: 0})
    two = replace(ECS, max_servers_per_volume=2)
    live = world(["a", full, "c"], [shared("v")], ["a/v"])
    entries = (of_server("b", "v"), of_server("c", "v"))
    made = planned(live, *entries, can=two)
    assert lines(made) == ["attach b/v refused: no-free-slot", "attach c/v"]


def _was(server_id: str, volume_id: str, where: str, what: str) -> NamedAttachment:
    return NamedAttachment(server_id=server_id, volume_id=volume_id, server=where, volume=what)


def test_a_name_that_means_another_server_now_detaches_nothing_unacknowledged() -> None:
    # At the last apply `a` was another machine; its name went on to one with a disk of its own.
    before = frozenset({_was("id-old", "id-v", "a", "v")})
    live = world(["a", server("gone", "id-old")], ["v", "w"], ["a/w"])
    plain = Circumstances(applied=before)
    made = planned(live, of_server("a", "v"), circumstances=plain)
    assert [finding.code for finding in made.refusals] == ["name-rebound"]
    assert not made.permitted
    said = planned(live, of_server("a", "v"), circumstances=replace(plain, ack_detach=1))
    assert lines(said) == ["attach a/v", "detach a/w"]
    # By id there is nothing to be mistaken about, and an attach takes nothing away.
    assert not planned(live, of_server("id-a", "v"), circumstances=plain).refused
    assert not planned(live, of_server("a", "v", "w"), circumstances=plain).refused


def test_a_volume_moves_by_no_name_that_meant_another_one_unacknowledged() -> None:
    # `a` had a volume `v` that is gone; one of that name was put on `b`, whose row doesn't list it.
    live = world(["a", "b"], ["v"], ["b/v"])
    rows = (of_server("a", "v"), of_server("b"))
    for was in (_was("id-a", "id-old", "a", "v"), _was("id-old", "id-u", "a", "u")):
        about = Circumstances(applied=frozenset({was}))
        made = planned(live, *rows, circumstances=about)
        assert [finding.code for finding in made.refusals] == ["name-rebound"]
        assert lines(planned(live, *rows, circumstances=replace(about, ack_detach=1))) == [
            "move a/v from b"
        ]
    same = Circumstances(applied=frozenset({_was("id-a", "id-v", "a", "v")}))
    assert not planned(live, *rows, circumstances=same).refused


def test_a_name_that_meant_a_server_with_nothing_on_it_is_remembered_as_well() -> None:
    live = world(["a", "b"], ["v", "w"], ["a/w", "b/v"])
    memory = Memory(
        of=Remembers.JOURNAL, policy=GENEROUS, bare=frozenset({(Side.SERVER, "a", "id-old")})
    )
    applied = frozenset({_was("id-b", "id-v", "b", "v")})
    about = Circumstances(applied=applied, memories=(memory,))
    rows = (of_server("a"), of_server("b", "v"))
    made = planned(live, *rows, circumstances=about)
    assert [finding.code for finding in made.refusals] == ["name-rebound"]
    said = planned(live, *rows, circumstances=replace(about, ack_detach=1))
    assert lines(said) == ["detach a/w"]
    same = replace(memory, bare=frozenset({(Side.SERVER, "a", "id-a")}))
    assert not planned(live, *rows, circumstances=replace(about, memories=(same,))).refused


def test_a_name_that_means_another_volume_now_needs_the_acknowledgement_too() -> None:
    before = frozenset({_was("id-a", "id-old", "a", "v")})
    live = world(["a"], ["v", "w"], ["a/w"])
    made = planned(live, of_server("a", "v"), circumstances=Circumstances(applied=before))
    assert [finding.code for finding in made.refusals] == ["name-rebound"]


def test_a_lost_server_row_is_looked_at_by_id() -> None:
    live = world(["a"], [shared("v")], ["a/v", on("b/v", STORAGE)])
    assert disagreeing(grounded(live, of_volume("v", "a"))) == (key("b", "v"),)
    # Nobody here decides about `v`: it may belong to anybody.
    assert disagreeing(grounded(live, of_server("a", "v", keep=True))) == (key("b", "v"),)
    assert disagreeing(grounded(live, of_server("a"))) == ()


def test_a_scope_in_a_glob_stands_before_the_first_slash() -> None:
    live = world(["a"], ["pvc:one", "two"], ["a/pvc:one", "a/two"])
    for text in ("a/pvc:one", "shop:a/pvc:one", "*:*/pvc:*"):
        made = planned(live, of_server("a"), circumstances=Circumstances(excludes=(text,)))
        assert (lines(made), [*made.read_as]) == (["detach a/two"], [text])


def test_a_glob_that_matches_nothing_is_told() -> None:
    live = world(["a"], ["v"], ["a/v"])
    chosen = Circumstances(targets=("a/v", "a/vv"), excludes=("other:a/v", "b"))
    assert [*planned(live, of_server("a"), circumstances=chosen).read_as] == ["a/v"]


def test_an_approved_device_is_part_of_the_approval() -> None:
    live = world(["a"], ["v"])
    approved = approval(planned(live, of_server("a", listed("v", "/dev/vdb"))).changes)
    chosen = Circumstances(approved=approved)
    made = planned(live, of_server("a", listed("v", "/dev/vdq")), circumstances=chosen)
    assert lines(made) == ["attach a/v refused: stale"]
    assert "/dev/vdb" in made.findings[0].summary


def test_what_an_earlier_call_may_still_change_is_left_in_motion() -> None:
    live = world(["a", "b"], ["v"], ["a/v"])
    unsettled = Circumstances(unsettled=frozenset({key("a", "v")}))
    made = planned(live, of_server("a"), of_server("b", "v"), circumstances=unsettled)
    assert {change.standing for change in made.changes} == {Standing.IN_MOTION}
    # It was followed to the end of its time: a plan waits for it no second time.
    on_it = grounded(live, of_server("a"), of_server("b", "v"), circumstances=unsettled)
    assert moving(on_it) == ()


def test_a_misspelt_volume_keeps_the_place_that_it_was_to_be_moved_from() -> None:
    live = world(["a", "b"], ["cache-1", "v"], ["b/cache-1", "b/v"])
    made = planned(live, of_server("a", "cahce-1"), of_server("b"))
    assert lines(made) == ["detach b/cache-1 refused: entry-refused", "detach b/v"]


def test_a_name_that_two_volumes_bear_keeps_both_where_they_are() -> None:
    twins = [volume("v", "id-1"), volume("v", "id-2")]
    there = [
        structs.replace(on("b/x"), key=key("b", "x")._replace(volume_id=f"id-{n}")) for n in (1, 2)
    ]
    made = planned(world(["a", "b"], twins, there), of_server("a", "v"), of_server("b"))
    assert not made.permitted
    assert "ambiguous-name" in codes(made)


def test_a_volume_whose_entry_names_two_or_none_leaves_no_server() -> None:
    there = ["db/log", "db/data"]
    twins = (volume("data", "id-data"), volume("data", "id-other"))
    for live, owner in (
        (world(["db"], ["log", *twins], there), "data"),
        (world(["db"], ["log", "data"], there), "dtaa"),
    ):
        made = planned(live, of_server("db", "log"), of_volume(owner, "db"))
        assert lines(made) == ["detach db/data refused: entry-refused"]
    # Whose own entry names it is clear.
    made = planned(live, of_server("db", "log"), of_volume("dtaa", "db"), of_volume("data"))
    assert lines(made) == ["detach db/data"]
