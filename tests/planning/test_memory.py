"""What manifests said before holds a plan back as well: nothing disarms its own refusal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from reconciler.model.declared import Side
from reconciler.model.finding import Severity
from reconciler.model.memory import Memory, Protected, Remembers
from reconciler.model.plan import Circumstances
from reconciler.model.policy import Policy, WhenRunning, Window
from reconciler.model.record import NamedAttachment
from reconciler.planning.remembering import looser
from tests.planning.building import (
    ECS,
    GENEROUS,
    codes,
    lines,
    of_server,
    of_volume,
    planned,
    shared,
    world,
)

if TYPE_CHECKING:
    from reconciler.model.declared import Entry
    from reconciler.model.plan import Plan

LIVE = world(["a", "b"], ["v", "w"], ["a/v", "a/w"])
NIGHT = Window(allows=True, cron="0 22 * * *", duration_s=3600.0, timezone="UTC")
FROZEN = Window(allows=False, cron="0 0 24 12 *", duration_s=3600.0, timezone="UTC")


def memory(
    *protected: Protected, policy: Policy = GENEROUS, of: Remembers = Remembers.JOURNAL
) -> Memory:
    """Give a memory of these protected rows."""
    return Memory(of=of, policy=policy, protected=frozenset(protected))


def row(side: Side, name: str, owner_id: str | None = None) -> Protected:
    """Give a protected row."""
    return Protected(side=side, name=name, owner_id=owner_id)


def remembering(*memories: Memory, needed: bool = False) -> Circumstances:
    """Give circumstances with these memories."""
    return Circumstances(memories=memories, needs_memory=needed)


def kept_safe(entry: Entry) -> Entry:
    """Give the entry with `protect: true`."""
    return structs.replace(entry, protects=True)


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([kept_safe(of_server("a", "v"))], ["detach a/w refused: protected"]),
        ([of_server("a", "v"), kept_safe(of_volume("w"))], ["detach a/w refused: protected"]),
        (
            [of_server("a", "v"), kept_safe(of_volume("w", "b"))],
            ["move b/w from a refused: protected"],
        ),
        (
            [kept_safe(of_server("a", "v")), of_server("b", "w")],
            ["move b/w from a refused: protected"],
        ),
        ([of_server("a", "v"), kept_safe(of_server("b", "w"))], ["move b/w from a"]),
        ([kept_safe(of_server("a", "v", "w"))], []),
    ],
    ids=[
        "nothing leaves a protected server",
        "a protected volume leaves no server",
        "a protected volume that is wanted elsewhere stays",
        "a volume stays on the protected server that it should move from",
        "what arrives at a protected server isn't held back",
        "what is as wanted needs no protection",
    ],
)
def test_protect_holds_back_what_leaves(entries: list[Entry], told: list[str]) -> None:
    assert lines(planned(LIVE, *entries)) == told


def test_the_refusal_shows_the_entry_that_protects() -> None:
    made = planned(LIVE, kept_safe(of_server("a", "v")))
    (finding,) = made.findings
    assert finding.summary == "`w` would leave `a`, and server `a` is protected by its entry"
    assert [place.text for place in finding.also] == ["servers.a"]
    (kept,) = made.protected
    assert (kept.side, kept.name, kept.owner_id) == (Side.SERVER, "a", "id-a")


@pytest.mark.parametrize(
    "remembered",
    [
        memory(row(Side.SERVER, "a", "id-a")),
        memory(row(Side.VOLUME, "another name now", "id-w")),
        memory(row(Side.SERVER, "a"), of=Remembers.GIT),
        memory(row(Side.VOLUME, "id-w"), of=Remembers.GIT),
        memory(row(Side.VOLUME, "ID-W"), of=Remembers.GIT),
    ],
    ids=[
        "its server, in the journal",
        "itself, renamed since",
        "its server, by the name of a commit",
        "itself, by the id of a commit",
        "itself, by the id in another case",
    ],
)
@pytest.mark.parametrize(
    ("entries", "action"),
    [
        ([of_server("a", "v")], "detach a/w"),
        ([of_server("a", "v"), of_server("b", "w")], "move b/w from a"),
        ([of_volume("w")], "detach a/w"),
    ],
    ids=["the flag was dropped", "and it is to move", "its entry was deleted, another one owns it"],
)
def test_what_was_protected_stays_so_in_this_plan(
    remembered: Memory, entries: list[Entry], action: str
) -> None:
    made = planned(LIVE, *entries, circumstances=remembering(remembered))
    assert lines(made) == [f"{action} refused: protected"]
    assert "was protected at the" in made.findings[0].summary
    kept = {(row.side, row.owner_id) for row in made.protected}
    assert kept & {(Side.SERVER, "id-a"), (Side.VOLUME, "id-w")}, "refused, it isn't forgotten"
    others = planned(LIVE, of_server("a", "v", "w"), circumstances=remembering(remembered))
    assert others.protected == (), "where nothing is refused, what is said now is remembered"


GIT_W = memory(row(Side.VOLUME, "old-w"), of=Remembers.GIT)
BOUND = NamedAttachment(server_id="id-a", volume_id="id-w", server="a", volume="old-w")
HEX = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("memories", "applied", "told", "says"),
    [
        ((GIT_W,), (BOUND,), "detach a/w refused: protected", "volume `w` was protected at"),
        (
            (GIT_W, memory(row(Side.VOLUME, "old-w", "id-w"))),
            (),
            "detach a/w refused: protected",
            "volume `w` was protected at",
        ),
        ((GIT_W,), (BOUND._replace(volume_id="id-v", volume="old-w"),), "detach a/w", ""),
        ((GIT_W,), (), "detach a/w refused: protected", "so `w` may be it, renamed"),
        (
            (memory(row(Side.SERVER, "gone"), of=Remembers.GIT),),
            (),
            "detach a/w refused: protected",
            "so `a` may be it, renamed",
        ),
        ((memory(row(Side.VOLUME, HEX), of=Remembers.GIT),), (), "detach a/w", ""),
        ((memory(row(Side.VOLUME, "old-w", "id-z")),), (), "detach a/w", ""),
    ],
    ids=[
        "renamed, and the last apply knows its id",
        "renamed, and protected at the last apply, too",
        "the name was another volume's",
        "a name that nothing is known by may be anybody's",
        "so may a server's",
        "an id that is gone is nobody's",
        "the journal knows ids, and needs no names",
    ],
)
def test_a_commits_protection_outlives_a_new_name(
    memories: tuple[Memory, ...], applied: tuple[NamedAttachment, ...], told: str, says: str
) -> None:
    circumstances = replace(remembering(*memories), applied=frozenset(applied))
    made = planned(LIVE, of_server("a", "v"), circumstances=circumstances)
    assert lines(made) == [told]
    refusals = [finding.summary for finding in made.findings if finding.code == "protected"]
    assert len(refusals) == bool(says)
    assert all(says in summary for summary in refusals)


def test_another_row_under_the_name_of_then_is_free() -> None:
    made = planned(
        LIVE,
        of_server("a", "v"),
        circumstances=remembering(memory(row(Side.SERVER, "a", "id-z"))),
    )
    assert lines(made) == ["detach a/w"]


def test_a_misspelt_entry_protects_what_it_may_have_meant() -> None:
    live = world(["web-1"], ["v"], ["web-1/v"])
    made = planned(live, kept_safe(of_server("web-l", "v")), of_volume("v"))
    assert [one for one in lines(made) if "protected" in one]


def test_shared_volumes_leave_all_but_the_protected_server() -> None:
    live = world(["a", "b"], [shared("v")], ["a/v", "b/v"])
    made = planned(live, of_volume("v"), kept_safe(of_server("a")))
    assert lines(made) == ["detach a/v refused: protected", "detach b/v"]


@pytest.mark.parametrize(
    ("entries", "memories", "first", "refused"),
    [
        ([of_server("a", "v")], (), False, True),
        ([of_server("a", "v")], (), True, False),
        ([of_server("a", "v")], (memory(),), False, False),
        ([of_server("a", "v"), of_server("b", "w")], (), False, True),
        ([of_server("a", "v", "w")], (), False, False),
        ([of_server("b")], (), False, False),
    ],
    ids=[
        "a detach without any memory",
        "a first apply on purpose",
        "a memory",
        "a move without any memory",
        "nothing to do needs none",
        "nothing that leaves needs none",
    ],
)
def test_nothing_is_taken_away_without_a_memory(
    entries: list[Entry], memories: tuple[Memory, ...], *, first: bool, refused: bool
) -> None:
    made = planned(LIVE, *entries, circumstances=remembering(*memories, needed=not first))
    assert codes(made) == (["no-memory"] if refused else [])
    assert made.refused is refused


def _loosened(before: Policy, now: Policy, ack: int | None = None) -> Plan:
    """Take four volumes from the server that has ten."""
    names = [f"v{i}" for i in range(10)]
    live = world(["a"], names, [f"a/{name}" for name in names])
    return planned(
        live,
        of_server("a", *names[4:]),
        policy=now,
        circumstances=replace(Circumstances(), memories=(memory(policy=before),), ack_detach=ack),
    )


TIGHT = replace(GENEROUS, max_detach=3)


@pytest.mark.parametrize(
    ("before", "now", "ack", "code"),
    [
        (TIGHT, GENEROUS, None, "limit-detach"),
        (TIGHT, GENEROUS, 3, "limit-detach"),
        (TIGHT, GENEROUS, 4, None),
        (replace(GENEROUS, max_detach_share=0.3), GENEROUS, None, "limit-detach"),
        (replace(GENEROUS, max_detach_per_server=3), GENEROUS, None, "limit-detach-per-server"),
        (replace(GENEROUS, max_detach_per_server=3), GENEROUS, 4, None),
        (GENEROUS, TIGHT, None, "limit-detach"),
        (GENEROUS, GENEROUS, None, None),
    ],
    ids=[
        "a raised count still asks",
        "for the exact number",
        "which lets it pass",
        "a raised share still asks",
        "a raised limit of a server still asks",
        "the exact number lets that pass too",
        "a lowered limit counts at once",
        "the same policy asks for nothing",
    ],
)
def test_a_limit_raised_in_the_same_change_still_asks(
    before: Policy, now: Policy, ack: int | None, code: str | None
) -> None:
    made = _loosened(before, now, ack)
    assert [finding.code for finding in made.refusals] == ([code] if code else [])
    if code and before is not GENEROUS:
        assert "by the policy at the last apply" in made.refusals[0].summary


def test_every_loosened_key_is_told_with_what_it_was_and_is() -> None:
    made = _loosened(replace(TIGHT, max_detach_share=0.3), GENEROUS, 4)
    assert {finding.summary for finding in made.findings} == {
        "`maxDetach` is looser than at the last apply: 3 -> 1000",
        "`maxDetachShare` is looser than at the last apply: 0.3 -> 1",
    }
    assert {finding.severity for finding in made.findings} == {Severity.WARNING}


@pytest.mark.parametrize(
    ("before", "now", "key"),
    [
        ({}, {"max_detach": 11}, "maxDetach"),
        ({}, {"max_detach": 9}, None),
        ({}, {"max_detach_per_server": 6}, "maxDetachPerServer"),
        ({}, {"allow_destroy": True}, "allowDestroy"),
        ({"allow_destroy": True}, {}, None),
        ({}, {"allow_status_reset": True}, "allowStatusReset"),
        ({"when_running": WhenRunning.REQUIRE}, {"when_running": WhenRunning.WARN}, "whenRunning"),
        ({"when_running": WhenRunning.REQUIRE}, {}, "whenRunning"),
        ({}, {"when_running": WhenRunning.IGNORE}, None),
        ({}, {"windows": (NIGHT,)}, None),
        ({"windows": (NIGHT,)}, {}, "windows"),
        ({"windows": (NIGHT,)}, {"windows": (NIGHT, FROZEN)}, None),
        ({"windows": (NIGHT, FROZEN)}, {"windows": (NIGHT,)}, "windows"),
        ({"windows": (NIGHT,)}, {"windows": (NIGHT, replace(NIGHT, cron="0 3 * * *"))}, "windows"),
    ],
)
def test_what_is_looser(before: dict[str, Any], now: dict[str, Any], key: str | None) -> None:
    found = looser(replace(Policy(), **before), replace(Policy(), **now), ECS)
    assert [name for name, _, _ in found] == ([key] if key else [])
