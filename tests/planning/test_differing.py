"""Live, applied and manifests: each way in which two or three of them differ, and its answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.model.attachment import Observed, Phase, View
from reconciler.model.declared import Entry, Side
from reconciler.model.finding import Place
from reconciler.model.plan import Circumstances
from reconciler.model.policy import Acceptance
from reconciler.model.record import NamedAttachment
from reconciler.planning.differing import Comparison, compare
from reconciler.planning.planner import plan
from tests.planning.building import (
    ECS,
    GENEROUS,
    STORAGE,
    grounded,
    listed,
    of_server,
    of_volume,
    on,
    shared,
    world,
)

if TYPE_CHECKING:
    from reconciler.model.live import Live

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SERVERS = ["a", "b", "c", "nobody"]
OWNED = ("a", "b", "c")
"""The servers whose rows the last apply owned, unless a case says otherwise."""


def compared(
    live: Live,
    *entries: Entry,
    applied: str | None,
    owned: tuple[str, ...] = OWNED,
    accept: str = "",
) -> Comparison:
    """Compare; `applied` lists `SERVER/VOLUME` between blanks, None: nothing is on record."""
    rows = None
    if applied is not None:
        pairs = [pair.split("/") for pair in applied.split()]
        rows = frozenset(
            NamedAttachment(server_id=f"id-{s}", volume_id=f"id-{v}", server=s, volume=v)
            for s, v in pairs
        )
    circumstances = Circumstances(applied=rows, now=NOW)
    policy = replace(GENEROUS, accept=tuple(_accepted(accept)))
    ground = grounded(live, *entries, policy=policy, circumstances=circumstances)
    made = plan(ground.desired, live, policy, ECS, circumstances)
    sides = frozenset((Side.SERVER, f"id-{name}") for name in owned)
    return compare(made, ground, entries, sides)


def _accepted(pair: str) -> list[Acceptance]:
    if not pair:
        return []
    server, volume = pair.split("/")
    place = Place(file="p.yaml", line=1, column=1)
    until = date(2026, 12, 31)
    return [
        Acceptance(
            scope="shop", server=server, volume=volume, until=until, reason="INC-1", place=place
        )
    ]


def lines(found: Comparison) -> list[str]:
    """Give each difference as a line."""
    return [
        f"{one.answer.value}: {one.kind.value} {one.name.server}/{one.name.volume}"
        + (f" on {one.found_server}" if one.found_server else "")
        for one in found.differences
    ]


@dataclass(frozen=True, kw_only=True)
class Case:
    """Three words and what they make: `SERVER/VOLUME` between blanks."""

    live: str
    applied: str | None
    wanted: str
    says: tuple[str, ...] = ()
    owned: tuple[str, ...] = OWNED
    entries: tuple[str, ...] = ("a", "b", "c")
    """The servers that have an entry; `nobody` never has one."""


CASES = {
    "all three agree": Case(live="a/v", applied="a/v", wanted="a/v"),
    "nobody has anything": Case(live="", applied="", wanted=""),
    "live lost it": Case(live="", applied="a/v", wanted="a/v", says=("drift: missing a/v",)),
    "live moved it": Case(
        live="b/v", applied="a/v", wanted="a/v", says=("drift: moved a/v on b",)
    ),
    "live moved it to a server that nobody owns": Case(
        live="nobody/v", applied="a/v", wanted="a/v", says=("drift: moved a/v on nobody",)
    ),
    "live got one more": Case(
        live="a/v a/w", applied="a/v", wanted="a/v", says=("drift: added a/w",)
    ),
    "a newly owned row takes what was there, and that is no drift": Case(
        live="b/w", applied="a/v", wanted="", entries=("b",), owned=("a",),
        says=("pending: detach b/w",),
    ),
    "what nobody owns is nobody's": Case(live="nobody/w", applied="", wanted=""),
    "a commit adds one": Case(
        live="a/v", applied="a/v", wanted="a/v a/w", says=("pending: attach a/w",)
    ),
    "a commit takes one": Case(
        live="a/v", applied="a/v", wanted="", says=("pending: detach a/v",)
    ),
    "a commit moves one": Case(
        live="a/v", applied="a/v", wanted="b/v", says=("pending: move b/v on a",)
    ),
    "a commit moves one that no apply ever owned": Case(
        live="b/v", applied="a/w", wanted="a/w a/v", owned=("a",),
        says=("pending: move a/v on b", "drift: missing a/w"),
    ),
    "a commit takes the entry away": Case(
        live="a/v", applied="a/v", wanted="", entries=("b",), says=("pending: released a/v",)
    ),
    "both moved it, to different places": Case(
        live="b/v", applied="a/v", wanted="c/v", says=("conflict: move c/v on b",)
    ),
    "live lost what a commit moves": Case(
        live="", applied="a/v", wanted="b/v", says=("conflict: attach b/v",)
    ),
    "live moved what a commit takes": Case(
        live="b/v", applied="a/v", wanted="", says=("conflict: added b/v",)
    ),
    "live got what a commit wants elsewhere": Case(
        live="b/v", applied="", wanted="a/v", says=("conflict: move a/v on b",)
    ),
    "both moved it to one place": Case(live="b/v", applied="a/v", wanted="b/v"),
    "both took it": Case(live="", applied="a/v", wanted=""),
    "both added it": Case(live="a/v", applied="", wanted="a/v"),
    "drift and pending of two volumes stay apart": Case(
        live="b/v", applied="a/v", wanted="a/v c/w",
        says=("drift: moved a/v on b", "pending: attach c/w"),
    ),
    "without a record the manifests stand for it": Case(
        live="a/w", applied=None, wanted="a/v", owned=(),
        says=("drift: missing a/v", "drift: added a/w"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_way_to_differ_has_its_answer(case: Case) -> None:
    live = world(SERVERS, ["v", "w"], case.live.split())
    wanted = [pair.split("/") for pair in case.wanted.split()]
    entries = [of_server(s, *(v for at, v in wanted if at == s)) for s in case.entries]
    found = compared(live, *entries, applied=case.applied, owned=case.owned)
    assert lines(found) == list(case.says)
    assert found.remembered is (case.applied is not None)


def test_a_shared_volume_differs_attachment_by_attachment() -> None:
    live = world(SERVERS, [shared("v")], ["a/v", "c/v"])
    found = compared(live, of_volume("v", "a", "b", "nobody"), applied="a/v b/v c/v", owned=OWNED)
    assert lines(found) == [
        "drift: missing b/v",
        "pending: detach c/v",
        "pending: attach nobody/v",
    ]


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (on("a/v", STORAGE), ["drift: disputed a/v"]),
        (on("a/v", (View.COMPUTE,)), ["drift: disputed a/v"]),
        (on("a/v", phase=Phase.DETACHING), []),
        (on("b/v", boot=True), ["drift: missing a/v"]),
        (on("elsewhere/v", STORAGE), ["drift: moved a/v on id-elsewhere"]),
    ],
    ids=["storage alone", "compute alone", "in motion", "booted from", "on a server unseen"],
)
def test_what_the_views_say_matters(seen: Observed, says: list[str]) -> None:
    live = world(["a", "b"], ["v"], [seen])
    found = compared(live, of_server("a", "v"), of_server("b"), applied="a/v")
    assert lines(found) == says
    assert found.moving == (frozenset({"id-v"}) if not says else frozenset())


@pytest.mark.parametrize("written", [True, False])
def test_what_storage_shows_on_a_server_that_was_deleted_is_disputed(*, written: bool) -> None:
    live = world(["b"], ["v"], [on("a/v", STORAGE)])
    entries = [of_server("a", "v"), of_server("b")]
    says = ["drift: disputed a/v"] if written else ["pending: released a/v"]
    assert lines(compared(live, *entries[not written :], applied="a/v")) == says


def test_accepted_drift_is_no_difference() -> None:
    live = world(["a"], ["v"], ["a/v"])
    found = compared(live, of_server("a"), applied="", accept="a/v")
    assert lines(found) == []
    assert [one.judged.value for one in found.attachments] == ["accepted"]


def test_an_attribute_set_otherwise_is_pending_because_no_record_has_it() -> None:
    live = world(["a"], ["v"], [on("a/v", flag=True)])
    found = compared(live, of_server("a", listed("v", flag=False)), applied="a/v")
    assert lines(found) == ["pending: update a/v"]


@pytest.mark.parametrize("gone", ["server", "volume"])
def test_what_is_gone_from_the_cloud_and_still_written_is_missing(gone: str) -> None:
    live = world(["b"] if gone == "server" else ["a", "b"], ["v"] if gone == "server" else [], [])
    found = compared(live, of_server("a", "v"), of_server("b"), applied="a/v")
    assert lines(found) == ["drift: missing a/v"], "by the names of the last apply"
    assert lines(compared(live, of_server("b"), applied="a/v")) == [], "nobody names it now"


def test_the_picture_has_every_attachment_once_with_its_judgement() -> None:
    live = world(
        SERVERS, ["v", "w", "x", "boot"], ["a/v", "a/w", "nobody/x", on("a/boot", boot=True)]
    )
    found = compared(live, of_server("a", "v"), of_server("b", "y"), applied="a/v")
    shown = [
        f"{o.name.server}/{o.name.volume} {o.judged.value} {o.live}" for o in found.attachments
    ]
    assert shown == ["a/v in line True", "a/w drift True", "nobody/x unmanaged True"]
