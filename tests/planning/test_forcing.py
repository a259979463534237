"""A forced detach: named exactly, allowed by policy and cloud, and never added to an approval."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.call import Verb
from reconciler.model.plan import Circumstances
from reconciler.model.policy import WhenRunning
from reconciler.planning.approval import approval
from reconciler.planning.schedule import schedule
from tests.planning.building import (
    ECS,
    GENEROUS,
    SCOPE,
    line,
    lines,
    of_server,
    of_volume,
    planned,
    server,
    shared,
    volume,
    world,
)

ASK = replace(GENEROUS, force_detach=True)
LIVE = world(["a", "b", "c"], ["v", "w", shared("s")], ["a/v", "a/w", "b/s", "c/s"])
ENTRIES = (of_server("a"), of_server("b", "v"), of_volume("s"))


def naming(*texts: str) -> Circumstances:
    """Give circumstances in which these detaches shall be forced."""
    return Circumstances(forces=texts)


@pytest.mark.parametrize(
    ("text", "forced"),
    [
        ("a/w", ["detach a/w"]),
        ("id-a/w", ["detach a/w"]),
        ("a/id-w", ["detach a/w"]),
        (f"{SCOPE}:id-a/id-w", ["detach a/w"]),
        ("a/v", ["move b/v from a"]),
        ("c/s", ["detach c/s"]),
        ("b/v", []),
        ("a/*", []),
        ("a", []),
        ("*/w", []),
        ("other:a/w", []),
        ("A/w", []),
    ],
)
def test_only_what_is_named_exactly_is_forced(text: str, forced: list[str]) -> None:
    made = planned(LIVE, *ENTRIES, policy=ASK, circumstances=naming(text))
    assert [line(change) for change in made.changes if change.forced] == forced
    calls = [step.call for step in schedule(made, ECS).steps]
    assert [call.verb for call in calls if call.forced] == [Verb.DETACH] * len(forced)
    assert all(len(call.keys) == 1 for call in calls if call.forced), "never in a batch"


def test_a_name_that_two_servers_bear_forces_nothing() -> None:
    twins = [server("a"), server("a", "id-twin")]
    live = world(twins, ["w", volume("w", "id-w2")], ["a/w", "twin/w2"])
    made = planned(live, of_server("id-a"), policy=ASK, circumstances=naming("a/w"))
    assert [len(keys) for keys in made.named_to_force.values()] == [2]
    assert not any(change.forced for change in made.changes)


@pytest.mark.parametrize(
    ("policy", "can", "code"),
    [
        (GENEROUS, ECS, "force-not-allowed"),
        (ASK, replace(ECS, force=False), "force-not-possible"),
    ],
)
def test_without_a_policy_or_a_cloud_that_can_it_is_refused_in_words(
    policy: object, can: object, code: str
) -> None:
    assert isinstance(policy, type(ASK))
    assert isinstance(can, type(ECS))
    made = planned(LIVE, of_server("a"), policy=policy, can=can, circumstances=naming("a/w"))
    assert lines(made) == ["detach a/v", f"detach a/w refused: {code}"]


def test_a_guest_that_is_not_asked_holds_nothing_back() -> None:
    policy = replace(ASK, when_running=WhenRunning.REQUIRE)
    made = planned(LIVE, of_server("a"), policy=policy, circumstances=naming("a/w"))
    assert lines(made) == ["detach a/v refused: guest-release", "detach a/w"]


@pytest.mark.parametrize(("before", "after"), [((), ("a/w",)), (("a/w",), ())])
def test_an_approval_is_neither_widened_into_force_nor_out_of_it(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    first = planned(LIVE, of_server("a"), policy=ASK, circumstances=naming(*before))
    again = replace(naming(*after), approved=approval(first.changes))
    made = planned(LIVE, of_server("a"), policy=ASK, circumstances=again)
    assert lines(made) == ["detach a/v", "detach a/w refused: stale"]
    assert "forced was" in made.findings[0].summary
