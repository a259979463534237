"""Guards of the scope's level: limits on detaches, and listings that can't be trusted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.finding import Severity
from reconciler.model.plan import Circumstances
from reconciler.model.policy import Policy
from reconciler.planning.guards import allowed_detaches
from reconciler.planning.schedule import schedule
from tests.planning.building import (
    ANYHOW,
    COMPUTE,
    ECS,
    STORAGE,
    codes,
    lines,
    listed,
    of_server,
    of_volume,
    on,
    planned,
    shared,
    volume,
    world,
)

if TYPE_CHECKING:
    from reconciler.model.attachment import Observed
    from reconciler.model.declared import Entry
    from reconciler.model.live import Live
    from reconciler.model.plan import Plan

LOOSE = Policy(max_detach=1000, max_detach_share=1.0, max_detach_per_server=1000)


@pytest.mark.parametrize(
    ("most", "share", "owned", "allowed"),
    [
        (10, 0.3, 0, 1),
        (10, 0.3, 1, 1),
        (10, 0.3, 3, 1),
        (10, 0.3, 6, 1),
        (10, 0.3, 7, 2),
        (10, 0.3, 9, 2),
        (10, 0.3, 10, 3),
        (10, 0.29, 100, 10),
        (100, 0.29, 100, 29),
        (100, 0.07, 100, 7),
        (10, 0.3, 33, 9),
        (10, 0.3, 34, 10),
        (10, 0.3, 1000, 10),
        (0, 0.3, 100, 0),
        (0, 1.0, 0, 0),
        (10, 0.0, 100, 1),
        (10, 1.0, 4, 4),
    ],
    ids=[
        "nothing owned allows one",
        "one owned allows one",
        "a share below one allows one",
        "a share just below two is floored",
        "a share just above two allows two",
        "a share just below three is floored",
        "0.3 of 10 is exactly three",
        "the count is the smaller one",
        "0.29 of 100 is exactly 29, whatever floats say",
        "0.07 of 100 is exactly seven",
        "just below the count the share decides",
        "where both meet, the count holds",
        "far above, the count holds",
        "a count of zero allows none",
        "a count of zero beats the one that is always allowed",
        "a share of zero still allows one",
        "a share of all allows all",
    ],
)
def test_the_formula(most: int, share: float, owned: int, allowed: int) -> None:
    policy = Policy(max_detach=most, max_detach_share=share)
    assert allowed_detaches(policy, owned) == allowed


def _rows(count: int, leaving: int, policy: Policy, ack: int | None = None) -> Plan:
    """Plan `count` owned attachments, one a server, of which so many leave."""
    names = [f"n{i:02}" for i in range(count)]
    live = world(names, names, [f"{name}/{name}" for name in names])
    entries = [of_server(name, *([name] if i >= leaving else [])) for i, name in enumerate(names)]
    return planned(live, *entries, policy=policy, circumstances=Circumstances(ack_detach=ack))


@pytest.mark.parametrize(
    ("owned", "leaving", "passes"),
    [(10, 3, True), (10, 4, False), (1, 1, True), (2, 2, False), (40, 10, True), (40, 11, False)],
)
def test_the_limit_holds_at_its_edge(owned: int, leaving: int, *, passes: bool) -> None:
    made = _rows(owned, leaving, Policy())
    assert made.refused is not passes
    assert len(made.permitted) == (leaving if passes else 0)
    assert codes(made) == ([] if passes else ["limit-detach"])


@pytest.mark.parametrize(
    ("ack", "passes"),
    [(4, True), (3, False), (5, False), (0, False), (None, False)],
    ids=["the exact number", "one less", "one more", "zero", "nothing said"],
)
def test_an_acknowledgement_takes_the_exact_number(ack: int | None, *, passes: bool) -> None:
    made = _rows(10, 4, Policy(), ack)
    assert made.refused is not passes
    if not passes:
        assert "--ack-detach shop=4" in made.refusals[0].hint
        assert made.refusals[0].summary.startswith("4 of 10 owned attachments")
        assert ("acknowledged" in made.refusals[0].summary) is (ack is not None)


def test_an_acknowledgement_is_not_needed_below_the_limit() -> None:
    assert not _rows(10, 3, Policy(), 99).refused


def _crowd(leaving: int, policy: Policy, circumstances: Circumstances = ANYHOW) -> Plan:
    names = [f"v{i:02}" for i in range(20)]
    live = world(["web-1"], names, [f"web-1/{name}" for name in names])
    return planned(
        live,
        of_server("web-1", *names[leaving:]),
        policy=policy,
        circumstances=circumstances,
    )


def test_the_limit_of_a_server_holds_at_its_edge() -> None:
    policy = replace(LOOSE, max_detach_per_server=5)
    assert not _crowd(5, policy).refused
    made = _crowd(6, policy)
    assert codes(made) == ["limit-detach-per-server"]
    assert "6 volumes would leave `web-1`, 5 may" in made.refusals[0].summary
    assert not _crowd(6, policy, Circumstances(ack_detach=6)).refused
    assert _crowd(6, policy, Circumstances(ack_detach=5)).refused


def test_attaches_never_count() -> None:
    names = [f"v{i}" for i in range(10)]
    made = planned(world(["web-1"], names), of_server("web-1", *names), policy=Policy(max_detach=0))
    assert len(made.permitted) == 10


def test_moves_count_where_they_leave() -> None:
    live = world(["a", "b"], ["v", "w"], ["a/v", "a/w"])
    entries = of_server("a"), of_server("b", "v", "w")
    made = planned(live, *entries, policy=replace(LOOSE, max_detach=1))
    assert codes(made) == ["limit-detach"]
    assert not planned(live, *entries, policy=replace(LOOSE, max_detach=2)).refused
    made = planned(live, *entries, policy=replace(LOOSE, max_detach_per_server=1))
    assert codes(made) == ["limit-detach-per-server"]
    assert "`a`" in made.refusals[0].summary


def test_what_is_refused_anyway_does_not_count() -> None:
    live = world(["a"], ["v", "w"], [on("a/v", STORAGE), "a/w"])
    made = planned(live, of_server("a"), policy=replace(LOOSE, max_detach=1))
    assert lines(made) == ["detach a/v refused: storage-only", "detach a/w"]


def _owned(live: Live, *entries: Entry) -> int:
    """Give D: what a limit that allows nothing says is owned."""
    made = planned(live, *entries, policy=replace(LOOSE, max_detach=0))
    return int(made.refusals[0].summary.split(" owned")[0].rsplit(" ", 1)[1])


@pytest.mark.parametrize(
    ("more", "entries", "owned"),
    [
        ([], [], 1),
        (["a/w"], [of_server("a", "w")], 2),
        (["b/w"], [], 1),
        (["b/w"], [of_server("b", keep=True)], 1),
        (["b/w"], [of_server("b", "w", keep=True)], 2),
        ([on("b/w", COMPUTE)], [of_server("b", "w")], 2),
        ([on("away/w", STORAGE)], [of_volume("w")], 1),
        ([on("b/w", boot=True)], [of_server("b")], 1),
        ([on("b/w", boot=True)], [of_server("b", "w")], 1),
    ],
    ids=[
        "what leaves is owned",
        "what stays is owned",
        "what nobody owns doesn't count",
        "what is kept for others doesn't count",
        "what is listed counts even where others are kept",
        "what only compute shows counts",
        "what is on a server out of sight isn't ours",
        "a boot volume doesn't count",
        "a boot volume that is listed doesn't count either",
    ],
)
def test_what_counts_as_owned(more: list[Observed | str], entries: list[Entry], owned: int) -> None:
    first = of_server("a", *(["w"] if more == ["a/w"] else []))
    rest = [] if more == ["a/w"] else entries
    live = world(["a", "b"], ["v", "w"], ["a/v", *more])
    assert _owned(live, first, *rest) == owned


def test_the_count_of_what_is_owned_is_taken_before_the_selection() -> None:
    names = [f"n{i:02}" for i in range(10)]
    live = world(names, names, [f"{name}/{name}" for name in names])
    made = planned(
        live,
        *(of_server(name) for name in names),
        policy=Policy(),
        circumstances=Circumstances(targets=("n00", "n01", "n02")),
    )
    assert (len(made.permitted), made.refused) == (3, False), "3 of 10, not 3 of 3"
    made = planned(
        live,
        *(of_server(name) for name in names),
        policy=Policy(),
        circumstances=Circumstances(targets=("n0[0-3]",)),
    )
    assert codes(made) == ["limit-detach"]
    assert made.refusals[0].summary.startswith("4 of 10 owned")


def test_an_incomplete_listing_never_yields_a_step() -> None:
    live = replace(
        world(["a", "b"], ["v", "w"], ["a/v"]), complete=False, notices=("a page was missing",)
    )
    made = planned(live, of_server("a", "w"), of_server("b", "v"))
    assert codes(made) == ["incomplete-listing"]
    assert "a page was missing" in made.refusals[0].summary
    assert lines(made) == [
        "attach a/w refused: incomplete-listing",
        "move b/v from a refused: incomplete-listing",
    ]
    assert schedule(made, ECS).steps == ()


def test_an_empty_cloud_is_refused_while_rows_are_named() -> None:
    made = planned(world(), of_server("a", "v"))
    assert {"empty-live", "server-not-found", "volume-not-found"} == set(codes(made))
    assert made.refused
    made = planned(world(["a"]), of_server("a", "v"))
    assert [finding.code for finding in made.refusals] == ["empty-live"]
    assert "no volume at all" in made.refusals[0].summary


def test_an_empty_cloud_is_no_refusal_where_nothing_of_it_is_named() -> None:
    assert not planned(world(["a"]), of_server("a")).refused
    assert not planned(world([], [shared("v")]), of_volume("v")).refused
    assert not planned(world()).refused


def test_the_weightiest_refusal_stands_at_each_change() -> None:
    live = replace(world(["a"], ["v"], ["a/v"]), complete=False)
    made = planned(live, of_server("a"), of_server("id-a"), policy=replace(LOOSE, max_detach=0))
    assert [finding.code for finding in made.refusals] == [
        "duplicate-entry",
        "incomplete-listing",
        "limit-detach",
    ]
    assert lines(made) == ["detach a/v refused: duplicate-entry"]


def test_updates_never_count() -> None:
    live = world(["a"], [volume("v")], [on("a/v", flag=False)])
    made = planned(live, of_server("a", listed("v", flag=True)), policy=Policy(max_detach=0))
    assert lines(made) == ["update a/v delete_on_termination false->true"]


@pytest.mark.parametrize(
    ("live", "typed"),
    [(10, 4), (3, 0)],
    ids=["the number is asked for", "below the limit nothing is asked"],
)
def test_whoever_will_be_asked_is_asked_for_the_number(live: int, typed: int) -> None:
    leaving = 4 if typed else 1
    names = [f"n{i:02}" for i in range(live)]
    there = world(names, names, [f"{name}/{name}" for name in names])
    entries = [of_server(n, *([n] if i >= leaving else [])) for i, n in enumerate(names)]
    about = Circumstances(asks_detach=True)
    made = planned(there, *entries, policy=Policy(), circumstances=about)
    assert (made.to_type, made.refused, len(made.permitted)) == (typed, False, leaving)
    assert codes(made) == (["limit-detach"] if typed else [])
    assert all(finding.severity is Severity.WARNING for finding in made.findings)
    if typed:
        torn = planned(
            replace(there, complete=False), *entries, policy=Policy(), circumstances=about
        )
        assert (torn.to_type, torn.permitted) == (0, ()), "no number mends a listing"
