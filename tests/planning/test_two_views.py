"""The two-view table, row by row: what the views say, what the manifests say, what follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import pytest

from reconciler.model.attachment import Phase, View
from reconciler.model.declared import Unmanaged
from reconciler.model.live import VolumeStatus
from reconciler.model.plan import Circumstances, Standing
from reconciler.planning.ground import Seen, Wish
from reconciler.planning.planner import DECISIONS
from reconciler.planning.schedule import schedule
from tests.planning.building import (
    BOTH,
    COMPUTE,
    ECS,
    STORAGE,
    codes,
    grounded,
    key,
    lines,
    of_server,
    of_volume,
    on,
    planned,
    volume,
    world,
)

if TYPE_CHECKING:
    from reconciler.model.declared import Entry
    from reconciler.model.live import Live


@dataclass(frozen=True)
class Row:
    """One cell of the table and everything that a plan shows of it."""

    id: str
    why: str
    seen: Seen
    wish: Wish
    lines: tuple[str, ...] = ()
    kept: int = 0
    unmanaged: int = 0
    told: tuple[str, ...] = ()
    """Codes of what is told."""


TABLE = (
    Row(
        "wanted and nowhere is attached",
        "the ordinary attach",
        Seen.NOWHERE,
        Wish.WANTED,
        lines=("attach web-1/disk-1",),
    ),
    Row("unwanted and nowhere is nothing", "already gone", Seen.NOWHERE, Wish.UNWANTED),
    Row("kept and nowhere is nothing", "others may bring it", Seen.NOWHERE, Wish.KEPT),
    Row("unowned and nowhere is nothing", "nobody asks", Seen.NOWHERE, Wish.UNOWNED),
    Row(
        "wanted and agreed is kept",
        "both views have it",
        Seen.AGREED,
        Wish.WANTED,
        kept=1,
    ),
    Row(
        "unwanted and agreed is detached",
        "the row is owned and doesn't list it",
        Seen.AGREED,
        Wish.UNWANTED,
        lines=("detach web-1/disk-1",),
    ),
    Row(
        "kept and agreed is only told",
        "it belongs to another controller",
        Seen.AGREED,
        Wish.KEPT,
        unmanaged=1,
    ),
    Row(
        "a stray and agreed is detached",
        "the scope says `unmanaged: detach`",
        Seen.AGREED,
        Wish.STRAY,
        lines=("detach web-1/disk-1",),
    ),
    Row("unowned and agreed is only told", "nobody's", Seen.AGREED, Wish.UNOWNED, unmanaged=1),
    Row(
        "wanted and only in compute is a puzzle without a call",
        "an attach would be refused and a detach would take away what is wanted",
        Seen.COMPUTE_ONLY,
        Wish.WANTED,
        lines=("keep web-1/disk-1 unknown: views-disagree",),
        told=("views-disagree",),
    ),
    Row(
        "unwanted and only in compute is detached by compute",
        "the server has it, so the server can let it go",
        Seen.COMPUTE_ONLY,
        Wish.UNWANTED,
        lines=("detach web-1/disk-1",),
    ),
    Row(
        "kept and only in compute is only told",
        "not ours to settle",
        Seen.COMPUTE_ONLY,
        Wish.KEPT,
        unmanaged=1,
    ),
    Row(
        "unowned and only in compute is only told",
        "not ours to settle",
        Seen.COMPUTE_ONLY,
        Wish.UNOWNED,
        unmanaged=1,
    ),
    Row(
        "wanted and only in storage is not attached",
        "a stale record wants a repair by name, an attach would fail or make it worse",
        Seen.STORAGE_ONLY,
        Wish.WANTED,
        lines=("attach web-1/disk-1 refused: storage-only",),
        told=("storage-only",),
    ),
    Row(
        "unwanted and only in storage is not detached",
        "the server doesn't have it: there is nothing to take from it",
        Seen.STORAGE_ONLY,
        Wish.UNWANTED,
        lines=("detach web-1/disk-1 refused: storage-only",),
        told=("storage-only",),
    ),
    Row(
        "kept and only in storage is only told",
        "not ours to settle",
        Seen.STORAGE_ONLY,
        Wish.KEPT,
        unmanaged=1,
    ),
    Row(
        "unowned and only in storage is only told",
        "not ours to settle",
        Seen.STORAGE_ONLY,
        Wish.UNOWNED,
        unmanaged=1,
    ),
    Row(
        "unwanted on a server out of sight is foreign",
        "ModelArts, bare metal or another enterprise project has it",
        Seen.FOREIGN,
        Wish.UNWANTED,
        told=("foreign",),
    ),
    Row(
        "kept on a server out of sight is foreign",
        "never free, never stray",
        Seen.FOREIGN,
        Wish.KEPT,
        told=("foreign",),
    ),
    Row(
        "unowned on a server out of sight is foreign",
        "never free, never stray",
        Seen.FOREIGN,
        Wish.UNOWNED,
        told=("foreign",),
    ),
)
OUT_OF_REACH = {
    (Seen.FOREIGN, Wish.WANTED),
    *((seen, Wish.STRAY) for seen in Seen if seen is not Seen.AGREED),
}
"""A server out of sight can't be named, so nothing can be wanted on it; only what every view shows
is called a stray."""

VIEWS = {
    Seen.AGREED: BOTH,
    Seen.COMPUTE_ONLY: COMPUTE,
    Seen.STORAGE_ONLY: STORAGE,
    Seen.FOREIGN: STORAGE,
}


def _live(seen: Seen) -> Live:
    attached = [on("web-1/disk-1", VIEWS[seen])] if seen in VIEWS else []
    servers = ["web-2"] if seen is Seen.FOREIGN else ["web-1", "web-2"]
    return world(servers, ["disk-1"], attached)


def _entries(wish: Wish) -> tuple[Entry, ...]:
    return {
        Wish.WANTED: (of_server("web-1", "disk-1"),),
        Wish.UNWANTED: (of_volume("disk-1"),),
        Wish.KEPT: (of_volume("disk-1", keep=True),),
        Wish.UNOWNED: (),
        Wish.STRAY: (),
    }[wish]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.id)
def test_the_table(row: Row) -> None:
    live, entries = _live(row.seen), _entries(row.wish)
    stray = row.wish is Wish.STRAY
    about = Circumstances(unmanaged=Unmanaged.DETACH if stray else Unmanaged.REPORT)
    ground = grounded(live, *entries, circumstances=about)
    assert (ground.seen(key("web-1", "disk-1")), ground.wish(key("web-1", "disk-1"))) == (
        row.seen,
        row.wish,
    )
    made = planned(live, *entries, circumstances=about)
    assert lines(made) == list(row.lines), row.why
    assert len(made.kept) == row.kept, row.why
    assert len(made.unmanaged) == row.unmanaged, row.why
    assert codes(made) == list(row.told), row.why
    assert len(schedule(made, ECS).steps) == len(made.permitted)


def test_the_table_has_every_pair() -> None:
    assert DECISIONS.keys() == set(product(Seen, Wish))
    rows = {(row.seen, row.wish) for row in TABLE}
    assert rows == DECISIONS.keys() - OUT_OF_REACH
    assert len(rows) == len(TABLE)


@pytest.mark.parametrize("views", [(View.COMPUTE,), (View.STORAGE,)])
def test_a_cloud_with_one_view_always_agrees(views: tuple[View, ...]) -> None:
    live = world(["web-1"], ["disk-1"], ["web-1/disk-1"], views=views)
    can = replace(ECS, views=views)
    assert planned(live, of_server("web-1", "disk-1"), can=can).in_line
    assert lines(planned(live, of_server("web-1"), can=can)) == ["detach web-1/disk-1"]


@pytest.mark.parametrize("phase", [Phase.ATTACHING, Phase.DETACHING])
def test_what_moves_is_waited_for_wherever_it_is_wanted(phase: Phase) -> None:
    live = world(["web-1", "web-2"], ["disk-1"], [on("web-1/disk-1", phase=phase)])
    made = planned(live, of_server("web-1"), of_server("web-2", "disk-1"))
    assert lines(made) == [
        "detach web-1/disk-1 in motion: in-motion",
        "keep web-2/disk-1 in motion: in-motion",
    ]
    assert made.permitted == ()
    assert not made.in_line


def test_a_volume_that_says_it_moves_is_in_motion_without_any_attachment() -> None:
    disk = volume("disk-1", status=VolumeStatus.MOVING)
    made = planned(world(["web-1"], [disk]), of_server("web-1", "disk-1"))
    assert lines(made) == ["keep web-1/disk-1 in motion: in-motion"]
    assert "`moving`" in made.findings[0].summary


def test_what_moves_on_a_server_out_of_sight_is_foreign_and_not_waited_for() -> None:
    live = world(["web-1"], ["disk-1"], [on("away/disk-1", STORAGE, phase=Phase.ATTACHING)])
    made = planned(live, of_volume("disk-1"))
    assert (lines(made), codes(made)) == ([], ["foreign"])


def test_what_moves_and_is_nobodys_is_only_told() -> None:
    live = world(["web-1"], ["disk-1"], [on("web-1/disk-1", phase=Phase.DETACHING)])
    made = planned(live)
    assert (made.changes, len(made.unmanaged), made.findings) == ((), 1, ())


def test_a_move_away_from_what_only_compute_shows_is_a_move() -> None:
    live = world(["web-1", "web-2"], ["disk-1"], [on("web-1/disk-1", COMPUTE)])
    made = planned(live, of_server("web-1"), of_server("web-2", "disk-1"))
    assert lines(made) == ["move web-2/disk-1 from web-1"]


def test_what_only_storage_shows_is_never_attached_elsewhere() -> None:
    live = world(["web-1", "web-2"], ["disk-1"], [on("web-1/disk-1", STORAGE)])
    for entries in (
        (of_server("web-2", "disk-1"),),
        (of_server("web-1"), of_server("web-2", "disk-1")),
        (of_volume("disk-1", "web-2"),),
    ):
        made = planned(live, *entries)
        assert "attach web-2/disk-1 refused: storage-only" in lines(made)
        assert all(change.standing is Standing.REFUSED for change in made.changes)
        assert schedule(made, ECS).steps == ()
