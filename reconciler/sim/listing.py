"""Pages of a list: the order of the rows, and what a `listing` fault does to a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.sim.dice import Dice
    from reconciler.sim.rules import Rule


@dataclass(frozen=True, slots=True)
class Order:
    """Ids in a fixed order, and the place of each."""

    ids: tuple[str, ...]
    places: dict[str, int]

    @classmethod
    def of(cls, ids: Sequence[str]) -> Order:
        """Give the order of a sequence."""
        return cls(tuple(ids), {key: place for place, key in enumerate(ids)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The ids of one page, the count that the answer claims, and whether more follow."""

    ids: tuple[str, ...]
    count: int
    more: bool


def page(order: Order, start: int, limit: int, rule: Rule | None, dice: Dice) -> Page:
    """At most `limit` ids from `start` on, broken as the rule says."""
    fault = rule.fault if rule is not None and rule.kind == "listing" else ""
    count = len(order.ids)
    if fault == "drop-page":
        start += limit
    ids = order.ids[start : start + limit]
    if fault == "endless" and count:
        ids = tuple(order.ids[(start + step) % count] for step in range(limit))
    if fault == "duplicate":
        # The double stands beside its twin: the last id, which pages by marker go on
        # from, stays the same, so this fault loses nothing.
        ids = (*ids[:1], *ids)
    if fault == "reorder":
        ids = tuple(sorted(ids, key=lambda _: dice.uniform()))
    more = fault == "endless" or start + limit < count
    return Page(ids=ids, count=count + (fault == "lying-count"), more=more)


class History:
    """Earlier rows, kept only while a rule asks for stale listings.

    A row is as it was `age` ago when the first change after that moment kept a copy.
    What happened before the rule was set isn't known.
    """

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._kept: dict[tuple[str, str], list[tuple[float, object]]] = {}

    def keep(self, kind: str, key: str, row: object, now_s: float) -> None:
        """Remember a row as it was until now; forget what no rule can ask for."""
        kept = self._kept.setdefault((kind, key), [])
        kept.append((now_s, row))
        while kept and kept[0][0] < now_s - self.longest_s:
            kept.pop(0)

    def row(self, kind: str, key: str, moment_s: float) -> object | None:
        """Give the row as it was at a moment, or None when it has not changed since."""
        kept = self._kept.get((kind, key), ())
        return next((row for changed_s, row in kept if changed_s > moment_s), None)
