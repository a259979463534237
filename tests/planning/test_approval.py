"""An approval narrows a plan and never adds to it; what changed since is refused, and only that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.hook import Hook
from reconciler.model.live import ServerStatus, VolumeStatus
from reconciler.model.plan import Circumstances, Standing
from reconciler.model.policy import WhenRunning
from reconciler.planning.approval import approval
from tests.planning.building import (
    COMPUTE,
    GENEROUS,
    codes,
    key,
    line,
    lines,
    listed,
    of_server,
    on,
    planned,
    server,
    volume,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.declared import Entry
    from reconciler.model.live import Live
    from reconciler.model.plan import Approved, Plan
    from reconciler.model.policy import Policy

SERVERS = ("a", "b", "c")
LIVE = world(SERVERS, ["u", "v", "w"], ["a/u", "a/v"])
ENTRIES = (of_server("a"), of_server("b", "v"), of_server("c", "w"))
DETACH, MOVE, ATTACH = "detach a/u", "move b/v from a", "attach c/w"


def _approved(*keep: str) -> tuple[Approved, ...]:
    made = planned(LIVE, *ENTRIES)
    assert lines(made) == [DETACH, MOVE, ATTACH]
    return approval([change for change in made.changes if not keep or line(change) in keep])


def _again(live: Live, approved: tuple[Approved, ...], entries: Sequence[Entry] = ENTRIES) -> Plan:
    return planned(live, *entries, circumstances=Circumstances(approved=approved))


def test_an_approved_plan_on_the_same_facts_is_the_same_plan() -> None:
    assert _again(LIVE, _approved()) == planned(LIVE, *ENTRIES)


def test_what_nobody_approved_is_left_out() -> None:
    made = _again(LIVE, _approved(MOVE))
    assert (lines(made), made.unselected) == ([MOVE], 2)


def test_an_empty_approval_leaves_nothing() -> None:
    made = _again(LIVE, ())
    assert (lines(made), made.unselected, made.findings) == ([], 3, ())


def test_what_the_manifests_ask_for_since_is_not_added() -> None:
    entries = (of_server("a"), of_server("b", "v"), of_server("c"))
    first = approval(planned(LIVE, *entries).changes)
    made = _again(LIVE, first, ENTRIES)
    assert lines(made) == [DETACH, MOVE]


def test_an_approval_of_another_scope_says_nothing_here() -> None:
    elsewhere = tuple(replace(a, key=a.key._replace(scope="other")) for a in _approved())
    made = _again(LIVE, elsewhere)
    assert (lines(made), made.findings, made.already) == ([], (), 0)


def test_what_was_refused_is_not_approved() -> None:
    made = planned(world(SERVERS, ["v"], ["c/v"]), of_server("b", "v"))
    assert approval(made.changes) == ()


@dataclass(frozen=True)
class Stale:
    """A world that changed since the approval, the facts that are named, and what goes on."""

    id: str
    live: Live
    facts: str
    lines: tuple[str, ...]


STALE = (
    Stale(
        "the server of an attach is in another zone",
        world(["a", "b", replace(server("c"), zone="z")], ["u", "v", "w"], ["a/u", "a/v"]),
        "server zone was `None`, is `z`",
        (DETACH, MOVE, ATTACH + " refused: stale"),
    ),
    Stale(
        "the server that a move leaves is locked",
        world([replace(server("a"), locked=True), "b", "c"], ["u", "v", "w"], ["a/u", "a/v"]),
        "source locked was `False`, is `True`",
        (DETACH + " refused: stale", MOVE + " refused: stale", ATTACH),
    ),
    Stale(
        "one view stopped showing what is to leave",
        world(SERVERS, ["u", "v", "w"], [on("a/u", COMPUTE), "a/v"]),
        "volume servers was `['id-a:compute', 'id-a:storage']`, is `['id-a:compute']`",
        (DETACH + " refused: stale", MOVE, ATTACH),
    ),
)


@pytest.mark.parametrize("case", STALE, ids=lambda case: case.id)
def test_a_fact_that_changed_is_refused_by_name_and_only_that(case: Stale) -> None:
    made = _again(case.live, _approved())
    assert lines(made) == list(case.lines)
    told = "; ".join(f.summary for change in made.changes for f in change.refusals)
    assert case.facts in told
    assert not made.refused


def test_what_a_guard_refuses_now_says_the_guard_s_reason() -> None:
    moving = replace(server("c"), status=ServerStatus.MOVING)
    busy = volume("u", status=VolumeStatus.BUSY)
    made = _again(world(["a", "b", moving], [busy, "v", "w"], ["a/u", "a/v"]), _approved())
    assert lines(made) == [
        "detach a/u refused: volume-status",
        MOVE,
        "attach c/w in motion: server-status",
    ]


def test_another_update_than_the_approved_one_is_refused() -> None:
    live = world(["a"], ["v"], [on("a/v", flag=None)])
    approved = approval(planned(live, of_server("a", listed("v", flag=True))).changes)
    made = _again(live, approved, [of_server("a", listed("v", flag=False))])
    assert lines(made) == ["update a/v delete_on_termination unknown->false refused: stale"]
    assert "what is to be set" in made.findings[0].summary


def test_what_is_so_already_is_counted_and_not_done_again() -> None:
    made = _again(world(SERVERS, ["u", "v", "w"], ["b/v", "c/w"]), _approved())
    assert (lines(made), made.already, made.findings) == ([], 3, ())
    assert made.in_line


def test_an_update_that_is_so_already_is_counted() -> None:
    entry = of_server("a", listed("v", flag=True))
    before, after = (world(["a"], ["v"], [on("a/v", flag=flag)]) for flag in (False, True))
    made = _again(after, approval(planned(before, entry).changes), [entry])
    assert (lines(made), made.already, made.refused_entries) == ([], 1, 0)


def test_an_attach_whose_flag_is_not_set_yet_is_not_so_already() -> None:
    entry = of_server("a", listed("v", flag=True))
    approved = approval(planned(world(["a"], ["v"]), entry).changes)
    made = _again(world(["a"], ["v"], [on("a/v", flag=False)]), approved, [entry])
    assert (lines(made), made.already, codes(made)) == ([], 0, ["stale"])


def test_what_was_approved_and_nobody_asks_for_any_more_is_refused() -> None:
    made = _again(LIVE, _approved(), [of_server("a", "u", "v"), of_server("c", "w")])
    assert lines(made) == [ATTACH]
    assert codes(made) == ["stale", "stale"]
    assert made.refused_entries == 2
    assert {finding.summary.split(" was approved")[0] for finding in made.findings} == {
        "`detach` of `a/u`",
        "`move` of `b/v`",
    }


def test_a_move_that_is_half_done_is_not_finished_without_a_new_approval() -> None:
    made = _again(world(SERVERS, ["u", "v", "w"], ["a/u"]), _approved())
    assert lines(made) == [DETACH, ATTACH]
    assert (codes(made), made.unselected) == (["stale"], 1)


def test_an_approval_never_hides_what_is_unknown() -> None:
    live = world(SERVERS, ["u", "v", "w"], ["a/u", on("b/v", COMPUTE)])
    made = _again(live, _approved(DETACH))
    assert lines(made) == [DETACH, "keep b/v unknown: views-disagree"]
    assert [change.standing for change in made.changes] == [Standing.PERMITTED, Standing.UNKNOWN]


def test_the_limit_counts_what_the_approval_left() -> None:
    names = [f"n{i}" for i in range(9)]
    live = world(names, names, [f"{name}/{name}" for name in names])
    entries = [of_server(name) for name in names]
    approved = approval(planned(live, *entries).changes[:2])
    made = _again(live, approved, entries)
    assert (len(made.permitted), made.refused) == (2, False)


def test_nothing_is_planned_on_a_server_that_an_earlier_call_may_still_be_at_work_on() -> None:
    live = world(["a", "b"], ["u", "v", "w"], ["a/u", "b/w"])
    unsettled = Circumstances(unsettled=frozenset({key("a", "v")}))
    made = planned(live, of_server("a"), of_server("b"), circumstances=unsettled)
    assert lines(made) == ["detach a/u refused: unsettled", "detach b/w"]


@pytest.mark.parametrize(("entries", "done"), [((of_server("a"),), DETACH), (ENTRIES[:2], MOVE)])
def test_a_server_that_was_started_since_keeps_its_volumes_where_that_is_warned_of(
    entries: Sequence[Entry], done: str
) -> None:
    warns = replace(GENEROUS, when_running=WhenRunning.WARN)

    def at(*, running: bool) -> Live:
        started = {"id-a": replace(LIVE.servers["id-a"], running=running)}
        return replace(LIVE, servers={**LIVE.servers, **started})

    def again(policy: Policy, before: Live, now: Live) -> list[str]:
        approved = approval(planned(before, *entries, policy=policy).changes)
        about = Circumstances(approved=approved)
        made = planned(now, *entries, policy=policy, circumstances=about)
        return [one for one in lines(made) if one.startswith(done)]

    off, runs = at(running=False), at(running=True)
    assert again(warns, off, runs) == [f"{done} refused: stale"]
    # Who was warned agreed to it, and one that was stopped since holds nothing.
    assert again(warns, runs, runs) == again(warns, runs, off) == [done]
    assert again(GENEROUS, off, runs) == [done]
    place = ENTRIES[0].owner.place
    hooked = replace(warns, guest_release=Hook(name="let-go", timeout_s=1.0, place=place))
    assert again(hooked, off, runs) == [done]
