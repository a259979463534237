"""What holds of every plan and its schedule, whatever the world and whoever wrote about it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.attachment import Phase, View
from reconciler.model.call import Verb
from reconciler.model.declared import Unmanaged
from reconciler.model.plan import Action, Standing
from reconciler.planning.approval import approval
from reconciler.planning.forecast import forecast_s
from reconciler.planning.planner import plan
from reconciler.planning.resolve import resolve
from reconciler.planning.schedule import schedule
from reconciler.report.document import ScopeReport, plan_document
from tests.planning.acting import act, singles
from tests.planning.building import line, of_server, on, planned, world
from tests.planning.worlds import AWAY, counted, draw, draw_either, shuffled

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.model.attachment import AttachmentKey
    from reconciler.model.live import Live
    from reconciler.model.plan import Plan
    from reconciler.planning.schedule import Schedule
    from tests.planning.worlds import World

RANDOM = st.randoms(use_true_random=False)
USUAL = settings(deadline=None, database=None, max_examples=50)


def _calls(made: Schedule) -> list[tuple[Verb, AttachmentKey]]:
    return [(step.call.verb, key) for step in made.steps for key in step.call.keys]


def _document(of: World, live: Live) -> str:
    made = plan(resolve(of.entries, live), live, of.policy, of.can, of.circumstances)
    steps = schedule(made, of.can)
    report = ScopeReport(
        plan=made,
        schedule=steps,
        seconds=forecast_s(steps, dict.fromkeys(Verb, 10.0), 4),
        provider="huawei-ecs",
        simulated=False,
        memory="none",
        notices=live.notices,
    )
    return json.dumps(plan_document([report]))


@USUAL
@given(RANDOM)
def test_the_same_world_in_any_order_gives_the_same_bytes(random: Random) -> None:
    of = draw(random)
    assert _document(of, shuffled(of.live, random)) == _document(of, of.live)


@USUAL
@given(RANDOM)
def test_no_two_findings_tie_in_their_order(random: Random) -> None:
    findings = draw(random).plan().findings
    assert [f.order for f in findings] == sorted({f.order for f in findings})


@USUAL
@given(RANDOM)
def test_every_permitted_change_is_called_once_and_nothing_else_is(random: Random) -> None:
    of = draw_either(random)
    made = of.plan()
    expected = [*singles(made.permitted)]
    expected += [(Verb.UPDATE, change.key) for change in made.permitted if change.updates]
    assert Counter(_calls(schedule(made, of.can))) == Counter(expected)
    assert max(Counter(expected).values(), default=1) == 1


@USUAL
@given(RANDOM)
def test_no_boot_volume_and_nothing_in_doubt_is_ever_called(random: Random) -> None:
    of = draw(random)
    ground = of.ground()
    for verb, key in _calls(schedule(of.plan(), of.can)):
        assert not ground.boot(key)
        assert key.volume_id not in ground.moving
        assert key.server_id in of.live.servers, "never a server out of sight"
        observed = of.live.observed.get(key)
        if observed is not None and verb is not Verb.ATTACH:
            assert View.COMPUTE in observed.sightings, "never what only storage shows"
        assert (observed is None) is (verb is Verb.ATTACH) or verb is Verb.UPDATE


@USUAL
@given(RANDOM)
def test_what_is_held_where_nobody_may_take_it_is_not_attached_elsewhere(random: Random) -> None:
    of = draw(random)
    made = of.plan()
    leaving = {change.leaves for change in made.permitted}
    for change in made.permitted:
        if change.arrives is not None and not of.live.volumes[change.key.volume_id].shareable:
            held = {k for k in of.live.observed if k.volume_id == change.key.volume_id}
            assert held <= leaving, "its storage record, a foreign server or a row still has it"


def _stray(key: AttachmentKey, of: World) -> bool:
    """Tell whether what nobody owns may be taken away: at rest, in both views, unmarked."""
    server, volume = of.live.servers[key.server_id], of.live.volumes[key.volume_id]
    marked = {*server.owner_marks, *volume.owner_marks}
    there = of.live.observed[key]
    rests = {sighting.phase for sighting in there.sightings.values()} == {Phase.ATTACHED}
    asked = of.circumstances.unmanaged is Unmanaged.DETACH and of.can.shows_owner_marks
    return asked and rests and set(there.sightings) == {*View} and not (marked or there.boot)


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_only_what_an_entry_owns_and_a_stray_at_rest_is_ever_detached(first: int) -> None:
    worlds = [draw_either(Random(seed)) for seed in range(first, first + 100)]
    assert sum(_strays_that_leave(of) for of in worlds), "strays leave, in some of them"


def _strays_that_leave(of: World) -> int:
    """Count them; nothing else that nobody owns leaves."""
    strays = 0
    servers = {f"id-{e.owner.text}": e for e in of.entries if e.side.value == "server"}
    volumes = {f"id-{e.owner.text}": e for e in of.entries if e.side.value == "volume"}
    for change in of.plan().permitted:
        if (key := change.leaves) is None:
            continue
        rows = [e for e in (servers.get(key.server_id), volumes.get(key.volume_id)) if e]
        if not rows:
            assert _stray(key, of), "nobody owns it"
            strays += 1
            continue
        names = {f"id-{ref.text}" for e in rows for ref in e.absent}
        listed = names & {key.server_id, key.volume_id}
        assert listed or not any(e.keeps_others for e in rows)
    return strays


@USUAL
@given(RANDOM)
def test_an_incomplete_or_refused_scope_has_no_steps(random: Random) -> None:
    of = draw(random)
    made = of.plan()
    if made.refused or not of.live.complete:
        assert (made.permitted, schedule(made, of.can).steps) == ((), ())
    assert made.refused or of.live.complete


@USUAL
@given(RANDOM)
def test_each_change_is_permitted_or_says_why_not(random: Random) -> None:
    made = draw(random).plan()
    for change in made.changes:
        assert bool(change.refusals) is (change.standing is not Standing.PERMITTED)
        assert set(change.refusals) <= set(made.findings)
        assert (change.action is Action.MOVE) is (change.source is not None)
        assert AWAY not in change.key.server_id
    keys = [change.key for change in made.changes]
    assert keys == sorted(set(keys))


@USUAL
@given(RANDOM)
def test_approving_everything_changes_nothing_and_a_part_only_narrows(random: Random) -> None:
    of = draw_either(random)
    whole = of.plan()
    approved = approval(whole.changes)
    desired = resolve(of.entries, of.live)

    def again(part: int) -> set[tuple[Verb, AttachmentKey]]:
        circumstances = replace(of.circumstances, approved=approved[:part], excludes=())
        made = plan(desired, of.live, of.policy, of.can, circumstances)
        return set(_calls(schedule(made, of.can)))

    mine = {(verb, key) for verb, key in _calls(schedule(whole, of.can))}
    if not of.circumstances.excludes:
        assert again(len(approved)) == mine
    assert again(random.randint(0, len(approved))) <= mine


def _then(of: World, made: Plan, now: Collection[AttachmentKey]) -> World:
    """Give the world that a run leaves: what truly is in both views, with what was set."""
    flags = {change.key: change.wanted for change in made.permitted if change.updates}
    old = of.live.observed
    observed = {
        key: on(
            f"{key.server_id}/{key.volume_id}".replace("id-", ""),
            flag=True if key in flags else old[key].delete_on_termination if key in old else False,
            boot=key in old and old[key].boot,
        )
        for key in now
    }
    servers = {i: replace(s, free_slots=None) for i, s in of.live.servers.items()}
    return counted(replace(of, live=replace(of.live, servers=servers, observed=observed)))


@USUAL
@given(RANDOM)
def test_a_calm_world_converges_in_one_run_and_then_plans_nothing(random: Random) -> None:
    of = draw(random, calm=True)
    made = of.plan()
    now = act(schedule(made, of.can), of, random)
    again = _then(of, made, now).plan()
    assert {line(change) for change in again.changes if change in made.permitted} == set()
    if len(made.permitted) == len(made.changes):
        assert [line(change) for change in again.changes] == []
        assert again.owned == made.owned


def test_two_rows_refused_alike_are_told_in_one_order() -> None:
    live = world(["a", "b"], ["u", "v", "w"], ["a/u", "b/u"])
    made = planned(live, of_server("a", "typo"), of_server("b", "typo"))
    held = [finding for finding in made.findings if finding.code == "entry-refused"]
    assert len({(finding.place, finding.summary) for finding in held}) == 1
    assert len({finding.order for finding in held}) == len(held) == 2
