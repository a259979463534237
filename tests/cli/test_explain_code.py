"""Every code that the program tells has a page, and `explain-code` finds it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

from reconciler.codes import FILES, Page, pages
from tests.architecture.codes import codes, guards, words

if TYPE_CHECKING:
    from tests.cli.running import Lab

PAGES = {page.code: page for page in pages()}
ELSEWHERE = {"after-attach", "cloud", "too-many-findings"}
"""Told in other ways than `tests.architecture.codes` reads."""
LONGEST_WORDS = 110


def test_every_code_has_a_page_and_every_page_a_use() -> None:
    told = codes().keys() | ELSEWHERE
    assert sorted(told - PAGES.keys()) == [], "add a page to reconciler/codes"
    assert sorted(PAGES.keys() - told) == [], "nothing tells these any more"
    assert words() >= ELSEWHERE


def test_no_code_has_two_pages() -> None:
    assert [code for code, count in Counter(p.code for p in pages()).items() if count > 1] == []


def test_a_page_says_what_why_and_what_to_do_and_is_short() -> None:
    assert [page.code for page in pages() if not _well_formed(page)] == []


def _well_formed(page: Page) -> bool:
    first, *rest = page.text.splitlines()
    labels = [line.partition(" ")[0] for line in rest[:2]]
    example = all(line == "Example:" or line.startswith("    ") for line in rest[2:])
    short = len(page.text.split()) <= LONGEST_WORDS
    return first.endswith(".") and labels == ["Why:", "Do:"] and example and short


def test_levels_are_in_order_and_their_pages_sorted() -> None:
    levels = list(dict.fromkeys(page.level for page in pages()))
    assert len(levels) == len(FILES)
    for level in levels:
        named = [page.code for page in pages() if page.level == level]
        assert named == sorted(named)


def test_guards_stand_at_the_levels_that_they_reach() -> None:
    beside = {"contradiction", "duplicate-entry", "duplicate-listing"}
    levels = {PAGES[code].level.partition(":")[0] for code in guards() if code not in beside}
    assert levels == {"scope", "entry", "change"}


def test_it_explains_one_code(lab: Lab) -> None:
    ran = lab.run("explain-code", "limit-detach")
    assert ran.code == 0
    assert ran.out.startswith("limit-detach\n(scope: nothing of this scope is changed")
    assert "--ack-detach shop-ecs=12" in ran.out
    assert lab.run("explain-code", "error[limit-detach]:").out == ran.out
    assert lab.run("explain-code", "`Limit-Detach`").out == ran.out


def test_a_misspelt_code_names_the_nearest(lab: Lab) -> None:
    ran = lab.run("explain-code", "limit-detch")
    assert (ran.code, ran.out) == (1, "")
    assert "did you mean `limit-detach`?" in ran.err
    assert "`reconciler explain-code` lists them" in lab.run("explain-code", "qqqq").err


def test_without_a_code_it_lists_all_of_them_by_level(lab: Lab) -> None:
    lines = lab.run("explain-code").out.splitlines()
    assert lines[0] == "whole set: nothing runs until it is put right"
    assert {line.split()[0] for line in lines if line.startswith("  ")} == PAGES.keys()


def test_a_diagnostic_tells_where_more_is_said(lab: Lab) -> None:
    ran = lab.run("plan", "-f", "nowhere.yaml")
    assert ran.err.endswith("More about a code: `reconciler explain-code file-not-found`\n")


def test_it_starts_lean() -> None:
    code = (
        "import sys; sys.argv = ['reconciler', 'explain-code', 'stale']\n"
        "from reconciler.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'asyncio', 'httpx', 'pydantic', 'sqlalchemy', 'starlette', 'yaml'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
