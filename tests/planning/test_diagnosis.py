"""What is stuck, one row a world: what is told, what comes next, and whether it counts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from reconciler.model.attachment import AttachmentKey, Observed, Phase, View, Witness
from reconciler.model.call import Call, Verb
from reconciler.model.history import LastCall
from reconciler.model.live import VolumeStatus
from reconciler.model.record import OpenIntent
from reconciler.planning.diagnosis import (
    Evidence,
    NextStep,
    diagnose,
    suspects,
    unexplained,
)
from tests.planning.building import (
    COMPUTE,
    GENEROUS,
    STORAGE,
    grounded,
    key,
    of_server,
    on,
    shared,
    volume,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.declared import Entry
    from reconciler.model.live import Live
    from reconciler.model.policy import Policy

KEY = key("web-1", "disk-1")
NAMED = "d8777f54-84cf-4809-a679-468ffed56cf1"
ALLOWED = replace(GENEROUS, allow_status_reset=True)
MOVING = structs.replace(volume("disk-1", status=VolumeStatus.MOVING), status_text="detaching")
BOOTS = structs.replace(volume("disk-1"), boot=True)
FAILURE = LastCall(
    run="r",
    verb="detach",
    handle="job-1",
    at_s=1.0,
    verdict="failed",
    code="Ecs.0102",
    message="no",
    request_id="r-9",
)


def stale(pair: str = "web-1/disk-1", attachment_id: str | None = NAMED) -> Observed:
    """Give an attachment that only storage shows, by an id of its own."""
    seen = on(pair, STORAGE)
    sighting = structs.replace(seen.sightings[View.STORAGE], attachment_id=attachment_id)
    return structs.replace(seen, sightings={View.STORAGE: sighting})


def calls(
    verb: Verb = Verb.DETACH, *keys: AttachmentKey, age_s: float = 5.0
) -> tuple[OpenIntent, ...]:
    """Give an open call about some attachments."""
    call = Call(verb=verb, keys=keys or (KEY,))
    return (
        OpenIntent(
            intent_id=1, run="r", step_id="s", label="l", call=call, handle="job-1", age_s=age_s
        ),
    )


def said(answer: Witness) -> Mapping[AttachmentKey, Witness]:
    return {KEY: answer}


@dataclass(frozen=True)
class Row:
    """One world and the only thing that is told of it."""

    id: str
    live: Live
    code: str
    step: NextStep
    hint: str
    entries: tuple[Entry, ...] = ()
    beside: Evidence = field(default_factory=lambda: Evidence(resets=True))
    policy: Policy = ALLOWED
    stuck: bool = True


ONE = ["web-1", "web-2"], ["disk-1"]
AWAY = ["web-2"], ["disk-1"]
TABLE = (
    Row(
        "storage alone shows it on a readable server",
        world(*ONE, [stale()]),
        "storage-only",
        NextStep.REPAIR,
        "run `reconciler repair shop:id-web-1/id-disk-1`",
    ),
    Row(
        "the same where no policy allows a reset",
        world(*ONE, [stale()]),
        "storage-only",
        NextStep.REPAIR,
        "set `allowStatusReset: true`, then run `reconciler repair",
        policy=GENEROUS,
    ),
    Row(
        "the same where the server says that it has it",
        world(*ONE, [stale()]),
        "storage-only",
        NextStep.WAIT,
        "a listing lags",
        beside=Evidence(resets=True, witnesses=said(Witness.PRESENT)),
    ),
    Row(
        "the same where the server agrees that it hasn't",
        world(*ONE, [stale()]),
        "storage-only",
        NextStep.REPAIR,
        "run `reconciler repair",
        beside=Evidence(resets=True, witnesses=said(Witness.ABSENT)),
    ),
    Row(
        "a boot volume is never reset",
        world(["web-1"], [BOOTS], [stale()]),
        "storage-only",
        NextStep.TICKET,
        "open a ticket",
    ),
    Row(
        "nor is what storage names no attachment id of",
        world(*ONE, [stale(attachment_id=None)]),
        "storage-only",
        NextStep.TICKET,
        "open a ticket",
    ),
    Row(
        "nor anything of a cloud without such a call",
        world(*ONE, [stale()]),
        "storage-only",
        NextStep.TICKET,
        "open a ticket",
        beside=Evidence(),
    ),
    Row(
        "a server that nobody can see",
        world(*AWAY, [stale()]),
        "server-unseen",
        NextStep.LEAVE,
        "ModelArts, bare metal or another enterprise project",
    ),
    Row(
        "a server that doesn't exist",
        world(*AWAY, [stale()]),
        "server-unseen",
        NextStep.REPAIR,
        "wants the server's id typed too",
        beside=Evidence(resets=True, witnesses=said(Witness.SERVER_GONE)),
    ),
    Row(
        "a server whose answer doesn't tell",
        world(*AWAY, [stale()]),
        "server-unseen",
        NextStep.LEAVE,
        "look there first",
        beside=Evidence(resets=True, witnesses=said(Witness.UNCLEAR)),
    ),
    Row(
        "a server out of sight that has it",
        world(*AWAY, [stale()]),
        "foreign",
        NextStep.LEAVE,
        "another enterprise project",
        beside=Evidence(resets=True, witnesses=said(Witness.PRESENT)),
        stuck=False,
    ),
    Row(
        "a server that another declared scope lists",
        world(*AWAY, [stale()]),
        "foreign",
        NextStep.LEAVE,
        "scope `arts` lists that server",
        beside=Evidence(resets=True, elsewhere={"id-web-1": "arts"}),
        stuck=False,
    ),
    Row(
        "compute alone shows it, and nobody decides about it",
        world(*ONE, [on("web-1/disk-1", COMPUTE)]),
        "compute-only",
        NextStep.TICKET,
        "storage may give the volume to somebody else",
    ),
    Row(
        "compute alone shows what is wanted",
        world(*ONE, [on("web-1/disk-1", COMPUTE)]),
        "compute-only",
        NextStep.TICKET,
        "open a ticket",
        entries=(of_server("web-1", "disk-1"),),
    ),
    Row(
        "compute alone shows what isn't wanted",
        world(*ONE, [on("web-1/disk-1", COMPUTE)]),
        "compute-only",
        NextStep.PLAN,
        "the next plan detaches it from the server",
        entries=(of_server("web-1"),),
    ),
    Row(
        "compute alone shows a volume that may not be read",
        world(["web-1"], [], [on("web-1/disk-1", COMPUTE)]),
        "compute-only",
        NextStep.WAIT,
        "check that it may be read",
    ),
    Row(
        "detaching, by no call of ours",
        world(["web-1"], [MOVING], [on("web-1/disk-1")]),
        "in-motion",
        NextStep.WAIT,
        "10 minutes",
    ),
    Row(
        "attaching, by its phase alone",
        world(*ONE, [on("web-1/disk-1", STORAGE, phase=Phase.ATTACHING)]),
        "in-motion",
        NextStep.WAIT,
        "10 minutes",
    ),
    Row(
        "moving, and no view says to which server",
        world(["web-1"], [MOVING]),
        "in-motion",
        NextStep.WAIT,
        "10 minutes",
    ),
    Row(
        "moving by a call of ours that has no known end",
        world(["web-1"], [MOVING], [on("web-1/disk-1")]),
        "unsettled",
        NextStep.PLAN,
        "`reconciler apply` finds out first",
        beside=Evidence(open_calls=calls()),
    ),
    Row(
        "moving for hours by a call of ours",
        world(["web-1"], [MOVING], [on("web-1/disk-1")]),
        "unsettled",
        NextStep.TICKET,
        "once its status was reset, `reconciler apply` closes the call",
        beside=Evidence(open_calls=calls(age_s=7200.0)),
    ),
    Row(
        "a call of ours without a known end, and nothing to be seen",
        world(*ONE),
        "unsettled",
        NextStep.PLAN,
        "issues nothing again",
        beside=Evidence(open_calls=calls(Verb.ATTACH)),
    ),
    Row(
        "a detach that ended in error",
        world(*ONE, [on("web-1/disk-1", phase=Phase.FAILED)]),
        "detach-failed",
        NextStep.TICKET,
        "no documented call",
    ),
    Row(
        "its last call failed, and it is still there",
        world(*ONE, ["web-1/disk-1"]),
        "job-failed",
        NextStep.PLAN,
        "plan again",
        entries=(of_server("web-1"),),
        beside=Evidence(last={KEY: FAILURE}),
    ),
)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_the_table(row: Row) -> None:
    ground = grounded(row.live, *row.entries, policy=row.policy)
    (made,) = diagnose(ground, row.beside)
    assert (made.ailment.value, made.step, made.stuck) == (row.code, row.step, row.stuck)
    assert row.hint in made.hint
    assert "disk-1" in made.summary


def test_a_volume_that_cant_be_shared_and_is_on_two_servers_is_told_on_both() -> None:
    live = world(*ONE, ["web-1/disk-1", "web-2/disk-1"])
    made = diagnose(grounded(live), Evidence())
    assert [one.ailment.value for one in made] == ["attached-twice"] * 2
    assert all("`web-1`, `web-2`" in one.summary for one in made)


def test_a_stale_record_beside_the_true_attachment_is_only_stale() -> None:
    live = world(*ONE, [stale("web-1/disk-1"), on("web-2/disk-1")])
    (made,) = diagnose(grounded(live, policy=ALLOWED), Evidence(resets=True))
    assert (made.key, made.ailment.value) == (KEY, "storage-only")


AT_REST = {
    "nothing": world(["web-1"], ["disk-1"]),
    "an attachment that both show": world(*ONE, ["web-1/disk-1"]),
    "a shared volume on two servers": world(
        ["web-1", "web-2"], [shared("disk-1")], ["web-1/disk-1", "web-2/disk-1"]
    ),
    "one view, where there is only one": world(*ONE, ["web-1/disk-1"], views=COMPUTE),
}


@pytest.mark.parametrize("live", AT_REST.values(), ids=AT_REST.keys())
def test_what_is_at_rest_and_agreed_is_not_told(live: Live) -> None:
    ground = grounded(live)
    assert diagnose(ground, Evidence(resets=True)) == ()
    assert suspects(ground) == ()
    assert unexplained(ground, {}) == ()


def test_a_failed_call_about_what_is_wanted_is_history() -> None:
    live = world(*ONE, ["web-1/disk-1"])
    ground = grounded(live, of_server("web-1", "disk-1"))
    assert diagnose(ground, Evidence(last={KEY: FAILURE})) == ()


def test_the_row_of_an_open_call_tells_for_its_whole_volume() -> None:
    live = world(["web-1", "web-2"], [MOVING], ["web-2/disk-1"])
    (made,) = diagnose(grounded(live), Evidence(open_calls=calls()))
    assert made.key == KEY


def test_an_incomplete_listing_says_nothing() -> None:
    live = replace(world(*ONE, [stale()]), complete=False)
    with pytest.raises(AssertionError):
        diagnose(grounded(live), Evidence())


def test_what_looks_stuck_is_looked_at_again_and_its_server_asked() -> None:
    attached = [stale(), on("web-2/disk-2", COMPUTE), stale("gone/disk-3"), on("web-1/disk-4")]
    live = world(["web-1", "web-2"], ["disk-1", "disk-2", "disk-3", "disk-4"], attached)
    ground = grounded(live)
    gone, other = key("gone", "disk-3"), key("web-2", "disk-2")
    assert suspects(ground) == tuple(sorted([KEY, gone, other]))
    assert unexplained(ground, {}) == tuple(sorted([KEY, gone]))
    assert unexplained(ground, {"id-gone": "arts"}) == (KEY,)
