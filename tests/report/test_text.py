"""Text for people: columns line up, source lines fit, and work grows as the plan does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.plan import Action, Plan
from reconciler.report.document import finding_row
from reconciler.report.formats import rendered
from reconciler.report.look import Look, width
from reconciler.report.text import finding_lines, plan_text
from tests.report.plans import change, document, finding, place, told, troubled

COUNT = 2000


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("web-1", 5),
        ("웹", 2),
        ("\u110b\u1170\u11b8", 2),  # The same, as some file systems spell it.
        ("数据盘", 6),
        ("e\u0301", 1),
        ("ﾃﾞｰﾀ", 4),
        ("💾", 2),
    ],
)
def test_a_character_takes_the_columns_that_a_terminal_gives_it(text: str, columns: int) -> None:
    assert width(text) == columns


def test_reasons_line_up_below_names_of_any_script() -> None:
    lines = [line for line in plan_text(troubled()).splitlines() if "its row is" in line]
    mine = [line for line in lines if "web-9" not in line]
    assert len({width(line.partition("its row is")[0]) for line in mine}) == 1


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("offset", [0, 150, 299])
@pytest.mark.parametrize("filler", ["x", "웹", "\x1b"])
def test_a_long_source_line_is_shown_around_its_marker(
    columns: int, offset: int, filler: str
) -> None:
    line = filler * offset + "HERE" + filler * (300 - offset)
    here = replace(finding("code", "words"), place=place(7, line, offset + 1))
    _, _, _, source, marker, _ = finding_lines(finding_row(here), Look(columns=columns))
    assert width(source) <= columns
    assert width(source.partition("HERE")[0]) == marker.index("^")


def test_no_line_of_changes_is_wider_than_the_terminal() -> None:
    for line in plan_text(troubled(), Look(columns=40)).splitlines():
        assert width(line) <= 40 or not line.startswith(("    ! ", "    - ", "    x "))


class Counted(dict[str, Any]):
    """A row that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return super().__eq__(other)

    __hash__ = None


def test_ten_times_the_changes_are_ten_times_the_work() -> None:
    for form in ("text", "junit", "markdown", "html", "sarif"):
        few, many = (compared(form, count) for count in (COUNT // 10, COUNT))
        assert many <= 10 * few + 10, f"{form}: {few} comparisons, then {many}"


def compared(form: str, count: int) -> int:
    """Count how often findings are compared while a plan full of them is written."""
    rows = [finding("held", f"it is held {n}") for n in range(count)]
    changes = tuple(change(Action.DETACH, f"s{n}", f"v{n}", one) for n, one in enumerate(rows))
    made: dict[str, Any] = document(told(Plan(scope="주문", changes=changes, findings=tuple(rows))))
    ours = made["reconciler"]
    ours["findings"] = [Counted(row) for row in ours["findings"]]
    for one in ours["changes"]:
        one["refusals"] = [Counted(row) for row in one["refusals"]]
    Counted.compared = 0
    assert rendered(made, form)
    return Counted.compared
