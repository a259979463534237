"""What must become of a world by the manifest language alone: the house's plan isn't asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.campaign.story import Entries, Pair, Story
    from tests.campaign.worlds import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an undisturbed apply makes of a world."""

    possible: bool
    """Whether nothing stands in its way."""
    pairs: frozenset[Pair]
    """What both views show in the end, where it is possible."""
    flags: Mapping[Pair, bool]
    """What is written of `deleteOnTermination`."""


def owned(entries: Entries, pair: Pair) -> bool:
    """Tell whether an entry owns an attachment's row."""
    return pair[0] in entries.servers or pair[1] in entries.volumes


def unwanted(story: Story, entries: Entries, pair: Pair) -> bool:
    """Tell whether the manifests ask for an attachment to go."""
    if pair in entries.wanted():
        return False
    if pair in entries.absent():
        return True
    row = entries.servers.get(pair[0])
    kept = (row is not None and row.keeps_others) or not story.can.detach_keeps_data
    return owned(entries, pair) and not kept


def expected(story: Story, entries: Entries, truth: Truth) -> Expected:
    """Give what an undisturbed apply of these entries makes of a world at rest."""
    wanted = entries.wanted()
    leaving = {pair for pair in truth.views if unwanted(story, entries, pair)}
    coming = {pair for pair in wanted if pair not in truth.views}
    staying = truth.views.keys() - leaving
    flags = {pair: flag for pair, flag in wanted.items() if flag is not None}
    kept = not story.can.detach_keeps_data and any(p[1] not in story.agreed for p in leaving)
    possible = not (
        kept
        or any(_held(story, pair, staying) for pair in coming)
        or (coming and not story.can.attach)
        or any(view != "both" and _ours(story, entries, p) for p, view in truth.views.items())
        or any(pair[1] not in truth.volumes for pair in wanted)
    )
    return Expected(possible=possible, pairs=frozenset(staying | coming), flags=flags)


def _held(story: Story, pair: Pair, staying: set[Pair]) -> bool:
    return not story.sharing(pair[1]) and any(other[1] == pair[1] for other in staying)


def _ours(story: Story, entries: Entries, pair: Pair) -> bool:
    """Tell whether a crooked attachment stands in the way of something that is ours."""
    return pair in entries.wanted() or unwanted(story, entries, pair)
