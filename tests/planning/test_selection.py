"""What `--target` and `--exclude` leave in."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from reconciler.model.plan import Circumstances
from tests.planning.building import lines, of_server, planned, server, volume, world

LIVE = world(
    ["web-1", "web-2", "db-1"],
    ["old", "new", "log", "gone"],
    ["web-1/old", "web-2/log", "db-1/gone"],
)
ENTRIES = (of_server("web-1", "new"), of_server("web-2"), of_server("db-1", "log"))
GONE, LOG, NEW, OLD = (
    "detach db-1/gone",
    "move db-1/log from web-2",
    "attach web-1/new",
    "detach web-1/old",
)
ALL = (GONE, LOG, NEW, OLD)


@dataclass(frozen=True)
class Case:
    """Globs and the lines that stay."""

    id: str
    targets: tuple[str, ...]
    excludes: tuple[str, ...]
    stays: tuple[str, ...]


CASES = (
    Case("without globs everything stays", (), (), ALL),
    Case("a server alone means all of its volumes", ("web-1",), (), (NEW, OLD)),
    Case("a server and a volume mean one attachment", ("web-1/old",), (), (OLD,)),
    Case("a volume on any server", ("*/o*",), (), (OLD,)),
    Case("an empty part matches everything", ("/new",), (), (NEW,)),
    Case("globs match many", ("web-*",), (), (LOG, NEW, OLD)),
    Case("a set of letters is a glob too", ("*/[no]*",), (), (NEW, OLD)),
    Case("ids are as good as names", ("id-web-1/id-new",), (), (NEW,)),
    Case("names and ids may be mixed", ("web-1/id-new",), (), (NEW,)),
    Case("two targets add up", ("*/new", "*/gone"), (), (GONE, NEW)),
    Case("a move matches by where it arrives", ("db-1/log",), (), (LOG,)),
    Case("a move matches by where it leaves", ("web-2/log",), (), (LOG,)),
    Case("a move matches by the id of where it leaves", ("id-web-2",), (), (LOG,)),
    Case("a move is excluded by where it leaves", (), ("web-2",), (GONE, NEW, OLD)),
    Case("exclude wins over target", ("web-1",), ("*/old",), (NEW,)),
    Case("exclude alone leaves the rest", (), ("web-1",), (GONE, LOG)),
    Case("the scope's name may be a glob", ("sh*:web-1",), (), (NEW, OLD)),
    Case("another scope's target leaves nothing here", ("other:*",), (), ()),
    Case("another scope's exclude takes nothing here", (), ("other:*",), ALL),
    Case("case counts", ("WEB-1",), (), ()),
    Case("nothing matches a name that isn't there", ("web-9",), (), ()),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_selection(case: Case) -> None:
    circumstances = Circumstances(targets=case.targets, excludes=case.excludes)
    made = planned(LIVE, *ENTRIES, circumstances=circumstances)
    assert lines(made) == list(case.stays)
    assert made.unselected == len(ALL) - len(case.stays)


def test_a_selection_changes_nothing_of_what_is_kept_or_owned() -> None:
    whole = planned(LIVE, *ENTRIES)
    part = planned(LIVE, *ENTRIES, circumstances=Circumstances(targets=("web-1",)))
    assert (part.kept, part.owned, part.unmanaged) == (whole.kept, whole.owned, whole.unmanaged)


SLASHED = world(
    [server("rack/web", "id-a"), server("rack", "id-b"), server("db", "id-c")],
    [volume("one", "id-v"), volume("web/one", "id-w"), volume("pvc/two", "id-u")],
    ["a/v", "b/w", "a/u"],
)
ROWS = (of_server("id-a"), of_server("id-b"))
ONE, TWO, OTHER = (
    "detach rack/web/one",
    "detach rack/web/pvc/two",
    "detach rack/web/one",
)


@pytest.mark.parametrize(
    ("target", "leaving", "clear"),
    [
        pytest.param("rack/web/pvc/two", [TWO], True, id="both names hold a slash"),
        pytest.param("rack/web", [TWO, ONE], True, id="a server alone"),
        pytest.param("*/*", [TWO, ONE, OTHER], True, id="what has all that any reading has"),
        pytest.param("id-a/id-v", [ONE], True, id="ids are always clear"),
        pytest.param("*/pvc/*", [TWO], True, id="a volume by a part of its name"),
        pytest.param("rack/web/one", [ONE, OTHER], False, id="two attachments are written alike"),
        pytest.param("rack/web/", [], True, id="what leaves a name out isn't everything"),
    ],
)
def test_names_may_hold_slashes(target: str, leaving: list[str], *, clear: bool) -> None:
    made = planned(SLASHED, *ROWS, circumstances=Circumstances(targets=(target,)))
    read = made.read_as.get(target, {})
    assert (sorted(lines(made)), any(read.values()) or not read) == (sorted(leaving), clear)
