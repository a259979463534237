"""Where rows of a list were last seen, and with how few requests some can be seen again; pure.

1. A page shows a thousand rows and a request by ids sixty: some that were listed together cost less
   as the page that they were on.
2. A list isn't still: a row that has left its page is asked for by its id.
"""

from __future__ import annotations

from collections import defaultdict
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
    """On which page each of one kind of rows was last seen; nothing before the first listing."""

    pages: list[Collection[str]] = field(default_factory=list)
    _page_of: dict[str, int] | None = None
    """Made when many are looked at for the first time: a plan never needs it."""

    def listed(self, pages: Iterable[Collection[str]]) -> None:
        """Take in a listing."""
        self.pages, self._page_of = list(pages), None

    def seen(self, page: int, ids: Collection[str]) -> None:
        """Take in a page that was asked for again, unless a shorter listing came between."""
        if page >= len(self.pages):
            return
        index = self._indexed()
        for left in set(self.pages[page]).difference(ids):
            if index.get(left) == page:
                del index[left]
        self.pages[page] = ids
        index.update(dict.fromkeys(ids, page))

    def way(self, wanted: Collection[str]) -> Way:
        """Give the way to these rows that takes the fewest requests; ids where it is the same."""
        rows = set(wanted)
        best, turned = _by_ids(len(rows)), 0
        if best <= 1:
            return Way(ids=tuple(sorted(rows)))
        found: dict[int, set[str]] = defaultdict(set)
        index = self._indexed()
        for row in rows & index.keys():
            found[index[row]].add(row)
        pages = sorted(found, key=lambda page: (-len(found[page]), page))
        left = len(rows)
        for turns, page in enumerate(pages, start=1):
            left -= len(found[page])
            if turns + _by_ids(left) < best:
                best, turned = turns + _by_ids(left), turns
        taken = pages[:turned]
        rows.difference_update(*(found[page] for page in taken))
        return Way(pages=tuple(sorted(taken)), ids=tuple(sorted(rows)))

    def _indexed(self) -> dict[str, int]:
        if self._page_of is None:
            self._page_of = {row: page for page, ids in enumerate(self.pages) for row in ids}
        return self._page_of


def _by_ids(count: int) -> int:
    return -(-count // LOOK)
