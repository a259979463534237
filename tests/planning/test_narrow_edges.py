"""Edges that a review found: what narrows, holds or doubts must reach no further than it has to."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.attachment import Phase
from reconciler.model.live import ANY_BUS, VolumeStatus
from reconciler.model.plan import Circumstances
from reconciler.model.policy import Policy
from reconciler.planning.approval import approval
from tests.planning.building import (
    ECS,
    STORAGE,
    codes,
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
