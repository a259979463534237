"""What is looked at once more, and how a look is merged into a listing."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.attachment import Phase
from reconciler.model.live import VolumeStatus
from reconciler.planning.doubts import disagreeing, merged, moving
from tests.planning.building import (
    COMPUTE,
    STORAGE,
    grounded,
    key,
    of_server,
    on,
    server,
    volume,
    world,
)


def test_where_views_disagree_is_looked_at_and_what_is_foreign_is_not() -> None:
    seen = [on("a/u", COMPUTE), on("b/v", STORAGE), on("away/x", STORAGE)]
    live = world(["a", "b"], ["u", "v", "w", "x"], [*seen, "a/w"])
    assert disagreeing(grounded(live)) == (key("a", "u"), key("b", "v"))


def test_motion_is_waited_for_where_it_is_owned() -> None:
    seen = [on("b/v", phase=Phase.DETACHING), on("c/w", phase=Phase.ATTACHING)]
    live = world(["a", "b", "c"], [volume("u", status=VolumeStatus.MOVING), "v", "w"], seen)
    entries = of_server("a", "u"), of_server("b"), of_server("c", keep=True)
    assert moving(grounded(live, *entries)) == (key("a", "u"), key("b", "v"))


LIVE = world(["a", "b"], ["u", "v"], [on("a/u", COMPUTE), "b/v"])
ASKED = [key("a", "u")]


def test_a_look_replaces_what_was_asked_for_and_nothing_else() -> None:
    busy = volume("u", status=VolumeStatus.BUSY)
    look = world([server("a"), replace(server("b"), zone="z")], [busy, "v"], ["a/u"])
    found = merged(LIVE, look, ASKED)
    assert found.observed[key("a", "u")] == on("a/u")
    assert found.volumes["id-u"] == busy
    assert found.servers["id-b"] == LIVE.servers["id-b"], "b wasn't asked for"
    assert found.observed[key("b", "v")] == LIVE.observed[key("b", "v")]


def test_what_a_look_does_not_find_is_gone() -> None:
    found = merged(LIVE, world(), ASKED)
    assert set(found.observed) == {key("b", "v")}
    assert (set(found.servers), set(found.volumes)) == ({"id-b"}, {"id-v"})


def test_a_look_that_is_incomplete_makes_the_picture_incomplete() -> None:
    look = replace(world(["a"], ["u"]), complete=False, notices=("a row was missing",))
    found = merged(LIVE, look, ASKED)
    assert (found.complete, found.notices) == (False, ("a row was missing",))
    assert merged(replace(LIVE, complete=False), world(), ASKED).complete is False
