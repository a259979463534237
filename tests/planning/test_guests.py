"""Which hooks run beside a change: who is asked, who is told, and who has no guest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.call import Verb
from reconciler.model.finding import Place
from reconciler.model.hook import Hook, Occasion
from reconciler.model.plan import Circumstances
from reconciler.model.policy import Policy, WhenRunning
from reconciler.planning.schedule import schedule
from tests.planning.building import (
    ECS,
    GENEROUS,
    lines,
    of_server,
    of_volume,
    on,
    planned,
    server,
    shared,
    world,
)

PLACE = Place(file="p.yaml", line=1, column=1)
RELEASE = Hook(name="release-disk", timeout_s=120.0, place=PLACE)
MOUNT = Hook(name="mount-disk", timeout_s=60.0, place=PLACE)
HOOKED = replace(GENEROUS, guest_release=RELEASE, after_attach=MOUNT)
STOPPED = replace(server("off"), running=False)
LIVE = world(
    ["a", "b", STOPPED],
    ["u", "v", "w", shared("s")],
    [on("a/u", device="/dev/vdb"), "a/v", "off/w", "a/s", "b/s"],
)
ENTRIES = (of_server("a", "u"), of_server("b", "v"), of_server("off"), of_volume("s"))


def told(policy: Policy, forces: tuple[str, ...] = ()) -> list[str]:
    """Give, by change, the hooks that run beside it."""
    made = planned(
        LIVE,
        of_server("a"),
        of_server("b", "v"),
        of_server("off", "u"),
        of_volume("s"),
        policy=replace(policy, force_detach=True),
        circumstances=Circumstances(forces=forces),
    )
    return [
        f"{change.action.value} {change.name.volume}: "
        + ", ".join(f"{e.hook.name} {e.server} {e.device}" for e in change.errands)
        for change in made.changes
    ]


def test_a_guest_is_asked_before_and_told_after_and_a_stopped_server_has_none() -> None:
    assert told(HOOKED) == [
        "detach s: release-disk a None",
        "detach s: release-disk b None",
        "move v: release-disk a None, mount-disk b None",
        "move u: release-disk a /dev/vdb",
        "detach w: ",
    ]


def test_without_hooks_nothing_runs() -> None:
    assert all(line.endswith(": ") for line in told(GENEROUS))


def test_who_is_forced_isnt_asked_and_a_forced_move_is_told() -> None:
    assert "move v: mount-disk b None" in told(HOOKED, ("a/v",))


def test_a_call_knows_the_hooks_of_its_half_of_a_move_and_of_each_server() -> None:
    made = planned(LIVE, *ENTRIES, policy=HOOKED)
    steps = {
        (step.call.verb, tuple(sorted(e.server for e in step.errands.values())))
        for step in schedule(made, ECS).steps
        if step.errands
    }
    assert steps == {
        (Verb.DETACH, ("a", "b")),  # One call of a shared volume, two guests.
        (Verb.DETACH, ("a",)),
        (Verb.ATTACH, ("b",)),
    }
    for step in schedule(made, ECS).steps:
        late = step.call.verb is Verb.ATTACH
        assert all((e.occasion is Occasion.ATTACHED) == late for e in step.errands.values())


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        (GENEROUS, "detach a/u refused: guest-release"),
        (replace(GENEROUS, guest_release=RELEASE), "detach a/u"),
        (replace(GENEROUS, after_attach=MOUNT), "detach a/u refused: guest-release"),
    ],
)
def test_a_hook_is_what_a_required_release_asks_for(policy: Policy, found: str) -> None:
    required = replace(policy, when_running=WhenRunning.REQUIRE)
    live = world(["a"], ["u"], ["a/u"])
    assert lines(planned(live, of_server("a"), policy=required)) == [found]
