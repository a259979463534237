"""What a plan is where detaching deletes, where guests hold disks, where not everything shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.call import Verb
from reconciler.model.capabilities import Batch, BatchBy, Capabilities, SetBy
from reconciler.model.finding import Severity
from reconciler.model.plan import Circumstances
from reconciler.model.policy import WhenRunning
from reconciler.planning.schedule import schedule
from tests.planning.building import (
    COMPUTE,
    ECS,
    GENEROUS,
    codes,
    lines,
    listed,
    of_server,
    of_volume,
    planned,
    server,
    volume,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.declared import Entry
    from reconciler.model.live import Live, Server, Volume
    from reconciler.model.plan import Plan
    from reconciler.model.policy import Policy

DESKTOPS = Capabilities(
    views=COMPUTE,
    batch={Verb.DESTROY: Batch(by=BatchBy.SERVER, maximum=10)},
    has_jobs=True,
)
"""A cloud that attaches nothing, and whose detach deletes."""
NODES = Capabilities(attach=True, detach_keeps_data=True, views=COMPUTE, has_jobs=True)
"""A cloud that shows volumes only where they are attached."""
GUESTS = replace(ECS, guest_must_release=True, batch={}, delete_on_termination=SetBy.WITH_ATTACH)
ALLOWED = replace(GENEROUS, allow_destroy=True)
UUID = "1a2b3c4d-5e6f-4071-8293-a4b5c6d7e8f9"


def desktops(
    servers: Sequence[Server | str], volumes: Sequence[Volume | str], attached: Sequence[str]
) -> Live:
    """Give a listing that shows only what is attached, in one view."""
    return replace(world(servers, volumes, attached, COMPUTE), shows_free=False)


def destroying(
    *entries: Entry,
    live: Live,
    policy: Policy = ALLOWED,
    named: frozenset[str] | None = frozenset(),
) -> Plan:
    """Plan on the cloud of desktops."""
    return planned(
        live,
        *entries,
        policy=policy,
        can=DESKTOPS,
        circumstances=Circumstances(destroys=named),
    )


ONE = desktops(["a"], ["old", "new"], ["a/old", "a/new"])
ABSENT = of_server("a", absent=["old"], keep=True)


def test_what_is_not_listed_is_kept_and_reported() -> None:
    made = destroying(of_server("a", "new"), live=ONE)
    assert lines(made) == []
    assert [row.volume for row in made.unmanaged] == ["old"]


@pytest.mark.parametrize(
    ("policy", "named", "line"),
    [
        (GENEROUS, frozenset({"id-old"}), "destroy a/old refused: destroy-not-allowed"),
        (GENEROUS, None, "destroy a/old refused: destroy-not-allowed"),
        (ALLOWED, frozenset(), "destroy a/old refused: destroy-not-acknowledged"),
        (ALLOWED, frozenset({"new", "id-new", "ol"}), "destroy a/old refused: destroy-not-ack"),
        (ALLOWED, frozenset({"old"}), "destroy a/old"),
        (ALLOWED, frozenset({"id-old"}), "destroy a/old"),
        (ALLOWED, None, "destroy a/old"),
    ],
)
def test_a_destroy_wants_a_policy_and_a_name(
    policy: Policy, named: frozenset[str] | None, line: str
) -> None:
    (shown,) = lines(destroying(ABSENT, live=ONE, policy=policy, named=named))
    assert shown.startswith(line)
    assert ("refused" in shown) == ("refused" in line)


def test_a_volume_that_a_line_wants_is_never_destroyed_elsewhere() -> None:
    live = desktops(["a", "b"], ["old"], ["a/old"])
    made = destroying(ABSENT, of_server("b", "old"), live=live, named=frozenset({"id-old"}))
    assert "destroy a/old refused: destroy-not-allowed" in lines(made)


def test_circumstances_that_say_nothing_agree_to_no_destroy() -> None:
    made = planned(ONE, ABSENT, policy=ALLOWED, can=DESKTOPS)
    assert codes(made) == ["destroy-not-acknowledged"]


def test_a_name_means_the_disk_of_its_own_desktop() -> None:
    twins = [volume("data", "id-1"), volume("data", "id-2")]
    live = desktops(["a", "b"], twins, [])
    attached = desktops(["a", "b"], twins, ["a/1", "b/2"]).observed
    live = replace(live, observed=attached)
    made = destroying(of_server("b", absent=["data"], keep=True), live=live, named=None)
    assert [str(change.key) for change in made.changes] == ["shop:id-b/id-2"]
    gone = replace(live, observed={k: v for k, v in attached.items() if k.server_id == "id-a"})
    assert lines(destroying(of_server("b", absent=["data"], keep=True), live=gone)) == []


def test_a_name_whose_own_disk_is_gone_is_satisfied_however_many_others_bear_it() -> None:
    three = [volume("data", f"id-{n}") for n in (1, 2, 3)]
    entry = of_server("c", absent=["data"], keep=True)
    live = replace(
        desktops(["a", "b", "c"], three[:2], []),
        observed=desktops([], [], ["a/1", "b/2"]).observed,
    )
    made = destroying(entry, live=live, named=None)
    assert (lines(made), codes(made)) == ([], [])
    # Two on its own desktop: nobody knows which one is meant.
    own = replace(live, observed=desktops([], [], ["c/1", "c/2"]).observed)
    assert codes(destroying(entry, live=own, named=None)) == ["ambiguous-name"]


def test_a_name_that_two_of_the_destroys_bear_agrees_to_none_of_them() -> None:
    twins = [volume("data", "id-1"), volume("data", "id-2")]
    live = replace(
        desktops(["a", "b"], twins, []),
        observed=desktops(["a", "b"], twins, ["a/1", "b/2"]).observed,
    )
    rows = (of_server("a", absent=["data"], keep=True), of_server("b", absent=["data"], keep=True))
    both = destroying(*rows, live=live, named=frozenset({"data"}))
    assert codes(both) == ["destroy-not-acknowledged"] * 2
    one = destroying(*rows, live=live, named=frozenset({"id-2"}))
    assert [str(change.key) for change in one.permitted] == ["shop:id-b/id-2"]


def test_a_name_that_is_another_volumes_id_names_that_one() -> None:
    twins = [volume("id-2", "id-1"), volume("data", "id-2")]
    live = replace(
        desktops(["a"], twins, []), observed=desktops(["a"], twins, ["a/1", "a/2"]).observed
    )
    rows = of_server("a", absent=["id-1", "id-2"], keep=True)
    made = destroying(rows, live=live, named=frozenset({"id-2"}))
    assert [change.key.volume_id for change in made.permitted] == ["id-2"]


def test_destroys_count_in_every_limit() -> None:
    tight = replace(ALLOWED, max_detach=1)
    live = desktops(["a"], ["u", "v"], ["a/u", "a/v"])
    rows = of_server("a", absent=["u", "v"], keep=True)
    made = destroying(rows, live=live, policy=tight, named=None)
    assert [finding.code for finding in made.refusals] == ["limit-detach"]


def test_destroys_of_one_desktop_share_calls_of_ten() -> None:
    disks = [f"d{n}" for n in range(23)]
    live = desktops(["a", "b"], disks, [f"{'a' if n < 21 else 'b'}/d{n}" for n in range(23)])
    rows = (
        of_server("a", absent=disks[:21], keep=True),
        of_server("b", absent=disks[21:], keep=True),
    )
    steps = schedule(destroying(*rows, live=live, named=None), DESKTOPS).steps
    assert [(step.call.verb, len(step.call.keys)) for step in steps] == [
        (Verb.DESTROY, size) for size in (10, 10, 1, 2)
    ]
    assert all(len({key.server_id for key in step.call.keys}) == 1 for step in steps)


def test_a_volume_that_does_not_exist_can_not_be_attached_where_none_can() -> None:
    made = destroying(of_server("a", "old", "other"), live=ONE)
    (finding,) = made.findings
    assert finding.code == "volume-not-found"
    assert "has to be created first" in finding.hint
    made = destroying(of_server("a", "old", UUID), live=ONE)
    (finding,) = made.findings
    assert finding.code == "cannot-attach"
    assert "only creates new ones" in finding.summary


def test_an_id_that_is_not_shown_is_attached_where_only_attached_ones_are_shown() -> None:
    live = desktops(["a"], [], [])
    made = planned(live, of_server("a", UUID.upper()), can=NODES)
    assert [str(change.key) for change in made.permitted] == [f"shop:id-a/{UUID}"]
    made = planned(live, of_volume(UUID, "a"), can=NODES)
    assert [str(change.key) for change in made.permitted] == [f"shop:id-a/{UUID}"]
    made = planned(live, of_server("a", "a-name"), can=NODES)
    assert codes(made) == ["volume-not-found"]


def test_a_server_that_is_barred_is_left_alone_with_the_reason() -> None:
    barred = replace(server("a"), barred="is prepaid: its disks go with its order")
    live = desktops([barred, "b"], ["v", "w"], ["a/v", "b/w"])
    made = planned(live, of_server("a"), of_server("b", "v", "w"), can=NODES)
    (finding,) = made.findings
    assert finding.code == "server-barred"
    assert finding.summary == "server `a` is prepaid: its disks go with its order"


def test_what_the_cloud_does_not_tell_is_not_nothing() -> None:
    blind = replace(server("a"), attachments_known=False)
    live = desktops([blind, "b"], ["v"], ["b/v"])
    made = planned(live, of_server("a"), can=NODES)
    assert codes(made) == ["attachments-unknown"]
    assert not made.in_line
    made = planned(live, of_volume("v", "a"), can=NODES)
    assert codes(made) == ["attachments-unknown"]


RUNNING = world(["a", "b"], ["v"], ["a/v"])
STOPPED = world([replace(server("a"), running=False), "b"], ["v"], ["a/v"])


@pytest.mark.parametrize(
    ("live", "when", "can", "code", "permitted"),
    [
        (RUNNING, None, GUESTS, ["guest-release"], 0),
        (RUNNING, WhenRunning.REQUIRE, GUESTS, ["guest-release"], 0),
        (RUNNING, WhenRunning.WARN, GUESTS, ["guest-release"], 1),
        (RUNNING, WhenRunning.IGNORE, GUESTS, [], 1),
        (STOPPED, None, GUESTS, [], 1),
        (STOPPED, WhenRunning.REQUIRE, GUESTS, [], 1),
        (RUNNING, None, replace(GUESTS, guest_must_release=False), [], 1),
        (RUNNING, WhenRunning.REQUIRE, replace(GUESTS, guest_must_release=False), None, 0),
    ],
)
@pytest.mark.parametrize("to", ["", "b"])
def test_a_guest_that_may_hold_the_disk(
    live: Live,
    when: WhenRunning | None,
    can: Capabilities,
    code: list[str] | None,
    permitted: int,
    to: str,
) -> None:
    rows = (of_server("a"), of_server("b", "v")) if to else (of_server("a"),)
    made = planned(live, *rows, policy=replace(GENEROUS, when_running=when), can=can)
    assert codes(made) == (["guest-release"] if code is None else code)
    assert len(made.permitted) == permitted
    warned = {finding.severity for finding in made.findings} <= {Severity.WARNING}
    assert warned == bool(permitted)


def test_what_an_attach_carries_needs_no_call_of_its_own() -> None:
    live = world(["a"], ["v"])
    made = planned(live, of_server("a", listed("v", flag=True)), can=GUESTS)
    (step,) = schedule(made, GUESTS).steps
    assert (step.call.verb, step.call.delete_on_termination) == (Verb.ATTACH, True)
    plain = planned(live, of_server("a", "v"), can=GUESTS)
    (step,) = schedule(plain, GUESTS).steps
    assert step.call.delete_on_termination is None
