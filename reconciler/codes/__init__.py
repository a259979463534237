"""What each diagnostic code means, why it is told, and what to do: one short page a code.

The pages stand in Markdown files beside this one, a file a level. Its first line names the level;
a page is a heading, a sentence, `Why:`, `Do:` and, where one helps, an `Example:`.
"""

from __future__ import annotations

import difflib
import pkgutil
from dataclasses import dataclass

FILES = ("whole-set", "scope", "entry", "change", "call", "stuck", "asking")
"""The levels, from those that hold everything back down to those that hold nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One code, explained."""

    code: str
    level: str
    """What it reaches, and what that means, as one line."""
    text: str
    """Everything below its heading."""

    @property
    def summary(self) -> str:
        """What it means, in one sentence."""
        return self.text.partition("\n")[0]


def pages() -> tuple[Page, ...]:
    """Give every page, level by level, sorted by code within each."""
    return tuple(page for name in FILES for page in _level(name))


def nearest(code: str) -> str | None:
    """Give the code that is most like a text; None when none is."""
    near = difflib.get_close_matches(code, [page.code for page in pages()], n=1)
    return near[0] if near else None


def _level(name: str) -> tuple[Page, ...]:
    read = pkgutil.get_data(__name__, f"{name}.md")
    assert read is not None, "the pages are part of the package"
    head, *parts = read.decode("utf-8").split("\n## ")
    level = head.strip().removeprefix("# ")
    split = (part.partition("\n") for part in parts)
    return tuple(Page(code=code, level=level, text=text.strip()) for code, _, text in split)
