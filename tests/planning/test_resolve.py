"""Entries as written and a listing -> what is desired: names, ids, selectors, contradictions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from reconciler.model.declared import Side
from reconciler.planning.resolve import resolve
from tests.planning.building import (
    chosen,
    codes,
    key,
    lines,
    listed,
    of_server,
    of_volume,
    paths,
    planned,
    server,
    shared,
    volume,
    world,
)

if TYPE_CHECKING:
    from reconciler.model.declared import Entry
    from reconciler.model.finding import Finding
    from reconciler.model.live import Live

LIVE = world(["db-1", "db-2", "web-1"], ["log", shared("shared-db"), shared("shared-log")])


def _only(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, [finding.summary for finding in findings]
    return findings[0]


def test_an_id_beats_a_name() -> None:
    confusing = [server("a", "id-a"), server("id-a", "id-other")]
    desired = resolve([of_server("id-a", "log")], world(confusing, ["log"]))
    assert list(desired.rows) == [(Side.SERVER, "id-a")]
    assert desired.entry_findings == ()


def test_a_name_and_an_id_reach_the_same_volume() -> None:
    for text in ("log", "id-log"):
        assert set(resolve([of_server("web-1", text)], LIVE).wanted) == {key("web-1", "log")}


def test_an_ambiguous_name_lists_both_ids() -> None:
    twins = world([server("web", "s-2"), server("web", "s-1")], ["log"], ["web-1/log"])
    finding = _only(resolve([of_server("web", "log")], twins).entry_findings)
    assert finding.code == "ambiguous-name"
    assert finding.summary == "2 servers bear the name `web`: `s-1`, `s-2`"
    assert resolve([of_server("s-2", "log")], twins).entry_findings == ()


def test_an_ambiguous_name_in_a_list_or_under_absent_is_refused() -> None:
    twins = world(["web-1"], [volume("log", "v-1"), volume("log", "v-2")])
    for entry in (of_server("web-1", "log"), of_server("web-1", absent=["log"])):
        finding = _only(resolve([entry], twins).entry_findings)
        assert (finding.code, "`v-1`, `v-2`" in finding.summary) == ("ambiguous-name", True)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("cafe\u0301", "caf\u00e9"),
        ("caf\u00e9", "cafe\u0301"),
        ("log", "log "),
        ("a b", "a\u00a0b"),
    ],
)
def test_an_absent_name_that_only_looks_like_one_that_is_there_is_refused(
    written: str, named: str
) -> None:
    there = world(["web-1", "web-2"], [volume(named, "id-v")], ["web-1/v"])
    for entry in (
        of_server("web-1", absent=[written], keep=True),
        of_server("web-1", absent=[written]),
    ):
        made = planned(there, entry)
        (refused,) = [one for one in made.findings if one.code == "volume-not-found"]
        assert "whose name looks the same is `id-v`" in refused.summary
        assert (made.permitted, made.in_line) == ((), False)
    assert planned(there, of_server("web-2", absent=[written], keep=True)).in_line


def test_what_does_not_exist_names_the_nearest_name_or_where_to_look() -> None:
    near = _only(resolve([of_server("web-1", "lgo")], LIVE).entry_findings)
    assert (near.code, near.hint) == ("volume-not-found", "did you mean `log`?")
    far = _only(resolve([of_server("zzzzzz")], LIVE).entry_findings)
    assert far.code == "server-not-found"
    assert far.summary == "no server has the name or id `zzzzzz`, of 3 live ones"
    assert "reconciler live" in far.hint


@dataclass(frozen=True)
class Refused:
    """Entries that hold the whole scope back, the codes and the places that are named."""

    id: str
    why: str
    entries: tuple[Entry, ...]
    code: str
    place: str
    also: str


REFUSED = (
    Refused(
        "one server by name and by id is a duplicate",
        "after resolution they are one row",
        (of_server("web-1", "log"), of_server("id-web-1")),
        "duplicate-entry",
        "servers.id-web-1",
        "servers.web-1",
    ),
    Refused(
        "one volume in two documents is a duplicate",
        "which of the two holds can't be told",
        (of_volume("log"), structs.replace(of_volume("id-log", "web-1"), document="other")),
        "duplicate-entry",
        "volumes.id-log",
        "volumes.log",
    ),
    Refused(
        "a server lists a volume whose own entry doesn't list it",
        "both own the attachment and disagree",
        (of_server("web-1", "log"), of_volume("log")),
        "contradiction",
        "servers.web-1.log",
        "volumes.log",
    ),
    Refused(
        "a volume lists a server whose own entry doesn't list it",
        "the other way round",
        (of_server("web-1"), of_volume("log", "web-1")),
        "contradiction",
        "volumes.log.web-1",
        "servers.web-1",
    ),
    Refused(
        "a selector chooses a server whose own entry doesn't list the volume",
        "a selector is a list that is written later",
        (of_server("web-1"), chosen("shared-db", "web-*")),
        "contradiction",
        "volumes.shared-db",
        "servers.web-1",
    ),
    Refused(
        "listed by the volume and under absent of a server that keeps others",
        "an explicit line contradicts where `others: keep` would not",
        (of_server("web-1", absent=["log"], keep=True), of_volume("log", "web-1")),
        "contradiction",
        "volumes.log.web-1",
        "servers.web-1",
    ),
    Refused(
        "listed and under absent of one entry",
        "it can't be both",
        (of_server("web-1", "log", absent=["id-log"]),),
        "contradiction",
        "servers.web-1.log",
        "servers.web-1.absent.id-log",
    ),
    Refused(
        "both sides ask for different devices",
        "the attach could honour only one",
        (
            of_server("web-1", listed("log", "/dev/vdb")),
            of_volume("log", listed("web-1", "/dev/vdc")),
        ),
        "contradiction",
        "servers.web-1.log",
        "volumes.log.web-1",
    ),
    Refused(
        "both sides ask for different deleteOnTermination",
        "the attachment could have only one",
        (
            of_server("web-1", listed("log", flag=True)),
            of_volume("log", listed("web-1", flag=False)),
        ),
        "contradiction",
        "servers.web-1.log",
        "volumes.log.web-1",
    ),
)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_what_holds_the_whole_scope_back(case: Refused) -> None:
    finding = _only(resolve(case.entries, LIVE).scope_findings)
    assert (finding.code, paths(finding.place, *finding.also)) == (
        case.code,
        [case.place, case.also],
    ), case.why
    made = planned(LIVE, *case.entries, of_server("db-2", "shared-log"))
    assert made.refused, case.why
    assert made.permitted == (), case.why


AGREEING = {
    "both list each other": (of_server("web-1", "log"), of_volume("log", "web-1")),
    "the server keeps others and doesn't list it": (
        of_server("web-1", keep=True),
        of_volume("log", "web-1"),
    ),
    "the volume keeps others and doesn't list it": (
        of_server("web-1", "log"),
        of_volume("log", keep=True),
    ),
    "one side says more than the other": (
        of_server("web-1", listed("log", "/dev/vdb")),
        of_volume("log", listed("web-1", flag=True)),
    ),
}


@pytest.mark.parametrize("entries", AGREEING.values(), ids=AGREEING)
def test_what_contradicts_nobody(entries: tuple[Entry, ...]) -> None:
    desired = resolve(entries, LIVE)
    assert (desired.scope_findings, desired.entry_findings) == ((), ())
    assert set(desired.wanted) == {key("web-1", "log")}


def test_what_one_side_leaves_open_the_other_decides() -> None:
    (wanted,) = resolve(AGREEING["one side says more than the other"], LIVE).wanted.values()
    assert wanted.attachment.device == "/dev/vdb"
    assert wanted.attachment.delete_on_termination is True
    assert paths(wanted.place) == ["servers.web-1.log"]


def test_two_lines_of_one_list_that_mean_the_same_are_refused() -> None:
    finding = _only(resolve([of_server("web-1", "log", "id-log")], LIVE).entry_findings)
    assert finding.code == "duplicate-listing"
    assert paths(finding.place, *finding.also) == ["servers.web-1.id-log", "servers.web-1.log"]


TAGGED = world(
    [
        replace(server("batch-1"), tags={"role": "batch", "team": "a"}),
        replace(server("batch-2"), tags={"role": "batch"}),
        replace(server("web-1"), tags={"role": "batch"}),
        replace(server("batch-3"), tags={"role": "web"}),
    ],
    [shared("scratch")],
)


@pytest.mark.parametrize(
    ("names", "tags", "found"),
    [
        ("batch-*", {"role": "batch"}, {"batch-1", "batch-2"}),
        (None, {"role": "batch"}, {"batch-1", "batch-2", "web-1"}),
        ("batch-*", {}, {"batch-1", "batch-2", "batch-3"}),
        ("batch-*", {"role": "batch", "team": "a"}, {"batch-1"}),
        ("BATCH-*", {}, set()),
        (None, {"role": "Batch"}, set()),
    ],
    ids=[
        "tags and names both count",
        "tags alone",
        "names alone",
        "all tags count",
        "case counts in names",
        "case counts in tags",
    ],
)
def test_a_selector_chooses_servers(
    names: str | None, tags: dict[str, str], found: set[str]
) -> None:
    desired = resolve([chosen("scratch", names, tags, allow_empty=True)], TAGGED)
    assert set(desired.wanted) == {key(name, "scratch") for name in found}
    assert desired.entry_findings == ()


def test_a_selector_that_matches_nobody_is_refused_and_detaches_nothing() -> None:
    live = replace(TAGGED, observed=world(["batch-1"], [], ["batch-1/scratch"]).observed)
    made = planned(live, chosen("scratch", "none-*"))
    assert codes(made) == ["entry-refused", "selector-empty"]
    assert lines(made) == ["detach batch-1/scratch refused: entry-refused"]
    assert made.refused_entries == 1
    assert not made.refused


def test_where_no_server_has_a_tag_the_hint_says_so() -> None:
    bare = {name: replace(server, tags={}) for name, server in TAGGED.servers.items()}
    made = planned(replace(TAGGED, servers=bare), chosen("scratch", tags={"role": "batch"}))
    (finding,) = made.findings
    assert (finding.code, finding.hint) == (
        "selector-empty",
        "the cloud tells no tag of any server: choose by `names`, or list the servers",
    )


def test_a_selector_that_may_match_nobody_owns_its_row() -> None:
    live = replace(TAGGED, observed=world(["batch-1"], [], ["batch-1/scratch"]).observed)
    made = planned(live, chosen("scratch", "none-*", allow_empty=True))
    assert lines(made) == ["detach batch-1/scratch"]


def _moving_in() -> Live:
    return world(
        ["web-1", "web-2"],
        ["log", "old", shared("shared-db")],
        ["web-2/log", "web-1/old", "web-2/shared-db"],
    )


def test_a_refused_entry_holds_its_row() -> None:
    made = planned(_moving_in(), of_server("web-1", "typo"))
    assert lines(made) == ["detach web-1/old refused: entry-refused"]
    assert "servers.web-1.typo" in paths(*(finding.place for finding in made.findings))


@pytest.mark.parametrize("name", ["log", "shared-db"])
def test_no_volume_that_a_refused_entry_lists_leaves(name: str) -> None:
    others = {"log", "shared-db"} - {name}
    made = planned(
        _moving_in(), of_server("web-1", "old", name, "typo"), of_server("web-2", *others)
    )
    assert made.permitted == (), "it would leave web-2 and arrive nowhere"
    assert "volume-not-found" in codes(made)


def test_no_volume_moves_out_of_a_refused_row() -> None:
    made = planned(_moving_in(), of_server("web-1", "typo"), of_server("web-2", "log", "old"))
    assert lines(made)[0] == "move web-2/old from web-1 refused: entry-refused"


def test_no_volume_leaves_for_a_server_that_is_not_found() -> None:
    made = planned(_moving_in(), of_server("wbe-1", "log", "shared-db"), of_server("web-2"))
    assert made.permitted == ()
    assert {change.refusals[0].code for change in made.changes} == {"entry-refused"}


def test_other_entries_go_on_beside_a_refused_one() -> None:
    made = planned(_moving_in(), of_server("nobody"), of_server("web-1"))
    assert lines(made) == ["detach web-1/old"]
    assert (made.refused_entries, made.refused) == (1, False)


def test_an_absent_volume_that_does_not_exist_is_satisfied() -> None:
    made = planned(_moving_in(), of_server("web-1", absent=["never-was"], keep=True))
    assert (made.changes, made.findings, made.refused_entries) == ((), (), 0)
    assert made.in_line


def test_an_absent_volume_that_is_elsewhere_is_satisfied() -> None:
    assert planned(_moving_in(), of_server("web-1", absent=["log"], keep=True)).in_line
