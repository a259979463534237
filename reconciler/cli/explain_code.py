"""`reconciler explain-code`: what a diagnostic code means, why it is told, what to do."""

from __future__ import annotations

import textwrap

import click

from reconciler.codes import Page, nearest, pages

WIDTH = 100
"""Columns; a diagnostic's own lines are about as long."""
LABELS = ("Why:", "Do:")


@click.command("explain-code")
@click.argument("code", required=False)
def verb(*, code: str | None) -> int:
    """Tell what CODE means, why it is told and what to do; without CODE, list every code."""
    if code is None:
        click.echo(_listed(), nl=False)
        return 0
    asked = code.rpartition("[")[2].strip("]:` ").lower()  # As it stands in a diagnostic, or bare.
    found = next((page for page in pages() if page.code == asked), None)
    if found is None:
        near = nearest(asked)
        hint = f"did you mean `{near}`?" if near else "`reconciler explain-code` lists them"
        raise click.UsageError(f"no code `{code}`: {hint}")
    click.echo(_explained(found), nl=False)
    return 0


def _listed() -> str:
    lines: list[str] = []
    level = ""
    width = max(len(page.code) for page in pages())
    for page in pages():
        if page.level != level:
            level = page.level
            lines += ["", level] if lines else [level]
        lines.append(f"  {page.code:<{width}}  {page.summary}")
    return "\n".join(lines) + "\n"


def _explained(page: Page) -> str:
    lines = [page.code, f"({page.level})", ""]
    for line in page.text.splitlines():
        if line.startswith(LABELS):
            lines += ["", *_wrapped(line)]
        elif line.startswith(" "):
            lines.append(line)
        elif line == "Example:":
            lines += ["", line]
        else:
            lines += _wrapped(line)
    return "\n".join(lines) + "\n"


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, break_on_hyphens=False, break_long_words=False)
