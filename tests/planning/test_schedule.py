"""How a schedule looks: batches, needs, locks, names of steps, and the calls of small cases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.call import Verb
from reconciler.model.live import ANY_BUS
from reconciler.planning.schedule import Schedule, schedule
from tests.planning.building import (
    ECS,
    key,
    listed,
    of_server,
    of_volume,
    planned,
    server,
    shared,
    volume,
    world,
)

if TYPE_CHECKING:
    from reconciler.model.declared import Entry
    from reconciler.model.live import Live

NAMES = [f"s{i:02}" for i in range(40)]
EASY = replace(ECS, max_servers_per_volume=100)
"""More servers than any cloud takes, so that a volume needs more than one batch."""


def _made(live: Live, *entries: Entry) -> Schedule:
    return schedule(planned(live, *entries, can=EASY), EASY)


def _ids(made: Schedule) -> list[str]:
    return [step.id.replace("id-", "") for step in made.steps]


def test_nothing_to_do_is_no_step() -> None:
    made = _made(world(["a"], ["v"], ["a/v"]), of_server("a", "v"))
    assert (made.steps, made.waves(), made.batches) == ((), (), 0)


def test_a_shared_volume_goes_to_sixteen_servers_in_one_call() -> None:
    for servers, calls in ((1, 1), (2, 1), (16, 1), (17, 2), (32, 2), (33, 3)):
        live = world(NAMES, [shared("v")])
        made = _made(live, of_volume("v", *NAMES[:servers]))
        assert len(made.steps) == calls, servers
        assert sum(len(step.call.keys) for step in made.steps) == servers


def test_a_shared_volume_leaves_sixteen_servers_in_one_call() -> None:
    live = world(NAMES, [shared("v")], [f"{name}/v" for name in NAMES[:17]])
    made = _made(live, of_volume("v"))
    assert _ids(made) == ["detach:v@s00+15", "detach:v@s16"]


def test_volumes_that_can_not_be_shared_go_one_by_one() -> None:
    disks = ["u", "v", "w"]
    assert len(_made(world(["a"], disks), of_server("a", *disks)).steps) == 3
    live = world(["a"], disks, [f"a/{disk}" for disk in disks])
    assert len(_made(live, of_server("a")).steps) == 3


def test_two_shared_volumes_are_two_calls() -> None:
    live = world(["a", "b"], [shared("v"), shared("w")])
    made = _made(live, of_volume("v", "a", "b"), of_volume("w", "a", "b"))
    assert _ids(made) == ["attach:v@a+1", "attach:w@a+1"]
    assert made.batches == 2


def test_a_move_is_a_detach_and_an_attach_that_needs_it() -> None:
    live = world(["a", "b"], ["v"], ["a/v"])
    made = _made(live, of_server("a"), of_server("b", listed("v", "/dev/vdb", flag=True)))
    detach, attach, update = made.steps
    assert _ids(made) == ["detach:v@a", "attach:v@b", "update:v@b"]
    assert attach.needs == {key("b", "v"): ((Verb.DETACH, key("a", "v")),)}
    assert update.needs == {key("b", "v"): ((Verb.ATTACH, key("b", "v")),)}
    assert attach.call.devices == {key("b", "v"): "/dev/vdb"}
    assert (attach.call.delete_on_termination, update.call.delete_on_termination) == (None, True)
    assert detach.needs == {}
    assert made.waves() == ((detach,), (attach,), (update,))


def test_an_update_of_what_stays_needs_nothing() -> None:
    made = _made(world(["a"], ["v"], ["a/v"]), of_server("a", listed("v", flag=True)))
    assert (_ids(made), made.steps[0].needs) == (["update:v@a"], {})


def test_a_step_locks_its_volume_and_every_server_sorted() -> None:
    made = _made(world(["b", "a"], [shared("v")]), of_volume("v", "b", "a"))
    assert made.steps[0].locks == ("server:id-a", "server:id-b", "volume:id-v")


def test_a_server_of_twenty_three_disks_may_be_in_a_batch_and_one_of_more_may_not() -> None:
    for disks, calls in ((22, 1), (23, 1), (24, 2), (30, 2)):
        full = [f"d{i:02}" for i in range(disks)]
        live = world(["a", "b"], [*full, shared("v")], [f"a/{disk}" for disk in full])
        made = _made(live, of_volume("v", "a", "b"))
        assert len(made.steps) == calls, disks


def test_a_full_server_is_in_the_batch_after_its_detaches() -> None:
    full = [f"d{i:02}" for i in range(24)]
    live = world(["a", "b"], [*full, shared("v")], [f"a/{disk}" for disk in full])
    made = _made(live, of_server("a", *full[1:], "v"), of_server("b", "v"))
    assert _ids(made) == ["detach:d00@a", "attach:v@a+1"]
    assert made.steps[1].needs == {key("a", "v"): ((Verb.DETACH, key("a", "d00")),)}


def test_a_batch_waits_for_detaches_even_where_slots_are_free() -> None:
    full = [f"d{i:02}" for i in range(24)]
    roomy = replace(server("a"), free_slots={ANY_BUS: 30})
    live = world([roomy, "b"], [*full, shared("v")], [f"a/{disk}" for disk in full])
    made = _made(live, of_server("a", *full[1:], "v"), of_server("b", "v"))
    assert _ids(made) == ["detach:d00@a", "attach:v@a+1"]
    assert made.steps[1].needs == {key("a", "v"): ((Verb.DETACH, key("a", "d00")),)}


def test_a_single_attach_to_a_roomy_server_waits_for_nothing_it_does_not_need() -> None:
    full = [f"d{i:02}" for i in range(30)]
    roomy = replace(server("a"), free_slots={ANY_BUS: 30})
    live = world([roomy], [*full, "v"], [f"a/{disk}" for disk in full])
    made = _made(live, of_server("a", *full[1:], "v"))
    assert [step.needs for step in made.steps] == [{}, {}]


def test_what_can_not_be_shared_is_never_in_a_batch_even_if_seen_twice() -> None:
    live = world(["a", "b"], ["v"], ["a/v", "b/v"])
    assert _ids(_made(live, of_volume("v"))) == ["detach:v@a", "detach:v@b"]


def test_steps_that_need_nothing_of_each_other_share_a_wave() -> None:
    live = world(["a", "b"], ["t", "u", volume("v")], ["a/t", "b/u"])
    made = _made(live, of_server("a", "v"), of_server("b"))
    assert [len(wave) for wave in made.waves()] == [3]
    assert _ids(made) == ["detach:t@a", "detach:u@b", "attach:v@a"]
