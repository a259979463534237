"""What is looked at once more, and how a look is merged into a listing."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.attachment import Phase
from reconciler.model.live import ServerWord, VolumeStatus, Words
from reconciler.planning.doubts import changing, disagreeing, merged, moving, with_words
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


def test_what_would_change_is_asked_of_those_who_know() -> None:
    live = world(["a", "b"], ["u", "v", "w"], ["a/u", "b/w"])
    entries = of_server("a", "v"), of_server("b", "w")
    assert changing(grounded(live, *entries)) == {key("a", "u"), key("a", "v")}


def test_the_own_word_beats_a_listing_that_is_behind_in_both_views() -> None:
    stale = world(["a", "b"], ["u", "v"], ["a/u"])
    words = Words(
        servers={"id-a": ServerWord(volume_ids=frozenset({"id-v", "id-boot"}))},
        volumes={"id-u": frozenset(), "id-v": frozenset({"id-a"})},
    )
    found = with_words(stale, words)
    assert found.observed == {
        key("a", "v"): on("a/v", flag=None),
        key("a", "boot"): on("a/boot", COMPUTE, flag=None),
    }


def test_one_who_knows_and_one_who_does_not_disagree() -> None:
    stale = world(["a", "b"], ["v"])
    found = with_words(stale, Words(volumes={"id-v": frozenset({"id-b"})}))
    assert found.observed == {key("b", "v"): on("b/v", STORAGE, flag=None)}


def test_what_moves_is_left_as_it_was_listed() -> None:
    moving_now = world(["a"], [volume("v", status=VolumeStatus.MOVING)], ["a/v"])
    found = with_words(moving_now, Words(servers={"id-a": ServerWord(volume_ids=frozenset())}))
    assert found.observed == moving_now.observed
