"""The fewest calls, and never an illegal one: random worlds against an independent reading."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.call import Verb
from reconciler.planning.schedule import schedule
from tests.planning.acting import act, crowded, fewest_calls, lower_bound, singles
from tests.planning.worlds import draw, draw_either

if TYPE_CHECKING:
    from tests.planning.worlds import World

RANDOM = st.randoms(use_true_random=False)
USUAL = settings(deadline=None, database=None, max_examples=90)
SMALL = 7
"""Single changes that an exhaustive search can take."""


def _ruled(of: World, rule: int | None) -> World:
    attach = replace(of.can.batch[Verb.ATTACH], disks_at_most=rule)
    return replace(of, can=replace(of.can, batch={**of.can.batch, Verb.ATTACH: attach}))


@USUAL
@given(RANDOM)
def test_without_the_rule_on_disks_the_calls_are_the_lower_bound(random: Random) -> None:
    of = _ruled(draw_either(random), None)
    made = of.plan()
    assert len(schedule(made, of.can).steps) == lower_bound(made.permitted, of)


@USUAL
@given(RANDOM)
def test_with_the_rule_each_crowded_arrival_costs_at_most_one_call_more(random: Random) -> None:
    of = draw_either(random)
    changes = of.plan().permitted
    least = lower_bound(changes, of)
    assert least <= len(schedule(of.plan(), of.can).steps) <= least + crowded(changes, of)


@USUAL
@given(RANDOM)
def test_without_the_rule_nobody_needs_fewer_calls(random: Random) -> None:
    of = _ruled(draw(random, calm=True), None)
    made = of.plan()
    if len(singles(made.permitted)) <= SMALL:
        assert len(schedule(made, of.can).steps) == fewest_calls(made.permitted, of)


@USUAL
@given(RANDOM)
def test_with_the_rule_the_best_lies_between_the_bound_and_the_schedule(random: Random) -> None:
    of = draw(random, calm=True)
    changes = of.plan().permitted
    if len(singles(changes)) <= SMALL:
        best = fewest_calls(changes, of)
        calls = len(schedule(of.plan(), of.can).steps)
        assert lower_bound(changes, of) <= best <= calls <= best + crowded(changes, of)


@USUAL
@given(RANDOM)
def test_any_order_that_respects_needs_is_legal_and_gets_there(random: Random) -> None:
    of = draw_either(random)
    made = of.plan()
    steps = schedule(made, of.can)
    for _ in range(3):
        now = act(steps, of, random)
        assert now.issuperset(c.arrives for c in made.permitted if c.arrives is not None)
        assert now.isdisjoint(c.leaves for c in made.permitted if c.leaves is not None)


@USUAL
@given(RANDOM)
def test_waves_hold_every_step_once_after_what_it_needs(random: Random) -> None:
    of = draw_either(random)
    made = schedule(of.plan(), of.can)
    done: set[object] = set()
    told: list[str] = []
    for wave in made.waves():
        assert wave
        for step in wave:
            assert all(need in done for needs in step.needs.values() for need in needs), step.id
        done |= {(step.call.verb, key) for step in wave for key in step.call.keys}
        told += [step.id for step in wave]
    assert sorted(told) == sorted(step.id for step in made.steps)
    assert len(set(told)) == len(told)


def test_the_worlds_reach_what_they_are_meant_to() -> None:
    """Count what native seeds reach, so that no property above holds of nothing."""
    moves = batches = crowds = waits = 0
    for seed in range(400):
        of = draw_either(Random(seed))
        made = of.plan()
        steps = schedule(made, of.can)
        moves += any(change.source for change in made.permitted)
        batches += steps.batches > 0
        crowds += crowded(made.permitted, of) > 0
        waits += any(step.needs for step in steps.steps)
    assert min(moves, batches, crowds, waits) > 20, (moves, batches, crowds, waits)
