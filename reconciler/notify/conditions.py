"""What a tick says that is worth telling; pure.

Told are drift and conflicts, fights, an open breaker, a scope that can't be looked at, and
manifests that are refused. Not told is what waits for an apply: whoever committed it knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.notice import Condition, Topic
from reconciler.model.watching import Answer, BreakerStanding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.model.watching import Difference, Fight, Tick, Watched

    Conditions = Mapping[str, Condition]

TOLD = frozenset({Answer.DRIFT, Answer.CONFLICT})
WORDS = {
    Kind.MISSING: "is missing",
    Kind.ADDED: "was attached by somebody else",
    Kind.MOVED: "was moved away",
    Kind.DISPUTED: "is shown by one view only",
    Kind.ATTACH: "isn't attached yet",
    Kind.DETACH: "is attached and shouldn't be",
    Kind.MOVE: "is on another server",
    Kind.UPDATE: "is set otherwise",
    Kind.DESTROY: "is there and shouldn't be",
    Kind.RELEASED: "is named by nobody any more",
}


def of_tick(tick: Tick, before: Conditions) -> Conditions:
    """Give what is so in a scope after a tick; `before` is what was so after the last one.

    A look that failed says nothing about attachments: what was so before still is.
    """
    if not tick.looked:
        kept = {i: one for i, one in before.items() if one.topic is not Topic.CANNOT_LOOK}
        again = {i: one for i, one in before.items() if one.topic is Topic.CANNOT_LOOK}
        return {**kept, **(again or _by_id(_unlooked(tick)))}
    return _by_id(_seen(tick))


def of_manifests(now: Watched) -> Conditions:
    """Give what is so of the manifests that all scopes share."""
    found = now.manifests.findings
    if not found:
        return {}
    which = f" (commit {now.manifests.refused_commit[:12]})" if now.manifests.refused_commit else ""
    words = f"newer manifests{which} are refused, the last good ones are in force: "
    one = Condition(
        topic=Topic.MANIFESTS,
        id=f"manifests|{now.manifests.refused_commit or ''}|{found[0].code}",
        scope=None,
        words=words + found[0].summary,
        since_s=now.manifests.read_s,
    )
    return {one.id: one}


def _by_id(found: Iterator[Condition]) -> Conditions:
    return {one.id: one for one in found}


def _unlooked(tick: Tick) -> Iterator[Condition]:
    why = tick.findings[0].summary if tick.findings else "nothing more is known"
    yield Condition(
        topic=Topic.CANNOT_LOOK,
        id=f"cannot look|{tick.scope}|{tick.began_s:.0f}",
        scope=tick.scope,
        words=f"it can't be looked at: {why}",
        since_s=tick.began_s,
    )


def _seen(tick: Tick) -> Iterator[Condition]:
    for row in tick.differences:
        if row.answer in TOLD:
            yield _different(row)
    for one in tick.fights:
        yield _fought(one, tick)
    if tick.breaker.standing is not BreakerStanding.CLOSED:
        yield Condition(
            topic=Topic.BREAKER,
            # Open and trial are the same trouble: it began when the first of them did.
            id=f"breaker|{tick.scope}",
            scope=tick.scope,
            words=f"it isn't corrected any more: {tick.breaker.failures} runs in a row failed",
            since_s=tick.breaker.since_s,
        )


def _different(row: Difference) -> Condition:
    found = f" (now on {row.found_server})" if row.found_server else ""
    return Condition(
        topic=Topic.DIFFERENCE,
        id=f"{row.answer.value}|{row.kind.value}|{row.key}|{row.first_s:.0f}",
        scope=row.key.scope,
        words=f"{row.answer.value}: {row.name.server}/{row.name.volume} {WORDS[row.kind]}{found}",
        since_s=row.first_s,
    )


def _fought(one: Fight, tick: Tick) -> Condition:
    return Condition(
        topic=Topic.FIGHT,
        id=f"fight|{one.key}",
        scope=tick.scope,
        words=(
            f"{one.name.server}/{one.name.volume} was taken back after {one.corrected} "
            "corrections: left alone"
        ),
        since_s=tick.began_s,
    )
