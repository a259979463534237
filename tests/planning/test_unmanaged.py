"""`unmanaged: detach`: what nobody owns leaves, and what must never leave because of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from reconciler.model.attachment import Phase
from reconciler.model.declared import Side, Unmanaged
from reconciler.model.finding import Severity
from reconciler.model.live import VolumeStatus
from reconciler.model.memory import Memory, Protected, Remembers
from reconciler.model.plan import Circumstances
from reconciler.model.policy import Policy
from reconciler.providers.huawei_modelarts import SPEC as MODELARTS
from reconciler.providers.huawei_workspace import SPEC as WORKSPACE
from tests.planning.building import (
    COMPUTE,
    GENEROUS,
    STORAGE,
    codes,
    lines,
    of_server,
    of_volume,
    on,
    planned,
    server,
    shared,
    volume,
    world,
)

if TYPE_CHECKING:
    from reconciler.model.attachment import Observed
    from reconciler.model.capabilities import Capabilities
    from reconciler.model.declared import Entry
    from reconciler.model.live import Server, Volume

DETACH = Circumstances(unmanaged=Unmanaged.DETACH)
MINE = of_server("a", "v")
NODE = replace(server("n"), owner_marks=("CCE-Cluster-ID",))
BARRED = replace(server("n"), barred="is a node of Kubernetes")
CLAIM = structs.replace(volume("w"), owner_marks=("pvc-1",))
MOVING = structs.replace(volume("w"), status=VolumeStatus.MOVING)


@pytest.mark.parametrize(
    ("there", "disk", "seen", "entries"),
    [
        (NODE, volume("w"), on("n/w"), []),
        (BARRED, volume("w"), on("n/w"), []),
        (server("n"), CLAIM, on("n/w"), []),
        (server("n"), volume("w"), on("n/w", boot=True), []),
        (server("n"), structs.replace(volume("w"), boot=True), on("n/w"), []),
        (server("n"), MOVING, on("n/w"), []),
        (server("n"), volume("w"), on("n/w", phase=Phase.DETACHING), []),
        (server("n"), volume("w"), on("n/w", COMPUTE), []),
        (server("n"), volume("w"), on("n/w", STORAGE), []),
        (server("n"), volume("w"), on("away/w", STORAGE), []),
        (server("n"), volume("x"), on("n/w"), []),
        (server("n"), volume("w"), on("n/w"), [of_server("n", keep=True)]),
        (server("n"), volume("w"), on("n/w"), [of_volume("w", keep=True)]),
        (server("n"), volume("w"), on("n/w"), [of_server("N", "w")]),
        (server("n"), volume("w"), on("n/w"), [of_server("a-typo", "v")]),
    ],
    ids=[
        "a node of a cluster",
        "a server that the cloud never changes",
        "a volume of another controller",
        "a boot volume by its server",
        "a boot volume by itself",
        "a volume in motion",
        "an attachment in motion",
        "what only compute shows",
        "what only storage shows",
        "what is on a server out of sight",
        "a volume that storage doesn't list",
        "what a server's entry leaves to others",
        "what a volume's entry leaves to others",
        "everything while an entry means nobody",
        "everything while an entry is misspelt",
    ],
)
def test_what_is_never_a_stray(
    there: Server, disk: Volume, seen: Observed, entries: list[Entry]
) -> None:
    live = world(["a", there], ["v", disk], ["a/v", seen])
    made = planned(live, MINE, *entries, circumstances=DETACH)
    assert [row for row in lines(made) if row.startswith(("detach", "move"))] == []
    assert len(made.permitted) == 0


def test_a_stray_leaves_and_what_is_owned_stays() -> None:
    live = world(["a", "n"], ["v", "w", shared("s")], ["a/v", "n/w", "n/s"])
    made = planned(live, MINE, circumstances=replace(DETACH, ack_detach=2))
    assert lines(made) == ["detach n/s", "detach n/w"]
    assert made.unmanaged == ()
    assert "nobody owns it" in made.changes[0].reason
    assert not made.in_line


def test_what_is_left_to_another_controller_is_told_once() -> None:
    live = world(["a", NODE], ["v", "w", "x"], ["a/v", "n/w", "n/x"])
    made = planned(live, MINE, circumstances=DETACH)
    (note,) = made.findings
    assert (note.code, note.severity) == ("left-to-controller", Severity.NOTE)
    assert note.summary.startswith("2 attachments that nobody owns are left")
    assert "`CCE-Cluster-ID`" in note.summary
    assert len(made.unmanaged) == 2
    assert made.in_line


def test_a_stray_that_is_wanted_elsewhere_moves() -> None:
    live = world(["a", "n"], ["v"], ["n/v"])
    assert lines(planned(live, MINE, circumstances=DETACH)) == ["move a/v from n"]
    kept = world(["a", NODE], ["v"], ["n/v"])
    made = planned(kept, MINE, circumstances=DETACH)
    assert lines(made) == ["attach a/v refused: held-by-unmanaged"]


def test_strays_count_in_every_limit_and_not_as_owned() -> None:
    names = [f"v{i}" for i in range(4)]
    live = world(["a", "n"], ["v", *names], ["a/v", *(f"n/{name}" for name in names)])
    made = planned(
        live, MINE, policy=replace(GENEROUS, max_detach_per_server=3), circumstances=DETACH
    )
    assert codes(made) == ["limit-detach", "limit-detach-per-server"]
    assert made.refusals[0].summary.startswith(
        "4 attachments, 4 of them nobody's, beside 1 owned one would be detached, 1 may be"
    )
    made = planned(live, MINE, policy=Policy(), circumstances=replace(DETACH, ack_detach=4))
    assert len(made.permitted) == 4


def test_without_a_memory_no_stray_leaves() -> None:
    live = world(["a", "n"], ["v", "w"], ["a/v", "n/w"])
    made = planned(live, MINE, circumstances=replace(DETACH, needs_memory=True))
    assert codes(made) == ["no-memory"]


@pytest.mark.parametrize(
    ("can", "code"),
    [(WORKSPACE.can, "unmanaged-destroys"), (MODELARTS.can, "unmanaged-unclear")],
    ids=["where a detach destroys", "where no marks are shown"],
)
def test_clouds_where_it_is_refused(can: Capabilities, code: str) -> None:
    live = world(["a", "n"], ["v", "w"], ["a/v", "n/w"], views=COMPUTE)
    made = planned(live, MINE, can=can, circumstances=DETACH)
    assert [finding.code for finding in made.refusals] == [code]
    assert made.permitted == ()
    assert not planned(live, MINE, can=can).refused


def _remembered(*documents: str, of: Remembers = Remembers.JOURNAL) -> Memory:
    safe = Protected(side=Side.SERVER, name="n", owner_id="id-n")
    return Memory(
        of=of, policy=GENEROUS, documents=frozenset(documents), protected=frozenset({safe})
    )


@pytest.mark.parametrize(
    ("memories", "now", "refused"),
    [
        ((_remembered("shop", "stock"),), {"shop"}, True),
        ((_remembered("shop"),), {"shop", "stock"}, False),
        ((_remembered("shop"),), set(), True),
        ((_remembered("shop"),), {"renamed"}, True),
        ((_remembered("shop"), _remembered("stock", of=Remembers.GIT)), {"shop"}, True),
        ((), {"shop"}, False),
    ],
    ids=[
        "one is gone",
        "one came",
        "all are gone",
        "one has another name",
        "one is gone since the commit",
        "nothing is remembered",
    ],
)
def test_a_set_that_shrank_is_refused(
    memories: tuple[Memory, ...], now: set[str], *, refused: bool
) -> None:
    live = world(["a", "n"], ["v", "w"], ["a/v", "n/w"])
    about = replace(DETACH, memories=memories, documents=frozenset(now))
    made = planned(live, MINE, circumstances=about)
    assert ("shrunk-set" in [finding.code for finding in made.refusals]) is refused
    protected = "protected" in codes(made)
    assert protected is bool(memories), "what was protected isn't a stray to be taken either"
    plain = planned(live, MINE, circumstances=replace(about, unmanaged=Unmanaged.REPORT))
    assert not plain.refused, "who detaches nothing of nobody's may leave documents out"
