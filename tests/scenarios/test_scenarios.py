"""Every row of the table holds, and the table has what it promises."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.architecture.codes import guards
from tests.scenarios.playing import played
from tests.scenarios.row import HERE, KINDS, rows
from tests.scenarios.telling import differences

if TYPE_CHECKING:
    from pathlib import Path

    from tests.scenarios.row import Row

ROWS = tuple(rows())
GUARDS = sorted(guards())
AT_LEAST = 100


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_it_holds(row: Row, tmp_path: Path) -> None:
    told = differences(row, played(row, tmp_path))
    if told:
        pytest.fail("\n".join([f"{row.file}: {row.name}", *told]), pytrace=False)


def test_there_are_enough_rows_and_each_has_a_name_of_its_own() -> None:
    named = Counter(row.name for row in ROWS)
    assert [name for name, count in named.items() if count > 1] == []
    assert len(ROWS) >= AT_LEAST


@pytest.mark.parametrize("guard", GUARDS)
def test_each_guard_is_seen_to_refuse_to_pass_at_its_edge_and_where_someone_tries(
    guard: str,
) -> None:
    assert {row.kind for row in ROWS if guard in row.guards} >= set(KINDS)


def test_rows_name_guards_and_kinds_that_there_are() -> None:
    for row in ROWS:
        assert set(row.guards) <= set(GUARDS), row.name
        assert row.kind in KINDS if row.guards else not row.kind, row.name
        refusing = row.kind == "refuses"
        assert not refusing or set(row.guards) <= set(row.findings), row.name
        assert not refusing or max(row.exits.values()) > 0, row.name
        assert row.kind != "passes" or not set(row.guards) & set(row.findings), row.name


def test_every_cloud_has_its_rows() -> None:
    clouds: dict[str, int] = defaultdict(int)
    for row in ROWS:
        clouds[row.sides[0].cloud] += 1
    assert len(clouds) == 4
    assert min(clouds.values()) >= 5, clouds


def test_a_row_that_expects_something_else_fails_in_words(tmp_path: Path) -> None:
    row = next(row for row in ROWS if row.name == "one volume may always leave")
    wrong = replace(row, findings=("limit-detach",), calls=(), exits={"apply": 3}, says=("never",))
    told = differences(wrong, played(row, tmp_path))
    assert told[:4] == [
        "  finding expected, and missing: limit-detach",
        "  call that nobody expected: detach c from web-1",
        "  `apply` ended with 0, 3 was expected",
        "  it never said: never",
    ]


def test_the_folder_says_how_a_row_is_written() -> None:
    text = (HERE / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{key}` |" in text for key in ("declared", "live", "meanwhile", "calls", "exit"))
