"""A plan as a comment of a pull request: what matters first, the rest folded, never too long.

1. All foreign text stands in code, where nothing is a mention, a link or HTML.
2. Above the fold: the counts, what is lost for good, what is refused. Below: everything, a scope a
   fold. What doesn't fit any more is a count.
3. The first line is a marker that nobody sees: whoever posts the comment finds the last one by it
   and replaces it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from reconciler.model.counting import counted
from reconciler.report.escape import code, fence, html_code, plain
from reconciler.report.text import ORDER, attachment, beside, finding_lines, sign, summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.report.document import Document

    Row = Mapping[str, object]

MARKER = "<!-- reconciler plan -->"
LONGEST = 65_000
"""GitHub refuses a comment of more than 65,536 characters."""
RESERVE = 600
"""Kept for the closing lines."""
SHOWN_FIRST = 10
"""How many refusals and destroys stand above the fold."""
COUNTS = ("attach", "detach", "move", "update", "destroy", "refused", "unchanged")


class _Paper:
    """Lines that stay within a length, counted as JavaScript and so GitHub counts characters."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._left = LONGEST - RESERVE

    def fits(self, *lines: str, later: Sequence[str] = ()) -> bool:
        """Write lines if all of them fit, and those that will close what they open."""
        every = (*lines, *later)
        needed = sum(len(line.encode("utf-16-le", "replace")) // 2 + 1 for line in every)
        if needed > self._left:
            return False
        self._left -= needed
        self.lines += lines
        return True


def plan_markdown(document: Document) -> str:
    """Give the comment, of at most 65,000 characters."""
    ours = cast("Mapping[str, Sequence[Row]]", document["reconciler"])
    paper = _Paper()
    paper.fits(MARKER, f"### {_title(ours)}", "")
    told = summary(ours)
    if told:
        paper.fits(*_table(ours), "", fence(told), *told, fence(told), "")
    _first(paper, ours)
    left = sum(_scope(paper, scope, ours["changes"]) for scope in ours["scopes"])
    left += _findings(paper, ours["findings"])
    if left:
        more = "more line that doesn't", "more lines that don't"
        paper.lines += [f"**And {counted(left, *more)} fit here:** see the whole plan.", ""]
    paper.lines.append(f"<sub>digest {code(str(ours['digest']))}</sub>")
    return "\n".join(paper.lines) + "\n"


def _title(ours: Mapping[str, object]) -> str:
    n = cast("Mapping[str, int]", ours["counts"])
    wrong = len(_errors(cast("Sequence[Row]", ours["findings"])))
    changes = sum(n[name] for name in COUNTS[:5])
    if not ours["scopes"]:
        return f"Plan: none, {counted(wrong, 'error')}"
    told = [counted(changes, "change")] if changes else []
    told += [f"{n['refused']} refused"] if n["refused"] else []
    told += [counted(wrong, "error")] if wrong else []
    return f"Plan: {', '.join(told) or 'nothing to change'}"


def _errors(findings: Sequence[Row]) -> list[Row]:
    return [finding for finding in findings if finding["severity"] == "error"]


def _table(ours: Mapping[str, object]) -> list[str]:
    counts = cast("Mapping[str, int]", ours["counts"])
    bold = [f"**{counts[name]}**" if counts[name] else "0" for name in COUNTS]
    return [f"| {' | '.join(COUNTS)} |", "|" + " ---: |" * len(COUNTS), f"| {' | '.join(bold)} |"]


def _first(paper: _Paper, ours: Mapping[str, Sequence[Row]]) -> None:
    """Write what a reviewer must not miss."""
    changes = ours["changes"]
    lost = [one for one in changes if sign(one) == "x"]
    _listed(paper, "deleted for good", [code(attachment(one)) for one in lost])
    wrong = _errors(ours["findings"])
    why = [f"{code(str(one['code']))} {code(str(one['summary']))}" for one in wrong]
    _listed(paper, "refused or wrong", why)


def _listed(paper: _Paper, title: str, told: Sequence[str]) -> None:
    if not told or not paper.fits(f"**{len(told)} {title}:**", ""):
        return
    shown = 0
    for line in told[:SHOWN_FIRST]:
        shown += paper.fits(f"* {line}")
    more = [f"* and {len(told) - shown} more"] if shown < len(told) else []
    paper.fits(*more, "")


def _scope(paper: _Paper, scope: Row, changes: Sequence[Row]) -> int:
    """Write one scope's fold; give how many of its lines had no room."""
    mine = [change for change in changes if change["scope"] == scope["name"]]
    ordered = sorted(mine, key=lambda change: ORDER.index(sign(change)))
    lines = [line for one in ordered for line in _lines(one)]
    for rows in ("unmanaged", "released", "accepted"):
        lines += [f"  {rows} {attachment(row)}" for row in cast("list[Row]", scope[rows])]
    lines += [f"  note: {plain(note)}" for note in cast("list[str]", scope["notices"])]
    title = f"Scope {html_code(str(scope['name']))} ({html_code(str(scope['provider']))})"
    counted = f"{len(mine)} change{'' if len(mine) == 1 else 's'}"
    return _fold(paper, f"{title}: {counted}", lines, "diff") if lines else 0


def _lines(change: Row) -> Iterator[str]:
    yield f"{sign(change)} {change['action']} {attachment(change)}{_why(change)}"
    yield from (f"    {line}" for line in beside(change))


def _why(change: Row) -> str:
    refusals = cast("list[Row]", change["refusals"])
    if refusals:
        return "  " + ", ".join(plain(str(one["code"])) for one in refusals)
    updates = cast("list[list[str]]", change["updates"])
    set_to = "".join(f"  {plain(name)}: {plain(was)} -> {plain(is_)}" for name, was, is_ in updates)
    return f"  {plain(str(change['reason']))}{set_to}"


def _findings(paper: _Paper, findings: Sequence[Row]) -> int:
    lines = [line for finding in findings for line in (*finding_lines(finding), "")]
    counted = f"{len(findings)} finding{'' if len(findings) == 1 else 's'}"
    return _fold(paper, counted, lines[:-1]) if findings else 0


def _fold(paper: _Paper, title: str, lines: list[str], language: str = "") -> int:
    """Write lines as a folded block of code; give how many of them had no room."""
    mark = fence(lines)
    closed = [mark, "", "</details>", ""]
    opened = ("<details>", f"<summary>{title}</summary>", "", mark + language)
    if not paper.fits(*opened, later=closed):
        return len(lines)
    kept = 0
    while kept < len(lines) and paper.fits(lines[kept]):
        kept += 1
    paper.lines += closed
    return len(lines) - kept
