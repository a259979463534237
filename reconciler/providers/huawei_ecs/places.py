"""Where rows of a list were last seen, and with how few requests some can be seen again; pure.

1. A page shows a thousand rows and a request by ids sixty: some that were listed together cost less
   as the page that they were on.
2. A list isn't still: a row that has left its page is asked for by its id.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

LOOK = 60
"""Ids of one look; ECS takes 100, and one number for both views is easier to think with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How some rows are looked at."""

    pages: tuple[int, ...] = ()
    """Pages to ask for, counted from 0."""
    ids: tuple[str, ...] = ()
    """Rows to ask for by id, sorted."""

    @property
    def requests(self) -> int:
        """The requests that it takes."""
        return len(self.pages) + _by_ids(len(self.ids))


@dataclass(slots=True)
class Places:
    """The ids on each page of one kind of rows, as last seen; nothing before the first listing."""

    pages: list[Collection[str]] = field(default_factory=list)

    def listed(self, pages: Iterable[Collection[str]]) -> None:
        """Take in a listing."""
        self.pages = list(pages)

    def seen(self, page: int, ids: Collection[str]) -> None:
        """Take in a page that was asked for again, unless a shorter listing came between."""
        if page < len(self.pages):
            self.pages[page] = ids

    def way(self, wanted: Collection[str]) -> Way:
        """Give the way to these rows that takes the fewest requests; ids where it is the same."""
        rest = set(wanted)
        best = Way(ids=tuple(sorted(rest)))
        if best.requests <= 1:
            return best
        found = ((number, rest.intersection(ids)) for number, ids in enumerate(self.pages))
        richest = sorted(found, key=lambda page: (-len(page[1]), page[0]))
        left, taken = rest, list[int]()
        for number, ids in richest:
            left = left - ids
            taken.append(number)
            requests = len(taken) + _by_ids(len(left))
            if requests < best.requests:
                best = Way(pages=tuple(sorted(taken)), ids=tuple(sorted(left)))
            if not left:
                break
        return best


def _by_ids(count: int) -> int:
    return -(-count // LOOK)
